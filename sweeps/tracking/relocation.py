"""Records anew where the artifacts of a SQLite store are, after its folder was moved, copied, or taken home.

Nothing of ours needs it: artifacts are looked for beside the database (`artifact_files`). MLflow's pages, and whoever
loads a model by its name, go by what is recorded.
"""

import datetime
import sqlite3
from contextlib import closing
from pathlib import Path

from sweeps.errors import InputError
from sweeps.tracking.artifact_files import ARTIFACTS

_COLUMNS = (  # that hold where something is
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def relocate(database: Path) -> tuple[int, Path | None]:
    """(places rewritten, the backup made before; None where nothing was to do).

    A place is rewritten where it is not there any more and its like is beside the database. Raises InputError where
    the file is no store.
    """
    if not database.is_file():
        raise InputError(f"{database}: there is no such store; give its URI with --tracking-uri")
    try:
        with closing(sqlite3.connect(database)) as store:
            changes = [
                (table, column, old, new)
                for table, column in _COLUMNS
                for (old,) in store.execute(f'SELECT DISTINCT "{column}" FROM "{table}"').fetchall()
                if (new := _now(old, database.parent)) is not None
            ]
            if not changes:
                return 0, None
            backup = _backup(store, database)
            for table, column, old, new in changes:
                store.execute(f'UPDATE "{table}" SET "{column}" = ? WHERE "{column}" = ?', (new, old))
            store.commit()
    except sqlite3.DatabaseError as error:
        raise InputError(f"{database}: is no store of MLflow's ({error})") from error
    return len(changes), backup


def _now(recorded: str | None, folder: Path) -> str | None:
    """Where something lies now that is recorded elsewhere; None where it is there, or nowhere."""
    if not recorded or not recorded.startswith(("file://", "mlflow-artifacts:", "/")):
        return None
    before, found, rest = recorded.rpartition(f"/{ARTIFACTS}/")
    while found:  # a run's own folder is called artifacts, too
        here = folder / ARTIFACTS / rest
        if here.exists():
            new = here.resolve().as_uri() if "://" in recorded or ":" in recorded else str(here.resolve())
            return None if new == recorded else new
        before, found, more = before.rpartition(f"/{ARTIFACTS}/")
        rest = f"{more}/{ARTIFACTS}/{rest}"
    return None


def _backup(store: sqlite3.Connection, database: Path) -> Path:
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S")
    backup = database.with_name(f"{database.name}.before-{stamp}")
    with closing(sqlite3.connect(backup)) as copy:
        store.backup(copy)
    return backup
