"""A SQLite store is born whole: made and migrated beside its place, then moved there.

MLflow migrates a database where it stands, in half a second or more; killed within it, it leaves tables that it never
gets over. So no database of ours is seen at its place before its last step, and what an earlier version left half-made
is recognised by what it lacks: the mark of the last migration, and any run.
"""

import contextlib
import fcntl
import hashlib
import os
import shlex
import shutil
import sqlite3
import time
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from model.cache import cache_folder
from sweeps.errors import TrackingError
from sweeps.tracking.location import sqlite_uri
from sweeps.tracking.on_disk import sync

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

_MOST_ROWS = 10  # that are looked at in a table of a new store, which has one at the most
_HEADER = b"SQLite format 3\0"
_CONTENT = {  # last migration -> digest of all that a new store of it holds; for another none is kept in the cache
    "dc11669786a5": "7320f5cfb78f12d0c8fce749984c91a6cd5be3bdb81a0275aa3fc26a5bc4b7af",
}
_OURS = ("artifact_location", "creation_time", "last_update_time")  # of its one experiment: each store has its own
_LEFT_AFTER_SECONDS = 600  # a name of a process that died while it made a store is cleared away after this


def ensure_whole(file: Path) -> None:
    """Makes the store where there is none, or one that was left half-made. Raises TrackingError, OSError."""
    if _is_whole(file):
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with _alone(file.parent):
        if _is_whole(file):  # somebody else was faster
            return
        if file.exists():
            _put_aside(file)
        _make(file)


def template() -> Path:
    """Where an empty, migrated database of this MLflow is kept, for the next store to start from."""
    return cache_folder() / "stores" / f"mlflow-{version('mlflow')}.db"


def _is_whole(file: Path) -> bool:
    """Whether a database bears the mark of the last migration. A locked one is in use, so whole."""
    try:
        return file.exists() and _mark(file) == _migrations().get_current_head()
    except sqlite3.OperationalError:
        return True


def _mark(file: Path) -> str | None:
    """Of the last migration that a database went through; None where it has none. Raises TrackingError."""
    with file.open("rb") as opened:
        if opened.read(len(_HEADER)) not in (b"", _HEADER):  # SQLite takes a file of a few bytes for an empty one
            raise TrackingError(f"{file} is no SQLite database; give another --tracking-uri")
    try:
        with contextlib.closing(sqlite3.connect(file, timeout=1)) as database:
            row = database.execute("SELECT version_num FROM alembic_version").fetchone()
            return None if row is None else str(row[0])
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return None
        raise
    except sqlite3.DatabaseError as error:
        raise TrackingError(f"{file} is no SQLite database ({error}); give another --tracking-uri") from error


def _migrations() -> "ScriptDirectory":
    from alembic.script import ScriptDirectory

    (folder,) = import_module("mlflow.store.db_migrations").__path__
    return ScriptDirectory(folder)


def _put_aside(file: Path) -> None:
    """Moves a half-made store away under a name of its own. Raises TrackingError where it is anything else."""
    mark = _mark(file)
    if mark is not None and mark not in {script.revision for script in _migrations().walk_revisions()}:
        raise TrackingError(f"{file} was made by a newer MLflow than {version('mlflow')}; use that, or another store")
    with contextlib.closing(sqlite3.connect(file, timeout=20)) as database:
        names = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        conditions = {"runs": "1", "registered_models": "1", "experiments": "experiment_id != 0"}
        held = [table for table in conditions if table in names and _count(database, table, conditions[table])]
    if names and not names & {"alembic_version", *conditions}:
        raise TrackingError(f"{file} holds tables of something else; give another --tracking-uri")
    if held:
        remedy = f"copy it to a safe place, then `mlflow db upgrade {shlex.quote(sqlite_uri(file))}`"
        raise TrackingError(f"{file} holds {held[0]}, but not all that this MLflow needs; {remedy}")
    aside, number = file.with_name(f"{file.name}.half-made"), 1
    while aside.exists():
        number += 1
        aside = file.with_name(f"{file.name}.{number}.half-made")
    file.rename(aside)


