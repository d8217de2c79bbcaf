"""A connection to MLflow, and reading sweeps from it."""

import contextlib
import json
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # the journal has its own, longer patience

from mlflow import MlflowClient
from mlflow.entities import Experiment, LifecycleStage, Run
from mlflow.exceptions import MlflowException

from sweeps.errors import TrackingError
from sweeps.specification.domains import Settings, decode
from sweeps.specification.reading import parse_spec
from sweeps.specification.spec import SweepSpec
from sweeps.tracking.location import sqlite_file, tracking_uri

logging.getLogger("mlflow").setLevel(logging.WARNING)  # else each new database tells of its tables

SWEEP_RUN = "sweep"
TABLES = "tables"  # artifact folder of the sweep run
PARTS = "epochs"
NETWORK = "network"

_KNOWN = ("target", "file", "digest")  # of an own network, as tags of the sweep run


@dataclass(frozen=True)
class RecordedTrial:
    """A trial run as it stands in MLflow.

    state: complete, pruned, failed or running. metrics: last value of each. seconds: from start to end of the trial.
    """

    number: int
    replicate: int
    state: str
    settings: Settings
    metrics: dict[str, float]
    verdict: str | None
    verdict_reason: str | None
    run_id: str
    seconds: float

    @property
    def diverged(self) -> bool:
        """Whether its records stopped being finite."""
        return bool(self.metrics.get("diverged"))


@dataclass(frozen=True)
class RecordedSweep:
    """A sweep's experiment and its own run, as they stand in MLflow."""

    name: str
    experiment_id: str
    run_id: str
    status: str
    tags: dict[str, str]
    spec: SweepSpec


class Store:
    """The sweeps in one tracking store. Raises TrackingError when it cannot be reached."""

    def __init__(self, uri: str | None = None) -> None:
        self.uri = tracking_uri(uri)
        self.file = sqlite_file(self.uri)
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
        with tracking_errors(self.uri):
            self.client = MlflowClient(self.uri)
            self.client.search_experiments(max_results=1)  # creates or migrates the database now, and not in parallel

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
            return RecordedSweep(
                name=name,
                experiment_id=experiment.experiment_id,
                run_id=run.info.run_id,
                status=run.info.status,
                tags=run.data.tags,
                spec=spec_from_run(run),
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
        recorded = [_recorded(run, sweep.spec) for run in runs]
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
        with tracking_errors(self.uri), tempfile.TemporaryDirectory() as scratch:
            listed = self.client.list_artifacts(run_id, folder)
            yield [Path(self.client.download_artifacts(run_id, entry.path, scratch)) for entry in listed]

    def write_files(self, run_id: str, folder: str, files: Mapping[str, bytes]) -> None:
        """Writes contents, by file name, into an artifact folder of a run, over what is there."""
        with tracking_errors(self.uri), tempfile.TemporaryDirectory() as scratch:
            for name, content in files.items():
                Path(scratch, name).write_bytes(content)
            self.client.log_artifacts(run_id, scratch, folder)

    def log_network(self, run_id: str, spec: SweepSpec) -> None:
        """Curves where an own network's file is, what it is, and its text."""
        own = spec.network
        if own is None:
            return
        for name in _KNOWN:
            self.client.set_tag(run_id, f"{NETWORK}.{name}", getattr(own, name))
        if own.file:
            self.client.log_artifact(run_id, own.file, NETWORK)

    def local_path(self, run_id: str, artifact: str) -> Path | None:
        """Where an artifact is on this machine; None where a server keeps it."""
        with tracking_errors(self.uri):
            root = urlsplit(str(self.client.get_run(run_id).info.artifact_uri))
        if root.scheme not in ("", "file"):
            return None
        return Path(url2pathname(root.path), artifact)

    def _sweep_run(self, experiment_id: str) -> Run | None:
        return next(self.runs(experiment_id, "tags.kind = 'sweep'"), None)


@contextlib.contextmanager
def tracking_errors(uri: str) -> Iterator[None]:
    """Turns what MLflow raises into a TrackingError of one line."""
    try:
        yield
    except (MlflowException, OSError) as error:
        first = str(error).strip().split("\n")[0]
        raise TrackingError(f"the tracking store {uri} does not answer as it should: {first}") from error


def changed_file(known: SweepSpec, spec: SweepSpec) -> list[str]:
    """What to say where the file of a sweep's network is not what it was; nothing where it is."""
    old, new = known.network, spec.network
    if old is None or new is None or old.named != new.named or old.digest == new.digest:
        return []
    kept = f"the old file's text is the artifact {NETWORK}/{Path(old.file).name} of the run `{SWEEP_RUN}`"
    return [f"network: the file {new.file} has changed, SHA-256 was {old.digest}, is now {new.digest}; {kept}"]


def spec_params(spec: SweepSpec) -> dict[str, str]:
    """The spec as params of the sweep run, JSON by dotted key. `trials` may grow, so it is a tag instead."""
    flat: dict[str, str] = {}
    for key, value in spec.to_table().items():
        if isinstance(value, dict):
            flat |= {f"{key}.{name}": json.dumps(inner) for name, inner in value.items()}
        elif key != "trials":
            flat[key] = json.dumps(value)
    return flat


def spec_from_run(run: Run) -> SweepSpec:
    """The spec that `spec_params` wrote."""
    table: dict[str, Any] = {"trials": int(run.data.tags["trials"])}
    for key, text in run.data.params.items():
        section, dot, name = key.partition(".")
        if dot:
            table.setdefault(section, {})[name] = json.loads(text)
        else:
            table[key] = json.loads(text)
    spec = parse_spec(table, f"the spec recorded in run {run.info.run_id}", check_data=False)
    if spec.network is None:
        return spec
    known = {name: run.data.tags.get(f"{NETWORK}.{name}", "") for name in _KNOWN}
    return replace(spec, network=replace(spec.network, **known))


def _recorded(run: Run, spec: SweepSpec) -> RecordedTrial:
    tags, info = run.data.tags, run.info
    return RecordedTrial(
        number=int(tags["trial"]),
        replicate=int(tags["replicate"]),
        state="running" if info.status == "RUNNING" else tags["state"],
        settings={name: decode(run.data.params[name]) for name in spec.search if name in run.data.params},
        metrics=run.data.metrics,
        verdict=tags.get("verdict"),
        verdict_reason=tags.get("verdict.reason"),
        run_id=info.run_id,
        seconds=((info.end_time or info.start_time) - info.start_time) / 1000,
    )
