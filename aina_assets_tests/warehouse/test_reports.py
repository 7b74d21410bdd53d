"""Reports in the warehouse: escaped, offline, written whole, told apart by their bytes."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest
from upath import UPath

from aina_assets.warehouse import charts
from aina_assets.warehouse.plan import Node, reason_to_build
from aina_assets.warehouse.report_assets import judge_report
from aina_assets.warehouse.reports import (
    digest_of_files,
    digest_of_templates,
    environment,
    jsonl_bytes,
    loads_from_elsewhere,
    percentage,
    write_report,
)
from aina_assets.warehouse.store import Record, Store


def test_pages_escape_and_texts_do_not(tmp_path: Path) -> None:
    (tmp_path / "x.html.j2").write_text("{{ said }}")
    (tmp_path / "x.md.j2").write_text("{{ said }}")
    made = environment(tmp_path)
    assert made.get_template("x.html.j2").render(said="<b>") == "&lt;b&gt;"
    assert made.get_template("x.md.j2").render(said="<b>") == "<b>"


def test_nothing_undefined_is_shown(tmp_path: Path) -> None:
    (tmp_path / "x.html.j2").write_text("{{ said.nothing }}")
    with pytest.raises(jinja2.UndefinedError):
        environment(tmp_path).get_template("x.html.j2").render(said={})


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://x.example/x.js"></script>',
        '<link rel="stylesheet" href="//x.example/x.css">',
        '<img src="x.png">',
        '<style>@import "x.css";</style>',
        "<style>a{background:url(x.png)}</style>",
        '<p style="background:url(https://x.example/x.png)">',
        '<svg><image href="https://x.example/x.png"/></svg>',
        '<svg><use xlink:href="other.svg#a"/></svg>',
        '<iframe src="other.html"></iframe>',
    ],
)
def test_what_a_page_loads_is_found(page: str) -> None:
    assert len(loads_from_elsewhere(page.encode())) == 1


@pytest.mark.parametrize(
    "page",
    [
        '<a href="https://x.example">a licence</a>',
        '<a href="#below">below</a>',
        '<svg xmlns="http://www.w3.org/2000/svg"><use href="#a"/><path clip-path="url(#a)"/></svg>',
        '<img src="data:image/png;base64,AA==">',
        "<style>a{color:red}</style>",
    ],
)
def test_links_and_what_is_inside_load_nothing(page: str) -> None:
    assert loads_from_elsewhere(page.encode()) == []


def test_a_report_is_judged_by_its_declared_files() -> None:
    declared = {"a.html": "Page.", "a.json": "Numbers."}
    good = judge_report({"a.html": b"<p>", "a.json": b"{}"}, declared)
    assert all(finding.passed for finding in good)
    missing, _ = judge_report({"a.html": b"<p>"}, declared)
    assert (missing.rule, missing.passed, missing.failing_rows) == ("complete", False, 1)
    extra, _ = judge_report({"a.html": b"<p>", "a.json": b"{}", "b.txt": b""}, declared)
    assert not extra.passed
    many = {"a-x.html": b"<p>", "a-y.html": b"<p>"}
    assert judge_report(many, {"a-*.html": "One each."})[0].passed
    assert judge_report({}, {"a-*.html": "One each."})[0].passed
    assert not judge_report({**many, "b.html": b"<p>"}, {"a-*.html": "One each."})[0].passed
    _, loading = judge_report({"a.html": b'<img src="x">', "a.json": b"{}"}, declared)
    assert (loading.rule, loading.passed) == ("self_contained", False)


def test_files_of_a_former_report_go(tmp_path: Path) -> None:
    root = UPath(tmp_path)
    write_report(root, "r", {"a.json": b"1", "b.json": b"2"})
    (entry,) = write_report(root, "r", {"a.json": b"3"})
    folder = tmp_path / "reports" / "r"
    assert [path.name for path in folder.iterdir()] == ["a.json"]
    assert (folder / "a.json").read_bytes() == b"3"
    assert entry["path"] == "reports/r/a.json"
    assert entry["status"] == "written"


def test_a_report_whose_file_is_gone_is_stale(tmp_path: Path) -> None:
    store = Store(UPath(tmp_path))
    entries = write_report(store.root, "r", {"a.json": b"1"})
    store.commit(Record("r", "v", "code", "settings", {}, details={"files": entries}))
    node = Node("r", (), "code", "settings")
    assert reason_to_build(node, store) is None
    (tmp_path / "reports" / "r" / "a.json").unlink()
    assert reason_to_build(node, store) == "a file of it is gone"


def test_digests_go_by_name_and_content() -> None:
    files = {"a": b"1", "b": b"2"}
    assert digest_of_files(files) == digest_of_files(dict(reversed(files.items())))
    assert digest_of_files(files) != digest_of_files({"a": b"1", "b": b"3"})
    assert digest_of_files(files) != digest_of_files({"a": b"1", "c": b"2"})


def test_a_changed_template_is_changed_code(tmp_path: Path) -> None:
    (tmp_path / "x.html.j2").write_text("one")
    before = digest_of_templates(tmp_path)
    (tmp_path / "x.html.j2").write_text("two")
    assert digest_of_templates(tmp_path) != before


def test_shares_of_nothing_are_nothing() -> None:
    assert percentage(1, 3) == 33.3
    assert percentage(0, 0) is None
    assert jsonl_bytes([{"a": "ä"}, {}]).decode() == '{"a": "ä"}\n{}\n'


def test_a_chart_is_an_inline_drawing_with_a_name() -> None:
    rows = [{"family": "a & b", "series": "one", "share_pct": 100.0}]
    colours = {"one": charts.BLUE}
    drawn = charts.svg(
        charts.stacked_bars(rows, category="family", categories=["a & b"], series=colours),
        name="mix",
        title="Shares <of> families",
        description="One bar.",
    )
    assert drawn.startswith("<svg ")
    assert "&lt;of&gt;" in drawn
    assert 'aria-labelledby="mix-title mix-description"' in drawn
    assert "currentColor" in drawn
    assert charts.BLUE.lower() in drawn.lower()
    assert loads_from_elsewhere(drawn.encode()) == []
    assert "a &amp; b" in charts.legend({"a & b": charts.BLUE})
