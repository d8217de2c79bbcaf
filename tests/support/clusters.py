"""A real Dask cluster, in processes of this machine."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from support.processes import descendants

_ROOT = Path(__file__).parents[2]
_PATIENCE_SECONDS = 100.0  # a busy machine takes long


class Machine:
    """Another machine, as far as its network is concerned: a namespace with one line to this one, that can be cut.

    Only where this process may make such things: root, best in a network namespace of its own.
    """

    def __init__(self, number: int) -> None:
        """number: 1 to 250, of no other machine here."""
        self._name, self._line = f"machine-{number}", f"line-{number}"
        self.gateway, self.address = f"10.77.{number}.1", f"10.77.{number}.2"
        _ip("netns", "add", self._name)
        _ip("link", "add", self._line, "type", "veth", "peer", "name", "eth0", "netns", self._name)
        _ip("address", "add", f"{self.gateway}/24", "dev", self._line)
        _ip("link", "set", self._line, "up")
        _ip("-n", self._name, "address", "add", f"{self.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", self._name, "link", "set", device, "up")

    @property
    def within(self) -> list[str]:
        """What stands before a command that runs there."""
        return ["ip", "netns", "exec", self._name]

    def cut(self) -> None:
        """Nothing passes any more."""
        _ip("-n", self._name, "link", "set", "eth0", "down")

    def mend(self) -> None:
        """It passes again."""
        _ip("-n", self._name, "link", "set", "eth0", "up")

    def remove(self) -> None:
        """Once no process is left there."""
        _ip("netns", "delete", self._name)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Cluster:
    """A scheduler on a free port of the loopback interface, and workers with a nanny each; all end with the context."""

    def __init__(self, folder: Path, host: str = "127.0.0.1", environment: Mapping[str, str] | None = None) -> None:
        """folder: gets the logs, and what workers spill. host: an address of this machine. environment: of all."""
        with socket.socket() as free:
            free.bind((host, 0))
            self._port = free.getsockname()[1]
        self._folder, self._host, self._environment = folder, host, dict(environment or {})
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
        return f"tcp://{self._host}:{self._port}"

    @property
    def scheduler_pid(self) -> int:
        """Of its process."""
        return self._scheduler.pid

    def start_scheduler(self) -> None:
        """Starts it, on the same port as before, and waits until it listens."""
        self._scheduler = self._start("scheduler", "--host", self._host, "--port", str(self._port))
        wait_until(self._listens)

    def kill_scheduler(self) -> None:
        """Without a word to anybody."""
        self._scheduler.kill()
        self._scheduler.wait()

    def add_worker(
        self, name: str, environment: Mapping[str, str] | None = None, machine: Machine | None = None
    ) -> "subprocess.Popen[bytes]":
        """Starts a worker; it joins a little later. environment: that it has besides. machine: where, None for here."""
        host = self._host if machine is None else machine.address
        options = ["--host", host, "--nthreads", "1", "--name", name, "--local-directory", str(self._folder)]
        within = [] if machine is None else machine.within
        return self._start("worker", self.address, *options, environment=environment, within=within)

    def kill_worker(self, worker: "subprocess.Popen[bytes]") -> None:
        """With its nanny, which would start another."""
        for pid in [*descendants(worker.pid), worker.pid]:
            os.kill(pid, signal.SIGKILL)

    def _listens(self) -> bool:
        with socket.socket() as caller:
            return caller.connect_ex((self._host, self._port)) == 0

    def _start(
        self,
        what: str,
        *options: str,
        environment: Mapping[str, str] | None = None,
        within: Sequence[str] = (),
    ) -> "subprocess.Popen[bytes]":
        path = os.pathsep.join([str(_ROOT), str(_ROOT / "tests")])
        with (self._folder / f"{what}.log").open("ab") as log:
            process = subprocess.Popen(
                [*within, sys.executable, "-m", "dask", what, *options, "--no-dashboard"],
                stdout=log,
                stderr=log,
                env=os.environ | {"PYTHONPATH": path} | self._environment | dict(environment or {}),
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
