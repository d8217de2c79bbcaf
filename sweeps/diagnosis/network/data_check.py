"""Whether a training set is one that a network can learn from: its inputs' scale, its labels, and both together."""

from collections.abc import Iterator

import numpy as np

from model import Examples
from sweeps.diagnosis.findings import Finding
from sweeps.diagnosis.network import start_sentences as said
from sweeps.diagnosis.network.subject import Array

EXAMPLES = 500  # that are compared with each other

_LARGE = 4.0  # root mean square of the inputs; 1 where each is standardised, 8 of digits that go to 16
_SMALL = 0.05  # largest input; bytes that were divided by 255 twice go to .004
_ENOUGH = 100  # examples, from where on nearest neighbours say something
_SURE = 3.0  # standard deviations above chance


def judge_examples(examples: Examples) -> list[Finding]:
    """Of a training set as a network sees it; nothing where all is well."""
    x, y = some_of(examples, EXAMPLES)
    counts = np.bincount(examples.y, minlength=examples.classes)
    return [*_of_scale(x), *_of_classes(counts), *_of_neighbours(x, y.argmax(axis=1))]


def some_of(examples: Examples, most: int) -> tuple[Array, Array]:
    """x (m, n_in), as a network sees it, and y (m, classes), one-hot, of at most so many examples, classes mixed."""
    chosen = np.random.default_rng(0).permutation(len(examples))[:most]
    x = np.asarray(examples.x[chosen], np.float64) * float(examples.scale)
    return x, np.eye(examples.classes)[examples.y[chosen]]


def judge_pairs(x: Array, y: Array) -> list[Finding]:
    """The same of x (m, n_in) and targets y (m, n_out), which may be probabilities."""
    found = list(_of_scale(x[:EXAMPLES]))
    strange = np.flatnonzero((y < 0).any(axis=1) | (np.abs(y.sum(axis=1) - 1) > 1e-3))
    if y.shape[1] > 1 and len(strange):
        return [*found, said.not_one_hot(int(strange[0]), [float(value) for value in y[strange[0]]])]
    labels = y.argmax(axis=1) if y.shape[1] > 1 else (y[:, 0] > y.mean()).astype(int)
    if len(y) >= _ENOUGH and y.shape[1] > 1:
        found += _of_classes(np.bincount(labels, minlength=y.shape[1]))
    return [*found, *_of_neighbours(x[:EXAMPLES], labels[:EXAMPLES])]


def _of_scale(x: Array) -> Iterator[Finding]:
    size, largest = float(np.sqrt(np.mean(x**2))), float(np.max(np.abs(x), initial=0.0))
    if size > _LARGE or 0 < largest < _SMALL:
        yield said.unscaled(size, largest)


def _of_classes(counts: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]") -> Iterator[Finding]:
    absent = [int(k) for k in np.flatnonzero(counts == 0)]
    if absent:
        yield said.absent_classes(absent, len(counts))


def _of_neighbours(x: Array, labels: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]") -> Iterator[Finding]:
    """Whether examples that are alike have the same label more often than any two have."""
    m = len(x)
    shares = np.unique(labels, return_counts=True)[1] / m
    chance = float(np.sum(shares**2))
    if m < _ENOUGH or len(shares) < 2:
        return
    squares = np.sum(x**2, axis=1)
    distances = squares[:, None] + squares - 2 * x @ x.T
    np.fill_diagonal(distances, np.inf)
    same = float(np.mean(labels[distances.argmin(axis=1)] == labels))
    if same < chance + _SURE * np.sqrt(chance * (1 - chance) / m):
        yield said.strange_labels(m, same, chance)
