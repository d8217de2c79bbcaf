"""Ctrl-C and a hang-up are the driver's: none of the processes that it starts hears of them, at any moment."""

import signal
from collections.abc import Iterator
from multiprocessing import resource_tracker
from pathlib import Path

import pytest
from joblib.externals.loky.backend import resource_tracker as loky_resource_tracker

from sweeps.executors.loky import LokyExecutor

_OURS = {signal.SIGINT, signal.SIGHUP}


@pytest.fixture
def executor() -> Iterator[LokyExecutor]:
    executor = LokyExecutor(1, preload="math")
    yield executor
    executor.close()


def test_a_worker_is_deaf_to_both_and_the_driver_is_not(executor: LokyExecutor) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert executor.submit(_blocked, "self").result() >= _OURS
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
    assert not before & _OURS


def test_a_worker_after_the_death_of_another_is_deaf_too(executor: LokyExecutor) -> None:
    dying = executor.submit(signal.raise_signal, signal.SIGKILL)
    assert dying.exception() is not None
    assert executor.submit(_blocked, "self").result() >= _OURS


def test_what_clears_up_after_workers_is_deaf_too(executor: LokyExecutor) -> None:
    executor.submit(int).result()
    trackers = [resource_tracker._resource_tracker, loky_resource_tracker._resource_tracker]
    for tracker in trackers:
        assert _blocked(str(tracker._pid)) | _blocked(str(tracker._pid), "SigIgn") >= _OURS


def _blocked(process: str, field: str = "SigBlk") -> set[int]:
    [line] = [line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith(field)]
    mask = int(line.split()[1], 16)
    return {number for number in range(1, 65) if mask >> (number - 1) & 1}
