"""A cluster for one case: a worker here and one on another machine, and whoever starts again what has ended."""

import os
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from support.clusters import Cluster, Machine
from support.processes import descendants

_LOOK_SECONDS = 1.0


class TendedCluster:
    """Workers that end, as they do when their scheduler does, are started again, as systemd or Kubernetes do it."""

    def __init__(self, folder: Path, number: int, environment: Mapping[str, str]) -> None:
        folder.mkdir(parents=True)
        self.machine = Machine(1 + number % 250)
        self._cluster = Cluster(folder, self.machine.gateway, environment).__enter__()
        self._places = {"here": None, "afar": self.machine}
        self._workers = {name: self._cluster.add_worker(name, machine=place) for name, place in self._places.items()}
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._tending = threading.Thread(target=self._tend, daemon=True)
        self._tending.start()

    def __enter__(self) -> "TendedCluster":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._tending.join()
        for pid in [*self.pids("here"), *self.pids("afar")]:
            _send(pid, signal.SIGKILL)
        self._cluster.__exit__(kind, error, at)
        self.machine.remove()

    @property
    def address(self) -> str:
        """Of the scheduler."""
        return self._cluster.address

    @property
    def scheduler_pid(self) -> int:
        """Of its process."""
        return self._cluster.scheduler_pid

    def pids(self, name: str) -> list[int]:
        """Of a worker's nanny, and of the worker."""
        pid = self._workers[name].pid
        return [pid, *descendants(pid)]

    def kill_scheduler(self, away: float) -> None:
        """And starts it again after so many seconds."""
        self._cluster.kill_scheduler()
        time.sleep(away)
        self._cluster.start_scheduler()

    def _tend(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            for name, worker in self._workers.items():
                if worker.poll() is not None:
                    self._workers[name] = self._cluster.add_worker(name, machine=self._places[name])


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
