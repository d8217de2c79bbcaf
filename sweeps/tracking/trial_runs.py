"""Writing one trial as one run."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from uuid import uuid4

from mlflow.entities import LifecycleStage, Run

from model import Dataset
from sweeps.formatting import storable
from sweeps.specification.domains import Settings
from sweeps.specification.spec import SweepSpec
from sweeps.tracking.records import DRIVER, RecordedSweep, RecordedTrial
from sweeps.tracking.retrying import sent_once
from sweeps.tracking.run_reading import training_of, written_by
from sweeps.tracking.store import Store
from sweeps.tracking.trial_entities import (
    data_input,
    milliseconds,
    run_name,
    trial_metrics,
    trial_params,
    trial_tags,
)
from sweeps.verdicts.facts import State
from sweeps.worker.task import TrialResult

_METRICS_PER_BATCH = 1000  # MLflow's limit
ATTEMPT = "attempt"  # tag of a trial run
_CLOCK = {"epoch_seconds"}  # metrics that differ between two runs of one training


class TrialRuns:
    """The runs of a sweep's trials, open for writing. data: by name."""

    def __init__(self, store: Store, sweep: RecordedSweep, data: Mapping[str, Dataset]) -> None:
        self._store, self._sweep, self._data = store, sweep, data

    @property
    def _spec(self) -> SweepSpec:
        return self._sweep.spec

    def write(self, result: TrialResult, settings: Settings, token: str, attempt: int) -> None:
        """Writes a trial with its true times; from the second attempt on, after a look at what the first one left.

        token: the same for all attempts. It is made with the run, so a run that a lost answer told nothing of is found.
        """
        if attempt and self._stands(result, token):
            return
        client = self._store.client
        plan, _ = self._spec.training(settings)
        data = self._data[plan.dataset]
        with sent_once():
            run = client.create_run(
                self._sweep.experiment_id,
                start_time=milliseconds(result.started),
                tags=trial_tags(self._spec, result) | {ATTEMPT: token, DRIVER: str(self._sweep.drivers)},
                run_name=run_name(self._spec, result),
            )
        run_id = run.info.run_id
        metrics = trial_metrics(self._spec, result, settings, len(data.train) - plan.validation)
        client.log_batch(run_id, metrics[:_METRICS_PER_BATCH], params=trial_params(self._spec, settings))
        for at in range(_METRICS_PER_BATCH, len(metrics), _METRICS_PER_BATCH):
            client.log_batch(run_id, metrics[at : at + _METRICS_PER_BATCH])
        client.log_inputs(run_id, [data_input(data)])
        if result.error is not None:
            self._store.write_files(run_id, "", {"error.txt": storable(result.error).encode()})
        status = "FAILED" if result.state is State.FAILED else "FINISHED"
        client.set_terminated(run_id, status, end_time=milliseconds(result.finished))

    def is_of(self, recorded: RecordedTrial, result: TrialResult, settings: Settings) -> bool:
        """Whether what stands of a training is what this result would be written as, but for times."""
        plan, _ = self._spec.training(settings)
        n = len(self._data[plan.dataset].train) - plan.validation
        now = {metric.key: metric.value for metric in trial_metrics(self._spec, result, settings, n)}
        word = result.assessment.verdict.value if result.assessment else None
        same = (recorded.state, recorded.settings, recorded.verdict) == (result.state.value, dict(settings), word)
        return same and _shown(recorded.metrics) == _shown(now)

    def clear_unfinished(self) -> None:
        """A trial run found running belongs to a driver that died while writing it; its trial runs again."""
        query = "tags.kind = 'trial' and attributes.status = 'RUNNING'"
        for run in list(self._store.runs(self._sweep.experiment_id, query)):
            self._store.remove(run.info.run_id)

    def forget(self, run_ids: Iterable[str]) -> None:
        """Deletes trials' runs, those that are not deleted yet."""
        for run_id in run_ids:
            if self._store.client.get_run(run_id).info.lifecycle_stage != LifecycleStage.DELETED:
                self._store.remove(run_id)

    def heal(self) -> tuple[int, int]:
        """Deletes what stands a second time of a training; says how many, and how many differed.

        What the sweep's later driver wrote stays, then the older.
        """
        of_training: defaultdict[tuple[str, str], list[Run]] = defaultdict(list)
        query = "tags.kind = 'trial' and attributes.status != 'RUNNING'"
        for run in self._store.runs(self._sweep.experiment_id, query):
            if all(training_of(run)):  # what somebody took away is said where the trials are read
                of_training[training_of(run)].append(run)
        doubles = different = 0
        for runs in of_training.values():
            first, *others = sorted(runs, key=lambda run: (-written_by(run), run.info.start_time, run.info.run_id))
            for run in others:
                different += _content(run) != _content(first)
                doubles += 1
                self._store.remove(run.info.run_id)
        return doubles, different

    def _stands(self, result: TrialResult, token: str) -> bool:
        """Whether an earlier attempt was written to its end; what it left half-written is deleted."""
        query = f"tags.kind = 'trial' and tags.trial = '{result.number}' and tags.replicate = '{result.replicate}'"
        stands = False
        for run in list(self._store.runs(self._sweep.experiment_id, query)):
            if run.info.status != "RUNNING":
                stands = True
            elif run.data.tags.get(ATTEMPT) == token:
                self._store.remove(run.info.run_id)
        return stands


def new_token() -> str:
    """Of the attempts to write one trial."""
    return uuid4().hex


def _content(run: Run) -> tuple[object, object]:
    return run.data.params, _shown(run.data.metrics)


def _shown(metrics: Mapping[str, float]) -> dict[str, str]:
    """Metrics that do not depend on the clock, to be compared to the bit; NaN equals itself."""
    return {name: repr(float(value)) for name, value in metrics.items() if name not in _CLOCK}
