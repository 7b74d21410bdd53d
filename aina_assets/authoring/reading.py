"""Reading plans: what a text names, says or hides, as far as code can tell.

Belongs here: small questions about texts, slides and screens that several readings share.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_COLOURS = "red green blue yellow orange purple pink brown grey gray violet turquoise black white"
_COLOUR = re.compile(rf"\b({'|'.join(_COLOURS.split())})\b", re.IGNORECASE)
_CUES = re.compile(
    r"\b(hatch\w*|pattern\w*|stripe\w*|dotted|label\w*|letter\w*|outline\w*|bold|left|right|upper|"
    r"lower|top|bottom|first|second|part [a-z])\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^.!?]+[.!?]*[\u201d\u2019\"')]*")
_CLOSING = "\u201d\u2019\"')"
_COMMON_WORDS = (
    "that this with from what which where when their there they then than have been will your"
    " into only each every does show shows marked mark write draw drawn drawing beside under"
    " over about case cases answer answers part parts whole slide screen student students"
)
_COMMON = frozenset(_COMMON_WORDS.split())


COMPUTED, NOT_COMPUTED = "computed", "not_computed"
"""Sources of a solution: worked out by rule, or left for a person to write."""


@dataclass(frozen=True)
class Fault:
    """A place at which a plan is not as it should be.

    Attributes:
        where: slide or screen; 0: the plan as a whole.
        field: in which field; a path below it where that is known.
        quote: the words there; what evidence quotes of them, ``quoting`` looks up.
        what: what is missing or wrong.
        is_fatal: one is enough for the lowest level.
    """

    where: int
    field: str
    quote: str
    what: str
    is_fatal: bool = False


Faults = Iterator[Fault]


def words_of(text: str) -> list[str]:
    """Words in lower case."""
    return re.findall(r"[\w/']+", text.lower())


def word_count(text: str) -> int:
    """How many words."""
    return len(text.split())


def sentences(text: str) -> list[str]:
    """Sentences, with their sign and the quotes that close after it."""
    return [part.strip() for part in _SENTENCE.findall(text) if part.strip()]


def is_question(sentence: str) -> bool:
    """Whether a sentence ends by asking, in quotes or out of them."""
    return sentence.rstrip(_CLOSING).endswith("?")


def names_term(text: str, term: str) -> bool:
    """Whether a text has a term, singular or plural."""
    return bool(term.strip()) and _term(term.lower()).search(text) is not None


@lru_cache(maxsize=4096)
def _term(term: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(term.rstrip('s'))}(s|es)?(?!\w)", re.IGNORECASE)


def asks(text: str) -> bool:
    """Whether it asks something, or tells students to do something."""
    return "?" in text or bool(
        re.search(r"\b(write|draw|show|mark|choose|say|explain|compare|fold)\b", text.lower())
    )


def colour_alone(text: str) -> str | None:
    """A sentence that tells something by a colour with no second cue beside it."""
    for sentence in sentences(text):
        if _COLOUR.search(sentence) and not _CUES.search(sentence):
            return sentence
    return None


def content_words(text: str) -> set[str]:
    """Words that carry meaning: four letters or more, and not those every slide has."""
    return {word.rstrip("s") for word in words_of(text) if len(word) > 3 and word not in _COMMON}


def gives_answer(text: str, answer: str) -> bool:
    """Whether a text states an answer: outside its questions, and not as one choice of several."""
    plain = answer.strip().rstrip(".").lower()
    if not plain:
        return False
    for sentence in sentences(text):
        if is_question(sentence) or plain not in sentence.lower():
            continue
        said = re.escape(plain)
        if word_count(plain) > 2 and re.search(rf"(?<!\w){said}(?!\w)", sentence.lower()):
            return True
        if re.search(rf"(answer|result|is|are|=|equals|so)[\s:]+{said}(?!\w)", sentence.lower()):
            return True
    return False


def answer_in(teacher_action: str) -> str:
    """The answer that the teacher's part gives; empty where it gives none."""
    found = re.search(r"\bAnswer:\s*(.+?)(?:\.\s|\.$|$)", teacher_action)
    return found.group(1).strip() if found else ""


def answers_in(teacher_action: str) -> list[str]:
    """Every answer that the teacher's part gives, in order."""
    found = re.findall(r"\bAnswer:\s*(.+?)(?=\.\s|\.$|$)", teacher_action)
    return [one.strip() for one in found]


def solutions_of(entry: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The solutions of a slide or screen, each with its path; none where the plan gives none."""
    for place, one in enumerate(entry.get("worked_solutions") or ()):
        if isinstance(one, Mapping):
            yield f"worked_solutions[{place}]", one
    if isinstance(entry.get("task"), Mapping):
        yield "task", entry["task"]


def of_component(entries: Sequence[Mapping[str, Any]], index: int) -> list[Mapping[str, Any]]:
    """Slides or screens that work on a component."""
    return [entry for entry in entries if index in entry["component_indexes"]]


def tests_component(entry: Mapping[str, Any], index: int, statement: str) -> bool:
    """Whether a task for a component stands where a slide says that it works on it.

    A slide with as many tasks as components has one for each. Where tasks are fewer, a component
    has one if a method of the tasks is in its words; a plan without solutions is taken at its word.
    """
    if index not in entry["component_indexes"]:
        return False
    solutions = entry.get("worked_solutions")
    if solutions is None or len(solutions) >= len(entry["component_indexes"]):
        return True
    methods = [str(one.get("method") or "").strip().casefold() for _, one in solutions_of(entry)]
    return any(one and one in statement.casefold() for one in methods)


def variants_of(entry: Mapping[str, Any]) -> list[str]:
    """What changes on a slide or screen."""
    if "variation" in entry:
        return _several(entry["variation"].get("variant"))
    return _several(entry["variants_and_invariants"].get("variants"))


def invariants_of(entry: Mapping[str, Any]) -> list[str]:
    """What stays on a slide or screen."""
    if "variation" in entry:
        return _several(entry["variation"].get("invariant"))
    return _several(entry["variants_and_invariants"].get("invariants"))


def _several(value: object) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in re.split(r",|;|\band\b", value) if part.strip()]
    if isinstance(value, list):
        return [str(part) for part in value if str(part).strip()]
    return []


def texts_in(value: Any) -> Iterable[str]:
    """Every text of a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_in(inner)


def follows(before: str, after: str) -> bool:
    """Whether a state takes up the one before: half of what that one names is still there."""
    named = content_words(before)
    return not named or len(named & content_words(after)) * 2 >= len(named)
