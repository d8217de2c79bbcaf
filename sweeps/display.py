"""Tables in the terminal, on stdout."""

import sys
from collections.abc import Iterable, Sequence

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from sweeps.spec import SweepSpec

_WIDE = 1000  # columns of a file or pipe: nothing is cut off there


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
        "verdict": "verdict",
        "final.cost/validation_data": "validation data cost",
        "final.cost/penalty": "penalty",
        "final.accuracy/validation": "validation accuracy",
        "state": "state",
        "stability/edge": "edge",
        "diverged_epoch": "diverged at",
        "final.weight_norm/total": "weight norm",
        "final.cost/train_data": "train data cost",
        "final.cost/train_total": "train total",
        "accuracy/test": "test accuracy",
        "seconds": "seconds",
    }
    present = {name: heading for name, heading in headings.items() if name in trials}
    print_table(title, trials[list(present)], list(present.values()))


def print_verdicts(trials: pd.DataFrame) -> None:
    """A line for each verdict: how many trials, and the first of them with its sentence. trials: best first."""
    out = console()
    out.print(f"Verdicts on {len(trials)} trials", style="bold")
    counts = trials["verdict"].value_counts()
    width = max((len(str(word)) for word in counts.index), default=0)
    for word, count in counts.items():
        first = trials[trials["verdict"] == word].iloc[0]
        out.print(f"{count:>5} {word:<{width}}  as trial {first['trial']}: {first['verdict_reason']}")
    out.print()


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
