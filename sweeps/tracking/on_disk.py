"""Waiting until what was written is on the disk."""

import os
from contextlib import suppress
from pathlib import Path


def sync(path: Path) -> None:
    """Of a file its content, of a folder its list of names. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_names(folder: Path) -> None:
    """The list of names of a folder, where the system can."""
    with suppress(OSError):
        sync(folder)
