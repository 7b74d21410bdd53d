"""The review of a module or applet: all scorers' results as one report, with its traces.

Belongs here: ``compile_review`` and ``write_trace``. Figures and verdicts come from ``scoring`` and
``coverage``; short texts are added when they are there. Stays out: pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

from aina_assets.authoring.answers import rubric_of
from aina_assets.authoring.config import Configuration, GateSet, Pitfalls
from aina_assets.authoring.contracts import Document
from aina_assets.authoring.coverage import counted
from aina_assets.authoring.draft_review import content_of
from aina_assets.authoring.gate_readings import computed_gates
from aina_assets.authoring.pitfall_readings import Content
from aina_assets.authoring.rules import AuthoringRules
from aina_assets.authoring.scoring import (
    DomainScore,
    gate_results,
    is_passed,
    recommendations,
    scored,
    violations,
)

_DOMAIN_CODES = ("D", "L", "P", "X")


def compile_review(
    inputs: Mapping[str, Any],
    results: Mapping[str, Any],
    config: Configuration,
    rules: AuthoringRules,
) -> Document:
    """``review_digest``: totals, verdicts, gates, pitfalls after suspension, coverage, what to do.

    Args:
        inputs: as a scorer has them: the content, the synthesis, ``content_type``, and
            ``lesson_minutes`` of a module.
        results: ``score_gates_result``, ``scan_design_pitfalls_result``,
            ``assess_learning_coverage_result``, ``score_rubric_domain_result`` as a list, and where
            they are there ``extract_applet_summary`` and ``traces``; what is missing is listed as
            not assessed.
        config: rubrics.
        rules: bounds of sums.
    """
    content = content_of(inputs)
    gate_set = config.rubric_by_name[f"{content.scope}_gates"]
    pitfall_list = config.rubric_by_name["design_pitfalls"]
    assert isinstance(gate_set, GateSet)  # noqa: S101 - the configuration's check has seen to it
    assert isinstance(pitfall_list, Pitfalls)  # noqa: S101 - the same
    missing = [
        name
        for name in (
            "score_gates_result", "scan_design_pitfalls_result", "assess_learning_coverage_result",
        )
        if name not in results
    ]  # fmt: skip
    gates = (
        gate_results(results["score_gates_result"], gate_set, computed_gates(content, rules))
        if "score_gates_result" in results
        else []
    )
    domains = _domains(content.scope, results.get("score_rubric_domain_result", ()), config)
    observed = [
        one
        for result in results.get("score_rubric_domain_result", ())
        for one in result.get("slide_role_observations") or ()
    ]
    found = (
        violations(
            results["scan_design_pitfalls_result"], pitfall_list, content.document, content.scope,
            observed,
        )
        if "scan_design_pitfalls_result" in results
        else []
    )  # fmt: skip
    covered = (
        counted(
            results["assess_learning_coverage_result"], content.document, content.synthesis,
            content.scope,
        )["mastery_estimate"]
        if "assess_learning_coverage_result" in results
        else {"coverage": {}}
    )  # fmt: skip
    asked = recommendations(gates, found, list(domains.values()))
    return {
        "scope": content.scope,
        "content_type": inputs["content_type"],
        "is_ready": bool(gates) and is_passed(gates),
        "gates": [asdict(one) for one in gates],
        "domains": [
            {
                "domain": code,
                "total": one.total,
                "verdict": one.verdict,
                "raw": one.raw,
                "applicable_maximum": one.applicable_maximum,
                "left_out": list(one.left_out),
                "overrides": list(one.overrides),
                "criteria": [
                    {key: entry[key] for key in ("id", "points", "reason", "applicable")}
                    for entry in (one.document or {"criteria": ()})["criteria"]
                ],
            }
            for code, one in domains.items()
        ],
        "pitfalls": [asdict(one) | {"is_kept": one.is_kept} for one in found],
        "coverage": covered["coverage"],
        "mastery": {key: value for key, value in covered.items() if key != "coverage"},
        "traces": results["traces"] if "traces" in results else write_trace(content),
        "applet_summary": results.get("extract_applet_summary"),
        "recommendations": [asdict(one) for one in asked],
        "not_assessed": missing + [code for code in _DOMAIN_CODES if code not in domains],
    }


def review_report(digest: Mapping[str, Any], texts: Mapping[str, Any] | None) -> Document:
    """``review_report``: the digest with its short texts."""
    return {**digest, "texts": dict(texts) if texts is not None else None}


def _domains(
    scope: str, results: Sequence[Mapping[str, Any]], config: Configuration
) -> dict[str, DomainScore]:
    by_code = {result["domain_code"]: result for result in results}
    made = {}
    for code in _DOMAIN_CODES:
        rubric = rubric_of(config, scope, code)
        if code in by_code and rubric is not None:
            made[code] = scored(by_code[code], rubric)
    return made


def write_trace(content: Content) -> list[Document]:
    """Threads of a plan from first to last: steps with their places, and where one breaks."""
    threads = _module_threads(content) if content.scope == "module" else _screen_threads(content)
    return [
        {
            "thread": thread,
            "subject": subject,
            "steps": [{"where": place, "what": what} for place, what in steps],
            "breaks": list(breaks),
        }
        for thread, subject, steps, breaks in threads
    ]


_Thread = tuple[str, str, list[tuple[int, str]], list[str]]


def _module_threads(content: Content) -> Iterator[_Thread]:
    slides = content.entries
    for one in content.synthesis.get("prerequisites_to_reactivate") or []:
        called = [
            (slide["slide_no"], "called up")
            for slide in slides
            if slide["slide_role"] == "retrieval"
        ]
        yield "knowledge_trace", one["what"], called, [] if called else ["never called up"]
    for one in content.synthesis["lo_misconceptions"]:
        met = [
            (slide["slide_no"], slide["slide_role"])
            for slide in slides
            if one["misconception_id"] in slide["misconception_ids"]
        ]
        roles = [role for _, role in met]
        breaks = [] if "misconception_probe" in roles else ["no commitment before the answer"]
        if "independent_practice" not in roles:
            breaks.append("not checked again")
        yield "misconception_trace", one["misconception_id"], met, breaks
    levels = ("informal", "named", "defined", "used")
    for term in content.document["vocabulary_introduction_plan"]:
        steps = [
            (step["slide_no"], str(step.get("level")))
            for step in term["steps"]
            if isinstance(step.get("slide_no"), int)
        ]
        ranks = [levels.index(level) for _, level in steps if level in levels]
        jumps = any(b - a > 1 for a, b in pairwise(ranks))
        yield "vocabulary_trace", term["term"], steps, ["a level is jumped"] if jumps else []
    for place, model in enumerate(content.document["visual_models"]):
        breaks = ["not linked to the model before"] if place and not model["linked_to"] else []
        yield (
            "representation_trace",
            model["vir_id"],
            [(number, "in use") for number in model["slides"]],
            breaks,
        )


def _screen_threads(content: Content) -> Iterator[_Thread]:
    screens = content.entries
    steps = [(screen["screen_no"], screen["ias_stage"]) for screen in screens]
    breaks = [
        f"screen {screen['screen_no']} does not say from which state it starts"
        for screen in screens
        if not str(screen["transition_from_previous"].get("this_screen_entry_state") or "").strip()
    ]
    yield "screen_state_trace", "screens", steps, breaks
