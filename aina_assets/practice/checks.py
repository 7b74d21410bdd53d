"""What of a submission counts, and whether it is enough for a check.

Belongs here: leaving out what is not the learner's work (copied, said over, placeholders, words to
the grader), and one function a kind of check. Stays out: points and outcome (``evaluator``).

A finding gives counts and names of the module, never words of the submission.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

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
from aina_assets.contracts.practice import CheckFinding
from aina_assets.practice.policy import EvaluationRules
from aina_assets.practice.submission import (
    GridTable,
    Passage,
    Piece,
    Section,
    Submission,
    folded,
    marked,
    parse,
    piece,
    sentences,
    words_of,
)

Words = tuple[str, ...]

_NOTHING = Piece((), (), (), "")


@dataclass(frozen=True)
class CountedTable:
    """A table of which each row, once, says which of its cells are filled."""

    columns: tuple[Words, ...]
    rows: tuple[tuple[bool, ...], ...]


@dataclass(frozen=True)
class Counted:
    """What of a section counts.

    Attributes:
        is_there: whether it has its heading.
        word_count: words of its text, items and tables.
        left_out_count: words that do not count.
        variety: mean share of different words in a window of them, 0-1.
        item_count: list items that say something, each once.
        left_out_item_count: the others.
        figure_count: figures, each once a sentence or cell.
        reference_count: different sources.
        text: words of each sentence and cell, one a line, a blank on both sides of each word.
    """

    is_there: bool
    word_count: int
    left_out_count: int
    variety: float
    item_count: int
    left_out_item_count: int
    tables: tuple[CountedTable, ...]
    figure_count: int
    reference_count: int
    text: str


class Counting:
    """What counts, by the rules and for one module: its own text, handed in again, does not."""

    def __init__(self, module: CurriculumModule, rules: EvaluationRules) -> None:
        self._rules = rules
        self._own = _own_words(module, rules.min_copied_words)
        self._to_grader = re.compile(
            "|".join(f"(?:{item})" for item in rules.addresses_grader), re.IGNORECASE
        )
        wholes = [words_of(item) for item in rules.placeholders]
        self._wholes = frozenset(wholes)
        self._fillers = frozenset(words[0] for words in wholes if len(words) == 1)
        self._empty_answers = frozenset(words_of(item) for item in rules.empty_answers)

    def counted(self, submission: Submission, name: str) -> Counted:
        """What counts of the section of that name."""
        section = submission.section(name)
        return _Count(self, submission).of(section)

    def copied_words(self, section: Section) -> Iterator[Words]:
        """The sentences and lines of a section that are the module's own."""
        for passage in section.passages:
            yield from (words for words in _as_written(passage.lines) if words in self._own)
        for row in _rows(section.tables):
            yield from (words for words in _as_written(row) if words in self._own)

    def about_the_work(self, passage: Passage) -> list[str]:
        """Lines of a passage without sentences that speak to the grader.

        Nothing of a line or passage of which half the words do, or, in code and HTML, any: what
        surrounds such a sentence there is its frame.
        """
        kept: list[str] = []
        spoken = other = 0
        for line in passage.lines:
            if not self.speaks_to_grader(line):
                kept.append(line)
                other += len(words_of(line))
                continue
            apart = [item for item in sentences(line) if not self.speaks_to_grader(item)]
            about = sum(len(words_of(item)) for item in apart)
            to_grader = len(words_of(line)) - about
            spoken += to_grader
            if about > to_grader:
                kept += apart
                other += about
        is_frame = passage.kind in ("code", "html") and spoken > 0
        return [] if is_frame or other <= spoken else kept

    def speaks_to_grader(self, text: str) -> bool:
        """Whether ``text`` addresses whoever grades, by the authored expressions."""
        return self._to_grader.search(folded(text)) is not None

    def kept(self, sentence: str) -> Piece:
        """What counts of a ``marked`` sentence or cell; of nothing, an empty piece."""
        found = piece(sentence)
        if found.words in self._own or found.words in self._wholes:
            return _NOTHING
        if self.speaks_to_grader(found.text):
            return _NOTHING
        lines = sentence.split("\n")
        of_own = [line for line in lines if piece(line).words not in self._own]
        if len(of_own) < len(lines):
            found = piece("\n".join(of_own))
        words = tuple(word for word in found.words if not self._is_filler(word))
        return Piece(words, found.figures, found.references, found.text)

    def says_something(self, found: Iterable[Piece]) -> bool:
        """Whether there is a word or a source in what was kept of a cell."""
        return any(
            item.references
            or any(len(word) > 1 or word.isdigit() or not word.isascii() for word in item.words)
            for item in found
        )

    def is_answer(self, words: Words) -> bool:
        """Whether an item of these words is more than a number or 'none'."""
        is_label = len(words) == 2 and words[1].isdigit() and len(words[1]) < 3
        return words not in self._empty_answers and not is_label

    def variety(self, words: Sequence[str]) -> float:
        """Mean share of different words in every window of ``words``.

        It is the moving-average type-token ratio (Covington and McFall 2010): other than the plain
        ratio it does not fall with the length of a text.
        """
        window = min(self._rules.distinct_word_window, len(words))
        if not window:
            return 0.0
        inside = Counter(words[:window])
        total = len(inside)
        for first, last in zip(words, words[window:], strict=False):
            inside[last] += 1
            inside[first] -= 1
            if not inside[first]:
                del inside[first]
            total += len(inside)
        return total / (window * (len(words) - window + 1))

    def _is_filler(self, word: str) -> bool:
        return word in self._fillers or (len(word) > 2 and len(set(word)) == 1 and word.isalpha())


