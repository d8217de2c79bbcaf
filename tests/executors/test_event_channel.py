"""What workers say while they work arrives as it was said; whatever else is sent there is not heard."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator

import pytest

from sweeps.executors.event_channel import Event, Receiver, say, speak_to, spoken_to
from sweeps.executors.loky import LokyExecutor


@pytest.fixture
def heard() -> list[Event]:
    return []


@pytest.fixture
def receiver(heard: list[Event]) -> Iterator[Receiver]:
    receiver = Receiver(heard.append)
    yield receiver
    speak_to(None)
    receiver.close()


def test_what_is_said_is_what_is_heard_to_the_last_bit(receiver: Receiver, heard: list[Event]) -> None:
    event = {"epoch": 3, "cost": 0.1 + 0.2, "least": 5e-324, "infinite": float("inf"), "texts": ["a", "ä"]}
    speak_to(receiver.address)
    assert spoken_to() == receiver.address
    assert say(event)
    _until(lambda: heard == [event])


def test_who_does_not_know_the_word_is_not_heard(receiver: Receiver, heard: list[Event]) -> None:
    assert receiver.address is not None
    host, port, word = receiver.address
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        said = [b"", b"{}", word.encode(), b"x {}", f"{word} [1]".encode(), f"{word} {{".encode(), b"\xff\xfe {}"]
        for one in [*said, f"{word} {'[' * 50_000}".encode()]:
            stranger.sendto(one, (host, port))
    speak_to(receiver.address)
    assert say({"last": 1})
    _until(lambda: heard == [{"last": 1}])


def test_nobody_waits_for_who_does_not_listen(receiver: Receiver) -> None:
    assert not say({"to": "nobody"})
    speak_to(receiver.address)
    assert not say({"too long": "x" * 100_000})
    assert not say({"no number": object()})
    receiver.close()
    began = time.monotonic()
    for number in range(1000):
        say({"number": number})
    assert time.monotonic() - began < 5


def test_workers_are_heard_those_after_a_death_too(heard: list[Event]) -> None:
    executor = LokyExecutor(2, preload="math", sink=heard.append)
    try:
        assert executor.submit(say, {"worker": 1}).result()
        assert executor.submit(os.kill, os.getpid(), 0).exception() is None
        assert executor.submit(signal.raise_signal, signal.SIGKILL).exception() is not None
        assert executor.submit(say, {"worker": 2}).result()
        _until(lambda: heard == [{"worker": 1}, {"worker": 2}])
    finally:
        executor.close()


def _until(reached: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)
