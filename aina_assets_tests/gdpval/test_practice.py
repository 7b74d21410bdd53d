"""Practice of drafts: real evaluation, cases that must come apart, drafts that cannot do it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from aina_assets.gdpval import practice, previews, tables
from aina_assets.gdpval.drafts import Draft
from aina_assets.gdpval.practice import NotPractisable, case_row, cases_of, module_of, submission
from aina_assets.gdpval.tables import State
from aina_assets.practice.evaluator import evaluate
from aina_assets.warehouse.tables import arrow_schema
from aina_assets_tests.gdpval.chain import Chain, practice_rules, rules
from aina_assets_tests.gdpval.test_drafts import made

PRACTICE = rules().practice


def admitted(draft: Draft) -> pa.Table:
    """A row that a stage before practice admits, with its draft."""
    row: dict[str, Any] = {
        "cohort": draft.cohort,
        "task_id": draft.task_id,
        "occupation": draft.occupation,
        "items_in": 1,
        "upstream_state": "approved",
        "state": str(State.ADMITTED),
        "reason": "approved by somebody",
        "decision_ids": ["0" * 32],
        "upstream_edit_count": 0,
        "edit_count": 0,
        "closed_edit_count": 0,
        "open_edit_count": 0,
        "unlocks": 0,
        "edits": [],
        "draft": draft.model_dump_json(),
        "banned_terms": [],
        "source_class": "benchmark",
        "allowed_use": "internal_only",
    }
    schema = arrow_schema(tables.GdpvalReplacementCandidateRevisionCloseout)
    return pa.Table.from_pylist([row], schema=schema)


def practised(draft: Draft) -> dict[str, Any]:
    found = admitted(draft)
    model = tables.GdpvalReplacementCandidatePractice
    (row,) = practice.practised(model, found, rules(), practice_rules()).to_pylist()
    return dict(row)


def test_five_cases_come_out_as_they_must() -> None:
    found = {
        case.case: str(result.outcome)
        for case, result in cases_of(made(), PRACTICE, practice_rules())
    }
    assert found == {
        "pass": "pass",
        "partial": "partial",
        "fail": "fail",
        "unsafe": "unsafe",
        "injection": "fail",
    }


def test_an_empty_and_a_copied_submission_fail() -> None:
    module = module_of(made(), PRACTICE)
    copied = "\n\n".join(("## Result", *(item.text for item in made().criteria)))
    for text in ("", copied):
        assert str(evaluate(module, text, practice_rules()).outcome) == "fail"


def test_each_criterion_counts_for_itself() -> None:
    """Taking the words of one criterion out of a good submission costs its points, no others."""
    module = module_of(made(), PRACTICE)
    (whole,) = (case for case in PRACTICE.cases if case.case == "pass")
    lines = submission(made(), whole, PRACTICE).splitlines()
    full = evaluate(module, "\n".join(lines), practice_rules())
    for number, item in enumerate(made().criteria, 1):
        without = [line for line in lines if not line.startswith(f"- Entry {number},")]
        less = evaluate(module, "\n".join(without), practice_rules())
        assert less.points == full.points - item.points


def test_a_draft_that_passes_shows_what_a_learner_would_see() -> None:
    row = practised(made())
    assert row["state"] == "passed"
    assert row["matched_case_count"] == row["case_count"] == row["preview_count"] == 5
    events = {item["case"]: item["event_types"][-1] for item in row["previews"]}
    assert events.pop("pass") == "mastery_gate_passed"
    assert set(events.values()) == {"mastery_gate_failed"}
    assert {item["event_types"][0] for item in row["previews"]} == {"practice_submitted"}
    assert all(item["feedback"] and item["next_step"] for item in row["previews"])


def test_a_draft_whose_points_say_the_same_fails_practice() -> None:
    same = "The stock count lists every shelf with its shortfall."
    row = practised(made((same,) * 5))
    assert row["state"] == "failed"
    assert "partial came out pass" in row["reason"]
    assert (row["preview_count"], row["is_inventoried"]) == (0, False)


def test_a_draft_whose_points_nothing_can_look_for_fails_practice() -> None:
    empty = made(("It is so.", "As it is.", "So be it.", "Is it so?"))
    with pytest.raises(NotPractisable, match="too few words"):
        list(cases_of(empty, PRACTICE, practice_rules()))
    row = practised(empty)
    assert row["state"] == "failed"
    assert (row["case_count"], row["preview_count"], row["is_inventoried"]) == (0, 0, False)


def test_one_heavy_point_cannot_tell_partial_work_apart() -> None:
    items = made().criteria
    heavy = items[0].model_copy(update={"points": 40})
    row = practised(made().model_copy(update={"criteria": (heavy, *items[1:])}))
    assert row["state"] == "failed"
    assert "partial came out" in row["reason"]


def test_practice_is_the_same_twice() -> None:
    first, second = (
        [case_row(*item) for item in cases_of(made(), PRACTICE, practice_rules())] for _ in range(2)
    )
    assert first == second


def test_only_what_passed_is_previewed_and_inventoried(decided: Chain) -> None:
    failing = admitted(made(("It is so.", "As it is.", "So be it.", "Is it so?")))
    practised = practice.practised(
        tables.GdpvalReplacementPractice, failing, rules(), practice_rules()
    )
    bridge = previews.bridged(tables.GdpvalReplacementReplayBridge, practised)
    intake = previews.inventoried(tables.GdpvalReplacementApprovedIntake, bridge)
    assert bridge["state"].to_pylist() == intake["state"].to_pylist() == ["held_out"]
    assert intake["is_inventoried"].to_pylist() == [False]
    assert decided.made["intake"]["is_inventoried"].to_pylist() == [True]


NOTHING_WRITTEN = """
import json, sys
seen = []
def hook(event, args):
    if event.startswith(("sqlite3.connect", "socket.connect")):
        seen.append(event)
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        seen.append(f"open {args[0]}")
import pyarrow as pa
from aina_assets_tests.gdpval.chain import practice_rules, rules
from aina_assets_tests.gdpval.test_practice import admitted, made, practice, previews, tables
rules(), practice_rules()
found = admitted(made())
sys.addaudithook(hook)
done = practice.practised(tables.GdpvalReplacementPractice, found, rules(), practice_rules())
bridge = previews.bridged(tables.GdpvalReplacementReplayBridge, done)
previews.inventoried(tables.GdpvalReplacementApprovedIntake, bridge)
learner = [name for name in sys.modules if name.startswith("aina_assets.learner")]
print(json.dumps([seen, learner, bridge["preview_count"].to_pylist()]))
"""


def test_the_ledger_of_learners_is_never_opened(tmp_path: Path) -> None:
    """In a process of its own: no file is written, nothing connected to, no ledger imported."""
    ran = subprocess.run(
        [sys.executable, "-B", "-c", NOTHING_WRITTEN],
        env={"AINA_HOME": str(tmp_path), "PATH": ""},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ran.stdout) == [[], [], [5]]
    assert not list(tmp_path.iterdir())
