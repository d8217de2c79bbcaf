"""Where training will stop being stable in eta, from what a few trials measured in their first epochs.

Batch sharpness S is nearly the same at other etas; by docs/bounds.md eta S / bound = 1 at the border, with the bound of
mini-batches. So a trial's S gives the border at its own batch size, and, as the bound's dependence on momentum, noise
and lambda is known, at other momenta and lambdas. S at another batch size lies on a line through those measured.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.bounds import batch_edge, decay_bound, noise_share

FACTOR = 2.0  # within which batch_edge holds, as measured in docs/bounds.md for softmax outputs


@dataclass(frozen=True)
class Conditions:
    """Where a border is asked for. n: number of training examples."""

    batch_size: int
    momentum: float
    lmbda: float
    n: int


@dataclass(frozen=True)
class Measured:
    """What a trial under those conditions measured after its first epochs. sharpness: of mini-batches, its penalty's
    part, lambda / n, included; noise_scale: as recorded.
    """

    at: Conditions
    sharpness: float
    noise_scale: float

    @property
    def data_sharpness(self) -> float:
        """Without the penalty's part."""
        return self.sharpness - self.at.lmbda / self.at.n

    @property
    def says_something(self) -> bool:
        """Whether there is a curvature that would end stability; where units are saturated there is none."""
        return self.data_sharpness > 0 and self.noise_scale > 0 and math.isfinite(self.data_sharpness)


@dataclass(frozen=True)
class PredictedBorder:
    """The largest stable eta under some conditions, and the band in which it is expected to lie: low < eta < high."""

    at: Conditions
    eta: float
    low: float
    high: float


def predicted_border(measured: Sequence[Measured], at: Conditions) -> PredictedBorder | None:
    """None where no trial measured a curvature. The order of the trials makes no difference.

    The band is what the bound is known to miss by, FACTOR, widened by how far the trials are from one another.
    """
    known = [one for one in measured if one.says_something]
    if not known:
        return None
    sharpness, spread = _at_batch_size(known, at.batch_size)
    noise = noise_share(float(np.median([one.noise_scale for one in known])), at.batch_size, at.n)
    eta = 1 / batch_edge(1.0, sharpness + at.lmbda / at.n, noise, at.momentum)
    if at.lmbda > 0:
        eta = min(eta, decay_bound(at.momentum) * at.n / at.lmbda)
    factor = math.exp(math.hypot(math.log(FACTOR), spread))
    return PredictedBorder(at, eta, eta / factor, eta * factor)


def _at_batch_size(known: Sequence[Measured], batch_size: int) -> tuple[float, float]:
    """Data sharpness at a batch size, on a line through the largest log S of each batch size measured, level beyond
    them; and the mean distance of the trials from those, in logs.

    The largest, as units that saturate near the border hide curvature, and nothing adds to it.
    """
    sizes = sorted({one.at.batch_size for one in known})
    logs = {m: [math.log(one.data_sharpness) for one in known if one.at.batch_size == m] for m in sizes}
    spread = float(np.mean([max(of) - value for of in logs.values() for value in of]))
    at = float(np.interp(math.log(batch_size), np.log(sizes), [max(of) for of in logs.values()]))
    return math.exp(at), spread
