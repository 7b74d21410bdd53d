"""Every rule of depth holds a module that is worse for exactly that rule, and no other rule does.

Tried on a committed module that meets all of them: what is changed is one thing at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import pyarrow as pa
import pytest

from aina_assets.contracts.curriculum import CurriculumModule
from aina_assets.contracts.vocabulary import FileStatus
from aina_assets.curriculum import content, depth, tables
from aina_assets.curriculum.policy import Curriculum, CurriculumRules
from aina_assets.sources.lockfile import read_lock
from aina_assets.warehouse.gate import judge
from aina_assets.warehouse.settings import AUTHORED
from aina_assets.work_graph.policy import Families

Document = dict[str, Any]
Change = Callable[[Document], None]

COMMITTED = Curriculum.load()
RULES = CurriculumRules.load()
FAMILIES = Families.load()
GOOD = next(
    module
    for module in COMMITTED.modules
    if len(module.gdpval.occupations) > 1 and len(module.sources) > RULES.min_sources
)
PARTS = sorted(RULES.min_words.model_dump().items())


def changed(*changes: Change) -> CurriculumModule:
    """``GOOD`` after ``changes``, still a module as the contract says."""
    document = GOOD.model_dump(mode="json")
    for change in changes:
        change(document)
    return CurriculumModule.model_validate(document)


def rows_of(*modules: CurriculumModule) -> pa.Table:
    """The modules as rows of ``modules``."""
    return content.modules(
        Curriculum.model_construct(levels=COMMITTED.levels, modules=modules), FAMILIES
    )


def lesson(module: CurriculumModule) -> dict[str, str]:
    """Verdicts about the lesson, by measure."""
    table = depth.lesson_depth(rows_of(module), RULES)
    assert all(finding.passed for finding in judge(table, tables.LessonDepth))
    return {row["measure"]: row["verdict"] for row in table.to_pylist()}


def rubric_rows(
    *modules: CurriculumModule,
    present: Collection[str] = GOOD.sources,
    absent: Collection[str] = (),
    occupations: Collection[str] = GOOD.gdpval.occupations,
    rules: CurriculumRules = RULES,
) -> list[dict[str, Any]]:
    """Rows of ``rubric_depth`` where these sources and occupations are there."""
    table = depth.rubric_depth(
        rows_of(*modules),
        pa.table({"source": [*present, *absent]}),
        pa.table(
            {
                "source": [*present, *absent],
                "status": [str(FileStatus.PRESENT)] * len(present)
                + [str(FileStatus.ABSENT)] * len(absent),
            }
        ),
        pa.table({"occupation": pa.array(occupations, pa.string())}),
        rules,
    )
    assert all(finding.passed for finding in judge(table, tables.RubricDepth))
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def rubric(module: CurriculumModule, **world: Any) -> dict[str, str]:
    """Verdicts about the rubric, by rule."""
    return {row["rule"]: row["verdict"] for row in rubric_rows(module, **world)}


def finding(module: CurriculumModule, rule: str, **world: Any) -> str:
    """What was found about one rule."""
    (found,) = [row["found"] for row in rubric_rows(module, **world) if row["rule"] == rule]
    return str(found)


# ------------------------------------------------------------------------------------------ lessons


def text_of(part: str, text: str) -> Change:
    """Puts ``text`` into a part of the module."""

    def change(document: Document) -> None:
        if part == "exercise":
            document["exercise"]["text"] = text
        else:
            document["lesson"][part] = text

    return change


def text_with(part: str, words: int) -> str:
    """So many words, with as many steps or questions as the part needs."""
    if part == "guided_try":
        start = [f"{number}. Do." for number in range(1, RULES.min_steps + 1)]
    elif part == "reflection":
        start = ["Why?"] * RULES.min_questions
    else:
        start = []
    used = sum(len(line.split()) for line in start)
    return "\n".join([" ".join(["word"] * (words - used)), *start])


def as_list(document: Document) -> None:
    """Steps without numbers, in no fewer words."""
    lines = document["lesson"]["guided_try"].splitlines()
    document["lesson"]["guided_try"] = "\n".join(
        f"- so {line.lstrip('0123456789. ')}" for line in lines
    )


def as_statements(document: Document) -> None:
    """Questions that ask nothing."""
    document["lesson"]["reflection"] = document["lesson"]["reflection"].replace("?", ".")


WORSE_LESSONS: dict[str, Change] = {
    **{f"{part}_words": text_of(part, text_with(part, least - 1)) for part, least in PARTS},
    "guided_try_steps": as_list,
    "reflection_questions": as_statements,
}


def test_a_good_module_meets_every_measure() -> None:
    assert lesson(GOOD) == dict.fromkeys(WORSE_LESSONS, "met")


@pytest.mark.parametrize("measure", WORSE_LESSONS)
def test_a_lesson_that_is_worse_in_one_measure_holds_for_it_alone(measure: str) -> None:
    found = lesson(changed(WORSE_LESSONS[measure]))

    assert found == lesson(GOOD) | {measure: "hold"}


@pytest.mark.parametrize(("part", "least"), PARTS)
def test_just_enough_words_are_enough(part: str, least: int) -> None:
    enough = changed(text_of(part, text_with(part, least)))

    assert set(lesson(enough).values()) == {"met"}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One two three.", 3),
        ("A follow-up isn't two words, nor is what\u2019s here.", 9),
        ("| a | b |\n|---|---|\n| 3.5 | - |", 4),
        ("**Bold**, `code` and _stress_", 4),
    ],
)
def test_words_are_counted_as_people_count_them(text: str, count: int) -> None:
    table = depth.lesson_depth(rows_of(changed(text_of("explain", text))), RULES)
    values = {row["measure"]: row["value"] for row in table.to_pylist()}

    assert values["explain_words"] == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1. Take it.\n2) Leave it.\n   3. Go.", 3),
        ("Take 2. Then go.\n- 3. no\n4.no\n5.", 0),
    ],
)
def test_steps_are_lines_that_begin_with_a_number(text: str, count: int) -> None:
    table = depth.lesson_depth(rows_of(changed(text_of("guided_try", text))), RULES)
    values = {row["measure"]: row["value"] for row in table.to_pylist()}

    assert values["guided_try_steps"] == count


# ------------------------------------------------------------------------------------------ rubrics


def observable(text: str) -> Change:
    """Puts ``text`` into the first criterion."""

    def change(document: Document) -> None:
        document["rubric"]["criteria"][0]["observable"] = text

    return change


def sources(*names: str) -> Change:
    """The module's sources are ``names``."""

    def change(document: Document) -> None:
        document["sources"] = list(names)

    return change


