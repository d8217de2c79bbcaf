"""How long somebody's code runs: by the processor time that it takes, and, generously, by the clock."""

import contextlib
import faulthandler
import math
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from sweeps.errors import UserNetworkError
from sweeps.user_network.describing import describe

GRACE_SECONDS = 5.0  # until a process that heeds no limit is ended
_LEAST_GRACE = 2.0  # a large process takes a second to collect its garbage, or to find the line that was running
AGAIN_SECONDS = 1.0  # until code that swallowed the exception gets the next
_STDERR = 2


def wall_limit(seconds: float) -> float:
    """What the clock allows code that may take so many seconds of processor time: a busy machine fails no trial."""
    return 10 * seconds + 60


class _TimeIsUp(BaseException):
    """Not an Exception: their `except Exception` is not meant for it. by_clock: it is not the processor time."""

    def __init__(self, by_clock: bool) -> None:
        super().__init__()
        self.by_clock = by_clock


@contextlib.contextmanager
def limited_time(seconds: float, file: Path | None = None, wall: float | None = None) -> Iterator[None]:
    """Runs somebody's code for at most so many seconds of processor time, in the main thread of a process of its own.

    A process that was suspended takes none. Code that sleeps takes none either: whoever watches the process sends it
    SIGALRM after `wall` seconds (None: `wall_limit`).
    Raises UserNetworkError with the line of theirs that was running when time was up. Where they swallow that, or are
    busy outside of Python, the system ends the process a few seconds later, after it has written to stderr where it
    was. file: where their code is, else the last frame outside this package counts.
    """

    def interrupt(signum: int, frame: FrameType | None) -> None:
        raise _TimeIsUp(signum == signal.SIGALRM)

    wall = wall_limit(seconds) if wall is None else wall
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGPROF, signal.SIGALRM)}
    # the system's own limit ends code that never gives Python's lock back, too
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    last = math.ceil(time.process_time() + seconds + max(_LEAST_GRACE, min(GRACE_SECONDS, seconds)))
    resource.setrlimit(resource.RLIMIT_CPU, (last if hard == resource.RLIM_INFINITY else min(last, hard), hard))
    faulthandler.register(signal.SIGXCPU, file=_STDERR, chain=True)
    signal.setitimer(signal.ITIMER_PROF, seconds, AGAIN_SECONDS)
    try:
        yield
    except _TimeIsUp as stop:
        signal.setitimer(signal.ITIMER_PROF, 0)
        where = describe(stop, file).removesuffix(f": {type(stop).__name__}")
        running = "" if where == type(stop).__name__ else f"; running: {where}"
        clock = f"{wall:g} s by the clock, the most that goes with " if stop.by_clock else ""
        raise UserNetworkError(f"took longer than {clock}its time limit of {seconds:g} s{running}") from None
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.unregister(signal.SIGXCPU)
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
        for number, handler in before.items():
            signal.signal(number, handler)
