"""One case: a sweep that several faults strike one after another, and what has to be true of it in the end."""

import contextlib
import random
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from support.campaign.clusters import TendedCluster
from support.campaign.drivers import Driver, Place
from support.campaign.faults import CLUSTER_FAULTS, FAULTS, Fault, Scene, Times
from support.campaign.stores import Kept
from support.small_sweeps import assert_same, small_table, write_spec

from sweeps.results.sweep import Sweep, load

SAMPLERS = ("tpe", "qmc")  # one that learns from results, one that does not
KINDS = {"sqlite": 4, "http": 2, "postgres": 2}  # of stores, and how often each is drawn
KINDS_ON_CLUSTER = {"sqlite": 2, "http": 1, "postgres": 2, "http on postgres": 3}
TRIALS = 16
DISKS = ("mlruns", "mlruns/artifacts", "mlruns/outbox", "data", "tmp")  # small ones, where a case has them

_OF_WORKERS = ("SWEEPS_CACHE", "OPENBLAS_NUM_THREADS")  # in the environment of a cluster's workers, as in a driver's
_MOMENTS = 0.5  # of the work that a driver has: a fault strikes within it
_IDLE_SECONDS = 20.0  # after which one strikes a driver that does nothing
_RUNS = 5  # of the sweep after its faults, until it is finished
_PATIENCE_SECONDS = 300.0  # with one driver
_DYING_SECONDS = 0.5  # given to a driver that a fault has killed
_LEAVING_SECONDS = 20.0  # given to what a dead driver had started
_ORPHAN = re.compile(
    r"Traceback \(most recent call last\):\n"
    r'  File "[^"]*/loky/backend/popen_loky_posix\.py", line \d+, in <module>\n'
    r"    \w+ = pickle\.load\(from_parent\)\n(?: +\^+\n)?"
    r"EOFError: Ran out of input\n"
)


@dataclass(frozen=True)
class Case:
    """What a seed stands for."""

    seed: int
    store: str
    sampler: str
    jobs: int
    fresh: bool
    faults: tuple[Fault, ...]
    on_cluster: bool = False

    @property
    def name(self) -> str:
        """Of its sweep."""
        return f"case-{self.seed}"

    @property
    def retries(self) -> bool:
        """Whether a trial may have failed by a fault, so that it has to be asked for again."""
        return any(fault.retries for fault in self.faults)


@dataclass
class Outcome:
    """What came of a case. struck: which of its faults met a running driver; problems: what is wrong in the end."""

    case: Case
    struck: list[bool] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def to_table(self) -> dict[str, Any]:
        case = self.case
        faults = [(fault.name, struck) for fault, struck in zip(case.faults, self.struck, strict=False)]
        return {
            "seed": case.seed,
            "store": case.store,
            "run": f"{case.sampler}, {'a cluster' if case.on_cluster else f'{case.jobs} workers'}"
            + (", a program of its own" if case.fresh else ""),
            "faults": faults,
            "problems": self.problems,
            "seconds": round(self.seconds, 1),
        }


def case_of(seed: int, only: str = "", on_cluster: bool = False) -> Case:
    """only: a part of the names of the faults to draw from. on_cluster: trainings run on a Dask cluster."""
    rng = random.Random(seed)
    kinds = KINDS_ON_CLUSTER if on_cluster else KINDS
    (store,) = rng.choices(list(kinds), list(kinds.values()))
    sampler, jobs, fresh = rng.choice(SAMPLERS), rng.choice((1, 2)), rng.random() < 0.1
    faults = CLUSTER_FAULTS if on_cluster else FAULTS
    allowed = [fault for fault in faults if fault.strikes(store) and only in fault.name]
    drawn = rng.choices(allowed, [fault.weight for fault in allowed], k=rng.choice((2, 3))) if allowed else []
    early = [fault for fault in drawn if fault.early][:1]
    struck = (*early, *(fault for fault in drawn if not fault.early))
    if any(fault.retries for fault in struck):
        sampler = "qmc"  # proposals that follow a failed trial stand, so another sampler's would be others
    return Case(seed, store, sampler, jobs, fresh, struck, on_cluster)


def spec_of(folder: Path, name: str, sampler: str) -> Path:
    """The spec of a case, as a file."""
    return write_spec(folder / "spec.toml", small_table(name=name, sampler=sampler, trials=TRIALS))


