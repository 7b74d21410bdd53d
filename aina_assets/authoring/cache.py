"""Answers of models, kept by what was asked, of whom and for which contract.

Belongs here: one file an answer below ``$AINA_HOME/authoring/cache``. An entry that cannot be read
is as good as none and costs only itself. Stays out: what is asked (``runner``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from upath import UPath

from aina_assets.warehouse.digests import digest_of_json
from aina_assets.warehouse.files import write_json


class Kept(NamedTuple):
    """An answer, and what it took to get it.

    Attributes:
        spent: what was recorded with it: attempts, tokens, cost.
    """

    answer: dict[str, Any]
    spent: dict[str, Any]


@dataclass(frozen=True)
class AnswerCache:
    """A folder of answers."""

    folder: UPath

    @classmethod
    def of_home(cls, home: UPath) -> AnswerCache:
        """The cache of a home."""
        return cls(home / "authoring" / "cache")

    def get(self, *asked: str) -> Kept | None:
        """What was answered; none where nothing was, or what was kept is damaged."""
        key = digest_of_json(asked)
        try:
            kept = json.loads(self._place(key).read_text(encoding="utf-8"))
            found = Kept(kept["answer"], kept["spent"])
            is_whole = kept["key"] == key and kept["digest"] == digest_of_json(found)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return found if is_whole and all(isinstance(part, dict) for part in found) else None

    def put(self, answer: Mapping[str, Any], spent: Mapping[str, Any], *asked: str) -> None:
        """Keep an answer with what it took; a reader sees all of it or nothing."""
        key = digest_of_json(asked)
        kept = {
            "key": key, "digest": digest_of_json([answer, spent]), "answer": answer, "spent": spent,
        }  # fmt: skip
        self._place(key).parent.mkdir(parents=True, exist_ok=True)
        write_json(self._place(key), kept)

    def _place(self, key: str) -> UPath:
        return self.folder / key[:2] / f"{key}.json"
