"""How deep modules go: lessons by what can be counted, rubrics by what can be checked.

Belongs here: measures against the authored rules. Stays out: whether a module teaches well; that is
for people to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.contracts.curriculum import CurriculumModule
from aina_assets.contracts.vocabulary import FileStatus
from aina_assets.curriculum import tables
from aina_assets.curriculum.policy import CurriculumRules
from aina_assets.warehouse.tables import arrow_schema

_STEP = re.compile(r"^\s*\d+[.)]\s+\S", re.MULTILINE)
_QUESTION = re.compile(r"\?\s*$", re.MULTILINE)
_WORD = re.compile(r"[^\W_]+(?:[-'\u2019][^\W_]+)*")


def modules_of(modules: pa.Table) -> list[CurriculumModule]:
    """Rows of ``modules`` as contracts."""
    return [CurriculumModule.model_validate_json(text) for text in modules["document"].to_pylist()]


def lesson_depth(modules: pa.Table, curriculum_rules: CurriculumRules) -> pa.Table:
    """Rows of ``LessonDepth``."""
    rows = []
    for module in modules_of(modules):
        texts = module.lesson.model_dump() | {"exercise": module.exercise.text}
        least = curriculum_rules.min_words.model_dump()
        measured = {
            f"{part}_words": (len(_WORD.findall(texts[part])), minimum)
            for part, minimum in least.items()
        }
        steps = len(_STEP.findall(module.lesson.guided_try))
        questions = len(_QUESTION.findall(module.lesson.reflection))
        measured["guided_try_steps"] = (steps, curriculum_rules.min_steps)
        measured["reflection_questions"] = (questions, curriculum_rules.min_questions)
        rows += [
            {
                "module_id": module.id,
                "measure": measure,
                "value": value,
                "minimum": minimum,
                "verdict": "met" if value >= minimum else "hold",
            }
            for measure, (value, minimum) in measured.items()
        ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(tables.LessonDepth))


def rubric_depth(
    modules: pa.Table,
    source_ledger: pa.Table,
    source_files: pa.Table,
    gdpval_tasks: pa.Table,
    curriculum_rules: CurriculumRules,
) -> pa.Table:
    """Rows of ``RubricDepth``: seven rules a module."""
    known = set(source_ledger["source"].to_pylist())
    present = pc.equal(source_files["status"], str(FileStatus.PRESENT))
    resolved = known & set(source_files.filter(present)["source"].to_pylist())
    occupations = set(gdpval_tasks["occupation"].to_pylist())
    rows = [
        {"module_id": module.id, "rule": rule, "verdict": verdict, "found": found}
        for module in modules_of(modules)
        for rule, verdict, found in _findings(module, resolved, occupations, curriculum_rules)
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(tables.RubricDepth))


def _findings(
    module: CurriculumModule, resolved: set[str], occupations: set[str], rules: CurriculumRules
) -> Iterator[tuple[str, str, str]]:
    """Rule, verdict and finding of one module."""
    criteria = module.rubric.criteria
    vague = [
        f"{criterion.id}: {reason}"
        for criterion in criteria
        if (reason := _why_not_actionable(criterion.observable, rules))
    ]
    yield "criteria_are_actionable", _met(not vague), "; ".join(vague) or f"{len(criteria)} are"
    yield (
        "criteria_are_enough",
        _met(len(criteria) >= rules.min_criteria),
        f"{len(criteria)} of {rules.min_criteria} asked",
    )
    yield (
        "refs_are_recorded",
        _met(len(set(module.sources)) >= rules.min_sources),
        ", ".join(module.sources),
    )
    missing = [source for source in module.sources if source not in resolved]
    yield (
        "refs_are_resolved",
        _met(not missing),
        f"not on disk: {', '.join(missing)}" if missing else "all on disk, as pinned",
    )
    considers = rules.usage_source in module.sources and rules.usage_source in resolved
    yield (
        "usage_is_considered",
        _met(considers),
        f"{rules.usage_source} {'is' if considers else 'is not'} among its sources and on disk",
    )
    yield "gdpval_enriches", *_enrichment(module, occupations)
    checkpoints = len(module.hitl_checkpoints)
    yield (
        "people_decide",
        _met(checkpoints >= rules.min_checkpoints),
        f"{checkpoints} checkpoint(s) of {rules.min_checkpoints} asked",
    )


def _enrichment(module: CurriculumModule, occupations: set[str]) -> tuple[str, str]:
    named = module.gdpval.occupations
    if not named:
        return "met", f"none fits: {module.gdpval.rationale}"
    there = [name for name in named if name in occupations]
    if there:
        return "met", f"tasks of: {'; '.join(there)}"
    return "not_measured", f"this lock holds no task of: {'; '.join(named)}"


def _why_not_actionable(observable: str, rules: CurriculumRules) -> str | None:
    words = [word.casefold() for word in _WORD.findall(observable)]
    if len(words) < rules.min_observable_words:
        return f"{len(words)} words of {rules.min_observable_words}"
    vague = sorted(set(words) & set(rules.vague_words))
    return f"leans on {', '.join(vague)}" if vague else None


def _met(is_met: bool) -> str:
    return "met" if is_met else "hold"
