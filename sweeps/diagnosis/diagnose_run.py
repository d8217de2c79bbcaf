"""What the curves of a recorded run prove about it, without its code.

Silence acquits nobody: where a bound is not known, or not passed, nothing is said.
"""

import math

import numpy as np

from sweeps.diagnosis.curves.causes import weigh_causes
from sweeps.diagnosis.curves.descent_bound import judge_descent
from sweeps.diagnosis.curves.penalty_growth import judge_growth
from sweeps.diagnosis.curves.penalty_scale import judge_penalty_scale
from sweeps.diagnosis.curves.readings import Readings, readings_of
from sweeps.diagnosis.curves.recorded_run import RecordedRun
from sweeps.diagnosis.curves.run_facts import RunFacts
from sweeps.diagnosis.findings import Code, Evidence, Finding, Severity
from sweeps.formatting import number
from sweeps.verdicts.curves import Curves
from sweeps.verdicts.rules import SWING, SWING_MATTERS, SWINGS

_SEVEREST_FIRST = (Severity.FAULT, Severity.WARNING, Severity.INFO)


def diagnose_run(run: RecordedRun, facts: RunFacts) -> list[Finding]:
    """Findings, the severest first; none where the curves show nothing. Raises InputError where run and facts clash."""
    with np.errstate(all="ignore"):  # curves may hold anything; NaN satisfies no condition
        findings = _findings(readings_of(run, facts), facts)
    return sorted(findings, key=lambda finding: _SEVEREST_FIRST.index(finding.severity))


def _findings(readings: Readings, facts: RunFacts) -> list[Finding]:
    descent = judge_descent(readings, facts)
    findings = [*_overflow(readings, facts), *_decay(readings, facts), *descent]
    if any(finding.code is Code.NOT_DESCENDING for finding in descent):
        findings.append(weigh_causes(readings, facts))
    findings += [*_mismatch(readings), *judge_penalty_scale(readings, facts), *judge_growth(readings, facts)]
    return findings + _swings(readings)


def _overflow(readings: Readings, facts: RunFacts) -> list[Finding]:
    """An infinite cost is above every bound; NaN may come of an overflow in the outputs, or of a cost's log of 0."""
    if readings.overflow is None:
        return []
    epoch, value = readings.overflow
    evidence: dict[str, Evidence] = {"epoch": epoch, "cost": str(value)}
    remedy = f"Lower eta{_below(facts)}, and see whether the cost stays finite."
    if value > 0 and facts.cost != "cross_entropy":
        message = f"The run diverged: at epoch {epoch:g} the cost is {value:g}, and that of a descent stays small."
        return [Finding(Code.NOT_DESCENDING, Severity.FAULT, message, evidence, remedy)]
    message = (
        f"At epoch {epoch:g} the cost is {value}: either the run diverged, or the formula of the outputs or of the "
        "cost overflowed (exp of a large number, log of 0)."
    )
    remedy += " Compute costs from weighted inputs, np.logaddexp(0, z) - y * z, which never overflows."
    return [Finding(Code.INCONCLUSIVE, Severity.WARNING, message, evidence, remedy)]


def _decay(readings: Readings, facts: RunFacts) -> list[Finding]:
    decay, factor = facts.decay, facts.growth_per_step
    if decay is None or factor is None or decay < facts.decay_bound:
        return []
    message = (
        f"eta * lambda / n is {decay:.6g} and must stay below {number(facts.decay_bound)}: each step multiplies the "
        f"weights by -{factor:.6g}, whatever the data say"
    )
    evidence: dict[str, Evidence] = {"eta_lambda_over_n": decay, "bound": facts.decay_bound, "factor_per_step": factor}
    if facts.steps is not None:
        exponent = 2 * facts.steps * math.log10(factor)
        growth = number(10**exponent) if exponent < 6 else f"10^{exponent:.0f}"
        message += f", and the penalty by {growth} in the {number(facts.steps)} steps of an epoch"
        evidence["log10_penalty_growth_per_epoch"] = exponent
    message += "."
    severity = Severity.FAULT
    if readings.overflow is None and readings.total[-1] <= readings.total[0]:
        severity = Severity.WARNING
        message += " The recorded cost did not grow, so these are not its settings, or its update does not decay so."
    return [Finding(Code.UNSTABLE_DECAY, severity, message, evidence, f"Lower eta{_below(facts)}, or lambda.")]


def _below(facts: RunFacts) -> str:
    if not facts.lmbda or facts.n is None:
        return ""
    bound = facts.decay_bound
    return f" well below {number(bound * facts.n / facts.lmbda)}, which is {number(bound)} n / lambda"


def _mismatch(readings: Readings) -> list[Finding]:
    if readings.mismatch is None:
        return []
    epoch, parts = readings.mismatch
    total = float(readings.total[np.flatnonzero(readings.epochs == epoch)[0]])
    message = (
        f"At epoch {epoch:g} data_cost and penalty make {number(parts)}, and the cost is {number(total)}: they are not "
        "parts of it, so nothing was concluded from them."
    )
    remedy = "Record the data cost and the penalty that the reported cost is the sum of, on the same set."
    return [Finding(Code.INCONCLUSIVE, Severity.INFO, message, {"cost": total, "sum": parts}, remedy)]


def _swings(readings: Readings) -> list[Finding]:
    """Rises of the total that turn down again, as large as the verdict `oscillating` of a sweep counts.

    One more of them than there, for the total of an evaluated set is noisier than that of the training set.
    """
    total = readings.total
    if len(total) < 2 or total[0] == 0:
        return []
    swings = Curves({"total": total.tolist()}).swings("total", SWING, SWING_MATTERS * float(total[0]))
    if len(swings) <= SWINGS:
        return []
    low, high = max(swings, key=lambda swing: total[swing[1]] - total[swing[0]])
    message = (
        f"The total rose {len(swings)} times by a quarter or more, most from {number(float(total[low]))} at epoch "
        f"{readings.epochs[low]:g} to {number(float(total[high]))} at epoch {readings.epochs[high]:g}, and fell "
        "between; that of a sound training varies by about a twentieth."
    )
    evidence: dict[str, Evidence] = {"swings": len(swings), "largest": [float(total[low]), float(total[high])]}
    remedy = "Lower eta, or take larger batches, until the total falls smoothly."
    return [Finding(Code.COST_OSCILLATING, Severity.WARNING, message, evidence, remedy)]
