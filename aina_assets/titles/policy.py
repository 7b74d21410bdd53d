"""Documents that people author about titles."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from aina_assets.warehouse.authored import AuthoredDocument

Word = Annotated[str, Field(min_length=1, pattern=r"^[^A-Z]+$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PhraseRule(_Part):
    """Phrases that are cut, and where.

    Attributes:
        value: what they say, for the part they fill.
        where: ``edge`` of a segment, its ``front`` or ``end`` only; ``alone`` in it always.
        phrases: words as in a key.
        unless_next: words before which the phrases are work and stay.
    """

    value: str
    where: Literal["edge", "front", "end", "alone"]
    phrases: tuple[Word, ...]
    unless_next: tuple[Word, ...] = ()

    @property
    def unless(self) -> frozenset[str]:
        """``unless_next``, to be asked."""
        return frozenset(self.unless_next)


class Places(_Part):
    """Names of places, by how freely they are cut.

    Attributes:
        bare: also straight after a head noun.
        whole: where they fill a segment or follow "in".
        regions: also in front of a title, but not before ``regions_unless_next``.
        codes: of states.
        ambiguous_codes: those that are also words: only after another place.
        fillers: words that may stand among places.
    """

    bare: tuple[Word, ...]
    whole: tuple[Word, ...]
    regions: tuple[Word, ...]
    regions_unless_next: tuple[Word, ...] = ()
    codes: tuple[Word, ...]
    ambiguous_codes: tuple[Word, ...]
    fillers: tuple[Word, ...]


class Abbreviation(_Part):
    """What an abbreviation stands for, by where it stands.

    Attributes:
        any: anywhere.
        before: by the word that follows, written out.
        head: at the end of its segment.
        modifier: anywhere else, and after a leading head noun ("director eng").
        upper: where it is in capitals and the title is not.
    """

    any: Word | None = None
    before: dict[Word, Word] = {}
    head: Word | None = None
    modifier: Word | None = None
    upper: Word | None = None


class Singulars(_Part):
    """How plurals are undone: irregular words, words that stay, endings (the longest first)."""

    irregular: dict[Word, Word]
    unchanged: tuple[Word, ...]
    endings: dict[str, str]


class Seniority(_Part):
    """Words of one seniority.

    Attributes:
        value: the part ``seniority``.
        phrases: its words.
        cut: from which edge ``level_cut_key`` loses them.
        head: whether only the last word of a title counts.
        unless_next: words before which they mean something else.
    """

    value: str
    phrases: tuple[Word, ...]
    cut: Literal["no", "first", "last", "edge"]
    head: bool = False
    unless_next: tuple[Word, ...] = ()

    @property
    def unless(self) -> frozenset[str]:
        """``unless_next``, to be asked."""
        return frozenset(self.unless_next)


class TitleWords(AuthoredDocument, document="title_words"):
    """The words by which titles are read; the document says what each list is for."""

    version: int
    max_length: Annotated[int, Field(ge=32, le=4096)]
    employment: tuple[PhraseRule, ...]
    noise: tuple[PhraseRule, ...]
    levels: dict[Word, str]
    level_markers: tuple[Word, ...]
    level_exceptions: tuple[Word, ...]
    agent_endings: tuple[Word, ...]
    company_prepositions: tuple[Word, ...]
    company_exceptions: tuple[Word, ...]
    company_suffixes: tuple[Word, ...]
    company_excluded_endings: tuple[Word, ...]
    company_max_words: int
    locations: Places
    abbreviations: dict[Word, Word | Abbreviation]
    spellings: dict[Word, Word]
    gendered: dict[Word, Word]
    singular: Singulars
    head_nouns: tuple[Word, ...]
    head_noun_min_count: int
    head_noun_min_share: float
    function_words: tuple[Word, ...]
    leaders: tuple[Word, ...]
    inverting_prepositions: tuple[Word, ...]
    of_heads: tuple[Word, ...]
    prepositions: tuple[Word, ...]
    stop_words: tuple[Word, ...]
    ranks: tuple[Word, ...]
    seniority: tuple[Seniority, ...]
