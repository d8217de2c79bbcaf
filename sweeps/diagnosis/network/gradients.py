"""The data part of a step against central differences of the reported data cost: what is wrong, layer by layer."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sweeps.diagnosis.findings import Code
from sweeps.diagnosis.network.comparison import Comparison
from sweeps.diagnosis.network.delta_chain import Example
from sweeps.diagnosis.network.gradient_faults import (
    BatchFault,
    EarlyMoveFault,
    GradientFault,
    GradientKind,
    KeptFault,
    OutputsFault,
    PowerFault,
)
from sweeps.diagnosis.network.steps import ETA, SMALL_ETA, ExaminedPoint, Joining, Kind, growth, joining
from sweeps.diagnosis.network.subject import InconclusiveError, Subject

_TOLERANCE = 1e-5  # relative; central differences in float64 err by 1e-9
_SLIGHT = 1e-3  # relative; a fault errs by more than 1e-2, the 1e-5 of a cost's log(a + 1e-5) by 1e-4
_NOISE = 30  # times the differences' own error: the tolerance where they are coarser, as in float32
_NOT_OF_OUTPUTS = 0.05  # relative part of a cost's gradient that no change of the outputs explains
_MAY_BE_SLIGHT = (
    GradientKind.UNEXPLAINED,
    GradientKind.DELTA_SCALED,
    GradientKind.SEVERAL_FACTORS,
    GradientKind.BIASES_FACTOR,
    GradientKind.BIASES_WRONG,
)


@dataclass(frozen=True)
class GradientReport:
    """faults: none for a sound step. scale: step / gradient, one factor for all (nan where there is none).

    error: the largest relative error of a layer's weights or biases, that factor apart. tolerance: what is seen of one.
    wrong_above: that, or where all that is wrong is slight, more.
    averaged: whether the steps pass through an average (momentum as v = b v + (1 - b) gradient), so the first is short.
    """

    faults: tuple[GradientFault, ...]
    scale: float
    error: float
    tolerance: float
    wrong_above: float
    averaged: bool


def judge_gradient(
    subject: Subject, points: Sequence[ExaminedPoint], kind: Kind, entries: Sequence[int] | None = None
) -> GradientReport:
    """Compares steps with lambda = 0 to differences of the cost with lambda = 0, example by example, then as a batch.

    entries: of the parameters' vector that are differenced (None: all, as the search for a formula needs).
    Raises InconclusiveError, and StateShapeError from a step.
    """
    examples, error = _examples(subject, points, entries)
    tolerance = seen = max(_TOLERANCE, _NOISE * error)
    coarse = max(tolerance, 1e-4 if error > _TOLERANCE else 0.0)
    faults, eta = _eta_faults(subject, points[0], coarse), ETA
    if any(fault.kind is GradientKind.MOVED_TOO_EARLY for fault in faults):
        eta = SMALL_ETA
        examples = [replace(e, step=-subject.step(e.theta, e.x, e.y, eta) / eta) for e in examples]
    faults += _batch_faults(joining(subject, points[0], eta), len(points[0]), coarse)
    comparison, scale, single = _compared(subject, examples, tolerance)
    tolerance = comparison.tolerance
    if any(fault.kind.code is Code.GRADIENT_WRONG for fault in single) and entries is None:
        strange = _not_of_outputs(subject, examples[0])
        if strange > _NOT_OF_OUTPUTS:
            layers = tuple(range(1, subject.layout.layers + 1))
            faults, single = [], [OutputsFault(GradientKind.OTHER_OUTPUTS, strange, layers=layers)]
    faults = _first_of_each(faults + single)
    if not math.isclose(scale, 1, abs_tol=10 * tolerance) and math.isfinite(scale):
        faults = [
            replace(f, single_factor=scale) if isinstance(f, BatchFault) and f.kind.code is Code.GRADIENT_SUMMED else f
            for f in faults
        ]
    if kind.adds_up and scale * kind.limit > 2:
        faults.append(KeptFault(GradientKind.GRADIENTS_KEPT, kind.limit))
    averaged = kind.limit != 1 and abs(scale * kind.limit - 1) <= 10 * tolerance
    return GradientReport(tuple(faults), scale, comparison.error(scale), seen, tolerance, averaged)


def _compared(
    subject: Subject, examples: Sequence[Example], tolerance: float
) -> "tuple[Comparison, float, list[GradientFault]]":
    """(the comparison, the factor of all, the faults); where something slight is all that speaks for some of the
    faults, without them.
    """
    comparison = Comparison(subject, examples, tolerance)
    scale, faults = comparison.judge()
    if tolerance >= _SLIGHT or not any(fault.kind in _MAY_BE_SLIGHT for fault in faults):
        return comparison, scale, faults
    coarser = Comparison(subject, examples, _SLIGHT)
    coarser_scale, fewer = coarser.judge()
    return (coarser, coarser_scale, fewer) if len(fewer) < len(faults) else (comparison, scale, faults)


def _examples(
    subject: Subject, points: Sequence[ExaminedPoint], entries: Sequence[int] | None = None
) -> tuple[list[Example], float]:
    """Every example of every point, differenced and stepped; and the differences' largest own error.

    entries: only these parameters (None: all). What is not known, at a kink or not differenced, is NaN.
    """
    found, error = [], 0.0
    for point in points:
        for k in range(len(point)):
            x, y = point.example(k)
            slope = subject.slope(functools.partial(subject.cost, x=x, y=y), point.theta, entries)
            step = -subject.step(point.theta, x, y, ETA) / ETA
            error = max(error, slope.error)
            found.append(Example(point.theta, x, y, np.where(slope.known, slope.values, np.nan), step))
    if not any(np.any(np.isfinite(example.true)) for example in found):
        raise InconclusiveError("the reported cost is no smooth function of the parameters: differences of it disagree")
    if not any(np.nansum(np.abs(example.true)) for example in found):
        raise InconclusiveError(
            "the reported cost stays the same whatever parameter is changed a little, as an accuracy does: evaluate "
            "must return the cost, alone or first in a tuple"
        )
    return found, error


def _first_of_each(faults: Sequence[GradientFault]) -> list[GradientFault]:
    """The first fault of each code: what was measured directly comes before what follows from it."""
    return list({fault.kind.code: fault for fault in reversed(faults)}.values())[::-1]


def _eta_faults(subject: Subject, point: ExaminedPoint, tolerance: float) -> list[GradientFault]:
    """Whether a step is proportional to eta."""
    measured = growth(subject, point)
    if measured.residual > 100 * tolerance:
        step, small = (subject.step(point.theta, point.x, point.y, eta) / eta for eta in (ETA, SMALL_ETA))
        off = float(np.linalg.norm(step - small) / np.linalg.norm(small))
        return [EarlyMoveFault(GradientKind.MOVED_TOO_EARLY, ETA, SMALL_ETA, off)]
    if abs(measured.weights - 1) > 0.01:
        return [PowerFault(GradientKind.POWER_OF_ETA, measured.weights, measured.biases)]
    if abs(measured.biases - 1) > 0.01:
        return [PowerFault(GradientKind.BIASES_POWER_OF_ETA, measured.weights, measured.biases)]
    return []


def _not_of_outputs(subject: Subject, example: Example) -> float:
    """The part of the cost's gradient, relative, that no change of feedforward's outputs explains; 0 where all is."""
    known = np.flatnonzero(np.isfinite(example.true))
    rows, h = [], subject.spacing
    for k in known:
        up, down = example.theta.copy(), example.theta.copy()
        up[k] += h
        down[k] -= h
        rows.append((subject.outputs(up, example.x) - subject.outputs(down, example.x))[0] / (2 * h))
    jacobian, true = np.array(rows), example.true[known]
    explained = jacobian @ np.linalg.lstsq(jacobian, true, rcond=1e-9)[0]
    size = float(np.linalg.norm(true))
    return float(np.linalg.norm(true - explained)) / size if size else 0.0


def _batch_faults(join: Joining, m: int, tolerance: float) -> list[GradientFault]:
    """Whether a mini-batch's step is the average of its examples' steps."""
    mean, factor = 1 / m, _median(join.weights)

    def is_like(factors: Sequence[float], wanted: float) -> bool:
        return all(abs(f - wanted) <= 100 * tolerance * wanted for f in factors if np.isfinite(f))

    if join.weights_residual > 100 * tolerance:
        shares = tuple(m * share for share in join.shares) if join.shares_residual <= 100 * tolerance else ()
        return [BatchFault(GradientKind.NOT_AVERAGED, m, factor, shares, join.weights_residual)]
    if join.biases_residual > 100 * tolerance and is_like(join.weights, mean):
        return [BatchFault(GradientKind.BIASES_OF_FEWER_EXAMPLES, m, factor, residual=join.biases_residual)]
    if is_like(join.weights, mean) and is_like(join.biases, mean):
        return []
    if is_like(join.weights, mean):
        wrong = tuple(k for k, f in enumerate(join.biases, 1) if not is_like([f], mean))
        of_biases = _median([join.biases[k - 1] for k in wrong])
        return [BatchFault(GradientKind.BIASES_NOT_AVERAGED, m, factor, biases_factor=of_biases, layers=wrong)]
    if is_like(join.weights, 1.0):
        kind = GradientKind.SUMMED if is_like(join.biases, 1.0) else GradientKind.WEIGHTS_SUMMED
        return [BatchFault(kind, m, factor)]
    return [BatchFault(GradientKind.NOT_AVERAGED, m, factor)]


def _median(factors: Sequence[float]) -> float:
    """Of those that are numbers; NaN where none is."""
    finite = [factor for factor in factors if math.isfinite(factor)]
    return float(np.median(finite)) if finite else math.nan
