"""One driver a sweep, by whatever address, cache folder or machine it comes: a lease in the store itself.

MLflow's tags have no compare-and-set, but a param is written once, on SQLite, PostgreSQL and over HTTP alike: whoever
writes the param `driver.<n>` of the run `sweep` is the sweep's n-th driver. Every few seconds it says by a tag that it
lives, and in the end that it has gone. Whoever wants to be the next one waits, by its own clock, until the last has
gone, is dead, or was silent for long. Each trial run bears the number of its driver: what one that was suspended and
succeeded writes late is known by it.
"""

import contextlib
import random
import time
from collections.abc import Callable, Iterable
from threading import Event

from mlflow.entities import LifecycleStage, Run
from mlflow.exceptions import MlflowException

from sweeps.errors import BusyError, TrackingError
from sweeps.tracking.holder import Holder, busy, read_holder, this_process
from sweeps.tracking.outage import Outage
from sweeps.tracking.records import DRIVER, SWEEP_RUN
from sweeps.tracking.retrying import Patience, T, sent_once, tracking_errors
from sweeps.tracking.run_reading import drivers, legible
from sweeps.tracking.store import Store

RENEW_SECONDS = 5.0
EXPIRY_SECONDS = 60.0  # of silence; a driver that waits for its store tries again every 30 s at the latest
_LOOK_SECONDS = 1.0  # between looks at a driver of which it is unknown whether it lives
_RENEWED, _RELEASED = f"{DRIVER}.renewed", f"{DRIVER}.released"  # tags of the sweep run
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on while the machine sleeps


