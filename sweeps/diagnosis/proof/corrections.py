"""A step corrected from outside: what of somebody's step is kept, and what is put in the place of the rest.

Where their data step is a multiple of the gradient, array by array, it is their own step times the factor that was
measured to be missing; else the exact gradient of the formula that their outputs and their cost follow.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps.diagnosis.network.steps import draw_point
from sweeps.diagnosis.network.subject import Array, InconclusiveError, Layout, Subject
from sweeps.diagnosis.proof.law import Law, find_law
from sweeps.formatting import listed
from sweeps.user_network.wrapper import WrappedNetwork

_ETA = 0.1  # of the step that is compared with the gradient
_SAMPLED = 25  # entries of each array that are differenced
_ALONG, _COARSE = 1e-3, 10  # relative residual of a step along the gradient; times the differences' own error
_AGREES = 1e-2  # relative difference of a formula's gradient from differences of the reported cost
_LMBDA, _N, _EXAMPLES = 30.0, 60, 6  # with which a penalty is measured
_ROUND = 0.02  # relative difference of a penalty from the textbook's, or of a step from the right one
_L1, _L2 = "lambda / n * sign(w)", "lambda / n * w"


@dataclass(frozen=True)
class Decay:
    """What eta takes from a weight: factor * lambda / n * w, or * sign(w). measured: from the penalty they report."""

    factor: float = 1.0
    l1: bool = False
    measured: bool = True

    def __call__(self, theta: Array, of_weights: NDArray[np.bool_], lmbda: float, n: int) -> Array:
        return np.where(of_weights, self.factor * lmbda / n * (np.sign(theta) if self.l1 else theta), 0.0)

    @property
    def in_words(self) -> str:
        times = "" if abs(self.factor - 1) < _ROUND else f"{self.factor:.3g} * "
        whose = "the gradient of the penalty that they report" if self.measured else "the textbook's decay"
        return f"eta * {times}{_L1 if self.l1 else _L2}, {whose}, for what lambda takes"


@dataclass(frozen=True)
class Correction:
    """factors: times their data step, an entry for each parameter. law: whose gradient stands for their data step.

    Neither: their data step is right. decay: in place of what lambda makes of their step; None: that is right.
    """

    factors: Array | None = None
    law: Law | None = None
    decay: Decay | None = None

    @property
    def in_words(self) -> str:
        """What stands in the place of what."""
        said = []
        if self.law is not None:
            said.append(f"plain steps along the exact gradient of what they report ({self.law.in_words}) for theirs")
        elif self.factors is not None:
            values = dict.fromkeys(f"{value:.3g}" for value in np.unique(np.round(self.factors, 3)))
            said.append(f"{' or '.join(values)} times their own data step")
        if self.decay is not None:
            said.append(self.decay.in_words)
        return listed(said)

    def step(self, wrapped: WrappedNetwork, batch: tuple[Array, Array], eta: float, lmbda: float, n: int) -> None:
        """Their network takes its own step, then gets what the corrected one leaves. Raises StateShapeError."""
        layout = Layout(wrapped.sizes)
        before, of_lambda = _theta(wrapped, layout), np.zeros(layout.size)
        if lmbda and self.decay is None:
            with_it, without = (self._moved(wrapped.copy(), layout, batch, eta, value, n) for value in (lmbda, 0.0))
            of_lambda = with_it - without
        moved = self._moved(wrapped, layout, batch, eta, 0.0, n)
        if self.law is not None:
            moved = -eta * layout.join(*self.law.gradient(layout.weights(before), layout.biases(before), *batch))
        elif self.factors is not None:
            moved = self.factors * moved
        if self.decay is not None:
            of_lambda = -eta * self.decay(before, of_weights(layout), lmbda, n)
        after = before + moved + of_lambda
        wrapped.set(layout.weights(after), layout.biases(after))

    def _moved(
        self, wrapped: WrappedNetwork, layout: Layout, batch: tuple[Array, Array], eta: float, lmbda: float, n: int
    ) -> Array:
        before = _theta(wrapped, layout)
        wrapped.update(wrapped.pairs(batch[0].copy(), batch[1].copy()), eta, lmbda, n)
        return _theta(wrapped, layout) - before


def of_weights(layout: Layout) -> NDArray[np.bool_]:
    """(size,): which parameters are weights."""
    return np.arange(layout.size) < layout.size - sum(layout.sizes[1:])


def corrected_data(subject: Subject, x: Array, y: Array) -> Correction:
    """The correction of a data step on mini-batches of this size. Raises InconclusiveError where none can be made.

    x: (m, n_in), y: (m, n_out).
    """
    layout, rng = subject.layout, np.random.default_rng(0)
    theta = draw_point(layout, rng).theta
    entries = _sampled(layout, rng)
    slope = subject.slope(lambda at: float(np.mean(_costs(subject, at, x, y))), theta, entries)
    known = np.flatnonzero(slope.known)
    step = -subject.step(theta, x, y, _ETA) / _ETA
    tolerance = max(_ALONG, _COARSE * slope.error)
    factors, along = np.ones(layout.size), True
    for part in _arrays(layout):
        at = np.intersect1d(known, part)
        true, taken = slope.values[at], step[at]
        if not np.any(true):
            continue
        factor = float(taken @ true) / float(true @ true)
        along = along and bool(factor) and np.linalg.norm(taken - factor * true) <= tolerance * np.linalg.norm(taken)
        factors[part] = 1 / factor if factor else 1.0
    if along and np.all(np.abs(factors - 1) <= _ROUND):
        raise InconclusiveError(f"there, with mini-batches of {len(x)}, it is right")
    if along:
        return Correction(factors=factors)
    law = find_law(subject)
    if law is None:
        raise InconclusiveError("their outputs, or their cost, follow none of the usual formulas")
    ours = layout.join(*law.gradient(layout.weights(theta), layout.biases(theta), x, y))[known]
    if np.linalg.norm(ours - slope.values[known]) > _AGREES * np.linalg.norm(slope.values[known]):
        raise InconclusiveError("backprop of their formula disagrees with differences of their cost")
    return Correction(law=law)


def corrected_decay(subject: Subject) -> Decay:
    """The gradient of the penalty that they report, measured; the textbook's where that is none of the usual."""
    layout, rng = subject.layout, np.random.default_rng(1)
    point = draw_point(layout, rng, _EXAMPLES)
    x, y = (np.tile(side, (_N // _EXAMPLES, 1)) for side in (point.x, point.y))
    entries = [k for k in _sampled(layout, rng) if of_weights(layout)[k]]

    def penalty(theta: Array) -> float:
        with_it, without = (subject.cost(theta, x, y, lmbda, _N) for lmbda in (_LMBDA, 0.0))
        return with_it - without

    found = subject.slope(penalty, point.theta, entries).values[entries] / (_LMBDA / _N)
    for l1, expected in ((False, point.theta[entries]), (True, np.sign(point.theta[entries]))):
        factor = float(found @ expected) / float(expected @ expected)
        if abs(factor - 1) < _ROUND and np.linalg.norm(found - factor * expected) <= _ROUND * np.linalg.norm(found):
            return Decay(1.0, l1)
    return Decay(measured=False)


def _costs(subject: Subject, theta: Array, x: Array, y: Array) -> list[float]:
    return [subject.cost(theta, x[k : k + 1], y[k : k + 1]) for k in range(len(x))]


def _arrays(layout: Layout) -> list[NDArray[Any]]:
    """The entries of each layer's weights, then biases."""
    every = np.arange(layout.size, dtype=np.float64)
    return [np.ravel(part).astype(int) for part in (*layout.weights(every), *layout.biases(every))]


def _sampled(layout: Layout, rng: np.random.Generator) -> list[int]:
    return [int(k) for part in _arrays(layout) for k in rng.permutation(part)[:_SAMPLED]]


def _theta(wrapped: WrappedNetwork, layout: Layout) -> Array:
    return layout.join(wrapped.weights, wrapped.biases)