class Campaign:
    """Carries cases out.

    kept: stores by kind. undisturbed: sampler -> the sweep as it has to be; work: seconds of processor time that its
    driver used. may_mount: whether small disks can be had.
    """

    def __init__(
        self,
        context: ForkServerContext,
        folder: Path,
        kept: Callable[[str], Kept],
        undisturbed: dict[str, Sweep],
        work: float,
        times: Times,
        may_mount: bool,
    ) -> None:
        self._context, self._folder, self._kept = context, folder, kept
        self._undisturbed, self._work, self._times = undisturbed, work, times
        self._may_mount = may_mount

    def of(self, case: Case) -> Outcome:
        """Strikes, ends the sweep, and looks."""
        outcome, began = Outcome(case), time.monotonic()
        early = any(fault.early for fault in case.faults)
        folder = self._folder / case.name
        place = Place(folder, folder / "cache" if early else self._folder / "cache")
        store = self._kept(case.store)
        spec = spec_of(folder, case.name, case.sampler)
        uri = store.uri(folder)
        arguments = ["run", str(spec), "--tracking-uri", uri]
        disks = DISKS if self._may_mount and any(fault.mounts for fault in case.faults) else ()
        for disk in disks:
            (folder / disk).mkdir(parents=True, exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder / disk)], check=True)
        start = partial(Driver, self._context, place=place, fresh=case.fresh)
        with contextlib.ExitStack() as stack:
            cluster = None
            if case.on_cluster:
                environment = {name: place.environment[name] for name in _OF_WORKERS}
                cluster = stack.enter_context(TendedCluster(folder / "cluster", case.seed, environment))
            arguments += ["--jobs", str(case.jobs)] if cluster is None else ["--cluster", cluster.address]
            stack.callback(_cleared, place, disks)
            driver = start(arguments)
            for number, fault in enumerate(case.faults):
                if driver.exit_code not in (None, 0):  # one that was struck and lives is struck again
                    driver = start(arguments)
                rng = random.Random(f"{case.seed}/{number}")
                scene = self._scene(place, store, arguments, rng, driver)
                scene.cluster = cluster
                outcome.struck.append(self._struck(fault, scene))
                driver.wait(_DYING_SECONDS)
            outcome.problems += _ended(driver, case.faults[-1].name)
            outcome.problems += _finished(start, arguments + ["--retry-failed"] * case.retries, place)
            outcome.problems += [f"left behind: {left}" for left in place.left_behind(_LEAVING_SECONDS)]
            outcome.problems += wrong(uri, case.name, self._undisturbed[case.sampler])
            outcome.problems += _tracebacks(place, case)
        outcome.seconds = time.monotonic() - began
        return outcome

    def _struck(self, fault: Fault, scene: Scene) -> bool:
        """Whether the fault met a driver that ran, at a moment of its work."""
        if fault.mounts and not self._may_mount:
            return False
        work = scene.rng.uniform(0, _MOMENTS * self._work)
        if not fault.early and not scene.driver.reaches(work, _IDLE_SECONDS):
            return False
        return fault.strike(scene)

    def _scene(self, place: Place, store: Kept, arguments: Sequence[str], rng: random.Random, driver: Driver) -> Scene:
        def another(own_cache: bool) -> Driver:
            again = list(arguments)
            if own_cache and store.kind == "sqlite":
                again[again.index("--tracking-uri") + 1] += "?timeout=30"
            elsewhere = place.with_cache(place.folder / "another-cache") if own_cache else place
            return Driver(self._context, again, elsewhere, fresh=False)

        return Scene(driver, store, place.folder, rng, self._times, another)


def _cleared(place: Place, disks: Sequence[str]) -> None:
    """Ends what is left of a case's drivers, and takes its small disks away."""
    place.clear()
    for disk in reversed(disks):
        subprocess.run(["umount", "--lazy", str(place.folder / disk)], check=True)


def _ended(driver: Driver, fault: str) -> list[str]:
    if driver.wait(_PATIENCE_SECONDS):
        return []
    driver.kill()
    return [f"after {fault!r} the driver did not end within {_PATIENCE_SECONDS:g} s"]


def _finished(start: Callable[[Sequence[str]], Driver], arguments: Sequence[str], place: Place) -> list[str]:
    """Runs the sweep again until it is finished."""
    codes = []
    for _ in range(_RUNS):
        driver = start(arguments)
        if problem := _ended(driver, "all faults"):
            return problem
        codes.append(driver.exit_code)
        if driver.exit_code == 0:
            return []
    return [f"not finished by {_RUNS} runs, which ended with {codes}: {place.last_words()}"]


def wrong(uri: str, name: str, undisturbed: Sweep) -> list[str]:
    """What is not as it has to be in the record."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return ["there is no experiment"]
    problems = []
    runs = client.search_runs([experiment.experiment_id])
    names = Counter(run.info.run_name for run in runs)
    asked = Counter(["sweep", *(f"trial-{number:04}" for number in range(TRIALS))])
    if names != asked:
        problems.append(f"runs: too many {dict(names - asked)}, missing {dict(asked - names)}")
    states = {run.info.run_name: run.info.status for run in runs if run.info.status != "FINISHED"}
    if states:
        problems.append(f"runs not finished: {states}")
    versions = client.search_model_versions(f"name = '{name}'")
    models = client.search_logged_models([experiment.experiment_id])
    if len(versions) != 1 or len(models) != 1:
        problems.append(f"{len(versions)} versions of the champion, {len(models)} models")
    elif client.get_model_version_by_alias(name, "champion").version != versions[0].version:
        problems.append("the champion is not the version that there is")
    sweep = load(name, uri)
    if sweep.state != "finished":
        problems.append(f"the sweep is {sweep.state}")
    try:
        assert_same(sweep, undisturbed)
    except AssertionError as error:
        problems.append(f"tables are not those of the undisturbed sweep: {' '.join(str(error).split())[:300]}")
    return problems


def of_ours(log: str) -> str:
    """A log without what loky prints where a worker that is just starting finds its driver gone, killed."""
    return _ORPHAN.sub("", log)


def _tracebacks(place: Place, case: Case) -> list[str]:
    """What a person would have seen of our insides."""
    logs = {log.name: log.read_text(errors="replace") for log in sorted(place.folder.glob("driver-*.log"))}
    if any("SIGKILL" in fault.name and "worker" not in fault.name for fault in case.faults):
        logs = {name: of_ours(text) for name, text in logs.items()}
    found = {name: text[text.index("Traceback") :][-1500:] for name, text in logs.items() if "Traceback" in text}
    return [f"{name} holds a traceback: {text}" for name, text in found.items()]
