"""The one thread that talks to the tracking store, fed by a queue: trainings never wait for it, nor for each other."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Event
from typing import TYPE_CHECKING

from model import Dataset
from sweeps.driver.provenance import provenance
from sweeps.events import Progress
from sweeps.specification.spec import SweepSpec

if TYPE_CHECKING:  # importing MLflow takes seconds; it happens in this thread while workers train
    from sweeps.tracking.writer import SweepWriter


class WriterThread:
    """A thread that opens a sweep's record and then does what it is given, in that order."""

    def __init__(self, open_writer: "Callable[[Event], SweepWriter]") -> None:
        """open_writer: given an event that ends its waiting for a store that does not answer."""
        self._give_up = Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._writer = self._thread.submit(open_writer, self._give_up)
        self._queue: deque[Future[None]] = deque()

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
        closing = self.do(lambda writer: writer.interrupt())
        wait(self._queue)
        self._queue.remove(closing)
        return sum(future.exception() is not None for future in self._queue)

    def close(self) -> None:
        """Ends the thread."""
        self._give_up.set()
        self._thread.shutdown(wait=True, cancel_futures=True)


def open_writer(
    spec: SweepSpec, data: dict[str, Dataset], uri: str, progress: Progress, give_up: Event
) -> "SweepWriter":
    """Opens the sweep's record, new or old. Raises SpecError, TrackingError."""
    from sweeps.tracking.store import Store
    from sweeps.tracking.writer import SweepWriter

    return SweepWriter(Store(uri), spec, data, provenance(spec.seed), progress.say, give_up)
