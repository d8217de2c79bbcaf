"""A folder for each room, gone when the room is, or when the next one finds that nobody is left in it."""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "sweeps-room-"
_NEW_SECONDS = 60.0  # in which a folder may not be locked yet


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder, locked while it lasts by this process and its forks, then removed. Raises OSError."""
    path = Path(tempfile.mkdtemp(prefix=_PREFIX))
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(handle)


def clear_abandoned() -> None:
    """Removes folders of this user whose processes were killed before they could."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            known = path.stat()
            if known.st_uid != os.getuid() or time.time() - known.st_mtime < _NEW_SECONDS:
                continue
            handle = os.open(path, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(handle)
