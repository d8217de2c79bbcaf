"""Tables in the terminal, on stdout.

Names, paths and sentences are printed as they are: rich would make an emoji of `:Sound`, and drop `[10]` as markup.
"""

import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pandas as pd
from rich import box
from rich.table import Table
from rich.text import Text

from model import metrics
from sweeps.analysis.advice import fault_sentences
from sweeps.analysis.ranking import times_best, times_best_heading
from sweeps.diagnosis.findings import Code, Finding, Severity
from sweeps.diagnosis.headline import headline
from sweeps.formatting import number, printable
from sweeps.specification.spec import SweepSpec
from sweeps.tracking.tables import WALL_CLOCK
from sweeps.verdicts.tally import tally, what_counts
from sweeps.views.consoles import standard_output
from sweeps.views.terminal_curves import curve_lines

if TYPE_CHECKING:
    from sweeps.driver.predicting import CheckedBorder

_UNBOUND = 100_000
_GAP = 3  # between two columns
_FIRST = 10  # components that are listed in the order in which two trials part
_READABLE = 110  # columns of running text
_RESULTS = {
    metrics.VALIDATION_DATA: "validation\ndata cost",
    metrics.VALIDATION_ACCURACY: "validation\naccuracy",
    metrics.VALIDATION_TOTAL: "validation\ntotal",
}


def print_table(title: str, frame: pd.DataFrame, headings: Sequence[str] | None = None) -> None:
    """A table that fits: columns that the terminal has no room for are left out from the right, and that is said."""
    out = standard_output()
    headings = list(headings or frame.columns)
    cells = [[format_cell(value) for value in row] for row in frame.itertuples(index=False, name=None)]
    shown = len(headings)
    unbound = out.options.update(max_width=_UNBOUND)  # else what is measured is the width that there is
    while shown > 1 and out.measure(_table(title, headings[:shown], cells, frame), options=unbound).maximum > out.width:
        shown -= 1
    out.print(_table(title, headings[:shown], cells, frame))
    if shown < len(headings):
        left_out = ", ".join(heading.replace("\n", " ") for heading in headings[shown:])
        out.print(f"(the terminal is too narrow for: {left_out})")


def print_trials(title: str, trials: pd.DataFrame, spec: SweepSpec, of: pd.DataFrame) -> None:
    """Trials with what matters most: settings, cost components, accuracies, norms. of: all trials of the sweep."""
    for sentence in fault_sentences(spec):
        standard_output().print(sentence)
    trials = trials.assign(times_best=times_best(spec, of, trials))
    results = [goal.metric for goal in spec.goals] + [metrics.VALIDATION_DATA, metrics.VALIDATION_ACCURACY]
    headings = {  # what a narrow terminal has no room for is left out from the end
        "trial": "trial",
        **({"replicate": "start"} if spec.replicates > 1 else {}),
        "verdict": "verdict",
        **{metrics.final(name): _RESULTS.get(name, name) for name in results},
        **{name: name for name in spec.search if name in spec.varied},
        "times_best": times_best_heading(spec),
        metrics.final(metrics.PENALTY): "penalty",
        "state": "state",
        metrics.EDGE: "edge",
        "diverged_epoch": "diverged\nat",
        metrics.final(metrics.WEIGHT_NORM): "weight\nnorm",
        metrics.final(metrics.TRAIN_DATA): "train data\ncost",
        metrics.final(metrics.TRAIN_TOTAL): "train\ntotal",
        metrics.TEST_ACCURACY: "test\naccuracy",
        "seconds": "seconds",
    }
    present = {name: heading for name, heading in headings.items() if name in trials}
    print_table(title, trials[list(present)], list(present.values()))


def print_predicted(name: str, borders: "Sequence[CheckedBorder]") -> None:
    """A line for each predicted border: under which conditions, its band, and where the measured one lies."""
    rows = [
        {
            "batch_size": one.border.at.batch_size,
            "momentum": one.border.at.momentum,
            "lambda": one.border.at.lmbda,
            "stable below eta": one.border.eta,
            "band from": one.border.low,
            "to": one.border.high,
            "measured": one.in_words,
        }
        for one in borders
    ]
    print_table(f"Predicted border of {name}", pd.DataFrame(rows))


