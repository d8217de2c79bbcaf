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
    OVERFITTING = "overfitting"
    SLOW = "slow"
    CONVERGED = "converged"


# What the border between stable and unstable settings separates: whether training works, well or not so well, or its
# steps or its decay keep it from working. The other two verdicts, failed and pruned, say nothing of the setting.
STABLE = frozenset({Verdict.CONVERGED, Verdict.SLOW, Verdict.SPIKED, Verdict.PENALTY_GROWTH, Verdict.OVERFITTING})
UNSTABLE = frozenset({Verdict.DIVERGED, Verdict.OSCILLATING, Verdict.COLLAPSED, Verdict.STALLED})


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
