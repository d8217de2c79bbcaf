"""Writing one sweep into MLflow. A run that cannot be written is written again until it stands."""

import getpass
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from mlflow.entities import Dataset as LoggedDataset
from mlflow.entities import DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from model import Dataset
from sweeps.driver.schedule import Champion
from sweeps.errors import SpecError, TrackingError
from sweeps.specification.domains import Settings, encode
from sweeps.specification.spec import SweepSpec, differences
from sweeps.tracking.mlflow_pages.descriptions import NOTE, banner, describe_sweep, describe_trial
from sweeps.tracking.mlflow_pages.saved_view import view_tag
from sweeps.tracking.serving.registered_model import log_champion
from sweeps.tracking.store import (
    PARTS,
    SWEEP_RUN,
    TABLES,
    RecordedSweep,
    Store,
    changed_file,
    spec_params,
    tracking_errors,
)
from sweeps.tracking.tables import epoch_rows, epochs_table, read_epochs, trials_table
from sweeps.verdicts.verdict import Assessment
from sweeps.worker.trial import State, TrialResult, best_epoch, goal

_METRICS_PER_BATCH = 1000  # MLflow's limit
_TRIALS_PER_PART = 32
_SOURCE = {"mlflow.source.name": "sweeps", "mlflow.source.type": "LOCAL", "mlflow.user": getpass.getuser()}
_TRAINING = {"mlflow.experimentKind": "custom_model_development"}  # else the UI shows its pages for language models
_PAUSES = (0.5, 1, 2, 5, 10, 30)  # seconds between attempts; the last is repeated
_HOPELESS = {
    "INVALID_PARAMETER_VALUE",
    "RESOURCE_DOES_NOT_EXIST",
    "BAD_REQUEST",
    "PERMISSION_DENIED",
    "UNAUTHENTICATED",
}


