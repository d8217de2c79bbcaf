"""A limit counts what the processor did; the clock, generously, counts only while the process was not suspended."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest
from support.processes import descendants

from sweeps.errors import UserNetworkError
from sweeps.executors.loky import LokyExecutor, pickled_by_value
from sweeps.user_network.clean_room import RoomDiedError, in_clean_room
from sweeps.user_network.time_limit import limited_time, wall_limit

PRELOAD = "sweeps.user_network.time_limit"


@pytest.fixture(scope="module")
def pool() -> Iterator[LokyExecutor]:
    """A worker."""
    with closing(LokyExecutor(1, PRELOAD)) as made:
        yield made


def _sleeps(seconds: float, wall: float) -> None:
    with limited_time(seconds, wall=wall):
        while True:
            time.sleep(0.01)


def _swallows(seconds: float, wall: float) -> None:
    with limited_time(seconds, wall=wall):
        while True:
            with suppress(BaseException):
                time.sleep(0.01)


def _works(seconds: float, wall: float) -> None:
    with limited_time(seconds, wall=wall):
        while True:
            sum(range(1000))


def _works_on(seconds: float, wall: float) -> None:
    with limited_time(seconds, wall=wall):
        while True:
            with suppress(BaseException):
                sum(range(1_000_000))


def _takes(seconds: float, wall: float, busy: float, asleep: float, started: Path) -> str:
    """Sound code that is busy for a while, and asleep for another."""
    with limited_time(seconds, wall=wall):
        started.touch()
        while time.process_time() < busy:
            sum(range(1000))
        time.sleep(asleep)
    return "sound"


def _stops_itself(seconds: float, wall: float) -> None:
    with limited_time(seconds, wall=wall):
        os.kill(os.getpid(), signal.SIGSTOP)


def _hosted(function: Callable[..., object], seconds: float, wall: float, *arguments: object) -> object:
    return in_clean_room(pickled_by_value((function, (seconds, wall, *arguments))), wall, PRELOAD)


@pytest.mark.parametrize(
    ("function", "seconds", "wall", "said"),
    [
        (_works, 0.3, 60.0, r"longer than its time limit of 0\.3 s; running: .*test_time_limit\.py, line \d+, in "),
        (_sleeps, 2.0, 4.0, r"4 s by the clock.* time limit of 2 s; running: .*test_time_limit\.py, line \d+"),
    ],
)
def test_code_that_takes_too_long_is_stopped_and_its_line_named(
    pool: LokyExecutor, function: Callable[..., None], seconds: float, wall: float, said: str
) -> None:
    with pytest.raises(UserNetworkError, match=f"{said}.*{function.__name__}"):
        pool.submit(_hosted, function, seconds, wall).result()
    assert pool.submit(abs, -1).result() == 1


@pytest.mark.parametrize(("function", "wall", "said"), [(_works_on, 60.0, "SIGXCPU"), (_swallows, 2.0, "no notice")])
def test_code_that_heeds_no_limit_loses_its_process_and_the_worker_goes_on(
    pool: LokyExecutor, function: Callable[..., None], wall: float, said: str
) -> None:
    worker = pool.submit(os.getpid).result()
    with pytest.raises(BrokenExecutor, match=said) as died:
        pool.submit(_hosted, function, 0.3, wall).result()
    assert isinstance(died.value, RoomDiedError)
    assert pool.submit(os.getpid).result() == worker


@pytest.mark.parametrize("whom", ["all", "the room"])
def test_a_suspension_longer_than_both_limits_fails_nothing(pool: LokyExecutor, tmp_path: Path, whom: str) -> None:
    seconds, wall, suspended = 1.0, 10.0, 12.0  # a busy neighbour takes ten times as long, and is no fault
    started = tmp_path / "started"
    worker = pool.submit(os.getpid).result()
    future = pool.submit(_hosted, _takes, seconds, wall, 0.3, 0.3, started)
    while not started.exists():
        assert not future.done(), future.exception()
        time.sleep(0.01)
    stopped = [worker, *descendants(worker)] if whom == "all" else descendants(worker)[-1:]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(suspended)
        assert not future.done()
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    assert future.result(60) == "sound"


@pytest.mark.soak
def test_code_that_suspends_itself_is_ended(pool: LokyExecutor) -> None:
    with pytest.raises(BrokenExecutor, match=r"was suspended for 6\d s, while this process was not"):
        pool.submit(_hosted, _stops_itself, 1.0, 10.0).result()


def test_sleeping_is_allowed_for_longer_than_the_limit(pool: LokyExecutor, tmp_path: Path) -> None:
    assert pool.submit(_hosted, _takes, 0.5, wall_limit(0.5), 0.1, 1.5, tmp_path / "started").result() == "sound"


def test_a_process_that_is_used_again_has_its_limits_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGPROF, signal.SIGALRM)]
    assert threading.current_thread() is threading.main_thread()
    with pytest.raises(UserNetworkError):
        _works(0.2, 60.0)
    assert [signal.getsignal(number) for number in (signal.SIGPROF, signal.SIGALRM)] == before
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
