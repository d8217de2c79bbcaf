"""Reading a sweep from its store again and again, in a thread of its own: a store that hangs freezes no screen."""

import time
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread

from sweeps.errors import OutboxError, StoreAwayError, TrackingError, UnknownSweepError
from sweeps.tracking.heartbeat import read_heartbeat
from sweeps.tracking.location import tracking_uri
from sweeps.tracking.outbox_places import outboxes
from sweeps.tracking.readers import open_reader
from sweeps.tracking.records import RecordedSweep, RecordedTrial
from sweeps.tracking.sweep_reader import SweepReader
from sweeps.verdicts.marks import RUNNING
from sweeps.views.live.screen import Heard
from sweeps.views.live.state import COST, Curves, SweepState, state_of

EVERY_SECONDS = 2.0  # a reading is made, or more rarely where it takes long
SLOW_SECONDS = 8.0  # after which a reading that has not ended is told of

_REST = 4.0  # times as long as it took is rested after a reading, so that others have store and processor


class SweepReading:
    """Reads the state of a sweep. Opens its store at the first reading, which imports MLflow for some stores."""

    def __init__(self, name: str, uri: str | None) -> None:
        self.name, self._uri = name, tracking_uri(uri)
        self._reader: SweepReader | None = None
        self._curves: dict[str, tuple[str, Curves]] = {}  # by run: what told that it is the newest, and the curves
        self._told: float | None = None  # by the driver's clock
        self._beat: float | None = None  # by the clock here
        self._kept: tuple[int, int | None] | None = None  # size of the outbox, and what it held

    def read(self) -> SweepState:
        """The state now. Raises UnknownSweepError, TrackingError."""
        if self._reader is None:
            self._reader = open_reader(self._uri)
        sweep = self._reader.known_sweep(self.name)
        trials = self._reader.trials(sweep)
        running = [trial for trial in trials if trial.state == RUNNING]
        self._curves = {trial.run_id: self._newest(self._reader, sweep, trial) for trial in running}
        now = time.time()
        self._hear(sweep, now)
        curves = {run_id: found for run_id, (_, found) in self._curves.items()}
        return state_of(sweep, trials, curves, now, self._beat)

    def kept(self) -> int | None:
        """How many results wait in the sweep's outbox; None where none is on this machine, or it cannot be read."""
        from sweeps.tracking.outbox_contents import contents_of

        path = next((path for path in outboxes(self._uri) if path.stem == self.name), None)
        if path is None:
            return None
        with suppress(OutboxError, OSError):
            size = path.stat().st_size
            if self._kept is None or self._kept[0] != size:
                self._kept = size, len(contents_of(path).left)
            return self._kept[1]
        return None

    def _newest(self, reader: SweepReader, sweep: RecordedSweep, trial: RecordedTrial) -> tuple[str, Curves]:
        """Read only where something was added since: a server is asked twice for each training."""
        goal = sweep.spec.goals[0].metric
        names = [name for name in (COST, goal) if name in trial.metrics]
        mark = repr([sorted(trial.metrics.items()), _epoch(sweep, trial)])
        known = self._curves.get(trial.run_id)
        if known is not None and known[0] == mark:
            return known
        found = {name: reader.history(trial.run_id, name) for name in names}
        costs, goals = (tuple(value for _, value in sorted(found.get(name, {}).items())) for name in (COST, goal))
        return mark, Curves(costs, goals)

    def _hear(self, sweep: RecordedSweep, now: float) -> None:
        """Notes when the driver was heard of: by its clock at first, then by the one here, which may differ."""
        heartbeat = read_heartbeat(sweep.tags)
        if heartbeat is None:
            self._told = self._beat = None
        elif self._told is None:
            self._told, self._beat = heartbeat.at, min(now, heartbeat.at)
        elif heartbeat.at != self._told:
            self._told, self._beat = heartbeat.at, now


def _epoch(sweep: RecordedSweep, trial: RecordedTrial) -> int | None:
    heartbeat = read_heartbeat(sweep.tags)
    told = heartbeat.running if heartbeat else ()
    return next((one.epoch for one in told if (one.number, one.replicate) == trial.key), None)


class Listening:
    """A thread that reads, and what it heard last."""

    def __init__(self, reading: SweepReading, news: Callable[[], None]) -> None:
        """news: called in that thread whenever there is something new to show."""
        self._reading, self._news = reading, news
        self._heard: Heard | None = None
        self._failure: BaseException | None = None
        self._began = time.time()
        self._is_reading = False
        self._stop = Event()
        # a daemon: a process that ends does not wait for a request that hangs
        self._thread = Thread(target=self._listen, name="watch", daemon=True)
        self._thread.start()

    def heard(self, now: float) -> Heard | None:
        """What was heard last; None before the first. Raises what kept that away, and any mistake of ours."""
        if self._failure is not None:
            raise self._failure
        known = self._heard
        if known is None or known.why is not None or not self._is_reading or now - self._began < SLOW_SECONDS:
            return known
        return Heard(known.state, known.at, "the store takes long to answer", known.kept)

    def stop(self) -> None:
        """Lets the thread end; one that hangs in a request is left to it."""
        self._stop.set()

    def _listen(self) -> None:
        while not self._stop.is_set():
            self._began, self._is_reading = time.time(), True
            try:
                self._heard = self._once()
            except BaseException as error:  # noqa: BLE001 - whoever asks what was heard gets it
                self._failure = error
                self._stop.set()
            self._is_reading = False
            self._news()
            self._stop.wait(max(EVERY_SECONDS, _REST * (time.time() - self._began)))

    def _once(self) -> Heard:
        try:
            return Heard(state := self._reading.read(), state.at)
        except (TrackingError, UnknownSweepError) as error:
            if self._heard is None:
                raise
            why = error.why if isinstance(error, StoreAwayError) else str(error)
            return Heard(self._heard.state, self._heard.at, why, self._reading.kept())
