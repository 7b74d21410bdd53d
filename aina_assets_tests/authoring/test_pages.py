"""Pages of authoring: what is configured, and what reviews found, is on them and nothing else."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from aina_assets.authoring import report_assets_of_authoring as declared
from aina_assets.authoring import review_pages
from aina_assets.authoring.lane_steps import GATES
from aina_assets.authoring.pages import KINDS, drawing, flow_document, flow_files
from aina_assets.authoring.policy import Authoring
from aina_assets.authoring.registry import authoring_registry
from aina_assets.authoring.review_pages import DRAFT, page_files, pages_document
from aina_assets.review.policy import ReviewGates
from aina_assets.warehouse.report_assets import judge_report
from aina_assets.warehouse.reports import loads_from_elsewhere
from aina_assets_tests.authoring.drafted import config
from aina_assets_tests.authoring.lanes_world import World
from aina_assets_tests.release.test_reports import Page
from aina_assets_tests.serve.browser import browsing, found
from aina_assets_tests.serve.test_browser import step

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> {{ 7*7 }} \"'><b>"
VERSIONS = {"authored/authoring": "0" * 64}
TEMPLATES = declared.TEMPLATES
IN_BROWSER = pytest.mark.skipif(
    found() is None, reason="no Chromium with its driver: apt-get install chromium chromium-driver"
)
Row = Mapping[str, Any]


def flow_of(authoring: Authoring) -> tuple[dict[str, Any], bytes]:
    document = flow_document(authoring, ReviewGates.load(), declared.STEPS, VERSIONS)
    return document, flow_files(document, TEMPLATES)["pipeline_flow.html"]


@cache
def flow() -> tuple[dict[str, Any], bytes]:
    return flow_of(config())


@cache
def rows() -> tuple[dict[str, Any], ...]:
    """Rows of every step that reviews stand on: all gates approved."""
    tables = World(approves=GATES).tables
    return tuple(row for name in declared.REVIEWED for row in tables[name].to_pylist())


def reviews_of(found: Iterable[Row]) -> tuple[dict[str, Any], dict[str, bytes]]:
    document = pages_document(found, config(), VERSIONS)
    return document, page_files(document, TEMPLATES)


@cache
def reviews() -> tuple[dict[str, Any], dict[str, bytes]]:
    return reviews_of(rows())


def changed(contract: str, change: Any) -> list[dict[str, Any]]:
    """The rows, with every document of ``contract`` changed."""
    made = []
    for row in rows():
        if row["contract"] == contract:
            document = json.loads(row["document"])
            change(document)
            row = row | {"document": json.dumps(document)}
        made.append(row)
    return made


def every_page() -> Iterator[tuple[str, bytes]]:
    yield "pipeline_flow.html", flow()[1]
    for name, page in reviews()[1].items():
        if name.endswith(".html"):
            yield name, page


# ------------------------------------------------------------------------------- all are sound


def test_pages_load_nothing_and_are_put_together_well() -> None:
    for name, page in every_page():
        read = Page(page)
        tags = [tag for tag, _ in read.tags]
        assert loads_from_elsewhere(page) == [], name
        assert tags.count("h1") == tags.count("title") - tags.count("svg") == 1, name
        assert tags.count("main") == 1
        assert ("html", {"lang": "en"}) in read.tags
        assert tags.count("table") == tags.count("caption"), name
        assert all("scope" in said for tag, said in read.tags if tag == "th"), name
        ids = Counter(str(said["id"]) for _, said in read.tags if "id" in said)
        assert not [each for each, count in ids.items() if count > 1], name
        assert {link[1:] for link in read.links if link.startswith("#")} <= set(ids), name
        labelled = {said[key] for _, said in read.tags for key in said if key == "aria-labelledby"}
        assert labelled <= set(ids), name
        levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
        assert all(after <= before + 1 for before, after in pairwise(levels)), name
        assert all(
            "aria-label" in said
            for _, said in read.tags
            if said.get("role") == "region" or said.get("class") == "scroll"
        )


def test_reports_make_what_they_declare() -> None:
    files = dict.fromkeys(("authoring_review_pages.html", "authoring_review_pages.json"), "")
    made = judge_report(reviews()[1], {**files, review_pages.UNIT_PAGES: ""})
    assert all(finding.passed for finding in made), made


# ----------------------------------------------------------------------------------- the pipeline


def test_every_name_of_the_registry_is_on_the_page() -> None:
    ids = {str(said["id"]): said for _, said in Page(flow()[1]).tags if "id" in said}
    registry = authoring_registry(config(), ReviewGates.load()).to_pylist()
    anchors = {"template": "prompt"}
    for row in registry:
        assert f"{anchors.get(row['kind'], row['kind'])}-{row['name']}" in ids, row
    text = " ".join(Page(flow()[1]).texts)
    for name in ("tier A", "tier B", "25 points", "7 criteria", "9 criteria"):
        assert name in text, name


def test_every_step_opens_its_schema_prompt_rules_and_asset() -> None:
    document, page = flow()
    cards = re.split(r'<details class="node ', page.decode())[1:]
    steps = [each for lane in document["lanes"] for each in lane["steps"]]
    assert len(cards) == len(steps) == sum(len(lane.steps) for lane in config().flow.lanes)
    for each, card in zip(steps, cards, strict=True):
        card = html.unescape(card.partition("</section>")[0])
        assert f'id="{each["id"]}"' in card
        assert each["kind"] in KINDS
        for name in (one["name"] for one in (*each["reads"], *each["makes"])):
            assert f"-{name}" in card, (each["id"], name)
        for schema in each["schemas"]:
            for field in schema["fields"]:
                assert f"<code>{field}</code>" in card, (each["id"], field)
        if each["kind"] == "skill":
            body = config().template_by_name[each["template"]].body
            first = next(line for line in body.splitlines() if line.startswith("# "))
            assert first in card
            rules = config().rules_for(each["skill"])
            assert {rule["name"] for rule in each["rules"]} in ({one.name for one in rules}, set())
            assert each["asset"] == f"{each['lane']}_{each['name']}"
        if each["kind"].endswith("_gate"):
            assert each["asset"] == f"{each['name']}_decisions"
            assert each["rework"] is not None


def test_gates_are_of_the_kind_that_the_policy_says() -> None:
    kinds = {
        each["name"]: each["kind"]
        for lane in flow()[0]["lanes"]
        for each in lane["steps"]
        if each["kind"].endswith("_gate")
    }
    gates = ReviewGates.load()
    assert kinds == {name: f"{gates.gate(name).strictness}_gate" for name in kinds}
    assert len(kinds) == 8


def test_every_bridge_is_drawn_from_who_makes_it_to_who_reads_it() -> None:
    document = flow()[0]
    drawn = drawing(document)
    told = {(b.source, b.target, name) for b in config().flow.bridges for name in b.carries}
    bridges = drawn["bridges"]
    assert {(b["source"], b["target"], b["carries"]) for b in bridges} == told
    assert len({b["path"] for b in bridges}) == len(told)
    by_id = {each["id"]: each for lane in document["lanes"] for each in lane["steps"]}
    for bridge in bridges:
        assert bridge["carries"] in [one["name"] for one in by_id[bridge["made_by"]]["makes"]]
        assert bridge["carries"] in [one["name"] for one in by_id[bridge["read_by"]]["reads"]]
    assert len(drawn["reworks"]) == 8
    page = flow()[1].decode()
    assert page.count('class="bridge"') == len(told)
    assert page.count('class="back"') == len(drawn["reworks"])


def test_the_page_is_of_the_live_configuration() -> None:
    rubric = config().rubric_by_name["module_D"]
    told = rubric.model_copy(update={"title": HOSTILE})
    template = config().template_by_name["build_spine"]
    prompt = template.model_copy(update={"body": f"{template.body}\n{HOSTILE}"})
    authoring = config().model_copy(
        update={
            "rubrics": tuple(told if one is rubric else one for one in config().rubrics),
            "templates": tuple(prompt if one is template else one for one in config().templates),
        }
    )
    _, page = flow_of(Authoring.model_validate(authoring.model_dump(by_alias=True)))
    assert page != flow()[1]
    tags = Page(page).tags
    assert sum(tag == "script" for tag, _ in tags) == 1
    assert not [tag for tag, _ in tags if tag in ("img", "b")]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.decode()
    assert "{{ 7*7 }}" in page.decode()


# -------------------------------------------------------------------------------------- the reviews


def numbers_of(value: Any) -> set[str]:
    """Numbers that stand anywhere in ``value``."""
    if isinstance(value, dict):
        return set().union(*(numbers_of(item) for item in (*value, *value.values())), set())
    if isinstance(value, list | tuple):
        return set().union(*map(numbers_of, value), set())
    return set() if isinstance(value, bool) else set(re.findall(r"\d+", str(value)))


def figures_off(page: bytes, unit: Mapping[str, Any]) -> list[str]:
    """Texts of ``page`` with a number that the unit's document has nowhere."""
    known = numbers_of(unit) | numbers_of(VERSIONS)
    return [text for text in Page(page).texts if set(re.findall(r"\d+", text)) - known]


