"""The bound of a descent: what the curve of a run that lowers its own cost cannot do, and why one may do it still.

Training lowers M = d + lambda / (2 n) S, where d is the data cost on the n training examples and S the sum of squared
weights. Shown is R = D + P, where D is the data cost on the N evaluated examples and P = lambda / (2 N) S. With
0 <= d, D <= B, wherever M ends no higher than it began, P rises by at most B n / N and R by at most B (1 + n / N). A
larger rise proves that M rose too, and by how much at least: the excess times N / n. Where P is in truth divided by n
the bound is 2 B, so n / N is taken as 1 where it is below.
"""

import math
from dataclasses import dataclass

import numpy as np

from sweeps.diagnosis.curves.readings import Readings, Rise, largest_rise
from sweeps.diagnosis.curves.run_facts import RunFacts
from sweeps.diagnosis.findings import Code, Evidence, Finding, Severity
from sweeps.formatting import number
from sweeps.verdicts.curves import Curve
from sweeps.verdicts.rules import SWING, SWING_MATTERS

_TOLERANCE = 1e-6  # relative: what rounding may add to a cost at its bound
_SUMMED = 0.03  # quadratic cost of an example where about 97 of 100 answers are right: few networks begin below it
_RECOVERED = 0.5  # of a rise: what is left of one that came back
_HARDER = 2.0  # times the evaluated set's data cost: no usual training set's is larger
_TYPICAL_OUTPUTS = 10  # taken, and said, where the number of outputs is not known

DIAGNOSE = "`sweeps diagnose mynet.py:Network` measures the gradient, the decay and the penalty that evaluate adds"


@dataclass(frozen=True)
class _Claim:
    """A rise, and what it may be. bound: B. ratio: n / N, at least 1. base: 1 for the total, 0 for the penalty."""

    rise: Rise
    bound: float
    ratio: float
    base: int

    @property
    def allowed(self) -> float:
        return self.bound * (self.base + self.ratio)

    @property
    def holds(self) -> bool:
        return self.rise.size > self.allowed * (1 + _TOLERANCE)

    @property
    def critical_bound(self) -> float:
        """The B up to which the rise would be a proof."""
        return self.rise.size / (self.base + self.ratio)

    @property
    def critical_ratio(self) -> float:
        """The n / N up to which the rise would be a proof."""
        return self.rise.size / self.bound - self.base

    @property
    def excess(self) -> float:
        """What the minimised cost rose by, at least."""
        return (self.rise.size - self.allowed) / self.ratio


def data_bound(readings: Readings, facts: RunFacts) -> float | None:
    """B, the largest data cost of an example; twice as much once a recorded one shows that the cost has no 1/2.

    None where there is no bound, where the outputs are not known, and where the recorded data cost refutes it.
    """
    if not facts.is_bounded or facts.outputs is None:
        return None
    highest = float(np.nanmax(readings.data, initial=0)) / (1 + _TOLERANCE)
    bound = facts.data_bound(facts.outputs)
    return next((b for b in (bound, 2 * bound) if highest <= b), None)


def largest_data_cost(readings: Readings, facts: RunFacts) -> float | None:
    """The largest data cost that the report can hold: B, or N times that, without the 1/2, where it may be a sum."""
    bound = data_bound(readings, facts)
    if bound is None or _is_averaged(readings, facts):
        return bound
    return 2 * bound * (facts.evaluated_n or 1)


def judge_descent(readings: Readings, facts: RunFacts) -> list[Finding]:
    """Whether the run descended: a proof where the facts carry one, what they would have to be where they do not."""
    if len(readings.total) < 2:
        return []
    bound, ratio = data_bound(readings, facts), facts.inflation
    if bound is None and facts.is_bounded and facts.outputs is not None:
        return [_refuted(readings, facts)]
    if facts.is_bounded and (bound is None or ratio is None):
        return _conditional(largest_rise(readings.epochs, readings.total), bound, facts)
    if bound is not None and ratio is not None:
        curve, base = (readings.penalty, 0) if readings.has_parts else (readings.total, 1)
        claim = _Claim(largest_rise(readings.epochs, curve), bound, max(1.0, ratio), base)
        if claim.holds:
            known = _is_averaged(readings, facts) or claim.critical_bound > 2 * bound * (facts.evaluated_n or 1)
            return [_not_descending(claim, curve, facts)] if known else _perhaps_summed(claim, curve)
    return _measured(readings, facts)


