"""Sweeps in the middle of their run, as a driver's writer leaves them in a store: RUNNING runs, a heartbeat."""

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from model import metrics
from sweeps.results.sweep import Sweep
from sweeps.specification.domains import encode
from sweeps.tracking.heartbeat import LIVE, Heartbeat, RunningTraining
from sweeps.tracking.location import sqlite_file

SETTINGS = {"eta": 0.5, "lambda": 1.0, "batch_size": 20}
FALLING, GROWING = (2.5, 1.5, 0.9), (2.5, 3.5, 90.0)


class Unfinished:
    """A finished sweep's record, opened again: more trainings are asked for than there are. more: how many."""

    def __init__(self, uri: str, sweep: Sweep, more: int = 8) -> None:
        self.uri, self.name = uri, sweep.name
        self._client, self._run_id, self._experiment = MlflowClient(uri), sweep.run_id, sweep.experiment_id
        self.ended = len(sweep.trials)
        self.total = self.ended + more
        self.mark(state="running", trials=str(self.total))
        self._client.update_run(self._run_id, "RUNNING")

    def mark(self, **tags: str) -> None:
        """Sets tags of the sweep's run."""
        self._client.log_batch(self._run_id, tags=[RunTag(key, value) for key, value in tags.items()])

    def begin(self, number: int, costs: Sequence[float] = (), settings: Mapping[str, object] | None = None) -> str:
        """A training in progress with these total costs so far; returns the id of its run."""
        tags = {"kind": "trial", "sweep": self.name, "trial": str(number), "replicate": "0"}
        run_id = str(self._client.create_run(self._experiment, run_name=f"trial-{number:04}", tags=tags).info.run_id)
        given = SETTINGS if settings is None else settings
        params = [Param(key, encode(value)) for key, value in given.items()]  # type: ignore[arg-type]
        self._client.log_batch(run_id, params=params)
        for epoch, cost in enumerate(costs):
            self.measure(run_id, epoch, cost)
        return run_id

    def measure(self, run_id: str, epoch: int, cost: float) -> None:
        """What one epoch of a training came to."""
        values = {metrics.TRAIN_TOTAL: cost, metrics.VALIDATION_DATA: cost, metrics.VALIDATION_ACCURACY: 0.5}
        now = int(time.time() * 1000)
        self._client.log_batch(run_id, [Metric(name, value, now, epoch) for name, value in values.items()])

    def end(self, run_id: str, verdict: str) -> None:
        """A training has ended."""
        tags = {"state": "complete", "verdict": verdict, "verdict.reason": "So it is."}
        self._client.log_batch(
            run_id,
            [Metric("diverged", 0.0, int(time.time() * 1000), 2)],
            tags=[RunTag(*pair) for pair in tags.items()],
        )
        self._client.set_terminated(run_id)

    def beat(self, *numbers: int, age: float = 0.0, waiting: int = 0, workers: int = 4) -> Heartbeat:
        """The driver says that it trains these."""
        now = time.time() - age
        running = tuple(RunningTraining(one, 0, 4, 2, now - 30, f"host/{4000 + one}") for one in numbers)
        heartbeat = Heartbeat(now, self.total, self.ended, waiting, workers, running)
        self.mark(**{LIVE: heartbeat.text})
        return heartbeat

    def forget_trials(self) -> None:
        """As if nothing had ended yet."""
        for run in self._client.search_runs([self._experiment], "tags.kind = 'trial'"):
            self._client.delete_run(run.info.run_id)

    def silent(self) -> None:
        """Nothing runs any more."""
        self._client.delete_tag(self._run_id, LIVE)

    def finish(self) -> None:
        """All that was asked for has ended."""
        self.mark(state="finished")
        self._client.set_terminated(self._run_id)


def reopened(sweep: Sweep, folder: Path, more: int = 8) -> Unfinished:
    """A copy of a finished sweep's store, in a folder that is made for it, with the sweep in the middle of its run."""
    file = sqlite_file(sweep.uri)
    assert file is not None
    shutil.copytree(file.parent, folder)
    return Unfinished(f"sqlite:///{folder / file.name}", sweep, more)