def units() -> list[dict[str, Any]]:
    return [unit for unit in reviews()[0]["units"] if unit["page"]]


def test_there_is_a_page_for_every_module_and_applet_that_was_reviewed() -> None:
    reviewed = {
        (row["lane"], row["unit_id"]) for row in rows() if row["contract"] == review_pages.REPORT
    }
    assert {(unit["lane"], unit["unit_id"]) for unit in units()} == reviewed
    assert {unit["lane"] for unit in units()} == {"mod_review", "app_review"}
    links = Page(reviews()[1]["authoring_review_pages.html"]).links
    assert {unit["page"] for unit in units()} <= set(links) & reviews()[1].keys()


def test_every_figure_of_a_page_is_of_the_document() -> None:
    for unit in units():
        page = reviews()[1][unit["page"]]
        assert figures_off(page, unit) == []
        total = unit["review"]["domains"][0]["total"]
        off = page.replace(f'<div class="big">{total} '.encode(), b'<div class="big">987654 ')
        assert figures_off(off, unit) != []


def test_a_review_says_all_of_its_report() -> None:
    for unit in units():
        text = " ".join(Page(reviews()[1][unit["page"]]).texts)
        identifiers = Page(reviews()[1][unit["page"]]).identifiers
        review = unit["review"]
        for domain in review["domains"]:
            assert f"{domain['domain']}: {domain['title']}" in text
            assert domain["verdict"] in text
            rubric = config().rubric_by_name[domain["rubric"]]
            assert [one["id"] for one in domain["criteria"]] == [one.id for one in rubric.entries]
            for criterion in domain["criteria"]:
                assert criterion["id"] in identifiers
                assert criterion["reason"] in text
                assert criterion["evidence"] or not criterion["applicable"]
                if criterion["applicable"] and criterion["points"] is None:
                    assert "not assessed" in text
                for level in criterion["levels"] if criterion["applicable"] else ():
                    assert level["when"] in text
        for gate in review["gates"]:
            assert gate["id"] in identifiers
            assert gate["title"] in text
        for one in review["recommendations"]:
            assert one["change"] in text
        for name in review["coverage"].keys() - {"faults"}:
            assert name.replace("_", " ").capitalize() in text
        assert all(trace["subject"] in text for trace in review["traces"])