def _not_descending(claim: _Claim, curve: Curve, facts: RunFacts) -> Finding:
    n, evaluated_n, outputs = number(facts.n or 0), number(facts.evaluated_n or 0), facts.outputs or 0
    textbook = facts.data_bound(outputs)
    certain = claim.critical_bound > 2 * textbook or claim.bound > textbook
    quotient = f"{n} / {evaluated_n}" if claim.ratio > 1 else "1"
    formula = f"{number(claim.bound)} * {f'(1 + {quotient})' if claim.base else quotient}"
    squares = "1/2 sum of squares" if claim.bound == textbook else "sum of squares"
    assumed = " (assumed: --cost and --output say otherwise)" if None in (facts.cost, facts.output) else ""
    what = "total" if claim.base else "penalty"
    condition = "" if certain else f", if that has the {squares}"
    message = (
        f"This run did not descend the cost that it reports{condition}: the {what} rose by "
        f"{number(claim.rise.size)} {claim.rise.when}, and a descent can raise it by {number(claim.allowed)} at most, "
        f"{formula}, because its data cost can fall by no more than {number(claim.bound)}. It rests on: a quadratic "
        f"cost, {squares}, mean over examples, of {_outputs(outputs)} between 0 and 1{assumed}; an L2 penalty with one "
        f"lambda throughout, divided by {n} in the update and {evaluated_n} in the report. "
    )
    if certain:
        message += f"It would hold for any data cost of an example up to {number(claim.critical_bound)}"
        message += f", or for any n / N up to {number(claim.critical_ratio)}." if claim.ratio > 1 else "."
    else:
        message += f"Without the 1/2 the bound is {number(2 * claim.allowed)}, and the rise proves nothing."
    if recovered := float(curve[-1] - curve[claim.rise.start]) <= _RECOVERED * claim.rise.size:
        message += (
            f" By the end it was back at {number(float(curve[-1]))}: a wrong step seldom returns, large steps may."
        )
    return Finding(
        Code.NOT_DESCENDING,
        Severity.FAULT if certain and not recovered else Severity.WARNING,
        message,
        _numbers(claim) | {"rests_on": _premises(facts)},
        f"{DIAGNOSE}, which tells a wrong gradient from a wrong report.",
    )


def _premises(facts: RunFacts) -> list[str]:
    return [
        f"cost {facts.cost or 'quadratic (assumed)'}, averaged over the evaluated examples",
        f"output {facts.output or 'sigmoid (assumed)'}, {facts.outputs} units, targets between 0 and 1",
        f"the update divides lambda by {facts.n}, the report by {facts.evaluated_n} or {facts.n}",
        "an L2 penalty with the same lambda in the update, in the report and in all epochs",
    ]


def _numbers(claim: _Claim) -> dict[str, Evidence]:
    return {
        "rise": claim.rise.size,
        "epochs": list(claim.rise.epochs),
        "allowed": claim.allowed,
        "data_bound": claim.bound,
        "of": "total" if claim.base else "penalty",
        "minimised_rise_at_least": claim.excess,
        "critical_ratio": claim.critical_ratio,
        "critical_data_bound": claim.critical_bound,
    }


def _is_averaged(readings: Readings, facts: RunFacts) -> bool:
    """Whether costs are too small for sums over the evaluated examples, each of which errs at least somewhat.

    A wrong answer costs at least 1/4: another output is as large as the right one (1/8 where there is one output).
    Without accuracies the first cost must do; without N it is taken for granted.
    """
    examples = facts.evaluated_n
    if examples is None:
        return True
    costs = np.where(np.isfinite(readings.data), readings.data, readings.total)
    wrong = (1 - readings.accuracy) / (4 if facts.outputs != 1 else 8)
    if np.isfinite(wrong).any():
        return bool(np.any(costs < wrong * examples))
    return bool(costs[0] < _SUMMED * examples)


