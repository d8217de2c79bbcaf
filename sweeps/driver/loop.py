"""The loop of a sweep: start, wait, record; with resume, retries, and an end in good order."""

import contextlib
import itertools
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cholesky
from threadpoolctl import threadpool_limits

from model import Dataset, Network
from sweeps.driver.live_trainings import LiveTrainings
from sweeps.driver.recording import Recording
from sweeps.driver.schedule import DEATHS, Schedule
from sweeps.driver.workers import Workers
from sweeps.errors import Interrupted
from sweeps.events import Progress, Status
from sweeps.executors.base import Executor, TaskLostError, WorkerDiedError
from sweeps.formatting import count
from sweeps.sampling.outcomes import Ended
from sweeps.specification.domains import Settings
from sweeps.specification.requirements import datasets
from sweeps.specification.spec import SweepSpec
from sweeps.tracking.address import check_spelling
from sweeps.tracking.heartbeat import Heartbeat
from sweeps.tracking.location import sqlite_file, tracking_uri
from sweeps.tracking.outage import STORE_WAIT
from sweeps.tracking.outbox import Outbox
from sweeps.tracking.outbox_contents import Entry
from sweeps.tracking.outbox_places import outbox_path
from sweeps.tracking.shown_uri import shown_uri
from sweeps.user_network.parameters import Parameters
from sweeps.worker.task import Champion, Key, Task, TrialResult, failure, task_of
from sweeps.worker.trial import run_trial

if TYPE_CHECKING:  # importing MLflow takes seconds; it happens in the writer's thread while workers train
    from sweeps.tracking.writer import SweepWriter

_LEAVING_SECONDS = 10.0  # that a store has after Ctrl-C
_RELEASE_SECONDS = 2.0  # and then to let another driver have the sweep
_CLOSING_SECONDS = 30.0  # the same at any other end
_WARM = 256  # rows of the matrices that take OpenBLAS's buffers
_LONG_SECONDS = 3.0  # after which a training's epochs are told
_GLANCE_SECONDS = 0.5  # between looks at the writer while nothing else happens


@dataclass(frozen=True)
class Finished:
    """A sweep that ran to its end. failed: trainings without a result. was_finished: nothing was left to do."""

    spec: SweepSpec
    uri: str
    failed: tuple[Key, ...]
    was_finished: bool


def run_sweep(
    spec: SweepSpec,
    progress: Progress,
    jobs: int | None = None,
    uri: str | None = None,
    train: Callable[[Task], TrialResult] = run_trial,
    retry_failed: bool = False,
    wait: float = STORE_WAIT,
    cluster: str | None = None,
    any_worker: bool = False,
) -> Finished:
    """Runs a sweep, or goes on with the one of that name.

    jobs: worker processes (None: one a core); they change how long it takes and nothing else. train: what a worker does
    with a task. retry_failed: trainings without a result run again, with the settings that they had; later proposals
    stand. wait: seconds that a store may be away once nothing else is to be done. cluster, any_worker: see
    Workers. Raises SpecError, UserNetworkError, InputError, OutboxError, TrackingError, BusyError, Interrupted.
    """
    uri = tracking_uri(uri)
    check_spelling(uri)
    _warm_up_blas()
    workers, live = Workers(jobs, cluster, any_worker), LiveTrainings()
    with (
        contextlib.closing(Outbox(outbox_path(uri, spec.name))) as outbox,
        contextlib.closing(workers.opened(spec, progress.say, live.hear)) as executor,
    ):
        _say_of_lag(spec, executor.size, progress)
        data = datasets(spec)
        if spec.network is not None:
            from sweeps.driver.preflight import preflight

            spec = preflight(spec, data, executor, progress.say)
        spec = outbox.begin(spec, {name: one.digest for name, one in data.items()})
        file = sqlite_file(uri)
        is_new = file is not None and not file.exists() and not outbox.keys
        schedule = Schedule(spec)
        if is_new:  # it proposes at once: imports come before MLflow's, as side by side they take twice as long
            schedule.prepare()
        recording = Recording(spec, data, uri, outbox, progress, wait, retry_failed)
        loop = SweepLoop(schedule, data, executor, recording, progress, train, live)
        patience = _CLOSING_SECONDS
        try:
            # a new store holds nothing, and training need not wait for it
            if not is_new and loop.recall(outbox, needs_store=retry_failed):
                outbox.finished()
                return Finished(schedule.spec, uri, schedule.failed, was_finished=True)
            loop.run(lambda: _look_first(spec, data, progress.say))
            loop.finish()
        except KeyboardInterrupt:
            patience = _RELEASE_SECONDS
            raise loop.interrupted(uri) from None
        finally:
            recording.close(patience)
    return Finished(schedule.spec, uri, schedule.failed, was_finished=False)


