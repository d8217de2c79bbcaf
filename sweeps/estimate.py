"""How long a sweep will take, from a moment of the real thing."""

import math
import time
from statistics import fmean

import numpy as np
from threadpoolctl import threadpool_limits

from model import Dataset, Hyperparameters, Network, TrainingPlan
from model.measures import evaluate
from model.training import Step, mini_batches
from sweeps.domains import Settings
from sweeps.spec import SweepSpec

_PROBE_SECONDS = 0.1  # of training steps, per batch size
_PROBE_EXAMPLES = 2000  # evaluated, per batch size


def sweep_seconds(spec: SweepSpec, data: dict[str, Dataset], jobs: int) -> float:
    """An estimate of the sweep's seconds on `jobs` workers: each batch size is tried for a moment, at mid-range."""
    middle: Settings = {name: domain.at(0.5) for name, domain in spec.search.items()}
    trials = []
    for batch_size in spec.search["batch_size"].corners:
        plan, hyperparameters = spec.training(middle | {"batch_size": batch_size})
        trials.append(plan.epochs * _epoch_seconds(plan, hyperparameters, data[plan.dataset]))
    return fmean(trials) * spec.trials * spec.replicates / jobs


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
