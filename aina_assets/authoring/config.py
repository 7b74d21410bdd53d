"""What the authoring pipeline is set to do: rubrics, rules, prompts, contracts and lanes.

Belongs here: the models of the files below ``data/authoring`` and reading them, with errors that
name file, line and fix. Stays out: whether the files fit each other (``check``), putting a prompt
together (``wording``).

::

    data/authoring/
        rubrics/<name>.yaml          criteria, gates, pitfalls, or rules of a guide
        domain_rules/<name>.md|json  rules for the skills named as their consumers
        prompts/<name>.md            what a skill is told, for each of its lanes
        shared/<name>.md             texts that several prompts share
        field_contracts.yaml         what each skill produces and who reads it
        lanes.yaml                   the steps of each lane, in order
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import AfterValidator, Field, model_validator

from aina_assets.authoring.yaml_files import Lines, fault, fields_of, text_of, valid
from aina_assets.contracts.errors import AuthoredDocumentError
from aina_assets.contracts.work import Contract, Text

RUBRICS = "rubrics"
DOMAIN_RULES = "domain_rules"
PROMPTS = "prompts"
SHARED = "shared"
CONTRACTS = "field_contracts.yaml"
LANES = "lanes.yaml"

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
RubricName = Annotated[str, Field(pattern=r"^[a-z][A-Za-z0-9_]*$")]
Word = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Names = tuple[Name, ...]
Points = Annotated[int, Field(ge=0)]
Scope = Literal["module", "applet", "shared", "guide"]
FieldType = Literal["string", "integer", "boolean", "object", "array"]
StepKind = Literal["lms", "preflight", "skill", "tool", "operation", "gate", "render"]


# ---------------------------------------------------------------------------------------- rubrics


class Band(Contract):
    """From which total on a verdict is given."""

    min: Points
    verdict: Name


class Level(Contract):
    """A level of a criterion: its points, and when it is reached."""

    points: Points
    when: Text


class Criterion(Contract):
    """One criterion of a rubric.

    Attributes:
        levels: highest first; the last is worth nothing.
        evidence: fields of the content in which to look.
        applicable_to: content types or applet types it holds for; ``all``: every one.
        vision: judged on pictures, where there are any.
    """

    id: Annotated[str, Field(pattern=r"^[A-Z][0-9]+$")]
    title: Text
    points: Points
    looks_for: Text
    levels: Annotated[tuple[Level, ...], Field(min_length=2)]
    evidence: Annotated[Names, Field(min_length=1)]
    applicable_to: Literal["all"] | Names
    vision: bool

    def applies_to(self, content_type: str) -> bool:
        """Whether it holds for content of that type."""
        return self.applicable_to == "all" or content_type in self.applicable_to


class RubricFile(Contract):
    """What every file of ``rubrics`` has.

    Attributes:
        text: the file as written, which is what a prompt quotes.
    """

    name: RubricName
    scope: Scope
    title: Text
    text: Text

    @property
    def entries(self) -> tuple[Any, ...]:
        """What it lists."""
        raise NotImplementedError


class Rubric(RubricFile):
    """Scoring criteria of one domain."""

    domain: Annotated[str, Field(pattern=r"^[A-Z]$")]
    points: Points
    verdicts: Annotated[tuple[Band, ...], Field(min_length=1)]
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1)]

    @property
    def entries(self) -> tuple[Criterion, ...]:
        """Its criteria."""
        return self.criteria


class GateQuestion(Contract):
    """A question of a gate set: passed or failed, not scored."""

    id: Name
    title: Text
    must: Text
    fails_when: Text
    severity: Literal["blocking", "advisory"]
    evidence: Annotated[Names, Field(min_length=1)]


class GateSet(RubricFile):
    """Questions that content passes or fails."""

    purpose: Text
    gates: Annotated[tuple[GateQuestion, ...], Field(min_length=1)]

    @property
    def entries(self) -> tuple[GateQuestion, ...]:
        """Its questions."""
        return self.gates


class Pitfall(Contract):
    """A named defect.

    Attributes:
        suspended_by: slide roles or screen stages on which it is no defect.
        check: how it can be told from the plan alone.
    """

    id: Name
    title: Text
    pattern: Text
    why_it_harms: Text
    fix: Text
    severity: Literal["major", "minor"]
    suspended_by: Names
    applies_to: Annotated[tuple[Literal["module", "applet"], ...], Field(min_length=1)]
    check: Text


class Pitfalls(RubricFile):
    """Named defects, looked for apart from all scores."""

    purpose: Text
    roles: Text
    pitfalls: Annotated[tuple[Pitfall, ...], Field(min_length=1)]

    @property
    def entries(self) -> tuple[Pitfall, ...]:
        """Its pitfalls."""
        return self.pitfalls


class GuideRule(Contract):
    """A rule of a guide, with a case on either side of it."""

    id: Name
    rule: Text
    because: Text
    example: Text
    counter_example: Text


class Verbs(Contract):
    """Verbs that an objective may have, by what they demand, and those it may not."""

    allowed: Mapping[Name, Annotated[Names, Field(min_length=1)]]
    refused: tuple[Text, ...]


class Guide(RubricFile):
    """Rules that say how something is done here."""

    purpose: Text
    verbs: Verbs | None = None
    rules: Annotated[tuple[GuideRule, ...], Field(min_length=1)]

    @property
    def entries(self) -> tuple[GuideRule, ...]:
        """Its rules."""
        return self.rules


AnyRubric = Rubric | GateSet | Pitfalls | Guide
_RUBRIC_KINDS: Mapping[str, type[RubricFile]] = {
    "criteria": Rubric,
    "gates": GateSet,
    "pitfalls": Pitfalls,
    "rules": Guide,
}


# ----------------------------------------------------------------------------------- domain rules


class Resolution(Contract):
    """Who takes the place of a consumer that a rule was first written for."""

    model_config = Contract.model_config | {"populate_by_name": True}
    reads: Literal["text", "emitted fields"]
    by: Annotated[Name, Field(alias="as")]


class DomainRule(Contract):
    """A rule of the domain, told to the skills that are its consumers.

    Attributes:
        tier: A holds for many skills, B for few.
        consumers: skills whose prompts carry it.
        declared_consumers: consumers by the names it was written for; each has a ``resolution``.
        text: what a prompt carries.
        protocol: of a rule in JSON, what it says.
    """

    name: Name
    tier: Literal["A", "B"]
    format: Literal["md", "json"]
    description: Text
    consumers: Names
    source_template: Name | None = None
    declared_consumers: tuple[Text, ...] = ()
    resolution: Mapping[str, Resolution] = {}
    text: Text
    protocol: Mapping[str, Any] | None = None


# ---------------------------------------------------------------------------------------- prompts


class Template(Contract):
    """A prompt: what a skill is told.

    What it reads, produces and quotes may differ by lane; where the file gives one value, it is
    that of every lane.

    Attributes:
        skills: by lane, the skill it speaks for where that is not called as the prompt is.
        operations: what a reviewer may ask for that is told by it.
        variables: names that stand in double braces in the body.
        rubrics: by lane, rubrics that ``rubric_section`` quotes.
        reads: by lane, contracts and artefacts of its input.
        produces: by lane, the contract or artefact of its answer.
    """

    name: Name
    lanes: Annotated[Names, Field(min_length=1)]
    skills: Mapping[Name, Name] = {}
    operations: Names = ()
    variables: Annotated[Names, Field(min_length=1)]
    rubrics: Mapping[Name, tuple[RubricName, ...]] = {}
    reads: Mapping[Name, Names]
    produces: Mapping[Name, Name]
    body: Text

    @model_validator(mode="before")
    @classmethod
    def _for_every_lane(cls, said: Any) -> Any:
        if not isinstance(said, dict):
            return said
        lanes = said.get("lanes")
        spread = dict(said)
        for part in ("rubrics", "reads", "produces"):
            value = spread.get(part)
            if value is not None and not isinstance(value, dict) and isinstance(lanes, list):
                spread[part] = dict.fromkeys(lanes, value)
        rubrics = spread.get("rubrics")
        if isinstance(rubrics, dict):
            spread["rubrics"] = {
                lane: [one] if isinstance(one, str) else one for lane, one in rubrics.items()
            }
        return spread

    def skill(self, lane: str) -> str:
        """The skill it speaks for in ``lane``."""
        return self.skills.get(lane, self.name)

    @property
    def title(self) -> str:
        """Its first heading."""
        found = re.search(r"^# (.+)$", self.body, re.MULTILINE)
        return found[1] if found else self.name

    @property
    def placeholders(self) -> list[str]:
        """What stands in double braces in the body, in order."""
        return PLACEHOLDER.findall(self.body)


PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")


# -------------------------------------------------------------------------------------- contracts

_SHAPE = re.compile(
    r"^(string|integer|boolean|object|array|array of \{\w+(, \w+)*\}|one of (?P<enum>\w+)"
    r"|\w+( \| \w+)+)( or null| or absent)?$"
)


def _shape(said: str) -> str:
    if not _SHAPE.match(said):
        raise ValueError(
            f"{said!r} is no shape: string, integer, boolean, object, array, array of {{keys}},"
            " one of <enum> or this | that, with `or null` or `or absent` after it"
        )
    return said


Shape = Annotated[str, AfterValidator(_shape)]
"""What one key of an object holds, in the words that ``field_contracts.yaml`` begins with."""


class ContractField(Contract):
    """A field of a contract.

    Attributes:
        level: ``slide`` or ``screen``: it stands in every entry of ``slides`` or ``screens``.
        set_by: ``code``: a deterministic step writes it after the skill's answer.
        one_of: the enum its value is from.
        shape: keys of an object, or of each entry of an array.
    """

    name: Name
    type: FieldType
    required: bool
    note: Text
    level: Literal["slide", "screen"] | None = None
    set_by: Literal["code"] | None = None
    one_of: Name | None = None
    shape: Mapping[Name, Shape] = {}

    @property
    def enums(self) -> list[str]:
        """Enums that its value, or a key of its shape, is from."""
        found = [_SHAPE.match(one) for one in self.shape.values()]
        named = [self.one_of, *(one["enum"] for one in found if one)]
        return [name for name in named if name is not None]


class EntryPoint(Contract):
    """When a sink is called, by whom, with which field of which contract, and what it writes."""

    name: Name
    when: Text
    called_by: Name
    reads: Name
    field: Name
    writes: Text


class FieldContract(Contract):
    """What passes between steps under one name.

    Attributes:
        kind: a ``sink`` only takes.
        polymorphic_on: the field that says of which contract the rest is.
        identity_fields: of a sink, what is never changed.
    """

    name: Name
    kind: Literal["contract", "sink"] = "contract"
    note: Text
    producers: Names
    consumed_by: Names
    fields: tuple[ContractField, ...]
    polymorphic_on: Name | None = None
    identity_fields: Names = ()
    entry_points: tuple[EntryPoint, ...] = ()

    @property
    def of_skills(self) -> tuple[ContractField, ...]:
        """Fields that a skill's answer must or may have: those that no code sets."""
        return tuple(field for field in self.fields if field.set_by is None)


