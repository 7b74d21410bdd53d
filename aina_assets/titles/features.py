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
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from aina_assets.titles.network import Floats

CHARACTERS = (2, 5)
LEAST_TITLES = 2
"""In how many titles a character n-gram must occur."""


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
        words: counts words, pairs and ends.
        characters: counts the character n-grams of one word.
        word_weights: inverse document frequencies of what ``words`` counts.
        character_weights: likewise.
    """

    words: CountVectorizer
    characters: CountVectorizer
    word_weights: TfidfTransformer
    character_weights: TfidfTransformer

    @classmethod
    def fitted(cls, texts: Sequence[str]) -> Features:
        """The vocabulary of ``texts``."""
        words = _counter("word")
        word_weights = _weights().fit(words.fit_transform(texts))
        counted, names = _counted_characters(texts, _counter("characters"))
        frequency = np.bincount(counted.indices, minlength=len(names))
        kept = np.flatnonzero(frequency >= LEAST_TITLES)
        characters = _counter("characters", [names[place] for place in kept])
        return cls(words, characters, word_weights, _weights().fit(counted[:, kept]))

    @classmethod
    def of(cls, parts: dict[str, tuple[list[str], Floats]]) -> Features:
        """A vocabulary as stored: names and inverse document frequencies of both parts."""
        counters, weights = [], []
        for part in ("word", "characters"):
            names, frequencies = parts[part]
            counters.append(_counter(part, names))
            weight = _weights()
            weight.idf_ = frequencies.astype(np.float64)
            weights.append(weight)
        return cls(*counters, *weights)

    def parts(self) -> dict[str, tuple[list[str], Floats]]:
        """Names and inverse document frequencies, as ``of`` takes them."""
        return {
            "word": (_names(self.words), self.word_weights.idf_.astype(np.float32)),
            "characters": (
                _names(self.characters),
                self.character_weights.idf_.astype(np.float32),
            ),
        }

    def __call__(self, texts: Sequence[str]) -> sp.csr_matrix:
        """Rows x features, float32, each part of unit length."""
        counted, _ = _counted_characters(texts, self.characters)
        halves = [
            self.word_weights.transform(self.words.transform(texts)),
            self.character_weights.transform(counted),
        ]
        return sp.hstack(halves, format="csr", dtype=np.float32)

    def words_only(self, texts: Sequence[str]) -> sp.csr_matrix:
        """The same for long texts: their characters would cost much and say little."""
        words = self.word_weights.transform(self.words.transform(texts))
        nothing = sp.csr_matrix(
            (words.shape[0], len(self.characters.vocabulary_)), dtype=np.float32
        )
        return sp.hstack([words, nothing], format="csr", dtype=np.float32)


def _counted_characters(
    texts: Sequence[str], counter: CountVectorizer
) -> tuple[sp.csr_matrix, list[str]]:
    """Texts x character n-grams, and the n-grams' names.

    No n-gram reaches over a space, so those of a text are the sum of its words': each distinct
    word is taken apart once, in place of every text.
    """
    tokens = CountVectorizer(analyzer=str.split, dtype=np.float32)
    try:
        present = tokens.fit_transform(texts)
    except ValueError:  # scikit-learn knows no empty vocabulary: there is not one word
        present, distinct = sp.csr_matrix((len(texts), 0), dtype=np.float32), []
    else:
        distinct = _names(tokens)
    is_fitted = hasattr(counter, "vocabulary_")
    of_words = counter.transform(distinct) if is_fitted else counter.fit_transform(distinct)
    return (present @ of_words).tocsr(), _names(counter)


def _counter(part: str, names: Sequence[str] | None = None) -> CountVectorizer:
    reading: dict[str, Any] = (
        {"analyzer": words_of}
        if part == "word"
        else {"analyzer": "char_wb", "ngram_range": CHARACTERS}
    )
    made = CountVectorizer(**reading, lowercase=False, dtype=np.float32)
    if names is not None:
        made.vocabulary_ = {name: place for place, name in enumerate(names)}
        made.fixed_vocabulary_ = True
    return made


def _weights() -> TfidfTransformer:
    return TfidfTransformer(sublinear_tf=True)


def _names(counter: CountVectorizer) -> list[str]:
    vocabulary = counter.vocabulary_
    return sorted(vocabulary, key=vocabulary.__getitem__)
