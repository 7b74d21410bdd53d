"""Votes of a panel: who is on it, when its votes agree, and what their agreement is worth.

Belongs here: the model of ``data/panel.yaml``, the agreement rule and its measures, over votes that
were cast. Stays out: asking models (``panel``), and which gate hears a panel (``policy``).

Where a subject offers options, an approval names one: it is the first cite of a vote and the first
evidence of a decision.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated, Any, Literal, Self

import pyarrow as pa
from pydantic import Field, model_validator
from sklearn.metrics import cohen_kappa_score, matthews_corrcoef

from aina_assets.contracts.review import Decision, ReviewerKind, ReviewVerdict, SignedDecision, Vote
from aina_assets.contracts.work import Contract, Text
from aina_assets.review.tables import REFUSED
from aina_assets.warehouse.authored import AuthoredDocument
from aina_assets.warehouse.digests import digest_of_json

EnvName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
Positive = Annotated[float, Field(gt=0)]
Price = Annotated[float, Field(ge=0)]


class PanelModel(Contract):
    """One model of the panel.

    Attributes:
        name: as its provider names it, and as its votes do.
        provider: whose protocol is spoken.
        key_env: variable of the environment that holds its key.
        base_url: where it is; null: the provider's own address.
        base_url_env: variable that says where it is instead.
        input_usd_per_million: price of a million tokens in; null: not known.
        output_usd_per_million: of a million tokens out.
    """

    name: Text
    provider: Literal["openai", "anthropic"]
    key_env: EnvName
    base_url: Text | None = None
    base_url_env: EnvName | None = None
    input_usd_per_million: Price | None = None
    output_usd_per_million: Price | None = None

    def cost_usd(self, input_tokens: int, output_tokens: int) -> float | None:
        """What these tokens cost; null where a price is not known."""
        if self.input_usd_per_million is None or self.output_usd_per_million is None:
            return None
        paid = (
            input_tokens * self.input_usd_per_million + output_tokens * self.output_usd_per_million
        )
        return round(paid / 1e6, 8)


class AgreementRule(Contract):
    """When votes are a verdict.

    Attributes:
        min_votes: usable votes it takes.
        min_share: share of them that must say the same.
        min_families: families of models that those who say it must be of.
    """

    min_votes: Annotated[int, Field(ge=2)]
    min_share: Annotated[float, Field(gt=0.5, le=1)]
    min_families: Annotated[int, Field(ge=2)]


class PanelRules(AuthoredDocument, document="panel"):
    """Who is on the panel, and by what rule it decides; the document says what each part is for."""

    models: Annotated[tuple[PanelModel, ...], Field(min_length=2)]
    families: dict[Text, Annotated[tuple[Text, ...], Field(min_length=1)]]
    agreement: AgreementRule
    max_attempts: Annotated[int, Field(ge=1, le=10)]
    timeout_seconds: Positive
    max_wait_seconds: Positive
    max_output_tokens: Annotated[int, Field(ge=100)]
    min_cite_chars: Annotated[int, Field(ge=1)]
    addresses_reviewer: tuple[str, ...]

    @model_validator(mode="after")
    def _can_decide(self) -> Self:
        if len({model.name for model in self.models}) < len(self.models):
            raise ValueError("two models have one name")
        strange = [model.name for model in self.models if self.family_of(model.name) is None]
        if strange:
            raise ValueError(f"name the family of {', '.join(strange)} under families")
        if not self.could_decide(model.name for model in self.models):
            raise ValueError("all models together could not meet the agreement rule")
        for expression in self.addresses_reviewer:
            try:
                re.compile(expression)
            except re.error as error:
                raise ValueError(f"addresses_reviewer: {expression!r}: {error}") from error
        return self

    @property
    def digest(self) -> str:
        """Digest of these rules."""
        return digest_of_json(self.model_dump(mode="json"))

    def family_of(self, model: str) -> str | None:
        """The family that a model's name shows; null where it shows none, or several."""
        parts = [part for part in re.split(r"[^a-z0-9]+", model.lower()) if part]
        found = [
            family
            for family, words in self.families.items()
            if any(part.startswith(word) for part in parts for word in words)
        ]
        return found[0] if len(found) == 1 else None

    def could_decide(self, models: Iterable[str]) -> bool:
        """Whether these models, all of one mind, would be enough."""
        names = set(models)
        families = {self.family_of(name) for name in names} - {None}
        rule = self.agreement
        return len(names) >= rule.min_votes and len(families) >= rule.min_families


