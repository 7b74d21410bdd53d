"""Tasks with fractions, worked out: the question, each step with its reason, the answer.

Belongs here: which sorts of task can be computed, told by the words of a component, and what a
named belief answers to one. Every figure is computed; nothing is looked up. Stays out: on which
slide or screen a task stands (``draft_module``, ``draft_applet``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import gcd, lcm

from aina_assets.authoring.phrases import listed

DENOMINATORS = (2, 3, 4, 5, 6, 8, 10, 12)
"""Denominators that a drawing shows well, where no model says which it can show."""

NOT_COMPUTED = "No step of this sort can be computed by rule: a person writes the solution."

_HALF = Fraction(1, 2)
_PRINTED = re.compile(r"(?<![\d/])(\d{1,3})\s*/\s*(\d{1,3})(?![\d/])")


@dataclass(frozen=True, order=True)
class Printed:
    """A fraction as it is printed: 6/8 is not 3/4."""

    denominator: int
    numerator: int

    @property
    def value(self) -> Fraction:
        """The number."""
        return Fraction(self.numerator, self.denominator)

    def times(self, factor: int) -> Printed:
        """Both numbers multiplied."""
        return Printed(self.denominator * factor, self.numerator * factor)

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"


@dataclass(frozen=True)
class Task:
    """A question that was worked out.

    Attributes:
        sort: name of the sort, a key of ``SORTS``.
        statement: the question, in words that no component has to introduce.
        steps: what is done and why it holds, in order.
        answer: what comes out.
        fractions: those of the question, as printed.
    """

    sort: str
    statement: str
    steps: tuple[tuple[str, str], ...]
    answer: str
    fractions: tuple[Printed, ...]


def printed_in(text: str) -> list[Printed]:
    """The fractions of a text, as printed; what is divided by 0 is none."""
    found = [Printed(int(below), int(above)) for above, below in _PRINTED.findall(text)]
    return [one for one in found if one.denominator]


def sort_of(statement: str) -> str | None:
    """The sort of task that a component is about; ``None`` where none can be computed."""
    if _OTHER.search(statement):
        return None
    is_named = _FRACTION_WORDS.search(statement) is not None
    return next(
        (
            name
            for name, (words, _) in SORTS.items()
            if words.search(statement)
            and (is_named or (name in _UNNAMED and _UNNAMED[name].search(statement)))
        ),
        None,
    )


def fits(sort: str | None, fractions: Sequence[Printed]) -> bool | None:
    """Whether a question about these fractions is of the sort; ``None`` where they do not tell."""
    if sort not in _PAIRS or len(fractions) < 2:
        return None
    return _PAIRS[sort](fractions[0], fractions[1])


def tasks_of(
    statement: str,
    count: int,
    denominators: Collection[int] | None = None,
    most: int = 24,
    used: Collection[Task] = (),
    avoided: Collection[Printed] = (),
) -> list[Task]:
    """Tasks on a component, from small numbers to the edge of the range.

    Args:
        statement: of the component.
        count: how many; no two share a fraction while there are enough, and where an answer is a
            choice, each choice comes as often as the others.
        denominators: those that the model can show, in the question, its steps and its answer;
            none: nothing is drawn.
        most: the largest denominator of an answer.
        used: tasks that stand elsewhere; none of them comes again while there are others.
        avoided: fractions that no task has, where it can be helped.

    Returns:
        None where no step can be computed.
    """
    sort = sort_of(statement)
    if sort is None:
        return []
    asked = set(denominators or DENOMINATORS)
    allowed = sorted(one for one in asked if 2 <= one <= min(12, most))
    every = list(SORTS[sort][1](sort, allowed or list(DENOMINATORS), most))
    every.sort(key=lambda one: (max(f.denominator for f in one.fractions), one.fractions))
    kept, chosen = set(avoided), list[Task]()
    shown = {one for one in every if not denominators or denominators_of(one) <= asked}
    for place in range(count if every else 0):
        start = (place + 1) * (len(every) - 1) // count
        order = [*every[start:], *reversed(every[:start])]
        stand = [*used, *chosen]
        taken = {one for task in stand for one in task.fractions}
        said = {task.statement for task in stand}
        answered = Counter(choice_of(task) for task in stand if task.sort == sort)
        chosen.append(
            min(
                order,
                key=lambda one: (
                    len(kept & set(one.fractions)),
                    one.statement in said,
                    one not in shown,
                    answered[choice_of(one)],
                    len(taken & set(one.fractions)),
                ),
            )
        )
    return chosen


def choice_of(task: Task) -> str:
    """What an answer comes down to where there are few to choose from: its first two words."""
    return " ".join(task.answer.split()[:2])


def denominators_of(task: Task) -> set[int]:
    """Every denominator that is printed in the question, in its steps or in the answer."""
    told = [task.statement, task.answer, *(step for step, _ in task.steps)]
    return {one.denominator for text in told for one in printed_in(text)}


def believed(belief: str, task: Task) -> str | None:
    """What somebody with a belief answers to the task; ``None`` where it is right or not known."""
    answer = next((rule(task) for words, rule in _BELIEFS if words.search(belief)), None)
    return None if answer is None or answer == task.answer else answer


# ------------------------------------------------------------------------------------------- sorts

_TIMES = "\N{MULTIPLICATION SIGN}"

_Sort = Callable[[str, Sequence[int], int], Iterator[Task]]


def _proper(denominators: Sequence[int]) -> list[Printed]:
    return [Printed(below, above) for below in denominators for above in range(1, below)]


def _plain(denominators: Sequence[int]) -> list[Printed]:
    """Those that cannot be written with smaller numbers."""
    return [one for one in _proper(denominators) if gcd(one.numerator, one.denominator) == 1]


def _sign(one: Fraction, other: Fraction) -> str:
    return "<" if one < other else ">" if one > other else "="


def _greater(one: Printed, other: Printed) -> Printed:
    return one if one.value > other.value else other


def _which(one: Printed, other: Printed) -> str:
    # Either may be the greater one, so the place of the answer tells nothing.
    is_turned = (one.numerator + other.numerator + max(one, other).denominator) % 2
    first, second = sorted((one, other), reverse=bool(is_turned))
    return f"Which is greater, {first} or {second}?"


def _same_denominator(sort: str, denominators: Sequence[int], most: int) -> Iterator[Task]:
    del most
    for one, other in combinations(_proper(denominators), 2):
        if one.denominator == other.denominator:
            steps = (
                (f"Both wholes are cut into {one.denominator} equal parts.",
                 "The denominators are the same, so all parts have one size."),
                (f"Counted in parts, {one.numerator} is less than {other.numerator}, so"
                 f" {one} < {other}.",
                 "Of parts of one size, more parts are more."),
            )  # fmt: skip
            yield Task(sort, _which(one, other), steps, str(other), (one, other))


def _same_numerator(sort: str, denominators: Sequence[int], most: int) -> Iterator[Task]:
    del most
    for one, other in combinations(_proper(denominators), 2):
        if one.numerator == other.numerator:
            parts = Printed(one.denominator, 1), Printed(other.denominator, 1)
            steps = (
                (f"Both fractions have the numerator {one.numerator}.",
                 "As many parts are taken of each whole."),
                (f"{parts[0]} > {parts[1]}.",
                 "The same whole cut into fewer equal parts has larger parts."),
                (f"{one} > {other}.", "As many larger parts are more."),
            )  # fmt: skip
            yield Task(sort, _which(other, one), steps, str(one), (other, one))


def _same_whole(sort: str, denominators: Sequence[int], most: int) -> Iterator[Task]:
    del most
    for small, large in combinations(sorted(_plain(denominators), key=lambda f: f.value), 2):
        short = large.denominator * 2
        long = small.denominator * ((short * large.numerator // large.denominator) + 1)
        one, other = large.value * short, small.value * long
        if small.numerator == 1 and large.numerator == 1 and other > one and long <= 100:
            for longer, names in (("strip B", "AB"), ("strip A", "BA")):
                steps = (
                    (f"{large} of {short} cm is {one} cm.",
                     f"The whole of strip {names[0]} is {short} cm long."),
                    (f"{small} of {long} cm is {other} cm.",
                     f"The whole of strip {names[1]} is {long} cm long."),
                    (f"{one} cm is less than {other} cm, although {large} > {small}.",
                     "The wholes differ, so the two fractions alone do not decide."),
                )  # fmt: skip
                told = sorted(
                    [f"Strip {names[0]} is {large} of {short} cm.",
                     f"Strip {names[1]} is {small} of {long} cm."]
                )  # fmt: skip
                asked = f"{' '.join(told)} Which strip is longer?"
                yield Task(sort, asked, steps, longer, (large, small))


def _against_half(one: Printed) -> tuple[str, str]:
    twice = 2 * one.numerator
    sign = _sign(one.value, _HALF)
    said = {"<": "less than", ">": "more than", "=": "the same as"}[sign]
    return (
        f"2 {_TIMES} {one.numerator} = {twice}, and {twice} is {said} {one.denominator},"
        f" so {one} {sign} 1/2.",
        f"Two such amounts are {said} the whole of {one.denominator} parts.",
    )


_AS_WORDS = {"<": "less than", "=": "equal to", ">": "greater than"}


def _against_benchmark(sort: str, denominators: Sequence[int], most: int) -> Iterator[Task]:
    del most
    for one in _proper([below for below in denominators if below > 2]):
        told = f"Is {one} less than, equal to or greater than 1/2?"
        answer = f"{_AS_WORDS[_sign(one.value, _HALF)]} 1/2"
        yield Task(sort, told, (_against_half(one),), answer, (one,))


def _across_benchmark(sort: str, denominators: Sequence[int], most: int) -> Iterator[Task]:
    del most
    for one, other in combinations(_plain(denominators), 2):
        low, high = sorted((one, other), key=lambda f: f.value)
        if one.denominator != other.denominator and low.value < _HALF < high.value:
            steps = (
                _against_half(low),
                _against_half(high),
                (f"{low} < 1/2 and 1/2 < {high}, so {low} < {high}.",
                 "Of two numbers on either side of 1/2, the one above it is greater."),
            )  # fmt: skip
            yield Task(sort, _which(one, other), steps, str(high), (one, other))


def _benchmark_settles(sort: str, denominators: Sequence[int], most: int) -> Iterator[Task]:
    del most
    for one, other in combinations(_plain(denominators), 2):
        if one.denominator == other.denominator or _HALF in (one.value, other.value):
            continue
        signs = _sign(one.value, _HALF), _sign(other.value, _HALF)
        if signs[0] != signs[1]:
            answer, why = "yes", "One lies below 1/2 and one above, so the order is clear."
        else:
            answer = f"no, both are {_AS_WORDS[signs[0]]} 1/2"
            why = "Both lie on one side of 1/2, so their order is still open."
        steps = (
            _against_half(one),
            _against_half(other),
            (f"{one} {signs[0]} 1/2 and {other} {signs[1]} 1/2.", why),
        )
        told = f"Can 1/2 decide which is greater, {one} or {other}?"
        yield Task(sort, told, steps, answer, (one, other))


def _rewritten(one: Printed, to: int) -> tuple[str, str]:
    factor = to // one.denominator
    if factor == 1:
        return (f"{one} keeps the denominator {to}.", "It has parts of that size already.")
    return (
        f"{one} = {one.times(factor)}.",
        f"Each part is cut into {factor}: {one.denominator} {_TIMES} {factor} = {to} and"
        f" {one.numerator} {_TIMES} {factor} = {one.numerator * factor}.",
    )


def _shared_multiple(sort: str, denominators: Sequence[int], most: int) -> Iterator[Task]:
    for one, other in combinations(_plain(denominators), 2):
        a, b = one.denominator, other.denominator
        shared = lcm(a, b)
        if a != b and shared <= most:
            steps = (
                (f"Multiples of {a}: {_multiples(a, shared)}.",
                 f"A whole of {a} equal parts can be cut into so many."),
                (f"Multiples of {b}: {_multiples(b, shared)}.",
                 f"A whole of {b} equal parts can be cut into so many."),
                (f"The first number in both lists is {shared}.",
                 f"Both wholes can be cut into {shared} equal parts."),
            )  # fmt: skip
            told = f"Into how many equal parts can both wholes be cut, for {one} and {other}?"
            yield Task(sort, told, steps, f"{shared}, or a multiple of it", (one, other))


def _multiples(of: int, to: int) -> str:
    return ", ".join(str(number) for number in range(of, to + 1, of))


def _by_shared_parts(sort: str, denominators: Sequence[int], most: int) -> Iterator[Task]:
    for one, other in combinations(_plain(denominators), 2):
        shared = lcm(one.denominator, other.denominator)
        if one.denominator == other.denominator or shared > most or one.numerator == 1:
            continue
        a, b = (one.times(shared // one.denominator), other.times(shared // other.denominator))
        sign = _sign(a.value, b.value)
        steps = (
            _rewritten(one, shared),
            _rewritten(other, shared),
            (f"{a} {sign} {b}, so {one} {sign} {other}.",
             "Both name the same amounts as before, now in parts of one size."),
        )  # fmt: skip
        yield Task(sort, _which(one, other), steps, str(_greater(one, other)), (one, other))


def _in_order(sort: str, denominators: Sequence[int], most: int) -> Iterator[Task]:
    for three in combinations(_plain(denominators), 3):
        shared = lcm(*(one.denominator for one in three))
        ordered = sorted(three, key=lambda f: f.value)
        if len({one.denominator for one in three}) < 3 or shared > most or ordered == list(three):
            continue
        lengths = [one.times(shared // one.denominator) for one in ordered]
        steps = (
            (f"Divide the unit into {shared} equal steps.",
             f"{shared} is a multiple of {listed([str(one.denominator) for one in three])}."),
            *(_rewritten(one, shared) for one in three),
            (f"{' < '.join(map(str, lengths))}.",
             "On a scale of equal steps, more steps from 0 lie further to the right."),
        )  # fmt: skip
        told = f"Order from least to greatest: {', '.join(map(str, three))}."
        yield Task(sort, told, steps, ", ".join(map(str, ordered)), three)


def _between(sort: str, denominators: Sequence[int], most: int) -> Iterator[Task]:
    for one, other in combinations(_plain(denominators), 2):
        low, high = sorted((one, other), key=lambda f: f.value)
        if one.denominator == other.denominator:
            continue
        shared = lcm(one.denominator, other.denominator)
        gap = (high.value - low.value) * shared
        scale = shared if gap > 1 else 2 * shared
        if scale > most:
            continue
        a, b = (f.times(scale // f.denominator) for f in (low, high))
        found = Printed(scale, a.numerator + 1)
        steps = (
            _rewritten(low, scale),
            _rewritten(high, scale),
            (f"{a} < {found} < {b}.",
             f"Between {a.numerator} and {b.numerator} steps of 1/{scale} lies"
             f" {found.numerator}."),
        )  # fmt: skip
        told = f"Find a fraction between {low} and {high}."
        yield Task(sort, told, steps, f"{found}, for example", (low, high))


def _missing_to_one(sort: str, denominators: Sequence[int], most: int) -> Iterator[Task]:
    del most
    for one, other in combinations(denominators, 2):
        for short in range(1, 4):
            a, b = Printed(one, one - short), Printed(other, other - short)
            if a.numerator < 1 or a.value < _HALF:
                continue
            gaps = Printed(one, short), Printed(other, short)
            steps = (
                (f"{a} is {gaps[0]} short of 1.", f"1 is {one}/{one}."),
                (f"{b} is {gaps[1]} short of 1.", f"1 is {other}/{other}."),
                (f"{gaps[0]} > {gaps[1]}, so {a} < {b}.",
                 "The smaller the gap to 1, the greater the fraction."),
            )  # fmt: skip
            yield Task(sort, _which(a, b), steps, str(b), (a, b))


_Steps = tuple[tuple[str, str], ...]


def _cut(one: Printed, factor: int) -> _Steps:
    made = one.times(factor)
    return (
        (f"{one.denominator} {_TIMES} {factor} = {made.denominator} parts make the whole.",
         f"Each of the {one.denominator} parts became {factor}."),
        (f"{one.numerator} {_TIMES} {factor} = {made.numerator} of them are marked.",
         f"{_each(one.numerator, 'marked part')} became {factor}, too."),
        (f"{one} = {made}.", "The outline and the marking stayed, so the amount stayed."),
    )  # fmt: skip


def _each(count: int, of: str) -> str:
    return f"Each of the {count} {of}s" if count > 1 else f"The one {of}"


def _cut_steps(one: Printed, factor: int) -> _Steps:
    """The same on a number line: steps are divided, and a point stays."""
    made = one.times(factor)
    return (
        (f"{one.denominator} {_TIMES} {factor} = {made.denominator} steps lead from 0 to 1.",
         f"Each step of 1/{one.denominator} became {factor} shorter ones."),
        (f"{one.numerator} {_TIMES} {factor} = {made.numerator} of them lead to {one}.",
         f"{_each(one.numerator, 'step')} from 0 to the point became {factor}, too."),
        (f"{one} = {made}.", "The point stayed, so both fractions name one number."),
    )  # fmt: skip


def _cut_amount(one: Printed, factor: int) -> _Steps:
    """The same where nothing says what the amount is shown on."""
    made = one.times(factor)
    return (
        (f"{one.denominator} {_TIMES} {factor} = {made.denominator} parts make the whole.",
         f"Each of the {one.denominator} parts counts as {factor} smaller ones."),
        (f"{one.numerator} {_TIMES} {factor} = {made.numerator} of them make the amount.",
         f"{_each(one.numerator, 'part')} of the amount counts as {factor}, too."),
        (f"{one} = {made}.", "Nothing was added or taken away, so the amount stayed."),
    )  # fmt: skip


def _renamed(
    told: Callable[[Printed, int, Printed], str],
    answer: Callable[[Printed], str],
    worked: Callable[[Printed, int], _Steps] = _cut_amount,
) -> _Sort:
    """A sort in which each part is cut, asked for in several ways."""

    def tasks(sort: str, denominators: Sequence[int], most: int) -> Iterator[Task]:
        for one in _plain(denominators):
            for factor in (2, 3, 4, 5):
                made = one.times(factor)
                if made.denominator <= most:
                    yield Task(
                        sort, told(one, factor, made), worked(one, factor), answer(made), (one,)
                    )

    return tasks


def _common_factors(sort: str, denominators: Sequence[int], most: int) -> Iterator[Task]:
    del most
    for one in _proper([below for below in denominators if below > 3]):
        above, below = one.numerator, one.denominator
        shared = _factors(gcd(above, below))
        if len(shared) < 2:
            continue
        steps = (
            (f"{above} is divided without remainder by {_numbers(_factors(above))}.",
             f"Each of these times a whole number is {above}."),
            (f"{below} is divided without remainder by {_numbers(_factors(below))}.",
             f"Each of these times a whole number is {below}."),
            (f"In both lists: {_numbers(shared)}.", "Only these divide both numbers."),
        )  # fmt: skip
        told = f"Look at {one}. Which whole numbers divide both {above} and {below}?"
        yield Task(sort, told, steps, _numbers(shared), (one,))


def _factors(of: int) -> list[int]:
    return [number for number in range(1, of + 1) if of % number == 0]


def _numbers(some: Sequence[int]) -> str:
    return ", ".join(map(str, some))


def _smaller_numbers(one: Printed) -> _Steps:
    by = gcd(one.numerator, one.denominator)
    made = Printed(one.denominator // by, one.numerator // by)
    return (
        (f"{by} divides both {one.numerator} and {one.denominator}.",
         f"No number larger than {by} divides both."),
        (f"{one.numerator} ÷ {by} = {made.numerator} and {one.denominator} ÷ {by} ="
         f" {made.denominator}.",
         f"Taken together in groups of {by}, the parts are fewer and larger."),
        (f"{one} = {made}.", "Nothing was added or taken away, so the amount stayed."),
    )  # fmt: skip


def _simplified(sort: str, denominators: Sequence[int], most: int) -> Iterator[Task]:
    del most
    for one in _proper(denominators):
        by = gcd(one.numerator, one.denominator)
        if by > 1:
            made = Printed(one.denominator // by, one.numerator // by)
            told = f"Write {one} with the smallest possible numbers."
            yield Task(sort, told, _smaller_numbers(one), str(made), (one,))


def _is_simplest(sort: str, denominators: Sequence[int], most: int) -> Iterator[Task]:
    del most
    for one in _proper([below for below in denominators if below > 3]):
        told = f"Can {one} be written with smaller numbers?"
        by = gcd(one.numerator, one.denominator)
        if by > 1:
            made = Printed(one.denominator // by, one.numerator // by)
            yield Task(sort, told, _smaller_numbers(one), f"yes, as {made}", (one,))
        elif one.numerator > 1:
            above, below = _factors(one.numerator), _factors(one.denominator)
            steps = (
                (f"{one.numerator} is divided without remainder by {_numbers(above)}.",
                 f"Each of these times a whole number is {one.numerator}."),
                (f"{one.denominator} is divided without remainder by {_numbers(below)}.",
                 f"Each of these times a whole number is {one.denominator}."),
                ("Only 1 stands in both lists.", "Dividing by 1 changes no number."),
            )  # fmt: skip
            yield Task(sort, told, steps, "no", (one,))


def _counted_from_zero(sort: str, denominators: Sequence[int], most: int) -> Iterator[Task]:
    del most
    for one in _plain(denominators):
        steps = (
            (f"Divide the stretch from 0 to 1 into {one.denominator} equal steps.",
             f"The denominator {one.denominator} says how many steps make 1."),
            (f"Go {one.numerator} steps from 0.",
             f"The numerator {one.numerator} counts steps, not marks."),
        )  # fmt: skip
        told = f"Where does {one} lie on a line from 0 to 1?"
        answer = f"{one.numerator} of {one.denominator} equal steps from 0"
        yield Task(sort, told, steps, answer, (one,))


def _beyond_one(sort: str, denominators: Sequence[int], most: int) -> Iterator[Task]:
    del most
    for below in denominators:
        for above in range(below + 1, 2 * below):
            one = Printed(below, above)
            if gcd(above, below) == 1:
                more = above - below
                steps = (
                    (f"{below} steps of 1/{below} reach 1.",
                     f"The denominator {below} says how many steps make 1."),
                    (f"{above} - {below} = {more}, so go {more} further.",
                     f"The numerator counts {above} steps from 0."),
                )  # fmt: skip
                told = f"Where does {one} lie on a line from 0 to 2?"
                answer = f"{more} of {below} equal steps beyond 1"
                yield Task(sort, told, steps, answer, (one,))


def _unit_part(sort: str, denominators: Sequence[int], most: int) -> Iterator[Task]:
    del most
    for below in denominators:
        one = Printed(below, 1)
        steps = (
            (f"The strip has {below} equal parts.", "They are folded to one size."),
            (f"One of {below} equal parts is {one}.", "The denominator counts all the parts."),
        )
        told = f"A strip is folded into {below} equal parts. Which fraction of it is one part?"
        yield Task(sort, told, steps, str(one), (one,))


def _words(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.IGNORECASE)


_FRACTION_WORDS = _words(r"\b(fractions?|numerators?|denominators?)\b")
_OTHER = _words(
    r"\b(expressions?|equations?|decimals?|ratios?|algebra\w*|percent\w*|proofs?|triangles?)\b"
)
"""What a component is about that is no task with two numbers, one above the other."""

_UNNAMED: dict[str, re.Pattern[str]] = {
    "benchmark_settles": _words(r"\bbenchmark settles a given comparison\b"),
    "cut_parts": _words(r"\bcutting every part\b.*\bshaded amount\b"),
}
"""Sorts whose components need not name fractions, with the words that tell them then."""

SORTS: dict[str, tuple[re.Pattern[str], _Sort]] = {
    "same_denominator": (_words(r"\bcompar\w+\b.*\bsame denominator"), _same_denominator),
    "same_numerator": (_words(r"\bcompar\w+\b.*\bsame numerator"), _same_numerator),
    "same_whole": (_words(r"\bcompar\w+\b.*\bsame whole"), _same_whole),
    "missing_to_one": (_words(r"\bmissing to (1|the whole)\b"), _missing_to_one),
    "against_benchmark": (_words(r"\bclassify\b.*1/2"), _against_benchmark),
    "benchmark_settles": (_words(r"\bbenchmark\b.*\bsettles?\b"), _benchmark_settles),
    "across_benchmark": (_words(r"\bcompar\w+\b.*(sides of 1/2|benchmark)"), _across_benchmark),
    "shared_multiple": (_words(r"\bidentify\b.*\bcommon denominator"), _shared_multiple),
    "shared_parts": (
        _words(r"\bcompar\w+\b.*(common denominator|equivalent fractions)"), _by_shared_parts),
    "order": (_words(r"\border\b.*\bfractions\b"), _in_order),
    "between": (_words(r"\bbetween two (given )?fractions\b"), _between),
    "common_factors": (_words(r"\bcommon factors\b.*\bnumerator\b"), _common_factors),
    "simplify": (_words(r"\bsimplify\b"), _simplified),
    "simplest_form": (_words(r"\bsimplest form\b"), _is_simplest),
    "missing_number": (_words(r"\bequality\b.*\bmissing\b"), _renamed(
        lambda one, _, made: f"Which number goes above {made.denominator} to make a fraction"
        f" equal to {one}?",
        lambda made: str(made.numerator))),
    "cut_parts": (_words(r"\b(cutting|cut) (every|each) part\b"), _renamed(
        lambda one, factor, _: f"Each part of {one} is cut into {factor} smaller equal parts. Which"
        " fraction is marked now?", str, _cut)),
    "multiply": (_words(r"\bgenerate\b.*\bequivalent fractions\b"), _renamed(
        lambda one, factor, _: f"Multiply both numbers of {one} by {factor}. Which fraction is"
        " it?", str)),
    "same_point": (_words(r"\bfractions at the same point\b"), _renamed(
        lambda one, _, made: f"A line has {made.denominator} equal steps from 0 to 1. Which"
        f" fraction with the denominator {made.denominator} lies at {one}?", str, _cut_steps)),
    "two_names": (_words(r"\bby two fractions with different denominators\b"), _renamed(
        lambda one, _, made: f"Name the amount {one} by a fraction with the denominator"
        f" {made.denominator}.", str)),
    "beyond_one": (_words(r"\blocate\b.*\bbetween 1 and 2\b"), _beyond_one),
    "counted_from_zero": (_words(r"\blocate\b.*\bfrom 0\b"), _counted_from_zero),
    "unit_part": (_words(r"\brepresent\b.*\bunit fraction\b"), _unit_part),
}  # fmt: skip
"""Sorts of task that can be computed: the words of a component that tell, and its tasks."""

_PAIRS: dict[str, Callable[[Printed, Printed], bool]] = {
    "same_denominator": lambda one, other: one.denominator == other.denominator,
    "same_numerator": lambda one, other: (
        one.numerator == other.numerator and one.denominator != other.denominator
    ),
    "benchmark_settles": lambda one, other: one.denominator != other.denominator,
    "missing_to_one": lambda one, other: (
        one.denominator - one.numerator == other.denominator - other.numerator > 0
    ),
    "across_benchmark": lambda one, other: (
        min(one.value, other.value) < _HALF < max(one.value, other.value)
        or min(one.value, other.value) < 1 < max(one.value, other.value)
    ),
}


# ----------------------------------------------------------------------------------------- beliefs


def _pair(rule: Callable[[Printed, Printed], Printed | str | None]) -> Callable[[Task], str | None]:
    """What a belief about two fractions says where the question is which is greater."""

    def answer(task: Task) -> str | None:
        if not task.statement.startswith("Which is greater") or len(task.fractions) != 2:
            return None
        said = rule(*task.fractions)
        return None if said is None else str(said)

    return answer


def _both_larger(one: Printed, other: Printed) -> Printed | None:
    for a, b in ((one, other), (other, one)):
        if a.numerator > b.numerator and a.denominator > b.denominator:
            return a
    return None


def _by_denominator(choose: Callable[..., Printed]) -> Callable[[Task], str | None]:
    def rule(one: Printed, other: Printed) -> Printed | None:
        if one.denominator == other.denominator:
            return None
        return choose(one, other, key=lambda f: f.denominator)

    return _pair(rule)


def _equal_gaps(one: Printed, other: Printed) -> str | None:
    gaps = (one.denominator - one.numerator, other.denominator - other.numerator)
    return "they are equal" if gaps[0] == gaps[1] else None


def _added(task: Task) -> str | None:
    """The same number added above and below instead of multiplied."""
    named = re.search(r"(?:above|denominator)\s*(\d+)", task.statement)
    if len(task.fractions) != 1:
        return None
    (one,) = task.fractions
    if task.sort == "multiply" or task.sort == "cut_parts":
        made = printed_in(task.answer)
        if not made:
            return None
        factor = made[0].denominator // one.denominator
        return str(Printed(one.denominator + factor, one.numerator + factor))
    if task.sort in ("missing_number", "two_names", "same_point") and named:
        below = int(named.group(1))
        above = one.numerator + below - one.denominator
        return str(above) if task.sort == "missing_number" else str(Printed(below, above))
    return None


def _amount_changed(change: str, *sorts: str) -> Callable[[Task], str | None]:
    """A belief by which another name for an amount is another amount."""

    def answer(task: Task) -> str | None:
        made = printed_in(task.answer)
        if task.sort not in sorts or len(task.fractions) != 1 or len(made) != 1:
            return None
        (one,) = task.fractions
        factor = made[0].denominator // one.denominator
        return f"{made[0]} is {change.format(factor=factor)} {one}"

    return answer


def _marks_counted(task: Task) -> str | None:
    if task.sort == "counted_from_zero":
        (one,) = task.fractions
        return f"{one.numerator - 1} of {one.denominator} equal steps from 0"
    return None


_BELIEFS: tuple[tuple[re.Pattern[str], Callable[[Task], str | None]], ...] = (
    (_words(r"larger denominator is the larger"), _by_denominator(max)),
    (_words(r"smaller denominator is (always )?larger"), _by_denominator(min)),
    (_words(r"numbers are both larger"), _pair(_both_larger)),
    (_words(r"same difference between denominator and numerator"), _pair(_equal_gaps)),
    (_words(r"adding the same number to numerator and denominator"), _added),
    (_words(r"marks are counted"), _marks_counted),
    (_words(r"the one with more parts is the larger"),
     _amount_changed("more than", "two_names", "cut_parts")),
    (_words(r"multiplying numerator and denominator\b.*\btimes as large"),
     _amount_changed("{factor} times as large as", "cut_parts", "multiply")),
    (_words(r"simplifying makes a fraction smaller"), _amount_changed("less than", "simplify")),
)  # fmt: skip