def _every(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _every(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _every(inner)]
    return [] if value is None or value == "" else [str(value)]


def test_an_applet_has_its_screens_in_full_and_a_module_has_none() -> None:
    for unit in units():
        content = reviews()[1][unit["page"]]
        text = " ".join(Page(content).texts)
        if unit["lane"] == "mod_review":
            assert unit["review"]["screens"] == []
            assert b'id="screens"' not in content
            continue
        (plan,) = (
            json.loads(row["document"])
            for row in rows()
            if row["unit_id"] == unit["unit_id"]
            and row["contract"] == "build_applet_screens"
            and row["is_current"]
        )
        screens = plan["screens"]
        assert [one["screen_no"] for one in unit["review"]["screens"]] == [
            one["screen_no"] for one in screens
        ]
        assert [said for said in _every(screens) if said not in text] == []
        # What is folded away is not printed; screens are not folded.
        section = content[content.index(b'id="screens"') : content.index(b'id="stands"')]
        assert b"<details" not in section
        assert section.count(b'<section class="screen"') == len(screens)


def test_a_page_says_what_was_assessed_and_what_met_by_rule_says() -> None:
    for unit in units():
        review = unit["review"]
        texts = Page(reviews()[1][unit["page"]]).texts
        text = " ".join(texts)
        assert review["verdict"] == "not_fully_assessed"
        assert "Not fully assessed" in text
        assert "✓ Ready" not in text
        points = f"{review['points_assessed']} of the {review['points_applicable']} points"
        assert points in text
        for name in review["not_assessed"]:
            assert name in Page(reviews()[1][unit["page"]]).identifiers
        assert "it does not say that the mathematics of a drawing is right" in text
        listed = " ".join(Page(reviews()[1]["authoring_review_pages.html"]).texts)
        assert f"{review['points_assessed']} of {review['points_applicable']} points" in listed
        tiles = reviews()[1][unit["page"]].decode().split('<li class="tile">')[1:]
        for domain, tile in zip(review["domains"], tiles, strict=True):
            said = " ".join(Page(tile.split("</li>")[0].encode()).texts)
            if domain["not_assessed"]:
                assert f"{domain['raw']} of {domain['assessed_maximum']} assessed" in said
                assert f"{domain['total']} of {domain['points']} " not in said
            else:
                assert f"{domain['total']} of {domain['points']}" in said


def test_a_component_has_its_own_words_and_quotes_of_its_own_places() -> None:
    for unit in units():
        content = reviews()[1][unit["page"]].decode()
        entries = unit["review"]["mastery"]["components"]
        for entry in entries:
            row = content.split(f"component {entry['component_index']}:", 1)[1].split("</tr>", 1)[0]
            assert html.escape(entry["statement"], quote=False) in html.unescape(row)
            others = [one["statement"] for one in entries if one is not entry]
            assert not [one for one in others if f"<bdi>{one}</bdi>" in row]
            assert {one["where"] for one in entry["evidence"]} == set(entry["where"])


def test_a_review_says_who_made_it_and_on_which_digest() -> None:
    for unit in units():
        page = Page(reviews()[1][unit["page"]])
        (row,) = (
            row
            for row in rows()
            if row["contract"] == review_pages.REPORT and row["unit_id"] == unit["unit_id"]
        )
        assert row["document_sha256"] in page.identifiers
        assert any("Drafted by rule" in text for text in page.texts)
        assert {DRAFT, "code"} <= set(page.identifiers)
        stands = [each["document_sha256"] for each in unit["review"]["stands_on"]]
        assert stands
        assert set(stands) <= set(page.identifiers)


def test_no_draft_is_claimed_of_what_a_model_wrote() -> None:
    written = [row | {"maker": "openai:some"} if row["maker"] == DRAFT else row for row in rows()]
    document, files = reviews_of(written)
    for unit in document["units"]:
        assert not unit["review"]["is_draft"]
        assert b"Drafted by rule" not in files[unit["page"]]
        assert b"openai:some" in files[unit["page"]]


def test_what_was_found_wanting_is_plain() -> None:
    def spoil(report: dict[str, Any]) -> None:
        report |= {"is_ready": False, "verdict": "not_ready"}
        report["gates"][0] |= {"state": "fail", "finding": "not_met", "missing": "The verb.",
                               "fix": "Put it back."}  # fmt: skip
        kept = {
            "id": "symbol_before_model", "severity": "major", "where": [4], "confidence": "high",
            "suspended": [[2, "retrieval"]], "evidence": "3/4 stands alone",
            "harm_here": "No picture yet.", "fix": "Draw it first.", "is_kept": True,
        }  # fmt: skip
        report["pitfalls"] = [kept, kept | {"id": "decorative_visual", "where": [],
                                            "is_kept": False}]  # fmt: skip
        report["domains"][1] |= {"total": None, "verdict": None}
        report["not_assessed"] = ["L"]
        report["traces"][0]["breaks"] = ["never called up"]

    document, files = reviews_of(changed(review_pages.REPORT, spoil))
    for unit in document["units"]:
        text = " ".join(Page(files[unit["page"]]).texts)
        for said in (
            "✗ Not ready", "The verb.", "Put it back.", "Symbol before model", "suspended",
            "(retrieval)", "Draw it first.", "not assessed", "never called up",
        ):  # fmt: skip
            assert said in text, said
        assert figures_off(files[unit["page"]], unit) == []


def test_markup_in_a_report_only_shows() -> None:
    def spoil(report: dict[str, Any]) -> None:
        for name in report["texts"] or ():
            if isinstance(report["texts"][name], str):
                report["texts"][name] = HOSTILE
        report["domains"][0]["criteria"][0]["reason"] = HOSTILE
        report["gates"][0] |= {"missing": HOSTILE, "fix": HOSTILE, "id": HOSTILE}
        report["traces"][0]["subject"] = HOSTILE
        report["recommendations"] = [
            {"priority": "must", "where": [1], "because": HOSTILE, "change": HOSTILE}
        ]

    spoilt = [row | {"unit_id": f"{row['unit_id']}{HOSTILE}"} for row in
              changed(review_pages.REPORT, spoil)]  # fmt: skip
    document, files = reviews_of(spoilt)
    for name, page in files.items():
        if name.endswith(".html"):
            assert not [tag for tag, _ in Page(page).tags if tag in ("script", "img", "b")], name
            assert b"&lt;script&gt;alert(1)" in page
        assert re.fullmatch(r"[a-z0-9-]+-review\.html|authoring_review_pages\.(html|json)", name)
    assert len({unit["page"] for unit in document["units"]}) == len(document["units"])


def test_who_waits_is_listed_with_the_reason_and_has_no_page() -> None:
    tables = World(approves=set(GATES) - {"module_lo_brief"}).tables
    document, files = reviews_of(
        row for name in declared.REVIEWED for row in tables[name].to_pylist()
    )
    assert document["units"]
    assert not [name for name in files if name.endswith("-review.html")]
    listed = " ".join(Page(files["authoring_review_pages.html"]).texts)
    for unit in document["units"]:
        assert unit["unit_id"] in listed
        assert unit["reason"] in listed


def test_where_nothing_was_asked_for_the_list_says_so() -> None:
    _, files = reviews_of([])
    assert b"nothing was asked for" in files["authoring_review_pages.html"]


# ------------------------------------------------------------------------------------ in a browser


@IN_BROWSER
@pytest.mark.parametrize(
    ("width", "scripts"), [(1280, True), (390, True), (390, False)], ids=["wide", "narrow", "plain"]
)
def test_pages_in_a_browser(tmp_path: Path, width: int, scripts: bool) -> None:
    for name, content in every_page():
        (tmp_path / name).write_bytes(content)
    panel = ".node[open] .card"
    with browsing(width, tmp_path, scripts=scripts) as browser:
        browser.open((tmp_path / "pipeline_flow.html").as_uri())
        step(browser, "flow")
        browser.press("#step-mod_review-enrich_concepts")
        browser.wait_for("mod_review_enrich_concepts", panel)
        box = browser.run(
            "return document.querySelector(arguments[0]).getBoundingClientRect().width", panel
        )
        assert box >= 250
        browser.press("#step-ch_research-derive_lo_brief")
        browser.wait_for("derive_chapter_sequence", panel)
        browser.one("#step-ch_research-chapter_intake").send_keys(Keys.ENTER)
        browser.wait_for("ch_research_chapter_intake", panel)
        step(browser, "node")
        if scripts:
            browser.one("body").send_keys(Keys.ESCAPE)
            assert browser.run("return document.querySelectorAll('.node[open]').length") == 0
            browser.open(f"{(tmp_path / 'pipeline_flow.html').as_uri()}#rubric-module_D")
            browser.wait_for("Every component is taught", ".entry[open]")
        for page in [unit["page"] for unit in units()][:2]:
            browser.open((tmp_path / page).as_uri())
            step(browser, "review")
