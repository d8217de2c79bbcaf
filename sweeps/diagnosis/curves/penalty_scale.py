"""What it does to the shown total that a report divides the penalty by the evaluated set's size."""

from collections.abc import Sequence

from sweeps.diagnosis.curves.descent_bound import largest_data_cost
from sweeps.diagnosis.curves.readings import Readings, largest_rise
from sweeps.diagnosis.curves.run_facts import RunFacts
from sweeps.diagnosis.findings import Code, Evidence, Finding, Severity
from sweeps.formatting import number
from sweeps.verdicts.curves import Curves
from sweeps.verdicts.rules import RISEN

_MATTERS = 0.05  # of the total: a smaller penalty may be several times too large


def judge_penalty_scale(readings: Readings, facts: RunFacts) -> list[Finding]:
    """A warning where it may mislead, the total rises; info where the penalty is known. Conditional on the divisor."""
    times, n, evaluated_n = facts.inflation, facts.n, facts.evaluated_n
    if times is None or n is None or evaluated_n is None or n == evaluated_n or len(readings.total) < 2:
        return []
    effect = _effect(times, n, readings, facts)
    if effect is None:
        return []
    severity, consequence, numbers = effect
    message = (
        f"If the report divides the penalty by the {number(evaluated_n)} examples evaluated and not by the "
        f"{number(n)} trained on, it shows {number(times)} times the penalty that is minimised. {consequence}"
    )
    evidence: dict[str, Evidence] = {"times": times, "n": n, "evaluated_n": evaluated_n, **numbers}
    remedy = "Divide by the training set's size in evaluate, as the update does: lmbda / (2 * n)."
    return [Finding(Code.PENALTY_SCALE, severity, message.strip(), evidence, remedy)]


def _effect(
    times: float, n: int, readings: Readings, facts: RunFacts
) -> tuple[Severity, str, dict[str, Evidence]] | None:
    """(severity, in words, in numbers); None where it is not known to matter."""
    if readings.has_parts:
        return _measured(times, readings) if (readings.penalty > _MATTERS * readings.total).any() else None
    rise, bound = largest_rise(readings.epochs, readings.total).size, largest_data_cost(readings, facts)
    if bound is not None and rise > bound:
        least = (rise - bound) / times
        consequence = (
            f"That {'may explain' if least <= bound else 'alone does not explain'} the rise: divided by {number(n)}, "
            f"the penalty would still rise by {number(least)} or more, and the data cost can fall by {number(bound)}."
        )
        return Severity.WARNING, consequence, {"minimised_penalty_rise_at_least": least}
    if facts.lmbda and times > 1 and _rises(readings.total.tolist()):
        return Severity.WARNING, "That may be why the total rises: record data_cost and penalty to see.", {}
    return None


def _measured(times: float, readings: Readings) -> tuple[Severity, str, dict[str, Evidence]]:
    minimised = (readings.data + readings.penalty / times).tolist()
    curves = Curves({"shown": readings.total.tolist(), "minimised": minimised})
    low, lowest = curves.lowest_level("shown")
    if not _rises(readings.total.tolist()):
        return Severity.INFO, "", {"minimised": [minimised[0], minimised[-1]]}
    shown = f"{number(lowest)} to {number(curves.level('shown'))}"
    before, after = curves.level("minimised", low), curves.level("minimised")
    change = f"{number(before)} to {number(after)}"
    numbers: dict[str, Evidence] = {"minimised": [before, after]}
    if after < before:
        consequence = (
            f"Then the total only looks as if it rose, {shown} since epoch {readings.epochs[low]:g}: what is minimised "
            f"fell, {change}."
        )
        return Severity.WARNING, consequence, numbers
    return Severity.INFO, f"That does not explain its rise, {shown}: what is minimised rose too, {change}.", numbers


def _rises(total: Sequence[float]) -> bool:
    """Whether it ends above its lowest level, as the verdict `penalty_growth` of a sweep counts it."""
    records = Curves({"total": total})
    return records.level("total") >= RISEN * records.lowest_level("total")[1]
