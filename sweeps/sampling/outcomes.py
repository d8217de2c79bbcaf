"""How trainings ended, and what a sampler is told of a trial."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean

from sweeps.specification.domains import Settings
from sweeps.specification.spec import Goal, SweepSpec
from sweeps.verdicts.facts import State
from sweeps.verdicts.verdict import Verdict, is_stable


@dataclass(frozen=True)
class Ended:
    """A training that ended. values: each objective at the last epoch. curve: epoch -> first objective as a loss.

    verdict: None where none was recorded.
    """

    state: State
    diverged: bool = False
    values: tuple[float, ...] = ()
    curve: Mapping[int, float] = field(default_factory=dict)
    verdict: Verdict | None = None

    @property
    def sound(self) -> bool:
        """Whether it has a result to compare by."""
        return self.state is State.COMPLETE and not self.diverged and len(self.values) > 0


@dataclass(frozen=True)
class Outcome:
    """What is told of a trial: a value for each objective (none when it failed), and its last epoch.

    stable: whether training works with its settings, None where its verdicts do not say.
    """

    state: State
    values: tuple[float, ...] = ()
    epoch: int = 0
    stable: bool | None = None


def worst(goal: Goal) -> float:
    """What a diverged trial is told to be worth. Infinity teaches the sampler; NaN or a failure would not."""
    return math.inf if goal.sign > 0 else 0.0


def combined(spec: SweepSpec, replicates: list[Ended]) -> Outcome:
    """What the sampler is told of a trial: the mean over its replicates; the worst value if one diverged."""
    if any(ended.state is State.FAILED for ended in replicates):
        return Outcome(State.FAILED)
    stable = _stable(replicates, spec.rules)
    if any(ended.diverged for ended in replicates):
        return Outcome(State.COMPLETE, tuple(worst(goal) for goal in spec.goals), stable=stable)
    values = tuple(fmean(ended.values[i] for ended in replicates) for i in range(len(spec.objective)))
    first = replicates[0]
    return Outcome(first.state, values, max(first.curve, default=0), stable)


def _stable(replicates: list[Ended], rules: int) -> bool | None:
    """Whether all replicates are; None where none is known not to be and one is not known to be."""
    known = {is_stable(ended.verdict, rules) for ended in replicates}
    return False if False in known else None if None in known else True


@dataclass(frozen=True)
class FinishedTrial:
    """A trial for `rebuilt_study`: its settings, what is told of it, and, for each epoch, the first objective."""

    settings: Settings
    outcome: Outcome
    curve: Mapping[int, float]
