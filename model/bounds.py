"""The bounds of theory, each once: what a step may do to a weight, and what a data cost can be."""

import math

from model.costs import HEADS

OUTPUTS = tuple(dict.fromkeys(output for output, _ in HEADS))
COSTS = tuple(dict.fromkeys(cost for _, cost in HEADS))


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
