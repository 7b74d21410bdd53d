"""Every declared rule fires, alone, and says what it found.

For each rule of each table: take the sample's valid frame, break it for that rule and no other,
and see exactly that check fail, with the right count and a bounded sample. Validation backends have
been seen to skip declared rules silently; a rule that no test breaks is not known to exist.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pandera.errors import SchemaError, SchemaErrorReason, SchemaErrors
from upath import UPath

from aina_assets.authoring.knowledge_tables import KbEnrichmentEvents
from aina_assets.authoring.lane_tables import LaneDocuments
from aina_assets.contracts.practice import Outcome
from aina_assets.gdpval.tables import stages
from aina_assets.learner.activity import activity_of, beta_feedback
from aina_assets.location import all_models
from aina_assets.review.subjects import SubjectTable
from aina_assets.warehouse.digests import digest_of_table
from aina_assets.warehouse.expectations import Expectation
from aina_assets.warehouse.gate import SAMPLE_ROWS, Finding, conform, duplicated_rows, judge
from aina_assets.warehouse.store import Store
from aina_assets.warehouse.tables import (
    Table,
    arrow_schema,
    columns_of,
    rules_of,
    table_name,
    value_rule_name,
)
from aina_assets.work_graph.tables import CLAIM_COLUMNS
from aina_assets_tests.learner.samples import MODULE, event
from aina_assets_tests.learner.test_activity import evaluated
from aina_assets_tests.review.frames import DECISION_FRAMES

MODELS = all_models()
TABLES = sorted(MODELS)
RULES = [(table, rule.name) for table in TABLES for rule in rules_of(MODELS[table])]
LANES = [name for name, model in MODELS.items() if issubclass(model, LaneDocuments)]
KB_EVENTS = [name for name, model in MODELS.items() if issubclass(model, KbEnrichmentEvents)]


def declares(model: type[Table]) -> bool:
    """Whether it says itself what a row is judged by, and not its base alone."""
    own = {name for name in vars(model) if not name.startswith("__")} - {"Config"}
    return bool(own or vars(model).keys() & {"__annotations__", "__follows__"})


def judged_alike() -> list[list[str]]:
    """The tables in groups: those of a group have a base and a key, and no rule of their own."""
    groups: dict[Any, list[str]] = {}
    for table in TABLES:
        model = MODELS[table]
        kind = model if declares(model) else (model.__base__, model.__key__, model.__figures__)
        groups.setdefault(kind, []).append(table)
    return list(groups.values())


ALIKE = [group for group in judged_alike() if len(group) > 1]
ONE_OF_EACH = [group[0] for group in judged_alike()]
"""Breaking a rule tries the rule: once is enough where many tables have it from one base."""
BREAKABLE = [(table, rule) for table, rule in RULES if table in set(ONE_OF_EACH)]
MANY = SAMPLE_ROWS + 2
"""Rows broken at once where a rule allows it: more than a finding samples."""

Frames = Mapping[str, pa.Table]


@dataclass(frozen=True)
class Broken:
    """A frame (or what is expected of it) broken for one rule."""

    frame: pa.Table
    failing_rows: int
    expectations: tuple[Expectation, ...] = ()


@pytest.fixture(scope="session")
def frames(sample_home: Path) -> Frames:
    """The valid frame of every table: the built sample's snapshot, or one of what was recorded."""
    store = Store(UPath(sample_home))
    return {table: store.read(table) for table in TABLES} | {
        table: made() for table, made in FROM_LEDGERS.items()
    }


def learner_activity() -> pa.Table:
    events = [evaluated(number % 7, outcome) for outcome in Outcome for number in range(9)]
    return activity_of([*events, event(1)], {MODULE}, min_learners=5)


FROM_LEDGERS: Mapping[str, Callable[[], pa.Table]] = {
    "learner_activity": learner_activity,
    "beta_feedback": lambda: beta_feedback(learner_activity()),
    **DECISION_FRAMES,
}
"""Tables made of ledgers, which are empty when the sample is built."""


# ------------------------------------------------------------------------------- breaking a frame


def with_values(frame: pa.Table, column: str, values: Mapping[int, Any]) -> pa.Table:
    """``frame`` with other ``values``, by row, in one column."""
    cells = frame[column].to_pylist()
    for row, value in values.items():
        cells[row] = value
    place = frame.column_names.index(column)
    changed = pa.array(cells, frame.schema.field(column).type)
    return frame.set_column(place, frame.schema.field(column).with_nullable(True), [changed])


def rows_where(frame: pa.Table, holds: Callable[[dict[str, Any]], bool]) -> list[int]:
    return [row for row, cells in enumerate(frame.to_pylist()) if holds(cells)]


def bad_value(check: Any, number: int) -> Any:
    """The ``number``-th value that breaks ``check``, made from the check's own statistics."""
    stated = check.statistics
    match check.name:
        case "str_matches":
            value = f"not like that {number}"
            assert not re.search(stated["pattern"], value)
            return value
        case "isin":
            value = f"no such word {number}"
            assert value not in stated["allowed_values"]
            return value
        case "greater_than_or_equal_to":
            return stated["min_value"] - 1 - number
        case "greater_than":
            return stated["min_value"] - number
        case "less_than_or_equal_to":
            return stated["max_value"] + 1 + number
        case "less_than":
            return stated["max_value"] + number
        case "in_range":
            return stated["max_value"] + 1 + number
    raise AssertionError(f"teach bad_value() to break {check.name}")


def break_value_rule(frame: pa.Table, column: str, check: Any) -> Broken:
    """Distinct bad values, so that no key is repeated, in rows that had a value."""
    rows = rows_where(frame, lambda cells: cells[column] is not None)[:MANY]
    bad = {row: bad_value(check, number) for number, row in enumerate(rows)}
    return Broken(with_values(frame, column, bad), len(rows))


def one_cell(column: str, value: Any, holds: Callable[[dict[str, Any]], bool]) -> Breaker:
    """Set ``column`` of the first row where ``holds`` to ``value``."""

    def broken(frame: pa.Table) -> Broken:
        row = rows_where(frame, holds)[0]
        return Broken(with_values(frame, column, {row: value}), 1)

    return broken


def cells(values: Mapping[str, Any]) -> Breaker:
    """Set several columns of the first row."""

    def broken(frame: pa.Table) -> Broken:
        for column, value in values.items():
            frame = with_values(frame, column, {0: value})
        return Broken(frame, 1)

    return broken


def first_of(holds: Callable[[dict[str, Any]], bool], values: Mapping[str, Any]) -> Breaker:
    """Set several columns of the first row where ``holds``."""

    def broken(frame: pa.Table) -> Broken:
        row = rows_where(frame, holds)[0]
        for column, value in values.items():
            frame = with_values(frame, column, {row: value})
        return Broken(frame, 1)

    return broken


