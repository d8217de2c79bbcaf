"""What is heard of the trainings in flight. The executor's thread tells it, the loop and the writer's thread ask it."""

import threading
from dataclasses import dataclass, replace

from model import EpochRecord
from sweeps.executors.event_channel import Event
from sweeps.specification.domains import Settings
from sweeps.tracking.heartbeat import RunningTraining
from sweeps.worker.event_stream import understood
from sweeps.worker.task import Key


@dataclass(frozen=True)
class LiveTraining:
    """A training in flight. records: those that were heard of, by epoch, with the Unix times of their ends."""

    running: RunningTraining
    settings: Settings
    records: tuple[tuple[EpochRecord, float], ...] = ()

    @property
    def key(self) -> Key:
        """Of the training."""
        return self.running.number, self.running.replicate


class LiveTrainings:
    """Those in flight now, in the order in which they began."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flying: dict[Key, LiveTraining] = {}

    def begin(self, key: Key, settings: Settings, epochs: int) -> None:
        """A training is in flight."""
        with self._lock:
            self._flying[key] = LiveTraining(RunningTraining(*key, epochs), settings)

    def end(self, key: Key) -> None:
        """It is not any more, however it ended."""
        with self._lock:
            self._flying.pop(key, None)

    def hear(self, event: Event) -> None:
        """What a worker says; of a training that is not in flight, or began anew since, it is not taken in."""
        told = understood(event)
        with self._lock:
            known = self._flying.get(told.key) if told is not None else None
            if told is None or known is None or told.started < known.running.started:
                return
            if told.epochs > known.running.epochs:
                return  # nobody asked for so many
            before = known.records if told.started == known.running.started else ()
            last = before[-1][0].epoch if before else -1
            records = before + tuple(one for one in told.records if one[0].epoch > last)
            epoch = records[-1][0].epoch if records else -1
            running = replace(known.running, epochs=told.epochs, epoch=epoch, started=told.started, worker=told.worker)
            self._flying[told.key] = replace(known, running=running, records=records)

    @property
    def now(self) -> tuple[LiveTraining, ...]:
        """All of them as they are at this moment."""
        with self._lock:
            return tuple(self._flying.values())
