"""Writing one trial as one run."""

from collections.abc import Iterable, Mapping

from mlflow.entities import LifecycleStage

from model import Dataset
from sweeps.specification.domains import Settings
from sweeps.specification.spec import SweepSpec
from sweeps.tracking.records import RecordedSweep
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


class TrialRuns:
    """The runs of a sweep's trials, open for writing. data: by name."""

    def __init__(self, store: Store, sweep: RecordedSweep, data: Mapping[str, Dataset]) -> None:
        self._store, self._sweep, self._data = store, sweep, data

    @property
    def _spec(self) -> SweepSpec:
        return self._sweep.spec

    def write(self, result: TrialResult, settings: Settings, attempt: int) -> None:
        """Writes a trial with its true times; from the second attempt on, after a look at what the first one left."""
        if attempt and self._stands(result):
            return
        client = self._store.client
        plan, _ = self._spec.training(settings)
        data = self._data[plan.dataset]
        run = client.create_run(
            self._sweep.experiment_id,
            start_time=milliseconds(result.started),
            tags=trial_tags(self._spec, result),
            run_name=run_name(self._spec, result),
        )
        run_id = run.info.run_id
        metrics = trial_metrics(self._spec, result, settings, len(data.train) - plan.validation)
        client.log_batch(run_id, metrics[:_METRICS_PER_BATCH], params=trial_params(self._spec, settings))
        for at in range(_METRICS_PER_BATCH, len(metrics), _METRICS_PER_BATCH):
            client.log_batch(run_id, metrics[at : at + _METRICS_PER_BATCH])
        client.log_inputs(run_id, [data_input(data)])
        if result.error is not None:
            self._store.write_files(run_id, "", {"error.txt": result.error.encode()})
        status = "FAILED" if result.state is State.FAILED else "FINISHED"
        client.set_terminated(run_id, status, end_time=milliseconds(result.finished))

    def clear_unfinished(self) -> None:
        """A trial run found running belongs to a driver that died while writing it; its trial runs again."""
        query = "tags.kind = 'trial' and attributes.status = 'RUNNING'"
        for run in list(self._store.runs(self._sweep.experiment_id, query)):
            self._store.client.delete_run(run.info.run_id)

    def forget(self, run_ids: Iterable[str]) -> None:
        """Deletes trials' runs, those that are not deleted yet."""
        for run_id in run_ids:
            if self._store.client.get_run(run_id).info.lifecycle_stage != LifecycleStage.DELETED:
                self._store.client.delete_run(run_id)

    def _stands(self, result: TrialResult) -> bool:
        """Whether an earlier attempt was written to its end; what it left half-written is deleted."""
        query = f"tags.kind = 'trial' and tags.trial = '{result.number}' and tags.replicate = '{result.replicate}'"
        stands = False
        for run in list(self._store.runs(self._sweep.experiment_id, query)):
            if run.info.status == "RUNNING":
                self._store.client.delete_run(run.info.run_id)
            else:
                stands = True
        return stands
