"""The write gate: judge a frame by its model before a byte of it is stored.

Belongs here: turning one pandera validation into one finding per declared rule, with counts of
failing *rows* and a bounded sample. Stays out: storing anything, and Dagster.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc
from pandera.errors import SchemaError, SchemaErrorReason, SchemaErrors

from aina_assets.warehouse.expectations import Expectation
from aina_assets.warehouse.tables import (
    Table,
    arrow_schema,
    columns_of,
    rules_of,
    table_name,
    value_rule_name,
)

SAMPLE_ROWS = 5

_STRUCTURAL = {
    SchemaErrorReason.COLUMN_NOT_IN_DATAFRAME,
    SchemaErrorReason.COLUMN_NOT_IN_SCHEMA,
    SchemaErrorReason.WRONG_DATATYPE,
    SchemaErrorReason.DUPLICATE_COLUMN_LABELS,
}


@dataclass(frozen=True)
class Finding:
    """What the gate found about one rule.

    Attributes:
        rule: the rule's stable name.
        passed: whether it holds. A rule that could not be evaluated has no finding at all.
        checked_rows: rows looked at.
        failing_rows: rows that break it.
        detail: what was expected and what was found, for people.
        sample: up to five failing rows (their key and the offending value).
    """

    rule: str
    passed: bool
    checked_rows: int
    failing_rows: int
    detail: str
    sample: tuple[Mapping[str, Any], ...] = field(default=())


def judge(
    table: pa.Table, model: type[Table], expectations: tuple[Expectation, ...] = ()
) -> list[Finding]:
    """Findings for ``table``, one per rule of ``model`` that could be evaluated.

    A frame with wrong columns or types gets one finding, ``schema``: nothing more can be said.
    """
    rules = {rule.name: rule for rule in rules_of(model)}
    problems = _misnamed(table, model)
    # The backend breaks down on frames without their key columns, or with a column there twice.
    errors = [] if problems else _validation_errors(table, model)
    problems += [_first_line(error) for error in errors if error.reason_code in _STRUCTURAL]
    if problems:
        detail = f"expected {rules['schema'].description}; found {_shape(table)}"
        sample = tuple({"problem": problem} for problem in problems[:SAMPLE_ROWS])
        return [Finding("schema", False, table.num_rows, table.num_rows, detail, sample)]

    of_figures: dict[str, list[Expectation]] = {"expected_figures": []}
    of_figures |= {f"figure_{figure}": [] for figure in model.__figures__}
    for item in expectations:
        rule_name = f"figure_{item.figure.partition(':')[0]}"
        of_figures.get(rule_name, of_figures["expected_figures"]).append(item)

    broken: dict[str, list[SchemaError]] = {}
    for error in errors:
        broken.setdefault(_rule_of(error), []).append(error)
    findings = []
    for name, rule in rules.items():
        if name in of_figures:
            findings.append(_figures(name, table, model, of_figures[name]))
        elif name in broken:
            findings.append(_failed(name, broken[name], table, model, rule.description))
        else:
            findings.append(Finding(name, True, table.num_rows, 0, rule.description))
    return findings


def conform(table: pa.Table, model: type[Table]) -> pa.Table:
    """``table`` in its stored form: columns in model order, rows in key order, one chunk.

    Only representations change (``large_string`` to ``string``), never values; the caller has
    judged the frame already.
    """
    ordered = table.select(list(columns_of(model)))
    ordered = ordered.cast(arrow_schema(model), safe=True)
    keys = [(name, "ascending") for name in model.__key__]
    return ordered.sort_by(keys).combine_chunks()


def _validation_errors(table: pa.Table, model: type[Table]) -> list[SchemaError]:
    try:
        model.validate(table, lazy=True)
    except SchemaErrors as errors:
        return list(errors.schema_errors)
    return []


def _rule_of(error: SchemaError) -> str:
    if error.reason_code is SchemaErrorReason.SERIES_CONTAINS_NULLS:
        return "schema"
    if error.reason_code is SchemaErrorReason.DUPLICATES:
        return "key"
    check_name = str(getattr(error.check, "name", error.check))
    if isinstance(error.schema, pap.Column):
        return value_rule_name(str(error.schema.name), check_name)
    return check_name


def _failed(
    name: str, errors: list[SchemaError], table: pa.Table, model: type[Table], description: str
) -> Finding:
    if any(error.reason_code is SchemaErrorReason.CHECK_ERROR for error in errors):
        detail = f"expected {description}; the rule itself failed: {_first_line(errors[0])}"
        return Finding(name, False, table.num_rows, table.num_rows, detail)
    if name == "key":
        failing = duplicated_rows(table, model.__key__)
    else:
        failing = _failing_rows(errors, table)
    columns = list(model.__key__)
    columns += [
        str(error.schema.name)
        for error in errors
        if isinstance(error.schema, pap.Column) and error.schema.name not in columns
    ]
    sample = tuple(failing.slice(0, SAMPLE_ROWS).select(columns).to_pylist())
    detail = f"expected {description}; found {failing.num_rows} row(s) that break it"
    return Finding(name, False, table.num_rows, failing.num_rows, detail, sample)


def _failing_rows(errors: list[SchemaError], table: pa.Table) -> pa.Table:
    masks = []
    for error in errors:
        if not isinstance(error.schema, pap.Column):
            return error.failure_cases
        column = table[error.schema.name]
        if error.reason_code is SchemaErrorReason.SERIES_CONTAINS_NULLS:
            masks.append(column.is_null(nan_is_null=True))  # as pandera counts
        else:
            # pandera reports failing values, not failing rows: every row that holds one fails.
            values = error.failure_cases[error.schema.name].combine_chunks()
            masks.append(pc.is_in(column, value_set=values))
    return table.filter(functools.reduce(pc.or_, masks))


def duplicated_rows(table: pa.Table, key: tuple[str, ...]) -> pa.Table:
    """Every row of ``table`` whose ``key`` occurs more than once, in key order; null is null."""
    place = "__place__"
    # Grouping holds nulls to be equal; a join, which would be shorter, does not.
    groups = (
        table.select(list(key))
        .append_column(place, pa.array(range(table.num_rows), pa.int64()))
        .group_by(list(key))
        .aggregate([(place, "list"), (place, "count")])
    )
    repeated = groups.filter(pc.greater(groups[f"{place}_count"], 1))
    places = pc.list_flatten(repeated[f"{place}_list"])
    return table.take(places).sort_by([(name, "ascending") for name in key])


def _figures(
    rule: str, table: pa.Table, model: type[Table], expectations: list[Expectation]
) -> Finding:
    if not expectations:
        detail = f"{table_name(model)}: no figure is recorded under this lock"
        return Finding(rule, True, table.num_rows, 0, detail)
    ordered = table.select(list(columns_of(model)))  # a figure's key is the first column
    missed = [miss for item in expectations if (miss := item.miss(ordered))]
    if missed:
        sample = tuple({"figure": text} for text in missed[:SAMPLE_ROWS])
        return Finding(rule, False, table.num_rows, len(missed), "; ".join(missed), sample)
    detail = "; ".join(f"{item.figure} = {item.expected:g}" for item in expectations)
    return Finding(rule, True, table.num_rows, 0, f"reproduced: {detail}")


def _misnamed(table: pa.Table, model: type[Table]) -> list[str]:
    found, declared = table.column_names, list(columns_of(model))
    problems = [f"no column {name!r}" for name in declared if name not in found]
    problems += [f"undeclared column {name!r}" for name in found if name not in declared]
    twice = sorted({name for name in found if found.count(name) > 1})
    return problems + [f"column {name!r} is there twice" for name in twice]


def _shape(table: pa.Table) -> str:
    return ", ".join(f"{field.name}: {field.type}" for field in table.schema) or "no columns"


def _first_line(error: SchemaError) -> str:
    return str(error).splitlines()[0]
