"""Writing one trial as one run."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from uuid import uuid4

from mlflow.entities import LifecycleStage, Metric, RunTag
from mlflow.exceptions import MlflowException

from model import Dataset
from sweeps.formatting import storable
from sweeps.specification.domains import Settings
from sweeps.specification.spec import SweepSpec
from sweeps.tracking.records import DRIVER, RecordedSweep, RecordedTrial
from sweeps.tracking.retrying import sent_once
from sweeps.tracking.run_reading import StoredRun, training_of, written_by
from sweeps.tracking.store import Store
from sweeps.tracking.trial_entities import (
    begun_tags,
    data_input,
    ended_tags,
    milliseconds,
    run_name,
    trial_metrics,
    trial_params,
)
from sweeps.verdicts.facts import State
from sweeps.worker.task import Key, TrialResult

_METRICS_PER_BATCH = 1000  # MLflow's limit
ATTEMPT = "attempt"  # tag of a trial run
_CLOCK = {"epoch_seconds"}  # metrics that differ between two runs of one training


@dataclass
class BegunRun:
    """A trial's run before the trial has ended. started: Unix time. token: of the attempts to write the trial.

    run_id: empty until the store has said it. shown: of how many epochs the values stand there, epoch 0 among them.
    """

    started: float
    token: str
    run_id: str = ""
    shown: int = 0


@dataclass(frozen=True)
class Cleared:
    """runs: of trials, that stay. doubles: deleted, as their training stood already. different: of other content."""

    runs: list[StoredRun]
    doubles: int
    different: int


class TrialRuns:
    """The runs of a sweep's trials, open for writing. data: by name."""

    def __init__(self, store: Store, sweep: RecordedSweep, data: Mapping[str, Dataset]) -> None:
        self._store, self._sweep, self._data = store, sweep, data

    @property
    def _spec(self) -> SweepSpec:
        return self._sweep.spec

    def write(
        self, result: TrialResult, settings: Settings, token: str, attempt: int, begun: BegunRun | None = None
    ) -> None:
        """Writes a trial with its true times; from the second attempt on, after a look at what the first one left.

        token: the same for all attempts. It is made with the run, so a run that a lost answer told nothing of is found.
        begun: the run in which the trial's beginning stands, if there is one.
        """
        if attempt and self._stands(result, token):
            return
        if begun is None or attempt or not self._completed(begun, result, settings):
            begun = BegunRun(result.started, token)
            self.begin(begun, (result.number, result.replicate))
            self._complete(begun, result, settings)

    def _completed(self, begun: BegunRun, result: TrialResult, settings: Settings) -> bool:
        """Whether the trial stands now in the run of its beginning; not where somebody has deleted that."""
        try:
            if self._goes_on(begun.run_id):
                self._complete(begun, result, settings)
                return True
        except MlflowException:
            if self._goes_on(begun.run_id):
                raise
        return False

    def _complete(self, begun: BegunRun, result: TrialResult, settings: Settings) -> None:
        """Writes what is not shown yet of a trial that has ended, and ends its run."""
        client = self._store.client
        plan, _ = self._spec.training(settings)
        data = self._data[plan.dataset]
        n = len(data.train) - plan.validation
        metrics = trial_metrics(self._spec, result, settings, n, begun.shown)
        self.log(begun.run_id, settings, metrics, ended_tags(result))
        client.log_inputs(begun.run_id, [data_input(data)])
        if result.error is not None:
            self._store.write_files(begun.run_id, "", {"error.txt": storable(result.error).encode()})
        status = "FAILED" if result.state is State.FAILED else "FINISHED"
        client.set_terminated(begun.run_id, status, end_time=milliseconds(result.finished))

    def begin(self, begun: BegunRun, key: Key) -> None:
        """Makes a trial's run."""
        known = begun_tags(self._spec, key) | {ATTEMPT: begun.token, DRIVER: str(self._sweep.drivers)}
        with sent_once():
            run = self._store.client.create_run(
                self._sweep.experiment_id,
                start_time=milliseconds(begun.started),
                tags=known,
                run_name=run_name(self._spec, key),
            )
        begun.run_id = run.info.run_id

    def log(
        self, run_id: str, settings: Settings, metrics: Sequence[Metric], tags: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Writes a trial's params, metrics and tags into its run; what stands there already may be among them."""
        client, said = self._store.client, [RunTag(name, value) for name, value in tags.items()]
        client.log_batch(run_id, metrics[:_METRICS_PER_BATCH], trial_params(self._spec, settings), said)
        for at in range(_METRICS_PER_BATCH, len(metrics), _METRICS_PER_BATCH):
            client.log_batch(run_id, metrics[at : at + _METRICS_PER_BATCH])

    def remove_begun(self, begun: BegunRun) -> None:
        """Deletes the run of a trial's beginning, where the store has it."""
        query = f"tags.{ATTEMPT} = '{begun.token}' and attributes.status = 'RUNNING'"
        for run in list(self._store.runs(self._sweep.experiment_id, query)):
            self._store.remove(run.info.run_id)

    def _goes_on(self, run_id: str) -> bool:
        """Whether that run is there, and runs."""
        if not run_id:
            return False
        info = self._store.client.get_run(run_id).info
        return bool(info.lifecycle_stage != LifecycleStage.DELETED and info.status == "RUNNING")

    def is_of(self, recorded: RecordedTrial, result: TrialResult, settings: Settings) -> bool:
        """Whether what stands of a training is what this result would be written as, but for times."""
        plan, _ = self._spec.training(settings)
        n = len(self._data[plan.dataset].train) - plan.validation
        now = {metric.key: metric.value for metric in trial_metrics(self._spec, result, settings, n)}
        word = result.assessment.verdict.value if result.assessment else None
        same = (recorded.state, recorded.settings, recorded.verdict) == (result.state.value, dict(settings), word)
        return same and _shown(recorded.metrics) == _shown(now)

    def forget(self, run_ids: Iterable[str]) -> None:
        """Deletes trials' runs, those that are not deleted yet."""
        for run_id in run_ids:
            if self._store.client.get_run(run_id).info.lifecycle_stage != LifecycleStage.DELETED:
                self._store.remove(run_id)

    def clear_up(self, runs: Iterable[StoredRun]) -> Cleared:
        """Deletes, of all the runs of trials, those that do not count.

        One found running belongs to a driver that died while writing it; its trial runs again. Of what stands a second
        time of a training, what the sweep's later driver wrote stays, then the older.
        """
        stay: list[StoredRun] = []
        of_training: defaultdict[tuple[str, str], list[StoredRun]] = defaultdict(list)
        for run in runs:
            if run.info.status == "RUNNING":
                self._store.remove(run.info.run_id)
            elif all(training_of(run)):
                of_training[training_of(run)].append(run)
            else:  # what somebody took away is said where the trials are read
                stay.append(run)
        doubles = different = 0
        for alike in of_training.values():
            first, *others = sorted(alike, key=lambda run: (-written_by(run), run.info.start_time, run.info.run_id))
            stay.append(first)
            for run in others:
                different += _content(run) != _content(first)
                doubles += 1
                self._store.remove(run.info.run_id)
        return Cleared(stay, doubles, different)

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


def _content(run: StoredRun) -> tuple[object, object]:
    return dict(run.data.params), _shown(run.data.metrics)


def _shown(metrics: Mapping[str, float]) -> dict[str, str]:
    """Metrics that do not depend on the clock, to be compared to the bit; NaN equals itself."""
    return {name: repr(float(value)) for name, value in metrics.items() if name not in _CLOCK}
