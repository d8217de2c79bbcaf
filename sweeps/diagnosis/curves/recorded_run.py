"""The curves of a training that somebody recorded, and what values no training has."""

import math
from dataclasses import dataclass

import numpy as np

from sweeps.errors import InputError
from sweeps.verdicts.curves import Curve

REQUIRED = ("epoch", "cost")
OPTIONAL = ("data_cost", "penalty", "accuracy", "correct")


@dataclass(frozen=True, eq=False)
class RecordedRun:
    """Curves of one training, a value an epoch; each (epochs,) floats. A column that was not recorded is None.

    epochs: increasing. cost: the total as reported, not finite where the numbers overflowed. data_cost, penalty: the
    two parts of it. accuracy: fraction right. correct: number right of the evaluated set. NaN where a value is missing.
    Raises InputError for curves of unequal length, fewer than two epochs, or values that no training has.
    """

    epochs: Curve
    cost: Curve
    data_cost: Curve | None = None
    penalty: Curve | None = None
    accuracy: Curve | None = None
    correct: Curve | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "cost", *OPTIONAL):
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, np.asarray(given, dtype=np.float64))
        if len(self.epochs) < 2:
            raise InputError(f"a curve needs at least two epochs, got {len(self.epochs)}; record one line an epoch")
        for name, curve in self.curves().items():
            if curve.shape != self.epochs.shape:
                raise InputError(f"{name} must have one value for each of {len(self.epochs)} epochs, got {curve.shape}")
            for index, value in enumerate(curve):
                before = self.epochs[index - 1] if index else None
                if problem := problem_of(name, float(value), None if before is None else float(before)):
                    raise InputError(f"{name}, value {index}: {problem}")

    def curves(self) -> dict[str, Curve]:
        """The recorded columns by their name in a CSV."""
        named = {"epoch": self.epochs, "cost": self.cost} | {name: getattr(self, name) for name in OPTIONAL}
        return {name: curve for name, curve in named.items() if curve is not None}


def problem_of(name: str, value: float, before: float | None) -> str:
    """Why a value is none that a training can have; nothing when it is."""
    if name == "epoch":
        if not math.isfinite(value):
            return f"must be finite, got {value}; number the epochs 0, 1, 2"
        if before is not None and not value > before:
            return f"must rise from line to line, got {value:g} after {before:g}; keep one run in a file, in order"
    elif value < 0:
        return f"must not be negative, got {value:g}; record it as the training computed it"
    elif name == "accuracy" and value > 1:
        return f"must be a fraction of at most 1, got {value:g}; divide percent by 100, or name the column correct"
    elif name == "correct" and not math.isnan(value) and not value.is_integer():
        return f"must be a whole number of right answers, got {value:g}; name fractions accuracy"
    return ""
