"""What a table is: a pandera model with a key, a description, lineage, and rules with stable names.

Belongs here: the base classes of every table model and what can be read off a model: its rules,
its Arrow schema, its columns for people. Stays out: any particular table.

A model's rules are what the gate reports, one check a rule:

========================  ========================================================================
``schema``                the declared columns, no others, with the declared types, filled where
                          they may not be null
``key``                   the key columns identify a row
``<column>_<rule>``       one per declared value rule of a column (``format``, ``minimum``, ...)
``provenance``            source classes, allowed use and row numbers are well formed
``<name>``                one per declared rule over several columns
``figure_<name>``         one per declared figure: as recorded for this lock, where it records any
``expected_figures``      row count and other figures as recorded for this lock, likewise
========================  ========================================================================
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, cast

import pandera.pyarrow as pap
import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.contracts.vocabulary import AllowedUse, SourceClass

_SOURCE_CLASS = f"({'|'.join(SourceClass)})"
_SOURCE_CLASSES = rf"^{_SOURCE_CLASS}(\+{_SOURCE_CLASS})*$"
_ALLOWED_USES = rf"^({'|'.join(AllowedUse)})$"

_CHECK_NAMES = {
    "str_matches": "format",
    "isin": "allowed_values",
    "greater_than_or_equal_to": "minimum",
    "less_than_or_equal_to": "maximum",
    "greater_than": "above",
    "less_than": "below",
    "in_range": "range",
    "str_length": "length",
}

_ARROW_TYPES = {
    "String": pa.string(),
    "Int64": pa.int64(),
    "Int32": pa.int32(),
    "Float64": pa.float64(),
    "Boolean": pa.bool_(),
    "Float32": pa.float32(),
}


@dataclass(frozen=True)
class Parent:
    """Where rows of a table come from: rows of ``table`` whose columns equal this row's.

    Attributes:
        table: an upstream table, or ``upstream/<input>`` for a source file.
        on: pairs of this table's column and the upstream table's column (of a source file: a field
            of its entry, ``path``); ``prefix:<column>`` means that the upstream value starts with
            this table's value, ``in:<column>`` that it is one of this table's values, a list
            or a comma-separated text. A null matches nothing.
        where: pairs of this table's column and a value: only rows that have it come from here.
        only: pairs of the upstream table's column and a value: its other rows play no part.
    """

    table: str
    on: tuple[tuple[str, str], ...] = ()
    where: tuple[tuple[str, str], ...] = ()
    only: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Rule:
    """One declared rule: the unit of reporting, and of an asset check.

    Attributes:
        name: stable name of the check.
        column: the column it is about; None for rules over rows or the whole table.
        description: what must hold, for people.
    """

    name: str
    column: str | None
    description: str


class Table(pap.DataFrameModel):
    """Base of every table model.

    A model declares its columns (a nested one is annotated with its Arrow type) and, as class
    arguments, ``key`` (columns that identify a row),
    ``parents`` (for tracing a row back) and ``figures`` (rows that are checks of their own: named
    by a one-column key, valued in ``value``). Its docstring is the table's description.
    """

    __key__: ClassVar[tuple[str, ...]] = ()
    __parents__: ClassVar[tuple[Parent, ...]] = ()
    __figures__: ClassVar[tuple[str, ...]] = ()

    class Config:  # noqa: D106
        strict = True
        coerce = False

    def __init_subclass__(
        cls,
        *,
        key: tuple[str, ...] = (),
        parents: tuple[Parent, ...] = (),
        figures: tuple[str, ...] = (),
        **kwargs: Any,
    ) -> None:
        cls.__key__ = key
        cls.__parents__ = parents
        cls.__figures__ = figures
        if key:
            setattr(cls, "Config", type("Config", (cls.Config,), {"unique": list(key)}))  # noqa: B010
        super().__init_subclass__(**kwargs)


class ProvenancedTable(Table):
    """A table whose rows carry the classes of their sources and the strictest use these allow."""

    source_class: str = pap.Field(
        description="Classes of the sources the row comes from, joined by '+' and never merged.",
    )
    allowed_use: str = pap.Field(
        description="Most restrictive allowed use among the row's sources.",
    )

    # The method's own name is the rule's: pandera hands a ``name`` to the first model that inherits
    # a check and to no other. A null answers neither yes nor no here: it breaks ``schema``.
    @pap.dataframe_check(description="every row says what it is from and what that allows")
    def provenance(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether class and use are words of the vocabulary and the row number counts from 1."""
        stated = pc.and_(
            pc.match_substring_regex(data.table["source_class"], _SOURCE_CLASSES),
            pc.match_substring_regex(data.table["allowed_use"], _ALLOWED_USES),
        )
        if "source_row" in data.table.column_names:
            stated = pc.and_(stated, pc.greater_equal(data.table["source_row"], 1))
        return stated


