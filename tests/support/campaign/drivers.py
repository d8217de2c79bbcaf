"""Drivers of sweeps as processes of their own, all marked, so that whatever is left of them is found."""

import contextlib
import copy
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from support.processes import children, is_running

MARK = "SWEEPS_CAMPAIGN"  # in the environment of a driver and of all that it starts
_CLOCK = Path(__file__).with_name("clock")
_ROOT = Path(__file__).parents[3]
_PRELOADED = [
    "alembic.command",
    "git",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "mlflow.pyfunc",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "optuna",
    "pyarrow.parquet",
    "sweeps.analysis.ranking",
    "sweeps.cli.main",
    "sweeps.driver.loop",
    "sweeps.sampling.optuna_study",
    "sweeps.tracking.serving.registered_model",
    "sweeps.tracking.writer",
    "sweeps.views.report.publishing",
    "sweeps.views.terminal_tables",
]


def forks() -> ForkServerContext:
    """Where drivers come from: forks of a process that has all modules loaded, for importing takes most of the time."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context


class Driver:
    """`sweeps run` in a session of its own; its output goes to a log."""

    def __init__(self, context: ForkServerContext, arguments: Sequence[str], place: "Place", fresh: bool) -> None:
        """fresh: a program of its own, imports and all."""
        self.log = place.folder / f"driver-{len(place.sessions)}.log"
        self._process: ForkServerProcess | subprocess.Popen[bytes]
        if fresh:
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "sweeps", *arguments],
                    cwd=place.folder,
                    env=os.environ | place.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        else:
            given = (list(arguments), str(place.folder), dict(place.environment), str(self.log))
            self._process = context.Process(target=_drive, args=given)
            self._process.start()
        self.pid = int(self._process.pid or 0)
        place.sessions.append(self.pid)

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative where a signal ended it."""
        return self._process.poll() if isinstance(self._process, subprocess.Popen) else self._process.exitcode

    def work(self) -> float:
        """Processor time that it has used, in seconds: how far it is, however busy the machine; 0 once it has ended."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def reaches(self, work: float, patience: float) -> bool:
        """Waits until it has used so much more processor time, or has been idle for long; False where it has ended."""
        wanted, until = self.work() + work, time.monotonic() + patience
        while self.exit_code is None and self.work() < wanted and time.monotonic() < until:
            time.sleep(0.01)
        return self.exit_code is None

    def wait(self, seconds: float) -> bool:
        """Whether it ended within the time."""
        until = time.monotonic() + seconds
        while self.exit_code is None and time.monotonic() < until:
            time.sleep(0.02)
        return self.exit_code is not None

    def kill(self) -> None:
        """Ends it with all that is in its group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait(60)

    def workers(self) -> list[int]:
        """Its processes that train; loky has another, which keeps accounts."""
        return [pid for pid in children(self.pid) if is_running(pid) and b"resource_tracker" not in _command(pid)]


class Place:
    """Where a case's drivers run, and which have run there. The folder is their mark, too."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder, self.sessions = folder, list[int]()
        (folder / "tmp").mkdir(parents=True)
        self.environment: Mapping[str, str] = {
            MARK: str(folder),
            "SWEEPS_CACHE": str(cache),
            "SWEEPS_DATA": str(folder / "data"),
            "TMPDIR": str(folder / "tmp"),
            "PYTHONPATH": os.pathsep.join([str(_CLOCK), str(_ROOT)]),
            "CAMPAIGN_CLOCK": str(self.clock_back),
            "OPENBLAS_NUM_THREADS": "1",
        }

    def with_cache(self, cache: Path) -> "Place":
        """The same place, its next driver with a cache of its own."""
        other = copy.copy(self)
        other.environment = {**self.environment, "SWEEPS_CACHE": str(cache)}
        return other

    def last_words(self) -> str:
        """The end of the last driver's output."""
        log = self.folder / f"driver-{len(self.sessions) - 1}.log"
        return log.read_text(errors="replace").strip()[-400:] if log.exists() else ""

    @property
    def clock_back(self) -> Path:
        """Where this file is, the clock of all processes of the case stands an hour back."""
        return self.folder / "clock-back"

    def clear(self) -> None:
        """Ends what is left of the drivers."""
        for session in self.sessions:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(session, signal.SIGKILL)

    def left_behind(self, patience: float) -> list[str]:
        """The processes that outlived their drivers by so many seconds."""
        until = time.monotonic() + patience
        while (found := self._marked()) and time.monotonic() < until:
            time.sleep(0.1)
        return found

    def _marked(self) -> list[str]:
        mark = f"{MARK}={self.environment[MARK]}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and int(entry.name) != os.getpid():
                try:
                    state, *fields = (entry / "stat").read_text().rpartition(")")[2].split()
                    ours = int(fields[2]) in self.sessions or mark in (entry / "environ").read_bytes().split(b"\0")
                except OSError:  # it has ended
                    continue
                if ours and state != "Z":
                    found.append(f"{entry.name} {_command(int(entry.name)).decode(errors='replace')}")
        return found


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").strip()
    except OSError:
        return b""


def _drive(arguments: list[str], folder: str, environment: dict[str, str], log: str) -> None:
    """In the fork."""
    os.setsid()
    os.chdir(folder)
    os.environ.update(environment)
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    opened = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(opened, 1)
    os.dup2(opened, 2)
    from support.campaign.clock import clock_of_the_case

    from sweeps.cli.main import main

    clock_of_the_case.obey()
    sys.exit(main(arguments))
