"""Runs of trainings in progress: RUNNING in MLflow, their epochs as they come.

Nothing depends on them. What became of a training is written whole: into its run, where what stands there is the
beginning of it, and else into a new one. A run that is left over is deleted by the sweep's driver, or by its next one.
"""

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Protocol

from model import EpochRecord
from sweeps.errors import TrackingError
from sweeps.specification.domains import Settings
from sweeps.tracking.heartbeat import RunningTraining
from sweeps.tracking.retrying import tracking_errors
from sweeps.tracking.store import Store
from sweeps.tracking.trial_entities import epoch_metrics
from sweeps.tracking.trial_runs import BegunRun, TrialRuns, new_token
from sweeps.verdicts.facts import State
from sweeps.worker.task import Key, TrialResult

_SHORT_SECONDS = 3.0  # a training that takes less is written once, when it has ended


class InProgress(Protocol):
    """A training in progress, as the driver knows it."""

    @property
    def key(self) -> Key: ...
    @property
    def running(self) -> RunningTraining: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def records(self) -> Sequence[tuple[EpochRecord, float]]: ...


class LiveRuns:
    """Those of one sweep. What the store does not take now is given to it the next time."""

    def __init__(self, store: Store, runs: TrialRuns) -> None:
        self._store, self._runs = store, runs
        self._begun: dict[Key, BegunRun] = {}

    def show(self, trainings: Iterable[InProgress]) -> None:
        """Brings the store up to what is known of those trainings in flight that have run for a while.

        Raises TrackingError where the store does not take it.
        """
        now = time.time()
        for training in trainings:
            if training.records and now - training.running.started >= _SHORT_SECONDS:
                with tracking_errors(self._store.uri):
                    self._show(training)

    def _show(self, training: InProgress) -> None:
        begun = self._begun.get(training.key)
        if begun is None:
            begun = self._begun[training.key] = BegunRun(training.running.started, new_token())
        elif begun.started != training.running.started or not begun.run_id:
            self._runs.remove_begun(begun)  # its worker died and it began anew; or no answer came when it was made
            begun.started, begun.run_id, begun.shown = training.running.started, "", 0
        if not begun.run_id:
            self._runs.begin(begun, training.key)
        new = training.records[begun.shown :]
        if new:
            self._runs.log(begun.run_id, training.settings, epoch_metrics(new))
            begun.shown += len(new)

    def pop(self, result: TrialResult) -> BegunRun | None:
        """The run in which a training's result is to be written, None for a new one."""
        begun = self._begun.pop((result.number, result.replicate), None)
        if begun is None:
            return None
        fits = begun.started == result.started and result.state is not State.FAILED
        if fits and begun.run_id and begun.shown <= len(result.records):
            return begun
        self._remove(begun)
        return None

    def clear(self) -> None:
        """Deletes all of them, as far as the store lets it be done."""
        for begun in self._begun.values():
            self._remove(begun)
        self._begun.clear()

    def _remove(self, begun: BegunRun) -> None:
        with suppress(TrackingError), tracking_errors(self._store.uri):  # else the record's next opening deletes it
            self._runs.remove_begun(begun)
