"""Words of the review pages, and text of others made to show and do nothing.

Belongs here: a sentence for every code of a gate, and ``shown``. Stays out: what a state means
(``review.gates``).
"""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup, escape

from aina_assets.contracts.review import GateState, ReviewerKind, ReviewVerdict, Strictness

VERDICTS: Mapping[ReviewVerdict, str] = {
    ReviewVerdict.APPROVE: "Approve: it may go on as it is",
    ReviewVerdict.REVISE: "Revise: not before the required edits are made",
    ReviewVerdict.HOLD: "Hold: not now",
    ReviewVerdict.REJECT: "Reject: not at all",
    ReviewVerdict.WITHDRAW: "Withdraw: say nothing of it, only end what is ticked below",
}
SAID: Mapping[ReviewVerdict, str] = {
    ReviewVerdict.APPROVE: "approved",
    ReviewVerdict.REVISE: "asked for edits",
    ReviewVerdict.HOLD: "held",
    ReviewVerdict.REJECT: "rejected",
    ReviewVerdict.WITHDRAW: "withdrew",
}
STATES: Mapping[GateState, str] = {
    GateState.PENDING: "pending",
    GateState.APPROVED: "approved",
    GateState.REVISE: "to be revised",
    GateState.HELD: "held",
    GateState.REJECTED: "rejected",
    GateState.EXPIRED: "expired",
    GateState.STALE: "stale",
}
WAITING = (GateState.PENDING, GateState.STALE, GateState.EXPIRED)
"""States in which a decision is what is missing."""
KINDS: Mapping[ReviewerKind, str] = {
    ReviewerKind.PERSON: "person",
    ReviewerKind.DELEGATED: "delegated",
    ReviewerKind.PANEL: "panel of models",
}
STRICTNESS: Mapping[Strictness, str] = {
    Strictness.HARD: "hard: nothing passes before it is approved",
    Strictness.SOFT: "soft: what nobody decided on passes and says so",
}


def shown(text: object) -> Markup:
    """``text`` for a page: markup in it is text, and what would act or hide is written out.

    Line breaks and tabs stay; every other character that shows nothing, or turns the direction of
    writing, stands there as its number.
    """
    words = str(text)
    if words.isprintable():
        return escape(words)
    return Markup("").join(
        escape(letter)
        if letter.isprintable() or letter in "\n\t"
        else Markup('<span class="unseen">U+{:04X}</span>').format(ord(letter))
        for letter in words.replace("\r\n", "\n")
    )


_INITIALS = frozenset({"cpa", "ias", "kb", "lo", "sha256", "tgar", "vir"})


def label(name: str) -> str:
    """The name of a field, for people."""
    words = name.replace("_", " ").strip().capitalize().split(" ")
    return " ".join(word.upper() if word.lower() in _INITIALS else word for word in words) or name
