"""What a recorded run's curves say before any judgement: parts that follow from others, rises, fitted laws."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sweeps.diagnosis.curves.recorded_run import RecordedRun
from sweeps.diagnosis.curves.run_facts import RunFacts
from sweeps.errors import InputError
from sweeps.verdicts.curves import Curve

_LARGEST = 1e100  # a cost above it has left the numbers: what is computed from it would overflow
_ROUNDED = 0.02  # of the cost: parts written with two digits need not add up any better


@dataclass(frozen=True)
class Rise:
    """The largest rise of a curve from one value to a later one. start, end: positions. epochs: those of both."""

    start: int
    end: int
    size: float
    epochs: tuple[float, float]

    @property
    def second_half(self) -> slice:
        """Without the start, which may be before training."""
        return slice((self.start + self.end + 1) // 2, self.end + 1)

    @property
    def when(self) -> str:
        return f"from epoch {self.epochs[0]:g} to {self.epochs[1]:g}"

    @property
    def span(self) -> slice:
        return slice(self.start, self.end + 1)


@dataclass(frozen=True, eq=False)
class Readings:
    """The curves up to where the numbers overflowed, each (epochs,); NaN where a value is not known.

    total: as reported. data, penalty: its parts, recorded or the difference to the other. overflow: (epoch, value) of
    the first cost that is infinite, above _LARGEST or NaN. mismatch: (epoch, data_cost + penalty) where the parts do
    not add up to the cost; then data and penalty are NaN.
    """

    epochs: Curve
    total: Curve
    data: Curve
    penalty: Curve
    accuracy: Curve
    overflow: tuple[float, float] | None
    mismatch: tuple[float, float] | None

    @property
    def has_parts(self) -> bool:
        """Whether data cost and penalty are known at all epochs."""
        return len(self.total) > 1 and bool(np.isfinite(self.penalty).all() and np.isfinite(self.data).all())

    def lowest_accuracy(self, span: slice) -> float | None:
        return min(self._accuracies(span), default=None)

    def accuracy_gain(self, span: slice) -> float | None:
        """Accuracy at the end of a span less that at its start."""
        known = self._accuracies(span)
        return known[-1] - known[0] if len(known) > 1 else None

    def _accuracies(self, span: slice) -> list[float]:
        return [float(value) for value in self.accuracy[span] if math.isfinite(value)]


def readings_of(run: RecordedRun, facts: RunFacts) -> Readings:
    """Raises InputError when more answers are right than were evaluated."""
    missing = np.full(len(run.epochs), math.nan)
    gone = np.flatnonzero(~(run.cost <= _LARGEST))
    stop = int(gone[0]) if len(gone) else len(run.cost)
    cost = run.cost[:stop]
    data, penalty = _known(run.data_cost, missing)[:stop], _known(run.penalty, missing)[:stop]
    if facts.lmbda == 0:
        penalty = np.zeros(stop)
    data = np.where(np.isnan(data), cost - penalty, data)
    penalty = np.where(np.isnan(penalty), cost - data, penalty)
    off = np.flatnonzero(
        (np.abs(data + penalty - cost) > _ROUNDED * cost) | (np.minimum(data, penalty) < -_ROUNDED * cost)
    )
    mismatch = None
    if len(off):
        first = int(off[0])
        mismatch = (float(run.epochs[first]), float(data[first] + max(penalty[first], 0.0)))
        data, penalty = missing[:stop], missing[:stop]
    return Readings(
        run.epochs[:stop],
        cost,
        np.maximum(data, 0),
        np.maximum(penalty, 0),
        _accuracy(run, facts)[:stop],
        (float(run.epochs[stop]), float(run.cost[stop])) if len(gone) else None,
        mismatch,
    )


def _known(part: Curve | None, missing: Curve) -> Curve:
    return missing if part is None else np.where(part <= _LARGEST, part, math.nan)


def _accuracy(run: RecordedRun, facts: RunFacts) -> Curve:
    if run.accuracy is not None:
        return run.accuracy
    if run.correct is None or facts.evaluated_n is None:
        return np.full(len(run.epochs), math.nan)
    most = float(np.nanmax(run.correct, initial=0))
    if most > facts.evaluated_n:
        raise InputError(
            f"column correct: holds {most:g}, more than the {facts.evaluated_n} examples evaluated; "
            "give their number (--evaluated-size), or name the column accuracy and write fractions"
        )
    return run.correct / facts.evaluated_n


def largest_rise(epochs: Curve, curve: Curve) -> Rise:
    """epochs, curve: (k,), finite, k > 0."""
    rises = curve - np.minimum.accumulate(curve)
    end = int(np.argmax(rises))
    start = int(np.argmin(curve[: end + 1]))
    return Rise(start, end, float(rises[end]), (float(epochs[start]), float(epochs[end])))


def fit_laws(epochs: Curve, curve: Curve) -> Mapping[str, float]:
    """Root mean square of log(law / curve) for laws of two parameters, where one fits at all; curve positive.

    exponential: a constant factor an epoch. quadratic: equal steps of the square root, which for a penalty is the norm
    of the weights. linear: equal steps. epochs, curve: (k,), k > 2.
    """
    residuals = {"exponential": np.log(curve) - _line(epochs, np.log(curve), np.ones_like(curve))}
    for law, power in (("quadratic", 0.5), ("linear", 1.0)):
        root = curve**power
        residuals[law] = np.log(_line(epochs, root, 1 / root) / root) / power
    misfits = {law: float(np.sqrt(np.mean(residual**2))) for law, residual in residuals.items()}
    return {law: misfit for law, misfit in misfits.items() if math.isfinite(misfit)}


def _line(x: Curve, y: Curve, weights: Curve) -> Curve:
    """The line nearest to y by squares of weights * (line - y), at x."""
    squares = (weights / weights.max()) ** 2
    shares = squares / squares.sum()
    dx, mean = x - shares @ x, shares @ y
    line: Curve = mean + dx * (shares @ (dx * (y - mean))) / (shares @ dx**2)
    return line
