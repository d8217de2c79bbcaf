"""The quick door before the lease: a lock on this machine, which the system lets go of when the process ends.

It needs no store, so it answers before MLflow is imported, and while the store is away.
"""

import contextlib
import fcntl
import hashlib
from collections.abc import Iterator

from model.cache import cache_folder
from sweeps.errors import BusyError
from sweeps.tracking.holder import Holder, busy, read_holder, this_process
from sweeps.tracking.location import store_key


@contextlib.contextmanager
def only_driver(uri: str, name: str) -> Iterator[None]:
    """Holds the sweep's lock. Raises BusyError where another process does."""
    folder = cache_folder() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / hashlib.sha256(f"{store_key(uri)}\n{name}".encode()).hexdigest()[:32]
    with path.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise BusyError(busy(name, _named(lock.read()))) from None
        lock.truncate(0)
        lock.write(this_process().text)
        lock.flush()
        yield


def _named(text: str) -> Holder | None:
    """None where the holder has not written its name yet."""
    try:
        return read_holder(text)
    except (TypeError, ValueError):
        return None