def _count(database: sqlite3.Connection, table: str, condition: str) -> int:
    return int(database.execute(f"SELECT count(*) FROM {table} WHERE {condition}").fetchone()[0])


def _make(file: Path) -> None:
    """Makes the database under a name of this process, from the template where a sound one is kept, and moves it."""
    _clear_away(file)
    beside = _beside(file)
    try:
        if not _from_template(beside, file.parent):
            _remove(beside)
            _migrate(beside, file.parent)
            _keep_template(beside)
        sync(beside)
        beside.rename(file)
        sync(file.parent)
    finally:
        _remove(beside)


def _migrate(beside: Path, folder: Path) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore(  # type: ignore[no-untyped-call]
        sqlite_uri(beside), str(folder / "artifacts")
    )
    store.engine.dispose()


def _from_template(beside: Path, folder: Path) -> bool:
    """Copies the template and makes it this folder's; False where it is missing or not what it should be."""
    with contextlib.suppress(OSError, sqlite3.Error):
        shutil.copyfile(template(), beside)
        with contextlib.closing(sqlite3.connect(beside)) as database:
            sound = database.execute("PRAGMA integrity_check").fetchone() == ("ok",) and is_new(database)
            if not sound:
                return False
            now, location = int(time.time() * 1000), str(folder / "artifacts" / "0")
            change = "UPDATE experiments SET artifact_location = ?, creation_time = ?, last_update_time = ?"
            ours = database.execute(change, (location, now, now)).rowcount == 1
            database.commit()
        if ours and _is_whole(beside):
            return True
    return False


def is_new(database: sqlite3.Connection) -> bool:
    """Whether a database holds what MLflow puts into a new one, to the letter: no trigger, view, table or row else."""
    return _digest(database) in _CONTENT.values()


def _digest(database: sqlite3.Connection) -> str:
    """Of its whole schema and of every row, but for what is each store's own."""
    schema = database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name").fetchall()
    digest = hashlib.sha256()
    for kind, table, of, sql in schema:
        lines = (sql or "").split("\n")  # MLflow names the constraints of a table in another order each time
        digest.update(repr([kind, table, of, sorted(line.rstrip(", ") for line in lines)]).encode())
        if kind == "table":
            columns = [name for _, name, *_ in database.execute(f'PRAGMA table_info("{table}")')]
            read = ", ".join(f'"{name}"' for name in columns if table != "experiments" or name not in _OURS)
            rows = database.execute(f'SELECT {read} FROM "{table}" LIMIT {_MOST_ROWS}').fetchall()
            digest.update(repr(sorted(map(repr, rows))).encode())
    return digest.hexdigest()


def _keep_template(made: Path) -> None:
    """Keeps a copy for the next store; where the cache cannot be written, the next one takes as long as this."""
    kept = template()
    copy = _beside(kept)
    with contextlib.suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        _clear_away(kept)
        try:
            shutil.copyfile(made, copy)
            sync(copy)
            copy.rename(kept)
        finally:
            _remove(copy)


def _beside(file: Path) -> Path:
    return file.with_name(f".{file.name}.{os.getpid()}.making")


def _clear_away(file: Path) -> None:
    """Removes what processes that died left of their making."""
    for left in file.parent.glob(f".{file.name}.*.making*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _LEFT_AFTER_SECONDS or not _lives(left):
                left.unlink()


def _lives(left: Path) -> bool:
    """Whether the process that a name is of still runs, here."""
    pid = left.name.partition(".making")[0].rpartition(".")[2]
    return pid.isdecimal() and Path("/proc", pid).exists()


def _remove(beside: Path) -> None:
    for path in (beside, beside.with_name(f"{beside.name}-journal")):
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Holds the lock of a folder, which needs no file of its own; waits for whoever holds it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network folders know no locks; the renaming is whole all the same
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
