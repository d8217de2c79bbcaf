"""The one thread that talks to the tracking store, fed by a queue: trainings never wait for it, nor for each other."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Event, Thread
from typing import TYPE_CHECKING

from model import Dataset
from sweeps.driver.provenance import provenance
from sweeps.events import Progress
from sweeps.specification.spec import SweepSpec

if TYPE_CHECKING:  # importing MLflow takes seconds; it happens in this thread while workers train
    from sweeps.tracking.writer import SweepWriter


_TICK_SECONDS = 1.0


class WriterThread:
    """A thread that opens a sweep's record and then does what it is given, in that order."""

    def __init__(self, open_writer: "Callable[[Event], SweepWriter]") -> None:
        """open_writer: given an event that ends its waiting for a store that does not answer."""
        self._give_up = Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._writer = self._thread.submit(open_writer, self._give_up)
        self._queue: deque[Future[None]] = deque()
        self._clock = Thread(target=self._tick, name="tick", daemon=True)
        self._clock.start()

    def writer(self) -> "SweepWriter":
        """The writer, once the record is open."""
        return self._writer.result()

    def do(self, action: "Callable[[SweepWriter], None]") -> Future[None]:
        """Queues something to write."""
        self._queue.append(self._thread.submit(lambda: action(self._writer.result())))
        return self._queue[-1]

    def check(self) -> None:
        """Raises what went wrong in the thread, if anything did."""
        if self._writer.done():
            self._writer.result()
        while self._queue and self._queue[0].done():
            self._queue.popleft().result()

    def interrupt(self) -> int:
        """Writes what is queued, waiting for nothing, and closes the sweep's run; returns how much was left out."""
        self._give_up.set()
        self._clock.join()
        closing = self.do(lambda writer: writer.interrupt())
        wait(self._queue)
        self._queue.remove(closing)
        return sum(future.exception() is not None for future in self._queue)

    def close(self) -> None:
        """Ends the thread, and lets another driver have the sweep."""
        self._give_up.set()
        self._clock.join()
        for future in self._queue:
            future.cancel()
        self._thread.submit(self._release)
        self._thread.shutdown(wait=True)

    def _tick(self) -> None:
        """Has the writer say now and then that the driver lives, whatever else the driver is busy with."""
        told: Future[None] | None = None
        while not self._give_up.wait(_TICK_SECONDS):
            if self._is_open() and (told is None or told.done()):
                told = self.do(lambda writer: writer.keep())

    def _is_open(self) -> bool:
        return self._writer.done() and not self._writer.cancelled() and self._writer.exception() is None

    def _release(self) -> None:
        if self._is_open():
            self._writer.result().release()


def open_writer(
    spec: SweepSpec, data: dict[str, Dataset], uri: str, progress: Progress, give_up: Event
) -> "SweepWriter":
    """Opens the sweep's record, new or old. Raises SpecError, TrackingError."""
    from sweeps.tracking.store import Store
    from sweeps.tracking.writer import SweepWriter

    return SweepWriter(Store(uri), spec, data, provenance(spec.seed), progress.say, give_up)
