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


def regime(noise_scale: float, batch_size: int) -> Regime:
    """noise_scale: the batch size at which noise and signal are equal (McCandlish et al. 2018, arXiv 1812.06162)."""
    return Regime.NOISE if batch_size < noise_scale else Regime.CURVATURE


def batch_edge(eta: float, batch_sharpness: float, found: Regime, momentum: float = 0.0) -> float:
    """eta * batch sharpness / (2 (1 - momentum)) where noise rules, / (2 (1 + momentum)) where it does not: above 1,
    steps on mini-batches raise the cost (arXiv 2412.20553; the two bounds of heavy-ball momentum: arXiv 2604.14108).
    """
    if found is Regime.NOISE:
        return eta * batch_sharpness / (2 * (1 - momentum))
    return edge(eta, batch_sharpness, momentum)


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