def one_key_twice(frame: pa.Table, model: type[Table]) -> Broken:
    """A row repeated: one whose key has a null part, where the table has such rows."""
    with_null = rows_where(frame, lambda cells: any(cells[name] is None for name in model.__key__))
    again = frame.slice(with_null[0] if with_null else 0, 1)
    return Broken(pa.concat_tables([frame, again]), 2)


def stage_key_twice(frame: pa.Table) -> Broken:
    """An item twice, with every count as if it were two."""
    first = frame.slice(0, 1).to_pylist()[0]
    more = [name for name in ("items_in", "eligible_count") if name in first]
    cohort = rows_where(frame, lambda cells: cells["cohort"] == first["cohort"])
    for name in more:
        frame = with_values(frame, name, dict.fromkeys(cohort, first[name] + 1))
    return Broken(pa.concat_tables([frame, frame.slice(0, 1)]), 2)


def uncounted(frame: pa.Table) -> Broken:
    """Fewer than none joined, and still all counted."""
    first = frame.slice(0, 1).to_pylist()[0]
    unmatched = first["code_count"] + 1
    broken = with_values(frame, "joined_count", {0: -1})
    return Broken(with_values(broken, "unmatched_count", {0: unmatched}), 1)


def overcounted(frame: pa.Table) -> Broken:
    first = frame.slice(0, 1).to_pylist()[0]
    broken = with_values(frame, "unmatched_count", {0: -1})
    return Broken(with_values(broken, "joined_count", {0: first["code_count"] + 1}), 1)


def one_component_said_twice(frame: pa.Table) -> Broken:
    first = frame.slice(0, 1).to_pylist()[0]
    for column in ("master_lo_code", "statement"):
        frame = with_values(frame, column, {1: first[column]})
    return Broken(frame, 2)


def current_version(column: str, value: Any) -> Breaker:
    """Set ``column`` of the first current version: then none of its document's versions holds."""

    def broken(frame: pa.Table) -> Broken:
        rows = frame.to_pylist()
        place = next(place for place, row in enumerate(rows) if row["is_current"])
        of = [(row["unit_id"], row["part"]) for row in rows]
        return Broken(with_values(frame, column, {place: value}), of.count(of[place]))

    return broken


def current_version_twice(frame: pa.Table) -> Broken:
    place = rows_where(frame, lambda row: row["is_current"])[0]
    return Broken(pa.concat_tables([frame, frame.slice(place, 1)]), 2)


def claim(text: str) -> dict[str, str]:
    return {"claim": text, "evidence_ref": "authored/work_rules#own_result"}


def called_ready(frame: pa.Table) -> Broken:
    """A review that is called ready in both places, with something that nobody assessed."""
    place = rows_where(frame, lambda row: bool(row["not_assessed"]))[0]
    frame = with_values(frame, "is_ready", {place: True})
    return Broken(with_values(frame, "verdict", {place: "ready"}), 1)


Breaker = Callable[[pa.Table], Broken]

ANY: Callable[[dict[str, Any]], bool] = lambda _cells: True  # noqa: E731


def is_served_by_rules(row: dict[str, Any]) -> bool:
    """Whether a title row is served with a fallback, and no decision promoted it."""
    said = " ".join(row["reasons"])
    return row["service_tier"] == "serve_with_fallback" and "promoted_by_decision" not in said


def is_made(row: dict[str, Any]) -> bool:
    return bool(row["status"] == "made")


def is_appended(row: dict[str, Any]) -> bool:
    return bool(row["status"] == "appended")


def is_layer(row: dict[str, Any]) -> bool:
    return bool(row["item_kind"] == "layer")


def is_statement(row: dict[str, Any]) -> bool:
    return bool(row["item_kind"] == "statement")


def is_shut_hard(row: dict[str, Any]) -> bool:
    """A gate that nobody has passed: only approvals enough may open it."""
    return row["strictness"] == "hard" and not row["is_open"] and not row["approval_count"]


