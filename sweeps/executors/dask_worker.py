"""What a worker of a Dask cluster does for a driver: it says whether it is fit, gets ready, runs trainings, and leaves.

A driver's word tells its trainings from those of others on the cluster.
"""

import asyncio
import hashlib
import importlib
import json
import os
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from distributed import Scheduler, Worker, WorkerPlugin, get_worker
from threadpoolctl import threadpool_limits

from model import Dataset, DatasetError, keep_sent, load_exactly
from sweeps.executors.base import T
from sweeps.executors.event_channel import Event, Receiver, speak_to
from sweeps.executors.fitness import differences, facts

_ALLOWS = "--any-worker takes it all the same, and the last bits of results may then differ"


@dataclass(frozen=True)
class Terms:
    """On which a driver takes a worker. facts: those of the driver, that the worker must share; None for any.

    preload: the module that is imported before there is work for it. digests: of the data, by name. files: that must be
    there, by their paths, with their SHA-256. topic: where the driver hears what is said; "" for nowhere.
    """

    word: str
    facts: Mapping[str, str] | None
    preload: str
    digests: Mapping[str, str]
    files: Mapping[str, str]
    topic: str = ""


@dataclass(frozen=True)
class Settled:
    """What came of it. why: it is not taken, with a remedy. lacks: names of data that it must be sent first."""

    why: str = ""
    lacks: tuple[str, ...] = ()

    @property
    def is_fit(self) -> bool:
        """Whether it is ready for trainings."""
        return not self.why and not self.lacks


def resource(word: str) -> str:
    """Of which a worker that was taken has one: a training at a time."""
    return f"sweeps-{word}"


async def settle(terms: Terms, dask_worker: Worker) -> Settled:
    """Gets this worker ready for a driver's trainings, if it is fit for them."""
    settled = await asyncio.to_thread(_settled, terms)
    if settled.is_fit:
        name = resource(terms.word)
        await dask_worker.plugin_add(plugin=Host(terms), name=name)
        await dask_worker.set_resources(**{name: 1})
    return settled


def _settled(terms: Terms) -> Settled:
    differs = [] if terms.facts is None else differences(terms.facts, facts())
    if differs:
        return Settled(f"{'; '.join(differs)}; {_ALLOWS}")
    for file, digest in terms.files.items():
        if _sha256(file) != digest:
            return Settled(f"it has no {file}, or another one; share its folder with that machine, or copy it there")
    importlib.import_module(terms.preload)
    return Settled(lacks=tuple(name for name, digest in terms.digests.items() if not _has(name, digest)))


def _sha256(file: str) -> str:
    """Of a file's content; "" where it can't be read."""
    try:
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    except OSError:
        return ""


def _has(name: str, digest: str) -> bool:
    try:
        return load_exactly(name, digest).digest == digest
    except DatasetError:
        return False


async def keep(data: Dataset) -> Settled:
    """Puts data that the driver sent into this machine's cache."""
    try:
        await asyncio.to_thread(keep_sent, data)
    except (OSError, ValueError) as error:
        return Settled(f"{data.name} cannot be kept in its cache ({error}); SWEEPS_CACHE moves it")
    return Settled()


async def leave(word: str, dask_worker: Worker) -> None:
    """Has no more to do with a driver."""
    name = resource(word)
    if name in dask_worker.plugins:
        await dask_worker.set_resources(**{name: 0})
        await dask_worker.plugin_remove(name=name)


def unplaced(keys: Iterable[str], dask_scheduler: Scheduler) -> dict[str, int]:
    """In the scheduler: the tasks that wait for a worker, with how many have died while they ran there.

    Dask places them when a worker joins; but by then it is not settled yet.
    """
    tasks = [task for key in keys if (task := dask_scheduler.tasks.get(key)) is not None]
    return {str(task.key): int(task.suspicious) for task in tasks if task.state == "no-worker"}


def run(word: str, function: Callable[..., T], *arguments: object) -> T:
    """Runs function(*arguments) for a driver, which hears what it says."""
    cast(Host, get_worker().plugins[resource(word)]).speak()
    try:
        return function(*arguments)
    except (SystemExit, KeyboardInterrupt) as end:  # Dask would take it as meant for the worker
        raise RuntimeError("".join(traceback.format_exception(end))) from None


class Host(WorkerPlugin):
    """A driver's stay in a worker process: passes on what its trainings say, and ends one that nobody waits for.

    A training cannot be stopped from outside. Its process can, and the worker's nanny starts another.
    """

    def __init__(self, terms: Terms) -> None:
        self._word, self._topic = terms.word, terms.topic
        self._running: set[object] = set()

    def setup(self, worker: Worker) -> None:
        self._worker = worker
        self._receiver = Receiver(self._pass_on) if self._topic else None
        self._limits = threadpool_limits(limits=1, user_api="blas")

    def teardown(self, worker: Worker) -> None:
        if self._running:
            self._end()
        self._limits.restore_original_limits()
        if self._receiver is not None:
            self._receiver.close()

    def transition(self, key: object, start: str, finish: str, **_: object) -> None:
        """Told by Dask of each task here, when it changes its state."""
        if not str(key).startswith(resource(self._word)):
            return
        if finish == "executing":
            self._running.add(key)
        elif start == "executing":
            self._running.discard(key)
            if finish == "released":  # it runs on, but the driver has given it up, or has gone
                self._end()

    def speak(self) -> None:
        """Has this process speak to the driver."""
        speak_to(None if self._receiver is None else self._receiver.address)

    def _pass_on(self, event: Event) -> None:
        self._worker.log_event(self._topic, json.dumps(event))

    def _end(self) -> None:
        if self._worker.nanny is not None:
            os._exit(1)
