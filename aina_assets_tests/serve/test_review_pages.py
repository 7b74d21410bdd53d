"""The review pages as plain forms: who comes in, what is shown, and signing what was seen alone."""

from __future__ import annotations

import html
import itertools
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from upath import UPath

from aina_assets.contracts.review import ReviewVerdict
from aina_assets.location import all_models
from aina_assets.review.desk import ReviewDesk
from aina_assets.review.ledger import DecisionLedger
from aina_assets.review.policy import Reviewers
from aina_assets.serve import review_pages
from aina_assets.serve.review_keys import IDLE_SECONDS, SESSION_SECONDS, KeyRing
from aina_assets.serve.review_words import SAID
from aina_assets.serve.run import ServeError, application
from aina_assets.warehouse.gate import Finding
from aina_assets.warehouse.settings import ledger_url
from aina_assets.warehouse.store import Record, Store
from aina_assets_tests.review.world import Clock
from aina_assets_tests.serve.review_world import (
    HOSTILE,
    KEYS,
    RUBRIC,
    RUBRICS,
    TITLE,
    TITLES,
    change,
    keys_at,
    write_reviewers,
)
from aina_assets_tests.serve.test_pages import LOCAL, Page

NEXT = itertools.count(5)


class Room:
    """A server's pages over a warehouse of its own."""

    def __init__(self, home: Path, document: Path, app: FastAPI, clock: Clock) -> None:
        self.home = home
        self.document = document
        self.app = app
        self.clock = clock
        self.rubrics = keys_at(home, RUBRICS)
        self.titles = keys_at(home, TITLES)

    def desk(self) -> ReviewDesk:
        return ReviewDesk(
            Store(UPath(self.home)),
            all_models(),
            reviewers=Reviewers.load(self.document),
            ledger=ledger_url(self.home),
            checkpoints=self.home / "review" / "checkpoints.jsonl",
            clock=self.clock,
        )

    def count(self) -> int:
        ledger = DecisionLedger.existing(
            ledger_url(self.home), self.home / "review" / "checkpoints.jsonl"
        )
        if ledger is None:
            return 0
        with ledger:
            return ledger.head().position

    def someone(self) -> Reviewer:
        return Reviewer(self)

    def signed_in(self, name: str) -> Reviewer:
        found = self.someone()
        found.sign_in(name)
        assert found.status == 200
        return found


class Reviewer:
    """Someone with a browser that runs no scripts."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.client = TestClient(room.app, base_url=LOCAL)
        self.page = Page("")
        self.status = 0

    def open(self, path: str = "", **query: str) -> Page:
        return self._see(self.client.get(f"/review{path}", params=query))

    def see(self, key: str, gate: str = RUBRIC) -> Page:
        return self.open("/subject", gate=gate, key=key)

    def send(self, action: str, **answers: Any) -> Page:
        form = self.page.forms[action] | answers
        headers = {"Origin": LOCAL, "Sec-Fetch-Site": "same-origin"}
        return self._see(self.client.post(action, data=form, headers=headers))

    def decide(self, **answers: Any) -> Page:
        return self.send("/review/decide", **answers)

    def sign_in(self, name: str, key: str = "") -> Page:
        self.open()
        return self.send("/review/enter", key=key or KEYS[name].text)

    @property
    def says(self) -> str:
        words = re.sub(r"<[^>]*>", " ", self.page.html)
        return re.sub(r"\s+", " ", html.unescape(words))

    def _see(self, answer: Any) -> Page:
        self.status, self.page = answer.status_code, Page(answer.text)
        assert len(self.page.ids()) == len(set(self.page.ids()))
        return self.page


@pytest.fixture(scope="module")
def room(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """The sample's warehouse, served on this machine with two live reviewers and more."""
    folder = tmp_path_factory.mktemp("review")
    home = folder / "home"
    shutil.copytree(sample_home, home, symlinks=True)
    document = write_reviewers(folder / "reviewers.yaml")
    clock, models = Clock(datetime.now(UTC)), all_models()
    learner = f"sqlite:///{folder / 'learner.sqlite'}"
    with (
        pytest.MonkeyPatch.context() as patch,
        application(
            home, learner, lambda: models, is_local=True, reviewers=document, clock=clock
        ) as app,
        TestClient(app, base_url=LOCAL),
    ):
        patch.setattr(review_pages, "SIGN_INS_PER_MINUTE", 1_000_000)
        patch.setattr(review_pages, "PAGES_PER_MINUTE", 1_000_000)
        yield Room(home, document, app, clock)


