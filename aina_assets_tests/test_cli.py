"""The command line: what it prints for machines, what it says to people, how it exits.

Exit codes: 0 all good; 1 something failed, and the rest was done; 2 nothing was tried, and why.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from filelock import FileLock
from typer.testing import CliRunner, Result

from aina_assets import cli, location
from aina_assets.sources import assets as source_assets
from aina_assets.warehouse import settings
from aina_assets.warehouse.settings import AUTHORED, PROJECT_ROOT

SAMPLE = AUTHORED / "sample"
PROMISED_KEYS = {
    *("assets_run", "assets_skipped", "assets_failed", "checks_passed", "checks_failed"),
    *("release_id", "release_path", "seconds"),
}


@pytest.fixture
def home(sample_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A warehouse of one's own with the sample built."""
    mine = tmp_path / "home"
    shutil.copytree(sample_home, mine, symlinks=True)
    monkeypatch.setenv("AINA_HOME", str(mine))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("AINA_LOCK", raising=False)
    monkeypatch.delenv("AINA_CACHE", raising=False)
    return mine


def aina(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def changed_lock(folder: Path, **fields: Any) -> Path:
    """The sample's lock with other fields for the job zones' file; the files stay in place."""
    document = yaml.safe_load((SAMPLE / "sources.lock.yaml").read_text(encoding="utf-8"))
    for file in document["sources"]["onet"]["files"]:
        if file["input"] == "onet_job_zones":
            file.update(fields)
    path = folder / "changed.lock.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


JOB_ZONES = 'key:"upstream/onet_job_zones" or key:"job_zones"'


# ------------------------------------------------------------------------------------------- build


def test_a_second_build_runs_nothing_and_says_so_to_machines(home: Path) -> None:
    result = aina("build", "--json")

    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert summary.keys() >= PROMISED_KEYS
    assert summary["assets_run"] == 0
    assert summary["assets_failed"] == 0
    assert summary["checks_failed"] == 0
    assert summary["assets_skipped"] > 80
    link = home / "releases" / "current"
    assert summary["release_id"] == link.readlink().name
    assert Path(summary["release_path"]) == link / "aina.duckdb"
    assert summary["seconds"] >= 0


def test_the_installed_command_prints_one_json_object_and_nothing_else(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from aina_assets.cli import app; app()", "build", "--json"],
        env={**os.environ, "AINA_HOME": str(home)},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout)["assets_run"] == 0
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_a_selection_is_forced_and_nothing_else_is_touched(home: Path) -> None:
    result = aina("build", "--json", "--full", "--select", 'key:"job_zones"')

    summary = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (summary["assets_run"], summary["assets_skipped"]) == (1, 0)
    assert summary["checks_passed"] == 6


def test_a_build_tells_people_what_it_did(home: Path) -> None:
    result = aina("build", "--full", "--select", 'key:"job_zones"')

    assert result.exit_code == 0
    assert "job_zones" in result.stdout
    for label in ("assets run", "assets skipped", "checks passed", "release", "path", "seconds"):
        assert label in result.stdout


def test_a_failed_build_exits_with_one_and_names_the_cause(home: Path, tmp_path: Path) -> None:
    lock = changed_lock(tmp_path, sha256="0" * 64)
    arguments = ("build", "--lock", lock, "--cache", SAMPLE, "--select", JOB_ZONES)
    release = (home / "releases" / "current").readlink().name

    machine = aina(*arguments, "--json")

    assert machine.exit_code == 1
    summary = json.loads(machine.stdout)
    assert summary["assets_failed"] == 1
    assert summary["checks_failed"] == 1
    assert summary["blocked"] == ["job_zones"]
    assert summary["release_id"] == release, "the last good one"
    (message,) = summary["failures"].values()
    for part in ("expected sha256 000", "found sha256", "Job Zones.txt", "What to do:"):
        assert part in message

    people = aina(*arguments)

    assert people.exit_code == 1
    assert "failed upstream/onet_job_zones" in people.stdout
    assert "What to do:" in people.stdout
    assert "last good one" in people.stdout
    assert "held up by a failure" in people.stdout


def test_a_run_that_cannot_start_is_a_failure(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was made, so nothing may count as fresh."""

    def unusable(_: dg.InitResourceContext) -> None:
        raise RuntimeError("no such device")

    bound = location.resources

    def with_unusable_engine(**options: Any) -> dict[str, Any]:
        return {**bound(**options), "duckdb": dg.ResourceDefinition(unusable)}

    monkeypatch.setattr(location, "resources", with_unusable_engine)

    result = aina("build", "--json", "--full", "--select", 'key:"soc_map" or key:"task_exposure"')

    assert result.exit_code == 1
    summary = json.loads(result.stdout)
    assert set(summary["failures"]) == {"soc_map", "task_exposure"}
    assert summary["assets_skipped"] == 0
    assert "no such device" in summary["failures"]["soc_map"]


def test_a_fetch_step_that_breaks_down_is_a_failure_of_its_files(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError("not foreseen")

    monkeypatch.setattr(source_assets, "obtain", break_down)

    result = aina("build", "--json", "--full", "--select", '+key:"soc_crosswalks"')

    assert result.exit_code == 1
    summary = json.loads(result.stdout)
    assert set(summary["failures"]) == {
        "upstream/soc_2010_to_2018",
        "upstream/onet_soc_2010_to_2019",
        "upstream/onet_soc_2019_to_soc_2018",
    }
    assert summary["blocked"] == ["soc_crosswalks"]
    assert "not foreseen" in str(summary["failures"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sources: [", "YAML"),
        ("version: 1\nname: x\nsources: {}\nsorces: {}\n", "sorces"),
        (None, "No such file"),
    ],
)
def test_a_broken_lock_exits_with_two_and_a_message(
    home: Path, tmp_path: Path, text: str | None, found: str
) -> None:
    lock = tmp_path / "broken.lock.yaml"
    if text is not None:
        lock.write_text(text, encoding="utf-8")

    for command in ("build", "status"):
        result = aina(command, "--lock", lock)

        assert result.exit_code == 2
        for part in ("LockError", "expected", "found", "what to do", "aina sources lock", found):
            assert part in result.stderr
        assert "broken.lock.yaml" in result.stderr
        assert "Traceback" not in result.output
        assert not result.stdout


@pytest.mark.parametrize("selection", ["key:(", 'key:"no_such_table"', "nonsense and"])
def test_a_selection_that_names_nothing_exits_with_two(home: Path, selection: str) -> None:
    result = aina("build", "--select", selection)

    assert result.exit_code == 2
    assert "expected" in result.stderr
    assert "soc_map" in result.stderr, "an example that works"
    assert not result.stdout


def test_a_second_writer_is_refused_with_a_message(home: Path) -> None:
    with FileLock(home / "build.lock"):
        result = aina("build")

    assert result.exit_code == 2
    assert "WarehouseBusy" in result.stderr
    assert "--wait" in result.stderr


# ------------------------------------------------------------------------------------------ status


def test_status_says_that_all_is_fresh(home: Path) -> None:
    result = aina("status")

    assert result.exit_code == 0
    assert "Everything is fresh." in result.stdout
    assert "sample" in result.stdout
    assert (home / "releases" / "current").readlink().name in result.stdout


def test_status_says_what_is_stale_and_why(home: Path) -> None:
    (snapshot,) = (home / "snapshots" / "gdpval_soc_map").iterdir()
    snapshot.unlink()

    stale = json.loads(aina("status", "--json").stdout)["stale"]

    assert stale["gdpval_soc_map"] == "its snapshot is gone"
    assert stale["soc_map"] == "its input gdpval_soc_map may change"
    assert "occupations" not in stale
    people = aina("status", "--select", 'key:"gdpval_soc_map"')
    assert "its snapshot is gone" in people.stdout
    assert "soc_map may change" not in people.stdout


def test_a_record_that_cannot_be_read_is_a_message(home: Path) -> None:
    (home / "state" / "soc_map.json").write_text("{", encoding="utf-8")

    result = aina("status")

    assert result.exit_code == 2
    assert "SnapshotCorrupt" in result.stderr
    assert "soc_map.json" in result.stderr


def test_status_of_an_empty_warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AINA_HOME", str(tmp_path / "nothing"))

    document = json.loads(aina("status", "--json").stdout)

    assert set(document["stale"].values()) == {"never built"}
    assert document["release_id"] is None
    assert not (tmp_path / "nothing").exists(), "looking changes nothing"


# ----------------------------------------------------------------------------------------- sources


def test_two_locks_that_say_the_same(home: Path) -> None:
    lock = SAMPLE / "sources.lock.yaml"

    assert "say the same" in aina("sources", "diff", lock, lock).stdout
    assert json.loads(aina("sources", "diff", lock, lock, "--json").stdout) == []


def test_diff_says_what_changes_between_two_locks(home: Path, tmp_path: Path) -> None:
    lock = SAMPLE / "sources.lock.yaml"
    changed = changed_lock(tmp_path, sha256="0" * 64, size_bytes=7)

    result = aina("sources", "diff", lock, changed, "--json")

    changes = {change["field"]: change for change in json.loads(result.stdout)}
    assert result.exit_code == 0
    assert set(changes) == {"sha256", "size_bytes"}
    assert changes["size_bytes"]["after"] == 7
    assert changes["sha256"]["source"] == "onet"
    assert changes["sha256"]["file"].endswith("Job Zones.txt")
    people = aina("sources", "diff", lock, changed).stdout
    assert "size_bytes" in people
    assert "Job Zones.txt" in people


def test_a_lock_is_refreshed_from_the_files_on_disk(home: Path, tmp_path: Path) -> None:
    files = tmp_path / "files"
    shutil.copytree(SAMPLE, files)
    zones = files / "onet" / "db_sample_text" / "Job Zones.txt"
    zones.write_bytes(zones.read_bytes().replace(b"\t4\t", b"\t5\t"))

    result = aina("sources", "lock", "--from", files)

    assert result.exit_code == 0, result.output
    assert "Job Zones.txt" in result.stdout
    changes = json.loads(
        aina(
            "sources", "diff", SAMPLE / "sources.lock.yaml", files / "sources.lock.yaml", "--json"
        ).stdout
    )
    assert {change["file"].rpartition("/")[2] for change in changes} == {"Job Zones.txt"}
    again = aina("sources", "lock", "--from", files)
    assert again.exit_code == 0


def test_a_lock_cannot_be_made_of_no_folder(home: Path, tmp_path: Path) -> None:
    result = aina("sources", "lock", "--from", tmp_path / "nowhere")

    assert result.exit_code == 2
    assert "nowhere" in result.stderr


# -------------------------------------------------------------------------- dictionary and lineage


def test_the_data_dictionary_is_current() -> None:
    result = aina("dictionary", "--check")

    assert result.exit_code == 0, "run `aina dictionary` and commit docs/data_dictionary.md"


def test_a_data_dictionary_that_is_behind_is_seen_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "PROJECT_ROOT", tmp_path)
    (tmp_path / "docs").mkdir()

    assert aina("dictionary", "--check").exit_code == 1
    assert aina("dictionary").exit_code == 0
    assert aina("dictionary", "--check").exit_code == 0
    written = (tmp_path / "docs" / "data_dictionary.md").read_text(encoding="utf-8")
    assert "## soc_map" in written
    assert "`exposure_has_value`" in written


def test_a_row_is_traced_to_files_hashes_releases_and_licences(home: Path) -> None:
    people = aina("trace", "soc_map", "13-2011")
    machine = aina("trace", "soc_map", "13-2011", "--json")

    assert people.exit_code == 0, people.output
    for part in ("soc_map", "13-2011", "sha256", "CC0-1.0", ".csv"):
        assert part in people.stdout
    assert json.loads(machine.stdout)


@pytest.mark.parametrize(("table", "key"), [("soc_map", "00-0000"), ("no_such_table", "1")])
def test_a_row_that_is_not_there_exits_with_two(home: Path, table: str, key: str) -> None:
    result = aina("trace", table, key)

    assert result.exit_code == 2
    assert "expected" in result.stderr
    assert "Traceback" not in result.output


def test_lineage_is_exported_one_event_a_line(home: Path, tmp_path: Path) -> None:
    printed = aina("lineage")
    written = aina("lineage", "--out", tmp_path / "events.jsonl")

    assert printed.exit_code == written.exit_code == 0
    events = [json.loads(line) for line in printed.stdout.splitlines()]
    assert {"soc_map", "occupations"} <= {event["job"]["name"] for event in events}
    lines = (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(events)


def test_help_is_there_for_every_command() -> None:
    for command in ((), ("build",), ("status",), ("trace",), ("sources", "diff")):
        result = aina(*command, "--help")
        assert result.exit_code == 0
        assert "Usage" in result.stdout