def one_checkpoint(document: Document) -> None:
    document["hitl_checkpoints"] = document["hitl_checkpoints"][:1]


TERSE = "Unmistakeably documented considerations."
"""Long enough for a contract, too few words for a rule."""
OTHERS = [name for name in GOOD.sources if name != RULES.usage_source]

WORSE_RUBRICS: list[tuple[str, Change]] = [
    ("criteria_are_actionable", observable(TERSE)),
    *(
        (
            "criteria_are_actionable",
            observable(
                f"The text says in {word} detail who decided what, when, and with which aim."
            ),
        )
        for word in (RULES.vague_words[0], RULES.vague_words[-1].upper())
    ),
    ("refs_are_recorded", sources(RULES.usage_source)),
    ("refs_are_recorded", sources(*[RULES.usage_source] * RULES.min_sources)),
    ("refs_are_resolved", sources(*GOOD.sources, "no_such_source")),
    ("usage_is_considered", sources(*OTHERS)),
    ("people_decide", one_checkpoint),
]


def test_a_good_module_meets_every_rule() -> None:
    rules = tables.RubricDepth.to_schema().columns["rule"].checks[0].statistics["allowed_values"]

    assert rubric(GOOD) == dict.fromkeys(rules, "met")


@pytest.mark.parametrize(("rule", "change"), WORSE_RUBRICS)
def test_a_rubric_that_is_worse_for_one_rule_holds_for_it_alone(rule: str, change: Change) -> None:
    assert rubric(changed(change)) == rubric(GOOD) | {rule: "hold"}


