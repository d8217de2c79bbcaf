"""What may be wrong with the data part of a step: the kinds of fault, and what is measured of each.

What is said of them is `gradient_sentences`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sweeps.diagnosis.findings import Code


class GradientKind(StrEnum):
    """What a fault is. Several kinds may go by one code."""

    # the step of a mini-batch, against those of its examples
    SUMMED = "summed"
    WEIGHTS_SUMMED = "weights_summed"
    NOT_AVERAGED = "not_averaged"
    BIASES_NOT_AVERAGED = "biases_not_averaged"
    BIASES_OF_FEWER_EXAMPLES = "biases_of_fewer_examples"
    # a step, against eta and the steps before
    POWER_OF_ETA = "power_of_eta"
    BIASES_POWER_OF_ETA = "biases_power_of_eta"
    MOVED_TOO_EARLY = "moved_too_early"
    MOVED_IN_BATCH = "moved_in_batch"
    OVERWRITTEN = "overwritten"
    GRADIENTS_KEPT = "gradients_kept"
    MASK_NOT_BACK = "mask_not_back"
    # a step on one example, against its gradient
    FROZEN = "frozen"
    IDLE_MOVED = "idle_moved"
    UPHILL = "uphill"
    SEVERAL_FACTORS = "several_factors"
    BIASES_FACTOR = "biases_factor"
    BIASES_WRONG = "biases_wrong"
    OTHER_OUTPUTS = "other_outputs"
    NO_PRODUCT = "no_product"
    # the reported cost, against the usual ones
    COST_OF_Z = "cost_of_z"
    COST_WITHOUT_LOG = "cost_without_log"
    COST_OTHER = "cost_other"
    # a layer's delta, against the formulas that it may come from
    HIDDEN_SLOPE_MISSING = "hidden_slope_missing"
    SLOPE_OF_ACTIVATION = "slope_of_activation"
    OUTPUT_SLOPE_MISSING = "output_slope_missing"
    OUTPUT_SLOPE_TWICE = "output_slope_twice"
    NOT_TRANSPOSED = "not_transposed"
    NOT_TRANSPOSED_SLOPE_MISSING = "not_transposed_slope_missing"
    NOT_TRANSPOSED_SLOPE_OF_ACTIVATION = "not_transposed_slope_of_activation"
    DELTA_REVERSED = "delta_reversed"
    DELTA_SCALED = "delta_scaled"
    UNEXPLAINED = "unexplained"

    @property
    def code(self) -> Code:
        """What it is called in findings."""
        return _CODES.get(self, Code.GRADIENT_WRONG)


_CODES = {
    GradientKind.SUMMED: Code.GRADIENT_SUMMED,
    GradientKind.WEIGHTS_SUMMED: Code.GRADIENT_SUMMED,
    GradientKind.BIASES_NOT_AVERAGED: Code.GRADIENT_BIAS,
    GradientKind.BIASES_OF_FEWER_EXAMPLES: Code.GRADIENT_BIAS,
    GradientKind.BIASES_POWER_OF_ETA: Code.GRADIENT_BIAS,
    GradientKind.BIASES_FACTOR: Code.GRADIENT_BIAS,
    GradientKind.BIASES_WRONG: Code.GRADIENT_BIAS,
    GradientKind.FROZEN: Code.GRADIENT_FROZEN,
    GradientKind.MASK_NOT_BACK: Code.GRADIENT_DROPOUT,
    GradientKind.OVERWRITTEN: Code.STATE_OVERWRITTEN,
    GradientKind.COST_OF_Z: Code.COST_OF_Z,
    GradientKind.COST_WITHOUT_LOG: Code.COST_WITHOUT_LOG,
    GradientKind.COST_OTHER: Code.COST_OTHER,
    GradientKind.UPHILL: Code.GRADIENT_SIGN,
    GradientKind.DELTA_REVERSED: Code.GRADIENT_SIGN,
    GradientKind.HIDDEN_SLOPE_MISSING: Code.GRADIENT_HIDDEN_DERIVATIVE_MISSING,
    GradientKind.SLOPE_OF_ACTIVATION: Code.GRADIENT_DERIVATIVE_OF_ACTIVATION,
    GradientKind.OUTPUT_SLOPE_MISSING: Code.GRADIENT_OUTPUT_DERIVATIVE_MISSING,
    GradientKind.NOT_TRANSPOSED: Code.GRADIENT_NOT_TRANSPOSED,
    GradientKind.NOT_TRANSPOSED_SLOPE_MISSING: Code.GRADIENT_NOT_TRANSPOSED,
    GradientKind.NOT_TRANSPOSED_SLOPE_OF_ACTIVATION: Code.GRADIENT_NOT_TRANSPOSED,
}


@dataclass(frozen=True)
class GradientFault:
    """Something wrong with the data part of a step. layers: which, 1 the first with parameters; () for all."""

    kind: GradientKind
    layers: tuple[int, ...] = field(default=(), kw_only=True)

    @property
    def numbers(self) -> dict[str, float]:
        """What was measured, by the names that stand in a finding's evidence."""
        return {}


