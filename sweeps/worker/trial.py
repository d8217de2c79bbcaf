"""One training of a sweep, as a worker process runs it. Imports neither Optuna nor MLflow: workers stay small."""

import functools
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from model import Dataset, EpochRecord, Hyperparameters, TrainingPlan, load, metrics, train
from model.training import Training
from sweeps.diagnosis.network.step_law import faults_of, law_of
from sweeps.specification.spec import Goal
from sweeps.user_network.clean_room import in_clean_room, sealed
from sweeps.user_network.codec import rebuilt
from sweeps.user_network.loading import load_class
from sweeps.user_network.source import NetworkSource, source_digest
from sweeps.user_network.time_limit import limited_time, wall_limit
from sweeps.user_network.training import WrappedTraining
from sweeps.verdicts.curves import curves_of
from sweeps.verdicts.facts import State, TrialFacts
from sweeps.verdicts.rules import assess, is_certain
from sweeps.worker.task import Task, TrialResult, failure


def run_trial(task: Task) -> TrialResult:
    """Trains as the task says, somebody's own network in a clean room.

    An exception becomes a result with the state "failed" and its traceback; but RoomDiedError is raised: the room has
    died, as a worker may.
    """
    started, clock = time.time(), time.perf_counter()
    try:
        result = _train(task) if task.network is None else _train_in_clean_room(task, task.network)
    except BrokenExecutor:
        raise
    except Exception:  # noqa: BLE001 - whatever a trial raises is data; the sweep goes on
        result = failure(task, traceback.format_exc())
    seconds = time.perf_counter() - clock
    return replace(result, started=started, finished=started + seconds, seconds=seconds)


def _train_in_clean_room(task: Task, source: NetworkSource) -> TrialResult:
    _data_of(task)  # else a changed one is told by what is raised in the room
    call = sealed(_train_user_network, task, source)
    data = in_clean_room(call, wall_limit(task.time_limit), __name__, ("open_dataset", task.plan.dataset))
    return rebuilt(TrialResult, data)


def _train_user_network(task: Task, source: NetworkSource) -> TrialResult:
    """In the room."""
    try:
        with limited_time(task.time_limit, Path(source.file) if source.file else None):
            return _train(task)
    except Exception:  # noqa: BLE001 - as in run_trial; the traceback is theirs
        return failure(task, traceback.format_exc())


def _data_of(task: Task) -> Dataset:
    data = open_dataset(task.plan.dataset)
    if data.digest != task.digest:
        raise RuntimeError(
            f"dataset {task.plan.dataset} has changed since the sweep began: digest {data.digest}, was {task.digest}"
        )
    return data


def _train(task: Task) -> TrialResult:
    data = _data_of(task)
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
            test = dict(zip((metrics.TEST_DATA, metrics.TEST_ACCURACY), training.evaluate(data.test), strict=True))
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
    if task.network is None:
        return train(task.plan, task.hyperparameters, data, rng, probing=task.measures)
    return _user_training(task.network, task.plan, task.hyperparameters, data, rng)


def _user_training(
    source: NetworkSource,
    plan: TrainingPlan,
    hyperparameters: Hyperparameters,
    data: Dataset,
    rng: np.random.Generator,
) -> WrappedTraining:
    digest = source_digest(source.target)
    if digest != source.digest:
        raise RuntimeError(
            f"{source.file} has changed since the sweep began: its SHA-256 is {digest}, was {source.digest}"
        )
    return WrappedTraining(functools.partial(load_class, source.target), plan, hyperparameters, data, rng)


def user_network_epoch_seconds(
    source: NetworkSource, plan: TrainingPlan, hyperparameters: Hyperparameters, time_limit: float
) -> float:
    """In a worker: an estimate of how long an epoch of somebody's own network takes. Raises UserNetworkError."""
    call = sealed(_epoch_seconds, source, plan, hyperparameters, time_limit)
    return rebuilt(float, in_clean_room(call, wall_limit(time_limit), __name__, ("open_dataset", plan.dataset)))


def _epoch_seconds(
    source: NetworkSource, plan: TrainingPlan, hyperparameters: Hyperparameters, time_limit: float
) -> float:
    """In the room."""
    file = Path(source.file) if source.file else None
    with limited_time(time_limit, file), threadpool_limits(limits=1, user_api="blas"):
        data = open_dataset(plan.dataset)
        return _user_training(source, plan, hyperparameters, data, np.random.default_rng(0)).epoch_seconds()


def _facts(
    task: Task, data: Dataset, records: Sequence[EpochRecord], state: State, diverged_epoch: int | None
) -> TrialFacts:
    known = trial_facts(task.plan, task.hyperparameters, data, state, diverged_epoch)
    if task.network is None:
        return known
    return user_network_facts(
        known, task.network, records[0].measures.get(metrics.CONSTANT_ANSWER) if records else None
    )


def user_network_facts(known: TrialFacts, source: NetworkSource, constant_answer: float | None) -> TrialFacts:
    """The facts where the network is somebody's own. constant_answer: None or NaN where it was not measured."""
    measured = constant_answer is not None and constant_answer == constant_answer
    law = law_of(source.decay)
    is_known = law is not None and not law.is_usual
    return replace(
        known,
        output="",
        cost="",
        momentum=0.0,
        constant_answer=constant_answer if measured else None,
        taken=law.taken(known.eta, known.lmbda, known.n, known.batch_size) if law is not None and is_known else None,
        is_lambda_idle=law is not None and law.is_idle,
        faults=tuple(code for code, _ in faults_of(source.faults)),
    )


def trial_facts(
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
def open_dataset(name: str) -> Dataset:
    """A worker opens the memory-mapped data once, not once a trial."""
    return load(name)