@dataclass
class _Count:
    """The counts of a section while they are made."""

    counting: Counting
    submission: Submission
    words: list[str] = field(default_factory=list)
    left_out: int = 0
    figures: int = 0
    references: set[str] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)
    seen: set[Words] = field(default_factory=set)
    seen_lines: set[Words] = field(default_factory=set)

    def of(self, section: Section) -> Counted:
        items: set[tuple[object, ...]] = set()
        item_total = 0
        for passage in section.passages:
            found = list(self._sentences(passage))
            for item in found:
                self._add(item)
            if passage.kind == "item":
                item_total += 1
                words = tuple(word for item in found for word in item.words)
                if self.counting.says_something(found) and self.counting.is_answer(words):
                    items.add((words, *(item.references for item in found)))
        tables = self._tables(section.tables)
        return Counted(
            section.is_there,
            len(self.words),
            self.left_out,
            self.counting.variety(self.words),
            len(items),
            item_total - len(items),
            tables,
            self.figures,
            len(self.references),
            "\n".join(self.lines),
        )

    def _sentences(self, passage: Passage) -> Iterator[Piece]:
        """What counts of a passage: each line and each sentence once, every source."""
        is_code = passage.kind == "code"
        links = self.submission.links
        lines = []
        for line in self.counting.about_the_work(passage):
            found = piece(line if is_code else marked(line, links))
            is_repeated = bool(found.words) and found.words in self.seen_lines
            self.seen_lines.add(found.words)
            if is_repeated and not found.references:
                self.left_out += len(found.words)
            else:
                lines.append(line)
        text = "\n".join(lines)
        for sentence in sentences(text if is_code else marked(text, links)):
            written = len(piece(sentence).words)
            kept = self.counting.kept(sentence)
            if kept.words and kept.words in self.seen:
                kept = Piece((), (), kept.references, "")
            self.seen.add(kept.words)
            self.left_out += written - len(kept.words)
            if kept.words or kept.references:
                yield kept

    def _tables(self, tables: Iterable[GridTable]) -> tuple[CountedTable, ...]:
        rows_seen: set[tuple[object, ...]] = set()
        counted = []
        for table in tables:
            rows = []
            for row in table.rows:
                cells = [list(self._cell(cell)) for cell in row]
                key = tuple((item.words, item.references) for cell in cells for item in cell)
                if key in rows_seen:
                    self.left_out += sum(len(item.words) for cell in cells for item in cell)
                    continue
                rows_seen.add(key)
                for item in (item for cell in cells for item in cell):
                    self._add(item)
                rows.append(tuple(self.counting.says_something(cell) for cell in cells))
            counted.append(CountedTable(tuple(map(words_of, table.columns)), tuple(rows)))
        return tuple(counted)

    def _cell(self, cell: str) -> Iterator[Piece]:
        text = marked(cell, self.submission.links)
        # A cell is copied, or stands for nothing, as a whole or sentence by sentence.
        if self.counting.speaks_to_grader(cell) or self.counting.kept(text) is _NOTHING:
            return
        for sentence in sentences(text):
            kept = self.counting.kept(sentence)
            self.left_out += len(piece(sentence).words) - len(kept.words)
            if kept.words or kept.references:
                yield kept

    def _add(self, item: Piece) -> None:
        self.words += item.words
        self.figures += len(item.figures)
        self.references.update(item.references)
        self.lines.append(f" {' '.join(item.words)} ")


@lru_cache(maxsize=256)
def _own_words(module: CurriculumModule, min_words: int) -> frozenset[Words]:
    """Lines, sentences and paragraphs of all that a learner reads in a module."""
    rubric = module.rubric
    texts = [
        module.title,
        module.outcome,
        *(getattr(module.lesson, part) for part in type(module.lesson).model_fields),
        module.exercise.text,
        module.exercise.deliverable,
        *(criterion.observable for criterion in rubric.criteria),
        *(gate.text for gate in rubric.pass_gates),
        *(condition.text for condition in rubric.fail_conditions),
        *(condition.text for condition in rubric.unsafe_conditions),
    ]
    blocks = [
        lines
        for text in texts
        for section in parse(text, module.exercise.sections).parts()
        for lines in (*(item.lines for item in section.passages), *_rows(section.tables))
    ]
    found = (words for lines in blocks for words in _as_written(lines))
    return frozenset(words for words in found if len(words) >= min_words)


