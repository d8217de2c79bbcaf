"""A recorded run from a CSV file: one line an epoch, a header that names the columns."""

import csv
import difflib
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from model.files import read_file
from sweeps.diagnosis.curves.recorded_run import OPTIONAL, REQUIRED, RecordedRun, problem_of
from sweeps.errors import InputError

_MISSPELT = 0.85  # likeness from which an unknown column is taken for a misspelt one: penality .93, val_accuracy .8
_LARGEST_FILE = 100_000_000  # bytes of a CSV
_TOLD = 20  # mistakes that are listed
_ALIKE = 0.5  # likeness from which a column is suggested for a required one that is missing: loss for cost


def read_run(path: str | Path) -> RecordedRun:
    """A run from a CSV with a header: epoch, cost, any of data_cost, penalty, accuracy, correct; others are ignored.

    Commas, semicolons or tabs separate; a cell may be empty but for epoch and cost, where inf and nan say that the
    numbers overflowed. Raises InputError with file, line, column, value and remedy, one line for each mistake.
    """
    path = Path(path)
    text = _text(path)
    lines = list(_lines(path, text))
    if not lines:
        raise InputError(f"{path}: is empty; its first line must name the columns, as in epoch,cost,correct")
    _, header = lines[0]
    columns = _columns(path, header)
    values: dict[str, list[float]] = {name: [] for name in columns}
    problems = []
    before = None
    for number, row in lines[1:]:
        if len(row) != len(header):
            problems.append(f"line {number}: has {len(row)} values for {len(header)} columns; give one for each")
            continue
        for name, index in columns.items():
            value, problem = _value(name, row[index].strip(), before)
            values[name].append(value)
            if problem:
                problems.append(f"line {number}, column {name}: {problem}")
            elif name == "epoch":
                before = value
    if problems:
        more = [f"and {len(problems) - _TOLD} more like these"] if len(problems) > _TOLD else []
        raise InputError("\n".join(f"{path}, {problem}" for problem in problems[:_TOLD] + more))
    if len(values["epoch"]) < 2:
        raise InputError(f"{path}: holds {len(values['epoch'])} epochs; a curve needs at least two, a line for each")
    curves = {"epochs" if name == "epoch" else name: np.array(column) for name, column in values.items()}
    return RecordedRun(**curves)


def _text(path: Path) -> str:
    try:
        return read_file(path, _LARGEST_FILE).decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; name a CSV file") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8 text; save it as CSV in UTF-8") from None
    except ValueError:
        raise InputError(f"{str(path)!r}: is no path; name a CSV file") from None


def _lines(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """(number, cells) of each line that is not blank. The header shows what separates."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count))
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, row
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}; save it as plain CSV") from None


def _columns(path: Path, header: Sequence[str]) -> Mapping[str, int]:
    """Where each known column stands."""
    names = [name.strip().lower() for name in header]
    shown = ", ".join(name or "(no name)" for name in names)
    if all(_is_number(name) for name in names):
        raise InputError(f"{path}, line 1: names no columns, got {shown}; begin with a line such as epoch,cost,correct")
    problems = []
    for name in REQUIRED:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=_ALIKE)
            remedy = f"rename {near[0]}, if that is it" if near else "add it"
            problems.append(f"has no column {name}, only {shown}; {remedy}")
    for name in dict.fromkeys(names):
        near = difflib.get_close_matches(name, OPTIONAL, n=1, cutoff=_MISSPELT)
        if names.count(name) > 1:
            problems.append(f"column {name}: stands there {names.count(name)} times; keep one")
        elif near and near[0] not in names:
            problems.append(f"column {name}: is not known; did you mean {near[0]}? Rename it or take it out")
    if problems:
        raise InputError("\n".join(f"{path}, line 1: {problem}" for problem in problems))
    return {name: names.index(name) for name in (*REQUIRED, *OPTIONAL) if name in names}


def _value(name: str, text: str, before: float | None) -> tuple[float, str]:
    """(the number in a cell, what is wrong with it or nothing). before: the epoch in the line above."""
    if not text:
        return math.nan, f"is empty; give the {name} of each epoch, or take the line out" if name in REQUIRED else ""
    if not _is_number(text):
        if _is_number(text.removesuffix("%")):
            return math.nan, f"must be a fraction, got {text}; divide by 100"
        remedy = "write a decimal point" if _is_number(text.replace(",", ".", 1)) else "write it as 11.94"
        return math.nan, f"must be a number, got {text[:40]!r}; {remedy}"
    return float(text), problem_of(name, float(text), before)


def _is_number(text: str) -> bool:
    """Whether it is written as a decimal number, inf or nan; 1_000, which Python reads, is not."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text
