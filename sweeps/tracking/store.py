"""A connection to MLflow, and reading sweeps from it."""

import contextlib
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # with the password in it
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # for what may be sent twice; see retrying

from mlflow import MlflowClient
from mlflow.entities import Experiment, LifecycleStage, Run
from mlflow.exceptions import MlflowException

from sweeps.errors import TrackingError
from sweeps.specification.spec import SweepSpec
from sweeps.tracking.address import check_address
from sweeps.tracking.artifact_files import files_in, run_folder, write_whole
from sweeps.tracking.birth import ensure_whole
from sweeps.tracking.location import sqlite_file, tracking_uri
from sweeps.tracking.records import NETWORK, RecordedSweep, RecordedTrial
from sweeps.tracking.retrying import tracking_errors
from sweeps.tracking.run_reading import drivers, legible, recorded_trial
from sweeps.tracking.spec_params import SOURCE_TAGS, spec_from_run

logging.getLogger("mlflow").setLevel(logging.WARNING)  # else each new database tells of its tables
logging.getLogger("mlflow.store.db.utils").setLevel(logging.ERROR)  # its warnings are raised too, without secrets


class Store:
    """The sweeps in one tracking store. Raises TrackingError when it cannot be reached."""

    def __init__(self, uri: str | None = None) -> None:
        self.uri = tracking_uri(uri)
        check_address(self.uri)
        self.file = sqlite_file(self.uri)
        with tracking_errors(self.uri):
            if self.file is not None:
                ensure_whole(self.file)
            self.client = MlflowClient(self.uri)
            self.client.search_experiments(max_results=1)  # makes another database's tables, and not in parallel

    def names(self) -> list[str]:
        """Names of all sweeps, oldest first."""
        with tracking_errors(self.uri):
            experiments: list[Experiment] = []
            page = None
            while page is None or page.token:
                token = page.token if page else None
                page = self.client.search_experiments(order_by=["creation_time ASC"], page_token=token)
                experiments += page
            return [e.name for e in experiments if self._sweep_run(e.experiment_id) is not None]

    def sweep(self, name: str) -> RecordedSweep | None:
        """The sweep of that name, None when there is none."""
        with tracking_errors(self.uri):
            experiment = self.experiment(name)
            run = self._sweep_run(experiment.experiment_id) if experiment else None
            if experiment is None or run is None:
                return None
            with legible(name, run):
                spec = spec_from_run(run)
            return RecordedSweep(
                name=name,
                experiment_id=experiment.experiment_id,
                run_id=run.info.run_id,
                status=run.info.status,
                tags=run.data.tags,
                spec=spec,
                drivers=drivers(run),
            )

    def experiment(self, name: str) -> Experiment | None:
        """The experiment of that name, unless there is none."""
        experiment = self.client.get_experiment_by_name(name)
        if experiment is not None and experiment.lifecycle_stage == LifecycleStage.DELETED:
            raise TrackingError(
                f"the experiment {name!r} was deleted, and MLflow keeps its name: restore it with `mlflow experiments "
                f"restore --experiment-id {experiment.experiment_id}`, or give the sweep another --name"
            )
        return experiment

    def trials(self, sweep: RecordedSweep) -> list[RecordedTrial]:
        """Every trial run, by number and replicate."""
        with tracking_errors(self.uri):
            runs = list(self.runs(sweep.experiment_id, "tags.kind = 'trial'"))
        recorded = [recorded_trial(run, sweep.spec) for run in runs]
        return sorted(recorded, key=lambda trial: (trial.number, trial.replicate))

    def runs(self, experiment_id: str, query: str) -> Iterator[Run]:
        """All runs that match; MLflow's own call stops at a page of 1,000 without a word."""
        page = None
        while page is None or page.token:
            page = self.client.search_runs([experiment_id], query, page_token=page.token if page else None)
            yield from page

    def history(self, run_id: str, metric: str) -> dict[int, float]:
        """step -> value. One call to the server; for many runs read the tables instead."""
        with tracking_errors(self.uri):
            return {point.step: point.value for point in self.client.get_metric_history(run_id, metric)}

    @contextlib.contextmanager
    def artifacts(self, run_id: str, folder: str) -> Iterator[list[Path]]:
        """The files of one artifact folder, on this machine for the duration."""
        here = self._folder(run_id)
        if here is not None:
            yield files_in(here / folder)
            return
        with tempfile.TemporaryDirectory() as scratch:
            with tracking_errors(self.uri):
                listed = self.client.list_artifacts(run_id, folder)
                paths = [Path(self.client.download_artifacts(run_id, entry.path, scratch)) for entry in listed]
            yield paths

    def write_files(self, run_id: str, folder: str, files: Mapping[str, bytes]) -> None:
        """Writes contents, by file name, into an artifact folder of a run, over what is there; each whole or not."""
        here = self._folder(run_id)
        with tracking_errors(self.uri):
            if here is not None:
                for name, content in files.items():
                    write_whole(here / folder / name, content)
                return
            with tempfile.TemporaryDirectory() as scratch:
                for name, content in files.items():
                    Path(scratch, name).write_bytes(content)
                self.client.log_artifacts(run_id, scratch, folder or None)

    def holds(self, run_id: str, folder: str, name: str) -> bool:
        """Whether there is such a file in an artifact folder of a run."""
        here = self._folder(run_id)
        if here is not None:
            return (here / folder / name).is_file()
        with tracking_errors(self.uri):
            return f"{folder}/{name}" in [entry.path for entry in self.client.list_artifacts(run_id, folder)]

    def remove(self, run_id: str) -> None:
        """Deletes a run; one that is deleted already stays so, as after a request whose answer was lost."""
        try:
            self.client.delete_run(run_id)
        except MlflowException:
            if self.client.get_run(run_id).info.lifecycle_stage != LifecycleStage.DELETED:
                raise

    def log_network(self, run_id: str, spec: SweepSpec) -> None:
        """Records where a user's network's file is, what it is, and its text."""
        source = spec.network
        if source is None:
            return
        for name in SOURCE_TAGS:
            self.client.set_tag(run_id, f"{NETWORK}.{name}", getattr(source, name))
        if source.file:
            path = Path(source.file)
            self.write_files(run_id, NETWORK, {path.name: path.read_bytes()})

    def local_path(self, run_id: str, artifact: str) -> Path | None:
        """Where an artifact is on this machine; None where a server keeps it."""
        here = self._folder(run_id)
        return None if here is None else here / artifact

    def _folder(self, run_id: str) -> Path | None:
        with tracking_errors(self.uri):
            return run_folder(str(self.client.get_run(run_id).info.artifact_uri), self.file)

    def _sweep_run(self, experiment_id: str) -> Run | None:
        """The oldest, where an earlier version of ours made two."""
        found = self.runs(experiment_id, "tags.kind = 'sweep'")
        return min(found, key=lambda run: (run.info.start_time, run.info.run_id), default=None)
