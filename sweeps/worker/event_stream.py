"""The epochs of a training while it runs, told to the driver. They may be lost; no result depends on them."""

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass

from model import EpochRecord
from sweeps.executors.event_channel import Event, say
from sweeps.worker.task import Key, Task

_PAUSE_SECONDS = 0.2  # between two tellings: shorter epochs are told several at a time
_MOST_METRICS = 1000  # in one telling
_END_OF_TIME = 1e11  # Unix time, far beyond any clock


@dataclass(frozen=True)
class Telling:
    """What a worker told of a training in progress.

    started: Unix time, as in the result that will come of it. epochs: that it will have, if nothing ends it early.
    worker: machine and process. records: the finite ones since the last telling, each with the Unix time of its end.
    """

    key: Key
    started: float
    epochs: int
    worker: str
    records: tuple[tuple[EpochRecord, float], ...]


class EpochStream:
    """Tells of one training."""

    def __init__(self, task: Task, started: float) -> None:
        self._key = [task.number, task.replicate]
        self._epochs = task.plan.epochs if task.epochs is None else task.epochs
        self._started, self._worker = started, f"{socket.gethostname()}:{os.getpid()}"
        self._untold: list[tuple[int, float, Mapping[str, float]]] = []
        self._told = 0.0

    def tell(self, record: EpochRecord, ended: float) -> None:
        """A finite record, and when it was measured."""
        self._untold.append((record.epoch, ended, record.measures))
        if time.monotonic() - self._told < _PAUSE_SECONDS:
            return
        self._told = time.monotonic()
        at_a_time = max(1, _MOST_METRICS // len(record.measures))
        for at in range(0, len(self._untold), at_a_time):
            records = self._untold[at : at + at_a_time]
            who = {"key": self._key, "started": self._started, "epochs": self._epochs, "worker": self._worker}
            say({**who, "records": records})
        self._untold = []


def understood(event: Event) -> Telling | None:
    """A telling as it arrives; None where it makes no sense: a person's own code runs beside what tells."""
    try:
        number, replicate = map(int, event["key"])
        records = tuple(
            (EpochRecord(int(epoch), {str(name): float(value) for name, value in measures.items()}), float(ended))
            for epoch, ended, measures in event["records"]
        )
        started, epochs = float(event["started"]), int(event["epochs"])
        are_times = all(0 <= moment < _END_OF_TIME for moment in (started, *(ended for _, ended in records)))
        if not are_times or not all(0 <= record.epoch <= epochs for record, _ in records):
            return None  # no store could keep it
        return Telling((number, replicate), started, epochs, str(event["worker"]), records)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
        return None
