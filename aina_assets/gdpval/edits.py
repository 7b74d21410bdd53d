"""Edits that reviewers require: made on a draft by rule, then looked for in what came of it.

Belongs here: one pair of functions a kind of edit that a draft can prove. Stays out: which edits
were asked for (``review``), and what their proof leads to (``stages``).

An edit is closed when its check finds it in the finished redraft, never because it was applied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from aina_assets.contracts.curriculum import HitlCheckpoint
from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.gdpval.drafts import Draft, banned_terms
from aina_assets.gdpval.policy import DraftRules, GdpvalCohorts, whole_word

Edit = Mapping[str, str]
"""A required edit as tables hold it: edit_id, kind, argument, text."""


@dataclass(frozen=True)
class Resolution:
    """What became of a required edit, and why it is open where it is."""

    edit: Edit
    is_closed: bool
    reason: str


class _Unprovable(Exception):
    """Why an edit cannot be made."""


def resolve(
    draft: Draft, edits: Iterable[Edit], rules: GdpvalCohorts
) -> tuple[Draft, tuple[Resolution, ...]]:
    """``draft`` with every provable edit made, in order, and what became of each edit."""
    require_kinds(rules)
    redraft = draft
    refused: dict[int, str] = {}
    asked = list(edits)
    for number, edit in enumerate(asked):
        try:
            redraft = _applied(redraft, edit, draft, rules)
        except _Unprovable as why:
            refused[number] = str(why)
    resolved = []
    for number, edit in enumerate(asked):
        reason = refused.get(number)
        if reason is None and not KINDS[edit["kind"]].is_in(redraft, edit["argument"]):
            reason = "made, and undone by another edit"
        resolved.append(Resolution(edit, reason is None, reason or "found in the redraft"))
    return redraft, tuple(resolved)


def require_kinds(rules: GdpvalCohorts) -> None:
    """Every kind that drafts prove is authored, and the other way round.

    Raises:
        AuthoredDocumentError: otherwise.
    """
    authored = {item.kind for item in rules.edit_kinds if item.proved_by == "draft"}
    if authored != set(KINDS):
        raise AuthoredDocumentError(
            expected=f"the kinds of edit {', '.join(sorted(KINDS))}, proved by the draft",
            found=", ".join(sorted(authored)) or "none",
            where=f"{GdpvalCohorts.path()}: edit_kinds",
            remedy="add the kind to gdpval/edits.py, or to the document",
        )


def _applied(draft: Draft, edit: Edit, reviewed: Draft, rules: GdpvalCohorts) -> Draft:
    """``draft``, which was ``reviewed`` before any edit, with ``edit`` made.

    Raises:
        _Unprovable: it cannot be, or only somebody with the source file could tell.
    """
    declared = {item.kind: item for item in rules.edit_kinds}.get(edit["kind"])
    if declared is None:
        raise _Unprovable(f"no rule knows edits of the kind '{edit['kind']}'")
    if declared.proved_by == "source_file":
        raise _Unprovable("needs a source file, which is not fetched")
    kind = KINDS[edit["kind"]]
    try:
        changed = kind.make(draft, edit["argument"])
        names_nothing = kind.takes_away and kind.is_in(reviewed, edit["argument"])
    except (ValueError, ValidationError) as error:
        wanted = f"the argument is {declared.argument}, as '{declared.example}'"
        raise _Unprovable(f"not as the rule reads it: {wanted}") from error
    if names_nothing:
        raise _Unprovable("names nothing that the draft has")
    return _allowed(changed, rules.drafts)


def _allowed(draft: Draft, rules: DraftRules) -> Draft:
    if len(draft.criteria) < rules.min_criteria:
        raise _Unprovable(f"leaves {len(draft.criteria)} of at least {rules.min_criteria} criteria")
    if found := banned_terms(draft.texts(), rules):
        raise _Unprovable(f"brings in banned wording: {', '.join(found)}")
    return draft


# ----------------------------------------------------------------------------------- kinds of edit


@dataclass(frozen=True)
class _Kind:
    """How an edit is made, and how it is found in a draft.

    Attributes:
        takes_away: what it names must have been there.
    """

    make: Callable[[Draft, str], Draft]
    is_in: Callable[[Draft, str], bool]
    takes_away: bool = False


def _limit_criteria(draft: Draft, argument: str) -> Draft:
    most = int(argument)
    if most < 1:
        raise ValueError(argument)
    weighed = sorted(draft.criteria, key=lambda item: (-item.points, item.source_item))[:most]
    kept = tuple(item for item in draft.criteria if item in weighed)
    return draft.model_copy(update={"criteria": kept})


def _remove_criterion(draft: Draft, argument: str) -> Draft:
    kept = tuple(item for item in draft.criteria if item.criterion_id != argument.strip())
    return draft.model_copy(update={"criteria": kept})


def _term(argument: str) -> tuple[str, str]:
    term, _, instead = (part.strip() for part in argument.partition("->"))
    if not term or not instead or whole_word(term).search(instead):
        raise ValueError(argument)
    return term, instead


def _drop_term(draft: Draft, argument: str) -> Draft:
    term, instead = _term(argument)

    def said(text: str) -> str:
        return whole_word(term).sub(lambda _: instead, text)

    return draft.model_copy(
        update={
            "task": said(draft.task),
            "deliverable": said(draft.deliverable),
            "criteria": tuple(
                item.model_copy(update={"text": said(item.text)}) for item in draft.criteria
            ),
            "checkpoints": tuple(
                HitlCheckpoint(**{name: said(text) for name, text in item.model_dump().items()})
                for item in draft.checkpoints
            ),
            "boundary": tuple(said(text) for text in draft.boundary),
        }
    )


def _has_no_term(draft: Draft, argument: str) -> bool:
    return not whole_word(_term(argument)[0]).search("\n".join(draft.texts()))


def _checkpoint(argument: str) -> HitlCheckpoint:
    when, who, decides = (part.strip() for part in argument.split("|"))
    return HitlCheckpoint(when=when, who=who, decides=decides)


def _add_checkpoint(draft: Draft, argument: str) -> Draft:
    added = dict.fromkeys((*draft.checkpoints, _checkpoint(argument)))
    return draft.model_copy(update={"checkpoints": tuple(added)})


def _name_deliverable(draft: Draft, argument: str) -> Draft:
    if not argument.strip():
        raise ValueError(argument)
    named = argument.strip()
    task = draft.task.replace(draft.deliverable, named)
    return draft.model_copy(update={"deliverable": named, "task": task})


def _state_boundary(draft: Draft, argument: str) -> Draft:
    if not argument.strip():
        raise ValueError(argument)
    stated = dict.fromkeys((*draft.boundary, argument.strip()))
    return draft.model_copy(update={"boundary": tuple(stated)})


KINDS: Mapping[str, _Kind] = {
    "limit_criteria": _Kind(
        _limit_criteria, lambda draft, argument: len(draft.criteria) <= int(argument)
    ),
    "drop_term": _Kind(_drop_term, _has_no_term, takes_away=True),
    "remove_criterion": _Kind(
        _remove_criterion,
        lambda draft, argument: (
            argument.strip() not in {item.criterion_id for item in draft.criteria}
        ),
        takes_away=True,
    ),
    "add_checkpoint": _Kind(
        _add_checkpoint, lambda draft, argument: _checkpoint(argument) in draft.checkpoints
    ),
    "name_deliverable": _Kind(
        _name_deliverable, lambda draft, argument: draft.deliverable == argument.strip()
    ),
    "state_boundary": _Kind(
        _state_boundary, lambda draft, argument: argument.strip() in draft.boundary
    ),
}
"""Kinds of edit that a draft can prove."""
