"""What a sweep's trainings came to, on this machine's disk before it goes to the store. Data only: no pickle.

Until the sweep is finished the outbox keeps what was delivered too: a store that is lost, or a resume while it is away,
costs no training. What was begun here is remembered, so that a resume is told from a new sweep without the store.
"""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from model import Network
from sweeps.errors import BusyError, OutboxError, SpecError
from sweeps.formatting import count
from sweeps.specification.domains import Settings
from sweeps.specification.spec import SweepSpec, differences
from sweeps.tracking.framed_file import FramedFile, unwritable
from sweeps.tracking.holder import busy, this_process
from sweeps.tracking.outbox_contents import SENSELESS, Contents, Entry, Opening, Table, contents_of, entry_of
from sweeps.tracking.spec_params import SOURCE_TAGS
from sweeps.user_network.codec import decode, encode
from sweeps.verdicts.facts import State
from sweeps.worker.task import Key, TrialResult

T = TypeVar("T")


class Outbox(Contents):
    """The outbox of one sweep, open for this process alone. Its methods may be called from several threads."""

    def __init__(self, path: Path) -> None:
        """Raises OutboxError where it cannot be written or is damaged, BusyError where another process holds it."""
        super().__init__()
        self.path = path
        self._waiting: dict[int, Entry] = {}
        self._lock = threading.RLock()
        try:
            self._file = FramedFile(path)
        except BusyError:
            raise BusyError(busy(path.stem, contents_of(path).holder)) from None
        try:
            for number, said in enumerate(self._said()):
                self._understood(number, self.take_in, said)
            self._waiting = {entry.number: entry for entry in self._entries(self.left)}
        except BaseException:
            self._file.close()
            raise
        self._sign()

    @property
    def place(self) -> Path:
        """Where its file is now, should somebody have moved it."""
        return self._file.place

    @property
    def waiting(self) -> list[Entry]:
        """What was not delivered yet, in the order in which it ended."""
        with self._lock:
            return list(self._waiting.values())

    @property
    def waits(self) -> int:
        """How many were not delivered yet."""
        return len(self._waiting)

    def entries(self) -> Iterator[Entry]:
        """Of each training that it holds, the last, as they stand on the disk; in the order in which they ended."""
        return self._entries(set(self.keys.values()))

    def begin(self, spec: SweepSpec, digests: Mapping[str, str]) -> SweepSpec:
        """Remembers how the sweep was begun; returns its spec, extended by what was begun.

        A sweep of another spec takes the place of one that was delivered, never of results that wait. Raises SpecError,
        and OutboxError where it cannot be written.
        """
        known, provenance = self.opening, dict[str, str]()
        if known is not None:
            changed = list(_changes(known, spec, digests))
            if changed and self.waits:
                held = f"{count(self.waits, 'result')} of another spec wait in {self.path} for their store"
                raise SpecError(f"{held} (`sweeps deliver {spec.name}`, or give this sweep another --name)", changed)
            if changed:
                self._reset()
            else:
                spec = replace(spec, trials=max(spec.trials, known.spec.trials), rules=known.spec.rules)
                if spec.trials == known.spec.trials:
                    return spec
                provenance, digests = known.provenance, known.digests
        code = Path(spec.network.file).read_bytes() if spec.network and spec.network.file else b""
        try:
            self._begin(Opening(spec, provenance, dict(digests), np.frombuffer(code, np.uint8)))
        except OSError as error:
            raise unwritable(self.path, error) from error
        return spec

    def note_provenance(self, provenance: Mapping[str, str]) -> None:
        """Remembers what the sweep began on; found out while the first trainings run."""
        with self._lock, suppress(OSError):
            said = {"kind": "provenance", "provenance": dict(provenance)}
            self.take_in(said)
            self._file.append(encode(said), sync=False)

    def add(self, result: TrialResult, settings: Settings, is_best: bool = False) -> Entry:
        """Puts a result on the disk; the network of the best one, too. Raises OSError."""
        network = result.network if is_best else None
        with self._lock:
            entry = Entry(self.count, replace(result, network=None), settings)
            records: list[Table] = [{"kind": "result", "settings": settings, "result": entry.result}]
            if network is not None:
                built_in = isinstance(network, Network)
                records.append({"kind": "network", "key": entry.key, "built_in": built_in, "network": network})
            self._file.append(*map(encode, records))
            self.count += 1
            self.keys[entry.key] = entry.number
            self._waiting[entry.number] = entry
            self.network = self.network if network is None else (entry.key, network)
            return entry

    def delivered(self, entry: Entry) -> None:
        """Notes that a result stands in the store. Forgotten in a crash it does no harm: doubles are found."""
        with self._lock:
            self._waiting.pop(entry.number, None)
            self.done.add(entry.number)
            with suppress(OSError):
                self._file.append(encode({"kind": "delivered", "number": entry.number}), sync=False)

    def note_death(self, key: Key, deaths: int) -> None:
        """Remembers how often a training took its worker along. Raises OSError."""
        with self._lock:
            self._file.append(encode({"kind": "death", "key": key, "count": deaths}))
            self.deaths[key] = deaths

    def opened(self, run_id: str, held: Collection[Key]) -> None:
        """Notes in which record of a store the results go, and what of them waits.

        held: the trainings in there. In another record than before nothing counts as delivered: that one was lost. What
        is missing in there waits again, but for failures: whoever took those away wants them to run again.
        """
        with self._lock:
            elsewhere = len(set(held) - self.keys.keys())
            if run_id != self.run_id or self.is_whole == bool(elsewhere):
                with suppress(OSError):
                    self._file.append(encode({"kind": "opened", "run_id": run_id, "elsewhere": elsewhere}))
                self.open(run_id, elsewhere)
            missing = {number for key, number in self.keys.items() if number not in self._waiting and key not in held}
            missing |= {number for number in self.keys.values() if number not in self.done}
            found = {entry.number: entry for entry in self._entries(missing)}
            again = {
                number: entry
                for number, entry in found.items()
                if number not in self.done or entry.result.state is not State.FAILED
            }
            self.done -= again.keys()
            self._waiting = dict(sorted((self._waiting | again).items()))

    def retry(self, settings: Mapping[Key, Settings]) -> None:
        """Forgets trainings that run again, but for their settings. Raises OSError."""
        with self._lock:
            self._file.append(encode({"kind": "retry", "settings": list(settings.items())}))
            self._waiting = {n: entry for n, entry in self._waiting.items() if entry.key not in settings}
            self.forget(settings)

    def finished(self) -> None:
        """Empties the outbox of a sweep that is finished, so that only that it was begun is remembered."""
        opening = self.opening
        with self._lock, suppress(OSError):
            self._reset()
            if opening is not None:
                self._begin(opening)

    def close(self) -> None:
        """Lets go of the file."""
        self._file.close()

    def _begin(self, opening: Opening) -> None:
        network = opening.spec.network
        source = {} if network is None else {name: getattr(network, name) for name in SOURCE_TAGS}
        table = {"kind": "begun", "spec": opening.spec.to_table(), "rules": opening.spec.rules, "source": source}
        table |= {"provenance": opening.provenance, "digests": opening.digests, "code": opening.code}
        self._file.append(encode(table | {"is_whole": self.is_whole}))
        self.opening = opening

    def _sign(self) -> None:
        """Says who holds the outbox, to whoever is refused."""
        with suppress(OSError):
            self._file.append(encode({"kind": "holder", "holder": this_process().text}), sync=False)

    def _reset(self) -> None:
        self._file.clear()
        self._sign()
        Contents.__init__(self)
        self.is_whole = False
        self._waiting.clear()

    def _said(self) -> Iterator[Table]:
        """What the records in the file say."""
        for place, record in enumerate(self._file.read()):
            yield self._understood(place, decode, record)

    def _entries(self, numbers: set[int]) -> Iterator[Entry]:
        number = 0
        for place, said in enumerate(self._said() if numbers else ()):
            if said["kind"] == "result":
                if number in numbers:
                    yield self._understood(place, entry_of, number, said)
                number += 1

    def _understood(self, place: int, action: Callable[..., T], *given: Any) -> T:
        try:
            return action(*given)
        except SENSELESS as error:
            said = f"{self.path}: record {place} makes no sense to this version ({error})"
            raise OutboxError(f"{said}; use the version that wrote it, or move the file away") from error


def _changes(known: Opening, spec: SweepSpec, digests: Mapping[str, str]) -> Iterator[str]:
    """What differs between how a sweep was begun and how it is to go on, its number of trials aside."""
    yield from differences(known.spec.to_table() | {"trials": 0}, spec.to_table() | {"trials": 0})
    old, new = known.spec.network, spec.network
    if old is not None and new is not None and old.named == new.named and old.digest != new.digest:
        yield f"network: the file {new.file} has changed, SHA-256 was {old.digest}, is now {new.digest}"
    for name, digest in digests.items():
        before = known.digests.get(name, digest)
        if before != digest:
            yield f"dataset {name}: its contents have changed, their digest was {before}, is now {digest}"
