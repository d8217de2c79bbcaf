"""What a sweep does next. Pure: it knows the spec, settings, endings, deaths, and no future, thread, store or clock.

Trial k is proposed once trials 0..k-lag have ended, from their results alone, so that any order of endings gives the
same settings. After a worker's death what was in flight runs again, one at a time: a death counts only against a
training that died alone. Where it is known to be one training's own, nothing waits for it.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from statistics import fmean
from types import MappingProxyType

from sweeps.sampling.outcomes import Ended, Outcome, combined
from sweeps.sampling.proposer import Proposer, proposer
from sweeps.sampling.pruning import thresholds
from sweeps.specification.domains import Settings
from sweeps.specification.spec import SweepSpec
from sweeps.verdicts.facts import State
from sweeps.worker.task import Key

DEATHS = 3  # of its own worker, after which a training is given up


class Schedule:
    """The trials of a sweep by number, its trainings by number and replicate.

    settings: of each trial proposed. endings: of each training that ended. deaths: how often a training, alone, took
    its worker along.
    """

    def __init__(self, spec: SweepSpec) -> None:
        self.spec = spec
        self.settings: dict[int, Settings] = {}
        self.endings: dict[Key, Ended] = {}
        self.deaths: dict[Key, int] = {}
        self._proposer: Proposer | None = None  # a finished sweep needs none
        self._proposed = self._told = 0
        self._due: deque[Key] = deque()
        self._suspects: deque[Key] = deque()  # were in flight when a worker died
        self._alone: Key | None = None  # the suspect that was started last
        self._best: tuple[float, Key] | None = None

    def prepare(self) -> Proposer:
        """Makes what proposes, unless it is made: its imports take long."""
        self._proposer = self._proposer or proposer(self.spec)
        return self._proposer

    def recall(
        self,
        spec: SweepSpec,
        recorded: Iterable[tuple[Key, Settings, Ended]],
        deaths: Mapping[Key, int],
        kept: Mapping[int, Settings] = MappingProxyType({}),
    ) -> None:
        """Takes over what the record holds, before anything was proposed. spec: as it is recorded, or extended.

        kept: settings of trials that run again; they are not proposed anew, nor are those of the trials after them.
        """
        self.spec, self._proposer = spec, None
        self.deaths = dict(deaths)
        self.settings.update(kept)
        for key, settings, ended in recorded:
            self.settings[key[0]] = settings
            self.end(key, ended)

    def next(self, free: int, flying: Collection[Key]) -> list[Key]:
        """The trainings to start now, at most `free` of them; none where nothing is left, or all must wait.

        flying: those that are in flight. The next trials are proposed ahead while the workers are busy.
        """
        self._propose(free + len(flying))
        if free < 1:
            return []
        if self._suspects or self._alone in flying:
            if flying:
                return []
            self._alone = self._suspects.popleft()
            return [self._alone]
        return [self._due.popleft() for _ in range(min(free, len(self._due)))]

    def end(self, key: Key, ended: Ended) -> bool:
        """Takes in how a training ended; says whether it is the best now."""
        self.endings[key] = ended
        replicates = [self.endings.get(of_trial) for of_trial in self.keys(key[0])]
        sound = [one for one in replicates if one is not None and one.sound]
        if len(sound) == len(replicates):
            sign = self.spec.goals[0].sign
            losses = [(sign * one.values[0], of_trial) for one, of_trial in zip(sound, self.keys(key[0]), strict=True)]
            candidate = fmean(loss for loss, _ in losses), min(losses)[1]
            self._best = candidate if self._best is None else min(self._best, candidate)
        return self.best() == key

    def died(self, keys: Collection[Key], alone: bool) -> tuple[list[Key], list[Key]]:
        """Takes in a worker's death; returns the trainings that run again, and those that are given up.

        keys: all that were lost with the worker. alone: whether nothing else was in flight.
        """
        again: list[Key] = []
        given_up: list[Key] = []
        for key in keys:
            if alone:
                self.deaths[key] = self.deaths.get(key, 0) + 1
            (again if self.deaths.get(key, 0) < DEATHS else given_up).append(key)
        self._suspects.extend(again)
        return again, given_up

    def died_itself(self, key: Key) -> bool:
        """Takes in a death that was this training's own, whatever else is in flight; says whether it runs again."""
        self.deaths[key] = self.deaths.get(key, 0) + 1
        if self.deaths[key] < DEATHS:
            self._due.appendleft(key)
            return True
        return False

    def lost(self, key: Key) -> None:
        """Takes in that a training was lost through no fault of its own: it runs again."""
        self._due.appendleft(key)

    def keys(self, number: int) -> list[Key]:
        """A trial's trainings."""
        return [(number, replicate) for replicate in range(self.spec.replicates)]

    @property
    def open(self) -> bool:
        """Whether trainings are left to do."""
        return len(self.endings) < self.spec.trials * self.spec.replicates

    @property
    def failed(self) -> tuple[Key, ...]:
        """Trainings without a result."""
        return tuple(sorted(key for key, ended in self.endings.items() if ended.state is State.FAILED))

    def best(self) -> Key | None:
        """The sound training with the best first objective, in the trial with the best mean; None where none is."""
        return None if self._best is None else self._best[1]

    @property
    def best_value(self) -> float | None:
        """The first objective of the best trial: its mean over the replicates."""
        return None if self._best is None else self.spec.goals[0].sign * self._best[0]

    def outcome(self, number: int) -> Outcome | None:
        """What is told of a trial, None before all its replicates have ended."""
        replicates = [self.endings.get(key) for key in self.keys(number)]
        known = [ended for ended in replicates if ended is not None]
        return combined(self.spec, known) if len(known) == len(replicates) else None

    def thresholds(self, number: int, epochs: int) -> dict[int, float]:
        """The stopping thresholds that trial `number` carries: from trials 0..number-lag."""
        if self.spec.stopping.pruner == "none":
            return {}
        before = [self.endings[earlier, 0] for earlier in range(number - self.spec.lag + 1)]
        complete = [ended.curve for ended in before if ended.state is State.COMPLETE]
        pruned = [ended.curve for ended in before if ended.state is State.PRUNED]
        return thresholds(self.spec.stopping.pruner, complete, complete + pruned, epochs)

    def _propose(self, ahead: int) -> None:
        """Proposes trials as long as the next is determined, until so many trainings are due."""
        source = self.prepare()
        while self._proposed < self.spec.trials and len(self._due) < ahead:
            while self._told <= self._proposed - self.spec.lag:
                outcome = self.outcome(self._told)
                if outcome is None:
                    return
                source.tell(outcome)
                self._told += 1
            number, self._proposed = self._proposed, self._proposed + 1
            if number in self.settings:
                source.adopt(self.settings[number])
            else:
                self.settings[number] = source.propose()
            self._due.extend(key for key in self.keys(number) if key not in self.endings)