class Artefact(Contract):
    """What steps read or make besides contracts.

    Attributes:
        is_optional: it may be absent from the input.
        part_of: the contract that it is a part of, with ``fields`` of it and ``own`` ones.
    """

    source: Text | None = None
    note: str = ""
    is_optional: bool = False
    part_of: Name | None = None
    fields: Names = ()
    own: Names = ()

    @model_validator(mode="after")
    def _comes_from_somewhere(self) -> Self:
        if (self.source is None) == (self.part_of is None):
            raise ValueError("an artefact has a source, or is part_of a contract")
        return self


class Operation(Contract):
    """What a reviewer may ask for beside a plain rework, and the prompt that tells it."""

    prompt: Name | None
    note: Text


class Variable(Contract):
    """What fills a variable of a prompt."""

    source: Text


class FieldContracts(Contract):
    """``field_contracts.yaml``."""

    enums: Mapping[Name, Annotated[tuple[Word, ...], Field(min_length=1)]]
    operations: Mapping[Name, Operation]
    artefacts: Mapping[Name, Artefact]
    variables: Mapping[Name, Variable]
    contracts: Annotated[tuple[FieldContract, ...], Field(min_length=1)]


# ------------------------------------------------------------------------------------------ lanes


class Step(Contract):
    """A step of a lane.

    Attributes:
        producer: of a gate, the skill or prompt that is run again on rework.
        reads: what it takes; a skill's is in its prompt.
        rubrics: rubrics that code follows there.
    """

    step: Name
    kind: StepKind
    producer: Name | None = None
    reads: Names = ()
    makes: Names = ()
    rubrics: tuple[RubricName, ...] = ()

    @property
    def is_code(self) -> bool:
        """Whether neither a model nor a person is at work there."""
        return self.kind in ("lms", "preflight", "tool", "render")


