"""The registry against the pipeline that was asked for: every name, with its numbers."""

from __future__ import annotations

from typing import Any

import pytest

from aina_assets.authoring.policy import Authoring
from aina_assets.authoring.registry import authoring_registry
from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.review.policy import ReviewGates
from aina_assets.warehouse.settings import AUTHORED

AUTHORING = Authoring.load()
ROWS: list[dict[str, Any]] = authoring_registry(AUTHORING, ReviewGates.load()).to_pylist()

CH, MOD, APP = "ch_research", "mod_review", "app_review"


def of_kind(kind: str, *columns: str) -> dict[str, Any]:
    """By name, the rows of a kind: one column, or several as a tuple."""
    rows = {row["name"]: row for row in ROWS if row["kind"] == kind}
    if len(columns) == 1:
        return {name: row[columns[0]] for name, row in rows.items()}
    return {name: tuple(row[column] for column in columns) for name, row in rows.items()}


# Strictness, producer and lane.
GATES = {
    "chapter_module_sequence": ("hard", ["derive_chapter_sequence"], [CH]),
    "chapter_lo_brief": ("soft", ["derive_chapter_sequence"], [CH]),
    "chapter_kb_synthesis": ("soft", ["research_deep"], [CH]),
    "module_lo_brief": ("hard", ["derive_module_lo"], [MOD]),
    "module_kb_synthesis": ("soft", ["research_deep"], [MOD]),
    "reference_module_blueprint": ("soft", ["build_blueprint"], [MOD]),
    "applet_kb_synthesis": ("soft", ["research_deep"], [APP]),
    "reference_applet_screens": ("hard", ["build_blueprint"], [APP]),
}

# Scope, criteria and points; null where it does not score.
RUBRICS = {
    "applet_D": ("applet", 7, 25),
    "applet_L": ("applet", 9, 25),
    "applet_P": ("applet", 7, 25),
    "applet_X": ("applet", 8, 25),
    "applet_gates": ("applet", None, None),
    "blueprint_guide": ("guide", None, None),
    "chapter_sequence_guide": ("guide", None, None),
    "design_pitfalls": ("shared", None, None),
    "lo_criteria": ("shared", None, None),
    "module_D": ("module", 7, 25),
    "module_L": ("module", 8, 25),
    "module_P": ("module", 8, 25),
    "module_X": ("module", 7, 25),
    "module_gates": ("module", None, None),
    "recommendation_protocol": ("guide", None, None),
    "research_synthesis_guide": ("guide", None, None),
    "trace_guide": ("guide", None, None),
}
DOMAINS = {
    "D": "Instructional Design",
    "L": "Accessibility",
    "P": "Pedagogy",
    "X": "Experience",
}

