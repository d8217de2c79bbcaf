"""The loop of a sweep: propose, run, record; with resume, retries, and an end in good order."""

import contextlib
import fcntl
import hashlib
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from model import Dataset, Network
from model.cache import cache_folder
from sweeps.driver.preflight import preflight
from sweeps.driver.provenance import provenance
from sweeps.driver.schedule import Champion, Ended, Key, Schedule
from sweeps.errors import BusyError, Interrupted
from sweeps.executors.loky import Executor, LokyExecutor, default_jobs
from sweeps.sampling.optuna_study import proposer
from sweeps.specification.reading import datasets
from sweeps.specification.spec import OBJECTIVES, SweepSpec
from sweeps.tracking.location import sqlite_file, tracking_uri
from sweeps.user_network.wrapper import Parameters
from sweeps.verdicts.verdict import Verdict
from sweeps.worker.trial import State, Task, TrialResult, failure, goal, run_trial

if TYPE_CHECKING:  # importing MLflow takes seconds; it happens in the writer's thread while workers train
    from sweeps.tracking.writer import SweepWriter

_DEATHS = 3  # of its own worker, after which a trial has failed
_GLANCE_SECONDS = 0.5  # between looks at the writer while nothing else happens


@dataclass(frozen=True)
class Status:
    """How far a sweep is, in trainings. best: (trial, value of the first objective), None before the first."""

    total: int
    ended: int
    running: int
    failed: int
    best: tuple[int, float] | None


class Progress(Protocol):
    """Told how the sweep goes."""

    def show(self, status: Status) -> None:
        """Called whenever the status may have changed."""

    def say(self, message: str) -> None:
        """A sentence for the person who waits."""


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
) -> Finished:
    """Runs a sweep, or goes on with the one of that name.

    jobs: worker processes (None: one a core); they change how long it takes and nothing else.
    train: what a worker does with a task. Raises SpecError, UserNetworkError, TrackingError, BusyError, Interrupted.
    """
    uri = tracking_uri(uri)
    size = jobs or default_jobs()
    if spec.lag < 4 * size and spec.trials > spec.lag:
        progress.say(
            f"lag {spec.lag} is below four times the {size} workers: some will wait; a larger lag keeps them busy"
        )
    with _only_one(uri, spec.name), contextlib.closing(LokyExecutor(size)) as pool:
        data = datasets(spec)
        spec = preflight(spec, data, pool, progress.say)
        file = sqlite_file(uri)
        is_new = file is not None and not file.exists()
        writer = WriterThread(lambda: _open_journal(spec, data, uri, progress))
        drive = SweepLoop(spec, data, pool, writer, progress, train)
        try:
            if not is_new:  # else nothing is recorded, and training need not wait for the store
                drive.recall(writer.journal())
                if writer.journal().finished and not drive.ledger.open:
                    return Finished(drive.spec, uri, drive.failed, was_finished=True)
            drive.run()
            drive.finish()
        except KeyboardInterrupt:
            pool.close()
            raise Interrupted(writer.interrupt()) from None
        finally:
            writer.close()
    return Finished(drive.spec, uri, drive.failed, was_finished=False)


