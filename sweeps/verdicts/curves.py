"""The curves of a training: a value an epoch for each metric, and what is read off them."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from model import EpochRecord, metrics
from model.metrics import Family

Curve = NDArray[np.float64]  # a value an epoch, epoch 0 first; NaN where it was not measured


class Curves:
    """The curves of a training by metric. Metrics that were not recorded are all NaN."""

    def __init__(self, curves: Mapping[str, Sequence[float]]) -> None:
        self._curves = {name: np.asarray(values, dtype=np.float64) for name, values in curves.items()}
        self.length = max((len(curve) for curve in self._curves.values()), default=0)
        self._levels: dict[tuple[str, int], float] = {}  # many rules ask for the same ones

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
        if (metric, stop) not in self._levels:
            quarter = self[metric][max(0, stop - self.quarter) : max(0, stop)]
            self._levels[metric, stop] = float(np.median(quarter)) if len(quarter) else math.nan
        return self._levels[metric, stop]

    def lost(self, metric: str) -> float:
        """The part of a level that it lost from the last quarter but one to the last; NaN where there are not two."""
        before = self.level(metric, self.last - self.quarter)
        return (before - self.level(metric)) / before if before else math.nan

    def lowest_level(self, metric: str) -> tuple[int, float]:
        """(its last epoch, level) of the lowest quarter that ended before the last began, epoch 0 apart; or NaN."""
        ends = range(self.quarter, self.length - self.quarter)
        return min(((end, self.level(metric, end)) for end in ends), key=lambda low: low[1], default=(0, math.nan))

    def layers(self, family: Family) -> list[Curve]:
        """The curves of a family of metrics, such as saturation, by layer."""
        names = [name for name in self._curves if metrics.layer_of(name, family) is not None]
        return [self._curves[name] for name in sorted(names, key=lambda name: metrics.layer_of(name, family) or 0)]

    def most_saturated(self) -> tuple[float, int]:
        """(last measured saturation, layer) of the most saturated layer; zeros where none was measured."""
        last = [float(curve[np.isfinite(curve)][-1:].sum()) for curve in self.layers(Family.SATURATION)]
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
