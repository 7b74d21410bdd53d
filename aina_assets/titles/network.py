"""A softmax over sparse features: embeddings summed, then one linear layer.

Belongs here: training it and asking it. Stays out: what the features and classes mean.

The form is fastText's (Joulin et al. 2017, "Bag of Tricks for Efficient Text Classification") on
TF-IDF weights. scikit-learn's linear models hold a dense weight for every feature and class, a
hundred times as many; its MLP updates every embedding at every step; the fastText library is
archived. See ``docs/decisions``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

BATCH = 256
LEARNING_RATE = 0.1
EPOCHS = 4
LEAST_STEPS = 100

Floats = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Network:
    """Trained weights.

    Attributes:
        embeddings: features x width.
        weights: width x classes.
        bias: classes.
    """

    embeddings: Floats
    weights: Floats
    bias: Floats

    def probabilities(self, features: sp.csr_matrix) -> Floats:
        """Rows x classes; each row sums to 1."""
        return softmax((features @ self.embeddings) @ self.weights + self.bias)


def softmax(scores: Floats) -> Floats:
    """Row-wise softmax, in place."""
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return scores


def train(
    features: sp.csr_matrix, targets: sp.csr_matrix, importance: Floats, *, width: int, seed: int
) -> Network:
    """A network that predicts ``targets``, by mini-batch Adagrad on cross-entropy.

    Weights are rounded to half precision, as they are stored: what is evaluated is what is served.

    Args:
        features: rows x features, float32.
        targets: rows x classes, float32; each row a distribution over its right classes.
        importance: weight of each row.
        width: numbers in an embedding.
        seed: of the initial weights and the order of rows.
    """
    rng = np.random.default_rng(seed)
    rows, vocabulary = features.shape
    classes = targets.shape[1]
    embeddings = rng.standard_normal((vocabulary, width), dtype=np.float32)
    embeddings /= np.float32(np.sqrt(width))
    weights = rng.standard_normal((width, classes), dtype=np.float32) * np.float32(0.01)
    bias = np.zeros(classes, np.float32)
    # One rate a feature, not one a number: the rates of a feature's numbers hardly differ.
    seen_features = np.full(vocabulary, 1e-8, np.float32)
    seen_weights = np.full((width, classes), 1e-8, np.float32)
    seen_bias = np.full(classes, 1e-8, np.float32)

    per_epoch = -(-rows // BATCH)
    epochs = max(EPOCHS, -(-LEAST_STEPS // per_epoch))
    step, steps = 0, epochs * per_epoch
    for _ in range(epochs):
        order = rng.permutation(rows)
        for start in range(0, rows, BATCH):
            batch = np.sort(order[start : start + BATCH])
            rate = np.float32(LEARNING_RATE * (1 - step / steps))
            step += 1
            taken = features[batch]
            hidden = taken @ embeddings
            error = softmax(hidden @ weights + bias)
            error -= targets[batch].toarray()
            error *= (importance[batch] / np.float32(len(batch)))[:, None]

            of_hidden = error @ weights.T
            of_weights = hidden.T @ error
            of_bias = error.sum(axis=0)
            present = np.unique(taken.indices)
            narrow = sp.csr_matrix(
                (taken.data, np.searchsorted(present, taken.indices), taken.indptr),
                shape=(len(batch), len(present)),
            )
            of_features = narrow.T @ of_hidden

            seen_features[present] += (of_features * of_features).mean(axis=1)
            embeddings[present] -= (rate / np.sqrt(seen_features[present]))[:, None] * of_features
            seen_weights += of_weights * of_weights
            weights -= rate * of_weights / np.sqrt(seen_weights)
            seen_bias += of_bias * of_bias
            bias -= rate * of_bias / np.sqrt(seen_bias)
    return Network(_half(embeddings), _half(weights), _half(bias))


def _half(numbers: Floats) -> Floats:
    return numbers.astype(np.float16).astype(np.float32)
