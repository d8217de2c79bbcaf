"""Drivers of small sweeps in processes of their own, forked from one that has everything imported."""

import functools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

from support import failing_workers
from support.processes import state_of
from support.small_sweeps import Watcher, small_spec

_PATIENCE_SECONDS = 200.0  # a busy machine takes long


class Driver:
    """A process that runs a sweep. cache: its own cache folder. times: of its lease, by the names of the constants.

    pause: seconds before each training. freeze: where it suspends itself, "record" before it writes a trial, or
    "log_inputs" within, the third time that it comes there.
    """

    def __init__(
        self,
        changes: dict[str, Any],
        uri: str,
        cache: Path,
        times: dict[str, float] | None = None,
        pause: float = 0.0,
        freeze: str = "",
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["sweeps.driver.loop", "sweeps.tracking.writer", "support.small_sweeps"])
        self._end, other = context.Pipe(duplex=False)
        arguments = (other, changes, uri, str(cache), times or {}, pause, freeze)
        self._process = context.Process(target=_drive, args=arguments)

    def __enter__(self) -> "Driver":
        self._process.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.join()

    @property
    def pid(self) -> int:
        """Of its process."""
        assert self._process.pid is not None
        return self._process.pid

    def wait_until(self, told: str) -> None:
        """Until it has told so: "recorded" a trial, or is "frozen"."""
        while (word := self._told()) != told:
            assert word in ("recorded", "frozen"), word
        while told == "frozen" and state_of(self.pid) != "T":
            time.sleep(0.02)

    def thaw(self) -> None:
        """Lets it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def outcome(self) -> str:
        """What it raised, in words; "finished" where it raised nothing."""
        while (word := self._told()) in ("recorded", "frozen"):
            pass
        return word

    def _told(self) -> str:
        assert self._end.poll(_PATIENCE_SECONDS), "the driver says nothing"
        return str(self._end.recv())


def _drive(
    end: Connection,
    changes: dict[str, Any],
    uri: str,
    cache: str,
    times: dict[str, float],
    pause: float,
    freeze: str,
) -> None:
    os.environ["SWEEPS_CACHE"] = cache
    from mlflow import MlflowClient

    from sweeps.driver.loop import run_sweep
    from sweeps.errors import BusyError, TrackingError
    from sweeps.tracking import lease
    from sweeps.tracking.writer import SweepWriter

    for name, seconds in times.items():
        setattr(lease, name, seconds)
    _tell(SweepWriter, "record", lambda: end.send("recorded"))
    if freeze:
        times_there: list[int] = []

        def stop() -> None:
            times_there.append(1)
            if len(times_there) == 3:  # between requests: no transaction is open
                end.send("frozen")
                signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # of this thread: not a line further

        _tell(SweepWriter if freeze == "record" else MlflowClient, freeze, stop)
    try:
        run_sweep(small_spec(**changes), Watcher(), 1, uri, functools.partial(failing_workers.slow, seconds=pause))
    except (BusyError, TrackingError) as error:
        end.send(f"{type(error).__name__}: {error}")
    else:
        end.send("finished")


def _tell(of: type, name: str, hook: Callable[[], None]) -> None:
    """Calls the hook before a method."""
    method = getattr(of, name)

    def hooked(*arguments: Any, **named: Any) -> Any:
        hook()
        return method(*arguments, **named)

    setattr(of, name, hooked)