class SweepLoop:
    """The state of a running sweep."""

    def __init__(
        self,
        spec: SweepSpec,
        data: dict[str, Dataset],
        pool: Executor,
        writer: "WriterThread",
        progress: Progress,
        train: Callable[[Task], TrialResult],
    ) -> None:
        self.spec, self.ledger = spec, Schedule(spec)
        self._data, self._pool, self._writer, self._progress, self._train = data, pool, writer, progress, train
        self._proposer = proposer(spec)
        self._proposed = self._told = 0
        self._due: deque[Key] = deque()
        self._suspects: deque[Key] = deque()  # were in flight when a worker died; run again one at a time
        self._testing = False  # whether a suspect is in flight
        self._deaths: dict[Key, int] = {}
        self._flying: dict[Future[TrialResult], Key] = {}
        self._champion: tuple[Key, Network | Parameters] | None = None

    @property
    def failed(self) -> tuple[Key, ...]:
        """Trainings without a result."""
        return tuple(sorted(key for key, ended in self.ledger.ended.items() if ended.state is State.FAILED))

    def recall(self, journal: "SweepWriter") -> None:
        """Takes over what the record holds."""
        self.spec = self.ledger.spec = journal.spec
        self._proposer = proposer(self.spec)
        self._deaths = journal.deaths
        metric, sign = OBJECTIVES[self.spec.objective[0]]
        curves: dict[Key, dict[int, float]] = {}
        for number, replicate, epoch, value in journal.losses(metric):
            if epoch > 0:
                curves.setdefault((number, replicate), {})[epoch] = sign * value
        for trial in journal.trials:
            key = (trial.number, trial.replicate)
            values = [trial.metrics.get(OBJECTIVES[objective][0]) for objective in self.spec.objective]
            known = tuple(value for value in values if value is not None)
            verdict = Verdict(trial.verdict) if trial.verdict else None
            self.ledger.ended[key] = Ended(State(trial.state), trial.diverged, known, curves.get(key, {}), verdict)
            self.ledger.settings[trial.number] = trial.settings

    def run(self) -> None:
        """Until every training has ended."""
        while self.ledger.open:
            self._propose()
            self._submit()
            self._progress.show(self._status())
            done, _ = wait(self._flying, timeout=_GLANCE_SECONDS, return_when=FIRST_COMPLETED)
            if any(isinstance(future.exception(), BrokenExecutor) for future in done):
                done, _ = wait(self._flying)  # one death breaks them all
                self._bury([self._flying[future] for future in done if isinstance(future.exception(), BrokenExecutor)])
            for future in done:
                key = self._flying.pop(future)
                if not isinstance(future.exception(), BrokenExecutor):
                    self._take(key, future)
            self._writer.check()
        self._progress.show(self._status())

    def finish(self) -> None:
        """Writes the summary: tables, and the best network as a model."""
        best = self.ledger.best()
        champion = None
        if best is not None:
            network = self._champion[1] if self._champion and self._champion[0] == best else None
            if network is None:  # it was trained by a driver before this one: train it again, to the same bits
                network = self._trained_again(best)
            if network is not None:
                champion = Champion(
                    *best, network, self._data[self.spec.training(self.ledger.settings[best[0]])[0].dataset]
                )
        self._writer.do(lambda journal: journal.finish(champion)).result()

    def _trained_again(self, key: Key) -> Network | Parameters | None:
        """The network of a training that an earlier driver recorded; None if it cannot be had."""
        for _ in range(_DEATHS):
            try:
                return self._pool.submit(self._train, self._task(key)).result().network
            except BrokenExecutor:
                self._progress.say(f"a worker died; trial {key[0]}, the best, is trained again for its network")
        return None

    def _propose(self) -> None:
        """Proposes trials as long as the next is determined and a worker could soon be free for it."""
        while self._proposed < self.spec.trials and len(self._due) < self._pool.size:
            while self._told <= self._proposed - self.spec.lag:
                outcome = self.ledger.outcome(self._told)
                if outcome is None:
                    return
                self._proposer.tell(outcome)
                self._told += 1
            number, self._proposed = self._proposed, self._proposed + 1
            if number in self.ledger.settings:
                self._proposer.adopt(self.ledger.settings[number])
            else:
                self.ledger.settings[number] = self._proposer.propose()
            self._due.extend(key for key in self.ledger.keys(number) if key not in self.ledger.ended)

    def _submit(self) -> None:
        """Feeds the free workers; after a death, one suspect at a time and nothing else."""
        if self._flying and (self._suspects or self._testing):
            return
        self._testing = bool(self._suspects)
        if self._testing:
            self._launch(self._suspects.popleft())
            return
        while self._due and len(self._flying) < self._pool.size:
            self._launch(self._due.popleft())

    def _launch(self, key: Key) -> None:
        self._flying[self._pool.submit(self._train, self._task(key))] = key

    def _task(self, key: Key) -> Task:
        number, replicate = key
        plan, hyperparameters = self.spec.training(self.ledger.settings[number])
        return Task(
            number=number,
            replicate=replicate,
            seed=self.spec.seed,
            plan=plan,
            hyperparameters=hyperparameters,
            goal=goal(self.spec),
            digest=self._data[plan.dataset].digest,
            thresholds=self.ledger.thresholds(number, plan.epochs),
            stopping=self.spec.stopping,
            measures=self.spec.measures,
            own=self.spec.network,
            time_limit=self.spec.time_limit,
        )

    def _take(self, key: Key, future: Future[TrialResult]) -> None:
        """Takes in what came of a training, and has it recorded."""
        error = future.exception()
        if error is None:
            result = future.result()
        else:  # the trial ended its own interpreter, or its result could not be sent
            result = failure(self._task(key), "".join(traceback.format_exception(error)))
        self._conclude(key, result)

    def _bury(self, keys: list[Key]) -> None:
        """Deals with trainings lost to a worker's death: it counts only against one that ran alone."""
        alone = len(self._flying) == 1
        for key in keys:
            if alone:
                self._deaths[key] = self._deaths.get(key, 0) + 1
                number, replicate, count = *key, self._deaths[key]
                self._writer.do(lambda journal: journal.note_death(number, replicate, count))  # noqa: B023 - one key
            if self._deaths.get(key, 0) < _DEATHS:
                self._suspects.append(key)
                self._progress.say(f"a worker died; trial {key[0]} runs again, alone")
            else:
                error = f"its worker process died {_DEATHS} times while alone"
                if self.spec.network is not None:
                    error += f"; so it does where code takes no notice of its time limit, {self.spec.time_limit:g} s"
                self._conclude(key, failure(self._task(key), f"{error}\n"))

    def _conclude(self, key: Key, result: TrialResult) -> None:
        objectives = [OBJECTIVES[objective] for objective in self.spec.objective]
        curve = {r.epoch: objectives[0][1] * r[objectives[0][0]] for r in result.records if r.epoch > 0}
        values = tuple(result.records[-1][metric] for metric, _ in objectives) if result.records else ()
        verdict = result.assessment.verdict if result.assessment else None
        self.ledger.ended[key] = Ended(result.state, result.diverged, values, curve, verdict)
        if result.network is not None and self.ledger.best() == key:
            self._champion = (key, result.network)
        settings = self.ledger.settings[key[0]]
        self._writer.do(lambda journal: journal.record(result, settings))

    def _status(self) -> Status:
        best = self.ledger.best()
        return Status(
            total=self.spec.trials * self.spec.replicates,
            ended=len(self.ledger.ended),
            running=len(self._flying),
            failed=len(self.failed),
            best=None if best is None else (best[0], self.ledger.ended[best].values[0]),
        )


