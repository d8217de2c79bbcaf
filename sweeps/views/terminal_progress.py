"""How a running sweep is shown, on stderr. Names and messages are printed as they are, without rich's markup."""

import sys
import time

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from sweeps.events import Status
from sweeps.formatting import count, printable
from sweeps.views.consoles import TextConsole

_PLAIN_SECONDS = 10.0  # between lines where there is no terminal
_MANY = 20  # results that wait without a reason


def progress_of(name: str, quiet: bool) -> "TerminalProgress | PlainProgress":
    """A bar on a terminal, a line now and then elsewhere, sentences only with quiet."""
    return TerminalProgress(name) if sys.stderr.isatty() and not quiet else PlainProgress(name, quiet)


class TerminalProgress:
    """A live bar: trials done, running, failed, best so far, time left."""

    def __init__(self, name: str) -> None:
        self._bar = Bar(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[status]}", markup=False),
            TextColumn("left", markup=False),
            TimeRemainingColumn(),
            console=TextConsole(stderr=True),
        )
        self._task = self._bar.add_task(name, status="starting", total=None)

    def __enter__(self) -> "TerminalProgress":
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def show(self, status: Status) -> None:
        """Moves the bar."""
        self._bar.update(self._task, total=status.total, completed=status.ended, status=_words(status))

    def say(self, message: str) -> None:
        """Prints a sentence above the bar."""
        self._bar.console.print(message, highlight=False)


class PlainProgress:
    """For logs and pipes: a line every few seconds."""

    def __init__(self, name: str, quiet: bool) -> None:
        self._name, self._quiet = name, quiet
        self._started = self._last = time.monotonic()
        self._at_start: int | None = None
        self._is_over = False

    def __enter__(self) -> "PlainProgress":
        return self

    def __exit__(self, *exception: object) -> None:
        return None

    def show(self, status: Status) -> None:
        """Prints a line if the last was long ago or all is done."""
        now = time.monotonic()
        self._at_start = status.ended if self._at_start is None else self._at_start
        over = status.ended == status.total
        if self._quiet or (now - self._last < _PLAIN_SECONDS and (self._is_over or not over)):
            return
        self._is_over = over
        self._last = now
        done = status.ended - self._at_start
        left = (status.total - status.ended) * (now - self._started) / done if done else None
        ending = "" if over else ", time left unknown" if left is None else f", about {left:.0f} s left"
        self.say(f"{self._name}: {status.ended}/{status.total} done, {_words(status)}{ending}")

    def say(self, message: str) -> None:
        """Prints a sentence."""
        print(printable(message), file=sys.stderr, flush=True)  # noqa: T201 - this is what the module is for


def _words(status: Status) -> str:
    best = "none yet" if status.best is None else f"{status.best[1]:.4g} (trial {status.best[0]})"
    running = f"{status.running} running"
    if status.longest is not None:
        number, epoch, epochs = status.longest
        running += f" (trial {number}: epoch {epoch} of {epochs})"
    words = f"{running}, {status.failed} failed, best {best}"
    if status.why is not None:
        return f"{words}, {count(status.waiting, 'result')} wait for the store ({status.why})"
    return f"{words}, {status.waiting} results wait for a slow store" if status.waiting >= _MANY else words
