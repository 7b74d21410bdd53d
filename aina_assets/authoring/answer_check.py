"""Answers checked: what comes out, found from the words of a question alone.

Belongs here: one rule a form of question, none of which knows how ``fraction_tasks`` made it; and
which forms offer a choice. Stays out: where questions and answers stand (``gate_readings``).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from math import gcd, lcm

_FRACTION = r"(\d+)/(\d+)"
_HALF = Fraction(1, 2)
_WHOLE = re.compile(rf"{_FRACTION} of (\d+) cm")


def is_right(question: str, answer: str) -> bool | None:
    """Whether an answer is right; ``None`` where no rule reads the question.

    An answer without the numbers that its question asks for is wrong.
    """
    for form, _, rule in _RULES:
        if form.fullmatch(question.strip()):
            try:
                return rule(question, answer.strip().rstrip("."))
            except (ValueError, IndexError, ZeroDivisionError):
                return False
    return None


def offers_choice(question: str) -> bool:
    """Whether the answer is one of a few that the question itself lays out."""
    return any(
        is_choice and form.fullmatch(question.strip()) is not None for form, is_choice, _ in _RULES
    )


def choice_of(answer: str) -> str:
    """Which of a few answers was given: yes or no, or its first two words."""
    words = re.findall(r"[\w/]+", answer.lower())
    return words[0] if words[:1] in (["yes"], ["no"]) else " ".join(words[:2])


def _values(text: str) -> list[Fraction]:
    return [Fraction(int(a), int(b)) for a, b in re.findall(_FRACTION, text)]


def _numbers(text: str) -> list[int]:
    return [int(one) for one in re.findall(r"\d+", text)]


def _pair(text: str) -> tuple[int, int]:
    """The one fraction of a text, as printed."""
    ((above, below),) = re.findall(_FRACTION, text)
    return int(above), int(below)


def _greater(question: str, answer: str) -> bool:
    asked = _values(question)
    return _values(answer) == [max(asked)] and len(set(asked)) > 1


def _longer_strip(question: str, answer: str) -> bool:
    one, other = (Fraction(int(a), int(b)) * int(whole) for a, b, whole in _WHOLE.findall(question))
    return one != other and answer.lower() == ("strip b" if other > one else "strip a")


def _against_half(question: str, answer: str) -> bool:
    one = _values(question)[0]
    words = "less than" if one < _HALF else "greater than" if one > _HALF else "equal to"
    return answer == f"{words} 1/2"


def _half_decides(question: str, answer: str) -> bool:
    _, one, other = _values(question)
    is_apart = (one < _HALF) != (other < _HALF)
    if is_apart:
        return answer.startswith("yes")
    side = "less" if one < _HALF else "greater"
    return answer.startswith("no") and not ({"less", "greater"} - {side} & set(answer.split()))


def _shared_parts(question: str, answer: str) -> bool:
    (_, a), (_, b) = re.findall(_FRACTION, question)
    return _numbers(answer) == [lcm(int(a), int(b))]


def _in_order(question: str, answer: str) -> bool:
    return _values(answer) == sorted(_values(question))


def _between(question: str, answer: str) -> bool:
    low, high = sorted(_values(question))
    return low < _values(answer)[0] < high


def _common_factors(question: str, answer: str) -> bool:
    a, b = _numbers(question)[:2]
    return _numbers(answer) == [one for one in range(1, a + 1) if a % one == b % one == 0]


def _smallest(question: str, answer: str) -> bool:
    return _values(answer) == _values(question) and gcd(*_pair(answer)) == 1


def _can_be_smaller(question: str, answer: str) -> bool:
    said, can = _values(answer), gcd(*_pair(question)) > 1
    if said and (said != _values(question) or gcd(*_pair(answer)) != 1):
        return False
    return answer.startswith("yes" if can else "no")


def _place(question: str, answer: str) -> bool:
    above, below = _pair(question)
    steps, of = _numbers(answer)[:2]
    return (steps + (below if "beyond 1" in answer else 0), of) == (above, below)


def _one_part(question: str, answer: str) -> bool:
    return _values(answer) == [Fraction(1, _numbers(question)[0])]


def _number_above(question: str, answer: str) -> bool:
    return Fraction(int(answer), _numbers(question)[0]) == _values(question)[0]


def _other_name(question: str, answer: str) -> bool:
    below = _numbers(question.split("denominator")[1])[0]
    return _values(answer) == _values(question)[:1] and _pair(answer)[1] == below


def _both_times(question: str, answer: str) -> bool:
    above, below = _pair(question)
    factor = _numbers(re.sub(_FRACTION, "", question))[0]
    return answer == f"{above * factor}/{below * factor}"


_ONE = r"\d+/\d+"
_TWO = rf"{_ONE} (?:or|and) {_ONE}"


def _form(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.IGNORECASE)


_RULES: tuple[tuple[re.Pattern[str], bool, Callable[[str, str], bool]], ...] = (
    (_form(rf"Which (?:is|fraction is) greater, {_TWO}\?"), False, _greater),
    (_form(rf"Strip A is {_ONE} of \d+ cm. Strip B is {_ONE} of \d+ cm."
           r" Which strip is longer\?"), True, _longer_strip),
    (_form(rf"Is {_ONE} less than, equal to or greater than 1/2\?"), True, _against_half),
    (_form(rf"Can 1/2 decide which is greater, {_TWO}\?"), True, _half_decides),
    (_form(rf"Into how many equal parts can both wholes be cut, for {_TWO}\?"),
     False, _shared_parts),
    (_form(rf"Order from least to greatest: {_ONE}(?:, {_ONE})+\."), False, _in_order),
    (_form(rf"Find a fraction between {_TWO}\."), False, _between),
    (_form(rf"Look at {_ONE}\. Which whole numbers divide both \d+ and \d+\?"),
     False, _common_factors),
    (_form(rf"Write {_ONE} with the smallest possible numbers\."), False, _smallest),
    (_form(rf"Can {_ONE} be written with smaller numbers\?"), True, _can_be_smaller),
    (_form(rf"Where does {_ONE} lie on a line from 0 to [12]\?"), False, _place),
    (_form(r"A strip is folded into \d+ equal parts\. Which fraction of it is one part\?"),
     False, _one_part),
    (_form(rf"Which number goes above \d+ to make a fraction equal to {_ONE}\?"),
     False, _number_above),
    (_form(rf"Name the amount {_ONE} by a fraction with the denominator \d+\."),
     False, _other_name),
    (_form(r"A line has \d+ equal steps from 0 to 1\. Which fraction with the denominator \d+"
           rf" lies at {_ONE}\?"), False, _other_name),
    (_form(rf"Each part of {_ONE} is cut into \d+ smaller equal parts\. Which fraction .*\?"),
     False, _both_times),
    (_form(rf"Multiply both numbers of {_ONE} by \d+\. Which fraction is it\?"),
     False, _both_times),
)  # fmt: skip
"""Each form of question, whether it offers a choice, and the rule that answers it."""
