"""A sweep at a moment, as a store tells it: data only, made of its runs, its curves, and what its driver says.

Made without pandas, whose import alone takes longer than a reading.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

from model import metrics
from sweeps.specification.domains import Domain, Settings
from sweeps.specification.spec import SweepSpec
from sweeps.tracking.heartbeat import Heartbeat, RunningTraining, read_heartbeat
from sweeps.tracking.records import RecordedSweep, RecordedTrial
from sweeps.verdicts.facts import State
from sweeps.verdicts.marks import RUNNING
from sweeps.worker.task import Key

SILENCE_SECONDS = 30.0  # after which a driver counts as gone
COST = metrics.TRAIN_TOTAL  # whose curve is shown of a training in progress


@dataclass(frozen=True)
class Curves:
    """Of a training in progress, by epoch: its total cost on training examples, and the first objective."""

    costs: tuple[float, ...] = ()
    goal: tuple[float, ...] = ()


@dataclass(frozen=True)
class Training:
    """A training in progress. epoch: the last that was heard of, -1 before the first. settings: empty where the store
    has none yet. worker: its machine and process, "" where unknown. started: Unix time, 0 where unknown.
    """

    number: int
    replicate: int
    epoch: int
    epochs: int
    settings: Settings
    curves: Curves
    worker: str
    started: float


@dataclass(frozen=True)
class Outcome:
    """A training on the map. word: its verdict, or RUNNING."""

    settings: Settings
    word: str


@dataclass(frozen=True)
class Best:
    """The best trial so far. value: of the first objective, the mean over its starts."""

    trial: int
    value: float
    settings: Settings


@dataclass(frozen=True)
class SweepState:
    """A sweep as its store had it at a moment.

    at: that moment, Unix time. state: running, interrupted or finished, as it is recorded. beat: when its driver was
    last heard of, by the clock here; None where nothing is. ended, failed, total: trainings. workers, waiting: as the
    driver says, None where none does. more: trainings in progress that are not among `running`. closed: when the
    sweep's run was ended. seconds_left: None where nothing tells.
    """

    name: str
    state: str
    at: float
    beat: float | None
    closed: float | None
    total: int
    ended: int
    failed: int
    replicates: int
    objective: str
    varied: Mapping[str, Domain]
    verdicts: Mapping[str, int]
    best: Best | None
    running: tuple[Training, ...]
    more: int
    outcomes: tuple[Outcome, ...]
    workers: int | None
    waiting: int | None
    seconds_left: float | None

    def is_driven(self, now: float) -> bool:
        """Whether a driver was heard of just now."""
        return self.state != "finished" and self.beat is not None and now - self.beat <= SILENCE_SECONDS

    @property
    def at_work(self) -> int:
        """How many trainings are in progress."""
        return len(self.running) + self.more

    def to_table(self) -> dict[str, Any]:
        """As plain values, for JSON; without the map, which `sweeps show --json` has in full."""
        table = asdict(self)
        del table["outcomes"], table["varied"]
        return table


def state_of(
    sweep: RecordedSweep,
    trials: Sequence[RecordedTrial],
    curves: Mapping[str, Curves],
    at: float,
    beat: float | None,
) -> SweepState:
    """The state of a sweep from what was read of it. curves: by the id of a run. beat: as in SweepState."""
    spec, heartbeat = sweep.spec, read_heartbeat(sweep.tags)
    of_training = _one_each(trials)
    ended = [trial for trial in of_training.values() if trial.state != RUNNING]
    running = _running(spec, of_training, heartbeat, curves)
    total = max(spec.trials * spec.replicates, heartbeat.total if heartbeat else 0)
    words = [trial.verdict or trial.state for trial in ended]
    return SweepState(
        name=sweep.name,
        state=sweep.tags.get("state", RUNNING),
        at=at,
        beat=beat if heartbeat else None,
        closed=sweep.ended,
        total=total,
        ended=min(total, max(len(ended), heartbeat.ended if heartbeat else 0)),
        failed=sum(trial.state == State.FAILED for trial in ended),
        replicates=spec.replicates,
        objective=spec.objective[0],
        varied=spec.varied,
        verdicts={word: words.count(word) for word in dict.fromkeys(words)},
        best=_best(spec, ended),
        running=running,
        more=heartbeat.more if heartbeat else 0,
        outcomes=tuple(Outcome(trial.settings, trial.verdict or trial.state) for trial in of_training.values()),
        workers=heartbeat.workers if heartbeat else None,
        waiting=heartbeat.waiting if heartbeat else None,
        seconds_left=_seconds_left(ended, running, total, heartbeat),
    )


def _one_each(trials: Iterable[RecordedTrial]) -> dict[Key, RecordedTrial]:
    """One record a training: how it ended, where two stand."""
    found: dict[Key, RecordedTrial] = {}
    for trial in trials:
        if trial.key not in found or found[trial.key].state == RUNNING:
            found[trial.key] = trial
    return found


def _running(
    spec: SweepSpec,
    trials: Mapping[Key, RecordedTrial],
    heartbeat: Heartbeat | None,
    curves: Mapping[str, Curves],
) -> tuple[Training, ...]:
    """What is in progress, by the store and by the driver: either may be ahead of the other by some seconds."""
    told = {(one.number, one.replicate): one for one in heartbeat.running} if heartbeat else {}
    written = {key for key, trial in trials.items() if trial.state == RUNNING}
    keys = written | {key for key in told if key not in trials}
    return tuple(_training(spec, key, trials.get(key), told.get(key), curves) for key in sorted(keys))


def _training(
    spec: SweepSpec,
    key: Key,
    trial: RecordedTrial | None,
    told: RunningTraining | None,
    curves: Mapping[str, Curves],
) -> Training:
    found = curves.get(trial.run_id, Curves()) if trial else Curves()
    seen = max(len(found.costs), len(found.goal)) - 1
    return Training(
        number=key[0],
        replicate=key[1],
        epoch=max(seen, told.epoch if told else -1),
        epochs=told.epochs if told else spec.plan.epochs,
        settings=trial.settings if trial else {},
        curves=found,
        worker=told.worker if told else "",
        started=told.started if told else 0.0,
    )


def _best(spec: SweepSpec, ended: Iterable[RecordedTrial]) -> Best | None:
    """As `analysis.ranking.best_trials` has it: the lowest mean of those all of whose starts are sound."""
    goal = spec.goals[0]
    sound = [
        trial
        for trial in ended
        if trial.state == State.COMPLETE and trial.metrics.get("diverged") == 0 and goal.metric in trial.metrics
    ]
    found: Best | None = None
    for number, starts in itertools.groupby(sorted(sound, key=lambda one: one.key), key=lambda one: one.number):
        rows = list(starts)
        value = fmean(trial.metrics[goal.metric] for trial in rows)
        is_better = found is None or goal.sign * value < goal.sign * found.value
        if len(rows) == spec.replicates and is_better:
            found = Best(number, value, rows[0].settings)
    return found


def _seconds_left(
    ended: Sequence[RecordedTrial], running: Sequence[Training], total: int, heartbeat: Heartbeat | None
) -> float | None:
    """By the mean time of those that ended, shared among the workers, less what those in progress have done."""
    if heartbeat is None or not ended:
        return None
    left = total - max(len(ended), heartbeat.ended)
    done = sum(max(0, one.epoch) / max(1, one.epochs) for one in running)
    return fmean(trial.seconds for trial in ended) * max(0.0, left - done) / max(1, heartbeat.workers)
