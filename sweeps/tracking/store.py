"""A connection to MLflow."""

import contextlib
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # with the password in it
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # for what may be sent twice; see retrying

from mlflow import MlflowClient
from mlflow.entities import Experiment, LifecycleStage, Run
from mlflow.exceptions import MlflowException
from mlflow.store.entities import PagedList

from sweeps.errors import TrackingError
from sweeps.specification.spec import SweepSpec
from sweeps.tracking.address import check_address
from sweeps.tracking.artifact_files import run_folder
from sweeps.tracking.birth import ensure_whole
from sweeps.tracking.location import sqlite_file, tracking_uri
from sweeps.tracking.records import NETWORK
from sweeps.tracking.retrying import tracking_errors
from sweeps.tracking.shown_uri import shown_uri
from sweeps.tracking.spec_params import SOURCE_TAGS
from sweeps.tracking.sweep_reader import FoundExperiment, SweepReader

logging.getLogger("mlflow").setLevel(logging.WARNING)  # else each new database tells of its tables
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # what it tells is raised, too, without secrets

T = TypeVar("T")


class Store(SweepReader):
    """One tracking store, read and written through MLflow. Raises TrackingError when it cannot be reached."""

    def __init__(self, uri: str | None = None) -> None:
        self.uri = tracking_uri(uri)
        check_address(self.uri)
        self.file = sqlite_file(self.uri)
        with tracking_errors(self.uri):
            if self.file is not None:
                ensure_whole(self.file)
            self.client = MlflowClient(self.uri)
            self.client.search_experiments(max_results=1)  # makes another database's tables, and not in parallel

    def experiments(self) -> list[FoundExperiment]:
        with tracking_errors(self.uri):
            found: list[Experiment] = []
            for page in self._pages(partial(self.client.search_experiments, order_by=["creation_time ASC"])):
                found += page
        return [FoundExperiment(one.experiment_id, one.name) for one in found]

    def find_experiment(self, name: str) -> FoundExperiment | None:
        with tracking_errors(self.uri):
            found = self.client.get_experiment_by_name(name)
        if found is None:
            return None
        return FoundExperiment(found.experiment_id, name, found.lifecycle_stage == LifecycleStage.DELETED)

    def runs_of_kind(self, experiment_id: str, kind: str) -> list[Run]:
        with tracking_errors(self.uri):
            return list(self.runs(experiment_id, f"tags.kind = '{kind}'"))

    def runs(self, experiment_id: str, query: str) -> Iterator[Run]:
        """All runs that match; MLflow's own call stops at a page of 1,000 without a word."""
        for page in self._pages(partial(self.client.search_runs, [experiment_id], query)):
            yield from page

    def _pages(self, ask: Callable[..., PagedList[T]]) -> Iterator[PagedList[T]]:
        """Of a long answer. Raises TrackingError where a page is followed by one that was there before."""
        asked: set[str | None] = set()
        token = None
        while token not in asked:
            asked.add(token)
            page = ask(page_token=token)
            yield page
            token = page.token or None
            if token is None:
                return
        said = "does not answer as it should: the same page of its answer again and again"
        raise TrackingError(f"the tracking store {shown_uri(self.uri)} {said}")

    def history(self, run_id: str, metric: str) -> dict[int, float]:
        """step -> value. One call to the server; for many runs read the tables instead."""
        with tracking_errors(self.uri):
            return {point.step: point.value for point in self.client.get_metric_history(run_id, metric)}

    def artifact_uri(self, run_id: str) -> str:
        with tracking_errors(self.uri):
            return str(self.client.get_run(run_id).info.artifact_uri)

    def is_moved(self, run_id: str) -> bool:
        """Whether a run's artifacts belong beside the database and are recorded elsewhere, where MLflow would write."""
        recorded = self.artifact_uri(run_id)
        return self.file is not None and run_folder(recorded, self.file) != run_folder(recorded, None)

    @contextlib.contextmanager
    def served_files(self, run_id: str, folder: str) -> Iterator[list[Path]]:
        with tempfile.TemporaryDirectory() as scratch:
            with tracking_errors(self.uri):
                listed = self.client.list_artifacts(run_id, folder)
                paths = [Path(self.client.download_artifacts(run_id, entry.path, scratch)) for entry in listed]
            yield paths

    def served_names(self, run_id: str, folder: str) -> list[str]:
        with tracking_errors(self.uri):
            return [entry.path.rpartition("/")[2] for entry in self.client.list_artifacts(run_id, folder)]

    def write_files(self, run_id: str, folder: str, files: Mapping[str, bytes]) -> None:
        with tracking_errors(self.uri):
            super().write_files(run_id, folder, files)

    def send_files(self, run_id: str, folder: str, files: Mapping[str, bytes]) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            for name, content in files.items():
                Path(scratch, name).write_bytes(content)
            self.client.log_artifacts(run_id, scratch, folder or None)

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
