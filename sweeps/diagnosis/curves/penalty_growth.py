"""How a penalty grows, and the lambda that its first value allows: what the shape of a rise suggests, and no proof."""

import math
from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from sweeps.diagnosis.curves.descent_bound import largest_data_cost
from sweeps.diagnosis.curves.readings import Readings, Rise, fit_laws, largest_rise
from sweeps.diagnosis.curves.run_facts import RunFacts
from sweeps.diagnosis.findings import Code, Evidence, Finding, Severity
from sweeps.formatting import number, percent
from sweeps.verdicts.curves import Curve
from sweeps.verdicts.rules import SWING

_DOUBLED = 2.0  # times its first value: a penalty that grew less has no law to speak of
_TINY = 1e-100  # of a penalty: no training has one
_STEEPEST = 100.0  # growth rate an epoch above which there is no law to speak of: e to that power is 10 to the 43
_FEW_INFLATE_MORE = 10.0  # n / N, where it is not known: training sets are seldom larger than ten evaluated sets
_CLEARER = 2.0  # times the misfit of another law
_SAME = 0.25  # relative difference of two growth rates that are called alike

_LAWS = {
    "exponential": "a constant factor an epoch",
    "quadratic": "equal steps of the weights' norm",
    "linear": "equal steps of the penalty",
}


def judge_growth(readings: Readings, facts: RunFacts) -> list[Finding]:
    """For a total whose rise is the penalty's: the law of its growth, and the lambda that the first value allows."""
    if len(readings.total) < 2 or (facts.decay is not None and facts.decay >= facts.decay_bound):  # that explains it
        return []
    rise = largest_rise(readings.epochs, readings.total)
    curve = readings.penalty if readings.has_parts else readings.total
    values = curve[rise.span]
    if not _is_penalty(rise, readings, facts) or not values[-1] >= _DOUBLED * values[0] or not values.min() > _TINY:
        return []
    return [*_growth(rise, values, readings, facts), *_implied(curve, readings, facts)]


def _is_penalty(rise: Rise, readings: Readings, facts: RunFacts) -> bool:
    """Whether most of the rise must be the penalty's, and the evaluated set's size does not explain it."""
    if readings.has_parts:
        minimised = readings.data + readings.penalty / (facts.inflation or _FEW_INFLATE_MORE)
        grown = float(readings.penalty[rise.end] - readings.penalty[rise.start])
        large = rise.size >= SWING * readings.total[rise.start] and grown > rise.size / 2
        return large and bool(minimised[rise.end] > minimised[rise.start])
    bound = largest_data_cost(readings, facts)
    return bound is not None and rise.size > 2 * bound


def _growth(rise: Rise, values: Curve, readings: Readings, facts: RunFacts) -> list[Finding]:
    """values: (k,), of the penalty, or of the total where that is all there is, while it rose."""
    epochs, logs = readings.epochs[rise.span], np.log(values)
    rate = float((logs[-1] - logs[0]) / (epochs[-1] - epochs[0]))
    last = float((logs[-1] - logs[-2]) / (epochs[-1] - epochs[-2]))
    if max(rate, last) > _STEEPEST:
        return []
    what = "penalty" if readings.has_parts else "total"
    evidence: dict[str, Evidence] = {
        "of": what,
        "epochs": list(rise.epochs),
        "factor_per_epoch": math.exp(rate),
        "last_factor": math.exp(last),
        "doubling_epochs": math.log(2) / rate,
        "eta_lambda_over_batch_size": rate / 2,
    }
    message = (
        f"The {what} grew by a factor of {math.exp(rate):.3g} an epoch {rise.when}, {math.exp(last):.3g} at the last, "
        f"and doubled every {math.log(2) / rate:.3g} epochs"
    )
    if not readings.has_parts:
        bound = largest_data_cost(readings, facts) or 0.0
        message += f"; of its rise, {number(rise.size)}, the data cost can be no more than {number(bound)}"
        evidence["penalty_rise_at_least"] = rise.size - bound
    misfits = fit_laws(epochs, values) if len(values) > 3 else {}
    if misfits:
        message += f". {_nearest(misfits)}"
        evidence["misfits"] = misfits
    message += f". Plausible, not proven: {_implications(rate, facts)}."
    remedy = "Compare the update's lambda term with -eta * lambda / n * w, and record the penalty by itself."
    return [Finding(Code.PENALTY_GROWTH, Severity.INFO, message, evidence, remedy)]


def _nearest(misfits: Mapping[str, float]) -> str:
    (law, least), *others = sorted(misfits.items(), key=lambda item: item[1])
    alike = [_LAWS[other] for other, misfit in others if misfit <= _CLEARER * least]
    nearest = f"Nearest is {_LAWS[law]}, off by {percent(least)}"
    return f"{nearest}, hardly better than {alike[0]}" if alike else nearest


def _implications(rate: float, facts: RunFacts) -> str:
    """Decay of the wrong sign: w *= 1 + eta lambda / n, n / m times an epoch, so w^2 by exp(2 eta lambda / m)."""
    sentence = (
        "a constant factor is what a decay with the wrong sign gives, exp(2 * eta * lambda / batch_size), here with "
        f"eta * lambda / batch_size = {rate / 2:.3g}; equal steps of the norm come of a gradient that never shrinks"
    )
    if facts.eta and facts.lmbda and facts.batch_size:
        own = facts.eta * facts.lmbda / facts.batch_size
        alike = abs(own - rate / 2) <= _SAME * rate / 2
        sentence += f"; this run has {own:.3g}, which {'agrees' if alike else 'does not agree'}"
    return sentence


def _implied(curve: Curve, readings: Readings, facts: RunFacts) -> list[Finding]:
    """lambda / (2 N) S is at most the first value; S is known for weights that are still as they were drawn."""
    if facts.sizes is None or facts.evaluated_n is None:
        return []
    first, evaluated_n = float(curve[0]), facts.evaluated_n
    standard = sum(n_in * n_out for n_in, n_out in pairwise(facts.sizes))
    scaled = sum(facts.sizes[1:])
    what = f"The first {'penalty' if readings.has_parts else 'cost'}, {number(first)}"
    evidence: dict[str, Evidence] = {"first": first, "squares_standard": standard, "squares_scaled": scaled}
    if facts.lmbda:
        squares = 2 * evaluated_n * first / facts.lmbda
        message = (
            f"{what}, with lambda {number(facts.lmbda)} and division by {number(evaluated_n)}, means a sum of squared "
            f"weights of at most {number(squares)}; N(0, 1) weights begin at {number(standard)}, N(0, 1/n_in) weights "
            f"at {number(scaled)}."
        )
        evidence["squares_at_most"] = squares
        remedy = "Where that is not your start, lambda or what divides the penalty is another than you think."
    else:
        most = {squares: 2 * evaluated_n * first / squares for squares in (standard, scaled)}
        message = (
            f"{what}, divided by {number(evaluated_n)} in the report, means lambda of at most "
            f"{number(most[standard])} if the weights began as N(0, 1), whose {number(standard)} squares sum to that, "
            f"and of at most {number(most[scaled])} with N(0, 1/n_in), sum {number(scaled)}; less where weights had "
            "grown by then, more where decay had shrunk them."
        )
        evidence |= {"lambda_at_most_standard": most[standard], "lambda_at_most_scaled": most[scaled]}
        remedy = "Compare it with the lambda that was given (--lambda)."
    return [Finding(Code.PENALTY_IMPLIED, Severity.INFO, message, evidence, remedy)]
