"""What stands at the gates of authoring, as reviewers see it, and what they can ask for."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from fastapi import FastAPI
from selenium.webdriver.support.ui import Select
from starlette.testclient import TestClient

from aina_assets.authoring.feedback import Feedback
from aina_assets.authoring.lane_steps import GATES
from aina_assets.authoring.lane_tables import GateSubjects
from aina_assets.contracts.errors import ReviewError
from aina_assets.review.policy import ReviewGates
from aina_assets.review.subjects import subject
from aina_assets.serve import documents
from aina_assets_tests.authoring.lanes_world import World
from aina_assets_tests.serve.authoring_world import models, put, room_of, served
from aina_assets_tests.serve.browser import browsing, found
from aina_assets_tests.serve.review_world import HOSTILE, KEYS
from aina_assets_tests.serve.test_browser import pictured, step
from aina_assets_tests.serve.test_pages import LOCAL, Page

SEQUENCE = "chapter_module_sequence"


@cache
def tables() -> dict[str, pa.Table]:
    """The lanes of the sample, all gates approved in the making; behind the pages none is."""
    return World(approves=GATES).tables


def subjects(gate: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tables()[f"{gate}_subjects"].to_pylist()
    return rows


def content_of(gate: str, place: int = 0) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(subjects(gate)[place]["subject_document"])["content"]
    return content


class Reviewer:
    """Ana, signed in, with a browser that runs no scripts."""

    def __init__(self, app: FastAPI) -> None:
        self.client = TestClient(app, base_url=LOCAL)
        self.page = Page(self.client.get("/review").text)
        self.status = 0
        self.send("/review/enter", key=KEYS["ana"].text)
        assert self.status == 200

    def see(self, gate: str, key: str) -> Page:
        answer = self.client.get("/review/subject", params={"gate": gate, "key": key})
        self.status, self.page = answer.status_code, Page(answer.text)
        return self.page

    def send(self, action: str, **answers: Any) -> Page:
        headers = {"Origin": LOCAL, "Sec-Fetch-Site": "same-origin"}
        data = self.page.forms[action] | answers
        answer = self.client.post(action, data=data, headers=headers)
        self.status, self.page = answer.status_code, Page(answer.text)
        return self.page

    @property
    def says(self) -> str:
        return plain(re.sub(r"<[^>]*>", " ", self.page.html))


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(text)).strip()


def leaves(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for item in part.values():
            yield from leaves(item)
    elif isinstance(part, list):
        for item in part:
            yield from leaves(item)
    elif isinstance(part, str | int) and not isinstance(part, bool):
        yield str(part)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def app(home: Path) -> FastAPI:
    return room_of(home, tables())


@pytest.fixture
def ana(app: FastAPI) -> Reviewer:
    return Reviewer(app)


def put_subject(home: Path, gate: str, content: Any, title: str = "Changed") -> str:
    """Make ``content`` what stands at ``gate`` for its first subject; the key."""
    row = subjects(gate)[0]
    said = subject(gate, row["subject_kind"], row["subject_key"], title=title, content=content)
    table = tables()[f"{gate}_subjects"]
    put(home, f"{gate}_subjects", pa.Table.from_pylist([row | said], schema=table.schema))
    return str(row["subject_key"])


# ---------------------------------------------------------------------------------- what is shown


def test_every_gate_of_the_lanes_is_laid_out() -> None:
    gates = ReviewGates.load()
    assert {gates.gate(gate).subject_kind for gate in GATES} == set(documents.LEADS)
    assert len([model for model in models().values() if issubclass(model, GateSubjects)]) == 8


@pytest.mark.parametrize("gate", GATES)
def test_a_document_is_shown_whole(ana: Reviewer, gate: str) -> None:
    for place, row in enumerate(subjects(gate)):
        page = ana.see(gate, row["subject_key"])
        assert ana.status == 200
        assert len(page.ids()) == len(set(page.ids()))
        above = ana.says.partition("to the letter")[0]
        for text in leaves(content_of(gate, place)):
            assert plain(text) in above, (row["subject_key"], text)
        assert "Drafted by rule: deterministic_draft" in plain(above).replace(" : ", ": ")


@pytest.mark.parametrize(
    ("gate", "array", "number", "title"),
    [
        (SEQUENCE, "module_sequence", "position", "module_title"),
        ("reference_module_blueprint", "slides", "slide_no", "title"),
        ("reference_applet_screens", "screens", "screen_no", "ias_stage"),
    ],
)
def test_entries_stand_one_by_one_with_number_and_heading(
    ana: Reviewer, gate: str, array: str, number: str, title: str
) -> None:
    page = ana.see(gate, subjects(gate)[0]["subject_key"])
    entries = content_of(gate)["document"][array]
    assert sum(tag == "article" for tag, _ in page.tags) >= len(entries)
    for place, entry in enumerate(entries, 1):
        assert f"{entry[number]} · {entry[title]}" in ana.says
        assert f"{array} {place}" in ana.says


def test_drift_is_plain_and_so_is_its_absence(home: Path, ana: Reviewer) -> None:
    gate = "module_lo_brief"
    ana.see(gate, subjects(gate)[0]["subject_key"])
    assert "No drift flag" in ana.says
    content = content_of(gate)
    flags = [
        {"kind": kind, "detail": f"{kind} it is", "planned": ["was planned"], "derived": ["became"]}
        for kind in ("content_type_mismatch", "lo_codes_delta")
    ]
    content["document"]["scope_drift_flags"] = flags
    ana.see(gate, put_subject(home, gate, content))
    assert "2 drift flags: derived and planned differ" in ana.says
    for said in ("lo_codes_delta it is", "was planned", "became"):
        assert said in ana.says
    at = ana.page.html.index
    assert at("2 drift flags") < at("Derived beside planned") < at("to the letter")


def test_no_draft_is_claimed_of_what_a_model_wrote(home: Path, ana: Reviewer) -> None:
    gate, producer = "chapter_lo_brief", "ch_research_derive_lo_brief"
    rows = [row | {"maker": "openai:some"} for row in tables()[producer].to_pylist()]
    put(home, producer, pa.Table.from_pylist(rows, schema=tables()[producer].schema))
    ana.see(gate, subjects(gate)[0]["subject_key"])
    assert "No model and no person wrote it" not in ana.says
    assert "openai:some" in ana.says
    assert rows[0]["document_sha256"] in ana.says


def test_other_subjects_are_shown_as_they_are() -> None:
    assert documents.reading_of("title", {"document": {"lo": "x"}}) is None
    assert documents.offers_of("title", {"document": {"lo": "x"}}) == ()


STRANGE: tuple[Any, ...] = (
    {},
    {"slides": {"a": 1}, "lo": [HOSTILE], "screens": None},
    {"slides": [{"title": {"deep": [HOSTILE]}, "slide_no": HOSTILE}, {}], HOSTILE: HOSTILE},
    {"slides": [1, {"title": "x"}, [HOSTILE]], "module_sequence": [{HOSTILE: {HOSTILE: [1]}}]},
    {"derived": 3, "planned": HOSTILE, "scope_drift_flags": HOSTILE, "x": [[{"y": None}]]},
    {"derived": {"lo_codes": [HOSTILE]}, "planned": {"lo_codes": None}, "scope_drift_flags": [0]},
    {"lo": "y" * 900, "visual_models": [{"vir_id": "z" * 300, "n": True}]},
)


@pytest.mark.parametrize("gate", ["module_lo_brief", "reference_module_blueprint", SEQUENCE])
@pytest.mark.parametrize("document", STRANGE)
def test_what_keeps_to_no_contract_is_seen_whole_and_does_nothing(
    home: Path, ana: Reviewer, gate: str, document: Any
) -> None:
    page = ana.see(gate, put_subject(home, gate, {"version": 1, "document": document}, HOSTILE))
    assert ana.status == 200
    assert not [tag for tag, _ in page.tags if tag in ("script", "img", "b")]
    assert not re.search("[\u0000-\u0008\u000b-\u001f\u200b\u202e]", page.html.replace("\r", ""))
    above = ana.says.partition("to the letter")[0]
    for text in leaves(document):
        shown = plain("".join(c if c.isprintable() else f" U+{ord(c):04X} " for c in text))
        assert shown in above, text


# ------------------------------------------------------------------------------ what is asked for


@pytest.mark.parametrize(
    ("operation", "which", "words", "expected"),
    [
        ("", "", "Shorter.", Feedback("rework", "Shorter.")),
        ("", "", "split_module 3: no.", Feedback("rework", "split_module 3: no.")),
        ("refine_module", "3", "Clearer: a, b.", Feedback("refine_module", "Clearer: a, b.", (3,))),
        ("split_module", " 2 ", "Too long.", Feedback("split_module", "Too long.", (2,))),
        ("merge_modules", "3 and 4", "One.", Feedback("merge_modules", "One.", (3, 4))),
        ("insert_module", "0", "Recall.", Feedback("insert_module", "Recall.", (0,))),
        ("insert_module", "after 7", "End.\nSo.", Feedback("insert_module", "End.\nSo.", (7,))),
        (
            *("refine_entry", "module_sequence 2", "New title."),
            Feedback("refine_entry", "New title.", (2,), "module_sequence"),
        ),
    ],
)
def test_an_operation_is_recorded_as_it_will_be_read(
    ana: Reviewer, operation: str, which: str, words: str, expected: Feedback
) -> None:
    key = subjects(SEQUENCE)[0]["subject_key"]
    ana.see(SEQUENCE, key)
    filled = {"edit-1-kind": operation, "edit-1-argument": which, "edit-1-text": words}
    ana.send("/review/decide", verdict="revise", reasons="So.", **filled)
    assert "Recorded: you asked for edits" in ana.says
    (text,) = re.findall(r"<p class=\"label\">Required edits</p>\s*<ul>(.*?)</ul>", ana.page.html,
                         re.DOTALL)  # fmt: skip
    shown = html.unescape(re.sub(r"<[^>]*>", "", text)).strip()
    assert Feedback.parse(shown) == expected


@pytest.mark.parametrize(
    ("gate", "operation", "which", "words", "fault"),
    [
        (SEQUENCE, "split_module", "8", "x", "positions of 1 to 7"),
        (SEQUENCE, "refine_module", "0", "x", "positions of 1 to 7"),
        (SEQUENCE, "insert_module", "8", "x", "positions of 0 to 7"),
        (SEQUENCE, "split_module", "", "x", "name"),
        (SEQUENCE, "split_module", "3", " ", "what to do, in words"),
        (SEQUENCE, "merge_modules", "3", "x", "several|operation with its entries"),
        (SEQUENCE, "refine_entry", "nothing 1", "x", "an entry of"),
        (SEQUENCE, "refine_entry", "module_sequence 8", "x", "module_sequence 1 to 7"),
        (SEQUENCE, "delete_module", "3", "x", "one of rework, refine_module"),
        ("module_lo_brief", "split_module", "1", "x", "one of rework, refine_entry"),
        ("module_lo_brief", "refine_entry", "scope_drift_flags 1", "x", "lo_components 1 to"),
        ("reference_module_blueprint", "refine_entry", "slides 99", "x", "slides 1 to"),
    ],
)
def test_what_cannot_be_carried_out_is_not_recorded_and_is_kept(
    ana: Reviewer, gate: str, operation: str, which: str, words: str, fault: str
) -> None:
    ana.see(gate, subjects(gate)[0]["subject_key"])
    filled = {"edit-1-kind": operation, "edit-1-argument": which, "edit-1-text": words}
    ana.send("/review/decide", verdict="revise", reasons="Kept reason.", **filled)
    assert ana.status == 422
    assert re.search(fault, ana.says), ana.says[:3000]
    assert "Nothing was recorded yet" in ana.says
    assert "Kept reason." in ana.page.html
    if which:
        assert f'value="{which}"' in ana.page.html


def test_only_a_sequence_offers_operations_on_modules() -> None:
    gates = ReviewGates.load()
    for gate in GATES:
        kind = gates.gate(gate).subject_kind
        offered = {offer.kind for offer in documents.offers_of(kind, content_of(gate))}
        of_modules = {"refine_module", "split_module", "merge_modules", "insert_module"}
        assert (of_modules <= offered) is (gate == SEQUENCE)
        assert offered - of_modules == {"rework", "refine_entry"}


def test_what_is_asked_for_makes_the_next_version() -> None:
    world = World()
    row = world.subject(SEQUENCE, subjects(SEQUENCE)[0]["subject_key"])
    content = json.loads(row["subject_document"])["content"]
    before = len(content["document"]["module_sequence"])
    asked = documents.asked_for("module_sequence", content, "split_module", "2", "Too long.")
    world.desk.decide(row, "revise", documents.edit_text(asked))
    world.run()
    made = world.current("ch_research_derive_module_sequence", row["subject_key"])
    assert made["version"] == 2
    assert len(json.loads(made["document"])["module_sequence"]) == before + 1


@pytest.mark.parametrize("number", [0, 5])
def test_every_entry_that_is_offered_can_be_asked_for(number: int) -> None:
    gates = ReviewGates.load()
    for gate in GATES:
        kind, content = gates.gate(gate).subject_kind, content_of(gate)
        for array, count in documents.arrays_of(kind, content).items():
            place = min(number + 1, count)
            asked = documents.asked_for(kind, content, "refine_entry", f"{array} {place}", "x")
            assert Feedback.parse(documents.edit_text(asked)) == asked
            with pytest.raises(ReviewError):
                documents.asked_for(kind, content, "refine_entry", f"{array} {count + 1}", "x")


# ------------------------------------------------------------------------------------ in a browser


@pytest.mark.skipif(
    found() is None, reason="no Chromium with its driver: apt-get install chromium chromium-driver"
)
@pytest.mark.parametrize(
    ("width", "scripts"), [(1280, True), (390, False)], ids=["wide", "narrow and plain"]
)
def test_gates_in_a_browser(app: FastAPI, tmp_path: Path, width: int, scripts: bool) -> None:
    with (
        served(app) as url,
        browsing(width, tmp_path, scripts=scripts) as browser,
        pictured(browser),
    ):
        browser.open(f"{url}/review")
        browser.one("#key").send_keys(KEYS["ana"].text)
        browser.follow("form[action='/review/enter'] button")
        browser.wait_for("Review queue", "h1")
        for gate in GATES:
            key = subjects(gate)[0]["subject_key"]
            browser.open(f"{url}/review/subject?gate={gate}&key={key}")
            browser.wait_for("What is decided on")
            step(browser, gate)
        browser.open(
            f"{url}/review/subject?gate={SEQUENCE}&key={subjects(SEQUENCE)[0]['subject_key']}"
        )
        browser.press("#verdict-revise")
        browser.one("#reasons").send_keys("Too much for one lesson.")
        Select(browser.one("#edit-1-kind")).select_by_value("split_module")
        browser.one("#edit-1-argument").send_keys("9")
        browser.one("#edit-1-text").send_keys("Comparing first.")
        browser.follow("form[action='/review/decide'] .actions button")
        browser.wait_for("positions of 1 to 7", "[role=alert]")
        step(browser, "fault")
        assert Select(browser.one("#edit-1-kind")).first_selected_option.get_attribute("value") == (
            "split_module"
        )
        browser.one("#edit-1-argument").clear()
        browser.one("#edit-1-argument").send_keys("2")
        browser.follow("form[action='/review/decide'] .actions button")
        browser.wait_for("split_module 2: Comparing first.", ".history")
        step(browser, "recorded")
