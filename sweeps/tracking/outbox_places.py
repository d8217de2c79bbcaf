"""Where results wait for their store: beside the database, or in this user's data folder; never in the cache."""

import hashlib
import os
import re
from pathlib import Path

from sweeps.tracking.location import sqlite_file, store_key

SUFFIX = ".outbox"
FOLDER = "outbox"
_LEGIBLE = 40  # characters of a server's name in that of its folder


def data_folder() -> Path:
    """What belongs to no store yet is kept here: $SWEEPS_DATA, or this user's data folder for numpy-sweeps."""
    if chosen := os.environ.get("SWEEPS_DATA"):
        return Path(chosen)
    from platformdirs import user_data_dir  # imported only where it decides

    return Path(user_data_dir("numpy-sweeps"))


def outbox_folder(uri: str) -> Path:
    """Of a store's outboxes. The one of a SQLite file moves with its folder, and is found by any of its spellings."""
    file = sqlite_file(uri)
    if file is not None:
        return file.parent / FOLDER / file.name
    key = store_key(uri)
    legible = re.sub(r"[^A-Za-z0-9.]+", "-", key.partition("://")[2])[:_LEGIBLE].strip("-.")
    return data_folder() / FOLDER / f"{legible}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def outbox_path(uri: str, name: str) -> Path:
    """Of a sweep's outbox. name: of the sweep, which is one of a file, too (`specification.spec.NAME`)."""
    return outbox_folder(uri) / f"{name}{SUFFIX}"


def outboxes(uri: str) -> list[Path]:
    """Those that a store has, by the names of their sweeps."""
    folder = outbox_folder(uri)
    return sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []
