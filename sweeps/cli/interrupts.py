"""Signals that end a command: each is heard, wherever in the program it strikes."""

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_MOMENT = 0.05  # s, in which the program comes out of the place where nothing can be raised


def heed(*signals: signal.Signals) -> None:
    """From now on each of these signals raises KeyboardInterrupt in the main thread.

    A handler raises wherever the main thread is at that moment, and where that is a weak reference's callback or a
    destructor, Python prints a traceback and goes on as if nothing had been pressed. There it is raised a moment later.
    """
    for number in signals:
        signal.signal(number, _interrupt)
    if not isinstance(sys.unraisablehook, _RaisedLater):
        sys.unraisablehook = _RaisedLater(sys.unraisablehook)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


class _RaisedLater:
    """What Python does with errors that cannot be raised, but for interrupts."""

    def __init__(self, other: "Callable[[UnraisableHookArgs], object]") -> None:
        self._other = other

    def __call__(self, error: "UnraisableHookArgs") -> None:
        if isinstance(error.exc_value, KeyboardInterrupt):  # by an alarm: a thread takes locks, which may be held here
            signal.signal(signal.SIGALRM, _interrupt)
            signal.setitimer(signal.ITIMER_REAL, _MOMENT)
        else:
            self._other(error)
