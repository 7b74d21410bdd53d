"""Documents that people author about work: families, who AINA is for, and rules on tasks.

Belongs here: their models, and what must hold within one document. Stays out: applying them
(``families``, ``workflows``, ``affordances``).
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from aina_assets.contracts.work import RiskTier, Seniority
from aina_assets.warehouse.authored import AuthoredDocument

RuleId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
SocPrefix = Annotated[str, Field(pattern=r"^\d{2}(-\d{0,4})?$")]
Phrase = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9 &/+.'-]*$")]
"""Words of a casefolded title, in order and whole; the last may be a plural."""
Sentence = Annotated[str, Field(min_length=4)]


class Rule(BaseModel):
    """Base of the parts of a document."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _no_repeats(what: str, names: Iterable[str]) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ValueError(f"{what} more than once: {', '.join(twice)}")


# ------------------------------------------------------------------------------------- families


class TitleWords(Rule):
    """Titles of a family: any of ``phrases``.

    ``over`` names the SOC codes (or what they start with) whose family these titles overrule; for
    titles with another code the SOC decides.
    """

    phrases: tuple[Phrase, ...] = Field(min_length=1)
    over: tuple[SocPrefix, ...] = ()


class FunctionRule(Rule):
    """What a role does within its family: by SOC code, or by words of the title, which go first."""

    function: str = Field(min_length=3)
    soc: tuple[SocPrefix, ...] = ()
    phrases: tuple[Phrase, ...] = ()


class Family(Rule):
    """One role family."""

    id: RuleId
    name: str
    description: Sentence
    is_beta: bool = False
    soc: tuple[SocPrefix, ...] = Field(min_length=1)
    titles: tuple[TitleWords, ...] = ()
    functions: tuple[FunctionRule, ...] = ()


class SeniorityRule(Rule):
    """Titles with any of ``phrases`` stand at ``seniority``; the first rule that holds decides."""

    seniority: Seniority
    phrases: tuple[Phrase, ...] = Field(min_length=1)


class Families(AuthoredDocument, document="families"):
    """The twelve role families: SOC codes, title words and functions of each."""

    families: tuple[Family, ...] = Field(min_length=12, max_length=12)
    seniority: tuple[SeniorityRule, ...]
    seniority_of_job_zone: dict[int, Seniority]

    @model_validator(mode="after")
    def _decides(self) -> Self:
        _no_repeats("family", (family.id for family in self.families))
        # Of two equal prefixes none is longer: which family a code is of would be left to chance.
        _no_repeats("SOC rule", (code for family in self.families for code in family.soc))
        for family in self.families:
            codes = [code for rule in family.functions for code in rule.soc]
            _no_repeats(f"{family.id}: SOC rule of a function", codes)
        if sorted(self.seniority_of_job_zone) != [1, 2, 3, 4, 5]:
            raise ValueError("seniority_of_job_zone: job zones 1 to 5, each once")
        return self


# -------------------------------------------------------------------------- who the product is for


class MajorGroup(Rule):
    """A SOC major group, in or out."""

    code: Annotated[str, Field(pattern=r"^\d{2}$")]
    reason: RuleId
    why: Sentence


class OccupationException(Rule):
    """SOC codes (or what they start with) that differ from their major group."""

    code: SocPrefix
    is_in: bool = Field(alias="in")
    reason: RuleId
    why: Sentence


class IcpOccupations(Rule):
    """Which occupations are in the ICP: the longest code a SOC code starts with decides."""

    major_groups_in: tuple[MajorGroup, ...]
    major_groups_out: tuple[MajorGroup, ...]
    exceptions: tuple[OccupationException, ...] = ()

    @model_validator(mode="after")
    def _decides(self) -> Self:
        groups = [*self.major_groups_in, *self.major_groups_out]
        codes = [*(group.code for group in groups), *(item.code for item in self.exceptions)]
        _no_repeats("code", codes)
        return self