@dataclass(frozen=True)
class BatchFault(GradientFault):
    """A mini-batch's step. examples: in it. factor: step / sum of the examples' steps. shares: how often each counts.

    residual: relative, of what is no multiple of that sum. biases_factor: as factor, of biases that have another.
    single_factor: step on one example / (eta * gradient), where that is not 1.
    """

    examples: int
    factor: float
    shares: tuple[float, ...] = ()
    residual: float | None = None
    biases_factor: float | None = None
    single_factor: float | None = None

    @property
    def numbers(self) -> dict[str, float]:
        numbers = {"batch_size": float(self.examples), "step_over_sum_of_steps": self.factor}
        numbers |= {f"share/example_{k}": share for k, share in enumerate(self.shares, 1)}
        others = {
            "residual": self.residual,
            "biases_over_sum_of_steps": self.biases_factor,
            "single_step_over_gradient": self.single_factor,
        }
        return numbers | {name: value for name, value in others.items() if value is not None}


@dataclass(frozen=True)
class PowerFault(GradientFault):
    """The powers of eta that a step grows with."""

    weights: float
    biases: float

    @property
    def numbers(self) -> dict[str, float]:
        return {"power/weights": self.weights, "power/biases": self.biases}


@dataclass(frozen=True)
class EarlyMoveFault(GradientFault):
    """A step that is not proportional to eta. difference: relative, of step / eta at both eta."""

    eta: float
    small_eta: float
    difference: float

    @property
    def numbers(self) -> dict[str, float]:
        return {"eta": self.eta, "small_eta": self.small_eta, "difference": self.difference}


@dataclass(frozen=True)
class KeptFault(GradientFault):
    """Steps that grow without end. steps: how many times as long as the first the last of as many is."""

    steps: float

    @property
    def numbers(self) -> dict[str, float]:
        return {"steps": self.steps}


@dataclass(frozen=True)
class DropoutFault(GradientFault):
    """Dropped units that learn. dropped: how often one was, in so many steps. moved: how often it moved then."""

    steps: int
    dropped: int
    moved: int

    @property
    def numbers(self) -> dict[str, float]:
        return {"steps": float(self.steps), "dropped": float(self.dropped), "moved": float(self.moved)}


@dataclass(frozen=True)
class ParametersFault(GradientFault):
    """Parameters that move though they should not, or the other way round. parameters: "weights" or "biases", or both
    with "and".
    """

    parameters: str


@dataclass(frozen=True)
class OverwrittenFault(ParametersFault):
    """Parameters that a step replaces. value: by what, None where by several numbers."""

    value: float | None

    @property
    def numbers(self) -> dict[str, float]:
        return {} if self.value is None else {"value": self.value}


@dataclass(frozen=True)
class FactorFault(GradientFault):
    """factor: between a step and what it should be."""

    factor: float

    @property
    def numbers(self) -> dict[str, float]:
        return {"factor": self.factor}


@dataclass(frozen=True)
class FactorsFault(GradientFault):
    """factors: step / gradient of each layer's weights and biases, by names as weights_layer_1."""

    factors: Mapping[str, float]

    @property
    def numbers(self) -> dict[str, float]:
        return {f"factor/{name}": factor for name, factor in self.factors.items()}


@dataclass(frozen=True)
class BiasesFault(GradientFault):
    """Biases that do not follow their gradient. error: relative, of the worst; None where the weights are wrong too."""

    error: float | None = None

    @property
    def numbers(self) -> dict[str, float]:
        return {} if self.error is None else {"error": self.error}


@dataclass(frozen=True)
class OutputsFault(GradientFault):
    """A cost that does not follow from feedforward. unexplained: part of its gradient, relative, no outputs explain."""

    unexplained: float

    @property
    def numbers(self) -> dict[str, float]:
        return {"not_of_outputs": self.unexplained}


@dataclass(frozen=True)
class CostFault(GradientFault):
    """A reported cost that is not descended. reported, descended: which, "" where the latter is none of the usual ones.

    factor: how many times that one's gradient a step is.
    """

    reported: str
    descended: str
    factor: float

    @property
    def numbers(self) -> dict[str, float]:
        return {"step_over_gradient_of_descended": self.factor} if self.descended else {}


@dataclass(frozen=True)
class WrongStepFault(GradientFault):
    """errors: of the step against its gradient, relative, of each layer's weights and biases, as in FactorsFault."""

    errors: Mapping[str, float] = field(default_factory=dict, kw_only=True)

    @property
    def worst(self) -> float:
        """The largest error known."""
        return max(self.errors.values(), default=math.nan)

    @property
    def numbers(self) -> dict[str, float]:
        return {f"error/{name}": error for name, error in self.errors.items()}


@dataclass(frozen=True)
class FormulaFault(WrongStepFault):
    """A layer's delta that a wrong formula explains, or none. error: relative, of the one that fits best.

    error_of_right: of the right one. factor: between the fit and the step. errors: as above, where the formula has no
    code of its own.
    """

    error: float
    error_of_right: float
    factor: float

    @property
    def worst(self) -> float:
        return max([self.error_of_right, *self.errors.values()])

    @property
    def numbers(self) -> dict[str, float]:
        return {"fit_error": self.error, "error_of_right_formula": self.error_of_right, **super().numbers}
