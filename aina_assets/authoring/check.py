"""Whether the files of ``data/authoring`` fit each other: the whole wiring, fault by fault.

Belongs here: pure rules over a ``Configuration``; each fault has the name of its rule and of what
it is about. Stays out: whether one file is as its model says (``config``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from aina_assets.authoring import wording
from aina_assets.authoring.config import (
    CONTRACTS,
    DOMAIN_RULES,
    LANES,
    PROMPTS,
    RUBRICS,
    Configuration,
    FieldContract,
    GateSet,
    Pitfalls,
    Rubric,
    Step,
    Template,
)
from aina_assets.review.policy import ReviewGates

_TYPE_ENUM = {"module": "content_type", "applet": "applet_type"}
"""Enum of what a criterion of each scope may be limited to."""
_ROLE_ENUMS = ("slide_role", "ias_stage")
"""Enums of what may suspend a pitfall."""
_LEVELS = {"slide": "slides", "screen": "screens"}
"""The field whose entries carry the fields of each level."""


@dataclass(frozen=True)
class Fault:
    """Something that does not fit.

    Attributes:
        rule: the rule that is broken.
        name: what it is about.
        file: where that stands, below ``data/authoring``.
        said: what is wrong with it.
    """

    rule: str
    name: str
    file: str
    said: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.name} ({self.file}): {self.said}"


def faults_of(config: Configuration) -> list[Fault]:
    """Every fault of the configuration, in order of the rules."""
    return [fault for rule in _RULES for fault in rule(config)]


def faults_of_gates(config: Configuration, review_gates: ReviewGates) -> list[Fault]:
    """Gates of the lanes that nobody can decide at."""
    return [
        Fault("gate_exists", step.step, LANES, "is no gate of data/review_gates.yaml")
        for _, step in _steps(config)
        if step.kind == "gate" and step.step not in review_gates.by_id
    ]


# ---------------------------------------------------------------------------------------- rubrics


def _names(config: Configuration) -> Iterator[Fault]:
    yield from _twice((one.name for one in config.rubrics), "rubric", RUBRICS)
    yield from _twice((one.name for one in config.rules), "domain rule", DOMAIN_RULES)
    yield from _twice((one.name for one in config.templates), "prompt", PROMPTS)
    yield from _twice((one.name for one in config.field_contracts.contracts), "contract", CONTRACTS)
    yield from _twice((one.lane for one in config.flow.lanes), "lane", LANES)
    for rubric in config.rubrics:
        yield from _twice((one.id for one in rubric.entries), rubric.name, _file(rubric.name))
    for contract in config.field_contracts.contracts:
        yield from _twice((one.name for one in contract.fields), contract.name, CONTRACTS)
    for name, words in config.enums.items():
        yield from _twice(words, name, CONTRACTS)


def _twice(names: Iterable[str], of: str, file: str) -> Iterator[Fault]:
    for name, count in Counter(names).items():
        if count > 1:
            yield Fault("unique", of, file, f"{name} stands {count} times")


def _points(config: Configuration) -> Iterator[Fault]:
    for rubric in config.rubrics:
        if not isinstance(rubric, Rubric):
            continue
        file = _file(rubric.name)
        total = sum(one.points for one in rubric.criteria)
        if total != rubric.points:
            said = f"criteria are worth {total} points, the rubric {rubric.points}"
            yield Fault("points", rubric.name, file, said)
        for one in rubric.criteria:
            steps = [level.points for level in one.levels]
            if (
                steps[0] != one.points
                or steps[-1] != 0
                or steps != sorted(set(steps), reverse=True)
            ):
                said = f"levels of {one.id} go {steps}, not from {one.points} down to 0"
                yield Fault("points", rubric.name, file, said)
        bands = [band.min for band in rubric.verdicts]
        if bands[-1] != 0 or bands[0] > rubric.points or bands != sorted(set(bands), reverse=True):
            said = f"verdicts begin at {bands}, not from at most {rubric.points} down to 0"
            yield Fault("points", rubric.name, file, said)


def _evidence(config: Configuration) -> Iterator[Fault]:
    for rubric in config.rubrics:
        if not isinstance(rubric, Rubric | GateSet):
            continue
        known = {
            field.name
            for template in config.templates
            for lane, named in template.rubrics.items()
            if rubric.name in named
            for read in template.reads.get(lane, ())
            if read in config.contract_by_name
            for field in config.contract_by_name[read].fields
        }
        for one in rubric.entries:
            for field in one.evidence:
                if field not in known:
                    said = f"{one.id} looks at {field}, which no contract its scorer reads has"
                    yield Fault("evidence", rubric.name, _file(rubric.name), said)


def _words(config: Configuration) -> Iterator[Fault]:
    roles = {word for enum in _ROLE_ENUMS for word in config.enums.get(enum, ())}
    for rubric in config.rubrics:
        file = _file(rubric.name)
        if isinstance(rubric, Pitfalls):
            for pitfall in rubric.pitfalls:
                for role in sorted(set(pitfall.suspended_by) - roles):
                    said = f"{pitfall.id} is suspended by {role}, which is no role or stage"
                    yield Fault("enum", rubric.name, file, said)
        if isinstance(rubric, Rubric):
            types = config.enums.get(_TYPE_ENUM.get(rubric.scope, ""), ())
            for one in rubric.criteria:
                named = () if isinstance(one.applicable_to, str) else one.applicable_to
                for kind in sorted(set(named) - set(types)):
                    said = f"{one.id} applies to {kind}, which is no {_TYPE_ENUM.get(rubric.scope)}"
                    yield Fault("enum", rubric.name, file, said)
    for contract in config.field_contracts.contracts:
        for field in contract.fields:
            for enum in field.enums:
                if enum not in config.enums:
                    said = f"{field.name} is one of {enum}, which is no enum"
                    yield Fault("enum", contract.name, CONTRACTS, said)


def _rubric_use(config: Configuration) -> Iterator[Fault]:
    used = {name for one in config.templates for named in one.rubrics.values() for name in named}
    used |= {name for one in config.templates for name in one.variables}
    used |= {name for _, step in _steps(config) for name in step.rubrics}
    for rubric in config.rubrics:
        if rubric.name not in used:
            yield Fault("rubric_used", rubric.name, _file(rubric.name), "no prompt or step uses it")
    for template in config.templates:
        for named in template.rubrics.values():
            for name in named:
                if name not in config.rubric_by_name:
                    yield Fault(
                        "rubric_exists", template.name, _file(template), f"no rubric {name}"
                    )
    for lane, step in _steps(config):
        for name in step.rubrics:
            if name not in config.rubric_by_name:
                yield Fault("rubric_exists", f"{lane}.{step.step}", LANES, f"no rubric {name}")


# ----------------------------------------------------------------------------------- domain rules


def _rules(config: Configuration) -> Iterator[Fault]:
    known = config.skills | set(config.flow.steps)
    carrying = {
        skill
        for (_, skill), templates in config.template_by_skill.items()
        if any(wording.DOMAIN_RULES in one.variables for one in templates)
    }
    for rule in config.rules:
        file = f"{DOMAIN_RULES}/{rule.name}.{rule.format}"
        if not rule.consumers:
            yield Fault("rule_consumers", rule.name, file, "has no consumer")
        yield from _twice(rule.consumers, rule.name, file)
        for name in rule.consumers:
            if name not in config.skills:
                yield Fault("rule_consumers", rule.name, file, f"consumer {name} is no skill")
            elif name not in carrying:
                said = f"no prompt of its consumer {name} has {{{{domain_rules}}}}"
                yield Fault("rule_consumers", rule.name, file, said)
        if (rule.format == "json") != (rule.protocol is not None):
            yield Fault("rule_format", rule.name, file, f"says format {rule.format}")
        if set(rule.resolution) != set(rule.declared_consumers):
            said = "declared_consumers and resolution name different consumers"
            yield Fault("rule_consumers", rule.name, file, said)
        for declared, resolution in rule.resolution.items():
            if resolution.by not in known:
                said = f"{declared} is resolved to {resolution.by}, which is no skill or step"
                yield Fault("rule_consumers", rule.name, file, said)
        source = rule.source_template
        if source is not None and source not in config.template_by_name:
            yield Fault("rule_consumers", rule.name, file, f"source_template {source} is no prompt")


# ---------------------------------------------------------------------------------------- prompts


def _templates(config: Configuration) -> Iterator[Fault]:
    contracts = config.field_contracts
    for one in config.templates:

        def fault(rule: str, said: str, one: Template = one) -> Fault:
            return Fault(rule, one.name, _file(one), said)

        for lane in one.lanes:
            if lane not in config.lane_by_name:
                yield fault("lane", f"{lane} is no lane")
            elif not any(
                step.kind == "skill" and step.step == one.name
                for step in config.lane_by_name[lane].steps
            ):
                yield fault("lane", f"{LANES} has no such step in {lane}")
        parts = {"skills": one.skills, "rubrics": one.rubrics, "reads": one.reads}
        for part, by_lane in (parts | {"produces": one.produces}).items():
            for lane in sorted(set(by_lane) - set(one.lanes)):
                yield fault("lane", f"{part} names {lane}, which is none of its lanes")
        for lane in one.lanes:
            for part, given in {"reads": one.reads, "produces": one.produces}.items():
                if lane not in given:
                    yield fault("lane", f"{part} says nothing of {lane}")
            yield from _variables_in(config, one, lane, fault)
        for name, count in Counter(one.placeholders).items():
            if count > 1:
                yield fault("variable", f"{{{{{name}}}}} stands {count} times in the text")
        for name in sorted(set(one.variables) ^ set(one.placeholders)):
            where = "declared" if name in one.variables else "in the text"
            yield fault("variable", f"{name} is only {where}")
        for name in sorted(set(one.variables) - set(contracts.variables)):
            yield fault("variable", f"{name} is no variable of {CONTRACTS}")
        for name in one.operations:
            if name not in contracts.operations or contracts.operations[name].prompt != one.name:
                yield fault("operation", f"{name} is no operation that is told by this prompt")
    used = {name for one in config.templates for name in one.variables}
    for name in sorted(set(contracts.variables) - used):
        yield Fault("variable", name, CONTRACTS, "no prompt has this variable")
    for name, operation in contracts.operations.items():
        told = config.template_by_name.get(operation.prompt or "")
        if operation.prompt is not None and (told is None or name not in told.operations):
            said = f"the prompt {operation.prompt} does not name it under operations"
            yield Fault("operation", name, CONTRACTS, said)
    if wording.REFINE_ENTRY not in config.shared:
        yield Fault("operation", wording.REFINE_ENTRY, "shared", "this text is missing")


def _variables_in(
    config: Configuration, one: Template, lane: str, fault: Callable[[str, str], Fault]
) -> Iterator[Fault]:
    """Variables that stay unfilled in ``lane``, or that nothing is quoted for."""
    quotes = bool(one.rubrics.get(lane))
    if quotes != (wording.RUBRIC_SECTION in one.variables):
        yield fault(
            "variable", f"in {lane}, {wording.RUBRIC_SECTION} and rubrics do not go together"
        )
    if wording.DOMAIN_RULES in one.variables and not config.rules_for(one.skill(lane)):
        yield fault("variable", f"no domain rule has the consumer {one.skill(lane)}")
    if any(name not in config.rubric_by_name for name in one.rubrics.get(lane, ())):
        return
    computed = {name: name for name in one.variables if name in config.artefacts}
    try:
        wording.prompt(config, one.name, lane, values=computed)
    except ValueError as error:
        yield fault("unrendered", f"in {lane}: {error}")


# -------------------------------------------------------------------------------------- contracts


def _contracts(config: Configuration) -> Iterator[Fault]:
    known = (
        config.skills
        | set(config.template_by_name)
        | set(config.contract_by_name)
        | set(config.field_contracts.operations)
        | set(config.flow.steps)
    )
    for contract in config.field_contracts.contracts:
        name = contract.name
        for part, named in (("producer", contract.producers), ("consumer", contract.consumed_by)):
            if not named and contract.kind == "contract":
                yield Fault("contract_ends", name, CONTRACTS, f"has no {part}")
            for one in named:
                if one not in known:
                    said = f"{part} {one} is no prompt, contract, skill, operation or step"
                    yield Fault("contract_ends", name, CONTRACTS, said)
        made_by_code = set(contract.producers) & set(config.flow.steps)
        for field in contract.fields:
            if field.set_by == "code" and not made_by_code:
                said = f"{field.name} is set by code, and no producer is code"
                yield Fault("field_produced", name, CONTRACTS, said)
            entries = _LEVELS.get(field.level or "")
            if entries and entries not in {other.name for other in contract.fields}:
                said = f"{field.name} stands in each entry of {entries}, which is no field"
                yield Fault("field_produced", name, CONTRACTS, said)
        yield from _fields_told(config, contract)
        yield from _consumers_read(config, contract)
        for entry in contract.entry_points:
            read = config.contract_by_name.get(entry.reads)
            if read is None or entry.field not in {field.name for field in read.fields}:
                said = f"{entry.name} takes {entry.field} of {entry.reads}, which is not there"
                yield Fault("field_produced", name, CONTRACTS, said)
            elif name not in read.consumed_by:
                said = f"{entry.name} takes {entry.reads}, which does not name it as a consumer"
                yield Fault("contract_ends", name, CONTRACTS, said)
            if entry.called_by not in known:
                said = f"{entry.name} is called by {entry.called_by}, which is nothing known"
                yield Fault("contract_ends", name, CONTRACTS, said)
    for name, artefact in config.artefacts.items():
        if artefact.part_of is None:
            continue
        whole = config.contract_by_name.get(artefact.part_of)
        fields = {field.name for field in whole.fields} if whole else set()
        for field_name in sorted(set(artefact.fields) - fields):
            said = f"{field_name} is no field of {artefact.part_of}"
            yield Fault("field_produced", name, CONTRACTS, said)


def _fields_told(config: Configuration, contract: FieldContract) -> Iterator[Fault]:
    """Fields that a skill is to write and no prompt that produces them asks for."""
    telling = [
        one
        for one in config.templates
        if any(config.contract_of(made) is contract for made in one.produces.values())
        or any(name in contract.producers for name in one.operations)
    ]
    for field in contract.of_skills if telling else ():
        if not any(field.name in one.body for one in telling):
            said = f"no prompt that produces it asks for {field.name}"
            yield Fault("field_produced", contract.name, CONTRACTS, said)


def _consumers_read(config: Configuration, contract: FieldContract) -> Iterator[Fault]:
    """Declared consumers that read nothing of it."""
    reading: set[str] = set()
    for lane, step in _steps(config):
        if contract.name in config.reads(lane, step):
            reading |= _known_as(config, lane, step)
    for name in contract.consumed_by:
        if name not in reading:
            said = f"consumer {name} does not read it"
            yield Fault("consumer_reads", contract.name, CONTRACTS, said)


# ------------------------------------------------------------------------------------------ lanes


def _flow(config: Configuration) -> Iterator[Fault]:
    flow = config.flow
    known = set(config.contract_by_name) | set(config.artefacts)
    for lane, step in _steps(config):
        name = f"{lane}.{step.step}"
        for one in (*config.reads(lane, step), *config.makes(lane, step)):
            if one not in known:
                yield Fault("known", name, LANES, f"{one} is no contract or artefact")
        if step.kind == "skill":
            template = config.template_by_name.get(step.step)
            if template is None or lane not in template.lanes:
                yield Fault("lane", name, LANES, f"no prompt {step.step} of this lane")
            if step.reads or step.makes:
                yield Fault("lane", name, LANES, "what it reads and makes stands in its prompt")
        elif step.kind == "operation" and step.step not in config.field_contracts.operations:
            yield Fault("lane", name, LANES, f"no operation {step.step}")
        elif step.is_code and step.step not in flow.steps:
            yield Fault("lane", name, LANES, "nothing under steps says what it does")
        if (step.kind == "gate") != (step.producer is not None):
            yield Fault("gate_producer", name, LANES, "a gate has a producer, and nothing else has")
        if step.kind == "gate":
            yield from _gate(config, lane, step)
    placed = {step.step for _, step in _steps(config)}
    for name in sorted(set(flow.steps) - placed):
        yield Fault("lane", name, LANES, "stands in no lane")
    for bridge in flow.bridges:
        name = f"{bridge.source} to {bridge.target}"
        for lane in (bridge.source, bridge.target):
            if lane not in config.lane_by_name:
                yield Fault("lane", name, LANES, f"{lane} is no lane")
        made = _made_in(config, bridge.source)
        for one in bridge.carries:
            if one not in made:
                yield Fault("upstream", name, LANES, f"{one} is not made in {bridge.source}")


def _gate(config: Configuration, lane: str, step: Step) -> Iterator[Fault]:
    """A gate whose producer does not make what it shows."""
    shown = [config.contract_by_name[one] for one in step.reads if one in config.contract_by_name]
    makers = {name for contract in shown for name in contract.producers}
    makers |= {
        name
        for contract in shown
        for one in config.templates
        if lane in one.lanes and config.contract_of(one.produces.get(lane, "")) is contract
        for name in (one.name, one.skill(lane))
    }
    if step.producer is not None and step.producer not in makers:
        said = f"{step.producer} does not produce what it shows: {', '.join(step.reads)}"
        yield Fault("gate_producer", f"{lane}.{step.step}", LANES, said)


def _upstream(config: Configuration) -> Iterator[Fault]:
    """What is read before anything made it, and what is read without leave."""
    carried = {
        lane.lane: {
            one
            for bridge in config.flow.bridges
            if bridge.target == lane.lane
            for one in bridge.carries
        }
        for lane in config.flow.lanes
    }
    there: dict[str, set[str]] = {}
    for lane, step in _steps(config):
        made = there.setdefault(lane, set(carried[lane]))
        name = f"{lane}.{step.step}"
        for one in config.reads(lane, step):
            artefact = config.artefacts.get(one)
            if one not in made and not (artefact and artefact.is_optional):
                yield Fault("upstream", name, LANES, f"reads {one}, which nothing before it makes")
            if not _may_read(config, lane, step, one):
                yield Fault(
                    "consumer_declared", one, CONTRACTS, f"does not name {name}, which reads it"
                )
        template = config.template_by_name.get(step.step) if step.kind == "skill" else None
        for variable in template.variables if template else ():
            if variable in config.artefacts and variable not in made:
                said = f"has {{{{{variable}}}}}, which nothing before it makes"
                yield Fault("upstream", name, LANES, said)
        for one in config.makes(lane, step):
            if not _may_make(config, lane, step, one):
                said = f"does not name {name}, which makes it, among its producers"
                yield Fault("producer_declared", one, CONTRACTS, said)
            made.add(one)
    for contract in config.field_contracts.contracts:
        for producer in contract.producers:
            if producer not in _all_makers(config, contract):
                said = f"producer {producer} does not make it"
                yield Fault("producer_declared", contract.name, CONTRACTS, said)


def _may_read(config: Configuration, lane: str, step: Step, read: str) -> bool:
    contract = config.contract_by_name.get(read)
    if contract is None or step.kind in ("gate", "operation"):
        return True
    if _known_as(config, lane, step) & set(contract.consumed_by):
        return True
    # Code that finishes what a skill began reads what that skill made.
    made = [config.contract_by_name[one] for one in step.makes if one in config.contract_by_name]
    return any(set(one.producers) & set(contract.producers) for one in made)


def _may_make(config: Configuration, lane: str, step: Step, made: str) -> bool:
    contract = config.contract_of(made)
    if contract is None or step.kind == "gate":
        return True
    names = {step.step}
    if step.kind == "skill" and step.step in config.template_by_name:
        names.add(config.template_by_name[step.step].skill(lane))
    return bool(names & set(contract.producers))


def _all_makers(config: Configuration, contract: FieldContract) -> set[str]:
    """Steps that make it, or finish it."""
    return {
        step.step
        for lane, step in _steps(config)
        if any(config.contract_of(one) is contract for one in config.makes(lane, step))
        or (step.is_code and contract.name in step.reads)
    } | {
        # Code wraps what a skill answered.
        name
        for _, step in _steps(config)
        if contract.name in step.makes
        for read in step.reads
        if read in config.contract_by_name
        for name in config.contract_by_name[read].producers
    }


def _steps(config: Configuration) -> Iterator[tuple[str, Step]]:
    for lane in config.flow.lanes:
        for step in lane.steps:
            yield lane.lane, step


def _known_as(config: Configuration, lane: str, step: Step) -> set[str]:
    """Names by which a contract may call ``step`` its consumer."""
    names = {step.step}
    template = config.template_by_name.get(step.step) if step.kind == "skill" else None
    if template is not None:
        made = config.contract_of(template.produces.get(lane, ""))
        names |= {template.skill(lane)} | ({made.name} if made else set())
    return names


def _made_in(config: Configuration, lane: str) -> set[str]:
    return {
        one for name, step in _steps(config) if name == lane for one in config.makes(lane, step)
    }


def _file(of: str | Template) -> str:
    return f"{RUBRICS}/{of}.yaml" if isinstance(of, str) else f"{PROMPTS}/{of.name}.md"


_RULES: tuple[Callable[[Configuration], Iterator[Fault]], ...] = (
    _names,
    _points,
    _evidence,
    _words,
    _rubric_use,
    _rules,
    _templates,
    _contracts,
    _flow,
    _upstream,
)