def print_verdicts(trials: pd.DataFrame) -> None:
    """A line for each verdict: how many trials, and the first of them with its sentence. trials: best first."""
    out = standard_output()
    out.print(f"Verdicts on {len(trials)} trials: {tally(trials['verdict'])}", style="bold")
    counts = trials["verdict"].value_counts()
    width = max((len(str(word)) for word in counts.index), default=0)
    for word, count in counts.items():
        first = trials[trials["verdict"] == word].iloc[0]
        out.print(f"{count:>5} {word:<{width}}  as trial {first['trial']}: {first['verdict_reason']}")
    print_what_counts()
    out.print()


def print_answers(sentences: Sequence[str]) -> None:
    """What is safe, why the rest fails, what to do next."""
    out = standard_output()
    for sentence in sentences:
        out.print(sentence)
    out.print()


def print_what_counts() -> None:
    """Which verdicts are stable: it stands under every tally."""
    standard_output().print(f"({what_counts()})")


def print_comparison(table: pd.DataFrame) -> None:
    """Trials in columns, in as many tables as the width asks for; rows without a value are left out, as is the best
    epoch's half and what depends on the clock. Sentences of verdicts follow below.
    """
    out = standard_output()
    left_out = ("verdict_reason", *WALL_CLOCK)
    rows = [
        name
        for name in table.index
        if name not in left_out and not str(name).startswith("best.") and table.loc[name].notna().any()
    ]
    cells = {name: [format_cell(value) for value in table.loc[name]] for name in rows}
    label = max(len(_plain(name)) for name in rows) + _GAP + 2  # and the star
    widest = [
        max(len(str(trial)), *(len(values[i]) for values in cells.values())) + _GAP
        for i, trial in enumerate(table.columns)
    ]
    for start, end in _pages(widest, out.width - label):
        shown = Table(title="Side by side (* differs)", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        shown.pad_edge = False
        shown.add_column("trial", no_wrap=True)
        shown.add_column("", no_wrap=True)
        for trial in table.columns[start:end]:
            shown.add_column(str(trial), justify="right", no_wrap=True)
        for name, values in cells.items():
            shown.add_row(_plain(name), "" if len(set(values)) == 1 else "*", *values[start:end])
        out.print(shown)
    for trial, verdict, reason in zip(table.columns, table.loc["verdict"], table.loc["verdict_reason"], strict=True):
        if isinstance(reason, str) and reason:
            out.print(f"Trial {trial}, {verdict}: {reason}")
    out.print()


def print_effect(one: int, other: int, sentences: Sequence[str], differences: pd.DataFrame) -> None:
    """What two trials differ in: the sentences, then the components in the order in which they part."""
    out = standard_output()
    out.print(f"Trial {one} against trial {other}", style="bold")
    for sentence in sentences:
        out.print(sentence)
    trained = differences[differences["since"].notna()].head(_FIRST)
    if len(trained):
        out.print()
        frame = trained.reset_index()[["metric", "since", "one", "other", "last_one", "last_other"]]
        headings = ["component", "epoch", f"{one} then", f"{other} then", f"{one} last", f"{other} last"]
        print_table("What parts first", frame, headings)


def _plain(name: object) -> str:
    return str(name).removeprefix("final.")


def _pages(widths: Sequence[int], room: int) -> list[tuple[int, int]]:
    """Slices of the columns, each as many as there is room for, and at least one."""
    pages, start = [], 0
    while start < len(widths):
        end = start + 1
        while end < len(widths) and sum(widths[start : end + 1]) <= room:
            end += 1
        pages.append((start, end))
        start = end
    return pages


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
    return number(value) if isinstance(value, float) else printable(str(value))


def print_findings(target: str, findings: Sequence[Finding]) -> None:
    """What a diagnosis found, in the order given: each with its code, its sentences, and what should stand there."""
    out = standard_output()
    out.print(f"{target}: {headline(findings)}", style="bold")
    styles = {Severity.FAULT: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold cyan"}
    for finding in findings:
        style = "bold green" if finding.code is Code.CLEAN else styles[finding.severity]
        out.print()
        out.print(Text.assemble((f"{finding.severity}  {finding.code}", style)))
        for text in filter(None, (finding.message, finding.remedy and f"Remedy: {finding.remedy}")):
            lines = textwrap.wrap(text, min(out.width, _READABLE), initial_indent="  ", subsequent_indent="  ")
            out.print("\n".join(lines))
        if finding.code is Code.PROOF:
            for line in curve_lines(finding):
                out.print(line)