class IcpTitle(Rule):
    """Titles that name no job of the ICP: whole titles, words in them, or a regular expression."""

    id: RuleId
    kind: Literal["whole", "contains", "regex"]
    values: tuple[str, ...] = Field(min_length=1)
    reason: str = Field(min_length=3)
    unless: tuple[str, ...] = ()


class Icp(AuthoredDocument, document="icp"):
    """Who AINA is for: occupations in and out with the reason, and titles that are no such job."""

    occupations: IcpOccupations
    titles: tuple[IcpTitle, ...] = ()

    @model_validator(mode="after")
    def _decides(self) -> Self:
        _no_repeats("title rule", (rule.id for rule in self.titles))
        return self


# ------------------------------------------------------------------------------------ rules on work


class TaskRule(Rule):
    """A rule on tasks.

    It fires on a task of which one of ``words`` (regular expressions, whole words, any case) holds,
    and, where ``soc`` is given, whose occupation's code starts so. Without ``words`` every task of
    those occupations fires it.
    """

    id: RuleId
    words: tuple[str, ...] = ()
    soc: tuple[SocPrefix, ...] = ()

    @model_validator(mode="after")
    def _fires(self) -> Self:
        if not self.words and not self.soc:
            raise ValueError(f"{self.id}: neither words nor SOC codes")
        return self


class TextRule(TaskRule):
    """What a task says about its workflow: a deliverable, a pain point."""

    text: Sentence


class Capability(TaskRule):
    """Something AI can help with, granted only for tasks with evidence."""

    grant: Sentence
    tool_pattern: Sentence
    failure_mode: Sentence


class RiskRule(TaskRule):
    """A kind of harm, and what keeps it away."""

    tier: RiskTier
    block: Sentence
    human_owned: Sentence
    checkpoint: Sentence
    failure_mode: Sentence


class Ranking(Rule):
    """Weights of the parts of a workflow's score; a part a role has no evidence for drops out."""

    importance: float = Field(ge=0)
    frequency: float = Field(ge=0)
    usage: float = Field(ge=0)
    size: float = Field(ge=0)


class Always(Rule):
    """What holds for every workflow, each sentence a rule of its own."""

    own_result: Sentence
    review_before_use: Sentence
    unsupported_facts: Sentence
    used_as_is: Sentence
    measures_disagree: Sentence
    used_in_practice: Sentence
    rated_helpful: Sentence
    unchecked_facts: Sentence
    not_rated_helpful: Sentence
    unproven: Sentence


class WorkRules(AuthoredDocument, document="work_rules"):
    """Rules on tasks: deliverables, pain points, accountability, what AI can do, and risks."""

    ranking: Ranking
    times_a_year: dict[int, float]
    disagreement_rank_spread: float = Field(gt=0, le=100)
    gdpval_shared_words: int = Field(ge=1)
    risk_task_share: float = Field(gt=0, le=1)
    always: Always
    deliverables: tuple[TextRule, ...]
    pain_points: tuple[TextRule, ...]
    accountability: tuple[TextRule, ...]
    capabilities: tuple[Capability, ...]
    risks: tuple[RiskRule, ...]
    replacement_wording: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _decides(self) -> Self:
        rules: list[TaskRule] = [
            *self.deliverables,
            *self.pain_points,
            *self.accountability,
            *self.capabilities,
            *self.risks,
        ]
        _no_repeats("rule", [*(rule.id for rule in rules), *Always.model_fields])
        if sorted(self.times_a_year) != [1, 2, 3, 4, 5, 6, 7]:
            raise ValueError("times_a_year: frequency categories 1 to 7, each once")
        return self


@functools.cache
def _pattern(text: bytes) -> str:  # noqa: ARG001 - the document's bytes are what it depends on
    return "|".join(f"(?:{item})" for item in WorkRules.load().replacement_wording)


def replacement_pattern() -> str:
    """One regular expression of the wording that no claim may have, as authored now.

    Raises:
        AuthoredDocumentError: the document is not there or malformed.
    """
    return _pattern(WorkRules.path().read_bytes())
