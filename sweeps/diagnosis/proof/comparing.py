"""How a training went, and what two of them say together: whether the corrected one does better, in words."""

import math
from dataclasses import dataclass

from sweeps.diagnosis.findings import Evidence

AS_IT_IS = "as it is"

_FEWER = 0.02  # of the right answers: what gets fewer than that does no better
_BETTER = 0.8  # of the cost as it is: below it the corrected one does better
_FALLS, _CLIMBS = 0.95, 1.02  # of its first cost


@dataclass(frozen=True)
class Curve:
    """A training: total, data, accuracy, weights by epoch, the first before any step."""

    name: str
    epochs: tuple[tuple[float, float, float, float], ...]
    ended: str = ""

    @property
    def first(self) -> float:
        return self.epochs[0][0]

    @property
    def last(self) -> float:
        """NaN where it has come to no number."""
        return self.epochs[-1][0] if not self.ended else math.nan

    @property
    def accuracy(self) -> float:
        return self.epochs[-1][2]

    @property
    def table(self) -> dict[str, Evidence]:
        columns = zip(*self.epochs, strict=True)
        named = zip(("total", "data", "accuracy", "weights"), columns, strict=True)
        return {"name": self.name} | {key: [v if math.isfinite(v) else None for v in values] for key, values in named}


def _is_lower(before: Curve, after: Curve) -> bool:
    """Whether a training that does not climb ends lower; a cost that is no number is higher than any."""
    if not math.isfinite(after.last) or after.last > _CLIMBS * after.first:
        return False
    return not math.isfinite(before.last) or after.last < _BETTER * before.last


def is_better(before: Curve, after: Curve) -> bool:
    """Whether it ends lower, and gets no fewer right; or falls where the other climbs."""
    return _stops_climbing(before, after) or (_is_lower(before, after) and not _has_fewer_right(before, after))


def _stops_climbing(before: Curve, after: Curve) -> bool:
    climbs = not math.isfinite(before.last) or before.last > _CLIMBS * before.first
    return climbs and math.isfinite(after.last) and after.last <= min(after.first, before.last)


def _has_fewer_right(before: Curve, after: Curve) -> bool:
    return after.accuracy < before.accuracy - _FEWER


def sentence(before: Curve, after: Curve, better: int, starts: int) -> str:
    """What a correction did. better: from how many of the starts it did better; 0 where not from the first."""
    what = after.name.removeprefix("with ").removesuffix(" corrected")
    went = f"With {what} corrected and nothing else changed, it {course(after)}"
    if 0 < better < starts:
        return f"{went}: better, but only from {better} of {starts} starts, which may be chance."
    if better and _has_fewer_right(before, after):
        return f"{went}: the climb is the fault's, though with these settings fewer are right without it."
    if better:
        return f"{went}: this is the fault, from each of {starts} starts."
    if _is_lower(before, after):
        return f"{went}: lower, but with fewer right answers, so at these settings it does no better."
    return f"{went}: at these settings it does no better, and the fault does not show."


def of_own_eta(curve: Curve, corrected: Curve) -> str:
    eta = curve.name.rpartition(" ")[2]
    said = f"As it is, but with eta {eta}, where it does best at first, it {course(curve)}"
    if _is_lower(curve, corrected):
        return f"{said}: no eta of those tried makes up for the fault."
    return f"{said}, about as well as corrected: another eta makes up for the fault."


def course(curve: Curve) -> str:
    if curve.ended:
        last = len(curve.epochs) - 1
        return f"comes from {curve.first:.4g} to no number {f'after epoch {last}' if last else 'in the first epoch'}"
    epochs = f"in {len(curve.epochs) - 1} epochs ({curve.accuracy:.0%} right)"
    if curve.last > _CLIMBS * curve.first:
        return f"climbs from {curve.first:.4g} to {curve.last:.4g} {epochs}"
    if curve.last < _FALLS * curve.first:
        return f"falls from {curve.first:.4g} to {curve.last:.4g} {epochs}"
    return f"goes from {curve.first:.4g} to {curve.last:.4g} {epochs}"
