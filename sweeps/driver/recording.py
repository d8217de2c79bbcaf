"""Where results go: onto this machine's disk first, and from there to the store, whenever it answers."""

import shlex
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING

from model import Dataset, Network
from sweeps.driver.live_trainings import LiveTrainings
from sweeps.driver.writer_thread import WriterThread, is_done
from sweeps.errors import InputError, Interrupted, StoreAwayError, TrackingError, VanishedError
from sweeps.events import Progress
from sweeps.formatting import count
from sweeps.specification.domains import Settings
from sweeps.specification.spec import SweepSpec
from sweeps.tracking.heartbeat import Heartbeat
from sweeps.tracking.outage import Outage
from sweeps.tracking.outbox import Outbox
from sweeps.tracking.outbox_contents import Entry
from sweeps.tracking.shown_uri import shown_uri
from sweeps.user_network.parameters import Parameters
from sweeps.verdicts.facts import State
from sweeps.worker.task import Key, TrialResult

if TYPE_CHECKING:  # importing MLflow takes seconds; it happens in the writer's thread while workers train
    from sweeps.tracking.writer import SweepWriter

_FIRST_CONTACT_SECONDS = 120.0  # after which a store that has not said anything is taken for one that is away
_GLANCE_SECONDS = 0.2
_SHOW_SECONDS = 2.0  # between two looks at what is in progress

Action = Callable[["SweepWriter"], None]


