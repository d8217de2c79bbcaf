"""What goes wrong in a worker: replacements for run_trial, imported by worker processes, so nothing heavy in here."""

import os
import signal
import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from model import EpochRecord
from sweeps.worker import event_stream
from sweeps.worker.task import Task, TrialResult
from sweeps.worker.trial import run_trial

HELD_AT = 4  # epochs


def slow(task: Task, seconds: float) -> TrialResult:
    """Trains after a pause."""
    time.sleep(seconds)
    return run_trial(task)


def broken(task: Task, numbers: Collection[int]) -> TrialResult:
    """Some trials raise while they train: they find other data than the driver did."""
    return run_trial(replace(task, digest="0" * 32) if task.number in numbers else task)


def raising(task: Task, numbers: Collection[int]) -> TrialResult:
    """Some trials raise what run_trial does not catch."""
    if task.number in numbers:
        raise SystemExit(f"trial {task.number} has had enough")
    return run_trial(task)


def deadly(task: Task, numbers: Collection[int], attempts: Path) -> TrialResult:
    """Some trials kill their worker whenever they run. attempts: gets a line for every trial that starts."""
    with attempts.open("a") as lines:
        lines.write(f"{task.number}\n")
    if task.number in numbers:
        _die(task)
    return run_trial(task)


def deadly_once(task: Task, numbers: Collection[int], folder: Path) -> TrialResult:
    """Some trials kill their worker the first time; folder: remembers which have."""
    marker = folder / f"died-{task.number}"
    if task.number in numbers and not marker.exists():
        marker.touch()
        _die(task)
    return run_trial(task)


def held(task: Task, seen: Path) -> TrialResult:
    """Tells its first epochs, and goes on once somebody has seen them: once that file is there."""
    tell = event_stream.EpochStream.tell

    def tell_and_wait(self: event_stream.EpochStream, record: EpochRecord, ended: float) -> None:
        tell(self, record, ended)
        while record.epoch == HELD_AT and not seen.exists():
            time.sleep(0.01)

    with (
        patch.multiple(event_stream, _PAUSE_SECONDS=0.0),
        patch.object(event_stream.EpochStream, "tell", tell_and_wait),
    ):
        return run_trial(task)


def held_and_killed(task: Task, number: int, seen: Path) -> TrialResult:
    """The same, and a trial kills its worker the first time, once it was seen."""
    was_seen = seen.exists()
    result = held(task, seen)
    if task.number == number and not was_seen:
        os.kill(os.getpid(), signal.SIGKILL)
    return result


def _die(task: Task) -> None:
    time.sleep(0.05)  # the trials beside it are under way
    if task.number % 2:
        os._exit(1)
    os.kill(os.getpid(), signal.SIGKILL)
