"""One training of a sweep, as a worker process runs it. Imports neither Optuna nor MLflow: workers stay small."""

import contextlib
import functools
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from model import Dataset, EpochRecord, Hyperparameters, Network, Probing, TrainingPlan, load, train
from model.measures import Measures
from model.training import Training
from sweeps.specification.spec import OBJECTIVES, NetworkSource, Stopping, SweepSpec
from sweeps.user_network.loading import load_class, source_digest
from sweeps.user_network.time_limit import limited_time
from sweeps.user_network.training import CONSTANT_ANSWER, WrappedTraining
from sweeps.user_network.wrapper import Parameters
from sweeps.verdicts.rules import FAILURE, assess, is_certain
from sweeps.verdicts.verdict import Assessment, TrialFacts, curves_of


class State(StrEnum):
    """How a trial ended. A diverged trial is complete: divergence is a result."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"


@dataclass(frozen=True)
class Goal:
    """An objective: a metric of the records, and the sign (1 or -1) that makes smaller better."""

    metric: str
    sign: int

    def loss(self, record: EpochRecord) -> float:
        """The objective as something to minimise."""
        return self.sign * record[self.metric]


@dataclass(frozen=True)
class Task:
    """All that a worker needs to run a trial.

    digests: of each dataset, so that a worker never trains on other data than the driver checked.
    thresholds: epoch -> largest best loss so far with which the trial goes on. measures: taken on the probe.
    epochs: stop after this epoch, as if it were the last (None: the plan's last).
    own: the class that is trained in place of the built-in network. time_limit: seconds that its trial may take.
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
    own: NetworkSource | None = None
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


def run_trial(task: Task) -> TrialResult:
    """Trains as the task says. An exception becomes a result with the state "failed" and its traceback."""
    started, clock = time.time(), time.perf_counter()
    try:
        with _host(task.own, task.time_limit):
            result = _train(task)
    except Exception:  # noqa: BLE001 - whatever a trial raises is data; the sweep goes on
        result = failure(task, traceback.format_exc())
    seconds = time.perf_counter() - clock
    return replace(result, started=started, finished=started + seconds, seconds=seconds)


def failure(task: Task, error: str) -> TrialResult:
    """The result of a trial that could not be trained."""
    now = time.time()
    return TrialResult(
        task.number, task.replicate, State.FAILED, started=now, finished=now, error=error, assessment=FAILURE
    )


def _train(task: Task) -> TrialResult:
    data = _dataset(task.plan.dataset)
    if data.digest != task.digest:
        raise RuntimeError(
            f"dataset {task.plan.dataset} has changed since the sweep began: digest {data.digest}, was {task.digest}"
        )
    with threadpool_limits(limits=1, user_api="blas"):  # more threads would sum in another order
        rng = np.random.default_rng([task.seed, task.replicate])
        training = _training(task, data, rng)
        records: list[EpochRecord] = []
        ends: list[float] = []
        pruned = False
        for record in training:
            ends.append(time.time())
            records.append(record)
            pruned = record.finite and _is_behind(task, records)
            if pruned or _has_settled(task, records) or record.epoch == task.epochs:
                break
            if task.stopping.verdict and record.finite:
                known = _facts(task, data, records, State.COMPLETE, None)
                if is_certain(curves_of(records), known):
                    break
        diverged_epoch = None if records[-1].finite else records.pop().epoch
        test = None
        if diverged_epoch is None and not pruned:
            test = dict(zip(("cost/test_data", "accuracy/test"), training.evaluate(data.test), strict=True))
    state = State.PRUNED if pruned else State.COMPLETE
    known = _facts(task, data, records, state, diverged_epoch)
    return TrialResult(
        number=task.number,
        replicate=task.replicate,
        state=state,
        assessment=assess(curves_of(records), known),
        records=tuple(records),
        diverged_epoch=diverged_epoch,
        test=test,
        network=training.parameters if isinstance(training, WrappedTraining) else training.network,
        epoch_ends=tuple(ends),
    )


def _training(task: Task, data: Dataset, rng: np.random.Generator) -> Training | WrappedTraining:
    if task.own is None:
        return train(task.plan, task.hyperparameters, data, rng, probing=task.measures)
    return _user_training(task.own, task.plan, task.hyperparameters, data, rng)


def _user_training(
    own: NetworkSource,
    plan: TrainingPlan,
    hyperparameters: Hyperparameters,
    data: Dataset,
    rng: np.random.Generator,
) -> WrappedTraining:
    digest = source_digest(own.target)
    if digest != own.digest:
        raise RuntimeError(f"{own.file} has changed since the sweep began: its SHA-256 is {digest}, was {own.digest}")
    return WrappedTraining(functools.partial(load_class, own.target), plan, hyperparameters, data, rng)


def user_network_epoch_seconds(
    own: NetworkSource, plan: TrainingPlan, hyperparameters: Hyperparameters, time_limit: float
) -> float:
    """In a worker: an estimate of how long an epoch of somebody's own network takes. Raises UserNetworkError."""
    with _host(own, time_limit), threadpool_limits(limits=1, user_api="blas"):
        data = _dataset(plan.dataset)
        return _user_training(own, plan, hyperparameters, data, np.random.default_rng(0)).epoch_seconds()


def _host(own: NetworkSource | None, time_limit: float) -> contextlib.AbstractContextManager[None]:
    if own is None:
        return contextlib.nullcontext()
    return limited_time(time_limit, Path(own.file) if own.file else None)


def _facts(
    task: Task, data: Dataset, records: Sequence[EpochRecord], state: State, diverged_epoch: int | None
) -> TrialFacts:
    known = facts(task.plan, task.hyperparameters, data, state, diverged_epoch)
    if task.own is None:
        return known
    return user_network_facts(known, records[0].measures.get(CONSTANT_ANSWER) if records else None)


def user_network_facts(known: TrialFacts, constant_answer: float | None) -> TrialFacts:
    """The facts where the network is somebody's own. constant_answer: None or NaN where it was not measured."""
    measured = constant_answer is not None and constant_answer == constant_answer
    return replace(known, output="", cost="", momentum=0.0, constant_answer=constant_answer if measured else None)


def facts(
    plan: TrainingPlan, hyperparameters: Hyperparameters, data: Dataset, state: State, diverged_epoch: int | None
) -> TrialFacts:
    """What a verdict has to know of a trial besides its records."""
    return TrialFacts(
        eta=hyperparameters.eta,
        lmbda=hyperparameters.lmbda,
        batch_size=hyperparameters.batch_size,
        n=len(data.train) - plan.validation,
        classes=data.train.classes,
        output=plan.output,
        cost=plan.cost,
        momentum=plan.momentum,
        epochs=plan.epochs,
        state=state,
        diverged_epoch=diverged_epoch,
    )


def goal(spec: SweepSpec) -> Goal:
    """What pruning, patience and the best epoch go by: the first objective."""
    return Goal(*OBJECTIVES[spec.objective[0]])


def _is_behind(task: Task, records: list[EpochRecord]) -> bool:
    """Whether the best loss so far misses this epoch's threshold. The last epoch ends the trial anyway."""
    epoch = records[-1].epoch
    if epoch not in task.thresholds or epoch >= task.plan.epochs:
        return False
    return min(task.goal.loss(record) for record in records[1:]) > task.thresholds[epoch]


def _has_settled(task: Task, records: list[EpochRecord]) -> bool:
    """Whether the loss has not improved for `patience` epochs."""
    if not task.stopping.patience or len(records) < 2:
        return False
    return records[-1].epoch - best_epoch(records, task.goal) >= task.stopping.patience


def best_epoch(records: Sequence[EpochRecord], goal: Goal) -> int:
    """The first trained epoch with the smallest loss; 0 when there is none."""
    return min(records[1:], key=goal.loss, default=records[0]).epoch


@functools.lru_cache(maxsize=4)
def _dataset(name: str) -> Dataset:
    """A worker opens the memory-mapped data once, not once a trial."""
    return load(name)
