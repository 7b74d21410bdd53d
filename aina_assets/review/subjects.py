"""Subjects: what a decision is about, as one document whose digest a decision binds.

Belongs here: making a subject's document, its digest, and the columns every table of subjects has.
Stays out: which gate it is for (policy), and what was decided (``gates``).

The reviewer is shown the document and nothing else; its digest is what a decision binds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandera.pyarrow as pap
import pyarrow as pa

from aina_assets.contracts.errors import ReviewError
from aina_assets.warehouse.tables import Table

GATE = r"^[a-z][a-z0-9_]{0,63}$"
DIGEST = r"^[0-9a-f]{64}$"
TEXTS = pa.list_(pa.string())

# What a decision says must not lie inside what it is about: its digest would follow itself.
_OF_DECISIONS = frozenset(
    {"approval", "approvals", "approved_by", "decision", "decision_id", "decisions", "signature"}
)


class SubjectTable(Table):
    """Base of every table whose rows are subjects of a gate."""

    gate: str = pap.Field(str_matches=GATE, description="Gate that decides on it.")
    subject_kind: str = pap.Field(str_matches=r"^[a-z][a-z0-9_]*$", description="Kind of subject.")
    subject_key: str = pap.Field(description="Which one of its kind.")
    subject_digest: str = pap.Field(
        str_matches=DIGEST, description="sha256 of `subject_document`: what a decision binds."
    )
    subject_title: str = pap.Field(description="Its name, for people.")
    subject_authors: TEXTS = pap.Field(  # type: ignore[valid-type]
        description="Reviewers who had a part in it and may not decide on it."
    )
    subject_document: str = pap.Field(
        description="All of it that a reviewer is shown, evidence with digests included, as JSON."
    )

    @pap.dataframe_check(description="every digest is that of the document beside it")
    def digest_is_of_document(cls, data: Any) -> pa.ChunkedArray:  # noqa: N805
        """Whether each row's digest is of its document."""
        pairs = zip(
            data.table["subject_digest"].to_pylist(),
            data.table["subject_document"].to_pylist(),
            strict=True,
        )
        answers = [
            None if digest is None or text is None else digest == digest_of(text)
            for digest, text in pairs
        ]
        return pa.chunked_array([answers], pa.bool_())


def digest_of(document: str) -> str:
    """The digest of a subject's document, in hexadecimal."""
    return hashlib.sha256(document.encode()).hexdigest()


def subject(
    gate: str,
    kind: str,
    key: str,
    *,
    title: str,
    content: Mapping[str, Any],
    evidence: Mapping[str, str] | None = None,
    authors: Sequence[str] = (),
) -> dict[str, Any]:
    """The columns of ``SubjectTable`` for one subject.

    Args:
        gate: the gate that decides on it.
        kind: kind of subject.
        key: which one of its kind.
        title: its name, for people.
        content: what is decided on: values that JSON can hold.
        evidence: references that the reviewer may open, each with its digest or version.
        authors: reviewers who had a part in it.

    Raises:
        ReviewError: something of a decision lies inside it.
    """
    inside = sorted(_keys_of(content) & _OF_DECISIONS)
    if inside:
        raise ReviewError(
            expected="a subject that holds nothing of a decision",
            found=f"the field(s) {', '.join(inside)}",
            where=f"{kind} {key}",
            remedy="leave what was decided to the ledger",
        )
    document = json.dumps(
        {
            "gate": gate,
            "kind": kind,
            "key": key,
            "title": title,
            "authors": sorted(authors),
            "content": content,
            "evidence": dict(evidence or {}),
        },
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )
    return {
        "gate": gate,
        "subject_kind": kind,
        "subject_key": key,
        "subject_digest": digest_of(document),
        "subject_title": title,
        "subject_authors": sorted(authors),
        "subject_document": document,
    }


def _keys_of(value: Any) -> set[str]:
    found: set[str] = set()
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            found.update(item)
            waiting.extend(item.values())
        elif isinstance(item, list | tuple):
            waiting.extend(item)
        elif not isinstance(item, str) and isinstance(item, Mapping):
            waiting.append(dict(item))
    return found
