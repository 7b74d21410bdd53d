"""Titles whose occupation is known, and finding a title among them, rung by rung.

Belongs here: the rows of ``title_lexicon`` and the look-up. Stays out: how a title is read
(``normalise``), titles nobody knows (``model``), what is served (``routing``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from aina_assets.titles.normalise import Normaliser
from aina_assets.titles.policy import TitleWords
from aina_assets.titles.tables import TitleLexicon
from aina_assets.warehouse.tables import arrow_schema

FOLDS = 10
HELD_OUT = 0
RANKING = (1, 2)


def split_key(title_key: str, singular: Callable[[str], str]) -> str:
    """The words of a title as written, each once, in the singular, sorted.

    Titles that share it are the same words in another order: they stay on one side of a split.
    """
    words = title_key.replace("/", " ").split()
    return " ".join(sorted({singular(word) for word in words}))


def fold_of(key: str) -> int:
    """The tenth of the data that a split key falls into."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % FOLDS


def title_lexicon(
    occupations: pa.Table,
    alternate_titles: pa.Table,
    reported_titles: pa.Table,
    labelled_titles: pa.Table,
    title_words: TitleWords,
) -> pa.Table:
    """Rows of ``TitleLexicon``, one a title, code and origin.

    A title of which nothing is left once folded is left out: it could be found under no key.
    """
    rows = _known(occupations, alternate_titles, reported_titles, labelled_titles)
    titles = [row[0] for row in rows]
    plain = Normaliser(title_words)
    keys = {title: plain.key(title) for title in dict.fromkeys(titles)}
    normaliser = Normaliser(title_words, frozenset(keys.values()))
    distinct = list(keys)
    names = ["key", "core_key", "expanded_key", "sorted_key"]
    parsed = normaliser(distinct).select(names).to_pylist()
    by_title = dict(zip(distinct, parsed, strict=True))
    records = []
    for title, code, origin, labelled_list, source_class, allowed_use in rows:
        read = by_title[title]
        if read["key"]:
            split = split_key(read["key"], normaliser.singular)
            said = "\x1f".join((title, code, origin, labelled_list or ""))
            records.append(
                {
                    "lexicon_id": hashlib.sha256(said.encode()).hexdigest()[:16],
                    "title": title,
                    "code": code,
                    "origin": origin,
                    "labelled_list": labelled_list,
                    "title_key": read["key"],
                    "expanded_key": read["expanded_key"],
                    "sorted_key": read["sorted_key"],
                    "is_cut": read["core_key"] != read["key"].replace("/", " "),
                    "split_key": split,
                    "fold": fold_of(split),
                    "source_class": source_class,
                    "allowed_use": allowed_use,
                }
            )
    return pa.Table.from_pylist(records, schema=arrow_schema(TitleLexicon))


_Row = tuple[str, str, str, str | None, str, str]


def _known(
    occupations: pa.Table,
    alternate_titles: pa.Table,
    reported_titles: pa.Table,
    labelled_titles: pa.Table,
) -> list[_Row]:
    onet = (
        ("occupation", occupations, "title", "onet_soc_code", None),
        ("alternate", alternate_titles, "alternate_title", "onet_soc_code", None),
        ("short", alternate_titles, "short_title", "onet_soc_code", None),
        ("reported", reported_titles, "reported_title", "onet_soc_code", None),
        ("labelled", labelled_titles, "title", "code", "labelled_list"),
    )
    rows: dict[tuple[str, str, str, str | None], _Row] = {}
    for origin, table, title, code, labelled_list in onet:
        found = table.filter(pc.is_valid(table[title]))
        lists = found[labelled_list].to_pylist() if labelled_list else [None] * found.num_rows
        for said, its_code, its_list, source_class, use in zip(
            found[title].to_pylist(),
            found[code].to_pylist(),
            lists,
            found["source_class"].to_pylist(),
            found["allowed_use"].to_pylist(),
            strict=True,
        ):
            key = (said, its_code, origin, its_list)
            rows.setdefault(key, (*key, source_class, use))
    return list(rows.values())


class Known(NamedTuple):
    """What the lexicon says of one key.

    Attributes:
        codes: every code it names, sorted.
        lexicon_ids: the rows that say so, sorted.
    """

    codes: tuple[str, ...]
    lexicon_ids: tuple[str, ...]


@dataclass(frozen=True)
class Lexicon:
    """Known titles by key.

    Attributes:
        official: occupations' own titles, by ``title_key`` and, since these are plurals, by what
            they are in the singular.
        as_written: every title, by ``title_key``.
        expanded: by ``expanded_key``.
        reordered: by ``sorted_key``.
    """

    official: Mapping[str, Known]
    as_written: Mapping[str, Known]
    expanded: Mapping[str, Known]
    reordered: Mapping[str, Known]

    @classmethod
    def of(cls, table: pa.Table) -> Lexicon:
        """The rows of ``title_lexicon``, indexed."""
        own = table.filter(pc.equal(table["origin"], "occupation"))
        # What was cut from a known title may have been what told it from another.
        whole = table.filter(pc.invert(table["is_cut"]))
        return cls(
            _by(own, "expanded_key") | _by(own, "title_key"),
            _by(table, "title_key"),
            _by(whole, "expanded_key"),
            _by(whole, "sorted_key"),
        )

    def find(self, parsed: Mapping[str, Any]) -> dict[str, Known]:
        """What is known of a title on every rung that answers, the most literal first.

        Args:
            parsed: its keys and rules, as ``Normaliser`` gives them.
        """
        found: dict[str, Known] = {}
        for rung, (key_name, place) in _PLACES.items():
            key = parsed[key_name]
            known = place(self).get(key) if key else None
            if known is not None:
                is_cut = rung not in AS_WRITTEN and "brackets" in parsed["rules"]
                found.setdefault("bracketless" if is_cut else rung, known)
        return found


AS_WRITTEN = ("exact", "alias")
"""Rungs that find a title as it stands."""

_Index = Callable[[Lexicon], Mapping[str, Known]]

_PLACES: dict[str, tuple[str, _Index]] = {
    "exact": ("key", lambda lexicon: lexicon.official),
    "alias": ("key", lambda lexicon: lexicon.as_written),
    "core": ("core_key", lambda lexicon: lexicon.as_written),
    "expanded": ("expanded_key", lambda lexicon: lexicon.expanded),
    "inverted": ("inverted_key", lambda lexicon: lexicon.expanded),
    "reordered": ("sorted_key", lambda lexicon: lexicon.reordered),
    "level_cut": ("level_cut_key", lambda lexicon: lexicon.expanded),
}


def _by(table: pa.Table, key: str) -> dict[str, Known]:
    codes = table["code"].to_pylist()
    ids = table["lexicon_id"].to_pylist()
    rows: dict[str, list[int]] = {}
    for row, said in enumerate(table[key].to_pylist()):
        rows.setdefault(said, []).append(row)
    return {
        said: Known(
            tuple(sorted({codes[row] for row in found})), tuple(sorted(ids[row] for row in found))
        )
        for said, found in rows.items()
    }
