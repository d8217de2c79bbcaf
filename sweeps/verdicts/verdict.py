"""The words for what became of a training, and a verdict with its evidence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """The one word for a training. The value is what stands in MLflow."""

    FAILED = "failed"
    DIVERGED = "diverged"
    PRUNED = "pruned"
    COLLAPSED = "collapsed"
    STALLED = "stalled"
    OSCILLATING = "oscillating"
    SPIKED = "spiked"
    PENALTY_GROWTH = "penalty_growth"
    UNDERFITTED = "underfitted"
    OVERFITTING = "overfitting"
    SLOW = "slow"
    CONVERGED = "converged"


BATCH_EDGE_SINCE = 3  # the version of the rules that first judges by the curvature of mini-batches
RULES_VERSION = 3  # of the rules and of what counts as stable; a sweep records the one it began with

# Stable: the steps work, and what they reach is worth having. Unstable: steps or decay keep training from working, or
# the cost that is reported climbs without end. Neither: failed and pruned trials say nothing of their settings, and an
# underfitted one is as calm as a stable one and as useless as a collapsed one, so it lies on no side of the border.
STABLE = frozenset({Verdict.CONVERGED, Verdict.SLOW, Verdict.SPIKED, Verdict.OVERFITTING})
UNSTABLE = frozenset(
    {Verdict.DIVERGED, Verdict.OSCILLATING, Verdict.COLLAPSED, Verdict.STALLED, Verdict.PENALTY_GROWTH}
)
_SIDES = {  # by version. Version 1 knew no underfitted trials: it took them for converged, overfitting or spiked
    1: (STABLE | {Verdict.PENALTY_GROWTH, Verdict.UNDERFITTED}, UNSTABLE - {Verdict.PENALTY_GROWTH}),
    2: (STABLE, UNSTABLE),
    RULES_VERSION: (STABLE, UNSTABLE),
}


def is_stable(verdict: str | None, version: int = RULES_VERSION) -> bool | None:
    """Whether a verdict counts as stable by a version of the rules; None where it is neither, or there is none."""
    stable, unstable = _SIDES.get(version, _SIDES[RULES_VERSION])
    return True if verdict in stable else False if verdict in unstable else None


class Cause(StrEnum):
    """Why a training diverged."""

    DECAY = "decay"
    CURVATURE = "curvature"
    NOT_DESCENDING = "not_descending"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Assessment:
    """A verdict with its evidence.

    rule: the condition that held. numbers: what it was applied to. epoch: where it shows. sentence: for a person.
    """

    verdict: Verdict
    sentence: str
    rule: str
    epoch: int
    numbers: Mapping[str, float] = field(default_factory=dict)
    cause: Cause | None = None
