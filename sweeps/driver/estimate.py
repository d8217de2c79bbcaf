"""How long a sweep will take, from a moment of the real thing."""

import contextlib
import math
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from statistics import fmean

import numpy as np
from threadpoolctl import threadpool_limits

from model import Dataset, Hyperparameters, Network, TrainingPlan
from model.measures import evaluate
from model.training import Step, mini_batches
from sweeps.errors import UserNetworkError
from sweeps.executors.base import Executor
from sweeps.executors.loky import LokyExecutor
from sweeps.specification.domains import Settings
from sweeps.specification.spec import SweepSpec
from sweeps.worker.trial import run_trial

_PROBE_SECONDS = 0.1  # of training steps, per batch size
_PROBE_EXAMPLES = 2000  # evaluated, per batch size


def sweep_seconds(spec: SweepSpec, data: dict[str, Dataset], jobs: int) -> float:
    """An estimate of the sweep's seconds on `jobs` workers: each batch size is tried for a moment, at mid-range.

    Somebody's own network is met and tried in a worker. Raises UserNetworkError, InputError.
    """
    if spec.network is not None:
        from sweeps.driver.preflight import preflight

        with contextlib.closing(LokyExecutor(1, run_trial.__module__)) as pool:
            spec = preflight(spec, data, pool)
            return _sweep_seconds(spec, jobs, lambda *trial: _user_network_seconds(pool, spec, *trial))
    return _sweep_seconds(spec, jobs, lambda plan, given: _epoch_seconds(plan, given, data[plan.dataset]))


def _sweep_seconds(spec: SweepSpec, jobs: int, epoch: Callable[[TrainingPlan, Hyperparameters], float]) -> float:
    middle: Settings = {name: domain.at(0.5) for name, domain in spec.search.items()}
    trials = []
    for batch_size in spec.search["batch_size"].corners:
        plan, hyperparameters = spec.training(middle | {"batch_size": batch_size})
        trials.append(plan.epochs * epoch(plan, hyperparameters))
    return fmean(trials) * spec.trials * spec.replicates / jobs


def _user_network_seconds(
    pool: Executor, spec: SweepSpec, plan: TrainingPlan, hyperparameters: Hyperparameters
) -> float:
    from sweeps.worker.user_network_trial import user_network_epoch_seconds

    try:
        return pool.submit(user_network_epoch_seconds, spec.network, plan, hyperparameters, spec.time_limit).result()
    except BrokenExecutor:
        raise UserNetworkError(
            f"a step or an evaluation ended its worker process, or took {spec.time_limit:g} s"
        ) from None


def _epoch_seconds(plan: TrainingPlan, hyperparameters: Hyperparameters, data: Dataset) -> float:
    rng = np.random.default_rng(0)
    split = data.split(plan.validation)
    network = Network.initialise((data.train.features, *plan.hidden, data.train.classes), plan, rng)
    with threadpool_limits(limits=1, user_api="blas"), np.errstate(all="ignore"):
        step = Step(network, hyperparameters, len(split.train), plan.momentum)
        steps, started = 0, time.perf_counter()
        for x, y in mini_batches(split.train, hyperparameters.batch_size, network.dtype, rng):
            step(x, y)
            steps += 1
            if time.perf_counter() - started > _PROBE_SECONDS:
                break
        per_step = (time.perf_counter() - started) / steps
        probe = split.train[:_PROBE_EXAMPLES]
        started = time.perf_counter()
        evaluate(network, probe)
        per_example = (time.perf_counter() - started) / len(probe)
    batches = math.ceil(len(split.train) / hyperparameters.batch_size)
    return per_step * batches + per_example * (len(split.train) + len(split.validation))
