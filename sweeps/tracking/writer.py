"""Writing one sweep into MLflow. A run that cannot be written is written again until it stands."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product

import pandas as pd
from mlflow.entities import LifecycleStage, RunTag
from mlflow.exceptions import MlflowException

from model import Dataset
from sweeps.errors import StoreAwayError, TrackingError, VanishedError
from sweeps.formatting import count
from sweeps.specification.domains import Settings, encode_all
from sweeps.specification.spec import SweepSpec
from sweeps.tracking.heartbeat import LIVE, Heartbeat
from sweeps.tracking.lease import HeldPatience, Lease
from sweeps.tracking.live_runs import InProgress, LiveRuns
from sweeps.tracking.mlflow_pages.descriptions import NOTE, banner, describe_sweep
from sweeps.tracking.opening import open_sweep
from sweeps.tracking.outage import Outage
from sweeps.tracking.records import PARTS, TABLES, RecordedTrial
from sweeps.tracking.retrying import tracking_errors
from sweeps.tracking.run_reading import (
    DEATHS,
    RETRIED,
    RETRY,
    StoredRun,
    kept_settings,
    noted_deaths,
    recorded_trials,
    times_retried,
)
from sweeps.tracking.serving.registered_model import log_champion, title_of
from sweeps.tracking.shown_uri import shown_uri
from sweeps.tracking.sqlite_reader import known_sqlite
from sweeps.tracking.store import Store
from sweeps.tracking.tables import TRIALS, epoch_rows, epochs_table, made_tables, read_epochs, table_files
from sweeps.tracking.trial_runs import TrialRuns, new_token
from sweeps.verdicts.facts import State
from sweeps.worker.task import Champion, Key, TrialResult

_TRIALS_PER_PART = 32
_TAGS_PER_BATCH = 100  # MLflow's limit
_LOOK_SECONDS = 20.0  # between looks whether the sweep stands

PairToCompare = Callable[[SweepSpec, pd.DataFrame], tuple[int, int] | None]


class SweepWriter:
    """The record of one sweep, open for writing. Its methods are called from one thread at a time.

    spec: as recorded, or extended. trials, epochs: what stood in the record when it was opened. outage: whether the
    store is away, and an event that ends the waiting for it.
    """

    def __init__(
        self,
        store: Store,
        spec: SweepSpec,
        data: Mapping[str, Dataset],
        provenance: Mapping[str, str],
        say: Callable[[str], None],
        outage: Outage | None = None,
    ) -> None:
        """Opens the sweep's record, new or old. say: told in plain words when the store does not answer.

        Raises SpecError when it was recorded with another spec, BusyError where another driver has it.
        """
        self._store, self._client, self._say = store, store.client, say
        outage = outage or Outage()
        self._lease = Lease(store, spec.name, say, outage.give_up)
        self._patience = HeldPatience(self._lease, store.uri, say, outage)
        with contextlib.ExitStack() as undone:
            undone.callback(self._lease.release)
            self._sweep = self._patience.do(lambda _: open_sweep(store, spec, data, provenance, self._lease))
            self.spec = self._sweep.spec
            self._runs = TrialRuns(store, self._sweep, data)
            self._live = LiveRuns(store, self._runs)
            stand, doubles = self._clear_up()
            self._healed = doubles > 0
            self._close_again()
            self._summarised = False  # by this writer
            self.trials = recorded_trials(stand, self._sweep)
            parts, self._pending = self._patience.do(lambda _: read_epochs(store, self._sweep, self.trials))
            self._parts = len(parts)
            self.epochs = epochs_table(parts + self._pending)
            undone.pop_all()
        self._stood = {trial.key: trial for trial in self.trials}
        self._looked = time.monotonic()

    @property
    def run_id(self) -> str:
        """Of the run named `sweep`: of this record and no other."""
        return self._sweep.run_id

    @property
    def deaths(self) -> dict[Key, int]:
        """How often each training killed its worker so far."""
        return noted_deaths(self._sweep)

    @property
    def kept(self) -> dict[int, Settings]:
        """The settings of trials that failed once and were to run again."""
        return kept_settings(self._sweep)

    @property
    def finished(self) -> bool:
        """Whether all of the sweep stands in the record, summary included."""
        return self._sweep.tags.get("state") == "finished" and not self._healed

    def values(self, metric: str) -> Iterator[tuple[int, int, int, float]]:
        """(trial, replicate, epoch, value) of a metric, as far as it was recorded before this writer was opened."""
        if metric in self.epochs:
            yield from self.epochs[["trial", "replicate", "epoch", metric]].itertuples(index=False, name=None)

    def record(self, result: TrialResult, settings: Settings) -> None:
        """Writes one trial as one run, with its true times; one that stood when this was opened stays as it is."""
        stands = self._stood.get((result.number, result.replicate))
        if stands is not None:
            if not self._runs.is_of(stands, result, settings):
                said = (
                    f"trial {result.number} of {self.spec.name} stands in the record with other numbers than came now"
                )
                self._say(f"{said}; those in the record stay")
            return
        begun = self._live.pop(result)
        token = new_token() if begun is None else begun.token
        self._patience.do(lambda attempt: self._runs.write(result, settings, token, attempt, begun))
        self._pending.append(epoch_rows(result))
        if len(self._pending) >= _TRIALS_PER_PART:
            self._write_part()

    def note_death(self, number: int, replicate: int, count: int) -> None:
        """Remembers how often a trial killed its worker, so that the count survives a resume."""
        self._tag({f"{DEATHS}{number}.{replicate}": str(count)})

    def retry_failed(self) -> None:
        """Forgets the trainings that failed, so that they run again; their settings, and how many, stay known."""
        failed = [trial for trial in self.trials if trial.state == State.FAILED]
        if not failed:
            return
        tags = {f"{RETRY}{trial.number}.{trial.replicate}": encode_all(trial.settings) for trial in failed}
        tags |= {f"{DEATHS}{trial.number}.{trial.replicate}": "0" for trial in failed if trial.key in self.deaths}
        tags |= {RETRIED: str(times_retried(self._sweep) + len(failed)), "state": "running"}
        words = list(tags.items())
        for at in range(0, len(words), _TAGS_PER_BATCH):  # what stands there survives the loss of the runs
            self._tag(dict(words[at : at + _TAGS_PER_BATCH]))
        self._patience.do(lambda _: self._client.update_run(self._sweep.run_id, "RUNNING"))
        self._patience.do(lambda _: self._runs.forget(trial.run_id for trial in failed))
        self._sweep.tags.update(tags)
        self.trials = [trial for trial in self.trials if trial not in failed]
        self._stood = {trial.key: trial for trial in self.trials}

    def keep(self) -> None:
        """What is to be done every second or so, whatever else is: the record is told that the driver lives.

        Raises BusyError where another took over, VanishedError where the sweep was deleted.
        """
        self._patience.check_file()
        with contextlib.suppress(StoreAwayError), tracking_errors(self._store.uri):
            self._lease.keep()
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            self.check_standing()
            self._looked = time.monotonic()

    def show_live(self, trainings: Iterable[InProgress], heartbeat: Heartbeat) -> None:
        """Shows what is in progress, as far as the store takes it at once: it may be lost, and is shown again.

        Raises BusyError where another took over.
        """
        with contextlib.suppress(TrackingError), tracking_errors(self._store.uri):
            self._lease.keep()
            self._sweep.tags[LIVE] = heartbeat.text  # it may come to stand there though no answer says so
            self._client.set_tag(self._sweep.run_id, LIVE, heartbeat.text)
            self._live.show(trainings)

    def release(self) -> None:
        """Lets another driver have the sweep; nothing is written after this."""
        self._lease.release()

    def check_standing(self) -> None:
        """Raises VanishedError where the sweep was deleted from the store."""
        self._patience.do(lambda _: self._look())

    def interrupt(self) -> None:
        """Closes the sweep's run as killed, unless it is finished; the same sweep goes on from here."""
        if self._summarised:
            return
        if self._pending:
            self._write_part()
        self._live.clear()
        self._show_nothing()
        self._tag({"state": "interrupted"})
        self._patience.do(lambda _: self._client.set_terminated(self._sweep.run_id, "KILLED"))

    def finish(self, champion: Champion | None, pair_to_compare: PairToCompare) -> None:
        """Writes the tables and the best network, and closes the sweep's run.

        pair_to_compare: which two trials of a table are worth comparing. Raises TrackingError where the record does not
        hold each training once.
        """
        if self._pending:
            self._write_part()
        stand, _ = self._clear_up()
        self._show_nothing()
        recorded = recorded_trials(stand, self._sweep)
        self._check_whole(recorded)
        tables = self._patience.do(lambda _: made_tables(self._store, self._sweep, self.spec, recorded))
        self._write_tables(TABLES, tables)
        tags = {"state": "finished"}
        if champion is not None:
            self._patience.do(lambda _: log_champion(self._store, self._sweep, champion))
            tags["champion"] = title_of(champion)
        best = None if champion is None else (champion.number, champion.replicate)
        pair = pair_to_compare(self.spec, tables[TRIALS])
        summary = describe_sweep(self.spec, self._sweep.experiment_id, self._sweep.run_id, recorded, best, pair)
        short = banner(self.spec, self._sweep.experiment_id, self._sweep.run_id, recorded, best)
        self._tag(tags | {NOTE: summary})
        self._patience.do(lambda _: self._client.set_experiment_tag(self._sweep.experiment_id, NOTE, short))
        self._patience.do(lambda _: self._client.set_terminated(self._sweep.run_id, "FINISHED"))
        self._summarised = True

    def _show_nothing(self) -> None:
        """Nothing is in progress any more."""
        if self._sweep.tags.pop(LIVE, None) is not None:
            with contextlib.suppress(TrackingError), tracking_errors(self._store.uri):
                self._client.delete_tag(self._sweep.run_id, LIVE)

    def _close_again(self) -> None:
        """A request that was answered late may have set a finished sweep's run to RUNNING after its end."""
        if self._sweep.tags.get("state") == "finished" and self._sweep.status != "FINISHED":
            self._patience.do(lambda _: self._client.set_terminated(self._sweep.run_id, "FINISHED"))

    def _clear_up(self) -> tuple[list[StoredRun], int]:
        """Deletes what unanswered requests and dead drivers left: (runs that stay, trainings that stood twice)."""
        cleared = self._patience.do(lambda _: self._runs.clear_up(self._trial_runs()))
        if cleared.doubles:
            different = cleared.different
            kept = (
                f"{different} with other numbers; the older stays" if different else "with the same numbers; one stays"
            )
            self._say(f"{count(cleared.doubles, 'training')} of {self.spec.name} stood in the record twice, {kept}")
        return cleared.runs, cleared.doubles

    def _trial_runs(self) -> Iterable[StoredRun]:
        """All that stand; from a SQLite file as a file, which takes a tenth of the time."""
        reader = known_sqlite(self._store.uri) or self._store
        return reader.runs_of_kind(self._sweep.experiment_id, "trial")

    def _look(self) -> None:
        """Raises VanishedError where the experiment or the sweep's own run was deleted."""
        try:
            experiment = self._client.get_experiment(self._sweep.experiment_id)
            run = self._client.get_run(self._sweep.run_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            what = "its record"
        else:
            stages = {"its experiment": experiment.lifecycle_stage, "its run `sweep`": run.info.lifecycle_stage}
            what = next((name for name, stage in stages.items() if stage == LifecycleStage.DELETED), "")
        if what:
            where = shown_uri(self._store.uri)
            raise VanishedError(
                f"{where} has lost the sweep {self.spec.name!r}: {what} was deleted while the sweep ran"
            )

    def _check_whole(self, recorded: Sequence[RecordedTrial]) -> None:
        asked = set(product(range(self.spec.trials), range(self.spec.replicates)))
        missing = sorted(asked - {trial.key for trial in recorded})
        if missing or len(recorded) != len(asked):
            lost = ", ".join(str(number) for number, _ in missing[:10]) or "none"
            where, held = shown_uri(self._store.uri), f"{len(recorded)} runs of {len(asked)} trainings"
            raise TrackingError(
                f"{where} holds {held} of {self.spec.name}; somebody changed them just now (trials missing: {lost}); "
                "`sweeps run` with the same spec completes it"
            )

    def _write_part(self) -> None:
        self._write_tables(PARTS, {f"part-{self._parts:05}.parquet": epochs_table(self._pending)})
        self._parts += 1
        self._pending = []

    def _write_tables(self, folder: str, tables: Mapping[str, pd.DataFrame]) -> None:
        """Writes tables, as Parquet, into a folder of the sweep run's artifacts."""
        files = table_files(tables)
        self._patience.do(lambda _: self._store.write_files(self._sweep.run_id, folder, files))

    def _tag(self, tags: Mapping[str, str]) -> None:
        entities = [RunTag(key, value) for key, value in tags.items()]
        self._patience.do(lambda _: self._client.log_batch(self._sweep.run_id, tags=entities))
