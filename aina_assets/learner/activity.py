"""How much happened: counts of the learner event ledger, without anyone in them.

Belongs here: counting, and hiding what fewer did than may be told. Stays out: what the events of
one learner amount to (``replay``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa

from aina_assets.contracts.learner import EventType, LearnerEvent
from aina_assets.learner import tables
from aina_assets.learner.policy import ActivityRules
from aina_assets.warehouse.ledgers import RecordedEntries
from aina_assets.warehouse.tables import arrow_schema


def learner_activity(
    learner_events: RecordedEntries, modules: pa.Table, activity_rules: ActivityRules
) -> pa.Table:
    """Rows of ``LearnerActivity``."""
    # It brings SQLAlchemy, which a plan does not need.
    from aina_assets.learner.ledger import recorded_event

    events = (recorded_event(entry).event for entry in learner_events)
    known = frozenset(modules["module_id"].to_pylist())
    return activity_of(events, known, activity_rules.min_learners)


def activity_of(
    events: Iterable[LearnerEvent], known_modules: Set[str], min_learners: int
) -> pa.Table:
    """Rows of ``LearnerActivity``.

    Args:
        events: whatever was recorded.
        known_modules: ids that may be shown; evaluations of others are counted without one.
        min_learners: no count of what fewer did is shown.
    """
    groups: dict[_Key, _Group] = {}
    for event in events:
        keys = [_Key(str(event.event_type))]
        if event.event_type is EventType.EVALUATOR_COMPLETED:
            module = event.module_id if event.module_id in known_modules else None
            keys.append(_Key(str(event.event_type), module, _outcome(event)))
        for key in keys:
            group = groups.setdefault(key, _Group())
            group.event_count += 1
            group.learners.add(event.learner_id)
    hidden = _hidden(groups, min_learners)
    rows = [
        {
            **key._asdict(),
            "event_count": None if key in hidden else group.event_count,
            "learner_count": None if key in hidden else len(group.learners),
            "is_hidden": key in hidden,
            "min_learners": min_learners,
        }
        for key, group in sorted(groups.items(), key=lambda item: _order(item[0]))
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(tables.LearnerActivity))


def beta_feedback(learner_activity: pa.Table) -> pa.Table:
    """Rows of ``BetaFeedback``: sums of what is told, and how many groups are not."""
    rows = learner_activity.to_pylist()
    shown = [row for row in rows if not row["is_hidden"]]
    figures = [
        (f"events.{row['event_type']}", row["event_count"], "events of the type")
        for row in shown
        if row["outcome"] is None
    ]
    outcomes: Counter[str] = Counter()
    for row in shown:
        if row["outcome"] is not None:
            outcomes[row["outcome"]] += row["event_count"]
    figures += [
        (f"evaluations.{outcome}", count, "evaluations with the outcome, hidden modules aside")
        for outcome, count in sorted(outcomes.items())
    ]
    figures.append(("hidden_groups", len(rows) - len(shown), "rows whose counts are hidden"))
    return pa.Table.from_pylist(
        [dict(zip(("figure", "value", "definition"), row, strict=True)) for row in figures],
        schema=arrow_schema(tables.BetaFeedback),
    )


class _Key(NamedTuple):
    event_type: str
    module_id: str | None = None
    outcome: str | None = None


@dataclass
class _Group:
    event_count: int = 0
    learners: set[str] = field(default_factory=set)


def _outcome(event: LearnerEvent) -> str:
    evaluation = event.payload.get("evaluation")
    outcome = evaluation.get("outcome") if isinstance(evaluation, Mapping) else None
    return tables.OUTCOME_UNKNOWN if outcome not in tables.OUTCOMES else str(outcome)


def _hidden(groups: Mapping[_Key, _Group], min_learners: int) -> set[_Key]:
    """Groups that are too small, and as many more as keep these from being had by subtraction."""
    hidden = {key for key, group in groups.items() if len(group.learners) < min_learners}
    parts = [key for key in groups if key.outcome is not None]
    behind = {learner for key in parts if key in hidden for learner in groups[key].learners}
    shown = sorted(
        (key for key in parts if key not in hidden),
        key=lambda key: (-len(groups[key].learners), _order(key)),
    )
    while 0 < len(behind) < min_learners and shown:
        smallest = shown.pop()
        hidden.add(smallest)
        behind |= groups[smallest].learners
    return hidden


def _order(key: _Key) -> tuple[str, str, str]:
    return key.event_type, key.module_id or "", key.outcome or ""
