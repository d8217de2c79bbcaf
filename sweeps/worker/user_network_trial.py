"""One training of somebody's own network: begun in a clean room, ended with it; data alone comes back."""

import functools
import traceback
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from model import Dataset, Hyperparameters, TrainingPlan
from sweeps.executors.event_channel import Address, speak_to, spoken_to
from sweeps.user_network.clean_room import in_clean_room, sealed
from sweeps.user_network.codec import rebuilt
from sweeps.user_network.loading import load_class
from sweeps.user_network.source import NetworkSource, source_digest
from sweeps.user_network.time_limit import limited_time, wall_limit
from sweeps.user_network.training import WrappedTraining
from sweeps.worker.task import Task, TrialResult, failure
from sweeps.worker.watched_training import data_of, open_dataset, trained


def train_in_clean_room(task: Task, source: NetworkSource, started: float) -> TrialResult:
    """Trains as the task says, and gives back data. Raises RoomDiedError where the room has died.

    started: Unix time.
    """
    data_of(task)  # else a changed one is told by what is raised in the room
    call = sealed(_train_user_network, task, source, started, spoken_to())
    data = in_clean_room(call, wall_limit(task.time_limit), __name__, ("open_dataset", task.plan.dataset, task.digest))
    return rebuilt(TrialResult, data)


def _train_user_network(task: Task, source: NetworkSource, started: float, address: Address | None) -> TrialResult:
    """In the room."""
    speak_to(address)
    try:
        with limited_time(task.time_limit, Path(source.file) if source.file else None):
            return trained(task, functools.partial(_training, source, task.plan, task.hyperparameters), started)
    except Exception:  # noqa: BLE001 - as in run_trial; the traceback is theirs
        return failure(task, traceback.format_exc())


def _training(
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
        return _training(source, plan, hyperparameters, data, np.random.default_rng(0)).epoch_seconds()
