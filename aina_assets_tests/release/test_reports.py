"""Reports: every number is a receipt's or a listed row's, and what is wrong is on the page.

``faults`` reads a page as people do, finds every number in it, and takes none that does not say
where it is from, or says something else than what it is from.
"""

from __future__ import annotations

import re
import shutil
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pyarrow as pa
import pytest
from typer.testing import CliRunner, Result
from upath import UPath

from aina_assets import cli
from aina_assets.contracts.receipts import Receipt, Verdict
from aina_assets.contracts.review import GateState
from aina_assets.learner.activity import activity_of, beta_feedback
from aina_assets.location import all_assets
from aina_assets.release import report_assets_of_release as declared
from aina_assets.release import reports
from aina_assets.release.progress import review_progress
from aina_assets.release.report_tables import WAITING, ReviewProgress
from aina_assets.release.tables import FullValidation
from aina_assets.review.policy import ReviewGates
from aina_assets.review.tables import DecisionRows, GateStates
from aina_assets.warehouse.gate import judge
from aina_assets.warehouse.receipts import read_receipt
from aina_assets.warehouse.report_assets import GROUP
from aina_assets.warehouse.reports import REPORTS, loads_from_elsewhere
from aina_assets.warehouse.store import Store
from aina_assets.warehouse.tables import arrow_schema
from aina_assets_tests.conftest import build_into
from aina_assets_tests.learner.samples import MODULE, event
from aina_assets_tests.learner.test_activity import evaluated

PAGES = {
    "report_index": "index.html",
    "full_validation_report": "full_validation_report.html",
    "review_dashboard": "review_dashboard.html",
    "beta_feedback_dashboard": "beta_feedback_dashboard.html",
    "source_provenance_report": "source_provenance_report.html",
}


# ----------------------------------------------------------------------------------- reading a page

NUMBER = re.compile(r"\d")
IDENTIFIER = re.compile(r"(?=.*[A-Za-z])\S.*", re.DOTALL)
VOID = {"meta", "br", "wbr", "link", "hr", "img", "input"}


@dataclass
class Listing:
    """A listing as it is shown: texts of cells, packed."""

    table: str
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


