"""A real Dask cluster, in processes of this machine."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

from support.processes import descendants

_ROOT = Path(__file__).parents[2]
_PATIENCE_SECONDS = 100.0  # a busy machine takes long


class Cluster:
    """A scheduler on a free port of the loopback interface, and workers with a nanny each; all end with the context."""

    def __init__(self, folder: Path) -> None:
        """folder: gets the logs, and what workers spill."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Cluster":
        try:
            self.start_scheduler()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def _end(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    @property
    def address(self) -> str:
        """Of the scheduler."""
        return f"tcp://127.0.0.1:{self._port}"

    def start_scheduler(self) -> None:
        """Starts it, on the same port as before, and waits until it listens."""
        self._scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", str(self._port))
        wait_until(self._listens)

    def kill_scheduler(self) -> None:
        """Without a word to anybody."""
        self._scheduler.kill()
        self._scheduler.wait()

    def add_worker(self, name: str, environment: Mapping[str, str] | None = None) -> "subprocess.Popen[bytes]":
        """Starts a worker; it joins a little later. environment: that it has besides."""
        options = ["--host", "127.0.0.1", "--nthreads", "1", "--name", name, "--local-directory", str(self._folder)]
        return self._start("worker", self.address, *options, environment=environment)

    def kill_worker(self, worker: "subprocess.Popen[bytes]") -> None:
        """With its nanny, which would start another."""
        for pid in [*descendants(worker.pid), worker.pid]:
            os.kill(pid, signal.SIGKILL)

    def _listens(self) -> bool:
        with socket.socket() as caller:
            return caller.connect_ex(("127.0.0.1", self._port)) == 0

    def _start(
        self, what: str, *options: str, environment: Mapping[str, str] | None = None
    ) -> "subprocess.Popen[bytes]":
        path = os.pathsep.join([str(_ROOT), str(_ROOT / "tests")])
        with (self._folder / f"{what}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", what, *options, "--no-dashboard"],
                stdout=log,
                stderr=log,
                env=os.environ | {"PYTHONPATH": path} | dict(environment or {}),
                cwd=self._folder,
                start_new_session=True,
            )
        self._processes.append(process)
        return process


def wait_until(reached: Callable[[], object]) -> None:
    """An assertion fails where that takes too long."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not reached():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