DATAFRAME_RULES: Mapping[str, Sequence[Breaker]] = {
    "columns_are_of_the_kind": (
        one_cell("tier", "A", lambda row: row["kind"] == "gate"),
        one_cell("field_count", None, lambda row: row["kind"] == "contract"),
        one_cell("points", None, lambda row: row["points"] is not None),
    ),
    "ready_is_assessed": (
        one_cell("is_ready", True, lambda row: is_made(row) and not row["is_ready"]),
        one_cell("verdict", "ready", lambda row: is_made(row) and not row["is_ready"]),
        called_ready,
    ),
    "figures_come_from_reviews": (
        one_cell("is_ready", None, is_made),
        one_cell("gates_met", 1, lambda row: not is_made(row)),
    ),
    "documents_are_bound": (
        one_cell("document", "{}", is_made),
        one_cell("document_sha256", "0" * 64, is_made),
        one_cell("status", "waiting", is_made),
        first_of(
            is_made,
            {"status": "failed", "reason": None, "document": None, "document_sha256": None},
        ),
    ),
    "one_version_is_current": (
        current_version("is_current", False),
        current_version("version", 99),
    ),
    "spending_is_of_models": (
        one_cell("input_tokens", -1, ANY),
        one_cell("cost_usd", -0.5, ANY),
        first_of(ANY, {"prompt_sha256": None, "output_tokens": 5}),
    ),
    "statement_is_said_once": (one_component_said_twice,),
    "refused_events_have_reasons": (one_cell("reason", "It rained.", is_appended),),
    "fields_are_those_that_differ": (
        one_cell("fields", [], is_appended),
        one_cell("after", "{}", is_appended),
        one_cell("before", '{"notes": "x"}', is_appended),
    ),
    "replay_gives_the_row": (
        one_cell("enriched", "{}", ANY),
        one_cell("event_count", 99, ANY),
        one_cell("changes", [], lambda row: row["changes"]),
        one_cell("base", None, ANY),
    ),
    "digest_is_of_document": (
        one_cell("subject_document", "{}", ANY),
        one_cell("subject_digest", "0" * 64, ANY),
    ),
    "nothing_is_lost": (one_cell("items_in", 99, ANY),),
    "follows_from_upstream": (one_cell("upstream_state", "nowhere", ANY),),
    "edits_add_up": (
        one_cell("edit_count", 99, ANY),
        one_cell("upstream_edit_count", 99, ANY),
    ),
    "files_are_counted": (
        one_cell("reference_file_count", 99, ANY),
        one_cell("deliverable_file_count", 99, ANY),
    ),
    "taken_and_left_add_up": (
        one_cell("eligible_count", 99, ANY),
        one_cell("elsewhere_count", 99, ANY),
    ),
    "passed_tells_apart": (
        one_cell("case_count", 99, ANY),
        one_cell("matched_case_count", 99, ANY),
    ),
    "previews_are_of_passed": (one_cell("preview_count", 99, ANY),),
    "inventory_is_reviewed": (
        one_cell("is_inventoried", False, lambda row: row["is_inventoried"]),
        one_cell("decision_ids", [], lambda row: row["is_inventoried"]),
    ),
    "closed_means_proved": (
        one_cell("edits", [{"edit_id": "never-asked", "is_closed": True}], ANY),
        one_cell("edits", [{"edit_id": "never-made", "is_closed": False}], ANY),
    ),
    "no_banned_terms": (one_cell("banned_terms", ["live"], ANY),),
    "entering_is_approved": (
        one_cell("is_admitted", True, lambda row: not row["is_admitted"]),
        one_cell("state", "held", lambda row: row["is_admitted"]),
    ),
    "subjects_add_up": (
        one_cell("value", 10**6, lambda row: row["measure"] == "subjects"),
        one_cell("value", 10**6, lambda row: row["measure"] == "held"),
    ),
    "small_groups_are_hidden": (
        one_cell("learner_count", 4, lambda row: not row["is_hidden"]),
        one_cell("event_count", None, lambda row: not row["is_hidden"]),
        one_cell("event_count", 6, lambda row: row["learner_count"] == 7),
        one_cell("learner_count", 9, lambda row: row["is_hidden"]),
    ),
    "has_guidance": (
        one_cell("rubric", [], ANY),
        one_cell("allowed_tools", [], ANY),
        one_cell("hitl_checkpoints", [], ANY),
        one_cell("failure_modes", [], ANY),
    ),
    "scenario_or_reason": (
        one_cell("scenario_id", None, lambda row: row["scenario_id"] is not None),
        one_cell("basis", None, lambda row: row["scenario_id"] is not None),
        one_cell("no_match_reason", None, lambda row: row["scenario_id"] is None),
        one_cell("no_match_reason", "role_is_wide_group", lambda row: row["basis"] == "task"),
    ),
    "classes_are_kept_apart": (
        one_cell("flattened_row_count", 1, ANY),
        one_cell("source_classes", ["market_signal", "research"], is_layer),
        one_cell("problems", [], lambda row: row["state"] == "gap"),
        one_cell("problems", ["something"], lambda row: row["state"] == "verified"),
        one_cell("state", "flattened", lambda row: row["state"] == "gap"),
    ),
    "state_is_reasoned": (
        one_cell("reasons", [], ANY),
        one_cell("unmet_rules", [], lambda row: row["state"] == "review_required"),
        one_cell("unmet_rules", ["a_rule"], lambda row: row["state"] == "outside_beta"),
        one_cell("state", "approved_internal_synthetic", lambda row: bool(row["unmet_rules"])),
    ),
    "state_follows": (
        one_cell("waits_at", None, lambda row: row["item_kind"] == "held"),
        one_cell("state", "holds", lambda row: row["item_kind"] == "held"),
        one_cell("value", 1, is_statement),
        one_cell("state", "broken", is_statement),
        one_cell("waits_at", "somewhere", is_statement),
    ),
    "open_means_approved": (
        one_cell("is_open", True, ANY),
        cells({"is_open": True, "state": "approved"}),
        cells({"is_open": True, "state": "approved", "approval_count": 2, "decision_ids": []}),
        cells({"state": "approved", "approval_count": 2, "decision_ids": ["a", "b"]}),
    ),
    "problems_are_named": (
        one_cell("status", "failed", lambda row: row["problem"] is None),
        one_cell("problem", "something", lambda row: row["status"] == "passed"),
    ),
    "hard_means_approved": (
        one_cell("is_open", True, is_shut_hard),
        one_cell("is_unreviewed", False, lambda row: row["is_unreviewed"]),
    ),
    "refusals_have_reasons": (
        one_cell("refusal_reason", None, lambda row: row["standing"] == "refused"),
        one_cell("refusal_reason", "so", lambda row: row["standing"] == "in_force"),
    ),
    "points_can_be_had": (
        lambda frame: Broken(
            with_values(frame, "points", {0: frame["points_possible"][0].as_py() + 1}), 1
        ),
    ),
    "outcome_has_its_row": (
        one_cell("outcome", None, lambda row: row["outcome"] is not None),
        one_cell("outcome", "pass", lambda row: row["outcome"] is None),
    ),
    "compared_was_counted": (
        one_cell("verdict", "no_grader", lambda row: row["verdict"] == "compared"),
        one_cell("two_people_count", 0, lambda row: row["verdict"] == "compared"),
        one_cell("verdict", "compared", lambda row: row["verdict"] == "not_rated"),
    ),
    "gap_is_stated": (
        one_cell("gap", None, lambda row: row["specific_count"] == 0),
        one_cell("gap", "only_general_modules", lambda row: row["specific_count"] > 0),
    ),
    "provenance": (
        one_cell("source_class", "canonical+gossip", ANY),
        one_cell("source_class", "", ANY),
        one_cell("allowed_use", "whatever", ANY),
        one_cell("allowed_use", "open+internal_only", ANY),
    ),
    "no_licence_internal_only": (
        one_cell("allowed_use", "open", lambda row: row["licence"] is None),
        one_cell("allowed_use", "attribution", lambda row: row["licence"] is None),
        one_cell("runtime_eligibility", "eligible", lambda row: row["licence"] is None),
        one_cell("licence", None, lambda row: row["allowed_use"] == "open"),
    ),
    "absence_has_reason": (
        one_cell("reason", None, lambda row: row["status"] == "absent"),
        one_cell("sha256", "0" * 64, lambda row: row["status"] == "absent"),
        one_cell("sha256", None, lambda row: row["status"] == "present"),
        one_cell("reason", "over_cap", lambda row: row["status"] == "present"),
    ),
    "wages_positive": (
        one_cell("annual_mean_usd", 0.0, ANY),
        one_cell("hourly_p10_usd", -1.0, ANY),
        one_cell("annual_p90_usd", math.nan, ANY),
    ),
    "forbidden_is_refused": (
        one_cell("verdict", "refused", lambda row: row["verdict"] == "accepted"),
        one_cell("forbidden_columns", "email", lambda row: row["verdict"] == "accepted"),
    ),
    "code_has_level": (
        one_cell("code_level", "onet_soc", lambda row: row["code_level"] == "detailed"),
        one_cell("code_level", "detailed", lambda row: row["code_level"] == "onet_soc"),
        one_cell("code", "15-2051.01", lambda row: row["code_level"] == "detailed"),
        one_cell("code", "15-2051", lambda row: row["code_level"] == "onet_soc"),
    ),
    "used_tasks_exist": (
        lambda frame: Broken(
            with_values(frame, "used_task_count", {0: frame["task_count"][0].as_py() + 1}), 1
        ),
    ),
    "match_has_code": (
        one_cell("soc_code", None, lambda row: row["soc_match"] == "detailed"),
        one_cell("soc_match", "unmatched", lambda row: row["soc_code"] is not None),
    ),
    "spoken_of": (
        cells(
            {
                "has_exposure": False,
                "has_legacy_signal": False,
                "has_gdpval": False,
                "observed_exposure": None,
            }
        ),
    ),
    "exposure_has_value": (
        one_cell("observed_exposure", None, lambda row: row["has_exposure"]),
        one_cell("observed_exposure", 0.5, lambda row: not row["has_exposure"]),
    ),
    "family_says_icp": (
        one_cell("role_family", "not_icp", lambda row: row["is_icp"]),
        one_cell("role_family", "sales", lambda row: not row["is_icp"]),
        one_cell("is_icp", False, lambda row: row["is_icp"]),
    ),
    "top_is_first_five": (
        one_cell("is_top", False, lambda row: row["rank"] == 5),
        one_cell("is_top", True, lambda row: row["rank"] == 6),
    ),
    "usage_has_lines": (
        one_cell("economic_index_tasks", [], lambda row: row["usage_pct"] is not None),
        one_cell("usage_release", None, lambda row: row["usage_pct"] is not None),
        one_cell("usage_pct", None, lambda row: row["usage_pct"] is not None),
        one_cell("usage_pct", 1.0, lambda row: row["usage_pct"] is None),
    ),
    "tasks_are_listed": (
        one_cell("task_ids", [], ANY),
        one_cell("task_ids", list(range(1, 99)), lambda row: row["task_count"] < 98),
    ),
    "no_evidence_no_grant": (one_cell("evidence_state", "no_evidence", lambda row: row["grants"]),),
    "served_clears_target": (
        one_cell(
            "wilson_lower", 0.5, lambda row: row["min_score"] is not None and row["rung"] != "exact"
        ),
        one_cell(
            "wilson_lower",
            None,
            lambda row: row["min_score"] is not None and row["rung"] != "exact",
        ),
        one_cell("min_score", 0.5, lambda row: row["min_score"] is None),
    ),
    "held_out_precision_holds": (
        one_cell(
            "wilson_upper", 0.9, lambda row: row["bar"] is not None and row["value"] is not None
        ),
        one_cell(
            "wilson_upper", None, lambda row: row["bar"] is not None and row["value"] is not None
        ),
    ),
    "code_says_level": (
        one_cell(
            "code",
            None,
            lambda row: row["code"] is not None and row["service_tier"] == "exclude_or_not_icp",
        ),
        one_cell("role_id", None, lambda row: row["code"] is not None),
        one_cell("rung", None, lambda row: row["code"] is not None),
        one_cell("confidence", 0.0, lambda row: row["code"] is not None),
        one_cell("confidence", 0.5, lambda row: row["code"] is None),
        one_cell("code_level", "major", lambda row: row["code"] is None),
    ),
    "served_has_role": (
        one_cell("reasons", [], ANY),
        one_cell(
            "service_tier",
            "serve_with_fallback",
            lambda row: row["service_tier"] == "exclude_or_not_icp" and row["code"] is None,
        ),
    ),
    "now_is_one_occupation": (
        one_cell(
            "service_tier", "serve_now", lambda row: row["service_tier"] == "serve_with_fallback"
        ),
        one_cell("fallback_tier", "function", lambda row: row["service_tier"] == "serve_now"),
        one_cell("code_level", "minor", lambda row: row["service_tier"] == "serve_now"),
    ),
    "promotion_is_decided": (
        one_cell("reasons", ["promoted_by_decision:0"], ANY),
        one_cell("source_refs", ["decisions:0"], ANY),
    ),
    "titles_add_up": (
        one_cell("value", 10**6, lambda row: row["figure"] == "queue"),
        one_cell("value", 10**6, lambda row: row["figure"] == "promoted"),
    ),
    "adjudication_has_inputs": (
        one_cell("question", None, lambda row: row["question"] is not None),
        one_cell("promotion_rule", None, lambda row: row["question"] is not None),
        one_cell("question", "Which?", lambda row: row["question"] is None),
    ),
    "has_checkpoint": (one_cell("hitl_checkpoints", [], ANY),),
    "no_replacement_wording": tuple(
        one_cell(column, [claim("Is harmless."), claim(text)], lambda row: row["grants"])
        for column in CLAIM_COLUMNS
        for text in ("Replaces two clerks' jobs.", "HEADCOUNT falls.", "Automates it away.")
    ),
    "refs_are_counted": (
        one_cell("has_hf_refs", False, lambda row: row["has_hf_refs"]),
        one_cell("has_gdpval_refs", False, lambda row: row["has_gdpval_refs"]),
        one_cell("has_gdpval_refs", True, lambda row: not row["has_gdpval_refs"]),
    ),
    "missing_refs_have_a_reason": (
        one_cell("missing_gdpval_reason", None, lambda row: not row["has_gdpval_refs"]),
        one_cell("missing_gdpval_reason", "role_has_no_tasks", lambda row: row["has_gdpval_refs"]),
        one_cell(
            "missing_usage_reason",
            "role_has_no_tasks",
            lambda row: row["economic_index_ref_count"] > 0,
        ),
    ),
    "risk_comes_with_work": (
        one_cell("risk_tier", None, lambda row: row["workflow_ids"]),
        one_cell("workflow_ids", [], lambda row: row["risk_tier"] is not None),
    ),
    "inconsistent_names_a_rule": (
        one_cell("verdict", "inconsistent", lambda row: not row["failed_rules"]),
    ),
    "failures_are_counted": (
        one_cell("failed_count", 1, lambda row: not row["failed_count"]),
        one_cell("sample_packet_ids", ["list:1"], lambda row: not row["failed_count"]),
    ),
    "measured_has_value": (
        one_cell("value", None, lambda row: row["verdict"] == "pass"),
        one_cell("verdict", "not_measured", lambda row: row["value"] is not None),
    ),
    "all_counted": (
        lambda frame: Broken(
            with_values(frame, "code_count", {0: frame["code_count"][0].as_py() + 1}), 1
        ),
    ),
}
"""How to break each rule over several columns, in every way it can be broken."""

