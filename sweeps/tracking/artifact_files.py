"""Artifacts as files: where a run's are, now, and how they are written so that none is ever half there."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from sweeps.tracking.on_disk import sync_names

ARTIFACTS = "artifacts"  # beside the database

_TAIL = 3  # parts of a run's artifact URI that do not depend on where the store is: experiment, run, "artifacts"


def run_folder(artifact_uri: str, database: Path | None) -> Path | None:
    """The folder of a run's artifacts on this machine; None where a server keeps it.

    artifact_uri: as it is recorded, with an absolute path. database: the SQLite file that it is recorded in. What lies
    beside the database comes first, so that a store that was moved, copied, or taken home from a server finds its own.
    """
    recorded = urlsplit(artifact_uri)
    path = Path(url2pathname(recorded.path))
    if database is None:
        return path if recorded.scheme in ("", "file") else None
    beside = place_beside(path, database, _TAIL)
    is_elsewhere = recorded.scheme in ("", "file") and path.exists()
    return path if is_elsewhere and not beside.exists() else beside


def place_beside(recorded: Path, database: Path, tail: int) -> Path:
    """Where something is kept beside its database. tail: parts of its path that do not depend on where the store is."""
    return database.parent.joinpath(ARTIFACTS, *(part for part in recorded.parts[-tail:] if part != os.pardir))


def files_in(folder: Path) -> list[Path]:
    """The files of a folder, by name; none where there is no such folder."""
    return sorted(_files(folder)) if folder.is_dir() else []


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file beside its place, has it on the disk, and renames it: whoever looks finds all of it, or the old."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    sync_names(path.parent)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
