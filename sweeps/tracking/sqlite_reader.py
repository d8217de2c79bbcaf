"""A SQLite store read as a database, without MLflow, whose import alone takes seconds.

Its tables are MLflow's own affair, so only a store whose last migration is the one that was read when this was written
is read here, and nothing is ever written into it; every other store is read through MLflow.
"""

import contextlib
import math
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from sweeps.errors import StoreAwayError, TrackingError
from sweeps.tracking.location import sqlite_file
from sweeps.tracking.shown_uri import shown_uri
from sweeps.tracking.sweep_reader import FoundExperiment, SweepReader

MIGRATION = "dc11669786a5"  # the last one of MLflow 3.17

_LOCK_SECONDS = 5.0  # that another process may hold the file
_HERE = "the artifacts of a SQLite file's runs lie on this machine"
_BATCH = 500  # runs asked for at a time: SQLite takes so many variables in one statement, everywhere


@dataclass(frozen=True)
class RunInfo:
    """What MLflow calls a run's info."""

    run_id: str
    run_name: str
    status: str
    start_time: int
    end_time: int | None


@dataclass(frozen=True)
class RunData:
    """What MLflow calls a run's data: metrics by their last value."""

    tags: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """A run of the store."""

    info: RunInfo
    data: RunData


class SqliteReader(SweepReader):
    """The sweeps of a SQLite file; none where there is no such file yet. Raises TrackingError."""

    file: Path

    def __init__(self, uri: str, file: Path) -> None:
        self.uri, self.file = uri, file
        self._read_only = f"file:{quote(str(file))}?mode=ro"

    def is_known(self) -> bool:
        """Whether the file is a whole store of the one form that is known here, with one workspace."""
        try:
            with self._database() as database:
                mark = database.execute("SELECT version_num FROM alembic_version").fetchall()
                places = database.execute("SELECT DISTINCT workspace FROM experiments").fetchall()
        except TrackingError:
            return False
        return mark == [(MIGRATION,)] and places in ([("default",)], [])

    def experiments(self) -> list[FoundExperiment]:
        if not self.file.exists():
            return []
        query = "SELECT experiment_id, name FROM experiments WHERE lifecycle_stage = 'active'"
        with self._database() as database:
            found = database.execute(f"{query} ORDER BY creation_time, experiment_id").fetchall()
        return [FoundExperiment(str(number), name) for number, name in found]

    def find_experiment(self, name: str) -> FoundExperiment | None:
        if not self.file.exists():
            return None
        query = "SELECT experiment_id, lifecycle_stage FROM experiments WHERE name = ?"
        with self._database() as database:
            found = database.execute(query, (name,)).fetchone()
        return None if found is None else FoundExperiment(str(found[0]), name, is_deleted=found[1] != "active")

    def runs_of_kind(self, experiment_id: str, kind: str) -> list[Run]:
        query = (
            "SELECT run_uuid, name, status, start_time, end_time FROM runs JOIN tags USING (run_uuid) "
            "WHERE experiment_id = ? AND lifecycle_stage = 'active' AND key = 'kind' AND value = ?"
        )
        with self._database() as database:
            rows = database.execute(query, (int(experiment_id), kind)).fetchall()
            runs = {row[0]: Run(RunInfo(*row), RunData()) for row in rows}
            for at in range(0, len(rows), _BATCH):
                _fill(database, runs, [row[0] for row in rows[at : at + _BATCH]])
        return list(runs.values())

    def history(self, run_id: str, metric: str) -> dict[int, float]:
        query = "SELECT step, value, is_nan FROM metrics WHERE run_uuid = ? AND key = ? ORDER BY timestamp, step, value"
        with self._database() as database:
            rows = database.execute(query, (run_id, metric)).fetchall()
        return {step: math.nan if is_nan else value for step, value, is_nan in rows}

    def artifact_uri(self, run_id: str) -> str:
        with self._database() as database:
            found = database.execute("SELECT artifact_uri FROM runs WHERE run_uuid = ?", (run_id,)).fetchone()
        if found is None:
            raise TrackingError(f"{shown_uri(self.uri)} has no run {run_id} any more; somebody removed it just now")
        return str(found[0])

    @contextlib.contextmanager
    def served_files(self, run_id: str, folder: str) -> Iterator[list[Path]]:
        raise AssertionError(_HERE)
        yield []

    def served_names(self, run_id: str, folder: str) -> list[str]:
        raise AssertionError(_HERE)

    def send_files(self, run_id: str, folder: str, files: Mapping[str, bytes]) -> None:
        raise AssertionError(_HERE)

    @contextlib.contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(sqlite3.connect(self._read_only, uri=True, timeout=_LOCK_SECONDS)) as database:
                yield database
        except sqlite3.Error as error:
            said = f"the tracking store {shown_uri(self.uri)} cannot be read: {error}"
            if isinstance(error, sqlite3.OperationalError):  # locked, or the disk does not answer: not for ever
                raise StoreAwayError(said, str(error)) from error
            raise TrackingError(said) from error


def known_sqlite(uri: str) -> SqliteReader | None:
    """A reader of the SQLite file of a URI; None for another store, or one whose form is not known here."""
    file = sqlite_file(uri)
    if file is None:
        return None
    reader = SqliteReader(uri, file)
    return reader if not file.exists() or reader.is_known() else None


def _fill(database: sqlite3.Connection, runs: dict[str, Run], ids: list[str]) -> None:
    """Puts into these runs what is recorded of each."""
    among = f"WHERE run_uuid IN ({', '.join('?' * len(ids))})"
    for run_id, key, value in database.execute(f"SELECT run_uuid, key, value FROM tags {among}", ids):
        runs[run_id].data.tags[key] = value
    for run_id, key, value in database.execute(f"SELECT run_uuid, key, value FROM params {among}", ids):
        runs[run_id].data.params[key] = value
    for run_id, key, value, is_nan in database.execute(
        f"SELECT run_uuid, key, value, is_nan FROM latest_metrics {among}", ids
    ):
        runs[run_id].data.metrics[key] = math.nan if is_nan else value
