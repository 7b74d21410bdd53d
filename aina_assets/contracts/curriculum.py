"""Contracts of the curriculum: modules as their authors write them.

Belongs here: the shape of a module, its lesson, exercise and rubric, and what a rubric can check by
itself. Stays out: reading the files (``curriculum``), applying a rubric (``practice``).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from aina_assets.contracts.work import Contract, Text

ModuleId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
LocalId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Positive = Annotated[int, Field(ge=1)]

LESSON_PARTS = ("explain", "worked_example", "guided_try", "reflection", "exercise")
"""Headings of a module's text, in order; ``Worked example`` is ``worked_example``."""


class CapabilityLevel(Contract):
    """A step of the ladder.

    Attributes:
        level: 1 is the first.
        evidence: what a learner shows who stands on it.
    """

    level: Positive
    id: LocalId
    name: Text
    description: Text
    evidence: Text


class SectionCheck(Contract):
    """The submission has a heading, and so many words below it."""

    kind: Literal["section"]
    section: Text
    min_words: Positive = 1


class ItemsCheck(Contract):
    """A section lists so many items, one a line."""

    kind: Literal["items"]
    section: Text
    min_items: Positive


class TableCheck(Contract):
    """A section holds a table with these columns and so many rows below the head."""

    kind: Literal["table"]
    section: Text
    columns: Annotated[tuple[Text, ...], Field(min_length=1)]
    min_rows: Positive


class FiguresCheck(Contract):
    """A section names so many figures: numbers, amounts, shares, dates."""

    kind: Literal["figures"]
    section: Text
    min_count: Positive


class ReferencesCheck(Contract):
    """A section names so many sources: a link, or a file or record in backticks."""

    kind: Literal["references"]
    section: Text
    min_count: Positive


class TermsCheck(Contract):
    """A section uses so many of these words or phrases, in any case."""

    kind: Literal["terms"]
    section: Text
    any_of: Annotated[tuple[Text, ...], Field(min_length=1)]
    min_count: Positive = 1


Check = Annotated[
    SectionCheck | ItemsCheck | TableCheck | FiguresCheck | ReferencesCheck | TermsCheck,
    Field(discriminator="kind"),
]


class Criterion(Contract):
    """One line of a rubric.

    Attributes:
        points: given in full when every check holds, in part when some do.
        observable: what a reader looks for, so that two readers agree.
        checks: the floor that needs no reader.
    """

    id: LocalId
    points: Positive
    observable: Annotated[str, Field(min_length=25)]
    checks: Annotated[tuple[Check, ...], Field(min_length=1)]


class PassGate(Contract):
    """Criteria that must be met in full, whatever the sum of points."""

    id: LocalId
    text: Text
    criteria: Annotated[tuple[LocalId, ...], Field(min_length=1)]


class FailCondition(Contract):
    """Fails a submission, whatever its points, unless one of the checks holds."""

    id: LocalId
    text: Text
    unless: Annotated[tuple[Check, ...], Field(min_length=1)]


class UnsafeCondition(Contract):
    """Stops a submission: it must not be graded on, or shown to anyone.

    Attributes:
        detectors: kinds of sensitive text, by the names of ``data/practice_rules.yaml``.
        terms: phrases that are unsafe in this exercise.
    """

    id: LocalId
    text: Text
    detectors: tuple[LocalId, ...] = ()
    terms: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> UnsafeCondition:
        if not self.detectors and not self.terms:
            raise ValueError("name at least one detector or term")
        return self


class HitlCheckpoint(Contract):
    """Where a person decides.

    Attributes:
        when: the moment.
        who: the role of the person, never a name.
        decides: what.
    """

    when: Text
    who: Text
    decides: Text


class Applies(Contract):
    """Which workflows of its family a module is for.

    Attributes:
        is_general: all of them.
        words: or those whose title or deliverables have one of these words.
    """

    is_general: bool = False
    words: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Applies:
        if self.is_general == bool(self.words):
            raise ValueError("either is_general: true, or words")
        return self


class Lesson(Contract):
    """What is read, in Markdown."""

    explain: Text
    worked_example: Text
    guided_try: Text
    reflection: Text


class Exercise(Contract):
    """What is done, on the learner's own work.

    Attributes:
        text: the task, in Markdown.
        deliverable: what is handed in.
        sections: headings that it has.
    """

    text: Text
    deliverable: Text
    sections: Annotated[tuple[Text, ...], Field(min_length=2)]


class Rubric(Contract):
    """How an exercise is graded.

    Attributes:
        points_to_pass: of the sum of all criteria.
    """

    criteria: Annotated[tuple[Criterion, ...], Field(min_length=4)]
    points_to_pass: Positive
    pass_gates: Annotated[tuple[PassGate, ...], Field(min_length=1)]
    fail_conditions: Annotated[tuple[FailCondition, ...], Field(min_length=1)]
    unsafe_conditions: Annotated[tuple[UnsafeCondition, ...], Field(min_length=1)]

    @property
    def points(self) -> int:
        """The sum of all criteria."""
        return sum(criterion.points for criterion in self.criteria)

    @model_validator(mode="after")
    def _is_consistent(self) -> Rubric:
        ids = [criterion.id for criterion in self.criteria]
        for name in {name for name in ids if ids.count(name) > 1}:
            raise ValueError(f"criterion {name!r} occurs twice; give each its own id")
        for gate in self.pass_gates:
            for name in gate.criteria:
                if name not in ids:
                    raise ValueError(f"pass gate {gate.id!r} names {name!r}, no criterion")
        if not self.points / 2 <= self.points_to_pass < self.points:
            raise ValueError(
                f"points_to_pass is {self.points_to_pass} of {self.points}: at least half, not all"
            )
        return self


class GdpvalFit(Contract):
    """Where a GDPval task can enrich a module.

    Attributes:
        occupations: occupations as GDPval names them; none, with the reason why.
        rationale: why they fit, or why none does.
    """

    occupations: tuple[Text, ...] = ()
    rationale: Text


class CurriculumModule(Contract):
    """A module: one step of capability, taught and proven on the learner's own work.

    Attributes:
        level: of the ladder.
        outcome: what the learner can do afterwards.
        minutes: of a learner's time, lesson and exercise together.
        requires: modules to be mastered before.
        sources: sources of the ledger that it stands on.
    """

    id: ModuleId
    family: LocalId
    level: Positive
    title: Text
    outcome: Annotated[str, Field(min_length=40)]
    minutes: Annotated[int, Field(ge=10, le=240)]
    requires: tuple[ModuleId, ...] = ()
    applies_to: Applies
    sources: Annotated[tuple[LocalId, ...], Field(min_length=1)]
    gdpval: GdpvalFit
    hitl_checkpoints: Annotated[tuple[HitlCheckpoint, ...], Field(min_length=1)]
    lesson: Lesson
    exercise: Exercise
    rubric: Rubric

    @model_validator(mode="after")
    def _checks_stay_in_the_deliverable(self) -> CurriculumModule:
        asked = {section.casefold() for section in self.exercise.sections}
        checks = [
            *(check for criterion in self.rubric.criteria for check in criterion.checks),
            *(check for condition in self.rubric.fail_conditions for check in condition.unless),
        ]
        for check in checks:
            if check.section.casefold() not in asked:
                raise ValueError(
                    f"a check looks at section {check.section!r}, which the exercise does not ask"
                    f" for; it asks for: {', '.join(self.exercise.sections)}"
                )
        return self