# Tier, format, how many consumers, and those that are given by name.
RULES = {
    "advisory_gate_protocol": ("B", "json", 1, ["score_gates"]),
    "applet_conventions": (
        *("A", "md", 4),
        ["score_gates", "score_rubric_domain", "scan_design_pitfalls"],
    ),
    "applet_scope_discipline": ("B", "json", 1, ["assess_learning_coverage"]),
    "applicable_field_protocol": ("B", "json", 1, ["score_rubric_domain"]),
    "concept_attribution": ("B", "json", 1, ["score_rubric_domain"]),
    "convention_requirements": ("B", "md", 2, ["build_blueprint", "enrich_concepts"]),
    "coverage_audit_protocol": ("B", "json", 1, ["assess_learning_coverage"]),
    "delivery_language": (
        *("A", "md", 8),
        ["research_deep", "build_blueprint", "build_applet_screens"],
    ),
    "dev_note_anchoring": ("B", "md", 1, ["score_rubric_domain"]),
    "kb_gap_handling": (
        *("A", "md", 3),
        ["build_blueprint", "enrich_engagement", "build_applet_screens"],
    ),
    "lo_code_alignment": (
        *("A", "md", 3),
        ["derive_chapter_sequence", "derive_module_lo", "derive_applet_lo"],
    ),
    "media_insertion_heuristics": (
        *("A", "md", 3),
        ["build_blueprint", "enrich_engagement", "score_rubric_domain"],
    ),
    "module_annotation_schema": ("B", "json", 1, ["derive_chapter_sequence"]),
    "module_level_tropes": ("A", "md", 7, ["research_deep", "build_blueprint", "build_spine"]),
    "module_sequencing_rules": ("B", "md", 1, ["derive_chapter_sequence"]),
    "scope_discipline": ("A", "md", 10, ["research_deep", "build_blueprint", "build_spine"]),
    "slide_role_observations": (
        *("B", "json", 2),
        ["score_rubric_domain", "scan_design_pitfalls"],
    ),
    "slide_tagging_protocol": ("B", "json", 2, ["build_blueprint", "build_spine"]),
    "storyboard_read_rules": (
        *("A", "md", 3),
        ["score_gates", "score_rubric_domain", "scan_design_pitfalls"],
    ),
    "textbook_floor_principle": ("B", "md", 1, ["derive_chapter_sequence"]),
    "visual_hierarchy_rules": (
        *("A", "md", 3),
        ["score_gates", "score_rubric_domain", "scan_design_pitfalls"],
    ),
    "visual_model_protocol": (
        *("A", "md", 4),
        ["build_blueprint", "enrich_engagement", "build_applet_screens"],
    ),
    "vocabulary_status_protocol": ("B", "json", 1, ["research_deep"]),
    "vocabulary_tracking": ("B", "json", 2, ["build_blueprint", "enrich_concepts"]),
}

# By the names they were written for, consumers of rules in JSON.
DECLARED = {
    "applet_scope_discipline": ["assess_learning_coverage", "compile.py"],
    "applicable_field_protocol": ["all_scorers", "compile.py", "aggregator"],
    "concept_attribution": [
        *("S2_structure", "S3_pedagogy", "compile.py"),
        "assess_learning_coverage",
    ],
    "coverage_audit_protocol": ["assess_learning_coverage", "compile.py", "gate_evaluator"],
    "slide_role_observations": [
        *("S6_detail", "S6_express", "S7_vision"),
        *("compile.py", "render.py"),
    ],
}

_TOLD = ["anti_bias", "domain_rules"]
_GUIDED = [*_TOLD, "rubric_section"]

# Lanes and variables.
TEMPLATES = {
    "assess_learning_coverage": ([MOD, APP], _TOLD),
    "build_blueprint": ([MOD, APP], _GUIDED),
    "build_spine": ([MOD], _TOLD),
    "derive_applet_lo": ([APP], _GUIDED),
    "derive_lo_brief": ([CH], ["anti_bias", "rubric_section"]),
    "derive_module_lo": ([MOD], _GUIDED),
    "derive_module_sequence": ([CH], _GUIDED),
    "enrich_concepts": ([MOD], _TOLD),
    "enrich_engagement": ([MOD], _TOLD),
    "enrich_experience": ([MOD], [*_TOLD, "pacing_state"]),
    "extract_applet_summary": ([MOD], ["domain_rules"]),
    "generate_action_summaries": ([MOD, APP], _TOLD),
    "research_deep": ([MOD, APP, CH], _GUIDED),
    "scan_design_pitfalls": ([MOD, APP], [*_TOLD, "recommendation_protocol", "rubric_section"]),
    "score_gates": ([MOD, APP], _GUIDED),
    "score_rubric_domain": ([MOD, APP], _GUIDED),
}

_SCORERS = [
    "score_gates_result",
    "score_rubric_domain_result",
    "scan_design_pitfalls_result",
    "assess_learning_coverage_result",
]

