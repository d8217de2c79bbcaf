"""Every executor keeps the same contract: results, exceptions and deaths come back, it goes on, and it ends at once."""

import contextlib
import operator
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import Protocol

import pytest
from support.clusters import Cluster, wait_until
from support.processes import is_running

from sweeps.executors.base import Executor, outcomes
from sweeps.executors.dask import DaskExecutor
from sweeps.executors.event_channel import Event, Sink, say
from sweeps.executors.loky import LokyExecutor

PRELOAD = "sweeps.worker.trial"
_LONG_SECONDS = 240.0


class Open(Protocol):
    """Opens an executor with two workers."""

    def __call__(self, sink: Sink | None = None) -> contextlib.AbstractContextManager[Executor]: ...


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        for name in ("one", "other"):
            cluster.add_worker(name)
        yield cluster


@pytest.fixture(params=["loky", "dask"])
def opened(request: pytest.FixtureRequest) -> Open:
    if request.param == "loky":
        return lambda sink=None: contextlib.closing(LokyExecutor(2, PRELOAD, sink))
    address = request.getfixturevalue("cluster").address

    @contextlib.contextmanager
    def on_cluster(sink: Sink | None = None) -> Iterator[Executor]:
        with contextlib.closing(DaskExecutor(address, PRELOAD, lambda message: None, {}, sink=sink)) as executor:
            wait_until(lambda: executor.size == 2)
            yield executor

    return on_cluster


@pytest.fixture
def executor(opened: Open) -> Iterator[Executor]:
    with opened() as executor:
        yield executor


def test_results_come_back_in_their_order_whatever_was_first(executor: Executor) -> None:
    assert outcomes(executor, _slept, [0.3, 0.0, 0.1]) == [0.3, 0.0, 0.1]


@pytest.mark.parametrize(("raised", "said"), [(ValueError("eta"), "eta"), (SystemExit("enough"), "enough")])
def test_what_is_raised_comes_back_and_breaks_nothing(executor: Executor, raised: BaseException, said: str) -> None:
    error = executor.submit(_raise, raised).exception()
    assert error is not None
    assert not isinstance(error, BrokenExecutor)
    assert said in str(error)
    assert executor.submit(operator.add, 1, 2).result() == 3


def test_a_death_comes_back_as_such_and_the_next_is_done(executor: Executor) -> None:
    assert isinstance(executor.submit(signal.raise_signal, signal.SIGKILL).exception(), BrokenExecutor)
    wait_until(lambda: executor.size == 2)
    assert executor.submit(operator.add, 1, 2).result() == 3


def test_two_run_at_a_time(executor: Executor, tmp_path: Path) -> None:
    places = [tmp_path / "one", tmp_path / "other"]
    assert outcomes(executor, _met, [places, places[::-1]]) == [True, True]


def test_what_workers_say_is_heard_as_it_was_said(opened: Open) -> None:
    heard: list[Event] = []
    event = {"cost": 0.1 + 0.2, "infinite": float("inf"), "texts": ["a", "ä"]}
    with opened(heard.append) as executor:
        assert executor.submit(say, event).result()
        wait_until(lambda: heard == [event])


def test_close_ends_at_once_what_runs(opened: Open, tmp_path: Path) -> None:
    with opened() as executor:
        running = [executor.submit(_slept_for_long, tmp_path) for _ in range(2)]
        wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
        began = time.monotonic()
    pids = [int(path.name) for path in tmp_path.iterdir()]
    wait_until(lambda: not any(map(is_running, pids)))
    assert time.monotonic() - began < _LONG_SECONDS / 2
    assert all(future.exception() is not None for future in running)


def _slept(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def _slept_for_long(folder: Path) -> None:
    (folder / str(os.getpid())).touch()
    time.sleep(_LONG_SECONDS)


def _met(places: list[Path]) -> bool:
    """Whether the other came while this one was there."""
    mine, other = places
    mine.touch()
    deadline = time.monotonic() + _LONG_SECONDS / 4
    while not other.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return other.exists()


def _raise(error: BaseException) -> None:
    raise error
