"""Training a recorded trial again, and comparing every number."""

import contextlib
from collections.abc import Mapping
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass, replace

import pandas as pd

from model import load, metrics
from sweeps.executors.loky import LokyExecutor
from sweeps.specification.spec import Stopping, SweepSpec
from sweeps.tracking.records import RecordedTrial
from sweeps.tracking.tables import epoch_rows, epochs_table
from sweeps.user_network.source import find_source_again
from sweeps.verdicts.facts import State
from sweeps.worker.task import Task, TrialResult, failure, task_of
from sweeps.worker.trial import run_trial


@dataclass(frozen=True)
class Difference:
    """A number that did not come back: the metric and epoch, what was recorded and what came; None: no number."""

    epoch: int
    metric: str
    recorded: float | None
    now: float | None


@dataclass(frozen=True)
class Replay:
    """What came of a replay. compared: how many numbers. error: the traceback of a trial that raised."""

    trial: int
    compared: int
    differences: tuple[Difference, ...]
    error: str | None = None

    @property
    def identical(self) -> bool:
        """Whether every recorded number came back, bit for bit."""
        return self.compared > 0 and not self.differences and self.error is None


def replay(spec: SweepSpec, recorded: RecordedTrial, epochs: pd.DataFrame) -> Replay:
    """Trains a trial again, in this process; somebody's own network in a worker. epochs: its rows of the epochs table.

    A trial that was pruned, or ran out of patience, is ended after the same epoch. Raises InputError where the file of
    an own network is not what it was.
    """
    dataset = spec.training(recorded.settings)[0].dataset
    last = None if recorded.diverged or epochs.empty else int(epochs["epoch"].max())
    if spec.network is not None:
        spec = replace(spec, network=find_source_again(spec.network))
    spec = replace(spec, stopping=Stopping())
    task = task_of(spec, recorded.key, recorded.settings, {dataset: load(dataset).digest}, epochs=last)
    result = run_trial(task) if task.network is None else _in_a_worker(task)
    before = _numbers(epochs) | _tests(recorded.metrics, last)
    now = _numbers(epochs_table([epoch_rows(result)]))
    if recorded.state == State.COMPLETE:  # of a pruned trial the test set was not evaluated
        now |= _tests(result.test or {}, last)
    different = [
        Difference(epoch, metric, before.get((epoch, metric)), now.get((epoch, metric)))
        for epoch, metric in sorted(before.keys() | now.keys())
        if before.get((epoch, metric)) != now.get((epoch, metric))
    ]
    return Replay(recorded.number, len(before), tuple(different), result.error)


def _in_a_worker(task: Task) -> TrialResult:
    with contextlib.closing(LokyExecutor(1, run_trial.__module__)) as pool:
        try:
            return pool.submit(run_trial, task).result()
        except BrokenExecutor as error:
            return failure(task, f"its worker process died: {error}")


def _numbers(epochs: pd.DataFrame) -> dict[tuple[int, str], float]:
    """(epoch, metric) -> value, of all that were measured."""
    names = metrics.by_epoch(epochs.columns)
    rows = epochs.to_dict("records")
    return {(row["epoch"], name): row[name] for row in rows for name in names if row[name] == row[name]}


def _tests(measured: Mapping[str, float], epoch: int | None) -> dict[tuple[int, str], float]:
    return {(epoch or 0, name): measured[name] for name in metrics.TEST if name in measured}
