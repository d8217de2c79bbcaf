"""What is varied between trainings (Hyperparameters) and what they share (TrainingPlan)."""

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, get_args

from model.activations import ACTIVATIONS
from model.bounds import COSTS, OUTPUTS
from model.costs import HEADS

Initialisation = Literal["scaled", "standard"]
PenaltyN = Literal["training", "evaluated"]
FloatType = Literal["float32", "float64"]


@dataclass(frozen=True)
class Hyperparameters:
    """One point of the search.

    eta: learning rate, finite and > 0. lmbda: strength of the L2 penalty, finite and >= 0.
    batch_size: examples a mini-batch, >= 1. Raises ValueError with the offending value.
    """

    eta: float
    lmbda: float
    batch_size: int

    def __post_init__(self) -> None:
        if not _is_finite(self.eta) or self.eta <= 0:
            raise ValueError(f"eta must be finite and positive, got {self.eta!r}")
        if not _is_finite(self.lmbda) or self.lmbda < 0:
            raise ValueError(f"lambda must be finite and not negative, got {self.lmbda!r}")
        if not _is_integer(self.batch_size) or self.batch_size < 1:
            raise ValueError(f"batch_size must be a whole number of at least 1, got {self.batch_size!r}")


@dataclass(frozen=True)
class TrainingPlan:
    """All that the trials of a sweep share. Raises ValueError that names the field, its value and what it may be.

    dataset: a source that `model.load` understands. validation: examples held back from the end of the training set.
    hidden: units of each hidden layer, may be empty. output, cost: a pair in `model.costs.HEADS`.
    initialisation: of the weights, "scaled" N(0, 1/n_in) or "standard" N(0, 1); biases are N(0, 1).
    penalty_n: the n of the penalty in *reported* totals, the "training" set's size or the "evaluated" set's; the
    update always divides by the training set's. momentum: in [0, 1). epochs: at least 1.
    """

    dataset: str = "mnist"
    validation: int = 10_000
    hidden: tuple[int, ...] = (30,)
    activation: str = "sigmoid"
    output: str = "sigmoid"
    cost: str = "quadratic"
    initialisation: Initialisation = "scaled"
    penalty_n: PenaltyN = "training"
    momentum: float = 0.0
    epochs: int = 10
    dtype: FloatType = "float32"

    def __post_init__(self) -> None:
        if not isinstance(self.dataset, str):
            raise ValueError(f"dataset must be a name, got {self.dataset!r}")
        _check_integer("validation", self.validation, least=1)
        _check_integer("epochs", self.epochs, least=1)
        if not isinstance(self.hidden, tuple) or not all(_is_integer(units) and units >= 1 for units in self.hidden):
            raise ValueError(f"hidden must be a list (here a tuple) of layer sizes of at least 1, got {self.hidden!r}")
        _check_choice("activation", self.activation, tuple(ACTIVATIONS))
        _check_choice("output", self.output, OUTPUTS)
        _check_choice("cost", self.cost, COSTS)
        if (self.output, self.cost) not in HEADS:
            raise ValueError(
                f"cost {self.cost!r} is not defined for output {self.output!r}: use output 'sigmoid' or 'softmax', "
                "or cost 'quadratic'"
            )
        _check_choice("initialisation", self.initialisation, get_args(Initialisation))
        _check_choice("penalty_n", self.penalty_n, get_args(PenaltyN))
        if not _is_finite(self.momentum) or not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must be at least 0 and below 1, got {self.momentum!r}")
        _check_choice("dtype", self.dtype, get_args(FloatType))


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finite(value: Any) -> bool:
    """Whether it is a number, other than NaN, that a float can hold."""
    try:
        return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def _check_integer(name: str, value: Any, least: int) -> None:
    if not _is_integer(value) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")


def _check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