@pytest.fixture
def rubric(room: Room) -> str:
    """A rubric that no other test touches."""
    return room.rubrics[next(NEXT)]


# ---------------------------------------------------------------------------------- who comes in


def test_nobody_sees_anything_without_a_key(room: Room) -> None:
    visitor = room.someone()

    for path in ("", "/subject?gate=rubric_approval&key=x"):
        visitor.open(path)
        assert "Sign in" in visitor.page.title
        assert set(visitor.page.forms) == {"/review/enter"}


@pytest.mark.parametrize(
    "key",
    ["", "aina-rk-", "aina-rk-wrong", "aina_wrong", KEYS["stranger"].text, "\u202e" * 50],
    ids=["none", "no key", "too short", "another kind", "of a stranger", "unseen characters"],
)
def test_a_key_of_nobody_on_file_is_refused_and_not_repeated(room: Room, key: str) -> None:
    visitor = room.someone()
    visitor.sign_in("", key or " ")

    assert visitor.status == 401
    assert "not the key of a reviewer on file" in visitor.says
    assert len(key) < 20 or key not in visitor.page.html
    assert review_pages.COOKIE not in visitor.client.cookies


def test_the_cookie_has_no_key_and_is_for_these_pages_alone(room: Room) -> None:
    reviewer = room.someone()
    reviewer.open()
    answer = reviewer.client.post(
        "/review/enter",
        data=reviewer.page.forms["/review/enter"] | {"key": KEYS["ana"].text},
        follow_redirects=False,
    )

    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "Path=/review", "SameSite=strict"} <= set(cookie.split("; "))
    assert KEYS["ana"].text.removeprefix("aina-rk-") not in cookie
    assert KEYS["ana"].public_key not in cookie


def test_signing_out_ends_the_session_for_whoever_has_its_cookie(room: Room) -> None:
    reviewer = room.signed_in("ana")
    stolen = dict(reviewer.client.cookies)
    reviewer.send("/review/leave")
    assert "Sign in" in reviewer.page.title

    thief = room.someone()
    thief.client.cookies.update(stolen)
    thief.open()
    assert "Sign in" in thief.page.title


@pytest.mark.parametrize(("step", "steps"), [(IDLE_SECONDS, 1), (IDLE_SECONDS - 1, 13)])
def test_a_session_ends_when_idle_and_after_half_a_day(
    room: Room, rubric: str, step: int, steps: int
) -> None:
    reviewer = room.signed_in("ana")
    reviewer.see(rubric)
    form = reviewer.page
    before = room.count()
    for _ in range(steps):
        assert "Sign in" not in reviewer.page.title
        room.clock.pass_by(seconds=step)
        reviewer.open()
    assert "Your session is over" in reviewer.says

    reviewer.page = form
    reviewer.decide(verdict="reject", reasons="A long and careful reason.")
    assert "nothing was recorded" in reviewer.says or reviewer.status == 403
    assert room.count() == before


def test_what_was_typed_is_kept_when_the_session_ended_meanwhile(room: Room, rubric: str) -> None:
    reviewer = room.signed_in("ana")
    reviewer.see(rubric)
    room.clock.pass_by(seconds=IDLE_SECONDS)
    reviewer.decide(verdict="reject", reasons="A long and careful reason.")

    assert reviewer.status == 401
    assert "A long and careful reason." in reviewer.page.html


def test_keys_are_dropped_where_nobody_asks() -> None:
    now = [0.0]
    ring = KeyRing(lambda: now[0])
    token = ring.begin(KEYS["ana"])
    assert ring.key_of(token) is KEYS["ana"]
    assert ring.key_of(token[:-1]) is None
    now[0] = IDLE_SECONDS
    ring.sweep()
    assert len(ring) == 0

    token = ring.begin(KEYS["ana"])
    while now[0] < IDLE_SECONDS + SESSION_SECONDS:
        assert ring.key_of(token) is not None
        now[0] += IDLE_SECONDS / 2
    assert ring.key_of(token) is None