CAREFUL: Mapping[tuple[str, str], Breaker] = {
    # A template has no columns of its own, which another kind would have to leave empty.
    ("authoring_registry", "kind_allowed_values"): one_cell(
        "kind", "no such word", lambda row: row["kind"] == "template"
    ),
    ("curriculum_entries", "state_allowed_values"): one_cell(
        "state", "no such word", lambda row: not row["is_admitted"]
    ),
    # Not a figure that others add up to.
    ("review_progress", "key"): lambda frame: Broken(
        pa.concat_tables(
            [frame, frame.slice(rows_where(frame, lambda row: row["measure"] == "open")[0], 1)]
        ),
        2,
    ),
    ("review_progress", "value_minimum"): one_cell(
        "value", -1, lambda row: row["measure"] == "open"
    ),
    # States that follow from other columns: rows where a wrong word is all that is wrong.
    ("source_authority", "state_allowed_values"): one_cell(
        "state", "no such word", lambda row: bool(row["problems"])
    ),
    ("beta_admission", "state_allowed_values"): one_cell(
        "state", "no such word", lambda row: not row["unmet_rules"]
    ),
    ("deployment_readiness", "item_kind_allowed_values"): one_cell(
        "item_kind", "no such word", is_statement
    ),
    ("deployment_readiness", "state_allowed_values"): first_of(
        is_statement, {"state": "no such word", "value": 1}
    ),
    ("deployment_readiness", "value_minimum"): one_cell(
        "value", -1, lambda row: row["item_kind"] == "held"
    ),
    ("full_validation", "status_allowed_values"): cells(
        {"status": "no such word", "problem": "something"}
    ),
    ("gate_states", "state_allowed_values"): one_cell("state", "no such word", is_shut_hard),
    ("gate_states", "approval_count_minimum"): one_cell("approval_count", -1, is_shut_hard),
    # A row too many is also one more than came in.
    **{(table_name(model), "key"): stage_key_twice for model in stages()},
    # A row that is refused for its columns: the verdict's word alone is wrong.
    ("title_intake", "verdict_allowed_values"): cells(
        {"forbidden_columns": "email", "verdict": "let in"}
    ),
    ("labelled_titles", "code_format"): one_cell(
        "code", "15-2050", lambda row: row["code_level"] == "detailed"
    ),
    ("labelled_titles", "code_level_allowed_values"): one_cell(
        "code_level", "broad", lambda row: row["code_level"] == "detailed"
    ),
    # Without a code there is no confidence: only a row with one says nothing else wrong.
    **{
        (table, "confidence_range"): one_cell(
            "confidence", 2.0, lambda row: row["code"] is not None
        )
        for table in ("title_routing", "title_coverage")
    },
    # A word of no tier is neither served nor asked about.
    **{
        (table, "service_tier_allowed_values"): one_cell(
            "service_tier", "perhaps", lambda row: row["service_tier"] == "exclude_or_not_icp"
        )
        for table in ("title_routing", "title_coverage")
    },
    **{
        (table, f"{column}_allowed_values"): one_cell(column, "perhaps", is_served_by_rules)
        for table in ("title_routing", "title_coverage")
        for column in ("fallback_tier", "code_level")
    },
    # Of the figures that add up to the queue, one below zero would not.
    ("title_adjudication", "value_minimum"): one_cell(
        "value", -1, lambda row: row["figure"] == "votes"
    ),
    ("title_thresholds", "wilson_lower_range"): one_cell(
        "wilson_lower", 2.0, lambda row: row["wilson_lower"] is not None
    ),
    ("title_thresholds", "target_range"): one_cell(
        "target", 2.0, lambda row: row["min_score"] is None
    ),
    ("title_thresholds", "rung_allowed_values"): one_cell(
        "rung", "perhaps", lambda row: row["min_score"] is None
    ),
    # Without a value, nothing is held against the bar.
    ("title_model_evaluation", "bar_range"): first_of(
        lambda row: row["bar"] is not None, {"bar": 2.0, "value": None}
    ),
    **{(table, "key"): current_version_twice for table in LANES},
    ("authoring_reviews", "status_allowed_values"): one_cell(
        "status", "perhaps", lambda row: not is_made(row)
    ),
    # What is not made has no document.
    **{
        (table, "status_allowed_values"): first_of(
            is_made,
            {
                "status": "perhaps",
                "reason": "It rained.",
                "document": None,
                "document_sha256": None,
            },
        )
        for table in LANES
    },
    # What was refused and is not any more would have a reason too many.
    **{
        (table, "standing_allowed_values"): one_cell(
            "standing", "perhaps", lambda row: row["standing"] != "refused"
        )
        for table in DECISION_FRAMES
        if table != "recorded_decisions"
    },
    # What was refused and is not any more would have a reason too many.
    **{
        (table, "status_allowed_values"): one_cell("status", "perhaps", is_appended)
        for table in KB_EVENTS
    },
    # Nothing of nothing is no more than can be had; only what was not compared has another word.
    ("graded_submissions", "points_possible_minimum"): one_cell(
        "points_possible", 0, lambda row: row["points"] == 0
    ),
    ("grader_coverage", "verdict_allowed_values"): one_cell(
        "verdict", "perhaps", lambda row: row["verdict"] != "compared"
    ),
    ("grader_coverage", "two_people_count_minimum"): one_cell(
        "two_people_count", -1, lambda row: row["verdict"] != "compared"
    ),
    ("grader_coverage", "grader_and_person_count_minimum"): one_cell(
        "grader_and_person_count", -1, lambda row: row["verdict"] != "compared"
    ),
    # A reason given twice is not the workflow's only row.
    ("scenario_links", "key"): lambda frame: one_key_twice(
        frame.filter(frame["scenario_id"].is_valid()), MODELS["scenario_links"]
    ),
    ("workflows", "rank_minimum"): one_cell("rank", 0, lambda row: row["is_top"]),
    # No evidence is no grant: only a row without any says nothing else wrong.
    ("affordances", "evidence_state_allowed_values"): one_cell(
        "evidence_state", "some", lambda row: not row["grants"]
    ),
    ("gdpval_task_map", "soc_match_allowed_values"): one_cell(
        "soc_match", "nearly", lambda row: row["soc_code"] is not None
    ),
    ("source_files", "status_allowed_values"): one_cell(
        "status", "somewhere", lambda row: row["status"] == "present"
    ),
    ("source_ledger", "allowed_use_allowed_values"): one_cell(
        "allowed_use", "whatever", lambda row: row["licence"] is not None
    ),
    # Below zero is not none: no reason is asked for.
    ("packets", "economic_index_ref_count_minimum"): one_cell(
        "economic_index_ref_count", -1, lambda row: row["economic_index_soc_codes"]
    ),
    ("packets", "gdpval_ref_count_minimum"): first_of(
        lambda row: not row["has_gdpval_refs"],
        {"gdpval_ref_count": -1, "missing_gdpval_reason": None},
    ),
    ("packets", "missing_usage_reason_allowed_values"): first_of(
        lambda row: row["economic_index_soc_codes"],
        {"economic_index_ref_count": 0, "missing_usage_reason": "it rained"},
    ),
    # Kept summed up, so that only the column's own rule is broken.
    ("soc_join_report", "joined_count_minimum"): uncounted,
    ("soc_join_report", "unmatched_count_minimum"): overcounted,
}
"""Value rules whose column takes part in a rule over several columns."""

