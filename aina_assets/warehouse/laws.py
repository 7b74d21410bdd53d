"""Laws: rules between a table and what it was made from, which no table can be judged by alone.

Belongs here: what a law is, and the finding it comes to. Stays out: any particular law, which is
its room's, and the rules of one table (``gate``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from aina_assets.warehouse.gate import SAMPLE_ROWS, Finding
from aina_assets.warehouse.tables import Rule

Breach = Mapping[str, Any]
"""What breaks a law: which item, and how."""


@dataclass(frozen=True)
class Law:
    """One law: a check of its asset, as every rule is.

    Attributes:
        name: stable name of the check.
        description: what must hold, for people.
        inputs: what the table is compared with: tables, which become inputs of the asset where they
            are not yet, or documents among the arguments of its function.
        breaches: of the table, then the inputs in order, whatever breaks the law.
    """

    name: str
    description: str
    inputs: tuple[str, ...]
    breaches: Callable[..., Sequence[Breach]]

    @property
    def rule(self) -> Rule:
        """The law as the check it is."""
        return Rule(self.name, None, self.description)


def judge_laws(table: pa.Table, laws: Iterable[Law], inputs: Mapping[str, Any]) -> list[Finding]:
    """One finding a law for ``table``, made from ``inputs`` (by name)."""
    return [_judged(table, law, inputs) for law in laws]


def _judged(table: pa.Table, law: Law, inputs: Mapping[str, Any]) -> Finding:
    against = f"{law.description}; compared with {', '.join(law.inputs)}"
    try:
        found = law.breaches(table, *(inputs[name] for name in law.inputs))
    except Exception as error:  # as the gate does: a rule that breaks down does not hold
        detail = f"expected {against}; the law itself failed: {error!r}"
        return Finding(law.name, False, table.num_rows, table.num_rows, detail)
    if not found:
        return Finding(law.name, True, table.num_rows, 0, against)
    detail = f"expected {against}; found {len(found)} breach(es)"
    sample = tuple(dict(item) for item in found[:SAMPLE_ROWS])
    return Finding(law.name, False, table.num_rows, len(found), detail, sample)
