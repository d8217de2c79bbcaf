"""What is known of a recorded run besides its curves, and what follows from that alone."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from model.bounds import COSTS, OUTPUTS, decay_bound
from sweeps.errors import InputError

_LARGEST = 1e100  # products of such numbers can still be computed
_MOST = 10**15  # of anything counted


@dataclass(frozen=True)
class RunFacts:
    """Whatever is known of a run; None where it is not.

    sizes: units of each layer, inputs first. n: examples trained on, which the update divides lambda by. evaluated_n:
    examples evaluated, which the report divides lambda by, or may. eta: learning rate. lmbda: of a penalty
    lmbda / (2 n) * sum of squared weights. output, cost: one of OUTPUTS, COSTS; None is taken for sigmoid, quadratic.
    Raises InputError with everything that is wrong.
    """

    sizes: tuple[int, ...] | None = None
    n: int | None = None
    evaluated_n: int | None = None
    eta: float | None = None
    lmbda: float | None = None
    batch_size: int | None = None
    output: str | None = None
    cost: str | None = None
    momentum: float = 0.0

    def __post_init__(self) -> None:
        problems = [*self._sizes_problems(), *self._setting_problems()]
        if problems:
            raise InputError("\n".join(problems))

    def _sizes_problems(self) -> Iterator[str]:
        if self.sizes is not None and not (len(self.sizes) >= 2 and all(map(_is_count, self.sizes))):
            yield f"sizes must be two or more layer sizes from 1 to 10^15, as in 784,30,10, got {self.sizes!r}"
        counts = {"training size": self.n, "evaluated size": self.evaluated_n, "batch size": self.batch_size}
        bad = {name: count for name, count in counts.items() if count is not None and not _is_count(count)}
        for name, count in bad.items():
            yield f"{name} must be a whole number from 1 to 10^15, got {count!r}"
        if not bad and self.n is not None and self.batch_size is not None and self.batch_size > self.n:
            yield f"batch size must be at most the {self.n} training examples, got {self.batch_size}"

    def _setting_problems(self) -> Iterator[str]:
        if self.eta is not None and not (_is_number(self.eta) and self.eta > 0):
            yield f"eta must be positive and at most 1e100, got {self.eta!r}"
        if self.lmbda is not None and not (_is_number(self.lmbda) and self.lmbda >= 0):
            yield f"lambda must be from 0 to 1e100, got {self.lmbda!r}"
        if not (_is_number(self.momentum) and 0 <= self.momentum < 1):
            yield f"momentum must be at least 0 and below 1, got {self.momentum!r}"
        for name, choice, choices in (("output", self.output, OUTPUTS), ("cost", self.cost, COSTS)):
            if choice is not None and choice not in choices:
                yield f"{name} must be one of {', '.join(choices)}, got {choice!r}"

    @property
    def outputs(self) -> int | None:
        return None if self.sizes is None else self.sizes[-1]

    @property
    def classes(self) -> int | None:
        """One output tells two classes apart."""
        return None if self.outputs is None else max(self.outputs, 2)

    @property
    def is_bounded(self) -> bool:
        """Whether the data cost of an example has a bound: a quadratic cost of outputs between 0 and 1."""
        return self.cost in (None, "quadratic") and self.output in (None, "sigmoid", "softmax")

    def data_bound(self, outputs: int) -> float:
        """Largest 1/2 sum of squared differences between that many outputs and targets, both in [0, 1].

        Softmax outputs sum to 1, as one-hot targets do, so only two of the differences can be 1.
        """
        return min(1.0, outputs / 2) if self.output == "softmax" else outputs / 2

    @property
    def inflation(self) -> float | None:
        """n / evaluated_n: how many times as large as the minimised penalty the reported one is."""
        return None if self.n is None or self.evaluated_n is None else self.n / self.evaluated_n

    @property
    def decay(self) -> float | None:
        """eta lambda / n: the part of a weight that decay takes in a step."""
        return None if self.eta is None or self.lmbda is None or self.n is None else self.eta * self.lmbda / self.n

    @property
    def decay_bound(self) -> float:
        """The decay from which weights grow without end, whatever the data."""
        return decay_bound(self.momentum)

    @property
    def growth_per_step(self) -> float | None:
        """What decay alone multiplies weights by, in the long run: the largest |z|, z^2 - (1 + b - decay) z + b = 0."""
        if self.decay is None:
            return None
        trace, b = 1 + self.momentum - self.decay, self.momentum
        discriminant = trace * trace / 4 - b
        return abs(trace) / 2 + math.sqrt(discriminant) if discriminant >= 0 else math.sqrt(b)

    @property
    def steps(self) -> int | None:
        """Steps an epoch."""
        return None if self.n is None or self.batch_size is None else math.ceil(self.n / self.batch_size)


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and 1 <= int(value) <= _MOST


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and float(abs(value)) <= _LARGEST