ALSO_BREAKS: Mapping[tuple[str, str], set[str]] = {
    # What stands there twice is current twice.
    **{(table, "key"): {"one_version_is_current"} for table in LANES},
    # A component that stands there twice says the same twice.
    ("kb_components", "key"): {"statement_is_said_once"},
    # Fewer changes than none are not those that are there.
    ("kb_enriched", "event_count_minimum"): {"replay_gives_the_row"},
    # What is no digest is not the document's either.
    **{
        (name, "subject_digest_format"): {"digest_is_of_document"}
        for name, model in MODELS.items()
        if issubclass(model, SubjectTable)
    },
    # used <= tasks with tasks below zero needs used below zero: then its own minimum breaks.
    ("legacy_signals", "task_count_minimum"): {"used_tasks_exist"},
    # A workflow has a task: with none counted, more are listed than counted.
    ("workflows", "task_count_minimum"): {"tasks_are_listed"},
    # No more fail than were checked: none fails of less than none.
    ("packet_review_rules", "checked_count_minimum"): {"failures_are_counted"},
    # joined + unmatched = codes with codes below zero needs one of the two below zero.
    ("soc_join_report", "code_count_minimum"): {"all_counted"},
}
"""Rules that cannot be broken without a second one, and why."""


def recorded(table: str, figure: str, expected: float) -> Expectation:
    return Expectation(table, figure, expected, 0.0, "written for this test")


