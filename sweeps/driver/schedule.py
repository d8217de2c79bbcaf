"""What is known of a sweep's trials: which are due, which may be proposed, what each is told to be worth."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean

from model import Dataset, Network
from sweeps.sampling.optuna_study import Outcome, worst
from sweeps.sampling.pruning import thresholds
from sweeps.specification.domains import Settings
from sweeps.specification.spec import OBJECTIVES, SweepSpec
from sweeps.user_network.wrapper import Parameters
from sweeps.verdicts.verdict import STABLE, UNSTABLE, Verdict
from sweeps.worker.trial import State

Key = tuple[int, int]  # number, replicate


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
class Champion:
    """The best training of a sweep: its network, and the data that it was trained on."""

    number: int
    replicate: int
    network: Network | Parameters
    data: Dataset


def combined(spec: SweepSpec, replicates: list[Ended]) -> Outcome:
    """What the sampler is told of a trial: the mean over its replicates; the worst value if one diverged."""
    if any(ended.state is State.FAILED for ended in replicates):
        return Outcome(State.FAILED)
    stable = _stable(replicates)
    if any(ended.diverged for ended in replicates):
        return Outcome(State.COMPLETE, tuple(worst(objective) for objective in spec.objective), stable=stable)
    values = tuple(fmean(ended.values[i] for ended in replicates) for i in range(len(spec.objective)))
    first = replicates[0]
    return Outcome(first.state, values, max(first.curve, default=0), stable)


def _stable(replicates: list[Ended]) -> bool | None:
    """Whether all replicates are; None where none is known not to be and one is not known to be."""
    verdicts = {ended.verdict for ended in replicates}
    if verdicts & UNSTABLE:
        return False
    return True if verdicts <= STABLE else None


class Schedule:
    """The trials of a sweep by number and replicate. Trial k may be proposed once 0..k-lag have ended."""

    def __init__(self, spec: SweepSpec) -> None:
        self.spec = spec
        self.settings: dict[int, Settings] = {}
        self.ended: dict[Key, Ended] = {}

    def keys(self, number: int) -> list[Key]:
        """A trial's trainings."""
        return [(number, replicate) for replicate in range(self.spec.replicates)]

    @property
    def open(self) -> bool:
        """Whether trainings are left to do."""
        return any(key not in self.ended for number in range(self.spec.trials) for key in self.keys(number))

    def outcome(self, number: int) -> Outcome | None:
        """What is told of a trial, None before all its replicates have ended."""
        replicates = [self.ended.get(key) for key in self.keys(number)]
        known = [ended for ended in replicates if ended is not None]
        return combined(self.spec, known) if len(known) == len(replicates) else None

    def thresholds(self, number: int, epochs: int) -> dict[int, float]:
        """The stopping thresholds that trial `number` carries: from trials 0..number-lag."""
        if self.spec.stopping.pruner == "none":
            return {}
        before = [self.ended[earlier, 0] for earlier in range(number - self.spec.lag + 1)]
        complete = [ended.curve for ended in before if ended.state is State.COMPLETE]
        pruned = [ended.curve for ended in before if ended.state is State.PRUNED]
        return thresholds(self.spec.stopping.pruner, complete, complete + pruned, epochs)

    def best(self) -> tuple[int, int] | None:
        """The sound training with the best first objective, in the trial with the best mean; None where none is."""
        sign = OBJECTIVES[self.spec.objective[0]][1]
        ranked = []
        for number in sorted(self.settings):
            keys = self.keys(number)
            if all(key in self.ended and self.ended[key].sound for key in keys):
                losses = [(sign * self.ended[key].values[0], key) for key in keys]
                ranked.append((fmean(loss for loss, _ in losses), min(losses)[1]))
        return min(ranked)[1] if ranked else None
