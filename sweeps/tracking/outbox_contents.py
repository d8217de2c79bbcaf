"""What the records of an outbox say, taken in one after another."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import Network
from model.files import MOST_BYTES, read_file
from sweeps.errors import OutboxError, SpecError, UserNetworkError
from sweeps.specification.domains import Settings
from sweeps.specification.reading import parse_spec
from sweeps.specification.spec import SweepSpec
from sweeps.tracking.framed_file import DamagedError, records_in
from sweeps.tracking.holder import Holder, read_holder
from sweeps.user_network.codec import decode, rebuilt
from sweeps.user_network.parameters import Parameters
from sweeps.worker.task import Key, TrialResult

SENSELESS = (UserNetworkError, SpecError, LookupError, TypeError, ValueError, AttributeError)  # of a record

Table = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """How a training ended. number: of the entry in its outbox. result: without its network."""

    number: int
    result: TrialResult
    settings: Settings

    @property
    def key(self) -> Key:
        """Of the training."""
        return self.result.number, self.result.replicate


@dataclass(frozen=True)
class Opening:
    """How a sweep was begun. provenance: what it began on; empty where that was not found out any more. digests: of its
    data, by name. code: what the file of its own network held.
    """

    spec: SweepSpec
    provenance: dict[str, str]
    digests: dict[str, str]
    code: NDArray[np.uint8]


class Contents:
    """What an outbox holds.

    opening: None in a new one. keys: of the trainings that it holds, and the number of the last entry of each. deaths:
    how often each training took its worker along. kept: settings of trials that run again. network: of the best
    training so far. is_whole: whether every training that ended is in here. done: numbers of entries that were
    delivered; run_id: of the record that they went to. count: of entries. holder: who opened it last, for the next one.
    """

    def __init__(self) -> None:
        self.opening: Opening | None = None
        self.keys: dict[Key, int] = {}
        self.deaths: dict[Key, int] = {}
        self.kept: dict[int, Settings] = {}
        self.network: tuple[Key, Network | Parameters] | None = None
        self.is_whole = True
        self.done: set[int] = set()
        self.run_id: str | None = None
        self.count = 0
        self.holder: Holder | None = None

    @property
    def left(self) -> set[int]:
        """Numbers of the entries that were not delivered."""
        return set(self.keys.values()) - self.done

    def take_in(self, said: Table) -> None:
        """What a record says. Raises one of SENSELESS where it makes no sense."""
        match said["kind"]:
            case "begun":
                self.opening = _opening(said)
                self.is_whole = self.is_whole and said["is_whole"]
            case "provenance" if self.opening is not None:
                self.opening = replace(self.opening, provenance=said["provenance"])
            case "result":
                self.keys[said["result"]["number"], said["result"]["replicate"]] = self.count
                self.count += 1
            case "network":
                kind: type[Network | Parameters] = Network if said["built_in"] else Parameters
                self.network = said["key"], rebuilt(kind, said["network"])
            case "delivered":
                self.done.add(said["number"])
            case "death":
                self.deaths[said["key"]] = said["count"]
            case "opened":
                self.open(said["run_id"], said["elsewhere"])
            case "holder":
                self.holder = read_holder(said["holder"])
            case "retry":
                self.forget(dict(said["settings"]))
            case other:
                raise ValueError(f"{other!r} is no kind of record")

    def open(self, run_id: str, elsewhere: int) -> None:
        """The results go into this record of a store; in another than before nothing counts as delivered."""
        if run_id != self.run_id:
            self.done.clear()
        self.run_id = run_id
        self.is_whole = not elsewhere

    def forget(self, settings: Mapping[Key, Settings]) -> None:
        """These trainings run again."""
        for key, of_trial in settings.items():
            self.kept[key[0]] = of_trial
            self.keys.pop(key, None)
            self.deaths.pop(key, None)


def entry_of(number: int, said: Table) -> Entry:
    """An entry, of what its record says."""
    return Entry(number, rebuilt(TrialResult, said["result"]), said["settings"])


def contents_of(path: Path) -> Contents:
    """Of an outbox that another process may be writing, as far as it makes sense; empty where it is gone by now.

    Raises OutboxError for what cannot be read, such as a pipe, a device and what is larger than the memory.
    """
    contents = Contents()
    try:
        content = read_file(path, MOST_BYTES // 2)
    except FileNotFoundError:
        return contents
    except OSError as error:
        why = error.strerror or error
        raise OutboxError(f"{path}: cannot be read as an outbox ({why}); move it away, if it is none") from error
    with suppress(DamagedError, *SENSELESS):
        for record in records_in(content)[0]:
            contents.take_in(decode(record))
    return contents


def _opening(said: Table) -> Opening:
    spec = replace(parse_spec(said["spec"], "the spec in an outbox", check_data=False), rules=said["rules"])
    if spec.network is not None:
        spec = replace(spec, network=replace(spec.network, **said["source"]))
    return Opening(spec, said["provenance"], said["digests"], said["code"])
