"""Proposals that depend on their number only: the grid, and Sobol's sequence."""

import itertools
import math
from collections.abc import Sequence

import numpy as np

from sweeps.sampling.outcomes import Outcome
from sweeps.specification.domains import Choices, Settings
from sweeps.specification.spec import SweepSpec


class FixedSequence:
    """Proposals that depend on their number only."""

    def __init__(self, spec: SweepSpec, points: Sequence[Settings]) -> None:
        self._fixed, self._points, self._next = spec.fixed, points, 0

    def propose(self) -> Settings:
        self._next += 1
        return self._fixed | self._points[self._next - 1]

    def adopt(self, settings: Settings) -> None:
        del settings
        self._next += 1

    def tell(self, outcome: Outcome) -> None:
        del outcome


def grid(spec: SweepSpec) -> list[Settings]:
    """Every combination once, shuffled by the seed: an interrupted grid has seen a bit of everything."""
    choices = {name: domain.values for name, domain in spec.varied.items() if isinstance(domain, Choices)}
    points = [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]
    order = np.random.default_rng(spec.seed).permutation(len(points))
    return [points[i] for i in order]


def sobol(spec: SweepSpec, count: int, *stream: int) -> list[Settings]:
    """At least `count` points of a scrambled Sobol sequence over the varied fields, the same for any count.

    stream: numbers that, with the spec's seed, make it another sequence.
    """
    from scipy.stats import qmc  # takes seconds to import, and few sweeps need it

    if not spec.varied:
        return [{}] * count
    seed = np.random.default_rng([spec.seed, *stream]) if stream else spec.seed
    engine = qmc.Sobol(len(spec.varied), scramble=True, rng=seed)
    points = engine.random_base2(max(0, math.ceil(math.log2(count))))
    return [
        {name: domain.at(u) for u, (name, domain) in zip(row, spec.varied.items(), strict=True)}
        for row in points.tolist()
    ]