class Recording:
    """The record of a running sweep: its outbox, and the thread that brings to the store what is in there.

    left: what an earlier driver left in the outbox, as it was when the record was opened.
    """

    def __init__(
        self,
        spec: SweepSpec,
        data: dict[str, Dataset],
        uri: str,
        outbox: Outbox,
        progress: Progress,
        wait: float,
        retry_failed: bool = False,
    ) -> None:
        """spec: as it stands in the outbox. wait: seconds that a store may be away while nothing else is to be done.

        retry_failed: trainings that failed are forgotten, but for their settings, when the record is opened.
        """
        self._spec, self._data, self._uri, self._outbox, self._progress = spec, data, uri, outbox, progress
        self._wait, self._retry = wait, retry_failed
        self.left: list[Entry] = []
        self._unsaved: deque[tuple[TrialResult, Settings, bool]] = deque()
        self._is_full = False
        self._is_closed = False
        self._summary: Future[None] | None = None
        self._shown: Future[None] | None = None
        self._next_showing = time.monotonic() + _SHOW_SECONDS
        self._thread = WriterThread(self._open)
        self._do(self._deliver)

    @property
    def network(self) -> tuple[Key, Network | Parameters] | None:
        """Of the best training so far, as far as it is known."""
        return self._outbox.network

    @property
    def keeps(self) -> bool:
        """Whether all results so far are on the disk, so that more may come."""
        return not self._unsaved

    @property
    def waits(self) -> int:
        """How many results the store has not."""
        return self._outbox.waits + len(self._unsaved)

    @property
    def why(self) -> str | None:
        """Why results wait; None where the store answers."""
        return self._thread.outage.why

    def add(self, result: TrialResult, settings: Settings, is_best: bool) -> None:
        """Takes in what came of a training."""
        self._unsaved.append((result, settings, is_best))
        self.save()

    def save(self) -> None:
        """Puts on the disk what is not there yet."""
        while self._unsaved:
            try:
                self._outbox.add(*self._unsaved[0])
            except OSError as error:
                if not self._is_full:
                    why = f"{self._outbox.path} cannot be written: {error.strerror or error}"
                    self._progress.say(f"{why}; nothing new starts until it can, and what has finished is kept")
                self._is_full = True
                return
            self._unsaved.popleft()
            self._do(self._deliver)
        if self._is_full:
            self._is_full = False
            self._progress.say(f"{self._outbox.path} can be written again")

    def note_death(self, key: Key, deaths: int) -> None:
        """Remembers how often a training took its worker along."""
        with suppress(OSError):  # the store remembers it, too
            self._outbox.note_death(key, deaths)
        self._do(lambda writer: writer.note_death(*key, deaths))

    def show(self, live: LiveTrainings, heartbeat: Callable[[], Heartbeat]) -> None:
        """Has the store show what is in progress, now and then, where it answers and has taken the last of it."""
        is_due = time.monotonic() >= self._next_showing and (self._shown is None or self._shown.done())
        if is_due and self._thread.is_open and self.why is None:
            self._next_showing = time.monotonic() + _SHOW_SECONDS
            # asked for in the thread: of a training whose result it has written, nothing is shown any more
            self._shown = self._do(lambda writer: writer.show_live(live.now, heartbeat()))

    def first_contact(self) -> "SweepWriter | None":
        """The writer, once the record is open; None where the store is away. Raises what is wrong with the record."""
        began = time.monotonic()
        while not self._thread.is_open:
            self._thread.check()
            if self.why is not None or time.monotonic() - began > _FIRST_CONTACT_SECONDS:
                return None
            time.sleep(_GLANCE_SECONDS / 10)
        return self._thread.writer()

    def writer(self) -> "SweepWriter":
        """The writer, waited for. Raises StoreAwayError where the store is away for too long."""
        self._until(lambda: self._thread.is_open, f"the record of {self._spec.name} is needed to go on")
        return self._thread.writer()

    def check(self) -> None:
        """Raises what went wrong, with what is kept; TrackingError says where."""
        try:
            self._thread.check()
        except TrackingError as error:
            raise self._explained(error) from error

    def deliver(self) -> None:
        """Waits until the store has all results."""
        self._wait_for(self._do(self._deliver))

    def finish(self, action: Action, show: Callable[[], None] = lambda: None) -> None:
        """Has the record finished, once the store has all results; then the outbox is emptied."""

        def finish(writer: "SweepWriter") -> None:
            self._deliver(writer)
            action(writer)
            self._outbox.finished()

        self._summary = self._do(finish)
        self._wait_for(self._summary, show)

    def interrupt(self, seconds: float) -> Interrupted:
        """Closes the sweep's run as interrupted, if the store answers in time; returns what is to be raised."""
        self.save()
        self._thread.interrupt(seconds)
        lost = f"{count(len(self._unsaved), 'training')} could not be kept and will run again" if self._unsaved else ""
        waits = f"{self._kept} until the store has them" if self._outbox.waits else ""
        finished = self._summary is not None and is_done(self._summary)
        return Interrupted(self.waits, finished, "; ".join(filter(None, (lost, waits))))

    def close(self, seconds: float) -> None:
        """Ends the thread, or leaves it to a request that hangs."""
        self._is_closed = True
        self._thread.close(seconds)

    @property
    def _kept(self) -> str:
        return f"{count(self._outbox.waits, 'result')} of {self._spec.name} wait in {self._outbox.path}"

    def _do(self, action: Action) -> "Future[None]":
        """Queues something to write."""

        def done(writer: "SweepWriter") -> None:
            try:
                action(writer)
            except StoreAwayError:
                raise
            except TrackingError:
                writer.check_standing()  # where the sweep was deleted, that is what to say
                raise

        return self._thread.do(done)

    def _wait_for(self, done: "Future[None]", show: Callable[[], None] = lambda: None) -> None:
        name = self._spec.name
        kept = self._kept if self.waits else f"{name} lacks its summary there"
        self._until(done.done, f"{kept}; `sweeps deliver {name}` brings it there and finishes the record", show)
        try:
            done.result()
        except TrackingError as error:
            raise self._explained(error) from error

    def _until(self, reached: Callable[[], bool], need: str, show: Callable[[], None] = lambda: None) -> None:
        """Waits until something is reached. Raises StoreAwayError where the store is away for too long meanwhile."""
        began, outage, is_told = time.monotonic(), self._thread.outage, False
        while not reached():
            self.check()
            why = outage.why
            if why is not None:
                where = f"the tracking store {shown_uri(self._uri)} is away ({why})"
                if time.monotonic() - max(began, outage.since) > self._wait:
                    raise StoreAwayError(f"{where}, and {need}", why)
                if not is_told:
                    self._progress.say(f"{where}, and {need}; waiting for it, {self._wait:g} s at the most")
                    is_told = True
            show()
            time.sleep(_GLANCE_SECONDS)

    def _explained(self, error: TrackingError) -> TrackingError:
        """An error with what is kept, and how to go on."""
        if isinstance(error, VanishedError):
            held = count(len(self._outbox.keys), "result")
            place = self._outbox.place
            what = self._spec.name if place == self._outbox.path else shlex.quote(str(place))
            remedy = f"bring it back, or have `sweeps deliver {what}` write them into a new one"
            return VanishedError(f"{error}; {held} of {self._spec.name} are kept in {place}: {remedy}")
        if isinstance(error, InputError) or not self._outbox.waits:
            return error
        return type(error)(f"{error}; {self._kept}")

    def _open(self, outage: Outage) -> "SweepWriter":
        """In the thread: opens the record, new or old, once the store answers. Raises SpecError, TrackingError."""
        from sweeps.driver.provenance import provenance
        from sweeps.tracking.retrying import Patience
        from sweeps.tracking.store import Store
        from sweeps.tracking.writer import SweepWriter

        say, opening = self._progress.say, self._outbox.opening
        began_on = opening.provenance if opening else {}
        if not began_on:
            began_on = provenance(self._spec.seed)
            self._outbox.note_provenance(began_on)

        def opened() -> SweepWriter:
            return SweepWriter(Store(self._uri), self._spec, self._data, began_on, say, outage)

        writer = Patience(self._uri, say, outage).do(lambda _: opened())
        self._outbox.opened(writer.run_id, {trial.key for trial in writer.trials})
        if self._retry:
            failed = {trial.key: trial.settings for trial in writer.trials if trial.state == State.FAILED}
            failed |= {one.key: one.settings for one in self._outbox.waiting if one.result.state is State.FAILED}
            self._outbox.retry(failed)
            writer.retry_failed()
        self.left = self._outbox.waiting
        return writer

    def _deliver(self, writer: "SweepWriter") -> None:
        """In the thread: writes what waits, in the order in which it ended."""
        for entry in self._outbox.waiting:
            if self._is_closed:
                return
            writer.record(entry.result, entry.settings)
            self._outbox.delivered(entry)