def test_who_is_taken_off_the_list_is_out_at_once(room: Room, rubric: str) -> None:
    reviewer = room.signed_in("ben")
    reviewer.see(rubric)
    before = room.count()
    try:
        write_reviewers(room.document, "ben")
        reviewer.decide(verdict="reject", reasons="Still here?")
        assert reviewer.status == 401
    finally:
        write_reviewers(room.document)
    reviewer.open()
    assert "Sign in" in reviewer.page.title
    assert room.count() == before


def test_a_form_of_another_page_or_session_is_refused(room: Room, rubric: str) -> None:
    ana, ben = room.signed_in("ana"), room.signed_in("ben")
    ana.see(rubric)
    ben.see(rubric)
    before = room.count()
    ben.page.forms["/review/decide"]["csrf"] = ana.page.forms["/review/decide"]["csrf"]
    ben.decide(verdict="reject", reasons="x")
    assert ben.status == 403

    form = ana.page.forms["/review/decide"] | {"verdict": "reject", "reasons": "x"}
    answer = ana.client.post(
        "/review/decide", data=form, headers={"Origin": "https://elsewhere.example"}
    )
    assert answer.status_code == 403
    assert room.count() == before


def test_sign_ins_are_rated(
    sample_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_pages, "SIGN_INS_PER_MINUTE", 3)
    document = write_reviewers(tmp_path / "reviewers.yaml")
    home = tmp_path / "home"
    shutil.copytree(sample_home, home, symlinks=True)
    models = all_models()
    with application(
        home, f"sqlite:///{tmp_path / 'l'}", lambda: models, is_local=True, reviewers=document
    ) as app:
        visitor = Reviewer(Room(home, document, app, Clock()))
        for _ in range(3):
            visitor.sign_in("stranger")
            assert visitor.status == 401
        visitor.sign_in("ana")
        assert visitor.status == 429


def test_a_key_does_not_travel_unencrypted(room: Room) -> None:
    client = TestClient(room.app, base_url=LOCAL, client=("192.0.2.7", 4000))
    assert client.get("/review").status_code == 403


def test_the_desk_is_shown_where_it_is_asked_for_and_somebody_may_decide(
    sample_home: Path, served_home: Path, tmp_path: Path
) -> None:
    url, models = f"sqlite:///{tmp_path / 'l'}", all_models()
    with (
        application(served_home, url, lambda: models, is_local=True) as app,
        TestClient(app, base_url=LOCAL) as client,
    ):
        assert client.get("/review").status_code == 404

    samples = write_reviewers(tmp_path / "samples.yaml", "ana", "ben", "dora")
    with (
        pytest.raises(ServeError, match="no sample"),
        application(served_home, url, lambda: models, is_local=True, reviewers=samples),
    ):
        pass

    alone = tmp_path / "alone"
    shutil.copytree(sample_home / "releases", alone / "releases", symlinks=True)
    document = write_reviewers(tmp_path / "reviewers.yaml")
    with (
        pytest.raises(ServeError, match="subjects of review"),
        application(alone, url, lambda: models, is_local=True, reviewers=document),
    ):
        pass


# ---------------------------------------------------------------------------------- what is shown


def test_the_queue_counts_filters_and_pages(room: Room) -> None:
    reviewer = room.signed_in("ana")
    states = room.desk().states()
    waiting = states.filter(pc.equal(states["gate"], TITLE))
    reviewer.open(gate=TITLE, state="every")
    assert f"1 to 50 of {waiting.num_rows} in any state" in reviewer.says
    for row in waiting.group_by("state").aggregate([([], "count_all")]).to_pylist():
        assert f"{row['count_all']} {row['state']}" in reviewer.says

    seen: list[str] = []
    page = 1
    while True:
        reviewer.open(gate=TITLE, state="every", page=str(page))
        links = [
            str(found["href"])
            for tag, found in reviewer.page.tags
            if tag == "a" and str(found.get("href", "")).startswith("/review/subject?")
        ]
        seen += links
        if 'rel="next"' not in reviewer.page.html:
            break
        page += 1
    assert len(set(seen)) == len(seen) == waiting.num_rows
    reviewer._see(reviewer.client.get(seen[-1]))
    assert reviewer.status == 200

    title = waiting["subject_title"][7].as_py()
    reviewer.open(gate=TITLE, state="every", q=title.upper())
    assert f"with “{title.upper()}”" in reviewer.says
    assert title in reviewer.says
    for wrong in ("0", "-3", "x", "9" * 40):
        reviewer.open(page=wrong)
        assert reviewer.status == 200
    reviewer.open(gate="nowhere")
    assert reviewer.status == 404


