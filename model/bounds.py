"""The bounds of theory, each once: what a step may do to a weight, and what a data cost can be."""

import math
from enum import StrEnum

from model.costs import HEADS

OUTPUTS = tuple(dict.fromkeys(output for output, _ in HEADS))
COSTS = tuple(dict.fromkeys(cost for _, cost in HEADS))


class Regime(StrEnum):
    """What most of a mini-batch's gradient is: noise of the draw, or the gradient of the whole cost."""

    NOISE = "noise"
    CURVATURE = "curvature"


def decay_bound(momentum: float = 0.0) -> float:
    """The eta * lambda / n from which weights grow without end, whatever the data; also of eta times any curvature.

    A step multiplies a weight by 1 - eta * lambda / n, which must stay above -1. Heavy-ball momentum b bears 2 (1 + b)
    (Polyak 1964; on full-batch descent of a quadratic cost).
    """
    return 2 * (1 + momentum)


def edge(eta: float, sharpness: float, momentum: float = 0.0) -> float:
    """eta * sharpness / (2 (1 + momentum)): above 1, full-batch descent of a quadratic cost grows. sharpness: largest
    curvature of the total cost (Cohen et al. 2021, arXiv 2103.00065).
    """
    return eta * sharpness / decay_bound(momentum)


def noise_share(noise_scale: float, batch_size: int, n: int) -> float:
    """The part of a mini-batch's squared gradient that is noise, from 0 to 1; a batch of all n examples has none.

    noise_scale: the batch size at which noise and signal are equal, in batches much smaller than n (McCandlish et al.
    2018, arXiv 1812.06162, eq. 2.9); of n examples, drawn without being put back, 1 - batch size / n of it is left.
    """
    noise = noise_scale * (1 - batch_size / n)
    return noise / (noise + batch_size)


def regime(noise: float) -> Regime:
    """What rules, by the share of noise."""
    return Regime.NOISE if noise > 0.5 else Regime.CURVATURE


def batch_edge(eta: float, batch_sharpness: float, noise: float, momentum: float = 0.0) -> float:
    """Eta times batch sharpness over what steps on mini-batches bear; above 1 they raise the cost. noise: its share.

    All noise bears 2 (1 - momentum), none 2 (1 + momentum): the two plateaus of arXiv 2604.14108; without momentum both
    are 2 (arXiv 2412.20553). Between them each part bears its own, which holds where either bound alone fails, as
    measured in docs/bounds.md.
    """
    return noise * eta * batch_sharpness / (2 * (1 - momentum)) + (1 - noise) * edge(eta, batch_sharpness, momentum)


def largest_data_cost(output: str, cost: str, classes: int) -> float | None:
    """The largest data cost of an example that any outputs can have, for a one-hot target; None where there is none."""
    if cost != "quadratic":
        return None
    return {"sigmoid": classes / 2, "softmax": 1.0}.get(output)


def constant_answer_cost(output: str, cost: str, classes: int) -> float:
    """The data cost of answering every example with the frequencies of equally frequent classes."""
    p = 1 / classes
    if cost == "quadratic":
        return (1 - p) / 2
    if output == "softmax":
        return -math.log(p)
    return -math.log(p) - (classes - 1) * math.log1p(-p)