def _warm_up_blas() -> None:
    """OpenBLAS, NumPy's and SciPy's, takes its buffers at its first uses, and asks for ever where memory is short.

    Its threads, and whoever counts them anew, take buffers too.
    """
    matrix = np.eye(_WARM)
    for threads in (None, 1, None):
        with threadpool_limits(limits=threads, user_api="blas"):
            np.linalg.cholesky(matrix @ matrix)
            cholesky(matrix)


class SweepLoop:
    """What a running sweep holds beside its schedule: workers, what is in flight, the best network so far."""

    def __init__(
        self,
        schedule: Schedule,
        data: dict[str, Dataset],
        executor: Executor,
        recording: Recording,
        progress: Progress,
        train: Callable[[Task], TrialResult],
        live: LiveTrainings | None = None,
    ) -> None:
        self.schedule, self._live = schedule, live or LiveTrainings()
        self._data, self._executor, self._recording, self._progress = data, executor, recording, progress
        self._train = train
        self._flying: dict[Future[TrialResult], Key] = {}

    @property
    def spec(self) -> SweepSpec:
        """As it is recorded, or extended."""
        return self.schedule.spec

    def recall(self, outbox: Outbox, needs_store: bool = False) -> bool:
        """Takes over what record and outbox hold; says whether nothing is left to do.

        Where the store is away the outbox is enough, if no training stands elsewhere.
        """
        writer = self._recording.first_contact()
        if writer is None and outbox.is_whole and not needs_store:
            found = f", which holds {count(len(outbox.keys), 'training')}" if outbox.keys else ""
            self._progress.say(f"{self.spec.name} goes on without its store, in {outbox.path}{found}")
            self.schedule.recall(self.spec, _kept(self.spec, outbox.entries()), outbox.deaths, outbox.kept)
            return False
        writer = writer or self._recording.writer()
        held = {trial.key for trial in writer.trials}
        left = [entry for entry in self._recording.left if entry.key not in held]
        recalled = itertools.chain(_recorded(writer), _kept(writer.spec, left))
        deaths = {
            key: max(of.get(key, 0) for of in (writer.deaths, outbox.deaths)) for key in writer.deaths | outbox.deaths
        }
        self.schedule.recall(writer.spec, recalled, deaths, writer.kept | outbox.kept)
        if writer.finished and not self.schedule.open and not left:
            self._recording.deliver()
            return True
        return False

    def run(self, meanwhile: Callable[[], None]) -> None:
        """Until every training has ended, and its result is on the disk. meanwhile: done once, while the first run."""
        is_first = True
        while self.schedule.open or not self._recording.keeps:
            free = self._executor.size - len(self._flying)
            for key in self.schedule.next(free, self._flying.values()) if self._recording.keeps else ():
                task = self._task(key)
                self._live.begin(key, self.schedule.settings[key[0]], task.plan.epochs)
                self._flying[self._executor.submit(self._train, task)] = key
            self._progress.show(self._status())
            self._recording.show(self._live, self._heartbeat)
            if is_first:
                meanwhile()
                is_first = False
            if not self._flying:
                time.sleep(_GLANCE_SECONDS)
            done, _ = wait(self._flying, timeout=_GLANCE_SECONDS, return_when=FIRST_COMPLETED)
            if any(_breaks_all(future) for future in done):
                done, _ = wait(self._flying)  # one death breaks them all
                self._bury([self._flying[future] for future in done if _breaks_all(future)])
            for future in done:
                key, error = self._flying.pop(future), future.exception()
                if isinstance(error, TaskLostError):
                    self._live.end(key)
                    self.schedule.lost(key)
                elif isinstance(error, WorkerDiedError):
                    self._bury_one(key)
                elif not _breaks_all(future):
                    self._conclude(key, self._result(key, future))
            self._recording.save()
            self._recording.check()
        self._progress.show(self._status())

    def finish(self) -> None:
        """Writes the summary: tables, and the best network as a model."""
        best = self.schedule.best()
        champion = None
        if best is not None:
            known = self._recording.network
            network = known[1] if known and known[0] == best else None
            if network is None:  # it was trained by a driver before this one: train it again, to the same bits
                network = self._trained_again(best)
            if network is not None:
                champion = Champion(*best, network, self._data[self._task(best).plan.dataset])
        self._recording.finish(lambda writer: _finish(writer, champion), lambda: self._progress.show(self._status()))

    def interrupted(self, uri: str) -> Interrupted:
        """Ends what is under way, within seconds whatever the store does; returns what is to be raised."""
        seconds = 0.0 if self._recording.why else _LEAVING_SECONDS  # nothing is expected of a store that is away
        try:
            with contextlib.suppress(OSError):  # the terminal may have gone
                self._progress.say(
                    f"stopping: {shown_uri(uri)} is given {seconds:g} s to take what has finished; "
                    "Ctrl-C once more leaves at once"
                )
            self._executor.close()
        except KeyboardInterrupt:
            seconds = 0.0
        return self._recording.interrupt(seconds)

    def _trained_again(self, key: Key) -> Network | Parameters | None:
        """The network of a training that an earlier driver recorded; None if it cannot be had."""
        for _ in range(DEATHS):
            try:
                return self._executor.submit(self._train, self._task(key)).result().network
            except BrokenExecutor:
                self._progress.say(f"a worker died; trial {key[0]}, the best, is trained again for its network")
        return None

    def _task(self, key: Key) -> Task:
        settings = self.schedule.settings[key[0]]
        digests = {name: data.digest for name, data in self._data.items()}
        epochs = self.spec.training(settings)[0].epochs
        return task_of(self.spec, key, settings, digests, self.schedule.thresholds(key[0], epochs))

    def _result(self, key: Key, future: Future[TrialResult]) -> TrialResult:
        error = future.exception()
        if error is None:
            return future.result()
        # the trial ended its own interpreter, or its result could not be sent
        return failure(self._task(key), "".join(traceback.format_exception(error)))

    def _bury(self, keys: list[Key]) -> None:
        """Deals with trainings lost to a worker's death."""
        for key in keys:
            self._live.end(key)
        alone = len(self._flying) == 1
        again, given_up = self.schedule.died(keys, alone)
        if alone:
            ((number, replicate),) = keys
            self._recording.note_death((number, replicate), self.schedule.deaths[number, replicate])
        for key in again:
            self._progress.say(f"a worker died; trial {key[0]} runs again, alone")
        for key in given_up:
            self._give_up(key)

    def _bury_one(self, key: Key) -> None:
        """Deals with a training that died by itself."""
        self._live.end(key)
        runs_again = self.schedule.died_itself(key)
        self._recording.note_death(key, self.schedule.deaths[key])
        if runs_again:
            self._progress.say(f"a worker died; trial {key[0]} runs again")
        else:
            self._give_up(key)

    def _give_up(self, key: Key) -> None:
        error = f"its worker process died {DEATHS} times while alone"
        if self.spec.network is not None:
            error += f"; so it does where code takes no notice of its time limit, {self.spec.time_limit:g} s"
        self._conclude(key, failure(self._task(key), f"{error}\n"))

    def _conclude(self, key: Key, result: TrialResult) -> None:
        """Takes in what came of a training, and has it recorded."""
        self._live.end(key)
        is_best = self.schedule.end(key, _ended(self.spec, result))
        self._recording.add(result, self.schedule.settings[key[0]], is_best)

    def _status(self) -> Status:
        best, value = self.schedule.best(), self.schedule.best_value
        return Status(
            total=self.spec.trials * self.spec.replicates,
            ended=len(self.schedule.endings),
            running=len(self._flying),
            failed=len(self.schedule.failed),
            best=None if best is None or value is None else (best[0], value),
            waiting=self._recording.waits,
            why=self._recording.why,
            longest=self._longest(),
        )

    def _longest(self) -> tuple[int, int, int] | None:
        """(trial, epoch, epochs) of the training that has been in flight for longest, where that is long."""
        heard = [one.running for one in self._live.now if one.records]
        first = min(heard, key=lambda one: one.started, default=None)
        if first is None or time.time() - first.started < _LONG_SECONDS:
            return None
        return first.number, first.epoch, first.epochs

    def _heartbeat(self) -> Heartbeat:
        """In the writer's thread: how the sweep is now."""
        return Heartbeat(
            at=time.time(),
            total=self.spec.trials * self.spec.replicates,
            ended=len(self.schedule.endings),
            waiting=self._recording.waits,
            workers=self._executor.size,
            running=tuple(one.running for one in self._live.now),
        )


