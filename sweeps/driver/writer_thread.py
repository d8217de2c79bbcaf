"""The one thread that talks to the tracking store, fed by a queue: trainings never wait for it, nor for each other."""

import contextlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

from sweeps.tracking.outage import Outage

if TYPE_CHECKING:  # importing MLflow takes seconds; it happens in this thread while workers train
    from sweeps.tracking.writer import SweepWriter


_TICK_SECONDS = 1.0


class WriterThread:
    """A thread that opens a sweep's record, once its store answers, and then does what it is given, in that order.

    outage: whether the store is away.
    """

    def __init__(self, open_writer: "Callable[[Outage], SweepWriter]") -> None:
        """open_writer: notes whether the store answers, and waits until it does."""
        self.outage = Outage()
        self._given: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        # a daemon: a process that ends does not wait for a request that hangs
        self._thread = Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()
        self._writer: Future[SweepWriter] = self._submit(lambda: open_writer(self.outage))
        self._queue: deque[Future[None]] = deque()
        self._clock = Thread(target=self._tick, name="tick", daemon=True)
        self._clock.start()

    def writer(self) -> "SweepWriter":
        """The writer, once the record is open."""
        return self._writer.result()

    def do(self, action: "Callable[[SweepWriter], None]") -> Future[None]:
        """Queues something to write."""
        future: Future[None] = self._submit(lambda: action(self._writer.result()))
        self._queue.append(future)
        return future

    def check(self) -> None:
        """Raises what went wrong in the thread, if anything did."""
        if self._writer.done():
            self._writer.result()
        while self._queue and self._queue[0].done():
            self._queue.popleft().result()

    def interrupt(self, seconds: float) -> None:
        """Writes what is queued, waiting for nothing, and closes the sweep's run.

        Takes no longer than so many seconds; where it is interrupted again, no longer than till then.
        """
        self.outage.give_up.set()
        self._clock.join()
        self.do(lambda writer: writer.interrupt())
        with contextlib.suppress(KeyboardInterrupt):
            wait(self._queue, timeout=seconds)

    def close(self, seconds: float | None = None) -> None:
        """Lets another driver have the sweep and ends the thread; or leaves it to a request that hangs."""
        self.outage.give_up.set()
        self.outage.closed.set()
        self._clock.join()
        for future in self._queue:
            future.cancel()
        self._submit(self._release)
        self._given.put(None)
        self._thread.join(seconds)

    def _tick(self) -> None:
        """Has the writer say now and then that the driver lives, whatever else the driver is busy with."""
        told: Future[None] | None = None
        while not self.outage.give_up.wait(_TICK_SECONDS):
            if self.is_open and (told is None or told.done()):
                told = self.do(lambda writer: writer.keep())

    @property
    def is_open(self) -> bool:
        """Whether the record is open."""
        return is_done(self._writer)

    def _release(self) -> None:
        if self.is_open and self.outage.why is None:  # else the next driver finds out for itself
            self._writer.result().release()

    def _submit(self, action: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        self._given.put((future, action))
        return future

    def _work(self) -> None:
        while (given := self._given.get()) is not None:
            future, action = given
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(action())
                except BaseException as error:  # noqa: BLE001 - whoever asks for the result gets it
                    future.set_exception(error)


def is_done(future: Future[Any]) -> bool:
    """Whether it has come to a good end."""
    return future.done() and not future.cancelled() and future.exception() is None
