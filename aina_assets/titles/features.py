"""What the model sees of a title: words and characters, weighted by TF-IDF.

Belongs here: turning expanded keys into sparse rows, the same in training and in serving.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfVectorizer

CHARACTERS = (2, 5)
LEAST_TITLES = {"word": 1, "characters": 2}
"""In how many titles a feature must occur."""

Floats = np.ndarray[Any, np.dtype[np.float32]]


def words_of(text: str) -> list[str]:
    """Words, neighbouring pairs, and which word is first and last: order tells heads apart."""
    words = text.split()
    if not words:
        return []
    pairs = [f"{left} {right}" for left, right in itertools.pairwise(words)]
    return [*words, *pairs, f"^{words[0]}", f"{words[-1]}$"]


@dataclass(frozen=True)
class Features:
    """A fitted vocabulary.

    Attributes:
        word: vectoriser of words, pairs and ends.
        characters: vectoriser of character n-grams within words.
    """

    word: TfidfVectorizer
    characters: TfidfVectorizer

    @classmethod
    def fitted(cls, texts: Sequence[str]) -> Features:
        """The vocabulary of ``texts``."""
        word, characters = _vectorisers()
        return cls(word.fit(texts), characters.fit(texts))

    @classmethod
    def of(cls, parts: dict[str, tuple[list[str], Floats]]) -> Features:
        """A vocabulary as stored: names and inverse document frequencies of both parts."""
        made = []
        for part, vectoriser in zip(("word", "characters"), _vectorisers(), strict=True):
            names, frequencies = parts[part]
            vectoriser.vocabulary_ = {name: place for place, name in enumerate(names)}
            vectoriser.fixed_vocabulary_ = True
            vectoriser.idf_ = frequencies.astype(np.float64)
            made.append(vectoriser)
        return cls(*made)

    def parts(self) -> dict[str, tuple[list[str], Floats]]:
        """Names and inverse document frequencies, as ``of`` takes them."""
        return {
            "word": _names(self.word),
            "characters": _names(self.characters),
        }

    def __call__(self, texts: Sequence[str]) -> sp.csr_matrix:
        """Rows x features, float32, each part of unit length."""
        halves = [self.word.transform(texts), self.characters.transform(texts)]
        return sp.hstack(halves, format="csr", dtype=np.float32)

    def words_only(self, texts: Sequence[str]) -> sp.csr_matrix:
        """The same for long texts: their characters would cost much and say little."""
        words = self.word.transform(texts)
        nothing = sp.csr_matrix(
            (words.shape[0], len(self.characters.vocabulary_)), dtype=np.float32
        )
        return sp.hstack([words, nothing], format="csr", dtype=np.float32)


def _vectorisers() -> tuple[TfidfVectorizer, TfidfVectorizer]:
    common = {"sublinear_tf": True, "lowercase": False, "dtype": np.float32}
    return (
        TfidfVectorizer(analyzer=words_of, min_df=LEAST_TITLES["word"], **common),
        TfidfVectorizer(
            analyzer="char_wb",
            ngram_range=CHARACTERS,
            min_df=LEAST_TITLES["characters"],
            **common,
        ),
    )


def _names(vectoriser: TfidfVectorizer) -> tuple[list[str], Floats]:
    vocabulary = vectoriser.vocabulary_
    names = sorted(vocabulary, key=vocabulary.__getitem__)
    return names, vectoriser.idf_.astype(np.float32)