class SourceTable(ProvenancedTable):
    """A table that says what one upstream file says, row by row."""

    source_row: int = pap.Field(
        description="Position of the row in its file, from 1, headers not counted."
    )


def table_name(model: type[Table]) -> str:
    """The name of the stored table: the model's name in snake case."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", model.__name__).lower()


def describe(model: type[Table]) -> str:
    """The table's description: its docstring, unwrapped."""
    return inspect.cleandoc(model.__doc__ or "")


def columns_of(model: type[Table]) -> dict[str, Any]:
    """The model's pandera columns by name: its own first, inherited provenance columns last."""
    return _columns(cast("Hashable", model))


@cache
def _columns(model: Any) -> dict[str, Any]:
    columns = model.to_schema().columns
    inherited = [name for name in columns if name in _PROVENANCE_ORDER]
    own = [name for name in columns if name not in _PROVENANCE_ORDER]
    return {name: columns[name] for name in own + sorted(inherited, key=_PROVENANCE_ORDER.index)}


_PROVENANCE_ORDER = ["source_row", "source_class", "allowed_use"]


def arrow_schema(model: type[Table]) -> pa.Schema:
    """The Arrow schema in which tables of ``model`` are stored."""
    return pa.schema(
        [
            pa.field(name, _arrow_type(column.dtype.type), nullable=column.nullable)
            for name, column in columns_of(model).items()
        ]
    )


def _arrow_type(kind: Any) -> pa.DataType:
    # Nested columns are annotated with their Arrow type; pandera holds its narwhals equivalent.
    if hasattr(kind, "inner"):
        return pa.list_(_arrow_type(kind.inner))
    if hasattr(kind, "fields"):
        return pa.struct([pa.field(item.name, _arrow_type(item.dtype)) for item in kind.fields])
    return _ARROW_TYPES[str(kind)]


def value_rule_name(column: str, check_name: str) -> str:
    """The stable name of a column's value rule."""
    return f"{column}_{_CHECK_NAMES.get(check_name, check_name)}"


def rules_of(model: type[Table]) -> list[Rule]:
    """Every rule the gate reports for ``model``, in order."""
    columns = columns_of(model)
    nullable = [name for name, column in columns.items() if column.nullable]
    rules = [
        Rule(
            "schema",
            None,
            f"exactly the columns {', '.join(columns)} in their types; null only in"
            f" {', '.join(nullable) or 'none of them'}",
        ),
        Rule("key", None, f"unique: ({', '.join(model.__key__)})"),
    ]
    rules += [
        Rule(value_rule_name(name, check.name), name, f"{name}: {_sentence(check)}")
        for name, column in columns.items()
        for check in column.checks
    ]
    rules += [
        Rule(str(check.name), None, check.description or str(check.name))
        for check in model.to_schema().checks
    ]
    rules += [
        Rule(f"figure_{figure}", None, f"{figure} is as recorded for this lock")
        for figure in model.__figures__
    ]
    rules.append(Rule("expected_figures", None, "figures recorded for this lock are reproduced"))
    return rules


def _sentence(check: Any) -> str:
    values = ", ".join(str(value) for value in (check.statistics or {}).values())
    return f"{_CHECK_NAMES.get(check.name, check.name).replace('_', ' ')} {values}"
