"""What verdicts are made from and of: a training's curves, the facts around it, the verdict with its evidence."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from model import EpochRecord

Curve = NDArray[np.float64]  # a value an epoch, epoch 0 first; NaN where it was not measured


class Verdict(StrEnum):
    """The one word for a training. The value is what stands in MLflow."""

    FAILED = "failed"
    DIVERGED = "diverged"
    PRUNED = "pruned"
    COLLAPSED = "collapsed"
    STALLED = "stalled"
    OSCILLATING = "oscillating"
    SPIKED = "spiked"
    PENALTY_GROWTH = "penalty_growth"
    OVERFITTING = "overfitting"
    SLOW = "slow"
    CONVERGED = "converged"


# What the border between stable and unstable settings separates: whether training works, well or not so well, or its
# steps or its decay keep it from working. The other two verdicts, failed and pruned, say nothing of the setting.
STABLE = frozenset({Verdict.CONVERGED, Verdict.SLOW, Verdict.SPIKED, Verdict.PENALTY_GROWTH, Verdict.OVERFITTING})
UNSTABLE = frozenset({Verdict.DIVERGED, Verdict.OSCILLATING, Verdict.COLLAPSED, Verdict.STALLED})


class Cause(StrEnum):
    """Why a training diverged."""

    DECAY = "decay"
    CURVATURE = "curvature"
    NOT_DESCENDING = "not_descending"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class TrialFacts:
    """What is known of a training besides its records.

    n, evaluated_n: sizes of the training and validation sets. epochs: planned. state: complete, pruned or failed.
    diverged_epoch: the first whose record was not finite, None when all were. output, cost: "" of somebody's own
    network, whose constant_answer is the data cost of outputs of 1 / classes each, where it was measured.
    """

    eta: float
    lmbda: float
    batch_size: int
    n: int
    classes: int
    output: str = "sigmoid"
    cost: str = "quadratic"
    momentum: float = 0.0
    epochs: int = 10
    state: str = "complete"
    diverged_epoch: int | None = None
    constant_answer: float | None = None

    @property
    def own(self) -> bool:
        """Whether the network is somebody's own: what its steps and costs are is not known, only expected."""
        return not self.cost

    @property
    def decay(self) -> float:
        """eta lambda / n: the part of a weight that decay takes in a step. Momentum b bears up to 2 (1 + b) of it."""
        return self.eta * self.lmbda / self.n

    @property
    def decay_bound(self) -> float:
        """The decay from which weights grow without end, whatever the data."""
        return 2 * (1 + self.momentum)

    @property
    def data_bound(self) -> float | None:
        """The largest data cost that any outputs can have, for one-hot targets; None where there is none."""
        if self.cost != "quadratic":
            return None
        return {"sigmoid": self.classes / 2, "softmax": 1.0}.get(self.output)

    @property
    def baseline(self) -> float:
        """The data cost of answering every example with the frequencies of equally frequent classes; NaN: unknown."""
        if self.own:
            return math.nan if self.constant_answer is None else self.constant_answer
        p = 1 / self.classes
        if self.cost == "quadratic":
            return (1 - p) / 2
        if self.output == "softmax":
            return -math.log(p)
        return -math.log(p) - (self.classes - 1) * math.log1p(-p)


@dataclass(frozen=True)
class Assessment:
    """A verdict with its evidence.

    rule: the condition that held. numbers: what it was applied to. epoch: where it shows. sentence: for a person.
    """

    verdict: Verdict
    sentence: str
    rule: str
    epoch: int
    numbers: Mapping[str, float] = field(default_factory=dict)
    cause: Cause | None = None


class Curves:
    """The curves of a training by metric. Metrics that were not recorded are all NaN."""

    def __init__(self, curves: Mapping[str, Sequence[float]]) -> None:
        self._curves = {name: np.asarray(values, dtype=np.float64) for name, values in curves.items()}
        self.length = max((len(curve) for curve in self._curves.values()), default=0)

    def __getitem__(self, metric: str) -> Curve:
        return self._curves.get(metric, np.full(self.length, np.nan))

    @property
    def last(self) -> int:
        """The last epoch."""
        return self.length - 1

    @property
    def quarter(self) -> int:
        """A quarter of the epochs, at least one."""
        return max(1, self.last // 4)

    def level(self, metric: str, end: int | None = None) -> float:
        """The median of the quarter of the epochs that ends with an epoch (None: the last); NaN before the first."""
        stop = self.length if end is None else end + 1
        quarter = self[metric][max(0, stop - self.quarter) : max(0, stop)]
        return float(np.median(quarter)) if len(quarter) else math.nan

    def lowest_level(self, metric: str) -> tuple[int, float]:
        """(its last epoch, level) of the lowest quarter that ended before the last began, epoch 0 apart; or NaN."""
        ends = range(self.quarter, self.length - self.quarter)
        return min(((end, self.level(metric, end)) for end in ends), key=lambda low: low[1], default=(0, math.nan))

    def layers(self, family: str) -> list[Curve]:
        """The curves of a family of metrics, such as saturation, by layer."""
        names = sorted(
            (name for name in self._curves if name.startswith(f"{family}/layer_")), key=lambda n: (len(n), n)
        )
        return [self._curves[name] for name in names]

    def most_saturated(self) -> tuple[float, int]:
        """(last measured saturation, layer) of the most saturated layer; zeros where none was measured."""
        last = [float(curve[np.isfinite(curve)][-1:].sum()) for curve in self.layers("saturation")]
        return max(((value, layer) for layer, value in enumerate(last, 1)), default=(0.0, 0))

    def swings(self, metric: str, ratio: float, least: float) -> list[tuple[int, int]]:
        """(low, high) of each rise by `ratio` of the low and by `least`, from one turning point to the next."""
        curve = self[metric]
        swings: list[tuple[int, int]] = []
        low, high = 0, 0
        for epoch in range(1, len(curve)):
            if curve[epoch] > curve[high]:
                high = epoch
            risen = curve[high] - curve[low] >= max(ratio * curve[low], least)
            if risen and (curve[epoch] * (1 + ratio) <= curve[high] or epoch == self.last):  # turned down again
                swings.append((low, high))
                low = high = epoch
            elif not risen and curve[epoch] < curve[low]:
                low = high = epoch
        return swings


def curves_of(epochs: Sequence[EpochRecord]) -> Curves:
    """The curves of what a training yielded, its finite records."""
    finite = [record for record in epochs if record.finite]
    names = dict.fromkeys(name for record in finite for name in record.measures)
    return Curves({name: [record.measures.get(name, math.nan) for record in finite] for name in names})
