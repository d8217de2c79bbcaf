"""The data part of a step against central differences of the reported data cost: what is wrong, layer by layer."""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sweeps.diagnosis.findings import Code
from sweeps.diagnosis.network.delta_chain import Chain, Example
from sweeps.diagnosis.network.gradient_faults import (
    BatchFault,
    BiasesFault,
    EarlyMoveFault,
    FactorFault,
    FactorsFault,
    FormulaFault,
    GradientFault,
    GradientKind,
    KeptFault,
    OutputsFault,
    ParametersFault,
    PowerFault,
    WrongStepFault,
)
from sweeps.diagnosis.network.steps import ETA, SMALL_ETA, ExaminedPoint, Joining, Kind, growth, joining
from sweeps.diagnosis.network.subject import Array, InconclusiveError, Subject

_TOLERANCE = 1e-5  # relative; central differences in float64 err by 1e-9, a fault by more than 1e-2
_NOISE = 30  # times the differences' own error: the tolerance where they are coarser, as in float32
_NOT_OF_OUTPUTS = 0.05  # relative part of a cost's gradient that no change of the outputs explains
_STILL = 1e-10  # of the largest step: a parameter that moves less does not move
_IDLE = 1e-3  # of the largest step: what moves more, though the cost does not depend on it, moves
_SAY_LEAST = (GradientKind.UNEXPLAINED, GradientKind.NOT_TRANSPOSED)  # of all kinds that go by one code


@dataclass(frozen=True)
class GradientReport:
    """faults: none for a sound step. scale: step / gradient, one factor for all (nan where there is none).

    error: the largest relative error of a layer's weights or biases, that factor apart. tolerance: above it, wrong.
    averaged: whether the steps pass through an average (momentum as v = b v + (1 - b) gradient), so the first is short.
    """

    faults: tuple[GradientFault, ...]
    scale: float
    error: float
    tolerance: float
    averaged: bool


def judge_gradient(
    subject: Subject, points: Sequence[ExaminedPoint], kind: Kind, entries: Sequence[int] | None = None
) -> GradientReport:
    """Compares steps with lambda = 0 to differences of the cost with lambda = 0, example by example, then as a batch.

    entries: of the parameters' vector that are differenced (None: all, as the search for a formula needs).
    Raises InconclusiveError, and StateShapeError from a step.
    """
    examples, error = _examples(subject, points, entries)
    tolerance = max(_TOLERANCE, _NOISE * error)
    coarse = max(tolerance, 1e-4 if error > _TOLERANCE else 0.0)
    faults, eta = _eta_faults(subject, points[0], coarse), ETA
    if any(fault.kind is GradientKind.MOVED_TOO_EARLY for fault in faults):
        eta = SMALL_ETA
        examples = [replace(e, step=-subject.step(e.theta, e.x, e.y, eta) / eta) for e in examples]
    comparison = _Comparison(subject, examples, tolerance)
    faults += _batch_faults(joining(subject, points[0], eta), len(points[0]), coarse)
    scale, single = comparison.judge()
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
    return GradientReport(tuple(faults), scale, comparison.error(scale), tolerance, averaged)


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