class WriterThread:
    """The one thread that talks to the tracking store, fed by a queue."""

    def __init__(self, open_journal: "Callable[[], SweepWriter]") -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._journal = self._thread.submit(open_journal)
        self._queue: deque[Future[None]] = deque()

    def journal(self) -> "SweepWriter":
        """The journal, once it is open."""
        return self._journal.result()

    def do(self, action: "Callable[[SweepWriter], None]") -> Future[None]:
        """Queues something to write."""
        self._queue.append(self._thread.submit(lambda: action(self._journal.result())))
        return self._queue[-1]

    def check(self) -> None:
        """Raises what went wrong in the thread, if anything did."""
        if self._journal.done():
            self._journal.result()
        while self._queue and self._queue[0].done():
            self._queue.popleft().result()

    def interrupt(self) -> int:
        """Writes what is queued, waiting for nothing, and closes the sweep's run; returns how much was left out."""
        journal = self._journal.result()
        journal.give_up.set()
        closing = self.do(lambda journal: journal.interrupt())
        wait(self._queue)
        self._queue.remove(closing)
        return sum(future.exception() is not None for future in self._queue)

    def close(self) -> None:
        """Ends the thread."""
        if self._journal.done() and self._journal.exception() is None:
            self._journal.result().give_up.set()
        self._thread.shutdown(wait=True, cancel_futures=True)


def _open_journal(spec: SweepSpec, data: dict[str, Dataset], uri: str, progress: Progress) -> "SweepWriter":
    from sweeps.tracking.store import Store
    from sweeps.tracking.writer import SweepWriter

    return SweepWriter(Store(uri), spec, data, provenance(spec.seed), progress.say)


@contextlib.contextmanager
def _only_one(uri: str, name: str) -> Iterator[None]:
    """Holds the sweep's lock on this machine; the system lets go of it when the process ends, however it ends."""
    folder = cache_folder() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    where = sqlite_file(uri) or uri  # a file has many spellings
    path = folder / hashlib.sha256(f"{where}\n{name}".encode()).hexdigest()[:32]
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BusyError(
                f"the sweep {name!r} is being run by another process; wait for it or stop it first"
            ) from None
        yield