def test_a_subject_is_shown_whole_beside_its_evidence(room: Room) -> None:
    reviewer = room.signed_in("ana")
    case = room.desk().case(TITLE, room.titles[3])
    reviewer.see(case.subject.key, TITLE)

    def leaves(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            for item in part.values():
                yield from leaves(item)
        elif isinstance(part, list):
            for item in part:
                yield from leaves(item)
        elif isinstance(part, str):
            yield part

    assert case.subject.digest in reviewer.says
    above = reviewer.says.partition("to the letter")[0]
    for text in (*leaves(case.subject.content), *case.subject.evidence):
        assert re.sub(r"\s+", " ", text).strip() in above
    assert case.finding.reason in above
    reviewer.see("no such subject")
    assert reviewer.status == 404


def test_text_of_others_is_seen_and_does_nothing(room: Room, rubric: str) -> None:
    change(
        room.home,
        RUBRICS,
        rubric,
        title=HOSTILE,
        content={HOSTILE: [HOSTILE, {"a": HOSTILE}], "text": HOSTILE},
        evidence={HOSTILE: HOSTILE},
    )
    reviewer = room.signed_in("ana")
    reviewer.see(rubric)
    reviewer.decide(verdict="hold", reasons=HOSTILE.replace("\n", ""), evidence=HOSTILE)
    shown = [reviewer.page]
    assert "Recorded" in reviewer.page.title
    shown += [reviewer.open(gate=RUBRIC, state="held")]

    for page in shown:
        assert not [found for tag, found in page.tags if tag in ("script", "img", "b")]
        assert not re.search(
            "[\u0000-\u0008\u000b-\u001f\u200b\u202e]", page.html.replace("\r", "")
        )
        assert "{{ 7*7 }}" in page.html
        assert "<script>alert(1)</script>" in html.unescape(page.html)
    assert "U+202E" in shown[0].html
    assert "U+001B" in shown[0].html


def test_no_page_has_a_script_or_a_style_of_its_own(room: Room, rubric: str) -> None:
    reviewer = room.signed_in("ana")
    for page in (reviewer.open(), reviewer.see(rubric), room.someone().open()):
        for tag, found in page.tags:
            assert tag not in ("script", "style")
            assert not {name for name in found if name.startswith("on") or name == "style"}
        labelled = {found.get("for") for tag, found in page.tags if tag == "label"}
        fields = [
            found
            for tag, found in page.tags
            if tag in ("input", "select", "textarea") and found.get("type") != "hidden"
        ]
        assert {found["id"] for found in fields} <= labelled
        pointed = [
            word
            for _, found in page.tags
            for name in ("aria-describedby", "aria-labelledby")
            for word in str(found.get(name) or "").split()
        ]
        assert set(pointed) <= set(page.ids())


# ---------------------------------------------------------------------------------- deciding


def test_a_decision_is_signed_recorded_and_what_it_makes_stale_is_said(
    room: Room, rubric: str
) -> None:
    reviewer = room.signed_in("ana")
    before = room.count()
    reviewer.see(rubric)
    digest = reviewer.page.forms["/review/decide"]["digest"]
    reviewer.decide(verdict="approve", reasons="It asks what it teaches.\n\nAnd says how.")

    case = room.desk().case(RUBRIC, rubric)
    (row,) = (row for row in case.history if row["reviewer_id"] == "ana")
    assert case.state == "approved"
    assert row["subject_digest"] == digest == case.subject.digest
    assert row["reasons"] == ["It asks what it teaches.", "And says how."]
    assert room.count() == before + 1
    assert "Recorded: you approved" in reviewer.says
    assert "the next build applies it" in reviewer.says
    stale = reviewer.page.html.partition("Stale now")[2].partition("</details>")[0]
    assert {"gate_states", "rubric_approval_decisions"} <= set(re.findall(r"<code>(\w+)<", stale))
    assert "title_adjudication<" not in stale
    verified = room.desk().verify()
    assert verified is not None
    assert not verified.forged


def test_sent_twice_it_is_one_decision(room: Room, rubric: str) -> None:
    reviewer = room.signed_in("ana")
    before = room.count()
    form = reviewer.see(rubric)
    reviewer.decide(verdict="approve", reasons="Once.")
    reviewer.page = form
    reviewer.decide(verdict="approve", reasons="Once.")

    assert "Recorded: you approved" in reviewer.says
    assert room.count() == before + 1


def test_an_id_of_another_reviewers_decision_is_no_way_to_have_decided(
    room: Room, rubric: str
) -> None:
    ana, ben = room.signed_in("ana"), room.signed_in("ben")
    ana.see(rubric)
    ben.see(rubric)
    before = room.count()
    taken = ana.page.forms["/review/decide"]["decision_id"]
    ana.decide(verdict="approve", reasons="Mine.")
    ben.decide(verdict="approve", reasons="Yours.", decision_id=taken)

    assert ben.status == 409
    assert room.count() == before + 1


def test_what_was_swapped_meanwhile_is_not_decided_on(room: Room, rubric: str) -> None:
    reviewer = room.signed_in("ana")
    reviewer.see(rubric)
    before = room.count()
    shown = reviewer.page.forms["/review/decide"]["digest"]
    now = change(room.home, RUBRICS, rubric, content={"text": "Swapped in."})
    typed = {
        "verdict": "revise",
        "reasons": "Typed with care.",
        "edit-1-kind": "manual",
        "edit-1-text": "Name the file.",
    }
    reviewer.decide(**typed)

    assert reviewer.status == 409
    assert "It changed while you were looking: nothing was recorded" in reviewer.says
    assert shown in reviewer.says
    assert "Swapped in." in reviewer.says
    assert "Typed with care." in reviewer.page.html
    assert "Name the file." in reviewer.page.html
    assert room.count() == before
    assert reviewer.page.forms["/review/decide"]["digest"] == now
    reviewer.decide(**typed)
    assert "Recorded: you asked for edits" in reviewer.says
    assert room.desk().case(RUBRIC, rubric).history[-1]["subject_digest"] == now


def test_who_may_not_decide_sees_it_and_why(room: Room, rubric: str) -> None:
    dora, zoe = room.signed_in("dora"), room.signed_in("sample_zoe")
    dora.see(rubric)
    zoe.see(rubric)
    assert "dora may not decide at gate rubric_approval" in dora.says
    assert "sample_zoe decides on bundled sample data alone" in zoe.says
    change(room.home, RUBRICS, rubric, authors=["ana"])
    ana, ben = room.signed_in("ana"), room.signed_in("ben")
    ana.see(rubric)
    assert "ana had a part in it" in ana.says
    assert "/review/decide" in ben.see(rubric).forms

    before = room.count()
    form = ben.page.forms["/review/decide"] | {"verdict": "approve", "reasons": "I may not."}
    for reviewer in (dora, zoe, ana):
        assert "/review/decide" not in reviewer.page.forms
        reviewer.page.forms["/review/decide"] = form | {
            "csrf": reviewer.page.forms["/review/leave"]["csrf"]
        }
        reviewer.decide()
        assert reviewer.status == 422
        assert "Nothing was recorded" in reviewer.says
    assert room.count() == before


def test_after_a_refused_build_an_objection_is_taken_and_an_approval_is_not(
    room: Room, rubric: str
) -> None:
    reviewer = room.signed_in("ana")
    store = Store(UPath(room.home))
    before = room.count()
    store.refuse("modules", (Finding("key", False, 1, 1, "twice"),))
    try:
        reviewer.see(rubric)
        assert reviewer.status == 200
        assert "Nobody can approve it now. The last build of modules was refused" in reviewer.says
        shown = reviewer.page.forms["/review/decide"]["digest"]
        reviewer.decide(verdict="approve", reasons="All the same.")
        assert reviewer.status == 422
        assert "the last build of modules failed" in reviewer.says
        assert room.count() == before
        reviewer.see(rubric)
        reviewer.decide(verdict="reject", reasons="It is wrong.")
        assert "Recorded: you rejected" in reviewer.says
    finally:
        store.commit(required(store, "modules"))
    assert room.count() == before + 1
    assert room.desk().case(RUBRIC, rubric).history[-1]["subject_digest"] == shown
    reviewer.see(rubric)
    assert "Nobody can approve it now" not in reviewer.says


def required(store: Store, name: str) -> Record:
    record = store.record(name)
    assert record is not None
    return record


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        ({"reasons": "x"}, "Choose a verdict."),
        ({"verdict": "publish", "reasons": "x"}, "Choose a verdict."),
        ({"verdict": "approve", "reasons": " \n "}, "Give at least one reason."),
        ({"verdict": "revise", "reasons": "x"}, "Say at least one edit"),
        ({"verdict": "revise", "reasons": "x", "edit-1-text": "Do it."}, "Edit 1 needs its kind"),
        (
            {"verdict": "revise", "reasons": "x", "edit-2-kind": "No!", "edit-2-text": "Do it."},
            "Edit 2 needs its kind",
        ),
        (
            {"verdict": "approve", "reasons": "x", "edit-1-kind": "manual", "edit-1-text": "y"},
            "Edits go with the verdict revise alone",
        ),
        ({"verdict": "withdraw", "reasons": "x"}, "Tick what you take back."),
        (
            {"verdict": "withdraw", "reasons": "x", "supersedes": "0" * 32},
            "none with id",
        ),
    ],
)
def test_what_is_not_complete_is_not_recorded_and_is_kept(
    room: Room, answers: dict[str, str], fault: str
) -> None:
    reviewer = room.signed_in("ana")
    before = room.count()
    reviewer.see(room.rubrics[0])
    reviewer.decide(evidence="kept: evidence", **answers)

    assert reviewer.status == 422
    assert fault in reviewer.says
    assert "Not recorded" in reviewer.page.title
    assert "kept: evidence" in reviewer.page.html
    assert room.count() == before


