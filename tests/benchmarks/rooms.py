"""What a process of its own for each trial costs: 32 short trainings of the question's class, with and without.

Run as `python -m tests.benchmarks.rooms`; both kinds alternate on the same two workers, and a built-in one after them.
"""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from statistics import median

from model import Hyperparameters, TrainingPlan
from model import load as load_data
from sweeps.executors.loky import LokyExecutor
from sweeps.specification.spec import Goal
from sweeps.user_network.source import NetworkSource, source_digest
from sweeps.worker.task import Task, TrialResult
from sweeps.worker.trial import run_trial
from sweeps.worker.user_network_trial import _train_user_network

TRIALS, ROUNDS, WORKERS = 32, 5, 2
QUESTION = Path(__file__).parents[1] / "user_networks" / "question.py"


def in_the_worker(task: Task) -> TrialResult:
    """As trials of somebody's network ran before: in a worker that is used again."""
    assert task.network is not None
    return _train_user_network(task, task.network)


def seconds(pool: LokyExecutor, train: Callable[[Task], TrialResult], task: Task) -> float:
    """For all trials."""
    started = time.perf_counter()
    futures = [pool.submit(train, replace(task, number=number)) for number in range(TRIALS)]
    for future in futures:
        result = future.result()
        assert result.error is None, result.error
    return time.perf_counter() - started


def main() -> None:
    target = f"{QUESTION}:Network"
    source = NetworkSource("question.py:Network", target, str(QUESTION), source_digest(target))
    digest, goal = load_data("digits").digest, Goal("cost/validation_data", 1)
    for epochs in (3, 30):
        plan = TrainingPlan("digits", 300, (8,), epochs=epochs, dtype="float64")
        task = Task(0, 0, 0, plan, Hyperparameters(1.0, 1.0, 10), goal, digest, {}, network=source)
        with closing(LokyExecutor(WORKERS, run_trial.__module__)) as pool:
            first = seconds(pool, run_trial, task)
            seconds(pool, in_the_worker, task)
            pairs = [(seconds(pool, run_trial, task), seconds(pool, in_the_worker, task)) for _ in range(ROUNDS)]
            built_in = median(seconds(pool, run_trial, replace(task, network=None)) for _ in range(ROUNDS))
        rooms, reused = (median(column) for column in zip(*pairs, strict=True))
        extra = (rooms - reused) * WORKERS / TRIALS * 1000
        print(
            f"{TRIALS} trials of {epochs} epochs on {WORKERS} workers: rooms {rooms:.2f} s, reused {reused:.2f} s "
            f"(ratio {median(a / b for a, b in pairs):.2f}, {extra:.0f} ms a trial more); "
            f"with the start of both zygotes {first:.2f} s; built-in {built_in:.2f} s"
        )


if __name__ == "__main__":
    main()