@dataclass(frozen=True)
class Agreement:
    """What votes come to.

    Attributes:
        verdict: null where they do not agree.
        option: the option an approval names; null where none is offered.
        usable: votes with a verdict, one a model.
        agreeing: how many of them say what most say.
        reason: in words.
    """

    verdict: ReviewVerdict | None
    option: str | None
    usable: int
    agreeing: int
    reason: str

    @property
    def is_split(self) -> bool:
        """Whether enough were heard and they part."""
        return self.verdict is None and 0 < self.agreeing < self.usable


def agreement_of(votes: Iterable[Vote], options: Collection[str], rules: PanelRules) -> Agreement:
    """What ``votes`` come to under the agreement rule.

    Args:
        votes: of one subject; a model that is there twice is heard once.
        options: what an approval may name; none: there is nothing to name.
        rules: the panel's.
    """
    rule = rules.agreement
    usable = {
        vote.model: (vote.verdict, option_of(vote, options))
        for vote in votes
        if vote.verdict is not None
    }
    usable = {
        model: said
        for model, said in usable.items()
        if said[0] is not ReviewVerdict.APPROVE or bool(options) == (said[1] is not None)
    }
    if len(usable) < rule.min_votes:
        reason = f"{len(usable)} usable vote(s) of {rule.min_votes}"
        return Agreement(None, None, len(usable), 0, reason)
    (said, count), *_ = Counter(usable.values()).most_common()
    families = {rules.family_of(model) for model, other in usable.items() if other == said}
    shown = f"{count} of {len(usable)} say {' '.join(str(part) for part in said if part)}"
    if count / len(usable) < rule.min_share:
        return Agreement(None, None, len(usable), count, f"the models part: {shown}")
    if len(families - {None}) < rule.min_families:
        reason = f"{shown}, all of {len(families - {None})} family"
        return Agreement(None, None, len(usable), count, reason)
    return Agreement(*said, len(usable), count, shown)


def option_of(vote: Vote, options: Collection[str]) -> str | None:
    """The option that an approving vote names: its first cite."""
    if vote.verdict is not ReviewVerdict.APPROVE or not vote.cites:
        return None
    return vote.cites[0] if vote.cites[0] in options else None


# ------------------------------------------------------------------- what agreement is worth


@dataclass(frozen=True)
class PanelFigures:
    """How a panel's votes hang together, and with people.

    Attributes:
        subjects: subjects that the panel voted on.
        unanimous: of these, where all usable votes, at least two, said the same.
        votes: asked for.
        usable: of these, with a verdict.
        models: different models heard.
        correlation: mean over pairs of models of the correlation of their votes on the subjects
            both voted on (Matthews' coefficient, for more than two classes where needed); null
            where no pair varies.
        effective_votes: n / (1 + (n - 1) * correlation), with negative correlation counted as
            none (after Kish's design effect): as how many independent ones n models count.
        both: subjects that the panel and a person decided as they are.
        kappa: Cohen's kappa of panel and people on these; null where it is not defined.
        input_tokens: all of them.
        output_tokens: all of them.
        cost_usd: of the votes whose price is known.
        unpriced: votes whose price is not known.
    """

    subjects: int
    unanimous: int
    votes: int
    usable: int
    models: int
    correlation: float | None
    effective_votes: float | None
    both: int
    kappa: float | None
    input_tokens: int
    output_tokens: int
    cost_usd: float
    unpriced: int