# How many fields, and consumers in order.
CONTRACTS = {
    "module_lo_brief_enriched": (
        5,
        [
            *("research_deep_synthesis", "build_module_blueprint"),
            *("render_module_lo_brief_html", "render_module_research_html", "derive_applet_lo"),
        ],
    ),
    "research_deep_synthesis": (
        14,
        [
            *("build_module_blueprint", "build_applet_screens"),
            *(*_SCORERS, "write_trace", "kb_write_agent"),
        ],
    ),
    "build_module_blueprint": (21, [*_SCORERS, "compile_review", "render_gate"]),
    "build_applet_screens": (24, [*_SCORERS, "compile_review", "render_gate"]),
    "score_gates_result": (3, ["compile_review"]),
    "score_rubric_domain_result": (10, ["compile_review"]),
    "scan_design_pitfalls_result": (3, ["compile_review"]),
    "assess_learning_coverage_result": (2, ["compile_review"]),
    "derive_module_lo": (7, ["research_deep_synthesis", "build_module_blueprint"]),
    "derive_applet_lo": (6, ["research_deep_synthesis", "build_applet_screens"]),
    "derive_lo_brief": (5, ["derive_module_sequence"]),
    "derive_module_sequence": (
        3,
        ["render_gate", "finalize_chapter_researcher", "kb_write_agent"],
    ),
    "kb_write_agent": (0, []),
    "extract_applet_summary": (7, ["compile_review"]),
    "refine_module_result": (2, ["render_gate"]),
    "insert_module_result": (2, ["render_gate"]),
    "generate_action_summaries_result": (6, ["compile_review"]),
    "refine_gate_entry": (1, ["render_gate"]),
}

# Consumers beside those that were listed: who reads it here as well.
ALSO_READ_BY = {
    "module_lo_brief_enriched": [
        *("score_gates_result", "score_rubric_domain_result", "compile_review"),
    ],
    "research_deep_synthesis": ["compile_review"],
    "build_module_blueprint": ["write_trace"],
    "build_applet_screens": ["write_trace"],
}

# Field by field: `name` for a string, else `name:type`.
FIELDS = {
    "module_lo_brief_enriched": (
        "derived:object planned:object predecessor:object successor:object scope_drift_flags:array"
    ),
    "research_deep_synthesis": (
        "scope lo lo_misconceptions:array misconceptions:array visual_models:array"
        " ias_patterns:array conventions_flags:array gaps:array synthesis_narrative"
        " textbook_references:array vocabulary_status:array translation_notes:array"
        " prerequisites_to_reactivate:array lo_components_enrichment:array"
    ),
    "build_module_blueprint": (
        "lo lo_components:array content_type slides:array applet_placements:array"
        " video_placements:array visual_models:array trope_map:object cpa_summary:object"
        " textbook_alignment:array vocabulary_introduction_plan:array"
        " convention_requirements:array scaffolding_level_per_slide"
        " vocabulary_on_this_slide:object visual_model_description tgar_role_per_slide"
        " major_idea_per_slide transition_from_previous asset_context_role"
        " teaching_sufficiency_note"
    ),
    "build_applet_screens": (
        "lo primary_ias_archetype misconception_targeted screens:array scaffolding_arc"
        " visual_models_referenced:array convention_requirements:array screen_label student_sees"
        " student_does student_thinks intermediate_states:array visual_model_description"
        " visual_model_purpose feedback:object screen_zones:object affordances:array"
        " variants_and_invariants:object time_estimate:object difficulty_level"
        " difficulty_rationale transition_from_previous:object teaching_sufficiency_note"
    ),
    "score_gates_result": "gate_set content_type gates:array",
    "score_rubric_domain_result": (
        "domain domain_code scope content_type criteria:array domain_total:integer domain_verdict"
        " observed_visuals:array concepts_on_slide:array slide_role_observations:array"
    ),
    "scan_design_pitfalls_result": "pattern_set violations:array slide_role_observations:array",
    "assess_learning_coverage_result": "content_type mastery_estimate:object",
    "derive_module_lo": (
        "module_lo lo_components:array prerequisite_chain:array content_type lo_codes:array"
        " derivation_evidence:array notes"
    ),
    "derive_applet_lo": (
        "applet_lo applet_type lo_codes:array lo_components:array derivation_evidence:array notes"
    ),
    "derive_lo_brief": (
        "chapter_lo prerequisite_chain:array curriculum_alignment:array surfaced_lo_codes:array"
        " notes"
    ),
    "derive_module_sequence": (
        "module_sequence:array textbook_validation:object reconciliation_map:array"
    ),
    "kb_write_agent": "",
    "extract_applet_summary": (
        "applet_title lo_served ias_archetype visual_model interaction_modes:array"
        " screen_summaries:array alignment:object"
    ),
    "refine_module_result": "modules:array reasoning",
    "insert_module_result": "modules:array reasoning",
    "generate_action_summaries_result": (
        "summary_blurb gate_summary recommendation_summary mastery_narrative mastery_action_line"
        " slide_actions:array"
    ),
    "refine_gate_entry": "reasoning",
}
UNLISTED = {"build_module_blueprint": {"kb_gaps"}, "build_applet_screens": {"kb_gaps"}}
"""Fields that are counted above and were not listed by name."""


