"""Running a sweep from Python: the sweep, then its report."""

from pathlib import Path
from typing import Any

from sweeps.driver.loop import run_sweep
from sweeps.events import Status
from sweeps.specification.reading import read_spec
from sweeps.views.report.publishing import publish
from sweeps.views.shown_sweep import Sweep, load


def run(spec: str | Path, jobs: int | None = None, tracking_uri: str | None = None, **overrides: Any) -> Sweep:
    """Runs the sweep that a TOML file specifies, or goes on with it, and returns it. See `driver.run_sweep`.

    overrides: name, trials, seed in place of the file's.
    """
    finished = run_sweep(read_spec(spec, **overrides), _Silent(), jobs, tracking_uri)
    sweep = load(finished.spec.name, finished.uri)
    if not finished.was_finished:
        publish(sweep)
    return sweep


class _Silent:
    """Progress that is shown to nobody."""

    def show(self, status: Status) -> None:
        del status

    def say(self, message: str) -> None:
        del message
