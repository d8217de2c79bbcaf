"""Where somebody's code runs: in a worker process, for a limited time, its prints kept out of the results."""

import contextlib
import faulthandler
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from sweeps.errors import UserNetworkError
from sweeps.user_network.describing import describe

_AGAIN_SECONDS = 1.0  # until code that swallowed the exception gets the next
_GRACE_SECONDS = 5.0  # until a process that heeds none is ended
_STDERR = 2


class _TimeIsUp(BaseException):
    """Not an Exception: their `except Exception` is not meant for it."""


@contextlib.contextmanager
def limited_time(seconds: float, file: Path | None = None) -> Iterator[None]:
    """Runs somebody's code for at most so many seconds, in the main thread of a worker process.

    Raises UserNetworkError with the line of theirs that was running when time was up. Where they swallow that, or hang
    outside of Python, the process ends a few seconds later, after it has written to stderr where it was.
    file: where their code is, else the last frame outside this package counts.
    """

    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise _TimeIsUp

    before = signal.signal(signal.SIGALRM, interrupt)
    # a thread of C that needs no lock of Python's: it ends code that never gives the lock back, too
    faulthandler.dump_traceback_later(seconds + min(_GRACE_SECONDS, seconds), exit=True, file=_STDERR)
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_SECONDS)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except _TimeIsUp as stop:
        signal.setitimer(signal.ITIMER_REAL, 0)
        where = describe(stop, file).removesuffix(f": {type(stop).__name__}")
        running = "" if where == type(stop).__name__ else f"; running: {where}"
        raise UserNetworkError(f"took longer than its time limit of {seconds:g} s{running}") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)