def panel_figures(
    judged: Sequence[Sequence[Vote]], both: Sequence[tuple[str, str]] = ()
) -> PanelFigures:
    """Figures of the votes on subjects that were judged together.

    Args:
        judged: the votes on each subject.
        both: what the panel and a person said of a subject, where both did.
    """
    votes = [vote for cast in judged for vote in cast]
    said = [
        {vote.model: _label(vote) for vote in cast if vote.verdict is not None} for cast in judged
    ]
    models = sorted({vote.model for vote in votes if vote.verdict is not None})
    correlation = _mean_correlation(said, models)
    effective = None
    if correlation is not None:
        effective = len(models) / (1 + (len(models) - 1) * max(correlation, 0.0))
    return PanelFigures(
        subjects=len(judged),
        unanimous=sum(len(labels) > 1 and len(set(labels.values())) == 1 for labels in said),
        votes=len(votes),
        usable=sum(vote.verdict is not None for vote in votes),
        models=len(models),
        correlation=correlation,
        effective_votes=effective,
        both=len(both),
        kappa=_kappa(both),
        input_tokens=sum(vote.input_tokens for vote in votes),
        output_tokens=sum(vote.output_tokens for vote in votes),
        cost_usd=round(sum(vote.cost_usd or 0.0 for vote in votes), 8),
        unpriced=sum(vote.cost_usd is None for vote in votes),
    )


def figures_of_decisions(decisions: pa.Table) -> PanelFigures:
    """Figures of the panels' decisions among ``decisions``, and of people's on the same digests.

    Of several judgements of a panel, or of people, on one digest the last is read, also where it
    was superseded: what was said is what is compared. What was refused is not read.
    """
    said: dict[tuple[str, ...], dict[bool, Decision]] = defaultdict(dict)
    for row in decisions.sort_by("ordinal").to_pylist():
        if row["standing"] == REFUSED or row["verdict"] == ReviewVerdict.WITHDRAW:
            continue
        if row["reviewer_kind"] in (ReviewerKind.PANEL, ReviewerKind.PERSON):
            key = (row["gate"], row["subject_kind"], row["subject_key"], row["subject_digest"])
            decision = decision_of_row(row)
            said[key][decision.reviewer_kind is ReviewerKind.PANEL] = decision
    judged = [found[True].votes for found in said.values() if True in found]
    both = [
        (_label_of_decision(found[True]), _label_of_decision(found[False]))
        for found in said.values()
        if len(found) == 2
    ]
    return panel_figures(judged, both)


def decision_of_row(row: Mapping[str, Any]) -> Decision:
    """The decision behind a row of ``Decisions``."""
    return SignedDecision.model_validate_json(row["document"]).decision


def _label(vote: Vote) -> str:
    option = vote.cites[0] if vote.verdict is ReviewVerdict.APPROVE and vote.cites else ""
    return f"{vote.verdict} {option}"


def _label_of_decision(decision: Decision) -> str:
    is_approved = decision.verdict is ReviewVerdict.APPROVE
    return f"{decision.verdict} {decision.evidence[0] if is_approved and decision.evidence else ''}"


def _mean_correlation(said: Sequence[Mapping[str, str]], models: Sequence[str]) -> float | None:
    found = []
    for one, other in combinations(models, 2):
        pairs = [(labels[one], labels[other]) for labels in said if {one, other} <= labels.keys()]
        # Without variation on both sides a correlation is not defined.
        if pairs and all(len({pair[side] for pair in pairs}) > 1 for side in (0, 1)):
            found.append(float(matthews_corrcoef(*zip(*pairs, strict=True))))
    return sum(found) / len(found) if found else None


def _kappa(both: Sequence[tuple[str, str]]) -> float | None:
    if len({label for pair in both for label in pair}) < 2:
        return None
    return float(cohen_kappa_score(*zip(*both, strict=True)))
