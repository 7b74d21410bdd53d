"""Each kind of broken wiring is refused, with the name of its rule and of what is broken."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from aina_assets.authoring import check
from aina_assets.authoring.check import faults_of, faults_of_gates
from aina_assets.authoring.policy import Authoring
from aina_assets.review.policy import ReviewGates
from aina_assets_tests.authoring.folder import changed, copied, refusal


class Break(NamedTuple):
    """An edit, and the fault it makes: ``rule: name``, with words of what is said."""

    file: str
    old: str
    new: str
    fault: str
    said: str


SPINE = "prompts/build_spine.md"
CONTRACTS = "field_contracts.yaml"
LANES = "lanes.yaml"

BREAKS = {
    # rubrics
    "points of a criterion": Break(
        "rubrics/applet_P.yaml",
        "title: The misconception would show itself\n    points: 4",
        "title: The misconception would show itself\n    points: 5",
        "points: applet_P",
        "26 points, the rubric 25",
    ),
    "highest level": Break(
        "rubrics/module_L.yaml",
        "points: 4, when: ",
        "points: 6, when: ",
        "points: module_L",
        "levels of L1 go [6, 2, 0]",
    ),
    "verdicts out of order": Break(
        "rubrics/module_D.yaml",
        "{min: 15, verdict: adequate}",
        "{min: 21, verdict: adequate}",
        "points: module_D",
        "[20, 21, 10, 0]",
    ),
    "an id twice": Break(
        "rubrics/design_pitfalls.yaml",
        "- id: passive_run",
        "- id: wall_of_text",
        "unique: design_pitfalls",
        "wall_of_text stands 2 times",
    ),
    "evidence that nothing gives": Break(
        "rubrics/module_X.yaml",
        "evidence: [teaching_sufficiency_note, slides]",
        "evidence: [teaching_sufficiency, slides]",
        "evidence: module_X",
        "teaching_sufficiency,",
    ),
    "evidence of the other scope": Break(
        "rubrics/module_gates.yaml",
        "evidence: [lo, lo_components]",
        "evidence: [lo, scaffolding_arc]",
        "evidence: module_gates",
        "scaffolding_arc",
    ),
    "content type that is none": Break(
        "rubrics/module_P.yaml",
        "applicable_to: [procedure, practice, review]",
        "applicable_to: [procedure, practice, revision]",
        "enum: module_P",
        "P8 applies to revision",
    ),
    "suspended by no role": Break(
        "rubrics/design_pitfalls.yaml",
        "suspended_by: [worked_example, summary, title]",
        "suspended_by: [worked_example, ending, title]",
        "enum: design_pitfalls",
        "ending, which is no role or stage",
    ),
    "rubric that nothing quotes": Break(
        "prompts/derive_module_sequence.md",
        "rubrics: [chapter_sequence_guide, lo_criteria]",
        "rubrics: [lo_criteria]",
        "rubric_used: chapter_sequence_guide",
        "no prompt or step uses it",
    ),
    "rubric that is not there": Break(
        "prompts/derive_module_sequence.md",
        "rubrics: [chapter_sequence_guide, lo_criteria]",
        "rubrics: [chapter_sequence_guide, lo_criteria, grade_guide]",
        "rubric_exists: derive_module_sequence",
        "no rubric grade_guide",
    ),
    "rubric of code that is not there": Break(
        LANES,
        "           score_rubric_domain_result, scan_design_pitfalls_result,"
        " assess_learning_coverage_result, extract_applet_summary, traces]\n"
        "        makes: [review_digest]\n        rubrics: [trace_guide]",
        "           score_rubric_domain_result, scan_design_pitfalls_result,"
        " assess_learning_coverage_result, extract_applet_summary, traces]\n"
        "        makes: [review_digest]\n        rubrics: [trace_guides]",
        "rubric_exists: mod_review.compile_review",
        "no rubric trace_guides",
    ),
    # domain rules
    "rule without consumer": Break(
        "domain_rules/textbook_floor_principle.md",
        "consumers: [derive_chapter_sequence]",
        "consumers: []",
        "rule_consumers: textbook_floor_principle",
        "has no consumer",
    ),
    "renamed consumer": Break(
        "domain_rules/vocabulary_tracking.json",
        '"enrich_concepts"',
        '"enrich_concept"',
        "rule_consumers: vocabulary_tracking",
        "consumer enrich_concept is no skill",
    ),
    "consumer whose prompt carries no rules": Break(
        "prompts/extract_applet_summary.md",
        "differences}, each comparison yes, partly or no. What",
        "differences}: yes, partly or no. {{anti_bias}} What",
        "variable: extract_applet_summary",
        "anti_bias is only in the text",
    ),
    "format that is not the file's": Break(
        "domain_rules/scope_discipline.md",
        "format: md",
        "format: json",
        "rule_format: scope_discipline",
        "says format json",
    ),
    "declared consumer without resolution": Break(
        "domain_rules/applet_scope_discipline.json",
        '      "compile.py"\n    ],',
        '      "compile.py", "render.py"\n    ],',
        "rule_consumers: applet_scope_discipline",
        "name different consumers",
    ),
    "resolution to nothing": Break(
        "domain_rules/applet_scope_discipline.json",
        '"as": "compile_review"',
        '"as": "compile_reviews"',
        "rule_consumers: applet_scope_discipline",
        "compile.py is resolved to compile_reviews",
    ),
    "source that is no prompt": Break(
        "domain_rules/applet_scope_discipline.json",
        '"source_template": "assess_learning_coverage"',
        '"source_template": "assess_coverage"',
        "rule_consumers: applet_scope_discipline",
        "assess_coverage is no prompt",
    ),
    # prompts
    "variable that is not declared": Break(
        SPINE,
        "## Rules of the domain\n",
        "## Rules of the domain\n{{lesson_plan}}\n",
        "unrendered: build_spine",
        "lesson_plan",
    ),
    "variable that the text lacks": Break(
        SPINE,
        "{{anti_bias}}\n",
        "",
        "variable: build_spine",
        "anti_bias is only declared",
    ),
    "variable twice": Break(
        SPINE,
        "{{anti_bias}}\n",
        "{{anti_bias}}\n{{ anti_bias }}\n",
        "variable: build_spine",
        "{{anti_bias}} stands 2 times",
    ),
    "variable that nothing describes": Break(
        CONTRACTS,
        "  anti_bias: {source: shared/anti_bias.md}\n",
        "",
        "variable: build_spine",
        "anti_bias is no variable of field_contracts.yaml",
    ),
    "variable that no prompt has": Break(
        CONTRACTS,
        "  anti_bias: {source: shared/anti_bias.md}\n",
        "  anti_bias: {source: shared/anti_bias.md}\n  mood: {source: none}\n",
        "variable: mood",
        "no prompt has this variable",
    ),
    "rubrics that are not quoted": Break(
        SPINE,
        "reads: [module_lo_brief_enriched",
        "rubrics: [blueprint_guide]\nreads: [module_lo_brief_enriched",
        "variable: build_spine",
        "rubric_section and rubrics do not go together",
    ),
    "no lane": Break(
        SPINE,
        "lanes: [mod_review]",
        "lanes: [module_review]",
        "lane: build_spine",
        "module_review is no lane",
    ),
    "lane without the step": Break(
        SPINE,
        "lanes: [mod_review]",
        "lanes: [mod_review, app_review]",
        "lane: build_spine",
        "has no such step in app_review",
    ),
    "input of a lane that is not its": Break(
        "prompts/score_gates.md",
        "  app_review: [build_applet_screens,",
        "  ch_research: [build_applet_screens,",
        "lane: score_gates",
        "reads names ch_research",
    ),
    "lane without input": Break(
        "prompts/score_gates.md",
        "  app_review: [build_applet_screens,",
        "  ch_research: [build_applet_screens,",
        "lane: score_gates",
        "reads says nothing of app_review",
    ),
    "operation told by no prompt": Break(
        "prompts/derive_module_sequence.md",
        "operations: [refine_module, insert_module]",
        "operations: [refine_module]",
        "operation: insert_module",
        "does not name it under operations",
    ),
    "operation that is not there": Break(
        "prompts/derive_module_sequence.md",
        "operations: [refine_module, insert_module]",
        "operations: [refine_module, insert_module, drop_module]",
        "operation: derive_module_sequence",
        "drop_module",
    ),
    # contracts
    "dropped field": Break(
        CONTRACTS,
        "      - {name: major_idea_per_slide, type: string, required: true, level: slide,"
        " note: One sentence with the mathematics in it.}\n",
        "",
        "evidence: module_D",
        "major_idea_per_slide",
    ),
    "field that nobody writes": Break(
        CONTRACTS,
        "{name: chapter_lo, type: string,",
        "{name: chapter_aim, type: string,",
        "field_produced: derive_lo_brief",
        "asks for chapter_aim",
    ),
    "part of a field that is not there": Break(
        CONTRACTS,
        "fields: [slides, trope_map, transition_from_previous, kb_gaps]",
        "fields: [slides, trope_maps, transition_from_previous, kb_gaps]",
        "field_produced: enrichment_experience",
        "trope_maps is no field of build_module_blueprint",
    ),
    "field set by code that nobody runs": Break(
        CONTRACTS,
        "      - {name: gate_set, type: string, required: true,",
        "      - {name: gate_set, type: string, required: true, set_by: code,",
        "field_produced: score_gates_result",
        "gate_set is set by code, and no producer is code",
    ),
    "field of entries that are not there": Break(
        CONTRACTS,
        "      - {name: gate_set, type: string, required: true,",
        "      - {name: gate_set, type: string, required: true, level: slide,",
        "field_produced: score_gates_result",
        "each entry of slides",
    ),
    "field twice": Break(
        CONTRACTS,
        "      - {name: gate_set, type: string, required: true,",
        "      - {name: gates, type: string, required: true,",
        "unique: score_gates_result",
        "gates stands 2 times",
    ),
    "enum that is not there": Break(
        CONTRACTS,
        "one_of: difficulty_level",
        "one_of: difficulty",
        "enum: build_applet_screens",
        "difficulty_level is one of difficulty",
    ),
    "enum of a shape that is not there": Break(
        CONTRACTS,
        "finding: one of gate_finding",
        "finding: one of gate_findings",
        "enum: score_gates_result",
        "gate_findings",
    ),
    "contract without consumer": Break(
        CONTRACTS,
        "producers: [score_gates]\n    consumed_by: [compile_review]",
        "producers: [score_gates]\n    consumed_by: []",
        "contract_ends: score_gates_result",
        "has no consumer",
    ),
    "reader that is not declared": Break(
        CONTRACTS,
        "producers: [score_gates]\n    consumed_by: [compile_review]",
        "producers: [score_gates]\n    consumed_by: [render_gate]",
        "consumer_declared: score_gates_result",
        "does not name mod_review.compile_review, which reads it",
    ),
    "consumer that reads nothing of it": Break(
        CONTRACTS,
        "producers: [score_gates]\n    consumed_by: [compile_review]",
        "producers: [score_gates]\n    consumed_by: [compile_review, build_spine]",
        "consumer_reads: score_gates_result",
        "consumer build_spine does not read it",
    ),
    "consumer that is not there": Break(
        CONTRACTS,
        "producers: [score_gates]\n    consumed_by: [compile_review]",
        "producers: [score_gates]\n    consumed_by: [compile_review, dashboard]",
        "contract_ends: score_gates_result",
        "consumer dashboard is no prompt",
    ),
    "producer that makes nothing of it": Break(
        CONTRACTS,
        "producers: [score_gates]\n",
        "producers: [score_gates, build_spine]\n",
        "producer_declared: score_gates_result",
        "producer build_spine does not make it",
    ),
    "maker that is not declared": Break(
        CONTRACTS,
        "producers: [score_gates]\n",
        "producers: [compile_review]\n",
        "producer_declared: score_gates_result",
        "does not name mod_review.score_gates, which makes it",
    ),
    "sink that takes what is not there": Break(
        CONTRACTS,
        "reads: derive_module_sequence, field: module_sequence,",
        "reads: derive_module_sequence, field: modules,",
        "field_produced: kb_write_agent",
        "takes modules of derive_module_sequence",
    ),
    "sink that nobody named": Break(
        CONTRACTS,
        "reads: derive_module_sequence, field: module_sequence,",
        "reads: derive_lo_brief, field: chapter_lo,",
        "contract_ends: kb_write_agent",
        "does not name it as a consumer",
    ),
    "sink that nothing calls": Break(
        CONTRACTS,
        "called_by: finalize_chapter_researcher,",
        "called_by: finalise,",
        "contract_ends: kb_write_agent",
        "called by finalise",
    ),
    # lanes
    "read before it is made": Break(
        LANES,
        "      - {step: enrich_concepts, kind: skill}\n",
        "",
        "upstream: mod_review.enrich_experience",
        "reads enrichment_concepts, which nothing before it makes",
    ),
    "computed too late": Break(
        LANES,
        "makes: [pacing_state]",
        "makes: []",
        "upstream: mod_review.enrich_experience",
        "{{pacing_state}}",
    ),
    "read that is nothing": Break(
        LANES,
        "{step: render_review, kind: render, reads: [review_report]}\n\n  - lane: app_review",
        "{step: render_review, kind: render, reads: [report]}\n\n  - lane: app_review",
        "known: mod_review.render_review",
        "report is no contract or artefact",
    ),
    "skill that no prompt tells": Break(
        LANES,
        "{step: build_spine, kind: skill}",
        "{step: build_spines, kind: skill}",
        "lane: mod_review.build_spines",
        "no prompt build_spines",
    ),
    "skill that says its input twice": Break(
        LANES,
        "{step: build_spine, kind: skill}",
        "{step: build_spine, kind: skill, reads: [module_lo_brief_enriched]}",
        "lane: mod_review.build_spine",
        "stands in its prompt",
    ),
    "operation in a lane that is none": Break(
        LANES,
        "{step: insert_module, kind: operation,",
        "{step: drop_module, kind: operation,",
        "lane: ch_research.drop_module",
        "no operation drop_module",
    ),
    "code that nothing describes": Break(
        LANES,
        "  pace: Computes budget, guardrails and the slides at which one is touched.\n",
        "",
        "lane: mod_review.pace",
        "nothing under steps",
    ),
    "code that stands nowhere": Break(
        LANES,
        "lanes:\n",
        "  count_words: Counts words.\n\nlanes:\n",
        "lane: count_words",
        "stands in no lane",
    ),
    "gate of another's work": Break(
        LANES,
        "{step: reference_module_blueprint, kind: gate, producer: build_blueprint,",
        "{step: reference_module_blueprint, kind: gate, producer: score_gates,",
        "gate_producer: mod_review.reference_module_blueprint",
        "score_gates does not produce what it shows",
    ),
    "gate without producer": Break(
        LANES,
        "{step: reference_module_blueprint, kind: gate, producer: build_blueprint,",
        "{step: reference_module_blueprint, kind: gate,",
        "gate_producer: mod_review.reference_module_blueprint",
        "a gate has a producer",
    ),
    "bridge from nothing": Break(
        LANES,
        "carries: [chapter_plan]",
        "carries: [chapter_plan, storyboard_extract]",
        "upstream: ch_research to mod_review",
        "storyboard_extract is not made in ch_research",
    ),
    "bridge to nowhere": Break(
        LANES,
        "target: app_review",
        "target: game_review",
        "lane: mod_review to game_review",
        "game_review is no lane",
    ),
    "lane twice": Break(
        LANES,
        "- lane: app_review",
        "- lane: mod_review",
        "unique: lane",
        "mod_review stands 2 times",
    ),
}


def test_the_committed_configuration_fits() -> None:
    authoring = Authoring.load()

    assert faults_of(authoring) == []
    assert faults_of_gates(authoring, ReviewGates.load()) == []


@pytest.mark.parametrize("case", BREAKS)
def test_broken_wiring_is_refused_by_name(tmp_path: Path, case: str) -> None:
    broken = BREAKS[case]
    folder = copied(tmp_path)
    changed(folder, broken.file, broken.old, broken.new)

    error = refusal(folder)

    faults = [fault for fault in error.found.split("; ") if fault.startswith(f"{broken.fault} (")]
    assert any(broken.said in fault for fault in faults), error.found
    assert "docs/authoring.md" in error.remedy


def test_every_rule_of_the_check_is_seen_to_fire() -> None:
    source = Path(check.__file__).read_text(encoding="utf-8")
    declared = set(re.findall(r'\b[Ff]ault\(\s*"(\w+)"', source))

    seen = {broken.fault.partition(":")[0] for broken in BREAKS.values()}

    assert declared - {"gate_exists"} == seen


def test_a_shared_text_that_is_missing_is_named(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "shared" / "refine_entry.md").unlink()

    assert "operation: refine_entry (shared): this text is missing" in refusal(folder).found


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    names = ("rule without consumer", "points of a criterion", "bridge to nowhere")
    for name in names:
        changed(folder, *BREAKS[name][:3])

    found = refusal(folder).found

    for name in names:
        assert BREAKS[name].fault in found


def test_a_gate_nobody_can_decide_at_is_named() -> None:
    gates = [one for one in ReviewGates.load().gates if one.id != "module_lo_brief"]
    without = ReviewGates(gates=tuple(gates))

    (fault,) = faults_of_gates(Authoring.load(), without)

    assert (fault.rule, fault.name) == ("gate_exists", "module_lo_brief")
