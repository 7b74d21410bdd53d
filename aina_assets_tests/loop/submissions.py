"""Submissions that meet every check of a module: written from its rubric, for the loop to go on.

They show what a deterministic evaluator can and cannot see: the words are varied, the forms are
filled, and nobody would call it work.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from aina_assets.contracts.curriculum import (
    Check,
    CurriculumModule,
    FiguresCheck,
    ItemsCheck,
    ReferencesCheck,
    SectionCheck,
    TableCheck,
    TermsCheck,
)

_SUBJECTS = [
    "analyst",
    "archive",
    "auditor",
    "branch",
    "budget",
    "calendar",
    "campaign",
    "carrier",
    "client",
    "clinic",
    "column",
    "committee",
    "contract",
    "corridor",
    "courier",
    "customer",
    "deadline",
    "depot",
    "draft",
    "editor",
    "engine",
    "estimate",
    "evening",
    "farmer",
    "folder",
    "forecast",
    "garden",
    "harbour",
    "index",
    "invoice",
    "journal",
    "kitchen",
    "ledger",
    "letter",
    "library",
    "machine",
    "manager",
    "market",
    "meeting",
    "memo",
    "method",
    "mirror",
    "morning",
    "notebook",
    "office",
    "order",
    "panel",
    "partner",
    "pattern",
    "payroll",
    "planner",
    "policy",
    "printer",
    "process",
    "project",
    "queue",
    "quarter",
    "region",
    "register",
    "remark",
    "report",
    "request",
    "review",
    "route",
    "sample",
    "schedule",
    "season",
    "sender",
    "server",
    "shelf",
    "signal",
    "station",
    "student",
    "summary",
    "supplier",
    "survey",
    "table",
    "teacher",
    "ticket",
    "timetable",
    "trainer",
    "transfer",
    "vendor",
    "version",
    "visitor",
    "warehouse",
    "workshop",
]
_VERBS = [
    "answers",
    "balances",
    "carries",
    "changes",
    "checks",
    "clears",
    "collects",
    "compares",
    "confirms",
    "corrects",
    "counts",
    "delays",
    "describes",
    "divides",
    "explains",
    "fills",
    "finds",
    "follows",
    "gathers",
    "helps",
    "holds",
    "joins",
    "keeps",
    "lists",
    "marks",
    "measures",
    "moves",
    "names",
    "needs",
    "notes",
    "opens",
    "orders",
    "passes",
    "pauses",
    "plans",
    "posts",
    "prints",
    "proves",
    "raises",
    "reads",
    "records",
    "replaces",
    "returns",
    "saves",
    "sends",
    "shows",
    "signs",
    "sorts",
    "splits",
    "states",
    "stores",
    "tests",
    "tracks",
    "trims",
    "turns",
    "updates",
    "watches",
    "weighs",
    "writes",
]


def whole_submission(module: CurriculumModule) -> str:
    """Markdown with every section that ``module`` asks for, each as its checks want it."""
    rubric = module.rubric
    checks: list[Check] = [
        *(check for criterion in rubric.criteria for check in criterion.checks),
        *(check for condition in rubric.fail_conditions for check in condition.unless),
    ]
    sentences = _sentences()
    parts = []
    for section in module.exercise.sections:
        own = [check for check in checks if check.section.casefold() == section.casefold()]
        parts.append(f"## {section}\n\n{_section(own, sentences)}")
    return "\n\n".join(parts) + "\n"


def _sentences() -> Iterator[str]:
    for number in itertools.count():
        one = _SUBJECTS[number * 7 % len(_SUBJECTS)]
        two = _SUBJECTS[(number * 11 + 5) % len(_SUBJECTS)]
        verb = _VERBS[number * 5 % len(_VERBS)]
        three = _SUBJECTS[(number * 17 + 9) % len(_SUBJECTS)]
        yield f"The {one} {verb} a {two} before any {three} leaves"


def _section(checks: list[Check], sentences: Iterator[str]) -> str:
    words = max((one.min_words for one in checks if isinstance(one, SectionCheck)), default=20)
    items = max((one.min_items for one in checks if isinstance(one, ItemsCheck)), default=0)
    figures = max((one.min_count for one in checks if isinstance(one, FiguresCheck)), default=0)
    sources = max((one.min_count for one in checks if isinstance(one, ReferencesCheck)), default=0)
    terms = [term for one in checks if isinstance(one, TermsCheck) for term in one.any_of]
    blocks = ["\n".join(f"{next(sentences)}." for _ in range(words // 8 + 3))]
    blocks += [f"Here {term} is what the {_SUBJECTS[at]} says." for at, term in enumerate(terms)]
    blocks += [f"It came to {31 + 3 * at} on day {2 + at} for that." for at in range(figures)]
    lines = [f"- {next(sentences)}" for _ in range(items)]
    lines += [f"- From `notes-{at + 1}.md`: {next(sentences)}" for at in range(sources)]
    blocks.append("\n".join(lines))
    for table in (one for one in checks if isinstance(one, TableCheck)):
        head = f"| {' | '.join(table.columns)} |"
        rule = "|" + " --- |" * len(table.columns)
        rows = [
            f"| {' | '.join(next(sentences) for _ in table.columns)} |"
            for _ in range(table.min_rows)
        ]
        blocks.append("\n".join([head, rule, *rows]))
    return "\n\n".join(block for block in blocks if block)