class Lane(Contract):
    """The steps that one chapter, module or applet goes through."""

    lane: Name
    title: Text
    unit: Literal["chapter", "module", "applet"]
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]


class Bridge(Contract):
    """What one lane hands to another."""

    source: Name
    target: Name
    carries: Annotated[Names, Field(min_length=1)]


class Lanes(Contract):
    """``lanes.yaml``; ``steps`` says what each step of code does."""

    steps: Mapping[Name, Text]
    lanes: Annotated[tuple[Lane, ...], Field(min_length=1)]
    bridges: tuple[Bridge, ...]


# -------------------------------------------------------------------------------------- the whole


class Configuration(Contract):
    """Everything below ``data/authoring``.

    Attributes:
        shared: texts that prompts share, by name.
    """

    rubrics: tuple[AnyRubric, ...]
    rules: tuple[DomainRule, ...]
    templates: tuple[Template, ...]
    shared: Mapping[str, str]
    field_contracts: FieldContracts
    flow: Lanes

    @cached_property
    def rubric_by_name(self) -> dict[str, AnyRubric]:
        """Rubrics, gate sets, pitfalls and guides by name."""
        return {one.name: one for one in self.rubrics}

    @cached_property
    def rule_by_name(self) -> dict[str, DomainRule]:
        """Domain rules by name."""
        return {one.name: one for one in self.rules}

    @cached_property
    def template_by_name(self) -> dict[str, Template]:
        """Prompts by name."""
        return {one.name: one for one in self.templates}

    @cached_property
    def contract_by_name(self) -> dict[str, FieldContract]:
        """Contracts by name."""
        return {one.name: one for one in self.field_contracts.contracts}

    @cached_property
    def lane_by_name(self) -> dict[str, Lane]:
        """Lanes by name."""
        return {one.lane: one for one in self.flow.lanes}

    @property
    def artefacts(self) -> Mapping[str, Artefact]:
        """Artefacts by name."""
        return self.field_contracts.artefacts

    @property
    def enums(self) -> Mapping[str, tuple[str, ...]]:
        """Words of each enum by its name."""
        return self.field_contracts.enums

    @cached_property
    def template_by_skill(self) -> dict[tuple[str, str], tuple[Template, ...]]:
        """Prompts that speak for a skill, by lane and skill: a skill may render several."""
        found: dict[tuple[str, str], tuple[Template, ...]] = {}
        for one in self.templates:
            for lane in one.lanes:
                place = (lane, one.skill(lane))
                found[place] = (*found.get(place, ()), one)
        return found

    @cached_property
    def skills(self) -> frozenset[str]:
        """Every skill by name."""
        return frozenset(skill for _, skill in self.template_by_skill)

    def rules_for(self, skill: str) -> tuple[DomainRule, ...]:
        """Rules that the prompts of ``skill`` carry: tier A first, then by name."""
        found = [rule for rule in self.rules if skill in rule.consumers]
        return tuple(sorted(found, key=lambda rule: (rule.tier, rule.name)))

    def rubrics_for(
        self, template: str, lane: str, *, domain_code: str | None = None
    ) -> tuple[AnyRubric, ...]:
        """Rubrics that a prompt quotes in ``lane``; of scoring rubrics, those of one domain."""
        named = self.template_by_name[template].rubrics.get(lane, ())
        found = [self.rubric_by_name[name] for name in named]
        return tuple(
            one
            for one in found
            if domain_code is None or not isinstance(one, Rubric) or one.domain == domain_code
        )

    def contract_of(self, produced: str) -> FieldContract | None:
        """The contract of that name, or that the artefact of that name is a part of."""
        artefact = self.artefacts.get(produced)
        return self.contract_by_name.get((artefact.part_of if artefact else None) or produced)

    def reads(self, lane: str, step: Step) -> tuple[str, ...]:
        """Contracts and artefacts that ``step`` takes in ``lane``."""
        template = self.template_by_name.get(step.step) if step.kind == "skill" else None
        return template.reads.get(lane, ()) if template else step.reads

    def makes(self, lane: str, step: Step) -> tuple[str, ...]:
        """Contracts and artefacts that ``step`` makes in ``lane``."""
        template = self.template_by_name.get(step.step) if step.kind == "skill" else None
        if template is None:
            return step.makes
        return (template.produces[lane],) if lane in template.produces else ()