class Page(HTMLParser):
    """What stands on a page: figures, verdicts, listings, links, and every other text."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.figures: list[tuple[str, str, str]] = []
        self.verdicts: list[tuple[str, str]] = []
        self.listings: list[Listing] = []
        self.links: list[str] = []
        self.texts: list[str] = []
        self.identifiers: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self._in_body = False
        self.feed(page.decode())
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.tags.append((tag, said))
        if tag not in VOID:
            self._open.append((tag, said))
        if tag == "table" and said.get("data-items"):
            self.listings.append(Listing(str(said["data-items"])))
        elif tag == "th" and "data-column" in said:
            self.listings[-1].columns.append(str(said["data-column"]))
        elif tag == "tbody":
            self._in_body = True
        elif tag == "tr" and self._of_listing():
            self.listings[-1].rows.append([])
        elif tag in ("td", "th") and self._of_listing():
            self.listings[-1].rows[-1].append("")
        elif tag == "a":
            self.links.append(str(said.get("href")))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag, tag
        if tag == "tbody":
            self._in_body = False

    def handle_data(self, data: str) -> None:
        tags = [tag for tag, _ in self._open]
        if not data.strip() or "style" in tags:
            return
        tag, said = self._open[-1]
        if self._of_listing():
            self.listings[-1].rows[-1][-1] += _packed(data)
        elif "data-receipt" in said:
            self.figures.append((str(said["data-receipt"]), str(said["value"]), data.strip()))
        elif "data-verdict" in said:
            self.verdicts.append((str(said["data-verdict"]), data.strip()))
        elif tag == "code":
            self.identifiers.append(data.strip())
        else:
            self.texts.append(data.strip())

    def _of_listing(self) -> bool:
        inside = any(tag == "table" and "data-items" in said for tag, said in self._open)
        return inside and self._in_body


def faults(page: bytes, store: Store) -> list[str]:
    """What is said on ``page`` that no receipt of ``store``, and no row that one is about, says."""
    read = Page(page)
    receipts = {
        path.stem: receipt
        for path in (store.root / "receipts").glob("*.json")
        if (receipt := read_receipt(store, path.stem)) is not None
    }
    found = [f"a bare number: {text}" for text in read.texts if NUMBER.search(text)]
    found += [f"no name: {text}" for text in read.identifiers if not IDENTIFIER.fullmatch(text)]
    for places, value, shown in read.figures:
        said = sum(_said(place, receipts) for place in places.split()) if places else None
        if not said == int(value) == int(shown.replace(",", "")):
            found.append(f"{places}: {said}, on the page {value}, shown as {shown}")
    for gate, shown in read.verdicts:
        if gate not in receipts or str(receipts[gate].verdict) != shown:
            found.append(f"{gate}: not {shown}")
    versions: dict[str, set[str]] = {}
    for receipt in receipts.values():
        versions.setdefault(receipt.items_table, set()).add(receipt.items_version)
        for name, version in receipt.inputs.items():
            versions.setdefault(name, set()).add(version)
    for listing in read.listings:
        record = store.record(listing.table)
        if record is None or record.data_version not in versions.get(listing.table, ()):
            found.append(f"{listing.table}: no receipt is about it as it is")
            continue
        table = store.read(listing.table)
        if not set(listing.columns) <= set(table.column_names):
            found.append(f"{listing.table}: has other columns")
            continue
        rows = table.select(listing.columns).to_pylist()
        stored = {tuple(map(_as_shown, row.values())) for row in rows}
        found += [
            f"{listing.table} has no row {row}" for row in listing.rows if tuple(row) not in stored
        ]
    return found


def _said(place: str, receipts: Mapping[str, Receipt]) -> int:
    gate, _, what = place.partition(":")
    document = receipts[gate]
    if what == "unlocks":
        return document.unlocks
    assert what.startswith("counts.")
    return document.counts.get(what.removeprefix("counts."), 0)


def _as_shown(value: Any) -> str:
    if isinstance(value, list):
        return "".join(map(_as_shown, value)) or "–"  # noqa: RUF001 - as on the page
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "–"  # noqa: RUF001 - as on the page
    return _packed(f"{value:,}" if isinstance(value, int) else str(value))


def _packed(text: str) -> str:
    """``text`` without what a page may set otherwise: spaces, and underscores of states."""
    return "".join(text.replace("_", " ").split())


@pytest.fixture(scope="module")
def sample(sample_home: Path) -> Store:
    return Store(UPath(sample_home))


def page_of(store: Store, name: str) -> bytes:
    return (store.root / REPORTS / name / PAGES[name]).read_bytes()


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest, sample: Store) -> bytes:
    return page_of(sample, request.param)


# --------------------------------------------------------------------------- numbers and where from


def test_every_number_is_a_receipts_or_a_listed_rows(page: bytes, sample: Store) -> None:
    assert faults(page, sample) == []
    assert Page(page).figures


def numbers_off(page: str) -> Iterator[tuple[str, str]]:
    """Pages on which one thing is not as it is, each with a part of what must be found."""
    figure = re.search(r'(<data value=")(\d+)(" data-receipt="[^"]+"[^>]*>)([\d,]+)(</data>)', page)
    assert figure
    start, value, middle, shown, end = figure.groups()
    more = str(int(value) + 1)
    yield page.replace(figure[0], f"{start}{more}{middle}{more}{end}", 1), f"on the page {more}"
    yield page.replace(figure[0], f"{start}{value}{middle}{more}{end}", 1), f"shown as {more}"
    yield page.replace(figure[0], f'{start}{value}" data-receipt="">{shown}{end}', 1), "None, on"
    yield page.replace(figure[0], shown, 1), "a bare number"
    yield page.replace("</h1>", " 12</h1>", 1), "a bare number"
    yield page.replace("</h1>", " <code>12</code></h1>", 1), "no name"
    verdict = re.search(r'(data-verdict="[^"]+">)(pass|hold)', page)
    assert verdict
    other = "hold" if verdict[2] == "pass" else "pass"
    yield page.replace(verdict[0], verdict[1] + other, 1), f"not {other}"
    if "data-items" in page:
        cell = re.search(r'data-items="(\w+)"[\s\S]*?<td[^>]*>', page)
        assert cell
        yield page.replace(cell[0], cell[0] + "7", 1), f"{cell[1]} has no row"
        table = f'data-items="{cell[1]}"'
        yield page.replace(table, 'data-items="job_zones"', 1), "job_zones"


def test_a_number_that_is_off_is_found(page: bytes, sample: Store) -> None:
    for changed, expected in numbers_off(page.decode()):
        found = faults(changed.encode(), sample)
        assert any(expected in fault for fault in found), (expected, found)


def test_pages_load_nothing_and_say_what_they_are(page: bytes) -> None:
    assert loads_from_elsewhere(page) == []
    read = Page(page)
    tags = [tag for tag, _ in read.tags]
    assert tags.count("h1") == tags.count("title") == tags.count("main") == 1
    assert ("html", {"lang": "en"}) in read.tags
    assert tags.count("table") == tags.count("caption")
    assert all("scope" in said for tag, said in read.tags if tag == "th")
    ids = {said["id"] for _, said in read.tags if "id" in said}
    assert {link[1:] for link in read.links if link.startswith("#")} <= ids


def test_states_are_words_not_colours(page: bytes) -> None:
    text = page.decode()
    for shown in re.findall(r'<span class="state [^"]+"[^>]*>([^<]*)<', text):
        assert shown.strip()


# ---------------------------------------------------------------------------------------- the index


def test_index_links_every_report_of_the_graph(sample: Store) -> None:
    names = {
        spec.key.path[-1]
        for asset in all_assets()
        for spec in asset.specs
        if spec.group_name == GROUP
    }
    base = f"{REPORTS}/report_index/index.html"
    linked = {urljoin(base, link) for link in Page(page_of(sample, "report_index")).links}
    linked = {link for link in linked if not link.startswith(f"{base}#")}
    assert linked == {f"{REPORTS}/{name}/{name}.html" for name in names - {"report_index"}}
    assert all((sample.root / link).exists() for link in linked)


def test_nothing_but_index_and_validation_stands_on_a_report() -> None:
    specs = [spec for asset in all_assets() for spec in asset.specs]
    of_reports = {spec.key for spec in specs if spec.group_name == GROUP}
    standing = {
        spec.key.path[-1] for spec in specs if of_reports & {dep.asset_key for dep in spec.deps}
    }
    assert standing == {"report_index", "full_validation"}


# ------------------------------------------------------------------------------------ what they say


def test_validation_page_is_about_the_release(sample: Store) -> None:
    read = Page(page_of(sample, "full_validation_report"))
    release = sample.require("release").data_version
    assert "✓ Green" in read.texts
    assert release in read.identifiers
    by_kind = {listing.columns[0]: listing for listing in read.listings}
    assert by_kind
    shown = sum(len(listing.rows) for listing in read.listings)
    assert shown == sample.read("full_validation").num_rows


def test_what_is_broken_is_on_the_pages(sample_home: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(sample_home, home, symlinks=True)
    store = Store(UPath(home))
    snapshot = store.root / str(store.require("job_zones").snapshot)
    content = bytearray(snapshot.read_bytes())
    content[len(content) // 2] ^= 1
    snapshot.write_bytes(bytes(content))

    outcome = build_into(home)

    assert not outcome.is_good
    former = Store(UPath(sample_home)).require("release").data_version
    for name in ("full_validation_report", "report_index"):
        read = Page(page_of(store, name))
        assert "✗ Not green" in read.texts
        assert former in read.identifiers
        assert any("No release was published" in text for text in read.texts)
        assert faults(page_of(store, name), store) == []
    wrong = Page(page_of(store, "full_validation_report")).listings[0]
    assert [row[:3] for row in wrong.rows] == [["jobzones", "snapshot", "jobzones"]]


def test_validation_page_of_what_never_was_released(tmp_path: Path) -> None:
    rows = [
        {"kind": "check", "asset": "a", "name": "key", "status": "failed", "problem": "twice"},
        {"kind": "receipt", "asset": "a", "name": "a_v1", "status": "passed", "problem": None},
    ]
    frame = pa.Table.from_pylist(rows, schema=arrow_schema(FullValidation))
    receipt = Receipt(
        gate=reports.VALIDATION,
        verdict=Verdict.HOLD,
        counts={"failed": 1, "passed": 1},
        items_table="full_validation",
        items_version="0" * 64,
        inputs={},
    )
    document = reports.validation_document(
        frame, {reports.VALIDATION: receipt}, None, None, {"full_validation": "ab" * 32}
    )
    files = reports.report_files(document, declared.TEMPLATES)
    read = Page(files["full_validation_report.html"])
    assert "✗ Not green" in read.texts
    assert any("No release is published" in text for text in read.texts)
    assert "twice" in read.listings[0].rows[0]


def test_pages_without_receipts_say_so() -> None:
    document = reports.index_document({}, [], None, None, {})
    read = Page(reports.report_files(document, declared.TEMPLATES, page="index")["index.html"])
    assert "✗ Not validated" in read.texts
    assert read.figures == []
    with_result = [report for report in document["reports"] if report["result"]]
    said = read.texts.count("There is no valid receipt to take its result from.")
    assert 0 < said == len(with_result)


def test_chain_shows_every_stage_and_loses_nothing(sample: Store) -> None:
    gates = {path.stem for path in (sample.root / "receipts").glob("gdpval_*.json")}
    figures = Page(page_of(sample, "review_dashboard")).figures
    for gate in gates:
        receipt = read_receipt(sample, gate)
        assert receipt is not None
        item_count = sample.require(receipt.items_table).row_count
        totals = [value for of, value, _ in figures if of.startswith(f"{gate}:counts.")]
        assert str(item_count) in totals, gate
    assert gates


def test_sample_decisions_are_marked(sample: Store) -> None:
    read = Page(page_of(sample, "review_dashboard"))
    decisions = sample.read("decisions")
    samples = decisions["is_sample"].to_pylist().count(True)
    shown = [listing for listing in read.listings if listing.table == "decisions"]
    assert ("Sample decisions." in read.texts) == bool(samples)
    assert bool(shown) == bool(decisions.num_rows)
    for listing in shown:
        assert "is_sample" in listing.columns


def test_markup_in_what_others_wrote_only_shows() -> None:
    rows = [
        {"kind": "check", "asset": "<script>x</script>", "name": "k", "status": "failed"}
        | {"problem": '<img src="http://a/b" onerror="x">'}
    ]
    frame = pa.Table.from_pylist(rows, schema=arrow_schema(FullValidation))
    document = reports.validation_document(frame, {}, None, None, {"full_validation": "ab" * 32})
    made = reports.report_files(document, declared.TEMPLATES)["full_validation_report.html"]
    assert loads_from_elsewhere(made) == []
    assert not {"script", "img"} & {tag for tag, _ in Page(made).tags}


# ---------------------------------------------------------------------------- tables of the figures


def states(*rows: Mapping[str, Any]) -> pa.Table:
    whole: dict[str, Any] = {
        "gate": "gdpval_candidate",
        "strictness": "hard",
        "subject_kind": "gdpval_draft",
        "subject_digest": "0" * 64,
        "subject_title": "A task",
        "state": "pending",
        "is_open": False,
        "is_unreviewed": False,
        "approval_count": 0,
        "quorum": 1,
        "decision_ids": [],
        "former_decision_count": 0,
        "required_edits": [],
        "valid_until": None,
        "reason": "waits",
    }
    made = [whole | {"subject_key": f"k{number}"} | dict(row) for number, row in enumerate(rows)]
    return pa.Table.from_pylist(made, schema=arrow_schema(GateStates))


NO_DECISIONS = arrow_schema(DecisionRows).empty_table()
EDIT = {"edit_id": "e1", "kind": "other", "argument": "", "text": "Say it."}


def test_progress_counts_every_subject_once_and_what_waits_at_hard_gates() -> None:
    gates = ReviewGates.load()
    made = review_progress(
        states(
            {},
            {"state": "stale"},
            {"state": "approved", "is_open": True, "approval_count": 1},
            {"state": "revise", "required_edits": [EDIT, EDIT]},
            {"gate": "rubric_approval", "strictness": "soft"}
            | {"is_open": True, "is_unreviewed": True},
        ),
        NO_DECISIONS,
        gates,
    )
    assert all(finding.passed for finding in judge(made, ReviewProgress))
    value = {row["figure"]: row["value"] for row in made.to_pylist()}
    assert value[WAITING] == 2
    assert [value[f"gdpval_candidate.{state}"] for state in GateState] == [1, 1, 1, 0, 0, 0, 1]
    assert value["gdpval_candidate.subjects"] == 4
    assert value["gdpval_candidate.required_edits"] == 2
    assert value["rubric_approval.unreviewed"] == 1
    assert {row["gate"] for row in made.to_pylist()} == {*gates.by_id, None}


def test_nothing_waits_where_nothing_is_left_to_decide() -> None:
    made = review_progress(states({"state": "held"}), NO_DECISIONS, ReviewGates.load())
    assert WAITING not in made["figure"].to_pylist()


def test_feedback_holds_nothing_of_what_is_hidden() -> None:
    started = [event(number, learner_id=f"learner-{number:04d}") for number in range(7)]
    few = [evaluated(1)]
    activity = activity_of([*started, *few], {MODULE}, min_learners=5)
    made = beta_feedback(activity)
    value = {row["figure"]: row["value"] for row in made.to_pylist()}
    hidden = activity["is_hidden"].to_pylist().count(True)
    assert value == {"events.lesson_started": 7, "hidden_groups": hidden}
    assert hidden


# ------------------------------------------------------------------------------------ `aina report`


def aina(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["report", *arguments])


Opened = Callable[[bool | webbrowser.Error], list[str]]


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """A browser that answers as told, and the pages it was asked for."""

    def answers(answer: bool | webbrowser.Error) -> list[str]:
        asked: list[str] = []

        def opened(url: str) -> bool:
            asked.append(url)
            if isinstance(answer, webbrowser.Error):
                raise answer
            return answer

        monkeypatch.setattr(webbrowser, "open", opened)
        return asked

    return answers


def test_report_opens_the_index_or_the_one_named(
    sample_home: Path, monkeypatch: pytest.MonkeyPatch, browser: Opened
) -> None:
    monkeypatch.setenv("AINA_HOME", str(sample_home))
    asked = browser(True)
    assert aina().exit_code == aina("review_dashboard").exit_code == 0
    pages = [sample_home / REPORTS / name / PAGES[name] for name in PAGES if "re" in name]
    assert asked == [pages[0].as_uri(), (pages[0].parents[1] / _REVIEW).as_uri()]


_REVIEW = "review_dashboard/review_dashboard.html"


@pytest.mark.parametrize("answer", [False, webbrowser.Error("none")])
def test_without_a_browser_the_path_is_printed(
    sample_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    browser: Opened,
    answer: bool | webbrowser.Error,
) -> None:
    monkeypatch.setenv("AINA_HOME", str(sample_home))
    browser(answer)
    assert aina().stdout.strip() == str(sample_home / REPORTS / "report_index/index.html")


def test_print_path_opens_nothing(
    sample_home: Path, monkeypatch: pytest.MonkeyPatch, browser: Opened
) -> None:
    monkeypatch.setenv("AINA_HOME", str(sample_home))
    asked = browser(True)
    assert aina("review_dashboard", "--print-path").stdout.strip() == str(
        sample_home / REPORTS / _REVIEW
    )
    assert asked == []


def test_what_is_not_there_is_said(
    sample_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: Opened
) -> None:
    asked = browser(True)
    monkeypatch.setenv("AINA_HOME", str(tmp_path))
    nothing = aina()
    monkeypatch.setenv("AINA_HOME", str(sample_home))
    unknown = aina("../../../etc/passwd")
    assert nothing.exit_code == unknown.exit_code == 2
    assert "build first" in nothing.stderr
    assert "review_dashboard" in unknown.stderr
    assert asked == []
