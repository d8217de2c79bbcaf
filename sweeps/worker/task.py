"""What a worker is told, and what it gives back."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from model import Dataset, EpochRecord, Hyperparameters, Network, Probing, TrainingPlan
from model.measures import Measures
from sweeps.formatting import storable
from sweeps.specification.domains import Settings
from sweeps.specification.spec import Goal, Stopping, SweepSpec
from sweeps.user_network.parameters import Parameters
from sweeps.user_network.source import NetworkSource
from sweeps.verdicts.facts import State
from sweeps.verdicts.rules import FAILURE
from sweeps.verdicts.verdict import BATCH_EDGE_SINCE, Assessment

Key = tuple[int, int]  # of a training: number of its trial, replicate


@dataclass(frozen=True)
class Task:
    """All that a worker needs to run a trial.

    digest: of the dataset, so that a worker never trains on other data than the driver checked.
    thresholds: epoch -> largest best loss so far with which the trial goes on. measures: taken on the probe.
    epochs: stop after this epoch, as if it were the last (None: the plan's last).
    network: the class that is trained in place of the built-in network. time_limit: seconds that its trial may take.
    """

    number: int
    replicate: int
    seed: int
    plan: TrainingPlan
    hyperparameters: Hyperparameters
    goal: Goal
    digest: str
    thresholds: Mapping[int, float]
    stopping: Stopping = field(default_factory=Stopping)
    measures: Probing = field(default_factory=Probing)
    epochs: int | None = None
    network: NetworkSource | None = None
    time_limit: float = SweepSpec.time_limit


@dataclass(frozen=True)
class TrialResult:
    """What came of a task.

    records: the finite ones, epoch 0 first. diverged_epoch: of the first record that was not finite, else None.
    test: data cost and accuracy on the test set, of a complete trial that did not diverge. network: as it ended; of
    somebody's own, the parameters.
    started, finished, epoch_ends: Unix times in seconds. seconds: spent on training and measuring.
    error: the traceback of a failed trial. assessment: the verdict, with its evidence.
    """

    number: int
    replicate: int
    state: State
    records: tuple[EpochRecord, ...] = ()
    diverged_epoch: int | None = None
    test: Measures | None = None
    network: Network | Parameters | None = None
    started: float = 0.0
    finished: float = 0.0
    epoch_ends: tuple[float, ...] = ()
    seconds: float = 0.0
    error: str | None = None
    assessment: Assessment | None = None

    @property
    def diverged(self) -> bool:
        """Whether a record stopped being finite."""
        return self.diverged_epoch is not None


def task_of(
    spec: SweepSpec,
    key: Key,
    settings: Settings,
    digests: Mapping[str, str],
    thresholds: Mapping[int, float] | None = None,
    epochs: int | None = None,
) -> Task:
    """The task of a sweep's training. digests: of each dataset of the spec. thresholds: None for none. See Task."""
    plan, hyperparameters = spec.training(settings)
    return Task(
        number=key[0],
        replicate=key[1],
        seed=spec.seed,
        plan=plan,
        hyperparameters=hyperparameters,
        goal=spec.goals[0],
        digest=digests[plan.dataset],
        thresholds={} if thresholds is None else thresholds,
        stopping=spec.stopping,
        measures=_measures(spec),
        epochs=epochs,
        network=spec.network,
        time_limit=spec.time_limit,
    )


def _measures(spec: SweepSpec) -> Probing:
    """Those that the rules know by which the sweep began: its last trials are judged as its first ones."""
    return spec.measures if spec.rules >= BATCH_EDGE_SINCE else replace(spec.measures, batch_sharpness=0)


def failure(task: Task, error: str) -> TrialResult:
    """The result of a trial that could not be trained."""
    now = time.time()
    return TrialResult(
        task.number, task.replicate, State.FAILED, started=now, finished=now, error=storable(error), assessment=FAILURE
    )


@dataclass(frozen=True)
class Champion:
    """The best training of a sweep: its network, and the data that it was trained on."""

    number: int
    replicate: int
    network: Network | Parameters
    data: Dataset