def breakings(table: str, rule: str, frame: pa.Table) -> list[Broken]:
    """``frame`` broken for ``rule``, in each way this module knows."""
    model = MODELS[table]
    if (table, rule) in CAREFUL:
        return [CAREFUL[table, rule](frame)]
    if rule == "schema":
        return [Broken(frame.drop_columns([model.__key__[0]]), frame.num_rows)]
    if rule == "key":
        return [one_key_twice(frame, model)]
    if rule == "expected_figures":
        wrong = recorded(table, "row_count", frame.num_rows + 1)
        return [Broken(frame, 1, (wrong,))]
    if rule.startswith("figure_"):
        wrong = recorded(table, f"{rule.removeprefix('figure_')}:value", -12345.0)
        return [Broken(frame, 1, (wrong,))]
    if rule in {str(check.name) for check in model.to_schema().checks}:
        assert rule in DATAFRAME_RULES, f"{table}: no way is known here to break {rule}"
        ways = list(DATAFRAME_RULES[rule])
        if rule == "provenance" and "source_row" in columns_of(model):
            # A row number may be the key: below 1 it is still no other row's.
            ways.append(one_cell("source_row", 0, ANY))
        return [way(frame) for way in ways]
    for column, item in columns_of(model).items():
        for check in item.checks:
            if rule == value_rule_name(column, check.name):
                return [break_value_rule(frame, column, check)]
    raise AssertionError(f"{table}: no way is known here to break {rule}")


# ---------------------------------------------------------------------------------- the mutations


def failed(findings: Sequence[Finding]) -> dict[str, Finding]:
    return {finding.rule: finding for finding in findings if not finding.passed}


def assert_only(findings: Sequence[Finding], rule: str, failing_rows: int) -> Finding:
    """Exactly ``rule`` failed, with that many rows; the finding, for more."""
    found = failed(findings)
    assert set(found) == {rule}
    finding = found[rule]
    assert finding.failing_rows == failing_rows
    assert_well_said(finding)
    return finding


def assert_well_said(finding: Finding) -> None:
    assert "expected " in finding.detail
    assert "found " in finding.detail
    assert 1 <= len(finding.sample) <= SAMPLE_ROWS
    assert len(finding.sample) == min(finding.failing_rows, SAMPLE_ROWS) or finding.rule == "schema"


@pytest.mark.parametrize("table", TABLES)
def test_a_valid_frame_passes_every_rule(frames: Frames, table: str) -> None:
    frame = frames[table]
    assert frame.num_rows, "the sample has a row in every table"

    findings = judge(frame, MODELS[table])

    assert [finding.rule for finding in findings] == [rule.name for rule in rules_of(MODELS[table])]
    assert not failed(findings)
    assert {finding.checked_rows for finding in findings} == {frame.num_rows}
    assert {finding.failing_rows for finding in findings} == {0}


@pytest.mark.parametrize("table", TABLES)
def test_an_empty_frame_passes(table: str) -> None:
    findings = judge(arrow_schema(MODELS[table]).empty_table(), MODELS[table])

    assert [finding.rule for finding in findings] == [rule.name for rule in rules_of(MODELS[table])]
    assert not failed(findings)


@pytest.mark.parametrize("group", ALIKE, ids=lambda group: group[0])
def test_tables_alike_are_judged_by_the_same_rules(group: list[str]) -> None:
    first, *others = (MODELS[table] for table in group)
    for other in others:
        assert rules_of(other) == rules_of(first)
        assert arrow_schema(other).equals(arrow_schema(first))
        assert [check.name for check in other.to_schema().checks] == [
            check.name for check in first.to_schema().checks
        ]


@pytest.mark.parametrize(("table", "rule"), BREAKABLE)
def test_a_broken_rule_is_the_check_that_fails(frames: Frames, table: str, rule: str) -> None:
    for broken in breakings(table, rule, frames[table]):
        before = digest_of_table(broken.frame)

        findings = judge(broken.frame, MODELS[table], broken.expectations)

        found = failed(findings)
        assert set(found) == {rule} | ALSO_BREAKS.get((table, rule), set())
        assert found[rule].failing_rows == broken.failing_rows
        assert_well_said(found[rule])
        assert digest_of_table(broken.frame) == before, "the gate changed what it judged"


@pytest.mark.parametrize("table", TABLES)
def test_every_column_must_be_there(frames: Frames, table: str) -> None:
    for column in columns_of(MODELS[table]):
        frame = frames[table].drop_columns([column])

        finding = assert_only(judge(frame, MODELS[table]), "schema", frame.num_rows)

        assert any(column in problem["problem"] for problem in finding.sample)


@pytest.mark.parametrize("table", TABLES)
def test_a_renamed_column_is_not_taken_for_the_old_one(frames: Frames, table: str) -> None:
    for column in columns_of(MODELS[table]):
        frame = frames[table].rename_columns({column: f"{column}_renamed"})

        finding = assert_only(judge(frame, MODELS[table]), "schema", frame.num_rows)

        problems = " ".join(problem["problem"] for problem in finding.sample)
        assert f"'{column}'" in problems
        assert f"'{column}_renamed'" in problems


OTHER_TYPES = {
    pa.string(): pa.binary(),
    pa.int64(): pa.int32(),
    pa.float64(): pa.float32(),
    pa.float32(): pa.float64(),
    pa.bool_(): pa.int64(),
}
"""The nearest other type: a width, or an encoding, away."""


