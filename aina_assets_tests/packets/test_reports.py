"""The reports: deterministic, offline, readable to everybody, and true to their JSON."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from aina_assets.contracts.receipts import Receipt
from aina_assets.packets.assets import TEMPLATES
from aina_assets.packets.coverage_report import (
    ADJUDICATION,
    adjudication_lines,
    coverage_document,
    coverage_files,
)
from aina_assets.packets.policy import PacketRules
from aina_assets.packets.quality_report import (
    inconsistent_lines,
    quality_document,
    quality_files,
)
from aina_assets.warehouse.receipts import ReceiptSpec, read_receipt, receipt_of
from aina_assets.warehouse.reports import (
    count_text,
    digest_of_files,
    loads_from_elsewhere,
    percent_text,
    share_text,
)
from aina_assets.warehouse.store import Record, Store
from aina_assets.work_graph.policy import Families, Icp
from aina_assets_tests.packets import frames
from aina_assets_tests.packets.conftest import Frames

REPORTS = ("title_coverage_report", "packet_quality_report")
GATES = ("semantic_review_v1", "hf_runtime_map_v1", "packet_quality_v1")


def adjudication_receipt(items: pa.Table) -> Receipt:
    spec = ReceiptSpec(ADJUDICATION, counted="figure", valued="value")
    return receipt_of(spec, items, Record("title_adjudication", "0" * 64, "code", "settings", {}))


def coverage_report(con: duckdb.DuckDBPyConnection, made: Frames) -> dict[str, bytes]:
    document = coverage_document(
        con,
        made["title_coverage"],
        frames.evidence(),
        frames.thresholds(),
        frames.evaluation(),
        made["roles"],
        made["source_ledger"],
        made["title_adjudication"],
        Families.load(),
        Icp.load(),
        {ADJUDICATION: adjudication_receipt(made["title_adjudication"])},
        {"title_coverage": "0" * 64},
    )
    return coverage_files(document, adjudication_lines(made["title_coverage"]), TEMPLATES)


def quality_report(con: duckdb.DuckDBPyConnection, sample: Store) -> dict[str, bytes]:
    receipts: dict[str, Receipt] = {}
    for gate in GATES:
        receipt = read_receipt(sample, gate)
        assert receipt is not None
        receipts[gate] = receipt
    document = quality_document(
        con,
        sample.read("packets"),
        sample.read("packet_reviews"),
        sample.read("packet_review_rules"),
        sample.read("packet_quality"),
        sample.read("hf_runtime_map"),
        PacketRules.load(),
        Families.load(),
        receipts,
        {"packets": "0" * 64},
    )
    return quality_files(document, inconsistent_lines(sample.read("packet_reviews")), TEMPLATES)


@pytest.fixture(params=REPORTS)
def rendered(
    request: pytest.FixtureRequest, con: duckdb.DuckDBPyConnection, sample: Store, by_hand: Frames
) -> tuple[str, dict[str, bytes]]:
    """A report's name and files."""
    if request.param == "title_coverage_report":
        return request.param, coverage_report(con, by_hand)
    return request.param, quality_report(con, sample)


class Reader(HTMLParser):
    """What people read of a page, its drawings and style left out; and its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("svg", "style"):
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if not self._within:
            self.texts.append(data)


def read(page: bytes) -> Reader:
    reader = Reader()
    reader.feed(page.decode())
    return reader


def values(document: Any) -> Iterator[Any]:
    """Every plain value of a JSON document, keys included."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield key
            yield from values(value)
    elif isinstance(document, list):
        for item in document:
            yield from values(item)
    else:
        yield document


NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?%?")


def sayable(document: Any) -> set[str]:
    """Every number a page may show: those of the document, as pages write them."""
    found: set[str] = set()
    for value in values(document):
        if isinstance(value, str):
            found.update(NUMBER.findall(value.replace("_", " ")))
            found.update(NUMBER.findall(value))
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            found.update((share_text(value), percent_text(value), str(value)))
            if isinstance(value, int):
                found.add(count_text(value))
    return found


def test_every_number_of_the_page_is_in_the_document(
    rendered: tuple[str, dict[str, bytes]],
) -> None:
    name, files = rendered
    allowed = sayable(json.loads(files[f"{name}.json"]))
    shown = [
        number for text in read(files[f"{name}.html"]).texts for number in NUMBER.findall(text)
    ]
    assert len(shown) > 50
    assert set(shown) - allowed == set()
    in_text = set(NUMBER.findall(files[f"{name}.md"].decode()))
    assert in_text - allowed == set()


