"""A list in a file is routed row for row, through the release alone."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from aina_assets.cli import app
from aina_assets.contracts.errors import AinaError
from aina_assets.titles.files import route_file, router_of
from aina_assets.titles.routing import BATCH_ROWS, ROUTED, Router
from aina_assets.titles.vocabulary import PROMOTED
from aina_assets_tests.conftest import home_set_to

RAW = ["Marketing Managers", "", 'a "quoted", title', "two\nlines", "ОПЕРАТОР 🚜", "n/a"]


def written(path: Path, titles: list[str], header: str = "title") -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", header])
        writer.writerows([number, title] for number, title in enumerate(titles))
    return path


def test_every_row_in_order_and_nothing_else(sample_home: Path, tmp_path: Path) -> None:
    titles = RAW * 5
    source = written(tmp_path / "in.csv", titles)
    target = tmp_path / "out.parquet"

    with home_set_to(sample_home):
        done = CliRunner().invoke(app, ["titles", "route", str(source), "--out", str(target)])

    assert done.exit_code == 0, done.output
    assert f"routed {len(titles)} titles" in done.output
    table = pq.read_table(target)
    assert tuple(table.column_names) == ROUTED
    assert table["title"].to_pylist() == titles


def test_the_release_routes_as_the_asset_did(
    sample_home: Path, router: Router, tmp_path: Path
) -> None:
    database = sample_home / "releases" / "current" / "aina.duckdb"
    source = written(tmp_path / "in.csv", RAW)

    count = route_file(router_of(database), source, tmp_path / "out.parquet", has_candidates=True)

    assert count == len(RAW)
    expected = pa.Table.from_batches([router.route(RAW)]).select([*ROUTED, "candidates"])
    assert pq.read_table(tmp_path / "out.parquet").equals(expected)


def test_a_title_decided_on_is_routed_as_it_was_promoted(sample_home: Path) -> None:
    database = sample_home / "releases" / "current" / "aina.duckdb"
    names = ["title", "code", "code_level", "fallback_tier", "service_tier", "role_id", "reasons"]
    with duckdb.connect(str(database), read_only=True) as con:
        served = con.table("title_coverage").to_arrow_table()
        kept_open = "SELECT title FROM title_coverage WHERE service_tier = $1 LIMIT 5"
        waiting = con.execute(kept_open, ["multi_llm_adjudication_required"]).fetchall()
    expected = [
        {name: row[name] for name in names}
        for row in served.to_pylist()
        if row["reasons"][-1:] and row["reasons"][-1].startswith(PROMOTED)
    ]
    assert expected

    router = router_of(database)
    found = router.route([row["title"] for row in expected]).select(names).to_pylist()

    assert found == expected
    still = router.route([title for (title,) in waiting])["service_tier"].to_pylist()
    assert set(still) == {"multi_llm_adjudication_required"}


def test_two_runs_are_the_same_bytes_and_batches_do_not_show(
    router: Router, tmp_path: Path
) -> None:
    titles = [f"{title} {number}" for number in range(-(-BATCH_ROWS // 6) + 1) for title in RAW[:6]]
    source = written(tmp_path / "in.csv", titles)
    targets = [tmp_path / name for name in ("one.parquet", "two.parquet")]

    for target in targets:
        route_file(router, source, target)

    assert targets[0].read_bytes() == targets[1].read_bytes()
    assert pq.read_table(targets[0])["title"].to_pylist() == titles


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name\nSales Manager\n", "title"),
        (b"title\n\xff\xfe\n", "UTF"),
        (b"id,title\n1,Sales Manager\n2\n", "columns"),
        (None, "No such file"),
    ],
    ids=["no title column", "not UTF-8", "short row", "no file"],
)
def test_a_list_that_cannot_be_read_leaves_the_last_result(
    router: Router, tmp_path: Path, content: bytes | None, said: str
) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.parquet"
    target.write_bytes(b"the last good result")
    if content is not None:
        source.write_bytes(content)

    with pytest.raises(AinaError) as caught:
        route_file(router, source, target)

    assert said.lower() in caught.value.found.lower()
    assert caught.value.where == str(source)
    assert target.read_bytes() == b"the last good result"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["out.parquet", *(["in.csv"] if content is not None else [])]
    )


def test_one_title_explained(sample_home: Path) -> None:
    with home_set_to(sample_home):
        told = CliRunner().invoke(app, ["title", "Sr. Growth Mktg Mgr (Remote) - Acme"])
        data = CliRunner().invoke(app, ["title", "Sales Managers", "--json"])

    assert told.exit_code == 0, told.output
    for words in ("growth marketing manager", "acme", "service tier", "evidence and bars"):
        assert words in told.output
    explained = json.loads(data.output)
    assert explained["result"]["code"] == "11-2022.00"
    assert explained["result"]["service_tier"] == "serve_now"
    assert explained["known"][0]["rung"] == "exact"


def test_without_a_release_it_says_what_to_do(tmp_path: Path) -> None:
    with home_set_to(tmp_path):
        done = CliRunner().invoke(app, ["title", "Sales Manager"])

    assert done.exit_code == 2
    assert "aina build" in done.output + done.stderr
