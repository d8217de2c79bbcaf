"""Where trials run, whatever it is: the interface of an executor."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol, TypeVar

T = TypeVar("T")


class Executor(Protocol):
    """Where trials run. A future's exception is a BrokenExecutor when a worker died while the trial was in flight."""

    @property
    def size(self) -> int:
        """How many trials run at a time: that may change while they run, to none, too."""

    def submit(self, function: Callable[..., T], *arguments: object) -> "Future[T]":
        """Runs function(*arguments) in a worker; a pool that has lost a worker is made anew first."""

    def close(self) -> None:
        """Ends the workers, whatever they are doing."""
