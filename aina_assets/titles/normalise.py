"""Reading a raw job title: its keys, rung by rung, and its parts.

Belongs here: turning any text into the keys under which titles are looked up, each a little less
literal than the one before, and saying what was cut, expanded or turned round on the way. Every
word it knows comes from ``data/title_words.yaml``. Stays out: what a title means (``matching``),
what is excluded (``exclusions``), Dagster.

Every key is one rung of a ladder and earns its own precision:

=================  ==============================================================================
``key``            the title as written: case, accents and punctuation folded
``core_key``       without requisition ids, employment type, place, employer, level and brackets
``expanded_key``   abbreviations written out, one spelling, head nouns in the singular
``inverted_key``   turned round: "accountant, tax" is a tax accountant
``level_cut_key``  without words of seniority
=================  ==============================================================================
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import pyarrow as pa

from aina_assets.titles.policy import Abbreviation, Seniority, TitleWords

RUNGS = ("key", "core_key", "expanded_key", "inverted_key", "level_cut_key")

PARSED_SCHEMA = pa.schema(
    [
        pa.field("cleaned", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("core_key", pa.string(), nullable=False),
        pa.field("expanded_key", pa.string(), nullable=False),
        pa.field("inverted_key", pa.string()),
        pa.field("level_cut_key", pa.string()),
        pa.field("sorted_key", pa.string(), nullable=False),
        pa.field("seniority", pa.string()),
        pa.field("employment_type", pa.string()),
        pa.field("location", pa.string()),
        pa.field("company", pa.string()),
        pa.field("requisition_id", pa.string()),
        pa.field("level", pa.string()),
        pa.field("head_noun", pa.string()),
        pa.field("modifiers", pa.list_(pa.string()), nullable=False),
        pa.field("rules", pa.list_(pa.string()), nullable=False),
    ]
)

Step = tuple[str, str, str]


@dataclass(frozen=True)
class Parsed:
    """One title as read.

    Attributes:
        cleaned: Unicode, white space, quotes and dashes folded; case kept.
        key, core_key, expanded_key, inverted_key, level_cut_key: the rungs; the last two are null
            where they would say nothing new.
        sorted_key: the words of ``expanded_key``, each once, in the singular and sorted: titles
            that share it are told apart by order alone.
        seniority: a value of the table of seniority, or null.
        employment_type: kinds of employment named in the title, joined by ``+``.
        location, company, requisition_id, level: what was cut, or null.
        head_noun: the word that says what the person is, in the singular.
        modifiers: the remaining words, in order.
        rules: ids of the rules applied, in order.
        steps: rule, what it cut or changed, the text after.
    """

    cleaned: str
    key: str
    core_key: str
    expanded_key: str
    inverted_key: str | None
    level_cut_key: str | None
    sorted_key: str
    seniority: str | None
    employment_type: str | None
    location: str | None
    company: str | None
    requisition_id: str | None
    level: str | None
    head_noun: str | None
    modifiers: tuple[str, ...]
    rules: tuple[str, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Normaliser:
    """Reads titles by the words of a document.

    Attributes:
        words: the tables of words.
        vocabulary: keys of titles that are known; their words are not taken for employers, and
            the words they end with are head nouns.
    """

    words: TitleWords
    vocabulary: frozenset[str] = frozenset()
    _reader: _Reader = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_reader", _Reader(self.words, self.vocabulary))

    def __call__(self, titles: Sequence[str | None]) -> pa.Table:
        """``PARSED_SCHEMA``: one row a title, in the same order; a null reads as empty text."""
        read = self._reader.read
        columns = list(zip(*(read(title or "", None) for title in titles), strict=True))
        arrays = [
            pa.array(columns[position] if columns else [], column.type)
            for position, column in enumerate(PARSED_SCHEMA)
        ]
        return pa.Table.from_arrays(arrays, schema=PARSED_SCHEMA)

    def parse(self, title: str) -> Parsed:
        """One title, with every step that was taken."""
        steps: list[Step] = []
        row = self._reader.read(title, steps)
        return Parsed(*(*row, tuple(steps)))

    def key(self, title: str) -> str:
        """The ``key`` of one title, no more."""
        reader = self._reader
        return reader.key(_TOKEN.findall(reader.fold(reader.clean(title))))

    def singular(self, token: str) -> str:
        """The singular of one word."""
        return self._reader.singular(token)


# --- characters ------------------------------------------------------------------------------

_W = (
    r"[^\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]"  # a letter, mark or digit of any script, once folded
)
_TOKEN = re.compile(
    rf"(?<![^ (/,])\.net(?!{_W})"
    rf"|(?<!{_W})[a-z]{{1,2}}\+\+(?!{_W})|(?<!{_W})[a-z]#(?!{_W})"
    r"| - ?|- |[,;|:@()\[\]{}/&]"
    rf"|{_W}+"
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,31}\d{0,2});")
_DOTTED = re.compile(rf"(?<!{_W})(?:[a-z]\.)+[a-z](?!{_W})\.?")
_DIGIT = re.compile(r"\d")
_CAPITALS = re.compile(r"(?<![A-Za-z])[A-Z]{2,5}(?![A-Za-z])")
_LOWER = re.compile(r"[a-z]")

_NUMBER_ID = re.compile(
    r"(?:"
    r"#\s?[a-z]{0,4}-?\d[\w.-]*"
    r"|(?<![\w-])(?:req(?:uisition)?|job|ref(?:erence)?|posting|position|vacancy|jr|jo)"
    r"(?:\s?(?:id|no|number|code))?\s?[.:#-]{0,2}\s?[a-z]{0,4}-?\d{2,}[\w.-]*"
    r"|(?<![\w.])[a-z]{1,10}-?\d{4,}(?:[-.][a-z0-9]*\d[a-z0-9]*)*(?![\w])"
    r"|(?<![\w.$])(?<!\w-)\d{3,}(?:[.-]\d+)+(?!\w)"
    r"|(?<![\w.$])(?<!\w-)\d{2}-\d{4}(?:\.\d{2})?(?!\w)"
    r"|(?<![\w.$,])(?<!\w-)\d{5,}(?!\w)"
    r")"
)
_MONEY = re.compile(
    r"(?:up to )?[$£€]\s?\d[\d,.]*k?(?:\s?(?:-|to)\s?[$£€]?\d[\d,.]*k?)?\+?"
    r"(?:\s?(?:/|per |an? )\s?(?:hr|hour|h|year|yr|annum|week|wk|month|mo|day)\b)?"
    r"|(?<![\w.$-])\d{2,3}k(?:\s?(?:-|to)\s?\d{2,3}k)?\+?(?!\w)"
)

_MONEY_SIGN = re.compile(r"[$£€]|\dk")

_SEPARATORS = {
    " -": "-",
    " - ": "-",
    "- ": "-",
    ",": ",",
    ";": ",",
    ":": ",",
    "|": "|",
    "@": "at",
    "(": "(",
    "[": "(",
    "{": "(",
    ")": ")",
    "]": ")",
    "}": ")",
    "/": "/",
}
_SEPARATOR_TOKENS = frozenset(_SEPARATORS)
_BULLETS = dict.fromkeys(map(ord, "•·●▪◦‧∙►»›>~¦"), "|")  # noqa: RUF001
_QUOTES = {**dict.fromkeys(map(ord, "‘’‚‛`´′ʼ"), "'"), **dict.fromkeys(map(ord, "“”„‟″«"), '"')}  # noqa: RUF001
_DROPPED = dict.fromkeys(map(ord, "®™℠©"), "")


class _Clean(dict[int, str]):
    """What a character becomes in ``cleaned``, worked out on first sight."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Pd" or code == 0x2212:
            folded = "-"
        elif category == "Cf":
            folded = ""
        elif category[0] in "CZ":
            folded = " "
        else:
            folded = character
        self[code] = folded
        return folded