def test_gates() -> None:
    assert of_kind("gate", "strictness", "producers", "lanes") == GATES


def test_rubrics() -> None:
    assert of_kind("rubric", "scope", "criterion_count", "points") == RUBRICS
    for name, title in of_kind("rubric", "title").items():
        scope, _, code = name.partition("_")
        if RUBRICS[name][1] is not None:
            assert title == DOMAINS[code], name
            assert scope == RUBRICS[name][0]


def test_rules() -> None:
    found = of_kind("rule", "tier", "format", "consumers")

    assert set(found) == set(RULES)
    for name, (tier, form, count, first) in RULES.items():
        consumers = found[name][2]
        assert found[name][:2] == (tier, form), name
        assert (len(set(consumers)), consumers[: len(first)]) == (count, first), name


def test_rules_by_the_names_they_were_written_for() -> None:
    declared = {
        rule.name: list(rule.declared_consumers)
        for rule in AUTHORING.rules
        if rule.declared_consumers
    }

    assert declared == DECLARED


def test_templates() -> None:
    assert of_kind("template", "lanes", "variables") == TEMPLATES


def test_contracts() -> None:
    found = of_kind("contract", "field_count", "consumers")

    for name, also in ALSO_READ_BY.items():
        assert set(also) <= set(found[name][1]), name
        listed = [consumer for consumer in found[name][1] if consumer not in also]
        found[name] = (found[name][0], listed)
    assert found == CONTRACTS


@pytest.mark.parametrize("name", FIELDS)
def test_fields_of_a_contract(name: str) -> None:
    asked = {
        field.partition(":")[0]: field.partition(":")[2] or "string"
        for field in FIELDS[name].split()
    }
    found = {field.name: field.type for field in AUTHORING.contract_by_name[name].fields}

    assert {field: found.get(field) for field in asked} == asked
    assert set(found) - set(asked) == UNLISTED.get(name, set())


def test_an_asset_context_role_is_one_of_thirteen() -> None:
    roles = AUTHORING.enums["asset_context_role"]

    assert len(roles) == 13
    assert {"content", "worked_example", "exit_question", "summary"} <= set(roles)
    for prefix in ("applet", "video", "trope"):
        assert sum(role.startswith(f"{prefix}_") for role in roles) == 3
    assert AUTHORING.enums["asset_context_role_legacy"] == (
        *("context", "placeholder", "consolidation"),
    )


def test_the_knowledge_base_is_written_at_three_moments() -> None:
    sink = AUTHORING.contract_by_name["kb_write_agent"]

    assert set(sink.identity_fields) == {
        *("master_lo_code", "statement", "bloom_verb", "embedding"),
    }
    assert {(entry.name, entry.called_by) for entry in sink.entry_points} == {
        ("run_kb_write_chapter", "finalize_chapter_researcher"),
        ("run_kb_write_module", "research_deep"),
        ("run_kb_write_applet", "research_deep"),
    }


def test_every_row_says_where_it_stands_and_who_it_is_for() -> None:
    for row in ROWS:
        assert (AUTHORED.parent / row["path"]).is_file(), row
        assert row["lanes"], row["name"]
        if row["kind"] != "gate" and row["name"] != "kb_write_agent":
            assert row["consumers"], row["name"]


def test_gates_that_nobody_can_decide_at_make_no_registry() -> None:
    gates = ReviewGates.load().gates
    without = ReviewGates(gates=tuple(one for one in gates if one.id != "chapter_lo_brief"))

    with pytest.raises(AuthoredDocumentError, match="chapter_lo_brief"):
        authoring_registry(AUTHORING, without)
