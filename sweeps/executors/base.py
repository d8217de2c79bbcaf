"""Where trials run, whatever it is: the interface of an executor."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from typing import Protocol, TypeVar

T = TypeVar("T")

_GLANCE_SECONDS = 0.5


class ClusterError(ValueError):
    """A cluster that cannot be used as it was named; the message says why, and what to do."""


class WorkerDiedError(BrokenExecutor):
    """A worker died of what it ran, and nothing else was lost with it."""


class TaskLostError(BrokenExecutor):
    """What ran was lost through no fault of its own, and is to run again; nothing else need be lost."""


class Executor(Protocol):
    """Where trials run.

    A future's exception is a BrokenExecutor when a worker died while the trial was in flight: all that was in flight is
    lost then, unless it is one of the two above.
    """

    @property
    def size(self) -> int:
        """How many trials run at a time: that may change while they run, to none, too."""

    def submit(self, function: Callable[..., T], *arguments: object) -> "Future[T]":
        """Runs function(*arguments) in a worker; a pool that has lost a worker is made anew first."""

    def close(self) -> None:
        """Ends the workers, whatever they are doing."""


def outcome(executor: Executor, function: Callable[..., T], *arguments: object) -> T:
    """What function(*arguments) returns in a worker, whatever is lost on the way there."""
    while True:
        try:
            return executor.submit(function, *arguments).result()
        except TaskLostError:
            time.sleep(_GLANCE_SECONDS)


def outcomes(executor: Executor, function: Callable[..., T], each: Sequence[object]) -> list[T]:
    """What function(one) returns for each, in their order; as many are in flight as there are workers."""
    found: dict[int, T] = {}
    flying: dict[Future[T], int] = {}
    due = deque(range(len(each)))
    while len(found) < len(each):
        while due and len(flying) < executor.size:
            number = due.popleft()
            flying[executor.submit(function, each[number])] = number
        if not flying:
            time.sleep(_GLANCE_SECONDS)
        done, _ = wait(flying, timeout=_GLANCE_SECONDS, return_when=FIRST_COMPLETED)
        for future in done:
            number = flying.pop(future)
            if isinstance(future.exception(), TaskLostError):
                due.appendleft(number)
            else:
                found[number] = future.result()
    return [found[number] for number in range(len(each))]