class SweepWriter:
    """The record of one sweep, open for writing. Its methods are called from one thread at a time.

    say: told in plain words when the store does not answer. give_up: set by another thread to end the waiting.
    """

    def __init__(
        self,
        store: Store,
        spec: SweepSpec,
        data: Mapping[str, Dataset],
        tags: Mapping[str, str],
        say: Callable[[str], None],
    ) -> None:
        """Opens the sweep's record, new or old. Raises SpecError when it was recorded with another spec."""
        self.give_up = threading.Event()
        self._store, self._client, self._data, self._say = store, store.client, data, say
        self._sweep = self._open(spec, tags)
        self.spec = self._sweep.spec
        self._clear_unfinished()
        self.trials = store.trials(self._sweep)
        parts, self._pending = read_epochs(store, self._sweep, self.trials)
        self._parts = len(parts)
        self.epochs = epochs_table(parts + self._pending)

    @property
    def deaths(self) -> dict[tuple[int, int], int]:
        """(trial, replicate) -> how often it killed its worker so far."""
        words = [[*tag.split("."), count] for tag, count in self._sweep.tags.items() if tag.startswith("deaths.")]
        return {(int(number), int(replicate)): int(count) for _, number, replicate, count in words}

    @property
    def finished(self) -> bool:
        """Whether all of the sweep stands in the record, summary included."""
        return self._sweep.tags.get("state") == "finished"

    def record(self, result: TrialResult, settings: Settings) -> None:
        """Writes one trial as one run, with its true times."""
        self._patiently(lambda attempt: self._write(result, settings, first=attempt == 0))
        self._pending.append(epoch_rows(result))
        if len(self._pending) >= _TRIALS_PER_PART:
            self._write_part()

    def note_death(self, number: int, replicate: int, count: int) -> None:
        """Remembers how often a trial killed its worker, so that the count survives a resume."""
        self._tag({f"deaths.{number}.{replicate}": str(count)})

    def interrupt(self) -> None:
        """Closes the sweep's run as killed; the same sweep goes on from here."""
        if self._pending:
            self._write_part()
        self._tag({"state": "interrupted"})
        self._patiently(lambda _: self._client.set_terminated(self._sweep.run_id, "KILLED"))

    def finish(self, champion: Champion | None) -> None:
        """Writes the tables and the best network, and closes the sweep's run."""
        if self._pending:
            self._write_part()
        recorded = self._store.trials(self._sweep)
        parts, late = read_epochs(self._store, self._sweep, recorded)
        epochs = epochs_table(parts + late)
        trials = trials_table(self.spec, recorded, epochs)
        self._write_artifacts(TABLES, {"trials.parquet": trials, "epochs.parquet": epochs})
        tags = {"state": "finished"}
        if champion is not None:
            self._patiently(lambda _: log_champion(self._store, self._sweep.run_id, self.spec, champion))
            tags["champion"] = f"trial {champion.number}, replicate {champion.replicate}"
        best = None if champion is None else (champion.number, champion.replicate)
        summary = describe_sweep(self.spec, self._sweep.experiment_id, self._sweep.run_id, recorded, best)
        short = banner(self.spec, self._sweep.experiment_id, self._sweep.run_id, recorded, best)
        self._tag(tags | {NOTE: summary})
        self._patiently(lambda _: self._client.set_experiment_tag(self._sweep.experiment_id, NOTE, short))
        self._patiently(lambda _: self._client.set_terminated(self._sweep.run_id, "FINISHED"))

    def losses(self, metric: str) -> Iterator[tuple[int, int, int, float]]:
        """(trial, replicate, epoch, value) of a metric, as far as it was recorded before this journal was opened."""
        if metric in self.epochs:
            yield from self.epochs[["trial", "replicate", "epoch", metric]].itertuples(index=False, name=None)

    def _write_artifacts(self, folder: str, files: Mapping[str, pd.DataFrame | str]) -> None:
        """Writes tables (as Parquet) and texts into a folder of the sweep run's artifacts."""
        with TemporaryDirectory() as scratch:
            for name, content in files.items():
                if isinstance(content, str):
                    Path(scratch, name).write_text(content, encoding="utf-8")
                else:
                    content.to_parquet(Path(scratch, name), index=False)
            self._patiently(lambda _: self._client.log_artifacts(self._sweep.run_id, scratch, folder))

    def _open(self, spec: SweepSpec, tags: Mapping[str, str]) -> RecordedSweep:
        known = self._store.sweep(spec.name)
        if known is not None:
            changed = differences(_settled(known.spec), _settled(spec)) + changed_file(known.spec, spec)
            if changed:
                remedy = "undo the change, or give the sweep another --name"
                raise SpecError(f"the sweep {spec.name!r} is recorded with another spec ({remedy}); changed", changed)
            spec = replace(spec, trials=max(spec.trials, known.spec.trials))
        with tracking_errors(self._store.uri):
            run_id = known.run_id if known else self._create(spec, tags)
            if known is None or spec.trials > known.spec.trials or known.tags.get("state") != "finished":
                tags = {"trials": str(spec.trials), "state": "running"}
                self._client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])
                self._client.update_run(run_id, "RUNNING")
        opened = self._store.sweep(spec.name)
        if opened is None:
            raise TrackingError(f"the sweep {spec.name!r} was deleted from {self._store.uri} just now; run it again")
        return replace(opened, spec=spec)  # the same, its search in the order of the spec

    def _create(self, spec: SweepSpec, tags: Mapping[str, str]) -> str:
        experiment = self._store.experiment(spec.name)
        experiment_id = experiment.experiment_id if experiment else None
        shown = _TRAINING | view_tag(spec)
        if experiment_id is None:
            file = self._store.file
            location = (file.parent / "artifacts" / spec.name).as_uri() if file else None  # a server knows its own
            experiment_id = self._client.create_experiment(spec.name, location, tags=shown)
        else:
            for key, value in shown.items():
                self._client.set_experiment_tag(experiment_id, key, value)
        query = f"tags.sweep = '{spec.name}' and attributes.status = 'RUNNING'"
        for run in list(self._store.runs(experiment_id, query)):  # a driver died before it had written its spec
            self._client.delete_run(run.info.run_id)
        run = self._client.create_run(experiment_id, run_name=SWEEP_RUN, tags={**_SOURCE, "sweep": spec.name, **tags})
        self._client.log_batch(run.info.run_id, params=[Param(k, v) for k, v in spec_params(spec).items()])
        self._client.log_inputs(run.info.run_id, [_input(data) for data in self._data.values()])
        self._store.log_network(run.info.run_id, spec)
        own = {"trials": str(spec.trials), "kind": "sweep"}  # last: with them it is a sweep
        self._client.log_batch(run.info.run_id, tags=[RunTag(key, value) for key, value in own.items()])
        return str(run.info.run_id)

    def _clear_unfinished(self) -> None:
        """A trial run found running belongs to a driver that died while writing it; its trial runs again."""
        with tracking_errors(self._store.uri):
            query = "tags.kind = 'trial' and attributes.status = 'RUNNING'"
            for run in list(self._store.runs(self._sweep.experiment_id, query)):
                self._client.delete_run(run.info.run_id)

    def _write_part(self) -> None:
        self._write_artifacts(PARTS, {f"part-{self._parts:05}.parquet": epochs_table(self._pending)})
        self._parts += 1
        self._pending = []

    def _write(self, result: TrialResult, settings: Settings, first: bool) -> None:
        if not first and self._stands(result):
            return
        plan, hyperparameters = self.spec.training(settings)
        data = self._data[plan.dataset]
        n = len(data.train) - plan.validation
        name = f"trial-{result.number:04}" + (f"-r{result.replicate}" if self.spec.replicates > 1 else "")
        tags = {**_SOURCE, "kind": "trial", "sweep": self.spec.name, "trial": str(result.number)}
        tags |= {"replicate": str(result.replicate), "state": result.state.value}
        if result.assessment is not None:
            tags |= _verdict_tags(result.assessment)
        start, end = _milliseconds(result.started), _milliseconds(result.finished)
        run = self._client.create_run(self._sweep.experiment_id, start_time=start, tags=tags, run_name=name)
        run_id = run.info.run_id
        shown = {"eta": hyperparameters.eta, "lambda": hyperparameters.lmbda, "batch_size": hyperparameters.batch_size}
        params = shown | {field: getattr(plan, field) for field in self.spec.plan_fields}
        params |= {} if self.spec.network is None else {"network": self.spec.network.named}
        metrics = _epoch_metrics(result) + _summary_metrics(result, shown, n, self.spec)
        self._client.log_batch(
            run_id, metrics[:_METRICS_PER_BATCH], params=[Param(key, encode(value)) for key, value in params.items()]
        )
        for at in range(_METRICS_PER_BATCH, len(metrics), _METRICS_PER_BATCH):
            self._client.log_batch(run_id, metrics[at : at + _METRICS_PER_BATCH])
        self._client.log_inputs(run_id, [_input(data)])
        if result.error is not None:
            self._client.log_text(run_id, result.error, "error.txt")
        status = "FAILED" if result.state is State.FAILED else "FINISHED"
        self._client.set_terminated(run_id, status, end_time=end)

    def _stands(self, result: TrialResult) -> bool:
        """Whether an earlier attempt was written to its end; what it left half-written is deleted."""
        query = f"tags.kind = 'trial' and tags.trial = '{result.number}' and tags.replicate = '{result.replicate}'"
        stands = False
        for run in list(self._store.runs(self._sweep.experiment_id, query)):
            if run.info.status == "RUNNING":
                self._client.delete_run(run.info.run_id)
            else:
                stands = True
        return stands

    def _tag(self, tags: Mapping[str, str]) -> None:
        entities = [RunTag(key, value) for key, value in tags.items()]
        self._patiently(lambda _: self._client.log_batch(self._sweep.run_id, tags=entities))

    def _patiently(self, action: Callable[[int], object]) -> None:
        """Does it, again with growing pauses while the store is away or busy."""
        attempt = 0
        while True:
            try:
                action(attempt)
                return
            except (MlflowException, OSError) as error:
                if getattr(error, "error_code", "") in _HOPELESS:
                    raise TrackingError(f"{self._store.uri} refuses to record: {error}") from error
                pause = _PAUSES[min(attempt, len(_PAUSES) - 1)]
                reason = str(error).strip().split("\n")[0]
                self._say(f"{self._store.uri} does not record ({reason}); trying again in {pause:g} s")
                if self.give_up.wait(pause):
                    raise TrackingError(f"{self._store.uri} does not record: {reason}") from error
                attempt += 1