def test_it_loads_nothing_from_elsewhere(rendered: tuple[str, dict[str, bytes]]) -> None:
    name, files = rendered
    page = files[f"{name}.html"]
    assert loads_from_elsewhere(page) == []
    tags = {tag for tag, _ in read(page).tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed"}


def test_every_drawing_names_itself_and_stands_beside_its_table(
    rendered: tuple[str, dict[str, bytes]],
) -> None:
    name, files = rendered
    page = files[f"{name}.html"].decode()
    figures = re.findall(r"<figure>.*?</figure>", page, re.DOTALL)
    assert figures
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for figure in figures:
        assert figure.count("<svg") == 1
        assert figure.count("<table") == 1
        assert "<figcaption>" in figure
        drawing = figure[figure.index("<svg") : figure.index("</svg>")]
        labels = re.search(r'role="img" aria-labelledby="([^"]+)"', drawing)
        assert labels is not None
        for label in labels[1].split():
            assert f'id="{label}"' in drawing
        assert "<title" in drawing
        assert "<desc" in drawing


def test_headings_go_down_one_at_a_time_and_tables_have_heads(
    rendered: tuple[str, dict[str, bytes]],
) -> None:
    name, files = rendered
    reader = read(files[f"{name}.html"])
    levels = [int(tag[1]) for tag, _ in reader.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    counts = {tag: sum(1 for found, _ in reader.tags if found == tag) for tag in ("table", "thead")}
    assert counts["table"] == counts["thead"]
    assert dict(reader.tags)["html"]["lang"] == "en"


def test_the_same_inputs_give_the_same_bytes(
    con: duckdb.DuckDBPyConnection, by_hand: Frames
) -> None:
    with duckdb.connect() as other:
        assert coverage_report(con, by_hand) == coverage_report(other, by_hand)


def test_titles_are_shown_as_text(con: duckdb.DuckDBPyConnection, by_hand: Frames) -> None:
    rude = '<script src="//x.example/x.js"></script>|Chief & Co'
    made = {**by_hand, "title_coverage": frames.coverage([frames.title_row(rude)])}

    files = coverage_report(con, made)

    page = files["title_coverage_report.html"]
    assert b"<script" not in page
    assert b"&lt;script" in page
    assert loads_from_elsewhere(page) == []
    assert b"\\|Chief" in files["title_coverage_report.md"]


def test_adjudication_inputs_are_complete(con: duckdb.DuckDBPyConnection, by_hand: Frames) -> None:
    files = coverage_report(con, by_hand)
    document = json.loads(files["title_coverage_report.json"])
    lines = [json.loads(line) for line in files["adjudication_inputs.jsonl"].splitlines()]
    asked = [
        row
        for row in by_hand["title_coverage"].to_pylist()
        if row["service_tier"] == "multi_llm_adjudication_required"
    ]
    assert [line["title_id"] for line in lines] == [row["title_id"] for row in asked]
    assert document["adjudication"]["rows"] == len(asked) > 0
    for line in lines:
        assert {"title", "candidates", "evidence", "question", "promotion_rule"} <= line.keys()
        assert line["evidence"]["reasons"]


def test_what_was_decided_is_as_the_receipt_says(sample: Store, sample_home: Path) -> None:
    receipt = read_receipt(sample, ADJUDICATION)
    assert receipt is not None
    folder = sample_home / "reports" / "title_coverage_report"
    document = json.loads((folder / "title_coverage_report.json").read_text())
    shown = {row["figure"]: row["value"] for row in document["adjudication"]["figures"]}
    assert shown == receipt.counts
    assert shown["promoted"] > 0
    page = (folder / "title_coverage_report.html").read_text()
    for row in document["adjudication"]["figures"]:
        assert f"{row['value']:,} {row['unit']}" in page, row


def test_counts_of_the_coverage_report_add_up(
    con: duckdb.DuckDBPyConnection, by_hand: Frames
) -> None:
    document = json.loads(coverage_report(con, by_hand)["title_coverage_report.json"])
    total = by_hand["title_coverage"].num_rows
    assert document["totals"]["rows"] == total
    for part in ("service_tiers", "by_list", "by_family", "fallback_tiers", "code_levels", "rungs"):
        assert sum(row["rows"] for row in document[part]) == total, part
    tiers: Mapping[str, int] = {
        row["service_tier"]: row["rows"] for row in document["service_tiers"]
    }
    assert sum(row["rows"] for row in document["exclusion_reasons"]) == tiers["exclude_or_not_icp"]
    assert all(row["precision"] <= 1 for row in document["precision_by_coverage"])


def test_an_empty_universe_is_a_report_too(con: duckdb.DuckDBPyConnection, by_hand: Frames) -> None:
    made = {**by_hand, "title_coverage": by_hand["title_coverage"].slice(0, 0)}
    document = json.loads(coverage_report(con, made)["title_coverage_report.json"])
    assert document["totals"]["rows"] == 0


@pytest.mark.parametrize("name", REPORTS)
def test_the_build_keeps_digests_of_what_it_wrote(
    sample: Store, sample_home: Path, name: str
) -> None:
    record = sample.record(name)
    assert record is not None
    folder = sample_home / "reports" / name
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {f"reports/{name}/{file}" for file in files} == {
        entry["path"] for entry in record.details["files"]
    }
    for entry in record.details["files"]:
        content = files[Path(entry["path"]).name]
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert entry["size_bytes"] == len(content)
    assert record.data_version == digest_of_files(files)
    assert all(finding["passed"] for finding in record.findings)
