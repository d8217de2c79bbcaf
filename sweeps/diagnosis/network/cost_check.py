"""Whether a reported cost can be compared with steps at all, and whether it is what is wrong."""

import math
from dataclasses import replace

import numpy as np

from sweeps.diagnosis.findings import Code, Finding, Severity
from sweeps.diagnosis.network.gradient_faults import GradientKind
from sweeps.diagnosis.network.gradient_sentences import of_gradient
from sweeps.diagnosis.network.gradients import GradientReport
from sweeps.diagnosis.network.mixed_outputs import depends_on_others, of_wrong_softmax
from sweeps.diagnosis.network.named_costs import misreported
from sweeps.diagnosis.network.steps import ExaminedPoint, draw_point
from sweeps.diagnosis.network.subject import Subject

_OTHER_PLACES = 4  # at which the reported cost is compared with the usual ones
_MAY_BE_THE_COST = (GradientKind.UNEXPLAINED, GradientKind.OTHER_OUTPUTS)
_SAME = 1e-9  # relative difference of two costs that are the same
_OF_EXAMPLES = 1e-3  # relative difference up to which a cost is the mean, or the sum, of its examples' costs


class UnjudgedError(Exception):
    """Nothing can be compared: what is said instead."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def check_cost(subject: Subject, point: ExaminedPoint) -> None:
    """Raises UnjudgedError where the cost cannot be compared with anything."""
    softmax = of_wrong_softmax(subject, point)
    if softmax is not None:
        raise UnjudgedError(softmax)
    first, second = subject.costs(point.theta, point.x, point.y)
    if abs(first - second) > _SAME * abs(first):
        message = (
            "The reported cost is random: two evaluations of the same network on the same examples gave "
            f"{first:.6g} and {second:.6g}. A cost that draws random numbers, as dropout does, can't be compared with "
            "a step."
        )
        remedy = "switch dropout and noise off in evaluate"
        raise UnjudgedError(
            Finding(Code.EVALUATE_RANDOM, Severity.WARNING, message, {"first": first, "second": second}, remedy)
        )
    singles = [subject.cost(point.theta, *point.example(k)) for k in range(len(point))]
    if not any(math.isclose(first, of(singles), rel_tol=_OF_EXAMPLES) for of in (np.mean, np.sum)):
        cost = None if math.isfinite(first) else misreported(subject, elsewhere(subject, np.random.default_rng(0)))
        beside = depends_on_others(subject, point)
        raise UnjudgedError(
            of_gradient(cost, "")
            if cost is not None
            else _not_a_mean(len(point), first, float(np.mean(singles)), float(np.sum(singles)), beside)
        )


def _not_a_mean(m: int, cost: float, mean: float, total: float, beside: bool) -> Finding:
    """beside: whether an example's outputs depend on the others."""
    why = (
        "An example's outputs depend on the examples beside it, as with batch normalisation"
        if beside
        else ("With the root of a mean that is so")
    )
    message = (
        f"The step is not judged: the reported cost of {m} examples is {cost:.6g}, neither the mean of their costs, "
        f"{mean:.6g}, nor the sum, {total:.6g}. {why}; otherwise evaluate has a fault."
    )
    evidence = {"cost": cost, "mean_of_costs": mean, "sum_of_costs": total}
    remedy = "cost = np.sum(costs_of_examples) / len(data)"
    return Finding(Code.INCONCLUSIVE, Severity.WARNING, message, evidence, remedy)


def with_cost_named(gradient: GradientReport, subject: Subject, rng: np.random.Generator) -> GradientReport:
    """Where steps follow no gradient of the reported cost, and it is that cost that is wrong: this in their place."""
    unclear = [fault for fault in gradient.faults if fault.kind in _MAY_BE_THE_COST]
    cost = misreported(subject, elsewhere(subject, rng)) if unclear else None
    if cost is None:
        return gradient
    return replace(gradient, faults=(cost, *(fault for fault in gradient.faults if fault not in unclear)))


def elsewhere(subject: Subject, rng: np.random.Generator) -> list[ExaminedPoint]:
    """Places at which the reported cost is compared with the usual ones."""
    return [draw_point(subject.layout, rng) for _ in range(_OTHER_PLACES)]
