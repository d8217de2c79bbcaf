"""How a running sweep tells how it goes."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Status:
    """How far a sweep is, in trainings. best: (trial, mean of the first objective over its replicates), None before the
    first. waiting: results that the store has not yet. why: the reason, where it is away. longest: (trial, epoch,
    epochs) of the training that has run for longest, where that is seconds.
    """

    total: int
    ended: int
    running: int
    failed: int
    best: tuple[int, float] | None
    waiting: int = 0
    why: str | None = None
    longest: tuple[int, int, int] | None = None


class Progress(Protocol):
    """Told how the sweep goes."""

    def show(self, status: Status) -> None:
        """Called whenever the status may have changed."""

    def say(self, message: str) -> None:
        """A sentence for the person who waits."""
