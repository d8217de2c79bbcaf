"""The same spec and seed give the same tables, to the last bit: for any workers, after any interruption."""

import functools
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support import failing_workers
from support.small_sweeps import Table, Watcher, assert_same, interrupt_at, small_spec, small_table, swept, write_spec

from sweeps.cli.main import main
from sweeps.driver.loop import run_sweep
from sweeps.errors import BusyError, Interrupted, SpecError
from sweeps.events import Status
from sweeps.results.sweep import Sweep, load
from sweeps.tracking.location import sqlite_file

NewStore = Callable[[Path], str]

KINDS = {
    "tpe": {"trials": 16},
    "pruned": {"trials": 16, "stopping__pruner": "median", "plan__epochs": 4},
    "replicates": {"replicates": 2, "trials": 6},
}
# A trial takes a second or so: much longer than writing it down, or all would be trained before a few are recorded.
LONG: Table = small_table(
    name="long", trials=10, plan__epochs=20, plan__hidden=[20], search__batch_size={"choices": [1, 2]}
)
# The shortest way through each law is in `make test`, the rest in `make soak`.
KINDS_AND_JOBS = [
    ("tpe", 4),
    ("pruned", 4),
    pytest.param("tpe", 2, marks=pytest.mark.soak),
    pytest.param("replicates", 2, marks=pytest.mark.soak),
]
RECORDED = [pytest.param(0, marks=pytest.mark.soak), 5]  # trials, when the driver is struck
DEADLINE = 240.0  # seconds that a subprocess gets to reach a state


@pytest.fixture(scope="module")
def with_one_worker(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Sweep]:
    """Each kind of sweep on one worker, run when it is asked for first."""
    known: dict[str, Sweep] = {}

    def sweep(kind: str) -> Sweep:
        if kind not in known:
            known[kind] = swept(small_spec(**KINDS[kind]), new_store(tmp_path_factory.mktemp("one")), jobs=1)
        return known[kind]

    return sweep


