"""A training as a sweep watches it: on the data that was checked, ended early where that is due, judged at its end."""

import functools
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from model import Dataset, EpochRecord, load, load_exactly, metrics
from model.training import Training
from sweeps.specification.spec import Goal
from sweeps.verdicts.curves import curves_of
from sweeps.verdicts.facts import State
from sweeps.verdicts.rules import assess, is_certain
from sweeps.worker.event_stream import EpochStream
from sweeps.worker.facts import facts_of
from sweeps.worker.task import Task, TrialResult

if TYPE_CHECKING:
    from sweeps.user_network.training import WrappedTraining


def trained(
    task: Task, start: "Callable[[Dataset, np.random.Generator], Training | WrappedTraining]", started: float
) -> TrialResult:
    """What comes of a training that `start` begins; its epochs are told as they come. started: Unix time."""
    data, stream = data_of(task), EpochStream(task, started)
    with threadpool_limits(limits=1, user_api="blas"):  # more threads would sum in another order
        training = start(data, np.random.default_rng([task.seed, task.replicate]))
        records: list[EpochRecord] = []
        ends: list[float] = []
        pruned = False
        for record in training:
            ends.append(time.time())
            records.append(record)
            if record.finite:
                stream.tell(record, ends[-1])
            pruned = record.finite and _is_behind(task, records)
            if pruned or _has_settled(task, records) or record.epoch == task.epochs:
                break
            if task.stopping.verdict and record.finite:
                known = facts_of(task, data, records, State.COMPLETE, None)
                if is_certain(curves_of(records), known):
                    break
        diverged_epoch = None if records[-1].finite else records.pop().epoch
        test = None
        if diverged_epoch is None and not pruned:
            test = dict(zip((metrics.TEST_DATA, metrics.TEST_ACCURACY), training.evaluate(data.test), strict=True))
    state = State.PRUNED if pruned else State.COMPLETE
    known = facts_of(task, data, records, state, diverged_epoch)
    return TrialResult(
        number=task.number,
        replicate=task.replicate,
        state=state,
        assessment=assess(curves_of(records), known),
        records=tuple(records),
        diverged_epoch=diverged_epoch,
        test=test,
        network=training.network,
        epoch_ends=tuple(ends),
    )


def data_of(task: Task) -> Dataset:
    """What the task is trained on. Raises RuntimeError where that has changed."""
    data = open_dataset(task.plan.dataset, task.digest)
    if data.digest != task.digest:
        raise RuntimeError(
            f"dataset {task.plan.dataset} has changed since the sweep began: digest {data.digest}, was {task.digest}"
        )
    return data


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
def open_dataset(name: str, digest: str | None = None) -> Dataset:
    """A worker opens the memory-mapped data once, not once a trial. digest: of data that may have been sent to it."""
    return load(name) if digest is None else load_exactly(name, digest)
