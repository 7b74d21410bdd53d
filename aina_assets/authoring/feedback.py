"""What a reviewer asks for on rework: which operation, on which entries, in which words.

Belongs here: reading the texts of a ``revise`` decision. Stays out: carrying them out.

=============================================  ====================================================
``refine_module 3: words``                     module 3 of the sequence is rewritten
``split_module 3: words``                      it becomes two
``merge_modules 3, 4: words``                  these become one
``insert_module after 3: words``               a new one follows it (``after 0``: stands first)
``refine_entry slides 7: words``               the seventh entry of that array is rewritten
``rework: words``, and any other text          the whole answer is written again
=============================================  ====================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from aina_assets.contracts.errors import ReviewError

Kind = Literal[
    "rework", "refine_module", "split_module", "merge_modules", "insert_module", "refine_entry"
]
MODULE_OPERATIONS: dict[str, tuple[str, str]] = {
    "refine_module": ("refine", "refine_module"),
    "split_module": ("split", "refine_module"),
    "merge_modules": ("merge", "refine_module"),
    "insert_module": ("insert", "insert_module"),
}
"""Kinds that concern modules of a sequence: the word for a prompt, and the operation it is."""

_SAID = re.compile(
    r"^(?P<kind>refine_module|split_module|merge_modules|insert_module|refine_entry|rework)\b"
    r"(?P<targets>[^:]{0,80}):\s*(?P<text>.*)$",
    re.DOTALL,
)


@dataclass(frozen=True)
class Feedback:
    """One thing that a reviewer asks for.

    Attributes:
        kind: the operation.
        text: the reviewer's words.
        targets: modules by position, or the entry by its number from 1.
        array: of an entry, the array it stands in.
    """

    kind: Kind
    text: str
    targets: tuple[int, ...] = ()
    array: str | None = None

    @classmethod
    def parse(cls, text: str) -> Feedback:
        """What a required edit's text asks for.

        Raises:
            ReviewError: it names an operation without what the operation is about.
        """
        found = _SAID.match(text.strip())
        if found is None:
            return cls("rework", text.strip())
        kind: Any = found["kind"]
        targets = tuple(int(number) for number in re.findall(r"\d{1,4}", found["targets"]))
        array = re.search(r"[a-z][a-z_]+", found["targets"].replace("after", " "))
        fits = {
            "rework": True,
            "merge_modules": len(targets) > 1,
            "refine_entry": len(targets) == 1 and array is not None,
        }.get(kind, len(targets) == 1)
        if not fits or not found["text"].strip():
            raise ReviewError(
                expected="an operation with its entries and what to do: split_module 3: words",
                found=repr(text[:120]),
                where=f"required edit {kind}",
                remedy="name the entries by number, then a colon and the words",
            )
        return cls(
            kind,
            found["text"].strip(),
            targets,
            array.group(0) if kind == "refine_entry" and array else None,
        )

    @property
    def operation(self) -> dict[str, Any]:
        """What a prompt's input says of it."""
        if self.kind in MODULE_OPERATIONS:
            word = MODULE_OPERATIONS[self.kind][0]
            return {"operation": word, "positions": list(self.targets), "text": self.text}
        return {
            "operation": "refine_entry",
            "entry_type": self.array,
            "number": self.targets[0] if self.targets else None,
            "text": self.text,
        }


def parsed(texts: Iterable[str]) -> tuple[Feedback, ...]:
    """Every required edit, in order.

    Raises:
        ReviewError: as ``Feedback.parse`` does.
    """
    return tuple(Feedback.parse(text) for text in texts)