def test_too_few_criteria_hold_where_the_rules_ask_for_more() -> None:
    """The contract asks for as many as the committed rules do: fewer cannot be written."""
    more = RULES.model_copy(update={"min_criteria": len(GOOD.rubric.criteria) + 1})

    assert rubric(GOOD, rules=more) == rubric(GOOD) | {"criteria_are_enough": "hold"}


def test_tasks_that_this_lock_does_not_hold_are_not_measured() -> None:
    for occupations in ((), ("Lamplighters",)):
        found = rubric(GOOD, occupations=occupations)
        assert found == rubric(GOOD) | {"gdpval_enriches": "not_measured"}


def test_one_occupation_of_several_is_enough() -> None:
    known = GOOD.gdpval.occupations[-1:]

    assert rubric(GOOD, occupations=known) == rubric(GOOD)
    assert known[0] in finding(GOOD, "gdpval_enriches", occupations=known)


def test_a_module_that_no_task_fits_says_why() -> None:
    def none_fits(document: Document) -> None:
        document["gdpval"] = {"occupations": [], "rationale": "It sorts a week."}

    module = changed(none_fits)

    assert rubric(module) == rubric(GOOD)
    assert finding(module, "gdpval_enriches") == "none fits: It sorts a week."


def test_a_source_whose_files_are_absent_is_not_resolved() -> None:
    gone = OTHERS[0]
    rest = [name for name in GOOD.sources if name != gone]

    assert rubric(GOOD, present=rest, absent=[gone]) == rubric(GOOD) | {"refs_are_resolved": "hold"}
    assert gone in finding(GOOD, "refs_are_resolved", present=rest, absent=[gone])


def test_usage_that_is_not_on_disk_is_neither_resolved_nor_considered() -> None:
    found = rubric(GOOD, present=OTHERS, absent=[RULES.usage_source])

    assert found == rubric(GOOD) | {"refs_are_resolved": "hold", "usage_is_considered": "hold"}


def test_what_is_vague_is_named_with_its_criterion() -> None:
    first = GOOD.rubric.criteria[0].id
    word = RULES.vague_words[0]
    vague = changed(observable(f"A {word} text about what was decided, by whom, when and why."))

    assert finding(vague, "criteria_are_actionable") == f"{first}: leans on {word}"
    assert finding(changed(observable(TERSE)), "criteria_are_actionable").startswith(f"{first}: ")


# -------------------------------------------------------------------------------- what is committed


def test_every_committed_lesson_is_deep_enough() -> None:
    table = depth.lesson_depth(content.modules(COMMITTED, FAMILIES), RULES)

    assert [row for row in table.to_pylist() if row["verdict"] != "met"] == []
    assert table.num_rows == len(COMMITTED.modules) * len(WORSE_LESSONS)


def test_every_committed_rubric_is_deep_enough_on_the_bundled_sources() -> None:
    named = list(read_lock(AUTHORED / "sample" / "sources.lock.yaml").sources)

    rows = rubric_rows(*COMMITTED.modules, present=named)

    assert [row for row in rows if row["verdict"] == "hold"] == []
    assert {row["rule"] for row in rows if row["verdict"] == "not_measured"} <= {"gdpval_enriches"}


def test_modules_are_read_back_from_their_rows() -> None:
    assert set(depth.modules_of(content.modules(COMMITTED, FAMILIES))) == set(COMMITTED.modules)
