"""What may befall a running sweep. A fault strikes a driver that runs, and says whether it met one."""

import contextlib
import os
import random
import resource
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.campaign.clusters import TendedCluster
from support.campaign.drivers import Driver
from support.campaign.stores import HttpStore, Kept, ServedPostgresStore, SqliteStore, full, locked


@dataclass(frozen=True)
class Times:
    """How long things last, in seconds. pause: before an answer. lies: answers that are lost, or late."""

    stopped: float
    locked: float
    away: float
    full: float
    pause: float
    lies: int


LONG = Times(stopped=10, locked=60, away=30, full=15, pause=2, lies=12)
SHORT = Times(stopped=1, locked=2, away=3, full=2, pause=0.5, lies=4)
_LIES_SECONDS = 120.0


@dataclass
class Scene:
    """What a fault finds. another: starts a second driver of the same sweep, with a cache of its own where asked."""

    driver: Driver
    store: Kept
    folder: Path
    rng: random.Random
    times: Times
    another: Callable[[bool], Driver]
    cluster: TendedCluster | None = None


Strike = Callable[[Scene], bool]


@dataclass(frozen=True)
class Fault:
    """weight: how often it is drawn. stores: kinds. mounts: needs small disks. early: strikes at the sweep's birth.

    retries: a trial may have failed by it.
    """

    name: str
    strike: Strike
    weight: int = 4
    stores: tuple[str, ...] = ("sqlite", "http", "postgres")
    mounts: bool = False
    retries: bool = False
    early: bool = False

    def strikes(self, store: str) -> bool:
        """Whether it can befall a store of that kind; a server's faults befall it whatever is behind it."""
        return store in self.stores or store.partition(" on ")[0] in self.stores


def _send(number: signal.Signals, target: str) -> Strike:
    def strike(scene: Scene) -> bool:
        pid = scene.driver.pid
        if target == "worker":
            workers = scene.driver.workers()
            if not workers:
                return False
            pid = scene.rng.choice(workers)
        send = os.killpg if target == "group" else os.kill
        if scene.driver.exit_code is not None:
            return False
        with contextlib.suppress(ProcessLookupError):
            send(pid, number)
            if number == signal.SIGSTOP:
                time.sleep(scene.times.stopped)
                send(pid, signal.SIGCONT)
            return True
        return False

    return strike


def _locked(scene: Scene) -> bool:
    file = scene.store.file(scene.folder)
    if file is None or not file.exists():
        return False
    with locked(file):
        scene.driver.wait(scene.times.locked)
    return True


def _away(scene: Scene) -> bool:
    assert not isinstance(scene.store, SqliteStore)
    scene.store.stop()
    scene.driver.wait(scene.times.away)
    scene.store.start()
    return True


def _killed_server(scene: Scene) -> bool:
    assert not isinstance(scene.store, SqliteStore)
    scene.store.stop()
    scene.store.start()
    return True


def _killed_database(scene: Scene) -> bool:
    assert isinstance(scene.store, ServedPostgresStore)
    scene.store.restart_database()
    return True


def _suspended_server(scene: Scene) -> bool:
    assert not isinstance(scene.store, SqliteStore)
    pids = scene.store.pids()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    scene.driver.wait(scene.times.stopped)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    return True


def _lying(kind: str, share: float) -> Strike:
    def strike(scene: Scene) -> bool:
        assert isinstance(scene.store, HttpStore)
        proxy = scene.store.proxy
        before = sum(proxy.told.values())
        until = time.monotonic() + _LIES_SECONDS
        with proxy.lying((kind,), share, scene.times.pause):
            while sum(proxy.told.values()) - before < scene.times.lies and time.monotonic() < until:
                if scene.driver.wait(0.1):
                    break
        return sum(proxy.told.values()) > before

    return strike


def _full(part: str, of_servers: str = "") -> Strike:
    """The disk under a part of the case's folder. of_servers: where the part is of the sweeps of servers."""

    def strike(scene: Scene) -> bool:
        with full(scene.folder / (part if isinstance(scene.store, SqliteStore) else of_servers or part)):
            scene.driver.wait(scene.times.full)
        return True

    return strike


def _memory(of_worker: bool) -> Strike:
    def strike(scene: Scene) -> bool:
        workers = scene.driver.workers()
        if of_worker and not workers:
            return False
        pid = scene.rng.choice(workers) if of_worker else scene.driver.pid
        try:
            used = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
            resource.prlimit(pid, resource.RLIMIT_AS, (used + scene.rng.randrange(1 << 22), resource.RLIM_INFINITY))
        except (OSError, ValueError):
            return False
        return True

    return strike


def _clock(scene: Scene) -> bool:
    back = scene.folder / "clock-back"
    back.touch()
    scene.driver.wait(scene.times.full)
    back.unlink()
    return True


