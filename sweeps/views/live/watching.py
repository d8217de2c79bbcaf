"""Watching a sweep until it is finished: on a screen that is drawn anew, or as a line now and then.

The screen is the terminal's alternate one, as editors use it. There a terminal that is resized rewraps nothing, so
that drawing from its corner covers all that was there before; lines on the normal screen would be broken and doubled.
"""

import contextlib
import signal
import sys
import time
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue

from rich.live import Live

from sweeps.views.consoles import TextConsole, standard_output
from sweeps.views.live.reading import Listening, SweepReading
from sweeps.views.live.screen import Heard, Screen, in_a_line

_TICK_SECONDS = 1.0  # between drawings where nothing is new: ages grow
_LINE_SECONDS = 10.0  # between lines where there is no terminal


def first_heard(reading: SweepReading) -> Heard:
    """What a store says of a sweep now. Raises UnknownSweepError, TrackingError."""
    state = reading.read()
    return Heard(state, state.at)


def print_screen(heard: Heard, width: int, height: int) -> None:
    """One screen of that size, where the output goes."""
    TextConsole(width=width).print(Screen(heard, height), end="")


def watch(reading: SweepReading) -> Heard | None:
    """Shows a sweep until it is finished, or Ctrl-C is pressed; returns what was shown last, None before the first.

    Raises UnknownSweepError, TrackingError where even the first reading fails; later ones are shown.
    """
    news: SimpleQueue[None] = SimpleQueue()  # may be put into by a signal's handler, as an Event may not
    console = standard_output()
    shown = sys.stdout.isatty() and not console.is_dumb_terminal
    listening = Listening(reading, lambda: news.put(None))
    last: Heard | None = None
    try:
        with contextlib.suppress(KeyboardInterrupt), _signals(news):
            while (
                listening.heard(time.time()) is None
            ):  # so that a mistake in the name is said on an undisturbed screen
                news.get()
            with _on_screen(console) if shown else _in_lines() as show:
                for last in _heard(listening, news, _TICK_SECONDS):
                    show(last)
    finally:
        listening.stop()
    if shown and last is not None:
        console.print(Screen(last, max(1, console.height - 2)), end="")
    return last


@contextlib.contextmanager
def _on_screen(console: TextConsole) -> Iterator[Callable[[Heard], None]]:
    with Live(console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live:

        def show(heard: Heard) -> None:
            with console.of_one_size():
                live.update(Screen(heard), refresh=True)

        yield show


@contextlib.contextmanager
def _in_lines() -> Iterator[Callable[[Heard], None]]:
    said = -_LINE_SECONDS

    def say(heard: Heard) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said >= _LINE_SECONDS or _is_over(heard):
            said = now
            print(in_a_line(heard, time.time()), flush=True)  # noqa: T201 - this is what it is for

    yield say


def _heard(listening: Listening, news: SimpleQueue[None], seconds: float) -> Iterator[Heard]:
    """What there is to show, whenever it is new, and after so many seconds; the last is of a finished sweep."""
    while True:
        heard = listening.heard(time.time())
        if heard is not None:
            yield heard
            if _is_over(heard):
                return
        with contextlib.suppress(Empty):
            news.get(timeout=seconds)
            while True:
                news.get_nowait()


def _is_over(heard: Heard) -> bool:
    return heard.why is None and heard.state.state == "finished"


@contextlib.contextmanager
def _signals(news: SimpleQueue[None]) -> Iterator[None]:
    """A terminal of another size is drawn anew; whoever ends this process finds the terminal as it was."""
    handlers = {
        signal.SIGWINCH: lambda *_: news.put(None),
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.default_int_handler,
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
