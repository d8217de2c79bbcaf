"""What theory expects of stability before any trial: less of it at a larger eta, and at a larger lambda.

A step is stable while eta (h + lambda / n) < 2, h the curvature of the data cost: whatever h and n are, a larger eta or
lambda is nearer to the border. Where it lies, and how steep it is, trials say.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweeps.specification.domains import Domain, Range

Array = NDArray[np.float64]

# By which f falls in a decade; f = 4 is P(stable) = .98. Less in lambda: below some h n it does not matter.
_FALLS = {"eta": 3.0, "lambda": 2.0}
_AHEAD = 1 / 6  # of the whole fall, by which f is above 0 in the middle of the search
_SPREAD_OF_SLOPES = 1 / 3  # of each
_SPREAD_OF_LEVEL = 1 / 8  # of the whole fall


@dataclass(frozen=True)
class Trend:
    """f = level - sum of slopes * (coordinate - 1/2), plus what a Gaussian process adds; level and slopes are Gaussian.

    means, spreads: of the level, then of each coordinate's slope.
    """

    means: Array
    spreads: Array

    @classmethod
    def of_theory(cls, domains: Mapping[str, Domain], columns: Mapping[str, int]) -> "Trend":
        """Of the searched fields. columns: how many coordinates each has."""
        falls = [
            _FALLS[name] * _decades(domain) if name in _FALLS and columns[name] == 1 else 0.0
            for name, domain in domains.items()
            for _ in range(columns[name])
        ]
        slopes = np.array(falls)
        whole = float(slopes.sum())
        return cls(
            np.array([_AHEAD * whole, *-slopes]), np.array([_SPREAD_OF_LEVEL * whole, *_SPREAD_OF_SLOPES * slopes])
        )

    @classmethod
    def none(cls, columns: int) -> "Trend":
        """Nothing is expected anywhere."""
        return cls(np.zeros(columns + 1), np.zeros(columns + 1))

    def mean(self, points: Array) -> Array:
        """(n,) of f, at points (n, coordinates)."""
        expected: Array = _terms(points) @ self.means
        return expected

    def covariance(self, a: Array, b: Array) -> Array:
        """(a, b) of f between two sets of points (Rasmussen and Williams 2006, eq. 2.40)."""
        shared: Array = (_terms(a) * self.spreads**2) @ _terms(b).T
        return shared

    def variance(self, points: Array) -> Array:
        """(n,): the diagonal of `covariance`."""
        own: Array = _terms(points) ** 2 @ self.spreads**2
        return own


def _terms(points: Array) -> Array:
    return np.column_stack([np.ones(len(points)), points - 0.5])


def _decades(domain: Domain) -> float:
    """That a field spans; 1 where it is not searched on a logarithmic scale."""
    if isinstance(domain, Range) and domain.log:
        return math.log10(domain.high / domain.low)
    numbers = [value for value in domain.corners if isinstance(value, int | float) and value > 0]
    is_logarithmic = not isinstance(domain, Range) and len(numbers) == len(domain.corners)
    return math.log10(max(numbers) / min(numbers)) if is_logarithmic else 1.0