def _birth(scene: Scene) -> bool:
    """SIGKILL while the store is made."""
    runs = scene.folder / "mlruns"
    until = time.monotonic() + 60
    while not list(runs.glob(".mlflow.db.*.making")):
        if (runs / "mlflow.db").exists() or scene.driver.exit_code is not None or time.monotonic() > until:
            return False
        time.sleep(0.002)
    time.sleep(scene.rng.uniform(0, 0.8))
    os.killpg(scene.driver.pid, signal.SIGKILL)
    return True


def _second(own_cache: bool) -> Strike:
    def strike(scene: Scene) -> bool:
        other = scene.another(own_cache)
        other.wait(240)
        return other.exit_code is not None

    return strike


def _on_worker(number: signal.Signals, with_nanny: bool) -> Strike:
    """To a worker of the cluster, to its nanny too where asked."""

    def strike(scene: Scene) -> bool:
        assert scene.cluster is not None
        pids = scene.cluster.pids(scene.rng.choice(("here", "afar")))
        struck = pids if with_nanny else pids[1:]
        _to_all(struck, number)
        if number == signal.SIGSTOP:
            scene.driver.wait(scene.times.stopped)
            _to_all(struck, signal.SIGCONT)
        return bool(struck) and scene.driver.exit_code is None

    return strike


def _scheduler_killed(scene: Scene) -> bool:
    assert scene.cluster is not None
    scene.cluster.kill_scheduler(scene.rng.uniform(0, scene.times.stopped))
    return scene.driver.exit_code is None


def _scheduler_stopped(scene: Scene) -> bool:
    assert scene.cluster is not None
    _to_all([scene.cluster.scheduler_pid], signal.SIGSTOP)
    scene.driver.wait(scene.times.stopped)
    _to_all([scene.cluster.scheduler_pid], signal.SIGCONT)
    return True


def _cut_off(scene: Scene) -> bool:
    assert scene.cluster is not None
    scene.cluster.machine.cut()
    scene.driver.wait(scene.times.away)
    scene.cluster.machine.mend()
    return True


def _to_all(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _signals() -> list[Fault]:
    numbers = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGSTOP)
    names = {number: number.name + (" and SIGCONT" if number == signal.SIGSTOP else "") for number in numbers}
    return [
        Fault(f"{names[number]}: the {target}", _send(number, target), weight=8 if number == signal.SIGKILL else 4)
        for target in ("driver", "worker", "group")
        for number in numbers
    ]


FAULTS = [
    *_signals(),
    Fault("store: locked", _locked, weight=2, stores=("sqlite",)),
    Fault("store: the server killed", _killed_server, weight=6, stores=("http", "postgres")),
    Fault("store: SIGSTOP and SIGCONT", _suspended_server, weight=4, stores=("http", "postgres")),
    Fault("store: away", _away, weight=3, stores=("http", "postgres")),
    Fault("store: slow answers", _lying("waits", 1.0), weight=2, stores=("http",)),
    Fault("store: acts, then answers 500", _lying("acts, then answers 500", 0.2), weight=8, stores=("http",)),
    Fault("store: acts, then hangs up", _lying("acts, then hangs up", 0.2), weight=8, stores=("http",)),
    Fault("store: hangs up", _lying("hangs up", 0.2), weight=8, stores=("http",)),
    Fault("store: SIGKILL while it is made", _birth, weight=8, stores=("sqlite",), early=True),
    Fault("disk full: database", _full("mlruns"), weight=5, stores=("sqlite",), mounts=True),
    Fault("disk full: artifacts", _full("mlruns/artifacts"), weight=5, stores=("sqlite",), mounts=True),
    Fault("disk full: outbox", _full("mlruns/outbox", of_servers="data"), weight=8, mounts=True),
    Fault("disk full: TMPDIR", _full("tmp"), weight=5, mounts=True),
    Fault("memory: a worker's is used up", _memory(True), weight=4, retries=True),
    Fault("memory: the driver's is used up", _memory(False), weight=4),
    Fault("clock: an hour back", _clock, weight=4),
    Fault("two drivers: the same cache", _second(False), weight=4),
    Fault("two drivers: caches of their own", _second(True), weight=4),
]

CLUSTER_FAULTS = [
    *(fault for fault in FAULTS if fault.name.endswith(": the driver")),
    *(fault for fault in FAULTS if fault.name.startswith("store: ") and not fault.early),
    Fault("cluster: SIGKILL of a worker", _on_worker(signal.SIGKILL, with_nanny=False), weight=10),
    Fault("cluster: SIGKILL of a worker and its nanny", _on_worker(signal.SIGKILL, with_nanny=True), weight=10),
    Fault("cluster: SIGSTOP and SIGCONT of a worker", _on_worker(signal.SIGSTOP, with_nanny=False), weight=8),
    Fault("cluster: SIGKILL of the scheduler", _scheduler_killed, weight=12),
    Fault("cluster: SIGSTOP and SIGCONT of the scheduler", _scheduler_stopped, weight=8),
    Fault("cluster: a machine cut off and back", _cut_off, weight=12),
    Fault("store: its database killed", _killed_database, weight=16, stores=("http on postgres",)),
]
