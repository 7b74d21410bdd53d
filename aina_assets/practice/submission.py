"""A submission as its sections: what stands under each heading the exercise asks for.

Belongs here: reading Markdown into passages, list items, tables and their markup. Stays out: what
of it counts, and whether that is enough (``checks``).

Blocks are CommonMark with GFM tables, by markdown-it-py. Inline markup is read here, in one pass a
line: the library's inline parser takes minutes for a megabyte of brackets.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

# Marks round what is no plain text, put there by ``marked``: characters Unicode leaves private.
_CODE, _CODE_END, _LINK, _LINK_END = "\ue000", "\ue001", "\ue002", "\ue003"
_PRIVATE = f"{_CODE}{_CODE_END}{_LINK}{_LINK_END}"

# Blank or of no width, though Unicode calls them letters, marks or symbols.
_BLANKS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
_LINE_ENDS = "\x0b\x0c\x85\u2028\u2029"

_BULLET = re.compile(r"(?m)^([ \t]{0,12})[•‣◦▪●○·]")
_BOLD_NAME = re.compile(r"[ \t]{0,3}(\*\*|__)([^*_\n]{1,120})\1[ \t]{0,3}([.:]?)[ \t]{0,3}")
_ENUMERATED = re.compile(r"\(?(?:\d{1,3}|[a-z])[.)] +")
_TASK_BOX = re.compile(r"^\[[ xX]\][ \t]+")
_DEFINITION = (
    r"(?:^ {0,3}\[([^\[\]\n]{1,200})\]:[ \t]{0,8}<?([^\s<>]{1,2000})>?"
    r"(?:[ \t]{1,8}[\"'(][^\n]{0,500})?[ \t]{0,8}$)"
)
_TARGET = (
    r"(?:\]\([ \t]{0,8}<?([^\s<>()]{1,2000})>?"
    r"(?:[ \t]{1,8}[\"'(][^\"')\n]{0,300}[\"')])?[ \t]{0,8}\))"
)
_URL = r"((?:https?://|www\.)[^\s<>()\[\]\"'|\\`]{3,2000})"
_BY_NAME = r"(?:\[([^\[\]]{1,200})\](?!\())"
_DEFINED = re.compile(_DEFINITION, re.MULTILINE)
_LINKED = re.compile(f"{_DEFINITION}|{_TARGET}|{_URL}|{_BY_NAME}", re.MULTILINE | re.IGNORECASE)
_MORE_OF_NAME = re.compile(r"\s*[(\[:,]|\s+-\s")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,1000}>")
_HIDDEN = ("script", "style", "template")
_TICKS = re.compile(r"`+")
_MARKED = re.compile(rf"([{_CODE}{_LINK}])([^{_PRIVATE}]*)[{_CODE_END}{_LINK_END}]")
_FULL_STOP = re.compile(r"(?<=[.!?])\s+")
_WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")  # noqa: RUF001 - the apostrophe of a typesetter
_FIGURE = re.compile(r"(?<!\w)\d+(?:[.,:/\-]\d+)*")
_NO_SOURCE = ("#", "mailto:", "javascript:", "data:")


@dataclass(frozen=True)
class Piece:
    """A sentence, item or cell without its markup.

    Attributes:
        words: casefolded, in order; addresses of links left out.
        figures: numbers, amounts and dates, each once; those of code and links left out.
        references: targets of links, and texts in backticks, each once.
        text: as it reads.
    """

    words: tuple[str, ...]
    figures: tuple[str, ...]
    references: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Passage:
    """A paragraph, code block or list item.

    Attributes:
        kind: items are also counted as such; code and HTML are text in a frame.
        lines: as written; an item's without those of items within it.
    """

    kind: Literal["text", "code", "html", "item"]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class GridTable:
    """A table: cells as written, every row as long as the head."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """What stands under one heading.

    Attributes:
        name: as the exercise asks for it; None: what comes before the first such heading.
        is_there: whether there is such a heading.
        source: its lines, comments included.
    """

    name: str | None
    is_there: bool
    source: str
    passages: tuple[Passage, ...]
    tables: tuple[GridTable, ...]


@dataclass(frozen=True)
class Submission:
    """A submission, section by section.

    Attributes:
        opening: what comes before the first heading that is asked for.
        sections: by casefolded name, in the order asked.
        links: targets that are defined apart (``[name]: target``), by casefolded name.
    """

    opening: Section
    sections: Mapping[str, Section]
    links: Mapping[str, str]

    def section(self, name: str) -> Section:
        """The section of that name, in any case; an empty one where it was not asked for."""
        return self.sections.get(name.casefold()) or Section(name, False, "", (), ())

    def parts(self) -> Iterator[Section]:
        """All of it, once."""
        yield self.opening
        yield from self.sections.values()


# ------------------------------------------------------------------------------------- characters


def cleaned(text: str) -> str:
    """``text`` without what cannot be seen: control and zero-width characters, marks of direction.

    Every line end becomes a newline, a lone surrogate the replacement character.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    changes: dict[int, str | None] = {}
    for character in set(text):
        category = unicodedata.category(character)
        if character in _LINE_ENDS:
            changes[ord(character)] = "\n"
        elif category == "Cs":
            changes[ord(character)] = "\ufffd"
        elif character in _PRIVATE:
            changes[ord(character)] = " "
        elif character not in "\n\t" and _is_unseen(character, category):
            changes[ord(character)] = None
    if changes:
        text = text.translate(changes)
    return _bounded_marks(text)


