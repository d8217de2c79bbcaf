"""One driver a sweep: a lock on this machine, which the system lets go of when the process ends, however it ends."""

import contextlib
import fcntl
import hashlib
from collections.abc import Iterator

from model.cache import cache_folder
from sweeps.errors import BusyError
from sweeps.tracking.location import store_key


@contextlib.contextmanager
def only_driver(uri: str, name: str) -> Iterator[None]:
    """Holds the sweep's lock. Raises BusyError where another process does."""
    folder = cache_folder() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / hashlib.sha256(f"{store_key(uri)}\n{name}".encode()).hexdigest()[:32]
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BusyError(
                f"the sweep {name!r} is being run by another process; wait for it or stop it first"
            ) from None
        yield