def other_type(kind: pa.DataType) -> pa.DataType:
    """The nearest other type; of a nested one, with its innermost first part changed."""
    if pa.types.is_list(kind):
        return pa.list_(other_type(kind.value_type))
    if pa.types.is_struct(kind):
        first, *rest = list(kind)
        return pa.struct([first.with_type(other_type(first.type)), *rest])
    return OTHER_TYPES[kind]


@pytest.mark.parametrize("table", TABLES)
def test_no_other_type_will_do(frames: Frames, table: str) -> None:
    for column, field in zip(columns_of(MODELS[table]), arrow_schema(MODELS[table]), strict=True):
        other = other_type(field.type)
        place = frames[table].column_names.index(column)
        values = frames[table][column].cast(other, safe=False)
        frame = frames[table].set_column(place, column, values)

        finding = assert_only(judge(frame, MODELS[table]), "schema", frame.num_rows)

        assert f"{column}: {other}" in finding.detail
        assert any(column in problem["problem"] for problem in finding.sample)


@pytest.mark.parametrize("table", TABLES)
def test_nothing_undeclared_comes_along(frames: Frames, table: str) -> None:
    frame = frames[table].append_column("smuggled", pa.nulls(frames[table].num_rows, pa.string()))

    finding = assert_only(judge(frame, MODELS[table]), "schema", frame.num_rows)

    assert "smuggled" in finding.sample[0]["problem"]


@pytest.mark.parametrize("table", ONE_OF_EACH)
def test_null_only_where_declared(frames: Frames, table: str) -> None:
    for column, item in columns_of(MODELS[table]).items():
        frame = with_values(frames[table], column, {0: None})
        findings = judge(frame, MODELS[table])
        if item.nullable:
            assert "schema" not in failed(findings)
        else:
            finding = assert_only(findings, "schema", 1)
            assert finding.sample[0][column] is None


NAN_MEANS_NOTHING_WRONG = {("published_findings", "value")}
"""Float columns without a value rule of their own; a recorded figure refuses a NaN there."""


@pytest.mark.parametrize("table", ONE_OF_EACH)
def test_not_a_number_is_refused(frames: Frames, table: str) -> None:
    for field in arrow_schema(MODELS[table]):
        if not pa.types.is_floating(field.type):
            continue
        frame = with_values(frames[table], field.name, {0: math.nan})
        found = failed(judge(frame, MODELS[table]))
        if (table, field.name) in NAN_MEANS_NOTHING_WRONG:
            assert not found
            continue
        assert found
        assert {finding.failing_rows for finding in found.values()} == {1}
        assert ("schema" in found) == (not field.nullable), "there it counts as a null"


def test_a_recorded_figure_refuses_not_a_number(frames: Frames) -> None:
    frame = with_values(frames["published_findings"], "value", {0: math.nan})
    finding = frame["finding"][0].as_py()
    expected = recorded("published_findings", f"{finding}:value", 0.0)

    findings = judge(frame, MODELS["published_findings"], (expected,))

    assert_only(findings, f"figure_{finding}", 1)


def test_rules_are_named_alike_in_every_table() -> None:
    """An inherited rule has one name, whichever model was looked at first."""
    names = {rule for _, rule in RULES}
    assert not {name for name in names if name.startswith("_")}
    inheriting = [t for t in TABLES if "allowed_use" in columns_of(MODELS[t])]
    without = [t for t in inheriting if (t, "provenance") not in RULES]
    assert without == ["source_ledger"], "it lists the sources themselves"


def test_every_breaker_breaks_something() -> None:
    declared = {rule for _, rule in RULES}
    assert set(DATAFRAME_RULES) <= declared
    assert set(CAREFUL) <= set(RULES)
    assert set(ALSO_BREAKS) <= set(RULES)


def test_rule_names_are_unique_in_a_table() -> None:
    assert len(RULES) == len(set(RULES))


# ---------------------------------------------------------------------- one small model, in detail


