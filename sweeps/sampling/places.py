"""Trials gathered into places: thousands of verdicts as a few hundred counts, for an estimate that takes the cube."""

import heapq
import itertools
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Verdicts = NDArray[np.bool_]

MOST = 512  # places: up to so many trials each is its own, and nothing is gathered
_MIXED = 8.0  # a place that holds both verdicts is split as if it were so many times wider: the border stays sharp


@dataclass(frozen=True)
class Places:
    """Where trials were, and how many of them were stable.

    points: (places, coordinates). stable, trials: (places,), 0 <= stable <= trials.
    """

    points: Array
    stable: Array
    trials: Array

    @classmethod
    def of(cls, points: Array, stable: Verdicts, most: int = MOST) -> Self:
        """Of trials at points (n, coordinates), stable (n,) or not, in any order: at most `most` places.

        A box around all of them is halved across its widest side, then always the widest box that is left: a place is
        the mean of a box. Nothing is gathered from `most` trials or fewer.
        """
        order = np.lexsort((stable, *points.T))  # sums come out the same whatever order the trials were given in
        points, stable = points[order], stable[order]
        if len(points) <= most:
            return cls(points, stable.astype(np.float64), np.ones(len(points)))
        boxes = list(_boxes(points, stable, most))
        counts = np.array([len(box) for box in boxes], dtype=np.float64)
        means = np.array([points[box].mean(axis=0) for box in boxes])
        return cls(means, np.array([stable[box].sum() for box in boxes], dtype=np.float64), counts)


def _boxes(points: Array, stable: Verdicts, most: int) -> list[NDArray[np.intp]]:
    """The indices of the points in each."""
    number = itertools.count()  # of two boxes as wide, the older is split first

    def entry(box: NDArray[np.intp]) -> tuple[float, int, NDArray[np.intp]]:
        mixed = stable[box].any() and not stable[box].all()
        return -float(np.ptp(points[box], axis=0).max()) * (_MIXED if mixed else 1.0), next(number), box

    heap = [entry(np.arange(len(points)))]
    while len(heap) < most and heap[0][0] < 0:
        _, _, box = heapq.heappop(heap)
        inside = points[box]
        lowest, highest = inside.min(axis=0), inside.max(axis=0)
        side = int(np.argmax(highest - lowest))
        low, high = lowest[side], highest[side]
        upper = inside[:, side] > min((low + high) / 2, np.nextafter(high, low))  # neither half is empty
        for half in (box[~upper], box[upper]):
            heapq.heappush(heap, entry(half))
    return [box for _, _, box in sorted(heap, key=lambda item: item[1])]
