"""Valid frames of the tables of decisions: every standing, at whatever gate a table is of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

import pyarrow as pa

from aina_assets.review import tables
from aina_assets.review.reading import LEDGER, RECORDED, Found, decisions
from aina_assets.sources.tables import RecordedDecisions
from aina_assets.warehouse.tables import arrow_schema, table_name
from aina_assets_tests.review.world import START, gates, reviewers, signed


def decision_rows(model: type[tables.DecisionRows] = tables.Decisions) -> pa.Table:
    """Rows of ``model``: in force, expired and refused, found in both places."""
    made = [
        (signed("sample_ana"), RECORDED),
        *((signed(name), LEDGER) for name in ("ana", "ben", "cleo")),
        *((signed("dora", verdict), LEDGER) for verdict in ("revise", "hold", "reject")),
        *((signed("dora", gate="lesson"), LEDGER) for _ in range(4)),
        *((signed("panel", expires_at=START + timedelta(days=1)), LEDGER) for _ in range(2)),
    ]
    found = [Found(item, origin, item.model_dump_json(), START) for item, origin in made]
    rows = decisions(found, gates(), reviewers(), START + timedelta(days=2))
    if model is tables.Decisions:
        return rows
    gate = pa.array([tables.gate_of(model)] * rows.num_rows)
    return rows.set_column(rows.column_names.index("gate"), "gate", gate)


def recorded_lines() -> pa.Table:
    """Rows of ``RecordedDecisions``."""
    rows = [
        {
            "document": signed("sample_ana").model_dump_json(),
            "source_row": number,
            "source_class": "internal",
            "allowed_use": "open",
        }
        for number in range(1, 9)
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(RecordedDecisions))


def _rows_of(model: type[tables.DecisionRows]) -> Callable[[], pa.Table]:
    return lambda: decision_rows(model)


DECISION_FRAMES: Mapping[str, Callable[[], pa.Table]] = {
    "recorded_decisions": recorded_lines,
    **{
        table_name(model): _rows_of(model)
        for model in vars(tables).values()
        if isinstance(model, type) and issubclass(model, tables.DecisionRows) and model.__key__
    },
}