class Readings(Table, key=("place", "day"), figures=("total",)):
    """A made-up table."""

    place: str = pap.Field(str_matches="^p", description="Where.")
    day: int = pap.Field(nullable=True, ge=1, description="When; null where unknown.")
    value: float = pap.Field(
        nullable=True, in_range={"min_value": 0, "max_value": 1}, description="What."
    )

    @pap.dataframe_check(name="value_needs_day", description="a value has a day")
    def _value_needs_day(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        return pc.or_(data.table["value"].is_null(), data.table["day"].is_valid())


def readings(
    place: Sequence[str | None], day: Sequence[int | None], value: Sequence[float | None]
) -> pa.Table:
    schema = pa.schema([("place", pa.string()), ("day", pa.int64()), ("value", pa.float64())])
    return pa.table({"place": place, "day": day, "value": value}, schema=schema)


def test_failing_rows_are_counted_not_failing_values() -> None:
    """Seven rows hold the same bad value: seven rows fail, five are shown."""
    frame = readings(["p"] * 9, list(range(1, 10)), [0.5, 0.5, *[7.0] * 7])

    finding = assert_only(judge(frame, Readings), "value_range", 7)

    assert finding.checked_rows == 9
    assert len(finding.sample) == SAMPLE_ROWS
    assert finding.sample[0] == {"place": "p", "day": 3, "value": 7.0}


def test_rows_with_two_nulls_count_once() -> None:
    class Pairs(Table, key=("row",)):
        """A made-up table."""

        row: int = pap.Field(description="Row.")
        first: str = pap.Field(description="One.")
        second: str = pap.Field(description="The other.")

    schema = pa.schema([("row", pa.int64()), ("first", pa.string()), ("second", pa.string())])
    frame = pa.table(
        {"row": [1, 2, 3], "first": [None, "a", None], "second": [None, "b", "c"]}, schema=schema
    )

    finding = assert_only(judge(frame, Pairs), "schema", 2)

    assert [row["row"] for row in finding.sample] == [1, 3]


def test_independent_rules_fail_side_by_side() -> None:
    frame = readings(["q", "p", "p"], [1, 2, 2], [0.5, 7.0, 0.1])

    found = failed(judge(frame, Readings))

    assert {rule: finding.failing_rows for rule, finding in found.items()} == {
        "key": 2,
        "place_format": 1,
        "value_range": 1,
    }


def test_the_same_key_twice_with_a_null_in_it() -> None:
    frame = readings(["p", "p", "p"], [None, None, 1], [None, None, 0.1])

    finding = assert_only(judge(frame, Readings), "key", 2)

    assert finding.sample == ({"place": "p", "day": None}, {"place": "p", "day": None})


def test_duplicated_rows_are_all_of_them_in_key_order() -> None:
    frame = readings(
        ["p2", "p1", "p2", "p3", "p1"], [2, None, 2, 3, None], [0.1, 0.2, 0.3, 0.4, 0.5]
    )

    found = duplicated_rows(frame, ("place", "day"))

    assert found.column_names == ["place", "day", "value"]
    assert found["value"].to_pylist() == [0.2, 0.5, 0.1, 0.3]


def test_a_column_that_is_there_twice_is_a_finding() -> None:
    frame = readings(["p"], [1], [0.5])
    frame = frame.append_column("day", frame["day"])

    finding = assert_only(judge(frame, Readings), "schema", 1)

    assert "'day'" in finding.sample[0]["problem"]


def test_a_frame_without_columns_is_a_finding() -> None:
    findings = judge(pa.table({}), Readings)

    finding = assert_only(findings, "schema", 0)
    assert "found no columns" in finding.detail


def test_a_rule_that_breaks_down_is_a_failed_rule() -> None:
    class Flawed(Table, key=("row",)):
        """A made-up table."""

        row: int = pap.Field(description="Row.")

        @pap.dataframe_check(name="flawed", description="something")
        def _flawed(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
            raise KeyError("the rule itself is wrong")

    findings = judge(pa.table({"row": pa.array([1, 2], pa.int64())}), Flawed)

    finding = failed(findings)["flawed"]
    assert set(failed(findings)) == {"flawed"}
    assert finding.failing_rows == 2
    assert "the rule itself failed" in finding.detail


def test_figures_are_told_apart() -> None:
    class Figures(Table, key=("finding",), figures=("one", "two")):
        """A made-up table."""

        finding: str = pap.Field(description="Name.")
        value: float = pap.Field(nullable=True, description="Value.")

    frame = pa.table({"finding": ["one", "two"], "value": [1.0, None]})
    figures = (
        recorded("figures", "one:value", 1.0),
        recorded("figures", "two:value", 2.0),
        recorded("figures", "row_count", 2.0),
    )

    findings = judge(frame, Figures, figures)

    finding = assert_only(findings, "figure_two", 1)
    assert finding.detail == "two:value: expected 2, found no such figure"
    details = {finding.rule: finding.detail for finding in findings}
    assert details["figure_one"] == "reproduced: one:value = 1"
    assert details["expected_figures"] == "reproduced: row_count = 2"


def test_the_order_of_columns_is_no_matter() -> None:
    """Not even to a figure, whose key is the first declared column."""

    class Backwards(Table, key=("finding",), figures=("one",)):
        """A made-up table."""

        finding: str = pap.Field(description="Name.")
        value: float = pap.Field(description="Value.")

    frame = pa.table({"value": [1.0], "finding": ["one"]})

    assert not failed(judge(frame, Backwards, (recorded("backwards", "one:value", 1.0),)))


def test_conform_changes_representation_and_order_only() -> None:
    frame = pa.table(
        {
            "value": pa.array([0.1, 0.2], pa.float64()),
            "day": pa.array([2, 1], pa.int64()),
            "place": pa.array(["p", "p"], pa.large_string()),
        }
    )
    assert not failed(judge(frame, Readings)), "large_string is a string, stored otherwise"

    stored = conform(frame, Readings)

    assert stored.schema.equals(arrow_schema(Readings))
    assert stored.to_pydict() == {"place": ["p", "p"], "day": [1, 2], "value": [0.2, 0.1]}


# ------------------------------------------------------- what the gate relies on pandera to report


def reported(frame: pa.Table) -> list[SchemaError]:
    with pytest.raises(SchemaErrors) as caught:
        Readings.validate(frame, lazy=True)
    return list(caught.value.schema_errors)


def test_pandera_reports_a_column_check_as_failing_values() -> None:
    """Values of the column alone, not rows: the gate looks up the rows itself."""
    (error,) = reported(readings(["p", "p", "p"], [1, 2, 3], [7.0, 0.5, 7.0]))

    assert error.reason_code is SchemaErrorReason.DATAFRAME_CHECK
    assert isinstance(error.schema, pap.Column)
    assert error.schema.name == "value"
    assert error.check.name == "in_range"
    assert isinstance(error.failure_cases, pa.Table)
    assert error.failure_cases.to_pydict() == {"value": [7.0, 7.0]}


def test_pandera_reports_not_a_number_as_a_failing_value() -> None:
    (error,) = reported(readings(["p", "p"], [1, 2], [math.nan, 0.5]))

    assert error.check.name == "in_range"
    assert math.isnan(error.failure_cases["value"][0].as_py())


def test_pandera_reports_a_dataframe_check_as_whole_rows() -> None:
    (error,) = reported(readings(["p", "p"], [1, None], [0.5, 0.25]))

    assert error.reason_code is SchemaErrorReason.DATAFRAME_CHECK
    assert not isinstance(error.schema, pap.Column)
    assert error.check.name == "value_needs_day"
    assert error.failure_cases.to_pydict() == {"place": ["p"], "day": [None], "value": [0.25]}


def test_pandera_reports_each_duplicated_key_once() -> None:
    """Keys, not rows, and one of each: the gate looks up the rows itself."""
    (error,) = reported(readings(["p", "p", "p"], [1, 1, 1], [0.1, 0.2, 0.3]))

    assert error.reason_code is SchemaErrorReason.DUPLICATES
    assert error.failure_cases.to_pydict() == {"place": ["p"], "day": [1]}


def test_pandera_holds_nulls_in_keys_to_be_equal() -> None:
    (error,) = reported(readings(["p", "p"], [None, None], [None, None]))

    assert error.reason_code is SchemaErrorReason.DUPLICATES
    assert error.failure_cases.to_pydict() == {"place": ["p"], "day": [None]}


def test_pandera_reports_nulls_and_does_not_try_value_rules_on_them() -> None:
    (error,) = reported(readings([None, "p"], [1, 2], [0.1, 0.2]))

    assert error.reason_code is SchemaErrorReason.SERIES_CONTAINS_NULLS
    assert isinstance(error.schema, pap.Column)
    assert error.schema.name == "place"
    assert error.failure_cases.to_pydict() == {"place": [None]}


def test_pandera_takes_an_answer_of_null_for_a_pass() -> None:
    """So a rule over nullable columns must answer yes or no: see ``is_valid`` in the models."""

    class Answerless(Table, key=("row",)):
        """A made-up table."""

        row: int = pap.Field(description="Row.")

        @pap.dataframe_check(name="unanswered", description="never answers")
        def _unanswered(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
            return pa.chunked_array([pa.nulls(data.table.num_rows, pa.bool_())])

    assert not failed(judge(pa.table({"row": pa.array([1], pa.int64())}), Answerless))


def test_pandera_goes_on_after_a_missing_column() -> None:
    """It runs the other rules on what is left, and they break down: noise that the gate drops."""
    errors = reported(readings(["p"], [1], [0.5]).drop_columns(["day"]))

    assert [error.reason_code for error in errors] == [
        SchemaErrorReason.COLUMN_NOT_IN_DATAFRAME,
        SchemaErrorReason.CHECK_ERROR,
    ]
