"""Totals, verdicts, passes, suspension and order are code's, whatever a scorer writes."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from aina_assets.authoring.config import GateSet, Pitfalls, Rubric
from aina_assets.authoring.coverage import counted
from aina_assets.authoring.draft_review import content_of
from aina_assets.authoring.gate_readings import computed_gates
from aina_assets.authoring.review import compile_review, review_report
from aina_assets.authoring.scoring import (
    gate_results,
    gate_state,
    is_passed,
    scaled,
    scored,
    verdict_of,
    violations,
)
from aina_assets_tests.authoring.drafted import (
    applet_input,
    config,
    drafted,
    module_input,
    rules,
    runner,
)

Sample = dict[str, Any]


def rubric(name: str) -> Rubric:
    found = config().rubric_by_name[name]
    assert isinstance(found, Rubric)
    return found


def result(name: str = "module_P", position: int = 1) -> Sample:
    scope, code = name.split("_")
    sample = module_input(position) if scope == "module" else applet_input(3)
    lane = "mod_review" if scope == "module" else "app_review"
    return drafted("score_rubric_domain", lane, sample | {"domain_code": code})


@pytest.mark.parametrize(
    ("raw", "most", "total"),
    [(11, 15, 18), (25, 25, 25), (0, 9, 0), (1, 2, 13), (1, 50, 1), (24, 25, 24), (5, 10, 13)],
)
def test_points_are_scaled_over_what_applies_and_halves_go_up(
    raw: int, most: int, total: int
) -> None:
    assert scaled(raw, most, 25) == total


def test_a_verdict_is_the_band_of_the_total() -> None:
    own = rubric("module_P")
    for band, above in zip(
        own.verdicts, (own.points + 1, *(b.min for b in own.verdicts)), strict=False
    ):
        assert verdict_of(band.min, own) == band.verdict
        assert verdict_of(above - 1, own) == band.verdict


def test_what_does_not_apply_is_left_out_of_total_and_maximum() -> None:
    given = result()
    given["content_type"] = "practice"
    score = scored(given, rubric("module_P"))
    own = rubric("module_P")
    left_out = {one.id for one in own.criteria if not one.applies_to("practice")}
    assert set(score.left_out) == left_out
    assert score.applicable_maximum == sum(
        one.points for one in own.criteria if one.id not in left_out
    )
    assert score.document is not None
    by_id = {one["id"]: one for one in score.document["criteria"]}
    assert all(by_id[one]["points"] is None for one in left_out)
    assert (
        runner().contracts.problems("score_rubric_domain_result", score.document, is_whole=True)
        == []
    )


def test_a_scorer_who_decides_applicability_or_invents_a_level_is_overridden() -> None:
    given = result()
    first = given["criteria"][0]
    first["applicable"], first["points"] = False, None
    second = next(one for one in given["criteria"][1:] if one["applicable"])
    second["points"] = 2
    score = scored(given, rubric("module_P"))
    told = "; ".join(score.overrides)
    assert f"{first['id']}:" in told
    assert f"{second['id']}: 2 is no level" in told


def test_what_was_not_assessed_is_in_no_total_and_is_named() -> None:
    given, own = result(), rubric("module_P")
    whole = scored(given, own)
    open_one = next(one for one in given["criteria"] if one["applicable"])
    (asked,) = (one for one in own.criteria if one.id == open_one["id"])
    open_one["points"] = None
    score = scored(given, own)
    assert score.not_assessed == (*whole.not_assessed, asked.id)
    assert score.applicable_maximum == whole.applicable_maximum
    assert score.assessed_maximum == whole.assessed_maximum - asked.points
    assert score.total == scaled(score.raw, score.assessed_maximum, own.points)
    assert score.document is not None
    assert (
        runner().contracts.problems("score_rubric_domain_result", score.document, is_whole=True)
        == []
    )
    for one in given["criteria"]:
        one["points"] = None
    nothing = scored(given, own)
    assert (nothing.total, nothing.verdict, nothing.assessed_maximum) == (None, None, 0)
    assert nothing.applicable_maximum == whole.applicable_maximum


def test_without_an_applicable_criterion_a_domain_is_not_assessed() -> None:
    own = rubric("module_P").model_copy(
        update={
            "criteria": tuple(
                one.model_copy(update={"applicable_to": ("concept",)})
                for one in rubric("module_P").criteria
            )
        }
    )
    given = result() | {"content_type": "practice"}
    score = scored(given, own)
    assert (score.total, score.verdict, score.document) == (None, None, None)
    assert len(score.left_out) == len(own.criteria)


@pytest.mark.parametrize(
    ("finding", "severity", "state"),
    [
        ("met", "blocking", "pass"),
        ("not_applicable", "blocking", "pass"),
        ("not_met", "blocking", "fail"),
        ("not_met", "advisory", "enhancement"),
        ("not_shown", "blocking", "not_shown"),
        ("not_shown", "advisory", "not_shown"),
    ],
)
def test_what_a_finding_comes_to(finding: str, severity: str, state: str) -> None:
    assert gate_state(finding, severity) == state


def test_a_blocking_gate_that_fails_or_is_not_shown_stops_and_an_advisory_does_not() -> None:
    gates = config().rubric_by_name["module_gates"]
    assert isinstance(gates, GateSet)
    given = drafted("score_gates", "mod_review", module_input(3))
    assert is_passed(gate_results(given, gates))
    for gate in given["gates"]:
        severity = next(one.severity for one in gates.gates if one.id == gate["id"])
        for finding in ("not_met", "not_shown"):
            broken = copy.deepcopy(given)
            next(one for one in broken["gates"] if one["id"] == gate["id"])["finding"] = finding
            assert is_passed(gate_results(broken, gates)) is (severity == "advisory")


def test_sums_are_code_s_whatever_the_scorer_found() -> None:
    gates = config().rubric_by_name["module_gates"]
    assert isinstance(gates, GateSet)
    sample = module_input()
    given = drafted("score_gates", "mod_review", sample)
    sample["build_module_blueprint"]["slides"][2]["minutes"] = 40
    results = gate_results(given, gates, computed_gates(content_of(sample), rules()))
    minutes = next(one for one in results if one.id == "module_minutes_fit")
    assert (minutes.finding, minutes.state, minutes.is_computed) == ("not_met", "enhancement", True)
    assert "minutes of a lesson" in minutes.missing


def violation(**changed: Any) -> Sample:
    entry = {
        "id": "answer_before_thinking",
        "where": [3],
        "evidence": "the answer is 3/4",
        "harm_here": "nobody has to think",
        "fix": "split the slide",
        "confidence": "high",
    }
    return {"pattern_set": "design_pitfalls", "violations": [entry | changed],
            "slide_role_observations": []}  # fmt: skip


def observation(place: int, role: str, confidence: str, planned: str | None = None) -> Sample:
    return {
        "slide_no": place,
        "observed_role": role,
        "confidence": confidence,
        "cue": "seen",
        "planned_role": planned,
    }


def after(scan: Sample, others: list[Sample] | None = None, scope: str = "module") -> Any:
    pitfalls = config().rubric_by_name["design_pitfalls"]
    assert isinstance(pitfalls, Pitfalls)
    if scope == "module":
        content = module_input()["build_module_blueprint"]
        content["slides"][2]["slide_role"] = "concept_development"
        content["slides"][3]["slide_role"] = "worked_example"
    else:
        content = applet_input(3)["build_applet_screens"]
    (found,) = violations(scan, pitfalls, content, scope, others or [])
    return found


@pytest.mark.parametrize(
    ("place", "role", "confidence", "is_suspended"),
    [
        (3, "worked_example", "high", True),
        (3, "worked_example", "medium", False),
        (4, "worked_example", "medium", True),
        (4, "worked_example", "low", False),
        (3, "guided_practice", "high", False),
    ],
)
def test_a_role_suspends_by_confidence_and_plan(
    place: int, role: str, confidence: str, is_suspended: bool
) -> None:
    scan = violation(where=[place])
    scan["slide_role_observations"] = [observation(place, role, confidence)]
    found = after(scan)
    assert found.is_kept is not is_suspended
    assert found.suspended == (((place, role),) if is_suspended else ())


def test_suspension_goes_slide_by_slide_and_the_violation_stays_on_record() -> None:
    scan = violation(where=[3, 5])
    scan["slide_role_observations"] = [observation(3, "worked_example", "high")]
    found = after(scan)
    assert (found.where, found.suspended, found.is_kept) == ((5,), ((3, "worked_example"),), True)


def test_of_two_passes_the_surer_counts_and_a_tie_suspends_nothing() -> None:
    scan = violation()
    scan["slide_role_observations"] = [observation(3, "worked_example", "high")]
    assert after(scan, [observation(3, "guided_practice", "medium")]).is_kept is False
    assert after(scan, [observation(3, "guided_practice", "high")]).is_kept is True


def test_a_screen_s_stage_stands_for_its_role() -> None:
    scan = violation(id="solvable_by_trying", where=[1, 2])
    found = after(scan, scope="applet")
    assert found.suspended == ((1, "orient"),)
    assert found.where == (2,)


def test_coverage_is_counted_from_states_against_what_was_planned() -> None:
    sample = module_input()
    given = drafted("assess_learning_coverage", "mod_review", sample)
    estimate = given["mastery_estimate"]
    estimate["misconceptions"][0]["state"] = "absent"
    estimate["components"] = estimate["components"][1:]
    estimate["visual_models"][0]["where"] = []
    estimate["vocabulary"][0]["reached_level"] = "named"
    whole = counted(
        given, sample["build_module_blueprint"], sample["research_deep_synthesis"], "module"
    )
    covered = whole["mastery_estimate"]["coverage"]
    assert covered["misconceptions"]["met"] == covered["misconceptions"]["planned"] - 1
    assert covered["misconceptions"]["states"]["absent"] == 1
    assert covered["components"]["not_judged"] == [0]
    assert any("without a place" in one for one in covered["faults"])
    assert any("reached named only" in one for one in covered["faults"])
    assert (
        runner().contracts.problems("assess_learning_coverage_result", whole, is_whole=True) == []
    )


def scorers(sample: Sample, lane: str) -> Sample:
    return {
        "score_gates_result": drafted("score_gates", lane, sample),
        "scan_design_pitfalls_result": drafted("scan_design_pitfalls", lane, sample),
        "assess_learning_coverage_result": drafted("assess_learning_coverage", lane, sample),
        "score_rubric_domain_result": [
            drafted("score_rubric_domain", lane, sample | {"domain_code": code}) for code in "DLPX"
        ],
    }


def test_a_review_orders_what_to_do_by_harm_and_names_what_was_not_assessed() -> None:
    sample = module_input(3)
    slides = sample["build_module_blueprint"]["slides"]
    slides[8]["major_idea_per_slide"] = "Joining shows that 6/8 = 4/5."
    slides[9]["scaffolding_level_per_slide"] = "independent"
    slides[8]["scaffolding_level_per_slide"] = "full"
    slides[2]["on_slide_text"] = "Read this. " * 40
    results = scorers(sample, "mod_review")
    digest = compile_review(sample, results, config(), rules())
    order = [one["priority"] for one in digest["recommendations"]]
    assert order == sorted(order, key=["must", "should", "could"].index)
    assert digest["recommendations"][0]["because"] == "module_mathematics_correct"
    assert {"must", "should", "could"} <= set(order)
    assert (digest["is_ready"], digest["verdict"]) == (False, "not_ready")
    assert not set(digest["not_assessed"]) & {*"DLPX", *SCORERS}
    partial = compile_review(
        sample, {"score_gates_result": results["score_gates_result"]}, config(), rules()
    )
    assert "scan_design_pitfalls_result" in partial["not_assessed"]
    assert {"D", "L", "P", "X"} <= set(partial["not_assessed"])
    assert partial["points_assessed"] == 0


SCORERS = (
    "score_gates_result", "scan_design_pitfalls_result", "assess_learning_coverage_result",
)  # fmt: skip


def with_every_level(results: Sample, scope: str) -> Sample:
    """As if somebody had looked at the pictures too, and found the highest level."""
    made = copy.deepcopy(results)
    for domain in made["score_rubric_domain_result"]:
        by_id = {one.id: one for one in rubric(f"{scope}_{domain['domain_code']}").criteria}
        for one in domain["criteria"]:
            if one["applicable"] and one["points"] is None:
                one["points"] = by_id[one["id"]].points
    return made


@pytest.mark.parametrize(("scope", "lane"), [("module", "mod_review"), ("applet", "app_review")])
def test_a_review_is_ready_only_where_all_that_is_asked_was_assessed(scope: str, lane: str) -> None:
    sample = module_input(3) if scope == "module" else applet_input(3)
    drafts = scorers(sample, lane)
    whole = with_every_level(drafts, scope)

    def review(results: Sample) -> Sample:
        return compile_review(sample, results, config(), rules())

    drafted_one = review(drafts)
    assert (drafted_one["is_ready"], drafted_one["verdict"]) == (False, "not_fully_assessed")
    assert drafted_one["not_assessed"]
    assert drafted_one["points_assessed"] < drafted_one["points_applicable"]
    said = drafted("generate_action_summaries", lane, {"review_digest": drafted_one})
    points = f"{drafted_one['points_assessed']} of {drafted_one['points_applicable']} points"
    assert points in said["summary_blurb"]
    assert drafted_one["not_assessed"][0] in said["summary_blurb"]

    ready = review(whole)
    assert (ready["is_ready"], ready["verdict"], ready["not_assessed"]) == (True, "ready", [])
    assert ready["points_assessed"] == ready["points_applicable"]
    for name in (*SCORERS, "score_rubric_domain_result"):
        one_missing = {key: value for key, value in whole.items() if key != name}
        assert review(one_missing)["verdict"] == "not_fully_assessed", name
    unseen = copy.deepcopy(whole)
    unseen["assess_learning_coverage_result"]["mastery_estimate"]["components"].pop()
    assert any("coverage:components" in one for one in review(unseen)["not_assessed"])
    unshown = copy.deepcopy(whole)
    gates = {one.id: one for one in config().rubric_by_name[f"{scope}_gates"].entries}
    for gate in unshown["score_gates_result"]["gates"]:
        if getattr(gates[gate["id"]], "severity", "") == "advisory":
            gate["finding"] = "not_shown"
    if any(getattr(one, "severity", "") == "advisory" for one in gates.values()):
        assert review(unshown)["verdict"] != "not_ready"


@pytest.mark.parametrize(("scope", "lane"), [("module", "mod_review"), ("applet", "app_review")])
def test_a_report_repeats_figures_and_has_its_texts(scope: str, lane: str) -> None:
    sample = module_input(3) if scope == "module" else applet_input(3)
    for term in sample.get("build_module_blueprint", {}).get("vocabulary_introduction_plan", ()):
        term["checked_on"] = term["checked_on"][:1]
    digest = compile_review(sample, scorers(sample, lane), config(), rules())
    texts = drafted("generate_action_summaries", lane, {"review_digest": digest})
    assert len(texts["summary_blurb"].split()) <= 60
    assert "No gate failed" in texts["gate_summary"]
    report = review_report(digest, texts)
    assert report["texts"] == texts
    assert report["verdict"] == digest["verdict"]
    assert digest["traces"]
    assert not any(one["breaks"] for one in digest["traces"] if one["thread"] == "vocabulary_trace")


def test_the_texts_of_a_report_say_what_stands_below_them() -> None:
    sample = module_input(3)
    digest = compile_review(sample, scorers(sample, "mod_review"), config(), rules())
    quiet = {**digest, "recommendations": [], "traces": [], "mastery": {}}
    broken: dict[str, Any] = {
        "thread": "question_trace",
        "subject": "Is it so?",
        "steps": [],
        "gap": None,
    }
    blocked = [{"what": "a model of time", "why": "gap of kind visual_model"}] * 2

    def said(**below: Any) -> dict[str, Any]:
        return drafted("generate_action_summaries", "mod_review", {"review_digest": quiet | below})

    nothing = said()
    assert "nothing that the reading" in nothing["mastery_action_line"]
    threads = said(traces=[broken | {"breaks": ["not answered at the end"]}])
    for name in ("summary_blurb", "mastery_action_line", "recommendation_summary"):
        assert "1 broken thread, first question trace of “Is it so?”: not answered" in threads[name]
    gaps = said(mastery={"blocked_by": blocked})
    assert "the gap on a model of time" in gaps["mastery_action_line"]
    assert "Blocked by 1 gap: a model of time." in gaps["mastery_narrative"]
    assert "Blocked by" not in nothing["mastery_narrative"]