def _as_written(lines: Sequence[str]) -> Iterator[Words]:
    """The words of lines together, of each, of their sentences, and of these line by line."""
    text = marked("\n".join(lines))
    yield piece(text).words
    yield from (piece(marked(line)).words for line in lines if len(lines) > 1)
    for sentence in sentences(text):
        yield piece(sentence).words
        if "\n" in sentence:
            yield from (piece(line).words for line in sentence.split("\n"))


def _rows(tables: Iterable[GridTable]) -> Iterator[tuple[str, ...]]:
    for table in tables:
        yield from table.rows


# ------------------------------------------------------------------------------------------ checks


def finding(check: Check, counted: Counted, rules: EvaluationRules) -> CheckFinding:
    """What ``check`` found in the section it looks at."""
    match check:
        case SectionCheck():
            expected, holds, found = _section(check, counted, rules)
        case ItemsCheck():
            expected, holds, found = _items(check, counted)
        case TableCheck():
            expected, holds, found = _table(check, counted)
        case FiguresCheck():
            expected, holds, found = _figures(check, counted)
        case ReferencesCheck():
            expected, holds, found = _references(check, counted)
        case TermsCheck():
            expected, holds, found = _terms(check, counted)
    return CheckFinding(
        kind=check.kind,
        section=check.section,
        holds=holds and counted.is_there,
        expected=expected,
        found=found if counted.is_there else f"no heading '{check.section}'",
    )


_Applied = tuple[str, bool, str]


def _section(check: SectionCheck, counted: Counted, rules: EvaluationRules) -> _Applied:
    expected = f"at least {_count(check.min_words, 'word')} below the heading '{check.section}'"
    found = _count(counted.word_count, "word")
    if counted.left_out_count:
        found += f" and {counted.left_out_count} that repeat, copy or stand in for text"
    if counted.word_count < check.min_words:
        return expected, False, found
    is_varied = counted.variety >= rules.min_distinct_word_share
    if not is_varied:
        found += f", of which {counted.variety:.0%} differ where at least"
        found += f" {rules.min_distinct_word_share:.0%} must"
    return expected, is_varied, found


def _items(check: ItemsCheck, counted: Counted) -> _Applied:
    expected = f"at least {_count(check.min_items, 'list item')} in '{check.section}'"
    found = _count(counted.item_count, "list item")
    if counted.left_out_item_count:
        found += f" and {counted.left_out_item_count} empty, repeated or copied"
    return expected, counted.item_count >= check.min_items, found


def _table(check: TableCheck, counted: Counted) -> _Applied:
    expected = (
        f"a table in '{check.section}' with the columns {', '.join(check.columns)} and at least"
        f" {_count(check.min_rows, 'row')}, each of these cells filled"
    )
    asked = [words_of(column) for column in check.columns]
    fitting = [(table, places) for table in counted.tables if (places := _places(table, asked))]
    if not counted.tables:
        return expected, False, "no table"
    if not fitting:
        return expected, False, "no table with all of these columns"
    full = sum(all(row[at] for at in places) for table, places in fitting for row in table.rows)
    total = sum(len(table.rows) for table, _ in fitting)
    found = _count(full, "full row")
    if total > full:
        found += f" and {total - full} with a cell left open"
    return expected, full >= check.min_rows, found


def _figures(check: FiguresCheck, counted: Counted) -> _Applied:
    expected = f"at least {_count(check.min_count, 'figure')} in '{check.section}'"
    found = _count(counted.figure_count, "figure")
    return expected, counted.figure_count >= check.min_count, found


def _references(check: ReferencesCheck, counted: Counted) -> _Applied:
    expected = (
        f"at least {_count(check.min_count, 'source')} in '{check.section}', as a link or in"
        " backticks"
    )
    found = _count(counted.reference_count, "source")
    return expected, counted.reference_count >= check.min_count, found


def _terms(check: TermsCheck, counted: Counted) -> _Applied:
    expected = (
        f"at least {check.min_count} of the following in '{check.section}':"
        f" {', '.join(check.any_of)}"
    )
    terms = {f" {' '.join(words)} " for term in check.any_of if (words := words_of(term))}
    count = sum(term in counted.text for term in terms)
    return expected, count >= check.min_count, f"{count} of them" if count else "none of them"


def _places(table: CountedTable, asked: Sequence[Words]) -> list[int] | None:
    """Where in ``table`` the columns asked for are, each its own; None where one is missing."""
    taken: dict[int, int] = {}
    for fits in (_is_same, _holds):
        for number, column in enumerate(asked):
            if number in taken:
                continue
            for at, head in enumerate(table.columns):
                if at not in taken.values() and fits(head, column):
                    taken[number] = at
                    break
    return [taken[number] for number in range(len(asked))] if len(taken) == len(asked) else None


def _is_same(head: Words, column: Words) -> bool:
    return _singular(head) == _singular(column)


def _holds(head: Words, column: Words) -> bool:
    words, wanted = _singular(head), _singular(column)
    return any(words[at : at + len(wanted)] == wanted for at in range(len(words)))


def _singular(words: Words) -> Words:
    return tuple(word.removesuffix("s") for word in words)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
