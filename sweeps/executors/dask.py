"""Workers of a Dask cluster, on whatever machines: an executor over plain futures. What runs in them: `dask_worker`."""

import importlib.metadata
import itertools
import json
import logging
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import BrokenExecutor, CancelledError, Future, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any

from distributed import Client, KilledWorker
from distributed import Future as DaskFuture

from model import Dataset
from sweeps.executors.base import ClusterError, T, TaskLostError, WorkerDiedError
from sweeps.executors.dask_roster import Roster
from sweeps.executors.dask_worker import Terms, leave, resource, run, unplaced
from sweeps.executors.event_channel import Sink
from sweeps.executors.fitness import PACKAGE, facts

_ADDRESS = re.compile(r"(tcp|tls)://(\[[0-9A-Fa-f:.%]+\]|[^\s:/\[\]]+):\d{1,5}")
_CONNECTING_SECONDS = 8.0  # that a scheduler has to answer
_RETURNING_SECONDS = 2.0  # the same at each attempt to reach one that went away
_LEAVING_SECONDS = 3.0  # that workers have to take leave
_GLANCE_SECONDS = 0.5
_DEATHS = 4  # of workers, after which what they ran is given up; as many as Dask allows by itself
_GONE = (OSError, RuntimeError, ValueError)  # what a client raises whose scheduler, or own loop, has gone
_SAY_THE_SAME = ("distributed.client", "distributed.core", "distributed.comm", "distributed.batched")  # loggers


@dataclass
class _Flight:
    """Something in flight: whom it is for, what is called, what Dask has of it, how many workers died of it before."""

    ours: Future[Any]
    call: tuple[Any, ...]
    theirs: DaskFuture[Any] = field(init=False)
    deaths: int = 0