def test_edits_get_more_rows_without_a_script(room: Room, rubric: str) -> None:
    reviewer = room.signed_in("ana")
    reviewer.see(rubric)
    first = {"edit-1-kind": "manual", "edit-1-argument": "file", "edit-1-text": "Name it."}
    reviewer.decide(verdict="revise", reasons="Kept.", more="yes", **first)
    assert reviewer.status == 200
    assert 'id="edit-4-text"' in reviewer.page.html
    assert "Name it." in reviewer.page.html

    fourth = {"edit-4-kind": "inspect_source_file", "edit-4-text": "Open it."}
    reviewer.decide(verdict="revise", reasons="Kept.", **first, **fourth)
    edits = room.desk().case(RUBRIC, rubric).history[-1]["required_edits"]
    assert [(edit["kind"], edit["argument"], edit["text"]) for edit in edits] == [
        ("manual", "file", "Name it."),
        ("inspect_source_file", "", "Open it."),
    ]
    assert "Name it." in reviewer.says


def test_an_approval_of_several_names_one(room: Room) -> None:
    reviewer = room.signed_in("dora")
    key = room.titles[11]
    option = room.desk().case(TITLE, key).subject.content["options"][0]
    reviewer.see(key, TITLE)
    reviewer.decide(verdict="approve", reasons="It is that.")
    assert "Choose what you approve" in reviewer.says
    reviewer.decide(verdict="approve", reasons="It is that.", option="roles:made-up")
    assert reviewer.status == 422
    reviewer.decide(
        verdict="approve", reasons="It is that.", option=option, evidence="a dictionary"
    )

    assert room.desk().case(TITLE, key).history[-1]["evidence"] == [option, "a dictionary"]