@pytest.fixture(scope="module")
def uninterrupted(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """The long sweep, in one go."""
    return swept(small_spec(**LONG), new_store(tmp_path_factory.mktemp("long")))


@pytest.mark.parametrize(("kind", "jobs"), KINDS_AND_JOBS)
def test_sweep_is_the_same_on_any_number_of_workers(
    with_one_worker: Callable[[str], Sweep], uri: str, kind: str, jobs: int
) -> None:
    assert_same(with_one_worker(kind), swept(small_spec(**KINDS[kind]), uri, jobs))


def test_sweeps_of_the_laws_hold_every_kind_of_trial(with_one_worker: Callable[[str], Sweep]) -> None:
    pruned, tpe = with_one_worker("pruned").trials, with_one_worker("tpe").trials
    assert set(pruned["state"]) == {"complete", "pruned"}
    assert set(tpe["diverged"]) == {0, 1}
    assert tpe["eta"].nunique() == len(tpe)


@pytest.mark.parametrize("kind", [pytest.param("pruned", marks=pytest.mark.soak), "replicates"])
def test_sweep_interrupted_again_and_again_is_the_same(
    with_one_worker: Callable[[str], Sweep], uri: str, kind: str
) -> None:
    spec = small_spec(**KINDS[kind])
    for ended in (1, 9):
        with pytest.raises(Interrupted):
            run_sweep(spec, interrupt_at(ended), 2, uri)
    assert_same(with_one_worker(kind), swept(spec, uri))


@pytest.mark.parametrize("recorded", RECORDED)
def test_sweep_whose_driver_got_ctrl_c_says_how_to_go_on_and_does(
    uninterrupted: Sweep, uri: str, tmp_path: Path, recorded: int
) -> None:
    with _driver(uri, tmp_path) as driver:
        _wait_until(driver, lambda: _recorded(uri) >= recorded)
        driver.send_signal(signal.SIGINT)
        _, messages = driver.communicate(timeout=DEADLINE)
    assert driver.returncode == 130, messages
    assert "interrupted" in messages
    assert "the same command goes on from here" in messages
    assert "Traceback" not in messages
    states = _states(uri)
    assert states["sweep"] == "KILLED"
    assert "RUNNING" not in states.values()
    assert load("long", uri).state == "interrupted"
    assert_same(uninterrupted, swept(small_spec(**LONG), uri))


@pytest.mark.parametrize("recorded", RECORDED)
def test_sweep_whose_driver_was_killed_leaves_no_worker_and_goes_on(
    uninterrupted: Sweep, uri: str, tmp_path: Path, recorded: int
) -> None:
    with _driver(uri, tmp_path) as driver:
        _wait_until(driver, lambda: _recorded(uri) >= recorded and _workers(driver.pid))
        workers = _workers(driver.pid)
        driver.kill()
        driver.wait(DEADLINE)
        killed = time.monotonic()
        while any(_is_worker(pid) for pid in workers):
            assert time.monotonic() - killed < 5, "a worker outlives its driver"
            time.sleep(0.05)
    assert "sweep" in _states(uri)
    assert_same(uninterrupted, swept(small_spec(**LONG), uri))
    assert "RUNNING" not in _states(uri).values()


@pytest.mark.parametrize("ended", [0, pytest.param(7, marks=pytest.mark.soak)])
def test_sweep_that_lost_a_worker_is_the_same(with_one_worker: Callable[[str], Sweep], uri: str, ended: int) -> None:
    killed: list[int] = []

    def kill(status: Status) -> None:
        if status.ended >= ended and status.running == 2 and not killed and (workers := _workers(os.getpid())):
            os.kill(workers[0], signal.SIGKILL)
            killed.append(workers[0])

    watcher = Watcher(kill)
    run_sweep(small_spec(**KINDS["tpe"]), watcher, 2, uri, functools.partial(failing_workers.slow, seconds=0.3))
    assert len(killed) == 1
    assert any("a worker died" in message for message in watcher.messages)
    assert_same(with_one_worker("tpe"), load("small", uri))


def test_extended_sweep_equals_one_run_in_one_go(uri: str, tmp_path: Path, new_store: NewStore) -> None:
    path = write_spec(tmp_path / "spec.toml", small_table(trials=8, stopping__pruner="median"))
    assert main(["run", str(path), "--tracking-uri", uri, "--quiet"]) == 0
    assert len(load("small", uri).trials) == 8
    assert main(["run", str(path), "--tracking-uri", uri, "--quiet", "--trials", "12"]) == 0
    other = tmp_path / "other"
    other.mkdir()
    assert_same(swept(small_spec(trials=12, stopping__pruner="median"), new_store(other)), load("small", uri))


def test_finished_sweep_is_left_as_it_is(uri: str) -> None:
    spec = small_spec(trials=4)
    swept(spec, uri)
    before = _dump(uri)
    assert run_sweep(spec, Watcher(), 2, uri).was_finished
    assert run_sweep(replace(spec, trials=2), Watcher(), 1, uri).was_finished
    assert _dump(uri) == before


def test_changed_spec_under_an_old_name_is_refused_and_changes_nothing(
    uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    swept(small_spec(trials=2), uri)
    before = _dump(uri)
    changed = small_table(trials=2, seed=7, plan__epochs=5, search__eta=0.5)
    with pytest.raises(SpecError) as refusal:
        run_sweep(small_spec(**changed), Watcher(), 1, uri)
    assert refusal.value.problems == [
        "seed: was 0, is now 7",
        "search.eta: was {'low': 0.05, 'high': 5.0, 'log': True}, is now 0.5",
        "plan.epochs: was 3, is now 5",
    ]
    path = write_spec(tmp_path / "spec.toml", changed)
    assert main(["run", str(path), "--tracking-uri", uri]) == 2
    assert "plan.epochs: was 3, is now 5" in capsys.readouterr().err
    assert _dump(uri) == before


def test_two_drivers_never_run_one_sweep(uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec, path = small_spec(trials=2), write_spec(tmp_path / "spec.toml", small_table(trials=2))
    spellings = [uri, f"sqlite:///{os.path.relpath(str(sqlite_file(uri)))}"]
    codes: list[int] = []

    def try_too(_: Status) -> None:
        if not codes:
            for spelling in spellings:
                with pytest.raises(BusyError, match="'small' is being run by another process"):
                    run_sweep(spec, Watcher(), 1, spelling)
            codes.append(main(["run", str(path), "--tracking-uri", uri]))

    run_sweep(spec, Watcher(try_too), 1, uri)
    assert codes == [1]
    assert "is being run by another process" in capsys.readouterr().err
    assert load("small", uri).state == "finished"


@contextmanager
def _driver(uri: str, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """`sweeps run` of the long sweep, in a process of its own; ended in any case."""
    path = write_spec(folder / "long.toml", LONG)
    command = [sys.executable, "-m", "sweeps", "run", str(path), "--tracking-uri", uri, "--jobs", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as driver:
        try:
            yield driver
        finally:
            driver.kill()


def _wait_until(driver: "subprocess.Popen[str]", reached: Callable[[], object]) -> None:
    started = time.monotonic()
    while not reached():
        assert driver.poll() is None, driver.communicate()
        assert time.monotonic() - started < DEADLINE
        time.sleep(0.1)


def _recorded(uri: str) -> int:
    """How many trials stand in the record; -1 before the sweep itself does."""
    states = _states(uri)
    return sum(state == "FINISHED" for state in states.values()) if "sweep" in states else -1


def _states(uri: str) -> dict[str, str]:
    """Run name -> status, straight from the file."""
    query = "SELECT name, status FROM runs WHERE lifecycle_stage = 'active'"
    with closing(sqlite3.connect(f"file:{sqlite_file(uri)}?mode=ro", uri=True)) as connection:
        return dict(connection.execute(query).fetchall())


def _dump(uri: str) -> list[str]:
    """All that a store holds, but for who has driven a sweep: whoever looks after it takes it for that while."""
    with closing(sqlite3.connect(f"file:{sqlite_file(uri)}?mode=ro", uri=True)) as connection:
        return [line for line in connection.iterdump() if not re.match(r"INSERT INTO \"\w+\" VALUES\('driver\.", line)]


def _workers(driver: int) -> list[int]:
    """The worker processes of a driver."""
    children = [
        pid for task in Path(f"/proc/{driver}/task").iterdir() for pid in (task / "children").read_text().split()
    ]
    return [int(pid) for pid in children if _is_worker(int(pid))]


def _is_worker(pid: int) -> bool:
    try:
        return b"popen_loky" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