class _Fold(dict[int, str]):
    """What a character becomes in keys: letters, marks and digits stay, ASCII stays for later."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        keep = code < 128 or unicodedata.category(character)[0] in "LMN"
        self[code] = folded = character if keep else " "
        return folded


_CLEAN = _Clean({**_QUOTES, **_BULLETS})
_FOLD = _Fold()
_DIACRITICS = dict.fromkeys(range(0x300, 0x370))


def _ampersands(tokens: list[str]) -> list[str]:
    """Ampersands read: letters around one are one word ("r&d", "fp&a"), else it says "and"."""
    if "&" in tokens:
        joined = _joined(tokens, "&", longest=2)
        tokens = ["and" if word == "&" else word for word in joined]
    return _joined(tokens, "and", longest=1) if "and" in tokens else tokens


def _joined(tokens: list[str], link: str, *, longest: int) -> list[str]:
    """Tokens with those around ``link`` made one where one is a letter, none over ``longest``."""
    read: list[str] = []
    after: str | None = None
    for position, token in enumerate(tokens):
        if after is not None:
            after = None
            continue
        if token == link and read and position + 1 < len(tokens):
            before, after = read[-1], tokens[position + 1]
            lengths = (len(before), len(after))
            if min(lengths) == 1 and max(lengths) <= longest and _MARKS.isdisjoint((before, after)):
                read[-1] = f"{before}&{after}"
                continue
            after = None
        read.append(token)
    return read


_MARKS = frozenset("&/")


# --- tables, compiled ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Phrase:
    words: tuple[str, ...]
    kind: str
    value: str
    unless_next: frozenset[str]


_Phrases = dict[str, list[_Phrase]]


def _index(phrases: Iterable[_Phrase], *, last: bool = False) -> _Phrases:
    index: _Phrases = {}
    for phrase in phrases:
        index.setdefault(phrase.words[-1 if last else 0], []).append(phrase)
    for found in index.values():
        found.sort(key=lambda phrase: -len(phrase.words))
    return index


@dataclass
class _Segment:
    mark: str
    tokens: list[str]


class _Reader:
    """The tables in the shape in which they are asked, and the walk down the rungs."""

    def __init__(self, words: TitleWords, vocabulary: frozenset[str]) -> None:
        self.limit = words.max_length
        self.irregular = words.singular.irregular
        self.unchanged = frozenset(words.singular.unchanged)
        self.endings = sorted(words.singular.endings.items(), key=lambda item: -len(item[0]))
        # A bounded cache: titles repeat their words, memory must not grow with the rows.
        self.singular = lru_cache(maxsize=1 << 16)(self._singular)

        phrases = [
            (entry.where, _Phrase(tuple(phrase.split()), kind, entry.value, entry.unless))
            for kind, entries in (("employment", words.employment), ("noise", words.noise))
            for entry in entries
            for phrase in entry.phrases
        ]
        self.front = _index(phrase for where, phrase in phrases if where in ("edge", "front"))
        self.end = _index(
            (phrase for where, phrase in phrases if where in ("edge", "end")), last=True
        )
        self.whole = {phrase.words: phrase for _, phrase in phrases}
        self.levels = words.levels
        self.level_markers = frozenset(words.level_markers)
        self.level_exceptions = frozenset(words.level_exceptions)
        self.agent_endings = words.agent_endings

        places = words.locations
        self.places = _index(
            _Phrase(tuple(place.split()), "location", place, frozenset())
            for place in {*places.bare, *places.whole, *places.regions}
        )
        self.bare_places = _index(
            (
                _Phrase(tuple(place.split()), "location", place, frozenset())
                for place in places.bare
            ),
            last=True,
        )
        self.regions = {tuple(place.split()) for place in places.regions}
        self.regions_unless_next = frozenset(places.regions_unless_next)
        self.region_starts = {words[0] for words in self.regions}
        self.codes = frozenset(places.codes)
        self.ambiguous_codes = frozenset(places.ambiguous_codes)
        self.place_fillers = frozenset(places.fillers)

        self.company_prepositions = frozenset(words.company_prepositions)
        self.company_exceptions = frozenset(words.company_exceptions)
        self.company_suffixes = frozenset(words.company_suffixes)
        self.company_excluded = words.company_excluded_endings
        self.company_max_words = words.company_max_words

        self.abbreviations = {
            token: entry if isinstance(entry, Abbreviation) else Abbreviation(any=entry)
            for token, entry in words.abbreviations.items()
        }
        self.spellings = {
            tuple(written.split()): meant.split() for written, meant in words.spellings.items()
        }
        self.spelling_starts = frozenset(written[0] for written in self.spellings)
        self.gendered = {written: meant.split() for written, meant in words.gendered.items()}

        self.heads, self.known = self._vocabulary(words, vocabulary)
        self.ranks = {tuple(rank.split()) for rank in words.ranks}
        self.leaders = {tuple(leader.split()) for leader in words.leaders}
        self.leader_words = frozenset(leader.split()[-1] for leader in words.leaders)
        self.prepositions = frozenset(words.prepositions)
        self.inverting = frozenset(words.inverting_prepositions)
        self.other_prepositions = self.prepositions - self.inverting
        self.of_heads = frozenset(words.of_heads)
        self.function_words = frozenset(words.function_words)
        self.stop_words = frozenset(words.stop_words)
        self.seniority_starts: dict[str, list[tuple[int, tuple[str, ...], Seniority]]] = {}
        for rank, entry in enumerate(words.seniority):
            for phrase in entry.phrases:
                tokens = tuple(phrase.split())
                self.seniority_starts.setdefault(tokens[0], []).append((rank, tokens, entry))
        self.first_cuts = self._cuts(words, ("first", "edge"), last=False)
        self.last_cuts = self._cuts(words, ("last", "edge"), last=True)
        self.inner_cuts = self._cuts(words, ("edge",), last=False)

    @staticmethod
    def _cuts(words: TitleWords, edges: tuple[str, ...], *, last: bool) -> _Phrases:
        return _index(
            (
                _Phrase(tuple(phrase.split()), "seniority", entry.value, entry.unless)
                for entry in words.seniority
                if entry.cut in edges
                for phrase in entry.phrases
            ),
            last=last,
        )

    def _vocabulary(
        self, words: TitleWords, vocabulary: frozenset[str]
    ) -> tuple[frozenset[str], frozenset[str]]:
        """Head nouns, and every word a title is known to be made of."""
        seen: Counter[str] = Counter()
        ends: Counter[str] = Counter()
        for key in vocabulary:
            tokens = key.replace("/", " ").split()
            seen.update(self.singular(token) for token in set(tokens))
            if tokens:
                ends[self.singular(tokens[-1])] += 1
        heads = {self.singular(noun) for noun in words.head_nouns}
        # A word that mostly ends titles says what a person is.
        heads |= {
            noun
            for noun, count in ends.items()
            if count >= words.head_noun_min_count
            and count >= words.head_noun_min_share * seen[noun]
            and noun not in words.function_words
            and len(noun) > 3
        }
        for token, entry in self.abbreviations.items():
            if any(
                meant and self.singular(meant.split()[-1]) in heads
                for meant in (entry.any, entry.head)
            ):
                heads.add(self.singular(token))
        known = heads | set(seen) | {self.singular(word) for word in words.function_words}
        known |= {self.singular(word) for word in self.abbreviations}
        return frozenset(heads), frozenset(known)

    # --- characters to tokens ---

    def clean(self, title: str) -> str:
        """Unicode, entities, white space, quotes and dashes folded; case kept."""
        text = title[: 8 * self.limit]
        if "&" in text and ";" in text:
            text = _ENTITY.sub(lambda match: html.unescape(match.group()), text)
        if not (text.isascii() and text.isprintable()):
            text = unicodedata.normalize("NFKC", text.translate(_DROPPED)).translate(_CLEAN)
        elif "`" in text or ">" in text or "~" in text:
            text = text.translate(_CLEAN)
        return self._bounded(" ".join(text.split()))

    def _bounded(self, text: str) -> str:
        if len(text) <= self.limit:
            return text
        return text[: self.limit + 1].rpartition(" ")[0] or text[: self.limit]

    def fold(self, cleaned: str) -> str:
        """Case, accents, apostrophes and dots folded; separators still there."""
        text = cleaned.casefold()
        if not text.isascii():
            for _ in range(2):  # Folding case may take a character apart again.
                text = unicodedata.normalize("NFKD", text).translate(_DIACRITICS)
                text = unicodedata.normalize("NFKC", text).casefold()
            text = unicodedata.normalize("NFKC", text).translate(_FOLD)
            text = " ".join(text.split())
        if "'" in text:
            text = text.replace("'", "")
        if "." in text:
            text = _DOTTED.sub(lambda match: match.group().replace(".", ""), text)
        if "--" in text:
            text = re.sub("-{2,}", " - ", text)
        return text[: self.limit]

    def key(self, raw: list[str]) -> str:
        """The key of tokens: separators gone, a slash kept between words."""
        if _SEPARATOR_TOKENS.isdisjoint(raw):
            return self._join(raw)
        tokens: list[str] = []
        for token in raw:
            mark = _SEPARATORS.get(token)
            if mark is None or (mark == "/" and tokens and tokens[-1] != "/"):
                tokens.append(token)
        while tokens and tokens[-1] == "/":
            tokens.pop()
        text = self._join(tokens)
        return text.replace(" / ", "/") if "/" in text else text

    def _join(self, tokens: list[str]) -> str:
        if "&" in tokens or "and" in tokens:
            tokens = _ampersands(tokens)
        return self._bounded(" ".join(tokens))

    def _segments(self, raw: list[str]) -> tuple[list[_Segment], list[_Segment]]:
        """Segments between separators, and what stands in brackets."""
        if _SEPARATOR_TOKENS.isdisjoint(raw):
            tokens = _ampersands(raw) if "&" in raw or "and" in raw else list(raw)
            return ([_Segment("", tokens)] if tokens else []), []
        main = [_Segment("", [])]
        brackets: list[_Segment] = []
        current = main[0]
        for token in raw:
            mark = _SEPARATORS.get(token)
            if mark is None:
                current.tokens.append(token)
            elif mark == "/":
                continue
            elif mark == "(":
                brackets.append(_Segment(mark, []))
                current = brackets[-1]
            elif mark == ")":
                current = main[-1]
            elif current.mark != "(":
                if current.tokens:
                    current = _Segment(mark, [])
                    main.append(current)
                elif current is not main[0]:
                    current.mark = mark
        for segment in (*main, *brackets):
            if "&" in segment.tokens or "and" in segment.tokens:
                segment.tokens = _ampersands(segment.tokens)
        return [s for s in main if s.tokens], [s for s in brackets if s.tokens]

    # --- words ---

    def _singular(self, token: str) -> str:
        found = self.irregular.get(token)
        if found is not None:
            return found
        if token[-1:] != "s" or len(token) < 4 or token in self.unchanged or "&" in token:
            return token
        for ending, replacement in self.endings:
            if token.endswith(ending):
                return token[: len(token) - len(ending)] + replacement
        return token

    def is_head(self, token: str) -> bool:
        """Whether a word, singular or plural, says what a person is."""
        return token in self.heads or self.singular(token) in self.heads

    # --- the walk ---

    def read(self, title: str, steps: list[Step] | None) -> tuple[Any, ...]:
        """The values of ``PARSED_SCHEMA`` for one title; steps are added where a list is given."""
        cleaned = self.clean(title)
        low = self.fold(cleaned)
        raw = _TOKEN.findall(low)
        key = self.key(raw)
        reading = _Reading(self, cleaned, key, steps)
        core = reading.cut(low, raw)
        expanded = reading.expand(core)
        inverted = reading.invert()
        level_cut = reading.cut_seniority(expanded, inverted)
        head, modifiers = reading.head()
        words = expanded.split()
        # Without the words that turning a title round takes away or brings in.
        singulars = {self.singular(word) for word in words if word not in self.stop_words}
        return (
            cleaned,
            key,
            core,
            expanded,
            inverted,
            level_cut,
            " ".join(sorted(singulars or set(words))),
            self.seniority(inverted.split() if inverted else words),
            "+".join(dict.fromkeys(reading.employment)) if reading.employment else None,
            ", ".join(reading.location) if reading.location else None,
            reading.company,
            reading.requisition,
            reading.level,
            head,
            modifiers,
            tuple(dict.fromkeys(reading.rules)) if reading.rules else (),
        )

    def seniority(self, tokens: list[str]) -> str | None:
        """The value of the first entry of the table that the words match."""
        best: tuple[int, str] | None = None
        starts = self.seniority_starts
        if not self.other_prepositions.isdisjoint(tokens):
            # "assistant to the director": what follows is somebody else.
            end = next(i for i, token in enumerate(tokens) if token in self.other_prepositions)
            tokens = tokens[:end]
        for position, token in enumerate(tokens):
            for rank, phrase, entry in starts.get(token, ()):
                if best is not None and rank >= best[0]:
                    continue
                end = position + len(phrase)
                if tuple(tokens[position:end]) != phrase:
                    continue
                following = tokens[end] if end < len(tokens) else ""
                if following in entry.unless:
                    continue
                if entry.head and following and following not in self.prepositions:
                    continue
                if entry.cut == "first" and (position > 0 or not following):
                    continue
                best = (rank, entry.value)
        return best[1] if best else None

    def place_length(self, tokens: list[str], start: int) -> int:
        """How many words from ``start`` name a place; 0 for none."""
        for phrase in self.places.get(tokens[start], ()):
            length = len(phrase.words)
            if tuple(tokens[start : start + length]) == phrase.words:
                return length
        return 0

    def is_place(self, tokens: list[str], *, after_place: bool) -> bool:
        """Whether the words name places and nothing else."""
        found, position, count = after_place, 0, len(tokens)
        while position < count:
            length = self.place_length(tokens, position)
            token = tokens[position]
            if length:
                found = True
                position += length
            elif token in self.codes and (found or token not in self.ambiguous_codes):
                found = True
                position += 1
            elif token in self.place_fillers and count > 1:
                position += 1
            else:
                return False
        return found and count > 0


class _Reading:
    """One title under way: its segments and what was found in them."""

    def __init__(self, reader: _Reader, cleaned: str, key: str, steps: list[Step] | None) -> None:
        self.reader = reader
        self.cleaned = cleaned
        self.key = key
        self.steps = steps
        self.rules: list[str] = []
        self.employment: list[str] = []
        self.location: list[str] = []
        self.company: str | None = None
        self.requisition: str | None = None
        self.level: str | None = None
        self.main: list[_Segment] = []
        self._capitals: frozenset[str] | None = None

    def note(self, rule: str, what: str, after: str | None = None) -> None:
        self.rules.append(rule)
        if self.steps is not None:
            text = " ".join(token for segment in self.main for token in segment.tokens)
            self.steps.append((rule, what, text if after is None else after))

    @property
    def capitals(self) -> frozenset[str]:
        """Words in capitals of a title that is not all in capitals, casefolded."""
        if self._capitals is None:
            mixed = _LOWER.search(self.cleaned) is not None
            found = _CAPITALS.findall(self.cleaned) if mixed else ()
            self._capitals = frozenset(word.lower() for word in found)
        return self._capitals

    # core_key

    def cut(self, low: str, raw: list[str]) -> str:
        """Cut what is not the title; the ``core_key``."""
        if _DIGIT.search(low):
            raw = self._cut_numbers(low, raw)
        self.main, brackets = self.reader._segments(raw)
        if not self.main:
            self.main, brackets = brackets[:1], brackets[1:]
        for bracket in brackets:
            self._cut_bracket(bracket)
        for segment in list(self.main):
            self._cut_edges(segment)
        if self.main:
            before = len(self.rules)
            self._cut_places()
            self._cut_company()
            if len(self.rules) > before:
                for segment in list(self.main):
                    self._cut_edges(segment)
        if not self.main:
            # Nothing but what would be cut: then that is the title.
            self.main = self.reader._segments(raw)[0]
            self.main = self.main or [_Segment("", self.key.replace("/", " ").split())]
            self.rules.clear()
            self.employment.clear()
            self.location.clear()
            self.company = self.level = None
            if self.steps is not None:
                self.steps.clear()
        self.main[0].mark = ""
        if not self.rules and "/" not in self.key:
            return self.key
        return self.reader._join([token for segment in self.main for token in segment.tokens])

    def _cut_numbers(self, low: str, raw: list[str]) -> list[str]:
        for rule, pattern in (("salary", _MONEY), ("requisition", _NUMBER_ID)):
            if pattern is _MONEY and not _MONEY_SIGN.search(low):
                continue
            found = pattern.search(low)
            if not found:
                continue
            text = pattern.sub(" ", low)
            tokens = _TOKEN.findall(text)
            if all(word in _SEPARATORS or word == "&" for word in tokens):
                continue
            if rule == "requisition":
                self.requisition = found.group().strip("#: ").split()[-1]
            low, raw = text, tokens
            words = " ".join(token for token in tokens if token not in _SEPARATORS)
            self.note(rule, found.group().strip(), words)
        return raw

    def _cut_bracket(self, bracket: _Segment) -> None:
        what = " ".join(bracket.tokens)
        rest = _Segment("(", list(bracket.tokens))
        self._cut_edges(rest, outside=True)
        if rest.tokens and self.reader.is_place(rest.tokens, after_place=False):
            self.location.append(" ".join(rest.tokens))
            self.note("location", " ".join(rest.tokens))
        elif rest.tokens:
            self.note("brackets", what)

    def _cut_edges(self, segment: _Segment, *, outside: bool = False) -> None:
        """Cut kinds of employment, advertising and levels from both edges of a segment."""
        reader = self.reader
        front, end, levels = reader.front, reader.end, reader.levels
        tokens = segment.tokens
        others = outside or len(self.main) > 1
        while tokens:
            if others:
                whole = reader.whole.get(tuple(tokens))
                if whole is not None:
                    del tokens[:]
                    self._take(whole)
                    break
                if len(tokens) == 1 and segment is not self.main[0] and tokens[0] in levels:
                    self.level = levels[tokens.pop()]
                    self.note("level", self.level)
                    break
                if len(tokens) == 1 and tokens[0].isdigit():
                    self.requisition = self.requisition or tokens[0]
                    self.note("requisition", tokens.pop())
                    break
            first, last = tokens[0], tokens[-1]
            if first in front and self._cut_front(tokens, front[first]):
                continue
            if last in end and self._cut_end(tokens, end[last]):
                continue
            if last in levels and self._cut_level(segment, outside=outside):
                continue
            break
        if not tokens and not outside and segment in self.main:
            self.main.remove(segment)

    def _take(self, phrase: _Phrase) -> None:
        if phrase.kind == "employment":
            self.employment.append(phrase.value)
        self.note(phrase.kind, " ".join(phrase.words))

    def _cut_front(self, tokens: list[str], phrases: list[_Phrase]) -> bool:
        for phrase in phrases:
            length = len(phrase.words)
            if (
                length < len(tokens)
                and tuple(tokens[:length]) == phrase.words
                and tokens[length] not in phrase.unless_next
            ):
                del tokens[:length]
                self._take(phrase)
                return True
        return False

    def _cut_end(self, tokens: list[str], phrases: list[_Phrase]) -> bool:
        for phrase in phrases:
            length = len(phrase.words)
            if length < len(tokens) and tuple(tokens[-length:]) == phrase.words:
                del tokens[-length:]
                self._take(phrase)
                return True
        return False

    def _cut_level(self, segment: _Segment, *, outside: bool) -> bool:
        reader, tokens = self.reader, segment.tokens
        if len(tokens) < 2:
            return False
        before = tokens[-2]
        if before in reader.level_markers and (len(tokens) > 2 or outside or len(self.main) > 1):
            count = 2
        elif before not in reader.level_exceptions and (
            # "I", "V" and digits say more than levels: only after what may be a person.
            (len(tokens[-1]) > 1 and tokens[-1].isalpha())
            or before.endswith(reader.agent_endings)
            or reader.is_head(before)
            or before in reader.levels
            or (segment is not self.main[0] and not outside)
        ):
            count = 1
        else:
            return False
        what = " ".join(tokens[-count:])
        self.level = reader.levels[tokens[-1]]
        del tokens[-count:]
        self.note("level", what)
        return True

    def _cut_places(self) -> None:
        reader, main = self.reader, self.main
        found: list[str] = []
        # Whole segments from the end: ", TX", then "- Austin" before it.
        while len(main) > 1:
            tokens = main[-1].tokens
            if not reader.is_place(tokens, after_place=False):
                before = main[-2]
                follows = (
                    len(main) > 2
                    and tokens[0] in reader.codes
                    and len(tokens) == 1
                    and self._may_be_town(before.tokens)
                )
                if not follows:
                    break
                found[:0] = [" ".join(before.tokens), *tokens]
                del main[-2:]
                continue
            found.insert(0, " ".join(tokens))
            main.pop()
            if tokens[-1] in reader.codes and len(main) > 1:
                town = main[-1].tokens
                if self._may_be_town(town):
                    found.insert(0, " ".join(town))
                    main.pop()
        while len(main) > 1 and reader.is_place(main[0].tokens, after_place=False):
            found.append(" ".join(main.pop(0).tokens))
        tokens = main[-1].tokens
        if (
            len(main) > 1
            and len(tokens) == 1
            and tokens[0] in reader.codes
            and self._ends_with_place(main[-2].tokens)
        ):
            # "... in Denver, CO": the state of a town that is still there.
            found += main.pop().tokens
            tokens = main[-1].tokens
        if found:
            self.location += found
            self.note("location", ", ".join(found))
        for position, token in enumerate(tokens):
            if (
                token == "in"  # noqa: S105 - a word of a title
                and position
                and position + 1 < len(tokens)
                and reader.is_place(tokens[position + 1 :], after_place=True)
            ):
                self._cut_place(tokens, position, position + 1)
                return
        for phrase in reader.bare_places.get(tokens[-1], ()):
            start = len(tokens) - len(phrase.words)
            if (
                start > 0
                and tuple(tokens[start:]) == phrase.words
                and reader.is_head(tokens[start - 1])
            ):
                self._cut_place(tokens, start, start)
                break
        tokens = main[0].tokens
        if tokens[0] in reader.region_starts:
            for length in (1, 2):
                if (
                    (len(tokens) > length + 1 or (len(tokens) > length and len(main) > 1))
                    and tuple(tokens[:length]) in reader.regions
                    and tokens[length] not in reader.regions_unless_next
                ):
                    place = " ".join(tokens[:length])
                    del tokens[:length]
                    self.location.append(place)
                    self.note("location", place)
                    break

    def _ends_with_place(self, tokens: list[str]) -> bool:
        return any(
            start and tuple(tokens[start:]) == phrase.words
            for phrase in self.reader.bare_places.get(tokens[-1], ())
            if (start := max(0, len(tokens) - len(phrase.words)))
        )

    def _cut_place(self, tokens: list[str], start: int, name: int) -> None:
        place = " ".join(tokens[name:])
        del tokens[start:]
        self.location.insert(0, place)
        self.note("location", place)

    def _may_be_town(self, tokens: list[str]) -> bool:
        reader = self.reader
        return len(tokens) <= 3 and not any(
            reader.singular(token) in reader.known for token in tokens
        )

    def _has_unknown(self, tokens: list[str]) -> bool:
        reader = self.reader
        return tokens[-1] in reader.company_suffixes or any(
            reader.singular(token) not in reader.known for token in tokens
        )

    def _cut_company(self) -> None:
        reader, main = self.reader, self.main
        last = main[-1]
        tokens = last.tokens
        for position, token in enumerate(tokens):
            if (
                token in reader.company_prepositions
                and 0 < position < len(tokens) - 1
                and reader.is_head(tokens[position - 1])
                and tokens[position + 1] not in reader.company_exceptions
                and self._has_unknown(tokens[position + 1 :])
            ):
                self.company = " ".join(tokens[position + 1 :])
                del tokens[position:]
                self.note("company", self.company)
                return
        if len(main) < 2 or not reader.is_head(main[-2].tokens[-1]):
            return
        named = (last.mark == "at" and self._has_unknown(tokens)) or (
            len(tokens) > 1 and tokens[-1] in reader.company_suffixes
        )
        unknown = (
            last.mark in ("-", "|")
            and len(tokens) <= reader.company_max_words
            and not any(
                reader.singular(token) in reader.known or token.endswith(reader.company_excluded)
                for token in tokens
            )
        )
        if named or unknown:
            self.company = " ".join(tokens)
            main.pop()
            self.note("company", self.company)

    # expanded_key

    def expand(self, core: str) -> str:
        """Write words out in every segment; the ``expanded_key``."""
        reader = self.reader
        before = len(self.rules)
        abbreviations, spellings = reader.abbreviations, reader.spelling_starts
        gendered = reader.gendered
        for number, segment in enumerate(self.main):
            tokens = segment.tokens
            if not spellings.isdisjoint(tokens):
                segment.tokens = tokens = self._spell(tokens)
            if not abbreviations.keys().isdisjoint(tokens):
                segment.tokens = tokens = self._write_out(tokens, first=number == 0)
                if not spellings.isdisjoint(tokens):
                    segment.tokens = tokens = self._spell(tokens)
            self._singular_heads(segment)
            tokens = segment.tokens
            if not gendered.keys().isdisjoint(tokens):
                folded: list[str] = []
                for token in tokens:
                    meant = gendered.get(token)
                    folded += meant or [token]
                segment.tokens = folded
                self.note("gender", " ".join(token for token in tokens if token in gendered))
        if len(self.rules) == before:
            return core
        return reader._join([token for segment in self.main for token in segment.tokens])

    def _spell(self, tokens: list[str]) -> list[str]:
        spellings = self.reader.spellings
        spelled: list[str] = []
        changed: list[str] = []
        position = 0
        while position < len(tokens):
            pair = tuple(tokens[position : position + 2])
            meant = spellings.get(pair)
            length = 2
            if meant is None:
                meant, length = spellings.get(pair[:1]), 1
            if meant is None:
                spelled.append(tokens[position])
            else:
                spelled += meant
                changed.append(" ".join(pair[:length]))
            position += length
        if changed:
            self.note("spelling", ", ".join(changed))
        return spelled

    def _write_out(self, tokens: list[str], *, first: bool) -> list[str]:
        reader = self.reader
        written: list[str] = []
        changed: list[str] = []
        count = len(tokens)
        for position in range(count - 1, -1, -1):
            token = tokens[position]
            entry = reader.abbreviations.get(token)
            meant = None
            if entry is not None:
                following = written[-1] if written else ""
                meant = entry.any or entry.before.get(following)
                if meant is None and entry.upper and token in self.capitals:
                    meant = entry.upper
                if meant is None:
                    is_end = not following or following in reader.prepositions
                    led = not first or any(
                        before in reader.leader_words or before in reader.prepositions
                        for before in tokens[:position]
                    )
                    if is_end and not led:
                        meant = entry.head
                    if meant is None and (not is_end or count > 1 or len(self.main) > 1):
                        meant = entry.modifier
            if meant is None:
                written.append(token)
            else:
                written += reversed(meant.split())
                changed.append(token)
        if changed:
            self.note("abbreviation", ", ".join(reversed(changed)))
        return written[::-1]

    def _singular_heads(self, segment: _Segment) -> None:
        """Head nouns into the singular: the last word, those before prepositions and "and"."""
        reader = self.reader
        tokens = segment.tokens
        changed: list[str] = []
        last = len(tokens) - 1
        # "attendants/helpers": of several head nouns in the plural each is one.
        several = "/" in self.key and reader.singular(tokens[-1]) != tokens[-1]
        for position, token in enumerate(tokens):
            if token[-1] != "s" and token not in reader.irregular:
                continue
            if position < last and not several:
                following = tokens[position + 1]
                if following not in reader.prepositions and following not in ("and", "or"):
                    continue
            single = reader.singular(token)
            if single != token and (single in reader.heads or single in reader.gendered):
                changed.append(token)
                tokens[position] = single
        if changed:
            self.note("plural", ", ".join(changed))

    # inverted_key

    def invert(self) -> str | None:
        """The title turned round, or null where it stands in order."""
        main = self.main
        turned: list[str] | None = None
        rule = "inversion"
        if len(main) == 2:
            turned = self._turn(main[0].tokens, main[1].tokens)
        elif len(main) == 1:
            turned, rule = self._turn_of(main[0].tokens), "inversion_of"
            if turned is None:
                turned, rule = self._turn_bare(main[0].tokens), "inversion_bare"
        if turned is None:
            return None
        text = self.reader._join(turned)
        self.note(rule, " ".join(token for segment in main for token in segment.tokens), text)
        return text

    def _turn(self, head: list[str], rest: list[str]) -> list[str] | None:
        reader = self.reader
        if head[-1] not in reader.heads or not reader.prepositions.isdisjoint((head[0], rest[0])):
            return None
        rank = self._rank_words(head)
        # "buyer, assistant" is an assistant buyer; "vice president, risk analyst" is two titles.
        if rest[-1] in reader.heads and not self._is_rank(rest):
            return None
        return [*head[:rank], *rest, *head[rank:]]

    def _turn_of(self, tokens: list[str]) -> list[str] | None:
        reader = self.reader
        for position, token in enumerate(tokens):
            if token not in reader.prepositions:
                continue
            if (
                token not in reader.inverting
                or position in (0, len(tokens) - 1)
                or tokens[position - 1] not in reader.of_heads
                or not reader.prepositions.isdisjoint(tokens[position + 1 :])
                or tokens[-1] in reader.heads
            ):
                return None
            rank = self._rank_words(tokens[:position])
            rest = tokens[position + 1 :]
            # "teacher of the deaf" is no deaf teacher.
            if rest[0] in reader.stop_words:
                return None
            return [*tokens[:rank], *rest, *tokens[rank:position]]
        return None

    def _turn_bare(self, tokens: list[str]) -> list[str] | None:
        """Turned: "manager marketing", a leading head noun followed by what is no head noun."""
        reader = self.reader
        if (
            len(tokens) < 2
            or tokens[-1] in reader.heads
            or reader.leader_words.isdisjoint(tokens[:-1])
            or not reader.prepositions.isdisjoint(tokens)
        ):
            return None
        rank = self._rank_words(tokens)
        for length in (3, 2, 1):
            end = rank + length
            if tuple(tokens[rank:end]) in reader.leaders and end < len(tokens):
                rest = tokens[end:]
                if any(token in reader.heads for token in rest):
                    return None
                return [*tokens[:rank], *rest, *tokens[rank:end]]
        return None

    def _rank_words(self, tokens: list[str]) -> int:
        """How many words of seniority a title begins with."""
        reader = self.reader
        count = 0
        while count < len(tokens) - 1:
            for phrase in reader.first_cuts.get(tokens[count], ()):
                length = len(phrase.words)
                following = tokens[count + length] if count + length < len(tokens) else ""
                if (
                    tuple(tokens[count : count + length]) == phrase.words
                    and following not in phrase.unless_next
                ):
                    count += length
                    break
            else:
                break
        return min(count, len(tokens) - 1)

    def _is_rank(self, tokens: list[str]) -> bool:
        return len(tokens) == 1 and tokens[0] in ("assistant", "head", "chief", "apprentice")

    # level_cut_key

    def cut_seniority(self, expanded: str, inverted: str | None) -> str | None:
        """The expanded or inverted key without words of seniority, or null if there are none."""
        reader = self.reader
        tokens = (inverted or expanded).split()
        cut: list[str] = []
        main = self.main
        if (
            len(main) == 2
            and tuple(main[0].tokens) in reader.ranks
            and len(main[1].tokens) > 1
            and main[1].tokens[-1] in reader.heads
        ):
            cut += main[0].tokens
            tokens = list(main[1].tokens)
        if not cut and not (
            tokens
            and (
                tokens[0] in reader.first_cuts
                or tokens[-1] in reader.last_cuts
                or (len(tokens) > 1 and tokens[-2] in reader.inner_cuts)
            )
        ):
            return None
        while len(tokens) > 1:
            found = next(
                (
                    phrase
                    for phrase in reader.first_cuts.get(tokens[0], ())
                    if len(phrase.words) < len(tokens)
                    and tuple(tokens[: len(phrase.words)]) == phrase.words
                    and tokens[len(phrase.words)] not in phrase.unless_next
                ),
                None,
            )
            if found:
                cut += tokens[: len(found.words)]
                del tokens[: len(found.words)]
                continue
            found = next(
                (
                    phrase
                    for phrase in reader.last_cuts.get(tokens[-1], ())
                    if len(phrase.words) < len(tokens)
                    and tuple(tokens[-len(phrase.words) :]) == phrase.words
                ),
                None,
            )
            if found:
                cut += tokens[-len(found.words) :]
                del tokens[-len(found.words) :]
                continue
            inner = reader.inner_cuts.get(tokens[-2], ())
            if not any(
                phrase.words == (tokens[-2],) and tokens[-1] not in phrase.unless_next
                for phrase in inner
            ):
                break
            cut.append(tokens.pop(-2))
        if not cut:
            return None
        text = reader._join(tokens)
        self.note("seniority", " ".join(cut), text)
        return text

    # parts

    def head(self) -> tuple[str | None, tuple[str, ...]]:
        """The head noun, and the other words but stop words."""
        reader, main = self.reader, self.main
        head: str | None = None
        for segment in main:
            head = self._head_of(segment.tokens, known=True)
            if head:
                break
        else:
            head = self._head_of(main[0].tokens, known=False)
        words = dict.fromkeys(token for segment in main for token in segment.tokens)
        return head, tuple(word for word in words if word != head and word not in reader.stop_words)

    def _head_of(self, tokens: list[str], *, known: bool) -> str | None:
        reader = self.reader
        end = len(tokens)
        if not reader.prepositions.isdisjoint(tokens):
            for position in range(1, end):
                if tokens[position] in reader.prepositions:
                    end = position
                    break
        if end and tokens[end - 1] not in reader.heads:
            last = tokens[end - 1]
            if last.endswith(reader.agent_endings) and last not in reader.function_words:
                return reader.singular(last)
        if not known:
            return reader.singular(tokens[end - 1]) if tokens else None
        for position in range(end - 1, -1, -1):
            if tokens[position] in reader.heads:
                return tokens[position]
        return None