class _Connection:
    """Makes clients. Dask waits for ever for who takes a connection and says nothing; whoever asks here does not."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._attempt: Future[Client] | None = None

    def made(self, seconds: float) -> Client:
        """A new client; raises OSError and others where there is none. What takes longer is there the next time."""
        if self._attempt is None:
            self._attempt = Future()
            threading.Thread(target=self._try, args=(self._attempt, seconds), daemon=True).start()
        wait([self._attempt], seconds + _GLANCE_SECONDS)
        if not self._attempt.done():
            raise TimeoutError(f"it says nothing for {seconds:g} s")
        attempt, self._attempt = self._attempt, None
        return attempt.result()

    def _try(self, attempt: "Future[Client]", seconds: float) -> None:
        try:
            attempt.set_result(Client(self._address, timeout=seconds, set_as_default=False, name="sweeps"))
        except Exception as error:  # noqa: BLE001 - raised where the client is asked for
            attempt.set_exception(error)


class DaskExecutor:
    """The workers of a Dask cluster that compute as this process does, those that join later, too.

    A training whose worker dies is run again elsewhere by Dask itself, a few times. Where the scheduler goes away all
    that is in flight is lost, and the executor waits until it is back.
    """

    def __init__(
        self,
        address: str,
        preload: str,
        say: Callable[[str], None],
        data: Mapping[str, Dataset],
        files: Mapping[str, str] = MappingProxyType({}),
        sink: Sink | None = None,
        lenient: bool = False,
        most: int | None = None,
    ) -> None:
        """Returns once a worker is ready. Raises ClusterError where the address is wrong, or no worker is fit.

        address: of the scheduler. preload: the module that workers import before there is work for them. say: told what
        a person should know. data: by name; they are sent to machines that lack them. files: that workers must have at
        the same paths, with their SHA-256. sink: is given what a worker says while it works, in a thread of its own.
        lenient: workers that compute otherwise are taken. most: trainings at a time, None for one a worker.
        """
        if not _ADDRESS.fullmatch(address):
            raise ClusterError(f"cluster: must be as tcp://HOST:PORT, where a Dask scheduler listens, got {address!r}")
        self._address, self._say, self._data, self._sink, self._most = address, say, data, sink, most
        digests = {name: one.digest for name, one in data.items()}
        fitness = None if lenient else facts()
        self._terms = Terms(secrets.token_hex(4), fitness, preload, digests, dict(files))
        self._said: set[str] = set()
        self._numbers = itertools.count()
        self._flying: dict[str, _Flight] = {}  # by Dask's key
        self._lock = threading.Lock()  # of what is in flight
        self._closing = threading.Event()
        self._shaken = False  # whether Dask has dropped what was in flight
        for name in _SAY_THE_SAME:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._connection = _Connection(address)
        self._client = self._first_client()
        try:
            self._roster: Roster | None = self._first_roster()
        except BaseException:
            self._client.close()
            raise
        self._watcher = threading.Thread(target=self._watch, name="cluster", daemon=True)
        self._watcher.start()

    @property
    def size(self) -> int:
        roster = self._roster
        ready = 0 if roster is None else len(roster.fit)
        return ready if self._most is None else min(ready, self._most)

    def submit(self, function: Callable[..., T], *arguments: object) -> "Future[T]":
        flight = _Flight(Future(), (function, *arguments))
        with self._lock:
            self._start(flight)
        ours: Future[T] = flight.ours
        return ours

    def close(self) -> None:
        if self._closing.is_set():
            return
        self._closing.set()
        self._watcher.join(_LEAVING_SECONDS)
        with self._lock:
            left = [flight.theirs for flight in self._flying.values()]
        self._drop_all("closed")
        leaving = threading.Thread(target=self._leave, args=(left,), daemon=True)
        leaving.start()
        leaving.join(_LEAVING_SECONDS)
        self._close_client()

    def _first_client(self) -> Client:
        try:
            client = self._connected(_CONNECTING_SECONDS)
        except (*_GONE, TypeError, ImportError) as error:
            raise ClusterError(
                f"cluster: no Dask scheduler answers at {self._address} ({error}); "
                "`dask scheduler` starts one, and prints its address"
            ) from None
        try:
            client.run_on_scheduler(importlib.metadata.version, PACKAGE)
        except importlib.metadata.PackageNotFoundError:
            client.close()
            raise ClusterError(
                f"cluster: the scheduler at {self._address} lacks {PACKAGE}; pip install '{PACKAGE}[cluster]' there"
            ) from None
        return client

    def _connected(self, seconds: float) -> Client:
        client = self._connection.made(seconds)
        if self._sink is not None:
            client.subscribe_topic(client.id, self._hear)  # the scheduler forgets this topic's events with the client
        return client

    def _first_roster(self) -> Roster:
        """Once it has a worker."""
        try:
            roster = self._new_roster()
            while not roster.look():
                if roster.refused:
                    break
                self._tell(f"waits for workers: `dask worker {self._address} --nthreads 1` starts one")
                self._closing.wait(_GLANCE_SECONDS)
        except _GONE as error:
            raise ClusterError(f"cluster: the scheduler at {self._address} has gone away ({error})") from None
        if not roster.fit:
            raise ClusterError("\n  ".join(["cluster: no worker is fit:", *roster.refused.values()]))
        return roster

    def _new_roster(self) -> Roster:
        topic = "" if self._sink is None else self._client.id
        return Roster(self._client, replace(self._terms, topic=topic), self._data, self._tell)

    def _watch(self) -> None:
        """In a thread of its own, until the end: meets workers that join, finds a scheduler that comes back."""
        while not self._closing.wait(_GLANCE_SECONDS):
            try:
                if self._roster is None:
                    self._come_back()
                else:
                    self._look(self._roster)
            except _GONE:
                if not self._closing.is_set():
                    self._go_away()

    def _look(self, roster: Roster) -> None:
        if self._client.status != "running" or self._shaken:
            raise ConnectionError("the scheduler has gone away")
        if roster.look():
            self._place_again()

    def _go_away(self) -> None:
        if self._roster is not None:
            self._say(f"the scheduler at {self._address} has gone away; what was in flight runs again once it is back")
        self._roster = None
        self._close_client()
        self._drop_all("the scheduler has gone away")

    def _come_back(self) -> None:
        self._client = self._connected(_RETURNING_SECONDS)
        self._shaken = False
        roster = self._new_roster()
        roster.look()
        self._roster = roster
        self._say(f"the scheduler at {self._address} is back")

    def _close_client(self) -> None:
        with suppress(*_GONE):
            self._client.close(timeout=_RETURNING_SECONDS)

    def _leave(self, left: "list[DaskFuture[Any]]") -> None:
        """Has workers end what is left, and forget this driver."""
        roster = self._roster
        if roster is not None and roster.fit:
            with suppress(*_GONE):
                self._client.cancel(left)
                self._client.run(leave, self._terms.word, workers=list(roster.fit), on_error="ignore")

    def _start(self, flight: _Flight) -> None:
        """Has Dask run what is in flight, or run it again. The lock is held."""
        name = resource(self._terms.word)
        key = f"{name}-{next(self._numbers)}"
        try:
            theirs = self._client.submit(
                run, self._terms.word, *flight.call, key=key, pure=False, retries=0, resources={name: 1}
            )
        except _GONE as error:
            flight.ours.set_exception(TaskLostError(str(error)))
            return
        flight.theirs = theirs
        self._flying[key] = flight
        theirs.add_done_callback(partial(self._land, key))

    def _land(self, key: str, theirs: DaskFuture[Any]) -> None:
        """Told by Dask, in a thread of its own, that a task has ended, whatever way."""
        value, error = _came_of(theirs)
        with self._lock:
            flight = self._flying.pop(key, None)
        if flight is None:
            return
        self._shaken |= isinstance(error, TaskLostError)
        if error is None:
            flight.ours.set_result(value)
        else:
            flight.ours.set_exception(error)

    def _place_again(self) -> None:
        """What was left without a worker, now that there is one; it is given up where it has had many."""
        waiting = self._client.run_on_scheduler(unplaced, list(self._flying))
        with self._lock:
            for key, deaths in waiting.items():
                flight = self._flying.pop(key, None)
                if flight is None:
                    continue
                flight.theirs.cancel()
                flight.deaths += deaths
                if flight.deaths < _DEATHS:
                    self._start(flight)
                else:
                    flight.ours.set_exception(WorkerDiedError(f"{flight.deaths} workers died while they ran it"))

    def _drop_all(self, why: str) -> None:
        """Gives up what is in flight."""
        with self._lock:
            dropped = list(self._flying.values())
            self._flying.clear()
        for flight in dropped:
            flight.ours.set_exception(TaskLostError(why))

    def _hear(self, event: tuple[float, object]) -> None:
        said = event[1]
        if self._sink is not None and isinstance(said, str):  # the scheduler's own words are none
            self._sink(json.loads(said))

    def _tell(self, message: str) -> None:
        """Once."""
        if message not in self._said:
            self._said.add(message)
            self._say(message)


def _came_of(theirs: DaskFuture[Any]) -> tuple[Any, BaseException | None]:
    """What a task returned, and what it raised."""
    is_done = theirs.status == "finished"
    try:
        return theirs.result(), None
    except (KilledWorker, BrokenExecutor) as death:  # of its worker, or of its clean room
        return None, WorkerDiedError(str(death))
    except CancelledError as error:
        return None, TaskLostError(str(error))
    except Exception as error:  # noqa: BLE001 - whatever the function raised is handed on
        return None, TaskLostError(str(error)) if is_done and isinstance(error, OSError) else error