def _breaks_all(future: Future[TrialResult]) -> bool:
    """Whether a worker's death has taken along what was beside it."""
    error = future.exception()
    return isinstance(error, BrokenExecutor) and not isinstance(error, TaskLostError | WorkerDiedError)


def _say_of_lag(spec: SweepSpec, size: int, progress: Progress) -> None:
    if spec.lag < 4 * size and spec.trials > spec.lag:
        progress.say(
            f"lag {spec.lag} is below four times the {size} workers: some will wait; a larger lag keeps them busy"
        )


def _look_first(spec: SweepSpec, data: dict[str, Dataset], say: Callable[[str], None]) -> None:
    from sweeps.driver.first_look import first_look  # after the first trainings have begun

    first_look(spec, data, say)


def _ended(spec: SweepSpec, result: TrialResult) -> Ended:
    """How a training ended, for the schedule."""
    first = spec.goals[0]
    values = tuple(result.records[-1][goal.metric] for goal in spec.goals) if result.records else ()
    curve = {record.epoch: first.loss(record) for record in result.records if record.epoch > 0}
    verdict = result.assessment.verdict if result.assessment else None
    return Ended(result.state, result.diverged, values, curve, verdict)


def _finish(writer: "SweepWriter", champion: Champion | None) -> None:
    from sweeps.analysis.ranking import pair_to_compare  # and with it pandas, which the writer has

    writer.finish(champion, pair_to_compare)


def _kept(spec: SweepSpec, entries: Iterable[Entry]) -> Iterator[tuple[Key, Settings, Ended]]:
    """Trainings that an outbox holds, with their settings and how they ended."""
    for entry in entries:
        yield entry.key, entry.settings, _ended(spec, entry.result)


def _recorded(writer: "SweepWriter") -> Iterator[tuple[Key, Settings, Ended]]:
    """Every training that the record holds, with its settings and how it ended."""
    first = writer.spec.goals[0]
    curves: dict[Key, dict[int, float]] = {}
    for number, replicate, epoch, value in writer.values(first.metric):
        if epoch > 0:
            curves.setdefault((number, replicate), {})[epoch] = first.sign * value
    for trial in writer.trials:
        yield trial.key, trial.settings, trial.ended(writer.spec.goals, curves.get(trial.key, {}))