def test_decisions_are_ended_and_taken_back_and_stay_in_the_history(
    room: Room, rubric: str
) -> None:
    ana, ben = room.signed_in("ana"), room.signed_in("ben")
    ana.see(rubric)
    ana.decide(verdict="hold", reasons="Not now.")
    held = room.desk().case(RUBRIC, rubric).history[-1]["decision_id"]
    ben.see(rubric)
    ben.decide(verdict="approve", reasons="Now.", supersedes=held)
    assert room.desk().case(RUBRIC, rubric).state == "approved"
    assert "ended by ben" in ben.says

    approved = room.desk().case(RUBRIC, rubric).history[-1]["decision_id"]
    ben.see(rubric)
    ben.decide(verdict="withdraw", reasons="Too soon.", supersedes=approved)
    case = room.desk().case(RUBRIC, rubric)
    assert case.state == "held", "what ended it was taken back"
    assert [row["verdict"] for row in case.history] == ["hold", "approve", "withdraw"]
    change(room.home, RUBRICS, rubric, content={"text": "Another."})
    ben.see(rubric)
    assert ben.says.count("former: it was made on the subject as it was then") == 3
    for verdict in (ReviewVerdict.HOLD, ReviewVerdict.APPROVE, ReviewVerdict.WITHDRAW):
        assert SAID[verdict] in ben.says