# ---------------------------------------------------------------------------------------- reading


def read(folder: Path) -> dict[str, Any]:
    """The fields of ``Configuration`` as the files of ``folder`` give them.

    Raises:
        AuthoredDocumentError: a file is not as it must be. Every such file is named, with the line
            of each fault.
    """
    faults: list[AuthoredDocumentError] = []
    read: dict[str, Any] = {
        "rubrics": _each(folder / RUBRICS, {".yaml": _rubric}, faults),
        "rules": _each(folder / DOMAIN_RULES, {".md": _rule_md, ".json": _rule_json}, faults),
        "templates": _each(folder / PROMPTS, {".md": _template}, faults),
        "shared": dict(_each(folder / SHARED, {".md": _shared}, faults)),
    }
    for name, part, model in (
        ("field_contracts", CONTRACTS, FieldContracts),
        ("flow", LANES, Lanes),
    ):
        try:
            read[name] = valid(model, *fields_of(folder / part, text_of(folder / part)))
        except AuthoredDocumentError as error:
            faults.append(error)
    if faults:
        first = faults[0]
        raise AuthoredDocumentError(
            expected=first.expected,
            found="; ".join(f"{fault.where}: {fault.found}" for fault in faults),
            where=first.where,
            remedy=first.remedy,
        )
    return read


