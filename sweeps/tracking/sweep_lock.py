"""The quick door before the lease: a lock beside the sweep's outbox, gone with its process, however that ends.

It needs neither store nor cache: it answers before MLflow is imported, and while the store is away.
"""

import contextlib
import fcntl
from collections.abc import Iterator

from sweeps.errors import BusyError
from sweeps.tracking.holder import Holder, busy, read_holder, this_process
from sweeps.tracking.outbox_places import outbox_path


@contextlib.contextmanager
def only_driver(uri: str, name: str) -> Iterator[None]:
    """Holds the sweep's lock. Raises BusyError where another process does."""
    path = outbox_path(uri, name).with_suffix(".lock")
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):  # a place that takes no lock takes no outbox, or the lease is enough
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = held.enter_context(path.open("a+", encoding="utf-8"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
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