class Lease:
    """This driver's hold on a sweep. run_id: of the sweep's run; number: how many have driven it, with this one.

    say: told in plain words whom it waits for. give_up: set by another thread to end the waiting.
    """

    def __init__(self, store: Store, name: str, say: Callable[[str], None], give_up: Event) -> None:
        self._store, self._name, self._say, self._give_up = store, name, say, give_up
        self._holder = this_process()
        self._silent: set[tuple[str, int]] = set()  # drivers that were waited for in vain
        self._renewals, self._kept = 0, 0.0
        self._successor: Holder | None = None
        self.run_id, self.number = "", 0

    def take(self, experiment_id: str, create: Callable[[], str]) -> str:
        """The id of the sweep's run, held from now on; `create` makes it where there is none.

        Raises BusyError where another driver lives. Whatever it raises, it can be called again.
        """
        while True:
            runs = self._runs(experiment_id)
            held = next((run for run in runs if self._last(run) == self._holder), None)  # an answer was lost
            if held is not None:
                self.run_id, number = held.info.run_id, drivers(held)
            else:
                for run in runs:
                    self._wait_until_free(run)
                self.run_id = _chosen(runs, self.run_id) or create()
                number = 1 + max(map(drivers, runs), default=0)
            if (held or self._claim(number)) and not self._contested(experiment_id, number):
                self.number = number
                return self.run_id

    def keep(self) -> None:
        """Says that this driver lives, where that is due. Raises BusyError where another has taken over."""
        now = time.clock_gettime(_CLOCK)
        if self.number and now - self._kept >= RENEW_SECONDS:
            self.check()
            self._renewals += 1
            self._store.client.set_tag(self.run_id, _RENEWED, f"{self.number}.{self._renewals}")
            self._kept = now

    def check(self) -> None:
        """Raises BusyError where another driver has taken over."""
        if self.number and self._successor is None:
            run = self._store.client.get_run(self.run_id)
            if drivers(run) > self.number:
                self._successor = self._last(run)
        if self._successor is not None:
            raise BusyError(
                f"the sweep {self._name!r} was taken over ({self._successor.in_words}) while nothing was heard of this "
                "process, which stops here; what it had recorded stands"
            )

    def doubt(self) -> None:
        """`check`, where the store answers."""
        with contextlib.suppress(TrackingError), tracking_errors(self._store.uri), sent_once():
            self.check()

    def release(self) -> None:
        """Lets the next driver begin at once. Where the store is away, that one finds out for itself."""
        with contextlib.suppress(BusyError, TrackingError), tracking_errors(self._store.uri), sent_once():
            if self.number:
                self.check()
                self._store.client.set_tag(self.run_id, _RELEASED, str(self.number))
                self.number = 0

    def _runs(self, experiment_id: str) -> list[Run]:
        """Those that are the sweep's, or would become it: two drivers may begin at once."""
        queries = ("tags.kind = 'sweep'", f"attributes.run_name = '{SWEEP_RUN}'")
        found = {run.info.run_id: run for query in queries for run in self._store.runs(experiment_id, query)}
        return list(found.values())

    def _last(self, run: Run) -> Holder | None:
        """The last that drove a sweep, or began to."""
        number = drivers(run)
        with legible(self._name, run):
            return read_holder(run.data.params[f"{DRIVER}.{number}"]) if number else None

    def _claim(self, number: int) -> bool:
        """Whether this is now the driver of that number. Raises MlflowException where that is unknown."""
        key = f"{DRIVER}.{number}"
        self._kept = time.clock_gettime(_CLOCK)
        try:
            self._store.client.log_param(self.run_id, key, self._holder.text, synchronous=True)
        except MlflowException:
            run = self._store.client.get_run(self.run_id)
            if run.info.lifecycle_stage == LifecycleStage.DELETED:  # by a driver that began at the same time
                self.run_id = ""
            elif key not in run.data.params:
                raise
            return run.data.params.get(key) == self._holder.text
        return True

    def _contested(self, experiment_id: str, number: int) -> bool:
        """Whether another driver took hold of another run at the same time: then this one lets go, and asks again.

        Of two that made a run each, the one whose claim was written later sees both claims here.
        """
        others = [run for run in self._runs(experiment_id) if run.info.run_id != self.run_id]
        if all(map(self._is_free, others)):
            return False
        self._store.client.set_tag(self.run_id, _RELEASED, str(number))
        self._holder = this_process()
        self._give_up.wait(random.random())  # else the two would meet again and again
        return True

    def _is_free(self, run: Run) -> bool:
        number, holder = drivers(run), self._last(run)
        if holder is None or run.data.tags.get(_RELEASED) == str(number) or holder.has_died:
            return True
        return (run.info.run_id, number) in self._silent

    def _wait_until_free(self, run: Run) -> None:
        """Until its driver was silent for too long. Raises BusyError once it shows that it lives."""
        run_id, number, holder = run.info.run_id, drivers(run), self._last(run)
        if holder is None or self._is_free(run):
            return
        self._say(f"{busy(self._name, holder)}; looking for up to {EXPIRY_SECONDS:g} s whether it still lives")
        heard, silence, before = run.data.tags.get(_RENEWED), 0.0, time.monotonic()
        while silence < EXPIRY_SECONDS:
            stopped = self._give_up.wait(_LOOK_SECONDS)
            run, now = self._store.client.get_run(run_id), time.monotonic()
            if drivers(run) > number or self._is_free(run):
                return  # and the claim will show whose it is
            if stopped or run.data.tags.get(_RENEWED) != heard:
                raise BusyError(busy(self._name, holder))
            silence, before = silence + min(now - before, 2 * _LOOK_SECONDS), now  # this process may be suspended, too
        self._silent.add((run_id, number))
        self._say(f"nothing was heard of {holder.in_words}; its sweep goes on here")


class HeldPatience(Patience):
    """Patience of a sweep's driver: before each attempt it makes sure that it still is the driver."""

    def __init__(self, lease: Lease, uri: str, say: Callable[[str], None], outage: Outage) -> None:
        super().__init__(uri, say, outage)
        self._lease = lease

    def do(self, action: Callable[[int], T]) -> T:
        """As without a lease. Raises BusyError where another driver has taken over."""

        def held(attempt: int) -> T:
            self._lease.keep()
            return action(attempt)

        try:
            return super().do(held)
        except TrackingError:
            if not self.give_up.is_set():
                self._lease.doubt()
            raise


def _chosen(runs: Iterable[Run], own: str) -> str:
    """The oldest that is a sweep's, else the one that this driver made; empty where there is none."""
    whole = [run for run in runs if run.data.tags.get("kind") == "sweep"]
    if whole:
        return str(min(whole, key=lambda run: (run.info.start_time, run.info.run_id)).info.run_id)
    return own if own in [run.info.run_id for run in runs] else ""
