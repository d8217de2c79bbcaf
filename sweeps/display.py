"""What a person sees in the terminal: tables on stdout, progress on stderr."""

import sys
import time
from collections.abc import Iterable, Sequence

import pandas as pd
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from sweeps.driver import Status
from sweeps.spec import SweepSpec

_WIDE = 1000  # columns of a file or pipe: nothing is cut off there
_PLAIN_SECONDS = 10.0  # between lines of progress where there is no terminal


def console() -> Console:
    """Standard output, as wide as the terminal, or as wide as it takes where there is none."""
    return Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False, soft_wrap=False)


def print_table(title: str, frame: pd.DataFrame, headings: Sequence[str] | None = None) -> None:
    """A table that fits: columns that the terminal has no room for are left out from the right, and that is said."""
    out = console()
    headings = list(headings or frame.columns)
    cells = [[format_cell(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    shown = len(headings)
    while shown > 1 and out.measure(_table(title, headings[:shown], cells, frame)).minimum > out.width:
        shown -= 1
    out.print(_table(title, headings[:shown], cells, frame))
    if shown < len(headings):
        out.print(f"(the terminal is too narrow for: {', '.join(headings[shown:])})")


def print_trials(title: str, trials: pd.DataFrame, spec: SweepSpec) -> None:
    """Trials with what matters most: settings, cost components, accuracies, norms."""
    headings = {
        "trial": "trial",
        **({"replicate": "start"} if spec.replicates > 1 else {}),
        **{name: name for name in spec.search if name in spec.varied},
        "final.cost/validation_data": "validation data cost",
        "final.cost/penalty": "penalty",
        "final.accuracy/validation": "validation accuracy",
        "state": "state",
        "diverged_epoch": "diverged at",
        "final.weight_norm/total": "weight norm",
        "final.cost/train_data": "train data cost",
        "final.cost/train_total": "train total",
        "accuracy/test": "test accuracy",
        "seconds": "seconds",
    }
    present = {name: heading for name, heading in headings.items() if name in trials}
    print_table(title, trials[list(present)], list(present.values()))


def print_comparison(table: pd.DataFrame) -> None:
    """Trials in columns; rows that no trial has a value for are left out, and so is the best epoch's half."""
    rows = [name for name in table.index if not str(name).startswith("best.") and table.loc[name].notna().any()]
    shown = table.loc[rows].rename_axis("trial").reset_index()
    shown.insert(1, "", ["" if len(set(map(format_cell, table.loc[name]))) == 1 else "*" for name in rows])
    print_table("Side by side (* differs)", shown)


def difference(one: int, other: int, found: tuple[int, str, float, float] | None) -> str:
    """The first difference of two trials in a sentence."""
    if found is None:
        return f"Trials {one} and {other} never differ by 1 % or more in any metric."
    epoch, metric, a, b = found
    return f"Trials {one} and {other} first differ at epoch {epoch}, most in {metric}: {a:.4g} against {b:.4g}."


def print_spec(spec: SweepSpec) -> None:
    """What a spec would run."""
    table = spec.to_table()
    flat = {
        (f"{key}.{name}" if isinstance(value, dict) else key): inner
        for key, value in table.items()
        for name, inner in (value.items() if isinstance(value, dict) else [("", value)])
    }
    frame = pd.DataFrame({"key": list(flat), "value": [str(value) for value in flat.values()]})
    print_table(f"{spec.name}: {spec.trials} trials", frame)


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 90:
        return f"{max(1, round(seconds))} seconds"
    if seconds < 5400:
        return f"{round(seconds / 60)} minutes"
    return f"{seconds / 3600:.1f} hours"


def _table(title: str, headings: Sequence[str], cells: Iterable[Sequence[str]], frame: pd.DataFrame) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, name in zip(headings, frame.columns, strict=False):
        numeric = pd.api.types.is_numeric_dtype(frame[name]) or frame[name].dtype == object
        table.add_column(heading, justify="right" if numeric else "left", no_wrap=True)
    for row in cells:
        table.add_row(*row[: len(headings)])
    return table


def format_cell(value: object) -> str:
    """Numbers to four significant digits, nothing for what was not measured."""
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def progress(name: str, quiet: bool) -> "TerminalProgress | PlainProgress":
    """A bar on a terminal, a line now and then elsewhere, sentences only with quiet."""
    return TerminalProgress(name) if sys.stderr.isatty() and not quiet else PlainProgress(name, quiet)


class TerminalProgress:
    """A live bar: trials done, running, failed, best so far, time left."""

    def __init__(self, name: str) -> None:
        self._bar = Bar(
            TextColumn(f"[bold]{name}[/]"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[status]}"),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
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

    def __enter__(self) -> "PlainProgress":
        return self

    def __exit__(self, *exception: object) -> None:
        return None

    def show(self, status: Status) -> None:
        """Prints a line if the last was long ago or all is done."""
        now = time.monotonic()
        self._at_start = status.ended if self._at_start is None else self._at_start
        over = status.ended == status.total
        if self._quiet or (now - self._last < _PLAIN_SECONDS and not over):
            return
        self._last = now
        done = status.ended - self._at_start
        left = (status.total - status.ended) * (now - self._started) / done if done else None
        ending = "" if over else ", time left unknown" if left is None else f", about {left:.0f} s left"
        self.say(f"{self._name}: {status.ended}/{status.total} done, {_words(status)}{ending}")

    def say(self, message: str) -> None:
        """Prints a sentence."""
        print(message, file=sys.stderr, flush=True)  # noqa: T201 - this is what the module is for


def _words(status: Status) -> str:
    best = "none yet" if status.best is None else f"{status.best[1]:.4g} (trial {status.best[0]})"
    return f"{status.running} running, {status.failed} failed, best {best}"