def _perhaps_summed(claim: _Claim, curve: Curve) -> list[Finding]:
    if claim.rise.size < SWING * curve[claim.rise.start]:
        return []
    message = (
        f"A rise by {number(claim.rise.size)} {claim.rise.when}, where a run that descends its own cost can rise by "
        f"{number(claim.allowed)}, would prove that this one did not, if the costs are averages over the examples; "
        "these are so large that they may be sums."
    )
    remedy = "Record averages per example, and correct or accuracy beside them."
    return [Finding(Code.INCONCLUSIVE, Severity.WARNING, message, _numbers(claim), remedy)]


def _conditional(rise: Rise, bound: float | None, facts: RunFacts) -> list[Finding]:
    """What the facts that are not given would have to be."""
    outputs = facts.outputs or _TYPICAL_OUTPUTS
    claim = _Claim(rise, bound or facts.data_bound(outputs), max(1.0, facts.inflation or 1.0), 1)
    if not claim.holds:
        return []
    options = {"--sizes": facts.sizes, "--training-size": facts.n, "--evaluated-size": facts.evaluated_n}
    missing = ", ".join(option for option, given in options.items() if given is None)
    if facts.inflation is None:
        unless = f"the report divides lambda by less than 1/{number(claim.critical_ratio)} of what the update does"
        if facts.n is not None:
            unless += f", by less than {number(facts.n / claim.critical_ratio)} examples"
    else:
        unless = f"the data cost of an example can exceed {number(claim.critical_bound)}"
        if facts.output != "softmax":
            unless += f", as with more than {2 * claim.critical_bound:.0f} outputs"
    message = (
        f"The total rose by {number(rise.size)} {rise.when}, so this run did not descend the cost that it reports, "
        f"unless {unless}. It rests on a quadratic cost, mean over examples, of {outputs} outputs between 0 and 1"
        f"{'' if facts.outputs else ' (a guess)'}."
    )
    return [Finding(Code.INCONCLUSIVE, Severity.WARNING, message, _numbers(claim), f"Give {missing}.")]


def _refuted(readings: Readings, facts: RunFacts) -> Finding:
    highest, most = float(np.nanmax(readings.data)), 2 * facts.data_bound(facts.outputs or 0)
    message = (
        f"The data cost reaches {number(highest)}; squares over {_outputs(facts.outputs or 0)} between 0 and 1 sum to "
        f"at most {number(most)} an example. So it is another cost, or a sum over examples, and the bound of a descent "
        "is not known."
    )
    remedy = "Say which with --cost and --output, or record averages per example."
    return Finding(Code.INCONCLUSIVE, Severity.INFO, message, {"data_cost": highest, "largest": most}, remedy)


def _measured(readings: Readings, facts: RunFacts) -> list[Finding]:
    """Without B: where the minimised penalty ends higher by more than all the data cost that there was to lose.

    That was the training set's, of which the evaluated set's is the measure, times _HARDER.
    """
    if not readings.has_parts or facts.inflation is None:
        return []
    penalty = readings.penalty / max(1.0, facts.inflation)
    minimised = readings.data + penalty
    rises = penalty[-1] - penalty
    least = np.maximum(SWING * minimised, SWING_MATTERS * minimised[0])
    excess = np.where(rises - readings.data > least, rises - _HARDER * readings.data, -math.inf)
    start = int(np.argmax(excess))
    if not excess[start] > 0:
        return []
    message = (
        f"From epoch {readings.epochs[start]:g} to {readings.epochs[-1]:g} the penalty that is minimised rose by "
        f"{number(float(rises[start]))}, and the data cost had only "
        f"{number(float(readings.data[start]))} to lose: this run did not descend its own cost, unless the training "
        f"set's data cost is more than {_HARDER:g} times the one recorded."
    )
    evidence: dict[str, Evidence] = {
        "of": "minimised penalty",
        "rise": float(rises[start]),
        "data_cost": float(readings.data[start]),
        "epochs": [float(readings.epochs[start]), float(readings.epochs[-1])],
    }
    return [Finding(Code.NOT_DESCENDING, Severity.WARNING, message, evidence, f"{DIAGNOSE}.")]


def _outputs(count: int) -> str:
    return f"{number(count)} output{'s' if count != 1 else ''}"
