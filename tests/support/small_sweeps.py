"""Small sweeps over the digits, and ways to run and compare them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from sweeps.driver.loop import run_sweep
from sweeps.events import Status
from sweeps.results.sweep import Sweep, load
from sweeps.specification.reading import parse_spec
from sweeps.specification.spec import SweepSpec
from sweeps.tracking.tables import WALL_CLOCK

Table = dict[str, Any]

PAIRS: Table = {
    "name": "pairs",
    "trials": 6,
    "sampler": "grid",
    "search": {"eta": {"choices": [0.5, 5.0]}, "lambda": {"choices": [0.1, 10.0, 1000.0]}, "batch_size": 10},
    "plan": {"dataset": "digits", "validation": 300, "epochs": 3},
}


def small_table(**changes: Any) -> Table:
    """The table of a spec whose trials take milliseconds; a dotted key is written with two underscores."""
    table: Table = {
        "name": "small",
        "trials": 10,
        "lag": 4,
        "search": {
            "eta": {"low": 0.05, "high": 5.0, "log": True},
            "lambda": {"choices": [0.0, 1.0, 1e6]},  # with the last one trials diverge
            "batch_size": {"choices": [20, 50]},
        },
        "plan": {"dataset": "digits", "validation": 300, "hidden": [8], "epochs": 3},
        "stopping": {},
    }
    for key, value in changes.items():
        section, dotted, name = key.partition("__")
        if dotted:
            table[section] = table[section] | {name: value}
        else:
            table[section] = value
    return table


def small_spec(**changes: Any) -> SweepSpec:
    """`small_table`, parsed."""
    return parse_spec(small_table(**changes), "test")


def write_spec(path: Path, table: Table) -> Path:
    """The table as a TOML file."""

    def value(given: Any) -> str:
        if isinstance(given, dict):
            return "{ " + ", ".join(f"{key} = {value(inner)}" for key, inner in given.items()) + " }"
        return json.dumps(given)

    sections = {key: inner for key, inner in table.items() if isinstance(inner, dict)}
    lines = [f"{key} = {value(inner)}" for key, inner in table.items() if key not in sections]
    for name, section in sections.items():
        lines += [f"[{name}]", *(f"{key} = {value(inner)}" for key, inner in section.items())]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def assert_same(one: Sweep, other: Sweep) -> None:
    """Both tables of two sweeps are equal to the last bit, wall-clock columns aside."""
    assert len(one.trials) > 0
    assert len(one.epochs) > 0
    for a, b in ((one.trials, other.trials), (one.epochs, other.epochs)):
        a, b = (table.drop(columns=WALL_CLOCK, errors="ignore") for table in (a, b))
        pd.testing.assert_frame_equal(a, b, check_exact=True)


class Watcher:
    """A Progress that remembers what it is told, and calls `on_status` and `on_message` from the driver's loop."""

    def __init__(
        self,
        on_status: Callable[[Status], None] = lambda status: None,
        on_message: Callable[[str], None] = lambda message: None,
    ) -> None:
        self.messages: list[str] = []
        self.statuses: list[Status] = []
        self._on_status, self._on_message = on_status, on_message

    def show(self, status: Status) -> None:
        self.statuses.append(status)
        self._on_status(status)

    def say(self, message: str) -> None:
        self.messages.append(message)
        self._on_message(message)


def interrupt_at(ended: int) -> Watcher:
    """Presses Ctrl-C once so many trainings have ended."""

    def press(status: Status) -> None:
        if status.ended >= ended:
            raise KeyboardInterrupt

    return Watcher(press)


def swept(spec: SweepSpec, uri: str, jobs: int = 2, **options: Any) -> Sweep:
    """Runs a sweep to its end, in this process, and loads it."""
    run_sweep(spec, Watcher(), jobs, uri, **options)
    return load(spec.name, uri)