def _settled(spec: SweepSpec) -> dict[str, object]:
    """What may not change under a name: all but the number of trials."""
    return {key: value for key, value in spec.to_table().items() if key != "trials"}


def _verdict_tags(assessment: Assessment) -> dict[str, str]:
    """The verdict as tags, and as the description that MLflow shows on the run's page."""
    tags = {"verdict": assessment.verdict.value, "verdict.reason": assessment.sentence, NOTE: describe_trial(assessment)}
    return tags | ({"verdict.cause": assessment.cause.value} if assessment.cause else {})


def _input(data: Dataset) -> DatasetInput:
    logged = LoggedDataset(name=data.name, digest=data.digest, source_type="local", source=data.name)
    return DatasetInput(logged, [InputTag("mlflow.data.context", "training")])


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def _epoch_metrics(result: TrialResult) -> list[Metric]:
    return [
        Metric(name, value, _milliseconds(ended), record.epoch)
        for record, ended in zip(result.records, result.epoch_ends, strict=False)
        for name, value in record.measures.items()
    ]


def _summary_metrics(
    result: TrialResult, hyperparameters: Mapping[str, float], n: int, spec: SweepSpec
) -> list[Metric]:
    last = result.records[-1].epoch if result.records else 0
    summary = {name: float(value) for name, value in hyperparameters.items()}
    summary["eta_lambda_over_n"] = summary["eta"] * summary["lambda"] / n
    summary |= {f"log10_{name}": math.log10(summary[name]) for name in ("eta", "lambda") if summary[name] > 0}
    summary["diverged"] = float(result.diverged)
    if result.diverged_epoch is not None:
        summary["diverged_epoch"] = float(result.diverged_epoch)
    if result.records:
        summary["best_epoch"] = float(best_epoch(result.records, goal(spec)))
        summary["epoch_seconds"] = result.seconds / max(1, last)
    summary |= result.test or {}
    return [Metric(name, value, _milliseconds(result.finished), last) for name, value in summary.items()]
