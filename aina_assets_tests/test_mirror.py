"""The real upstream files give the published figures, and every row can be walked back to them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from upath import UPath

from aina_assets.builds import Outcome
from aina_assets.location import all_models
from aina_assets.warehouse.digests import sha256_of_file
from aina_assets.warehouse.lineage import trace, trace_document
from aina_assets.warehouse.store import Store
from aina_assets_tests.conftest import MIRROR_LOCK, build_into


@pytest.fixture(scope="module")
def built(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    home = tmp_path_factory.mktemp("mirror_home")
    return home, build_into(home, lock=MIRROR_LOCK, cache=mirror)


@pytest.fixture(scope="module")
def release(built: tuple[Path, Outcome]) -> duckdb.DuckDBPyConnection:
    home, _ = built
    return duckdb.connect(str(home / "releases" / "current" / "aina.duckdb"), read_only=True)


def test_every_check_passes_and_every_recorded_figure_is_reproduced(
    built: tuple[Path, Outcome],
) -> None:
    _, outcome = built
    assert outcome.failed == {}
    assert outcome.checks_failed == []
    assert outcome.is_good


def test_the_second_build_runs_nothing(built: tuple[Path, Outcome], mirror: Path) -> None:
    home, _ = built
    again = build_into(home, lock=MIRROR_LOCK, cache=mirror)
    assert again.run == {}
    assert again.is_good


def test_soc_map_is_the_union_of_three_sources(release: duckdb.DuckDBPyConnection) -> None:
    counts = release.execute(
        "SELECT count(*), sum(has_exposure::INT), sum(has_legacy_signal::INT),"
        " sum(has_gdpval::INT) FROM soc_map"
    ).fetchone()
    assert counts == (907, 756, 821, 44)


def test_gdpval_has_five_tasks_in_each_of_44_groups(release: duckdb.DuckDBPyConnection) -> None:
    assert release.execute("SELECT DISTINCT task_count FROM gdpval_soc_map").fetchall() == [(5,)]
    assert release.execute("SELECT count(*) FROM gdpval_soc_map").fetchone() == (44,)


def test_every_row_that_gdpval_touches_is_for_internal_use_only(
    release: duckdb.DuckDBPyConnection,
) -> None:
    for table, where in (
        ("gdpval_tasks", "true"),
        ("gdpval_task_map", "true"),
        ("gdpval_soc_map", "true"),
        ("soc_map", "has_gdpval"),
    ):
        uses = release.execute(f"SELECT DISTINCT allowed_use FROM {table} WHERE {where}").fetchall()
        assert uses == [("internal_only",)], table
    (open_rows,) = release.execute(
        "SELECT count(*) FROM soc_map WHERE NOT has_gdpval AND allowed_use = 'internal_only'"
    ).fetchall()
    assert open_rows == (0,)


def test_a_missing_file_is_zero_rows_and_a_reason(release: duckdb.DuckDBPyConnection) -> None:
    assert release.execute("SELECT count(*) FROM task_ratings").fetchone() == (0,)
    reason = release.execute(
        "SELECT status, reason FROM source_files WHERE input = 'onet_task_ratings'"
    ).fetchone()
    assert reason == ("absent", "not_on_disk")


def test_a_row_is_walked_back_to_files_hashes_and_licences(
    built: tuple[Path, Outcome], mirror: Path
) -> None:
    home, _ = built
    found = trace(Store(UPath(home)), all_models(), "soc_map", "13-2011")
    text = json.dumps(trace_document(found))
    provenance = (mirror / "PROVENANCE.csv").read_text(encoding="utf-8")
    for path in (
        "huggingface/Anthropic/EconomicIndex/labor_market_impacts/job_exposure.csv",
        "huggingface/Anthropic/EconomicIndex/release_2025_02_10/wage_data.csv",
        "huggingface/openai/gdpval/data/train-00000-of-00001.parquet",
        "bls/soc/soc_structure_2018.xlsx",
    ):
        line = next(line for line in provenance.splitlines() if line.startswith(path))
        assert path in text
        assert line.split(",")[1] in text
    assert "2ea58ff75e4247d26810c37f10c179edc2466cac" in text


def test_changing_one_input_runs_only_what_depends_on_it(
    built: tuple[Path, Outcome], mirror: Path, tmp_path: Path
) -> None:
    home, _ = built
    copy = tmp_path / "home"
    shutil.copytree(home, copy, symlinks=True)
    cache = tmp_path / "cache"
    shutil.copytree(mirror, cache)
    moved = build_into(copy, lock=MIRROR_LOCK, cache=cache)
    assert all(asset.startswith("upstream/") for asset in moved.run), "only the place changed"

    changed = cache / "onet" / "db_29_3_text" / "Job Zones.txt"
    lines = changed.read_text(encoding="utf-8").splitlines()
    before, after = lines[1], lines[1].replace("\t5\t", "\t4\t", 1)
    assert before != after
    changed.write_text("\n".join([lines[0], after, *lines[2:]]) + "\n", encoding="utf-8")
    refused = build_into(copy, lock=MIRROR_LOCK, cache=cache)
    assert set(refused.failed) == {"upstream/onet_job_zones"}
    assert "sha256" in refused.failed["upstream/onet_job_zones"]

    lock = tmp_path / "lock.yaml"
    text = MIRROR_LOCK.read_text(encoding="utf-8")
    old, _ = sha256_of_file(mirror / "onet" / "db_29_3_text" / "Job Zones.txt")
    new, size = sha256_of_file(changed)
    lock.write_text(text.replace(old, new), encoding="utf-8")
    assert size == (mirror / "onet" / "db_29_3_text" / "Job Zones.txt").stat().st_size
    rebuilt = build_into(copy, lock=lock, cache=cache)
    assert rebuilt.is_good
    assert set(rebuilt.run) == {
        "upstream/sources_lock",
        "upstream/onet_job_zones",
        "source_ledger",
        "source_files",
        "hf_ingest_summary",
        "job_zones",
        "check_results",
        "manifest",
        "release",
    }
