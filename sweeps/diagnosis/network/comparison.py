"""Steps on single examples against their gradients: which parameters go along theirs, and by which factor."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sweeps.diagnosis.findings import Code
from sweeps.diagnosis.network.delta_chain import Chain, Example
from sweeps.diagnosis.network.gradient_faults import (
    BiasesFault,
    FactorFault,
    FactorsFault,
    FormulaFault,
    GradientFault,
    GradientKind,
    ParametersFault,
    WrongStepFault,
)
from sweeps.diagnosis.network.subject import Array, Subject

_STILL = 1e-10  # of the largest step: a parameter that moves less does not move
_IDLE = 1e-3  # of the largest step: what moves more, though the cost does not depend on it, moves
_SAY_LEAST = (GradientKind.UNEXPLAINED, GradientKind.NOT_TRANSPOSED)  # of all kinds that go by one code


class Comparison:
    """Steps on single examples against their gradients, parameter by parameter over all examples."""

    def __init__(self, subject: Subject, examples: Sequence[Example], tolerance: float) -> None:
        self._subject, self._examples, self.tolerance = subject, examples, tolerance
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
        if all(t.residual <= self.tolerance for t in moving):
            scale, more = self._judge_factors(moving)
            return scale, faults + more
        return self._judge_chain(moving, faults)

    def _judge_factors(self, moving: "Sequence[_Tensor]") -> tuple[float, list[GradientFault]]:
        """Every parameter moves along its gradient: whether all by the same positive factor."""
        weights = [t.factor for t in moving if t.word == "weights"] or [t.factor for t in moving]
        scale = float(np.median(weights))
        odd = [t for t in moving if abs(t.factor - scale) > 10 * self.tolerance * abs(scale)]
        uphill: list[GradientFault] = [FactorFault(GradientKind.UPHILL, scale)] if scale < 0 else []
        if not odd:
            return scale, uphill
        biases = [t for t in odd if t.word == "biases"]
        if biases and len(biases) == len(odd):
            factor = float(np.median([t.factor / scale for t in biases]))
            layers = tuple(t.layer for t in biases)
            return scale, [FactorFault(GradientKind.BIASES_FACTOR, factor, layers=layers), *uphill]
        against = tuple(sorted({t.layer for t in moving if t.factor < 0}))
        if against and all(abs(abs(t.factor) - abs(scale)) <= 10 * self.tolerance * abs(scale) for t in moving):
            return abs(scale), [FactorFault(GradientKind.UPHILL, -abs(scale), layers=against)]
        factors = {t.name: t.factor for t in moving}
        return scale, [FactorsFault(GradientKind.SEVERAL_FACTORS, factors, layers=_layers_of(odd))]

    def _judge_chain(
        self, moving: "Sequence[_Tensor]", faults: list[GradientFault]
    ) -> tuple[float, list[GradientFault]]:
        """Some parameters move in another direction: which formulas explain theirs. faults: found before."""
        wrong = [t for t in moving if t.residual > self.tolerance]
        if all(t.residual <= self.tolerance for t in moving if t.word == "weights"):
            scale, more = self._judge_factors([t for t in moving if t not in wrong])
            worst = max(t.residual for t in moving)
            return scale, [*faults, BiasesFault(GradientKind.BIASES_WRONG, worst, layers=_layers_of(wrong)), *more]
        chain = Chain(self._subject, self._examples, self.tolerance)
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
