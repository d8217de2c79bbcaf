"""Drivers of small sweeps in processes of their own, forked from one that has everything imported."""

import functools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.synchronize import Barrier
from pathlib import Path
from types import TracebackType
from typing import Any

from support import failing_workers
from support.processes import state_of
from support.small_sweeps import Watcher, small_spec

_PATIENCE_SECONDS = 200.0  # a busy machine takes long


def forks() -> ForkServerContext:
    """Where the processes come from."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["sweeps.driver.loop", "sweeps.tracking.writer", "support.small_sweeps"])
    return context


class Driver:
    """A process that runs a sweep, as if on another machine. times: of its lease, by the names of the constants.

    folder: for its own cache and outboxes. pause: seconds before each training. freeze: where it suspends itself,
    "record" before it writes a trial, or "log_inputs" within, the third time that it comes there.
    """

    def __init__(
        self,
        changes: dict[str, Any],
        uri: str,
        folder: Path,
        times: dict[str, float] | None = None,
        pause: float = 0.0,
        freeze: str = "",
    ) -> None:
        self._end, other = forks().Pipe(duplex=False)
        arguments = (other, changes, uri, folder, times or {}, pause, freeze)
        self._process = forks().Process(target=_drive, args=arguments)

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
    folder: Path,
    times: dict[str, float],
    pause: float,
    freeze: str,
) -> None:
    os.environ["SWEEPS_CACHE"] = str(folder / "cache")
    from mlflow import MlflowClient

    from sweeps.driver.loop import run_sweep
    from sweeps.errors import BusyError, TrackingError
    from sweeps.tracking import lease, outbox_places
    from sweeps.tracking.writer import SweepWriter

    outbox_places.outbox_folder = lambda uri: folder / "outbox"  # else a file's would be beside it
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


def race_for(uri: str, experiment_ids: Sequence[str], drivers: int) -> list[int]:
    """Has processes begin to drive the same new sweeps at the same time; says how many got each."""
    context = forks()
    barrier, won = context.Barrier(drivers), context.Array("i", len(experiment_ids))
    refused = context.Array("i", len(experiment_ids))
    arguments = (uri, experiment_ids, barrier, won, refused)
    processes = [context.Process(target=_race, args=arguments) for _ in range(drivers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert list(refused) == [drivers - 1] * len(experiment_ids)
    return list(won)


def _race(uri: str, experiment_ids: Sequence[str], barrier: Barrier, won: Any, refused: Any) -> None:
    from sweeps.errors import BusyError
    from sweeps.tracking import lease
    from sweeps.tracking.store import Store

    lease.RENEW_SECONDS, lease._LOOK_SECONDS = 0.1, 0.05
    store = Store(uri)

    def create(experiment_id: str) -> str:
        return str(store.client.create_run(experiment_id, run_name="sweep").info.run_id)

    for at, experiment_id in enumerate(experiment_ids):
        hold = lease.Lease(store, "raced", lambda _: None, threading.Event())
        barrier.wait(_PATIENCE_SECONDS)
        try:
            hold.take(experiment_id, functools.partial(create, experiment_id))
        except BusyError:
            with refused:
                refused[at] += 1
        else:
            with won:
                won[at] += 1
            while refused[at] < barrier.parties - won[at]:  # else the others would not see that it lives
                hold.keep()
                time.sleep(0.02)
        barrier.wait(_PATIENCE_SECONDS)
        hold.release()


def _tell(of: type, name: str, hook: Callable[[], None]) -> None:
    """Calls the hook before a method."""
    method = getattr(of, name)

    def hooked(*arguments: Any, **named: Any) -> Any:
        hook()
        return method(*arguments, **named)

    setattr(of, name, hooked)
