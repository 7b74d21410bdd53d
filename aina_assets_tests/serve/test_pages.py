"""The beta pages as plain forms: every step without a script, and who may send a form."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from aina_assets.contracts.curriculum import (
    FiguresCheck,
    ItemsCheck,
    ReferencesCheck,
    SectionCheck,
    TableCheck,
    TermsCheck,
)
from aina_assets.contracts.learner import (
    AiUsage,
    Constraint,
    EventType,
    Goal,
    LearnerSeniority,
    WorkStatus,
)
from aina_assets.contracts.practice import NextStep, Outcome
from aina_assets.learner.view import ReleaseView
from aina_assets.serve import words
from aina_assets.serve.keys import key_file
from aina_assets.serve.markdown import rendered
from aina_assets.serve.run import application
from aina_assets.serve.sessions import COOKIE
from aina_assets_tests.loop.submissions import whole_submission

LOCAL = "http://127.0.0.1:8321"

ANSWERS: dict[str, Any] = {
    "role_title": "Marketing Managers",
    "industry": "",
    "seniority": "",
    "status": "working",
    "ai_usage": "tried",
    "confidence": "3",
    "goals": ["save_time", "raise_quality"],
    "weekly_minutes": "120",
    "pains": "Reports take hours\nNobody reads them",
    "tools": "",
    "constraints": ["approved_tools_only"],
    "is_synthetic": "yes",
}


class Page(HTMLParser):
    """A page as a person without a script has it: its forms, and how it is put together."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.forms: dict[str, dict[str, str]] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._form = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag == "form":
            self._form = str(found["action"])
            self.forms[self._form] = {}
        elif tag == "input" and found.get("type") == "hidden" and self._form:
            self.forms[self._form][str(found["name"])] = str(found["value"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = ""

    @property
    def title(self) -> str:
        found = re.search(r"<title>(.*?)</title>", self.html, re.DOTALL)
        return found.group(1) if found else ""

    def ids(self) -> list[str]:
        return [str(found["id"]) for _, found in self.tags if "id" in found]


class Visitor:
    """Someone with a browser that runs no scripts."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.page = Page("")
        self.status = 0

    def open(self, path: str) -> Page:
        answer = self.client.get(path)
        self.status, self.page = answer.status_code, Page(answer.text)
        return self.page

    def send(self, action: str, **answers: Any) -> Page:
        """Fill in the form of this page that goes to ``action``, and send it."""
        answer = self.client.post(
            action,
            data=self.page.forms[action] | answers,
            headers={"Origin": LOCAL, "Sec-Fetch-Site": "same-origin"},
        )
        self.status, self.page = answer.status_code, Page(answer.text)
        return self.page


@pytest.fixture(scope="module")
def local_app(
    served_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[FastAPI, TestClient]]:
    """The application for this machine alone."""
    ledger = f"sqlite:///{tmp_path_factory.mktemp('pages') / 'ledger.sqlite'}"
    with (
        application(served_home, ledger, dict, is_local=True) as app,
        TestClient(app, base_url=LOCAL) as client,
    ):
        yield app, client


@pytest.fixture
def visitor(local_app: tuple[FastAPI, TestClient]) -> Visitor:
    """A new visitor."""
    return Visitor(TestClient(local_app[0], base_url=LOCAL))


@pytest.fixture
def assessed(visitor: Visitor) -> Visitor:
    """A visitor who has a first plan before them."""
    visitor.open("/")
    visitor.send("/beta/assess", **ANSWERS)
    assert "Readiness" in visitor.page.title
    visitor.send("/beta/plan")
    assert "Your next step" in visitor.page.title
    return visitor


def lesson_action(page: Page) -> str:
    return next(action for action in page.forms if action.startswith("/beta/lessons/"))


# ------------------------------------------------------------------------------ the steps


def test_the_whole_way_without_a_script(assessed: Visitor, view: ReleaseView) -> None:
    action = lesson_action(assessed.page)
    module = view.modules[action.rpartition("/")[2]]
    lesson = assessed.send(action)
    assert module.title in lesson.title
    practice = f"/beta/practice/{module.id}"
    assert f'href="{practice}"' in lesson.html

    page = assessed.open(practice)
    for section in module.exercise.sections:
        assert f"## {section}" in page.html
    failed = assessed.send(practice, text="## Nothing\n\nPlumcot words.")
    assert "Not yet" in failed.title
    assert "Plumcot words." in failed.html, "what was written is still there"
    unchanged = assessed.send("/beta/plan")
    assert module.title in unchanged.html

    assessed.open(practice)
    passed = assessed.send(practice, text=whole_submission(module))
    assert "Passed" in passed.title
    onward = assessed.send("/beta/plan")
    assert "Your plan has changed" in onward.html
    assert "your exercise was graded" in onward.html or "passed the module" in onward.html
    assert module.title in onward.html
    assert not lesson_action(onward).endswith(module.id)


def test_every_step_says_what_it_is_and_what_grading_does_not_say(
    assessed: Visitor, view: ReleaseView
) -> None:
    action = lesson_action(assessed.page)
    module_id = action.rpartition("/")[2]
    for path in ("/beta", "/beta/readiness", "/beta/next", action, f"/beta/practice/{module_id}"):
        page = assessed.open(path)
        assert assessed.status == 200
        assert "Internal beta, made-up learners only." in page.html
    assert "What this grading does not say." in page.html
    result = assessed.send(f"/beta/practice/{module_id}", text="Words.")
    assert view.practice.evaluation.limits.split(".")[0] in result.html


@pytest.mark.parametrize("keeps", [False, True])
def test_a_page_says_whether_what_is_written_is_kept(
    served_home: Path, tmp_path: Path, keeps: bool
) -> None:
    ledger = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    with (
        application(served_home, ledger, dict, is_local=True, keeps_submissions=keeps) as app,
        TestClient(app, base_url=LOCAL) as client,
    ):
        said = client.get("/beta").text

    assert ("graded and then forgotten" in said) != keeps
    assert ("kept by this server" in said) == keeps


def test_a_form_with_faults_comes_back_as_filled_in_and_says_which(visitor: Visitor) -> None:
    visitor.open("/")
    answers = ANSWERS | {"confidence": "9", "weekly_minutes": "soon", "is_synthetic": ""}
    answers["role_title"] = 'Head of "Plumcots" <b>'

    page = visitor.send("/beta/assess", **answers)

    assert visitor.status == 422
    assert page.title.startswith("Please check")
    assert "3 answers need another look" in page.html
    assert 'value="Head of &#34;Plumcots&#34; &lt;b&gt;"' in page.html
    assert "Reports take hours" in page.html
    invalid = {
        str(found["id"]): found for _, found in page.tags if found.get("aria-invalid") == "true"
    }
    assert set(invalid) == {"confidence", "weekly_minutes", "is_synthetic"}
    for found in invalid.values():
        described = str(found["aria-describedby"]).split()
        assert set(described) <= set(page.ids())
    links = {found["href"] for tag, found in page.tags if tag == "a"}
    assert {f"#{name}" for name in invalid} <= links


def test_a_person_who_is_not_made_up_is_not_taken(visitor: Visitor) -> None:
    visitor.open("/")

    page = visitor.send("/beta/assess", **ANSWERS | {"is_synthetic": ""})

    assert visitor.status == 422
    assert "nobody else is served" in page.html
    visitor.open("/beta/readiness")
    assert "Who is learning?" in visitor.page.html


def test_a_form_sent_twice_is_recorded_once(assessed: Visitor) -> None:
    assessed.open("/beta/readiness")
    fields = assessed.page.forms["/beta/plan"]

    for _ in range(3):
        assessed.client.post("/beta/plan", data=fields)

    learner = re.search(r"beta-[0-9a-f]{16}", assessed.page.html)
    assert learner is not None
    recorded = assessed.client.get(f"/learners/{learner.group()}/state").json()["event_count"]
    # Started, completed, viewed, the first plan, and this one.
    assert recorded == 5


def test_the_checks_are_shown_at_the_price_of_mastery(assessed: Visitor, view: ReleaseView) -> None:
    module = view.modules[lesson_action(assessed.page).rpartition("/")[2]]
    page = assessed.open(f"/beta/practice/{module.id}")
    assert "can no longer be mastered" in page.html

    shown = assessed.send(f"/beta/answers/{module.id}")

    assert "proves nothing" in shown.html
    for condition in module.rubric.fail_conditions:
        assert condition.text in shown.html
    assessed.open(f"/beta/practice/{module.id}")
    passed = assessed.send(f"/beta/practice/{module.id}", text=whole_submission(module))
    assert "does not count as mastered" in passed.html


def test_nothing_handed_in_is_said_kindly(assessed: Visitor) -> None:
    module_id = lesson_action(assessed.page).rpartition("/")[2]
    assessed.open(f"/beta/practice/{module_id}")

    page = assessed.send(f"/beta/practice/{module_id}", text="  \n ")

    assert assessed.status == 422
    assert "Nothing was handed in" in page.html


def test_a_title_nobody_knows_is_asked_about(visitor: Visitor) -> None:
    visitor.open("/")
    visitor.send("/beta/assess", **ANSWERS | {"role_title": "Zzyzx quorble"})
    assert "no single occupation" in visitor.page.html

    page = visitor.send("/beta/plan")

    assert "Nothing is open at the moment" in page.html
    assert "What we would ask you first" in page.html


def test_a_step_out_of_turn_leads_back(visitor: Visitor) -> None:
    for path in ("/beta/readiness", "/beta/next", "/beta/practice/sales_map_your_work"):
        page = visitor.open(path)
        assert "Who is learning?" in page.html
    visitor.send("/beta/assess", **ANSWERS)
    page = visitor.open("/beta/next")
    assert "Where you stand" in page.html


def test_what_is_not_there_is_a_page_that_says_so(assessed: Visitor) -> None:
    for path in ("/beta/lessons/no_module", "/beta/practice/no_module", "/beta/nowhere"):
        page = assessed.open(path)
        assert assessed.status == 404
        assert "That did not work" in page.html
    answer = assessed.client.get("/beta/nowhere")
    assert answer.headers["content-type"].startswith("text/html")


def test_starting_over_is_another_learner(assessed: Visitor) -> None:
    before = re.search(r"beta-[0-9a-f]{16}", assessed.page.html)

    page = assessed.send("/beta/leave")

    after = re.search(r"beta-[0-9a-f]{16}", page.html)
    assert before is not None
    assert after is not None
    assert before.group() != after.group()
    assert "Who is learning?" in page.html


def test_htmx_gets_the_part_it_asks_for(assessed: Visitor) -> None:
    module_id = lesson_action(assessed.page).rpartition("/")[2]
    page = assessed.open(f"/beta/practice/{module_id}")
    action = f"/beta/practice/{module_id}"
    fields = page.forms[action]

    part = assessed.client.post(
        action, data=fields | {"text": "Words."}, headers={"HX-Request": "true"}
    )
    again = assessed.client.post(
        action, data=fields | {"text": "Others."}, headers={"HX-Request": "true"}
    )

    assert "<html" not in part.text
    assert "Not yet" in part.text
    renewed = re.search(r'id="request-key" value="([0-9a-f]+)" hx-swap-oob="true"', part.text)
    assert renewed is not None
    assert renewed.group(1) != fields["request_key"]
    assert again.status_code == 409, "one key, one request"
    assert "<html" not in again.text
    assert 'role="alert"' in again.text


# ------------------------------------------------------------------------------ who may send


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({"csrf": ""}, {}),
        ({"csrf": "made.up.token"}, {}),
        ({}, {"Origin": "https://evil.example"}),
        ({}, {"Origin": "null"}),
        ({}, {"Sec-Fetch-Site": "cross-site"}),
        ({}, {"Sec-Fetch-Site": "same-site"}),
    ],
)
def test_a_form_from_elsewhere_does_nothing(
    assessed: Visitor, fields: dict[str, str], headers: dict[str, str]
) -> None:
    assessed.open("/beta/readiness")
    given = assessed.page.forms["/beta/plan"] | fields
    head = assessed.client.get("/health").json()["ledger"]

    answer = assessed.client.post("/beta/plan", data=given, headers=headers)

    assert answer.status_code == 403
    assert assessed.client.get("/health").json()["ledger"] == head


def test_a_token_is_of_one_session(local_app: tuple[FastAPI, TestClient]) -> None:
    visitors = [Visitor(TestClient(local_app[0], base_url=LOCAL)) for _ in range(2)]
    for visitor in visitors:
        visitor.open("/")
    stolen = visitors[0].page.forms["/beta/assess"]

    answer = visitors[1].client.post("/beta/assess", data=stolen | ANSWERS)

    assert answer.status_code == 403


def test_the_session_holds_an_id_and_its_signature_and_no_script_may_read_it(
    visitor: Visitor,
) -> None:
    answer = visitor.client.get("/beta")

    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.casefold()
    value = visitor.client.cookies[COOKIE]
    payload, stamp, signature = value.split(".")
    assert payload.startswith("ImJldGEt"), 'base64 of "beta-…'
    assert stamp
    assert signature


@pytest.mark.parametrize("change", ["{value}x", "x{value}", "", "a.b.c"])
def test_a_session_that_was_tampered_with_is_none(visitor: Visitor, change: str) -> None:
    visitor.open("/beta")
    visitor.send("/beta/assess", **ANSWERS)
    value = visitor.client.cookies[COOKIE]
    visitor.client.cookies.clear()
    visitor.client.cookies.set(COOKIE, change.replace("{value}", value))

    page = visitor.open("/beta/readiness")

    assert "Who is learning?" in page.html


def test_with_keys_the_pages_ask_for_one_first(
    app: FastAPI, anonymous: TestClient, key: str
) -> None:
    visitor = Visitor(TestClient(app, base_url="http://testserver"))

    for path in ("/beta", "/beta/readiness", "/beta/next", "/beta/lessons/sales_map_your_work"):
        page = visitor.open(path)
        assert "Access key" in page.html
        assert "/beta/assess" not in page.forms
    fields = visitor.page.forms["/beta/enter"]
    refused = visitor.client.post("/beta/enter", data=fields | {"key": "aina_wrong"})
    assert refused.status_code == 401
    assert "not on file" in refused.text
    assert COOKIE not in visitor.client.cookies
    entered = visitor.client.post("/beta/enter", data=fields | {"key": key})
    assert "Who is learning?" in entered.text
    assert key not in visitor.client.cookies[COOKIE]


def test_guessing_keys_is_slow(served_home: Path, tmp_path: Path) -> None:
    key_file(served_home).add("pages", 100)
    try:
        ledger = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
        with (
            application(served_home, ledger, dict, is_local=False) as app,
            TestClient(app) as client,
        ):
            fields = Page(client.get("/beta").text).forms["/beta/enter"]
            statuses = [
                client.post("/beta/enter", data=fields | {"key": f"aina_{guess}"}).status_code
                for guess in range(12)
            ]
    finally:
        key_file(served_home).remove("pages")

    assert statuses == [401] * 10 + [429] * 2


# ------------------------------------------------------------------------------ how it is built


def test_pages_can_be_used_by_keyboard_and_screen_reader(
    assessed: Visitor, view: ReleaseView
) -> None:
    module_id = lesson_action(assessed.page).rpartition("/")[2]
    paths = ["/beta", "/beta/readiness", "/beta/next", f"/beta/lessons/{module_id}"]
    for path in (*paths, f"/beta/practice/{module_id}", "/beta/nowhere"):
        page = assessed.open(path)
        tags = [tag for tag, _ in page.tags]
        assert ("html", {"lang": "en"}) in page.tags
        for landmark in ("header", "main", "footer"):
            assert tags.count(landmark) == 1, (path, landmark)
        assert tags.count("h1") == 1, path
        levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
        assert 'class="skip" href="#content"' in page.html
        ids = page.ids()
        assert len(ids) == len(set(ids)), path
        labelled = {found.get("for") for tag, found in page.tags if tag == "label"}
        for tag, found in page.tags:
            if tag in ("input", "select", "textarea") and found.get("type") != "hidden":
                assert found.get("id") in labelled, (path, found)
            for name in ("aria-labelledby", "aria-describedby"):
                for target in str(found.get(name) or "").split():
                    assert target in ids, (path, target)
        assert tags.count("fieldset") == tags.count("legend")


def test_no_page_has_an_inline_script_or_style_or_anything_from_elsewhere(
    assessed: Visitor,
) -> None:
    module_id = lesson_action(assessed.page).rpartition("/")[2]
    for path in ("/beta", "/beta/next", f"/beta/practice/{module_id}"):
        page = assessed.open(path)
        for tag, found in page.tags:
            assert tag != "style"
            assert "style" not in found
            assert not any(name.startswith("on") for name in found)
            if tag == "script":
                assert str(found["src"]).startswith("/static/")
            for name in ("src", "href", "action"):
                target = found.get(name)
                assert target is None or target.startswith(("/", "#")), target
        assert re.search(r"<script[^>]*>[^<]", page.html) is None


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_colour_of_text_stands_out_from_every_ground_it_has(anonymous: TestClient) -> None:
    css = anonymous.get("/static/beta.css").text
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", css))

    pairs = [
        *(
            (ink, ground)
            for ink in ("ink", "quiet", "accent", "accent-dark")
            for ground in ("paper", "ground")
        ),
        ("ink", "tint"),
        ("accent-dark", "tint"),
        *((name, f"{name}-tint") for name in ("warn", "bad", "good")),
        *(("ink", f"{name}-tint") for name in ("warn", "bad", "good")),
        *(("quiet", f"{name}-tint") for name in ("warn", "bad", "good")),
        ("accent", "bad-tint"),
        ("bad", "paper"),
        ("paper", "accent"),
        ("paper", "accent-dark"),
    ]
    for ink, ground in pairs:
        assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)


@pytest.mark.parametrize(
    ("codes", "says"),
    [
        ("11-2021.00 (onet_soc)", "11-2021.00 (one occupation)"),
        (
            "known_title:exact, served_at:onet_soc",
            "a known title, as written, taken as one occupation",
        ),
        (
            "multi_llm_adjudication_required: unknown_title, below_every_threshold",
            "needs another look: the title is in none of our lists, no reading was sure enough",
        ),
        ("no major group is sure enough", "no major group is sure enough"),
        ("excluded_title:military_rank", "excluded title: military rank"),
    ],
)
def test_how_a_title_was_read_is_said_in_words(codes: str, says: str) -> None:
    assert words.reason(codes) == says


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,x)",
        "![x](https://elsewhere.example/x.png)",
        '[x](https://example.org "\\" onmouseover=\\"alert(1)")',
        "<div style=position:fixed>",
    ],
)
def test_authored_markdown_can_do_nothing_but_be_read(text: str) -> None:
    page = Page(rendered(text))

    for tag, found in page.tags:
        assert tag in {"p", "a", "em", "strong", "code"}
        assert set(found) <= {"href", "title", "rel"}
        assert not str(found.get("href", "")).startswith(("javascript", "data"))


def test_headings_of_a_text_stay_below_those_of_its_page() -> None:
    html = rendered("# One\n\n###### Six\n\n| a |\n| - |\n| b |\n")

    assert [tag for tag, _ in Page(html).tags if tag[0] == "h"] == ["h3", "h6"]
    assert 'tabindex="0" role="region"' in html


def test_every_word_of_the_contracts_has_words_for_people() -> None:
    for kind, said in (
        (AiUsage, words.AI_USAGE),
        (Goal, words.GOALS),
        (Constraint, words.CONSTRAINTS),
        (WorkStatus, words.STATUS),
        (LearnerSeniority, words.SENIORITY),
        (Outcome, words.OUTCOMES),
        (NextStep, words.NEXT_STEPS),
        (EventType, words.EVENTS),
    ):
        assert set(said) == set(kind)
    assert set(words.CONFIDENCE) == set(range(1, 6))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("evidence_of_use", "Sources have observed or rated AI on this piece of work."),
        ("risk:high", "A mistake here would be costly: risk is high."),
        ("constraint:regulated_work", "A limit you named applies: my work is regulated."),
        ("requires:one,two", "It needs these first: one, two."),
        ("tier:function_supports_level_3", "By how your role was read: function supports level 3."),
        ("some_new_code", "Some new code."),
        ("some_new:value", "Some new: value."),
    ],
)
def test_a_code_is_a_sentence_also_where_nobody_wrote_one(code: str, said: str) -> None:
    assert words.said(code) == said


def test_a_check_is_told_by_what_it_asks() -> None:
    told = [
        words.asked(SectionCheck(kind="section", section="A", min_words=5)),
        words.asked(ItemsCheck(kind="items", section="A", min_items=3)),
        words.asked(TableCheck(kind="table", section="A", columns=("X", "Y"), min_rows=2)),
        words.asked(FiguresCheck(kind="figures", section="A", min_count=4)),
        words.asked(ReferencesCheck(kind="references", section="A", min_count=1)),
        words.asked(TermsCheck(kind="terms", section="A", any_of=("p", "q"), min_count=1)),
    ]

    assert len(set(told)) == len(told)
    for line, number in zip(told, ("5", "3", "2", "4", "1", "1"), strict=True):
        assert number in line