_Read = TypeVar("_Read")


def _each(
    folder: Path, readers: Mapping[str, Any], faults: list[AuthoredDocumentError]
) -> list[Any]:
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_dir() or path.name.startswith("."):
            continue
        try:
            if path.parent != folder or path.suffix not in readers:
                kinds = " or ".join(readers)
                raise fault(path, 1, path.name, f"nothing in {folder.name} but {kinds} files")
            found.append(readers[path.suffix](path))
        except AuthoredDocumentError as error:
            faults.append(error)
    if not found and not faults:
        faults.append(fault(folder, 1, "nothing", "at least one file"))
    return found


def _rubric(path: Path) -> RubricFile:
    text = text_of(path)
    lines, said = fields_of(path, text)
    kinds = [kind for key, kind in _RUBRIC_KINDS.items() if key in said]
    if len(kinds) != 1:
        raise fault(path, 1, ", ".join(map(str, said)), f"one of {', '.join(_RUBRIC_KINDS)}")
    return _named(path, lines, valid(kinds[0], lines, said, text=text.strip()))


def _rule_md(path: Path) -> DomainRule:
    lines, said, body = _front_matter(path)
    return _named(path, lines, valid(DomainRule, lines, said, text=body))


def _rule_json(path: Path) -> DomainRule:
    text = text_of(path)
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise fault(path, error.lineno, error.msg, "JSON") from error
    lines, said = fields_of(path, text)
    if set(said) != {"_meta", "protocol"} or not all(
        isinstance(one, dict) for one in said.values()
    ):
        raise fault(path, 1, ", ".join(map(str, said)), "two objects, _meta and protocol")
    protocol = said["protocol"]
    told = yaml.dump(
        protocol, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120
    ).strip()
    title = f"# {path.stem.replace('_', ' ').capitalize()}"
    rule = valid(
        DomainRule,
        lines.below("_meta"),
        said["_meta"],
        text=f"{title}\n\n{said['_meta'].get('description', '')}\n\n```yaml\n{told}\n```",
        protocol=protocol,
    )
    return _named(path, lines.below("_meta"), rule)


def _template(path: Path) -> Template:
    lines, said, body = _front_matter(path)
    return _named(path, lines, valid(Template, lines, said, body=body))


def _shared(path: Path) -> tuple[str, str]:
    _, said, body = _front_matter(path)
    if set(said) != {"name", "note"} or said["name"] != path.stem or not body:
        raise fault(path, 1, ", ".join(map(str, said)), f"name {path.stem}, a note and a text")
    return path.stem, body


_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def _front_matter(path: Path) -> tuple[Lines, dict[str, Any], str]:
    parts = re.match(r"---\n(.*?\n)---\n(.*)\Z", text_of(path), re.DOTALL)
    if parts is None:
        raise fault(path, 1, "none", "front matter between two lines ---, then the text")
    return *fields_of(path, parts[1], before=1), parts[2].strip()


_Named = TypeVar("_Named", RubricFile, DomainRule, Template)


def _named(path: Path, lines: Lines, found: _Named) -> _Named:
    """``found``, if it is called as its file is."""
    if found.name != path.stem:
        raise fault(
            path, lines.of(("name",)), f"name: {found.name}", f"the file's name, {path.stem}"
        )
    return found
