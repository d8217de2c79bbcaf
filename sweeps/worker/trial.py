"""One training of a sweep, as a worker process runs it. Imports neither Optuna nor MLflow: workers stay small."""

import time
import traceback
from concurrent.futures import BrokenExecutor
from dataclasses import replace

import numpy as np

from model import Dataset, train
from model.training import Training
from sweeps.worker.task import Task, TrialResult, failure
from sweeps.worker.watched_training import trained


def run_trial(task: Task) -> TrialResult:
    """Trains as the task says, somebody's own network in a clean room.

    An exception becomes a result with the state "failed" and its traceback; but RoomDiedError is raised: the room has
    died, as a worker may.
    """
    started, clock = time.time(), time.perf_counter()
    try:
        if task.network is None:
            result = _train(task, started)
        else:
            from sweeps.worker.user_network_trial import train_in_clean_room  # else no worker holds it in memory

            result = train_in_clean_room(task, task.network, started)
    except BrokenExecutor:
        raise
    except Exception:  # noqa: BLE001 - whatever a trial raises is data; the sweep goes on
        result = failure(task, traceback.format_exc())
    seconds = time.perf_counter() - clock
    return replace(result, started=started, finished=started + seconds, seconds=seconds)


def _train(task: Task, started: float) -> TrialResult:
    def training(data: Dataset, rng: np.random.Generator) -> Training:
        return train(task.plan, task.hyperparameters, data, rng, probing=task.measures)

    return trained(task, training, started)
