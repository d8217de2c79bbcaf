"""Who drives a sweep, as it says of itself to others: machine, process, since when. Made without importing MLflow."""

import json
import os
import platform
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

from sweeps.formatting import printable

_ENDED = {"Z", "X"}  # states of a process that nobody has asked after yet


@dataclass(frozen=True)
class Holder:
    """A driver of a sweep.

    place: the machine's boot, and within it the realm of process numbers; empty where the system does not say.
    ticks: when the process started, as the machine counts. token: of this one hold; no other has the same.
    """

    host: str
    pid: int
    since: str
    place: str
    ticks: int
    token: str

    def __post_init__(self) -> None:
        words = (self.host, self.since, self.place, self.token)
        if not all(isinstance(word, str) for word in words) or not all(type(n) is int for n in (self.pid, self.ticks)):
            raise ValueError(f"is said to be driven by {self!r}, which is nobody")

    @property
    def text(self) -> str:
        """For the store."""
        return json.dumps(asdict(self))

    @property
    def in_words(self) -> str:
        """For a person who has to find it."""
        return printable(f"pid {self.pid} on {self.host}, since {self.since}")

    @property
    def has_died(self) -> bool:
        """Whether its process is known to have ended, which only its own machine can know."""
        here = bool(self.place) and (self.host, self.place) == (platform.node(), _place())
        return here and not _lives(self.pid, self.ticks)


def this_process() -> Holder:
    """A new hold of this process."""
    pid, since = os.getpid(), time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    return Holder(platform.node(), pid, since, _place(), _started(pid) or 0, uuid4().hex)


def read_holder(text: str) -> Holder:
    """What `text` wrote. Raises ValueError, TypeError."""
    return Holder(**json.loads(text))


def busy(name: str, holder: Holder | None) -> str:
    """What a second driver of a sweep is told."""
    who = f" ({holder.in_words})" if holder else ""
    return f"the sweep {name!r} is being run by another process{who}; wait for it or stop it first"


def _place() -> str:
    try:
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _lives(pid: int, ticks: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        pass
    started = _started(pid)
    return started is None or started == ticks


def _started(pid: int) -> int | None:
    """In ticks since the boot; -1 of one that has ended, None where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return -1 if fields[0] in _ENDED else int(fields[19])