def _is_unseen(character: str, category: str) -> bool:
    if character in _BLANKS or category in ("Cf", "Cc"):
        return True
    return category == "Mn" and "VARIATION SELECTOR" in unicodedata.name(character, "")


def _bounded_marks(text: str) -> str:
    # Unicode's stream-safe bound (UAX 15): sorting a run of marks takes the square of its length.
    marks = "".join(sorted(item for item in set(text) if unicodedata.combining(item)))
    if not marks:
        return text
    return re.sub(f"([{marks}]{{30}})[{marks}]+", r"\1", text)


def folded(text: str) -> str:
    """``text`` in compatible characters (NFKC), every digit an ASCII digit, every dash a hyphen."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text)
    changes: dict[int, str] = {}
    for character in set(text):
        if character.isascii():
            continue
        category = unicodedata.category(character)
        if category == "Nd":
            changes[ord(character)] = str(unicodedata.decimal(character))
        elif category == "Pd" or character == "\u2212":
            changes[ord(character)] = "-"
    return text.translate(changes) if changes else text


def words_of(text: str) -> tuple[str, ...]:
    """The words of ``text``, casefolded."""
    return tuple(_WORD.findall(folded(text).casefold()))


# ------------------------------------------------------------------------------------------ blocks


@cache
def _markdown() -> MarkdownIt:
    # Inline text and link definitions are read here; both are slow on adversarial input there.
    return MarkdownIt("commonmark").enable("table").disable(["inline", "text_join", "reference"])


@dataclass
class _Open:
    """A section while it is read."""

    name: str | None
    is_there: bool = False
    source: list[str] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    tables: list[GridTable] = field(default_factory=list)

    def closed(self) -> Section:
        return Section(
            self.name,
            self.is_there,
            "\n".join(self.source),
            tuple(self.passages),
            tuple(self.tables),
        )


def parse(text: str, asked: Sequence[str]) -> Submission:
    """``text`` by the sections that ``asked`` names.

    A section begins at a heading of any depth, or at a line that is only its name in bold
    (``**Name**``; with a full stop or colon, text may follow). It ends where the next one that is
    asked for begins: other headings are part of the text they stand in. A name that comes twice
    goes on where it was left.
    """
    source = _BULLET.sub(r"\1-", cleaned(text))
    reader = _Reader(asked)
    reader.read(_markdown().parse(source))
    reader.cut(source.split("\n"))
    links = {
        name.strip().casefold(): target
        for section in reader.open.values()
        for passage in section.passages
        if passage.kind != "code"
        for line in passage.lines
        for name, target in _DEFINED.findall(line)
    }
    opening, *sections = (section.closed() for section in reader.open.values())
    return Submission(opening, {str(item.name).casefold(): item for item in sections}, links)


class _Reader:
    """Walks the blocks of a document, in order."""

    def __init__(self, asked: Sequence[str]) -> None:
        self.open: dict[str | None, _Open] = {None: _Open(None, is_there=True)}
        self._names = {}
        for name in asked:
            self.open[name] = _Open(name)
            self._names[_name_key(name)] = name
        self._now = self.open[None]
        self._starts: list[tuple[int, _Open]] = [(0, self._now)]
        self._items: list[list[str]] = []
        self._grid: list[list[str]] | None = None

    def read(self, tokens: Sequence[Token]) -> None:
        heading = ""
        for token in tokens:
            match token.type:
                case "heading_open":
                    heading = token.markup
                case "heading_close":
                    heading = ""
                case "list_item_open":
                    self._items.append([])
                case "list_item_close":
                    self._close_item()
                case "table_open":
                    self._grid = []
                case "table_close":
                    self._close_table()
                case "tr_open" if self._grid is not None:
                    self._grid.append([])
                case "inline" if self._grid is not None:
                    self._grid[-1].append(token.content)
                case "inline":
                    self._text(token, is_heading=bool(heading))
                case "fence" | "code_block":
                    self._add("code", token.content.split("\n"))
                case "html_block":
                    self._add("html", _shown(token.content).split("\n"))

    def cut(self, lines: Sequence[str]) -> None:
        """Give every section the lines it is made of."""
        ends = [line for line, _ in self._starts[1:]] + [len(lines)]
        for (start, section), end in zip(self._starts, ends, strict=True):
            section.source += lines[start:end]

    def _close_item(self) -> None:
        lines = self._items.pop()
        if lines:
            lines[0] = _TASK_BOX.sub("", lines[0], count=1)
        self._now.passages.append(Passage("item", tuple(lines)))

    def _close_table(self) -> None:
        if self._grid:
            head, *rows = self._grid
            table = GridTable(tuple(head), tuple(tuple(row) for row in rows))
            self._now.tables.append(table)
        self._grid = None

    def _add(self, kind: Literal["text", "code", "html"], lines: Sequence[str]) -> None:
        if self._items:
            self._items[-1] += lines
        elif lines:
            self._now.passages.append(Passage(kind, tuple(lines)))

    def _text(self, token: Token, *, is_heading: bool) -> None:
        at = (token.map or [0])[0]
        # A quotation or an item is part of a section and begins none.
        if token.level != 1 or self._items:
            self._add("text", token.content.split("\n"))
            return
        if is_heading and (name := self._asked(token.content, is_heading=True)) is not None:
            self._begin(name, at)
            return
        lines: list[str] = []
        for number, line in enumerate(token.content.split("\n")):
            name, rest = self._bold(line)
            if name is not None:
                self._add("text", lines)
                self._begin(name, at + number)
                lines = [rest]
            else:
                lines.append(line)
        self._add("text", lines)

    def _begin(self, name: str, line: int) -> None:
        self._now = self.open[name]
        self._now.is_there = True
        self._starts.append((line, self._now))

    def _bold(self, line: str) -> tuple[str | None, str]:
        found = _BOLD_NAME.match(line)
        if found is None:
            return None, ""
        rest = line[found.end() :]
        is_label = bool(found[3]) or found[2].rstrip().endswith((".", ":"))
        return (self._asked(found[2]) if is_label or not rest.strip() else None), rest

    def _asked(self, heading: str, *, is_heading: bool = False) -> str | None:
        key = _name_key(heading)
        if key in self._names or not is_heading:
            return self._names.get(key)
        # A heading may say more than the name: "Draft (second version)", "Brief: the spring mail".
        longer = [
            name
            for name in self._names
            if key.startswith(name) and _MORE_OF_NAME.match(key, len(name))
        ]
        return self._names[max(longer, key=len)] if longer else None


def _name_key(name: str) -> str:
    key = folded(name[:300]).casefold()
    key = " ".join(key.replace("*", " ").replace("_", " ").replace("`", " ").split())
    return _ENUMERATED.sub("", key, count=1).strip(" .:#")


def _shown(block: str) -> str:
    """Raw HTML without comments and what is never shown; an unclosed one hides all that follows."""
    block = _without(block, "<!--", "-->")
    lower = block.lower()
    for tag in _HIDDEN:
        if f"<{tag}" in lower:
            block = _without(block, f"<{tag}", f"</{tag}>")
            lower = block.lower()
    return block


def untagged(text: str) -> str:
    """``text`` without comments and tags."""
    return _TAG.sub("", _without(text, "<!--", "-->", only_closed=True))


def _without(text: str, start: str, end: str, *, only_closed: bool = False) -> str:
    lower = text.lower()
    if len(lower) != len(text):  # a letter whose small form is two
        lower = text
    kept: list[str] = []
    at = 0
    while (found := lower.find(start, at)) >= 0:
        close = lower.find(end, found + len(start))
        if close < 0 and only_closed:
            break
        kept.append(text[at:found])
        if close < 0:
            return "".join(kept)
        at = close + len(end)
    return "".join([*kept, text[at:]])


# ------------------------------------------------------------------------------------ inline markup


def marked(text: str, links: Mapping[str, str] | None = None) -> str:
    """``text`` with code and targets of links marked, comments and tags gone, entities resolved."""
    return "".join(
        f"{_CODE}{_FULL_STOP.sub('', part)}{_CODE_END}" if is_code else _linked(part, links or {})
        for part, is_code in _by_code(text)
    )


def sentences(text: str) -> list[str]:
    """A ``marked`` text after every full stop, question and exclamation mark; none within code."""
    return _FULL_STOP.split(text)


def piece(text: str) -> Piece:
    """A ``marked`` text as one piece."""
    references: dict[str, None] = {}
    for kind, inner in _MARKED.findall(text):
        key = inner.strip().rstrip(".,;:!?").casefold()
        if any(character.isalnum() for character in key) and not key.startswith(_NO_SOURCE):
            references[key if kind == _CODE else key.rstrip("/")] = None
    plain = _MARKED.sub(lambda found: found[2] if found[1] == _CODE else " ", text)
    bare = folded(_MARKED.sub(" ", text))
    figures = dict.fromkeys(_FIGURE.findall(bare))
    return Piece(words_of(plain), tuple(figures), tuple(references), " ".join(plain.split()))


def _by_code(text: str) -> Iterator[tuple[str, bool]]:
    """``text`` in parts, each with whether it is a code span: runs of backticks of one length."""
    runs = [(found.start(), found.end()) for found in _TICKS.finditer(text)]
    closes: list[int | None] = [None] * len(runs)
    next_of: dict[int, int] = {}
    for number in range(len(runs) - 1, -1, -1):
        length = runs[number][1] - runs[number][0]
        closes[number] = next_of.get(length)
        next_of[length] = number
    at = number = 0
    while number < len(runs):
        close = closes[number]
        if close is None:
            number += 1
            continue
        yield text[at : runs[number][0]], False
        yield text[runs[number][1] : runs[close][0]], True
        at, number = runs[close][1], close + 1
    yield text[at:], False


def _linked(text: str, links: Mapping[str, str]) -> str:
    if "&" in text:
        text = cleaned(html.unescape(text))
    text = _without(text, "<!--", "-->", only_closed=True)

    def replaced(found: re.Match[str]) -> str:
        _, defined, target, url, name = found.groups()
        if name is not None:
            target = links.get(name.strip().casefold())
            return found[0] if target is None else f"{name} {_LINK}{target}{_LINK_END}"
        return f" {_LINK}{defined or target or url}{_LINK_END}"

    return _TAG.sub(" ", _LINKED.sub(replaced, text))
