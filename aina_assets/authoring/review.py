"""The review of a module or applet: all scorers' results as one report, with its traces.

Belongs here: ``compile_review``, and the verdict of the whole. Figures come from ``scoring`` and
``coverage``, threads from ``traces``; short texts are added when they are there. Stays out: pages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from aina_assets.authoring.answers import rubric_of
from aina_assets.authoring.config import Configuration, GateSet, Pitfalls
from aina_assets.authoring.contracts import Document
from aina_assets.authoring.coverage import counted, places_of, statement_of
from aina_assets.authoring.draft_review import content_of
from aina_assets.authoring.gate_readings import computed_gates
from aina_assets.authoring.pitfall_readings import Content
from aina_assets.authoring.rules import AuthoringRules
from aina_assets.authoring.scoring import (
    DomainScore,
    GateResult,
    gate_results,
    is_passed,
    recommendations,
    scored,
    violations,
)
from aina_assets.authoring.traces import write_trace

_DOMAIN_CODES = ("D", "L", "P", "X")

READY, NOT_READY, OPEN = "ready", "not_ready", "not_fully_assessed"
VERDICTS = (READY, NOT_READY, OPEN)
"""What a review can say of the whole."""


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
            not assessed, and so is each criterion, question and item without a finding.
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
    coverage = (
        counted(
            results["assess_learning_coverage_result"], content.document, content.synthesis,
            content.scope,
        )["mastery_estimate"]
        if "assess_learning_coverage_result" in results
        else {"coverage": {}}
    )  # fmt: skip
    not_assessed = [
        *missing,
        *(code for code in _DOMAIN_CODES if code not in domains),
        *_open_items(gates, domains, coverage["coverage"]),
    ]
    verdict = _verdict(gates, not_assessed)
    asked = recommendations(gates, found, list(domains.values()))
    return {
        "scope": content.scope,
        "content_type": inputs["content_type"],
        "is_ready": verdict == READY,
        "verdict": verdict,
        "points_assessed": sum(one.assessed_maximum for one in domains.values()),
        "points_applicable": _points(content.scope, inputs["content_type"], config),
        "gates": [asdict(one) for one in gates],
        "domains": [
            {
                "domain": code,
                "total": one.total,
                "verdict": one.verdict,
                "raw": one.raw,
                "applicable_maximum": one.applicable_maximum,
                "assessed_maximum": one.assessed_maximum,
                "left_out": list(one.left_out),
                "not_assessed": list(one.not_assessed),
                "overrides": list(one.overrides),
                "criteria": [
                    {key: entry[key] for key in ("id", "points", "reason", "applicable")}
                    for entry in (one.document or {"criteria": ()})["criteria"]
                ],
            }
            for code, one in domains.items()
        ],
        "pitfalls": [asdict(one) | {"is_kept": one.is_kept} for one in found],
        "coverage": coverage["coverage"],
        "mastery": _mastery(coverage, content),
        "traces": results["traces"] if "traces" in results else write_trace(content),
        "applet_summary": results.get("extract_applet_summary"),
        "recommendations": [asdict(one) for one in asked],
        "not_assessed": not_assessed,
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


def _verdict(gates: Sequence[GateResult], not_assessed: Sequence[str]) -> str:
    """What a review says of the whole: a failed question first, then what nobody looked at."""
    if gates and not is_passed(gates):
        return NOT_READY
    return OPEN if not_assessed else READY


def _open_items(
    gates: Sequence[GateResult], domains: Mapping[str, DomainScore], coverage: Mapping[str, Any]
) -> Iterator[str]:
    """What was asked and came to no finding, as ``<where>:<what>``."""
    for gate in gates:
        if gate.state == "not_shown":
            yield f"gates:{gate.id}"
    for code, domain in domains.items():
        for criterion in domain.not_assessed:
            yield f"{code}:{criterion}"
        if domain.total is None and not domain.not_assessed:
            yield code
    for name, found in coverage.items():
        if isinstance(found, Mapping):
            for item in found["not_judged"]:
                yield f"coverage:{name} {item}"


def _points(scope: str, content_type: str, config: Configuration) -> int:
    """The most points that the rubrics have for this kind of content."""
    rubrics = (rubric_of(config, scope, code) for code in _DOMAIN_CODES)
    return sum(
        criterion.points
        for rubric in rubrics
        if rubric is not None
        for criterion in rubric.criteria
        if criterion.applies_to(content_type)
    )


def _mastery(coverage: Mapping[str, Any], content: Content) -> Document:
    """Judgements of coverage, each component's with its own words and what stands where."""
    found = {key: value for key, value in coverage.items() if key != "coverage"}
    if "components" in found:
        found["components"] = [
            entry
            | {
                "statement": statement_of(content, entry["component_index"]),
                "evidence": places_of(content, entry["component_index"], entry["where"]),
            }
            for entry in found["components"]
        ]
    return found
