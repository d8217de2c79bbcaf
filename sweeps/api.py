"""Running a sweep from Python: the sweep, then its report."""

from pathlib import Path
from typing import Any

from sweeps.driver.loop import run_sweep
from sweeps.events import Status
from sweeps.specification.reading import read_spec
from sweeps.tracking.outage import STORE_WAIT
from sweeps.tracking.records import REPORT, REPORT_FILE
from sweeps.views.report.publishing import publish
from sweeps.views.shown_sweep import Sweep, load


def run(
    spec: str | Path,
    jobs: int | None = None,
    tracking_uri: str | None = None,
    *,
    retry_failed: bool = False,
    store_wait: float = STORE_WAIT,
    cluster: str | None = None,
    any_worker: bool = False,
    **overrides: Any,
) -> Sweep:
    """Runs the sweep that a TOML file specifies, or goes on with it, and returns it.

    jobs: worker processes, None for one a core; they change nothing but how long it takes. tracking_uri: None for
    $MLFLOW_TRACKING_URI, or else ./mlruns/mlflow.db. retry_failed: failed trials run again, with the settings that they
    had. store_wait: seconds that a store may be away at the end. cluster: tcp://HOST:PORT of a Dask scheduler, on whose
    workers trials run, at most `jobs` at a time. any_worker: also on workers that compute otherwise; the last bits may
    differ then. overrides: name, trials, seed in place of the file's.

    Raises SpecError (every mistake in the file), UserNetworkError, BusyError (somebody else runs it), TrackingError,
    OutboxError, Interrupted; what was finished is recorded, and the same call goes on from there.

        sweep = sweeps.run("mine.toml", trials=32)
        sweep.best(5)
    """
    asked = read_spec(spec, **overrides)
    finished = run_sweep(
        asked,
        _Silent(),
        jobs,
        tracking_uri,
        retry_failed=retry_failed,
        wait=store_wait,
        cluster=cluster,
        any_worker=any_worker,
    )
    sweep = load(finished.spec.name, finished.uri)
    if not finished.was_finished or not sweep.holds(REPORT, REPORT_FILE):
        publish(sweep)
    return sweep


class _Silent:
    """Progress that is shown to nobody."""

    def show(self, status: Status) -> None:
        del status

    def say(self, message: str) -> None:
        del message
