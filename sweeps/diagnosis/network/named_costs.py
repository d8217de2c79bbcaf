"""Which of the usual costs a class reports, and which one its step descends, told by numbers on single examples."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sweeps.diagnosis.network.gradient_faults import CostFault, GradientKind
from sweeps.diagnosis.network.steps import ETA, ExaminedPoint
from sweeps.diagnosis.network.subject import Array, Subject

_FITS = 1e-3  # relative residual up to which numbers are a multiple of others
_VARIES = 1e-2  # relative spread: costs that vary less are alike to any formula
_FEWEST = 4  # examples whose cost is not 0
_TINY = 1e-9  # of the largest derivative: below it nothing is divided by

Cost = Callable[[Array, Array], Array]  # of u (n_out,) and y, for each unit


def _logarithm(u: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(np.log(u))


_COSTS: Mapping[str, Cost] = {
    "quadratic cost": lambda u, y: 0.5 * (u - y) ** 2,
    "cross-entropy": lambda u, y: np.nan_to_num(-y * _logarithm(u) - (1 - y) * _logarithm(1 - u)),
    "log-likelihood": lambda u, y: np.nan_to_num(np.where(y > 0, -y * _logarithm(u), 0.0)),
    "absolute error": lambda u, y: np.abs(u - y),
}
_WITHOUT_LOG: Mapping[str, Cost] = {
    "cross-entropy": lambda u, y: -y * u - (1 - y) * (1 - u),
    "log-likelihood": lambda u, y: -y * u,
}
_BY_OUTPUT: Mapping[str, Cost] = {  # derivatives of _COSTS by u
    "quadratic cost": lambda u, y: u - y,
    "cross-entropy": lambda u, y: (u - y) / (u * (1 - u)),
    "log-likelihood": lambda u, y: -y / u,
    "absolute error": lambda u, y: np.sign(u - y),
}


@dataclass(frozen=True)
class _Told:
    """One example: its outputs, the weighted inputs that they come from, its target, its cost, and the output layer's
    delta that a step implies, with the outputs' derivatives (n_out, n_out) by those inputs.
    """

    a: Array
    z: Array
    y: Array
    cost: float
    delta: Array
    jacobian: Array


def misreported(subject: Subject, points: Sequence[ExaminedPoint]) -> CostFault | None:
    """What is wrong with the reported cost: taken of z, without its logarithm, or another than the one descended.

    None where it is none of the usual ones, or the one that the step descends.
    """
    told = [one for one in _all_told(subject, points) if math.isfinite(one.cost) and np.all(np.isfinite(one.z))]
    costs = np.array([one.cost for one in told])
    if np.count_nonzero(costs) < _FEWEST or np.ptp(costs) <= _VARIES * np.max(np.abs(costs)):
        return None
    descended = _descended(told)
    of_outputs = _fitting(costs, {name: [cost(one.a, one.y) for one in told] for name, cost in _COSTS.items()})
    if of_outputs:
        if descended is None or descended[0] in of_outputs:
            return None
        # quadratic outputs' missing slope and the cross-entropy's step are the same numbers, said elsewhere
        return CostFault(GradientKind.COST_OTHER, next(iter(of_outputs)), *descended, layers=(subject.layout.layers,))
    wrong = [
        (GradientKind.COST_WITHOUT_LOG, {name: [f(one.a, one.y) for one in told] for name, f in _WITHOUT_LOG.items()}),
        (GradientKind.COST_OF_Z, {name: [f(one.z, one.y) for one in told] for name, f in _COSTS.items()}),
        (GradientKind.COST_OF_Z, {name: [f(one.z, one.y) for one in told] for name, f in _WITHOUT_LOG.items()}),
    ]
    for kind, candidates in wrong:
        found = _fitting(costs, candidates)
        if found:
            name, factor = descended or ("", math.nan)
            return CostFault(kind, next(iter(found)), name, factor, layers=(subject.layout.layers,))
    return None


def descended_cost(subject: Subject, points: Sequence[ExaminedPoint]) -> str:
    """Which of the usual costs a step descends, whatever is reported; "" where none of them."""
    found = _descended(_all_told(subject, points))
    return found[0] if found else ""


def _all_told(subject: Subject, points: Sequence[ExaminedPoint]) -> "list[_Told]":
    return [_told(subject, single) for point in points for single in point.alone()]


def _fitting(costs: Array, candidates: Mapping[str, Sequence[Array]]) -> dict[str, float]:
    """The formulas of which the costs are one multiple, and which."""
    found = {}
    for name, values in candidates.items():
        factor, residual = _multiple(costs, np.array([np.sum(value) for value in values]))
        if residual <= _FITS and factor > 0:
            found[name] = factor
    return found


def _descended(told: Sequence[_Told]) -> tuple[str, float] | None:
    """(the cost of the outputs that the steps descend, how many times); None where they descend none of these."""
    implied = np.concatenate([one.delta for one in told])
    for name, by_output in _BY_OUTPUT.items():
        with np.errstate(all="ignore"):
            deltas = np.concatenate([one.jacobian.T @ by_output(one.a, one.y) for one in told])
        if np.all(np.isfinite(deltas)):
            factor, residual = _multiple(implied, deltas)
            if residual <= _FITS and factor > 0:
                return name, factor
    return None


def _multiple(found: Array, expected: Array) -> tuple[float, float]:
    """(factor, relative residual) of found as a multiple of expected."""
    square, size = float(expected @ expected), float(np.linalg.norm(found))
    if not square or not size or not math.isfinite(square):
        return math.nan, math.inf
    factor = float(found @ expected) / square
    return factor, float(np.linalg.norm(found - factor * expected)) / size


def _told(subject: Subject, point: ExaminedPoint) -> _Told:
    """point: one example. z: from the outputs' derivatives by the last weights, which are those by the bias times the
    layer's input.
    """
    layout, theta, x, y = subject.layout, point.theta, point.x, point.y
    every = np.arange(layout.size, dtype=np.float64)
    weights, biases = (part(every)[-1] for part in (layout.weights, layout.biases))

    def by(entry: int) -> Array:
        up, down = theta.copy(), theta.copy()
        up[entry] += subject.spacing
        down[entry] -= subject.spacing
        difference: Array = (subject.outputs(up, x) - subject.outputs(down, x))[0] / (2 * subject.spacing)
        return difference

    jacobian = np.stack([by(int(k)) for k in biases], axis=1)
    unit = int(np.argmax(np.linalg.norm(jacobian, axis=0)))
    column = jacobian[:, unit]
    square = float(column @ column)
    below = np.array([by(int(k)) @ column / square if square > _TINY**2 else math.nan for k in weights[unit]])
    z = layout.weights(theta)[-1] @ below + layout.biases(theta)[-1]
    step = -subject.step(theta, x, y, ETA) / ETA
    return _Told(subject.outputs(theta, x)[0], z, y[0], subject.cost(theta, x, y), layout.biases(step)[-1], jacobian)
