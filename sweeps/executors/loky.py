"""Worker processes: an executor of joblib's loky. The only importer of joblib."""

import contextlib
import importlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future
from multiprocessing import resource_tracker
from typing import Any

import joblib
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.backend.reduction import dumps

from sweeps.executors.base import T
from sweeps.executors.event_channel import Address, Receiver, Sink, speak_to

_IDLE_SECONDS = 3600  # after which loky ends a worker that nobody feeds
_WATCH_SECONDS = 0.5
_HANDOVER_SECONDS = 1.0
_ENVIRONMENT = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def default_jobs() -> int:
    """The cores that this process may use, by affinity and cgroup."""
    return int(joblib.cpu_count())


def pickled_by_value(given: object) -> bytes:
    """Any object pickled, a class that was typed into a session, too: as what is submitted is, but opened later."""
    return bytes(dumps(given))


class LokyExecutor:
    """Worker processes of this machine, one included: a worker's death never takes the driver along."""

    def __init__(self, size: int, preload: str, sink: Sink | None = None) -> None:
        """size: worker processes. preload: the module that they import before there is work for them.

        sink: is given what a worker says while it works, in a thread of its own.
        """
        self._size, self._preload = size, preload
        self._receiver = None if sink is None else Receiver(sink)
        self._executor = self._start()
        with _deaf():
            for _ in range(size):  # the processes start, and import, before there is work for them
                self._last: Future[Any] = self._executor.submit(os.getpid)

    @property
    def size(self) -> int:
        return self._size

    def submit(self, function: Callable[..., T], *arguments: object) -> "Future[T]":
        with _deaf():
            try:
                future: Future[T] = self._executor.submit(function, *arguments)
            except BrokenExecutor:
                self._stop()
                self._executor = self._start()
                future = self._executor.submit(function, *arguments)
        self._last = future
        return future

    def close(self) -> None:
        self._stop()
        if self._receiver is not None:
            self._receiver.close()

    def _stop(self) -> None:
        # A task that loky's own thread has not passed on yet must not be withdrawn: the thread would end in a KeyError.
        deadline = time.monotonic() + _HANDOVER_SECONDS
        while not (self._last.running() or self._last.done()) and time.monotonic() < deadline:
            time.sleep(0.001)
        self._executor.shutdown(wait=True, kill_workers=True)

    def _start(self) -> ProcessPoolExecutor:
        with _deaf():
            resource_tracker.ensure_running()  # a process, too; Python unblocks SIGINT once it has started: hence alone
        with _deaf():
            return ProcessPoolExecutor(
                max_workers=self._size,
                timeout=_IDLE_SECONDS,
                initializer=_settle_in,
                initargs=(os.getpid(), self._preload, self._receiver and self._receiver.address),
                env=_ENVIRONMENT,
            )


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Processes that start in here never hear of Ctrl-C or a hang-up, not while they import either: the driver does."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _settle_in(driver: int, preload: str, address: Address | None) -> None:
    """In a worker: imports what it will need, knows whom to speak to, and does not outlive the driver."""
    speak_to(address)
    importlib.import_module(preload)
    threading.Thread(target=_end_with, args=(driver,), daemon=True).start()


def _end_with(driver: int) -> None:
    while os.getppid() == driver:
        time.sleep(_WATCH_SECONDS)
    os._exit(1)