class _Comparison:
    """Steps on single examples against their gradients, parameter by parameter over all examples."""

    def __init__(self, subject: Subject, examples: Sequence[Example], tolerance: float) -> None:
        self._subject, self._examples, self._tolerance = subject, examples, tolerance
        layout = subject.layout
        self._layers = layout.layers
        split = [(layout.weights, "weights"), (layout.biases, "biases")]
        self._tensors = [
            _Tensor(word, layer, *(self._stacked(part, layer, side) for side in ("true", "step")))
            for part, word in split
            for layer in range(1, layout.layers + 1)
        ]
        self._largest = max((float(np.linalg.norm(t.step)) for t in self._tensors), default=0.0)

    def _stacked(self, part: Callable[[Array], list[Array]], layer: int, side: str) -> Array:
        entries = [np.ravel(part(getattr(example, side))[layer - 1]) for example in self._examples]
        known = [np.isfinite(np.ravel(part(example.true)[layer - 1])) for example in self._examples]  # not at a kink
        return np.concatenate([side[of] for side, of in zip(entries, known, strict=True)])

    def error(self, scale: float) -> float:
        """Of the worst parameter, relative to its gradient times the scale."""
        return max((t.error(scale) for t in self._tensors if t.matters), default=0.0)

    def judge(self) -> tuple[float, list[GradientFault]]:
        """(the factor of all, the faults)."""
        still = [t for t in self._tensors if t.matters and np.linalg.norm(t.step) <= _STILL * self._largest]
        if self._largest == 0:
            still = [t for t in self._tensors if t.matters]
        faults: list[GradientFault] = [
            ParametersFault(GradientKind.FROZEN, word, layers=tuple(t.layer for t in still if t.word == word))
            for word in ("weights", "biases")
            if any(t.word == word for t in still)
        ]
        idle = [t for t in self._tensors if not t.matters and np.linalg.norm(t.step) > _IDLE * self._largest]
        if idle:
            layers = tuple(sorted({t.layer for t in idle}))
            words = " and ".join(dict.fromkeys(t.word for t in idle))
            faults.append(ParametersFault(GradientKind.IDLE_MOVED, words, layers=layers))
        moving = [t for t in self._tensors if t.matters and t not in still]
        if not moving:
            return float("nan"), faults
        if all(t.residual <= self._tolerance for t in moving):
            scale, more = self._judge_factors(moving)
            return scale, faults + more
        return self._judge_chain(moving, faults)

    def _judge_factors(self, moving: "Sequence[_Tensor]") -> tuple[float, list[GradientFault]]:
        """Every parameter moves along its gradient: whether all by the same positive factor."""
        weights = [t.factor for t in moving if t.word == "weights"] or [t.factor for t in moving]
        scale = float(np.median(weights))
        odd = [t for t in moving if abs(t.factor - scale) > 10 * self._tolerance * abs(scale)]
        uphill: list[GradientFault] = [FactorFault(GradientKind.UPHILL, scale)] if scale < 0 else []
        if not odd:
            return scale, uphill
        biases = [t for t in odd if t.word == "biases"]
        if biases and len(biases) == len(odd):
            factor = float(np.median([t.factor / scale for t in biases]))
            layers = tuple(t.layer for t in biases)
            return scale, [FactorFault(GradientKind.BIASES_FACTOR, factor, layers=layers), *uphill]
        against = tuple(sorted({t.layer for t in moving if t.factor < 0}))
        if against and all(abs(abs(t.factor) - abs(scale)) <= 10 * self._tolerance * abs(scale) for t in moving):
            return abs(scale), [FactorFault(GradientKind.UPHILL, -abs(scale), layers=against)]
        factors = {t.name: t.factor for t in moving}
        return scale, [FactorsFault(GradientKind.SEVERAL_FACTORS, factors, layers=_layers_of(odd))]

    def _judge_chain(
        self, moving: "Sequence[_Tensor]", faults: list[GradientFault]
    ) -> tuple[float, list[GradientFault]]:
        """Some parameters move in another direction: which formulas explain theirs. faults: found before."""
        wrong = [t for t in moving if t.residual > self._tolerance]
        if all(t.residual <= self._tolerance for t in moving if t.word == "weights"):
            scale, more = self._judge_factors([t for t in moving if t not in wrong])
            worst = max(t.residual for t in moving)
            return scale, [*faults, BiasesFault(GradientKind.BIASES_WRONG, worst, layers=_layers_of(wrong)), *more]
        chain = Chain(self._subject, self._examples, self._tolerance)
        errors = {t.name: t.error(1.0) for t in moving}
        frozen = any(isinstance(f, ParametersFault) and f.parameters == "weights" for f in faults)
        flaws = chain.flaws() if chain.is_layered and not frozen else []
        apart = chain.products_apart() if chain.is_layered else ()
        if apart:
            faults = [*faults, WrongStepFault(GradientKind.NO_PRODUCT, errors=errors, layers=apart)]
        biases = tuple(layer for layer in chain.biases_apart() if layer not in apart)
        if biases:
            faults = [*faults, BiasesFault(GradientKind.BIASES_WRONG, layers=biases)]
        if not flaws and not apart:
            faults = [*faults, WrongStepFault(GradientKind.UNEXPLAINED, errors=errors, layers=_layers_of(wrong))]
        top = max((flaw.factor for flaw in flaws if self._layers in flaw.layers), default=1.0)
        if top < 0:
            faults = [*faults, FactorFault(GradientKind.UPHILL, top)]
        return math.nan, [*faults, *_merged(flaws, errors)]


@dataclass(frozen=True)
class _Tensor:
    """One layer's weights or biases over all examples: the true gradient and the one that the step implies, flat."""

    word: str
    layer: int
    true: Array
    step: Array

    @property
    def name(self) -> str:
        return f"{self.word}_layer_{self.layer}"

    @property
    def matters(self) -> bool:
        """Whether the cost depends on it at all here."""
        return bool(np.linalg.norm(self.true) > 0)

    @property
    def factor(self) -> float:
        """step / gradient, in the least-squares sense."""
        return float(self.step @ self.true) / float(self.true @ self.true)

    @property
    def residual(self) -> float:
        """What of the step is no multiple of the gradient, relative."""
        size = float(np.linalg.norm(self.step))
        return float(np.linalg.norm(self.step - self.factor * self.true)) / size if size else 0.0

    def error(self, scale: float) -> float:
        """Of the step against scale times the gradient, relative to the latter."""
        expected = scale * self.true
        size = float(np.linalg.norm(expected))
        return float(np.linalg.norm(self.step - expected)) / size if size else float("inf")


def _layers_of(tensors: "Sequence[_Tensor]") -> tuple[int, ...]:
    return tuple(sorted({t.layer for t in tensors}))


def _merged(flaws: Sequence[FormulaFault], errors: Mapping[str, float]) -> list[FormulaFault]:
    """One fault for each code, with its layers, of the kind that says most."""
    merged = []
    for code in dict.fromkeys(flaw.kind.code for flaw in flaws):
        of = [flaw for flaw in flaws if flaw.kind.code is code]
        telling = next((flaw for flaw in of if flaw.kind not in _SAY_LEAST), of[0])
        merged.append(
            FormulaFault(
                telling.kind,
                max(flaw.error for flaw in of),
                max(flaw.error_of_right for flaw in of),
                telling.factor,
                errors=errors if code is Code.GRADIENT_WRONG else {},
                layers=tuple(sorted(layer for flaw in of for layer in flaw.layers)),
            )
        )
    return merged
