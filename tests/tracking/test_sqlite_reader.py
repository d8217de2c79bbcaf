"""A SQLite store read as a file gives what MLflow gives, and is read so only where its form is known."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.store.db import base_sql_model
from mlflow.store.tracking.dbmodels import models
from support.small_sweeps import small_spec, swept

from sweeps.cli.main import main
from sweeps.errors import StoreAwayError, TrackingError
from sweeps.results.sweep import Sweep, load
from sweeps.tracking import sqlite_reader
from sweeps.tracking.birth import _migrations
from sweeps.tracking.location import sqlite_file
from sweeps.tracking.readers import open_reader
from sweeps.tracking.records import PARTS, TABLES
from sweeps.tracking.sqlite_reader import MIGRATION, SqliteReader
from sweeps.tracking.store import Store


@pytest.fixture(scope="module")
def sweep(new_store: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """Six trainings, one of which overflows: its params, tags and metrics differ from the others'."""
    grid = {"eta": {"choices": [0.05, 3.0, 30.0]}, "lambda": {"choices": [0.1, 1e6]}, "batch_size": 10}
    spec = small_spec(name="grid", trials=6, sampler="grid", search=grid, plan__epochs=2)
    return swept(spec, new_store(tmp_path_factory.mktemp("grid")), jobs=1)


@pytest.fixture
def copy(sweep: Sweep, tmp_path: Path) -> Path:
    """The database, to be changed."""
    file = sqlite_file(sweep.uri)
    assert file is not None
    return Path(shutil.copy(file, tmp_path / "mlflow.db"))


def readers(uri: str) -> tuple[SqliteReader, Store]:
    reader = open_reader(uri)
    assert isinstance(reader, SqliteReader)
    return reader, Store(uri)


def test_the_form_that_is_known_is_that_of_the_mlflow_in_use() -> None:
    """Else every store is read through MLflow: right, but slow. Then read its migrations, and change MIGRATION."""
    assert _migrations().get_current_head() == MIGRATION
    assert {"runs", "tags", "params", "metrics", "latest_metrics"} <= set(base_sql_model.Base.metadata.tables)
    assert models.SqlLatestMetric.__tablename__ == "latest_metrics"


def test_sweeps_trials_and_histories_are_those_that_mlflow_reads(sweep: Sweep) -> None:
    file, store = readers(sweep.uri)
    assert file.names() == store.names() == ["grid"]
    by_file, by_store = file.sweep("grid"), store.sweep("grid")
    assert by_file is not None
    assert by_file == by_store
    trials = file.trials(by_file)
    assert trials == store.trials(by_file)
    assert len(trials) == 6
    for trial in trials:
        for metric in trial.metrics:
            assert file.history(trial.run_id, metric) == store.history(trial.run_id, metric), metric
    for folder in (PARTS, TABLES, "report", "nothing"):
        with file.artifacts(by_file.run_id, folder) as ours, store.artifacts(by_file.run_id, folder) as theirs:
            assert ours == theirs
    assert file.sweep("another") is None


def test_what_is_not_finite_and_what_was_deleted_are_read_as_mlflow_reads_them(copy: Path) -> None:
    uri = f"sqlite:///{copy}"
    file, store = readers(uri)
    recorded = store.sweep("grid")
    assert recorded is not None
    client, first, second = MlflowClient(uri), *file.trials(recorded)[:2]
    for value in (float("inf"), -float("inf"), float("nan"), 1e-320):
        client.log_metric(first.run_id, "odd", value, step=3)
        assert str(file.history(first.run_id, "odd")) == str(store.history(first.run_id, "odd"))
        assert str(file.trials(recorded)[0]) == str(store.trials(recorded)[0])
    client.delete_run(second.run_id)
    assert [trial.number for trial in file.trials(recorded)] == [trial.number for trial in store.trials(recorded)]
    client.delete_experiment(recorded.experiment_id)
    assert file.names() == store.names() == []
    said = []
    for reader in (file, store):
        with pytest.raises(TrackingError, match="restore it with") as raised:
            reader.sweep("grid")
        said.append(str(raised.value))
    assert said[0] == said[1]


def test_a_store_of_another_form_is_read_through_mlflow(copy: Path) -> None:
    uri = f"sqlite:///{copy}"
    for change in ("INSERT INTO alembic_version VALUES ('other')", "UPDATE experiments SET workspace = 'mine'"):
        with sqlite3.connect(copy) as database:
            assert SqliteReader(uri, copy).is_known()
            database.execute(change)
            database.commit()
            assert not SqliteReader(uri, copy).is_known()
            database.execute("DELETE FROM alembic_version WHERE version_num = 'other'")
            database.execute("UPDATE experiments SET workspace = 'default'")
        database.close()


def test_reading_changes_nothing_and_makes_nothing(copy: Path, tmp_path: Path) -> None:
    before, uri = copy.read_bytes(), f"sqlite:///{copy}"
    assert len(load("grid", uri).trials) == 6
    assert copy.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"mlflow.db"}


def test_a_finished_sweep_is_shown_without_mlflow(sweep: Sweep) -> None:
    script = (
        "import sys; from sweeps.cli.main import main\n"
        "assert main(sys.argv[1:]) == 0\n"
        "assert not {'mlflow', 'optuna', 'scipy.optimize', 'matplotlib'} & set(sys.modules)"
    )
    for command in (["show", "grid"], ["list"], ["compare", "grid", "0", "1"]):
        done = [sys.executable, "-c", script, *command, "--tracking-uri", sweep.uri]
        subprocess.run(done, check=True, capture_output=True, cwd=Path(__file__).parents[2])


def test_a_store_that_is_locked_is_said_to_be(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    locked = sqlite3.connect(copy, isolation_level=None)
    locked.execute("BEGIN EXCLUSIVE")
    assert main(["show", "grid", "--tracking-uri", f"sqlite:///{copy}"]) == 1
    assert "locked" in capsys.readouterr().err
    locked.close()


def test_a_locked_file_may_answer_later_and_a_damaged_one_will_not(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver waits for the first, and refuses the second at once."""
    monkeypatch.setattr(sqlite_reader, "_LOCK_SECONDS", 0.1)
    reader = SqliteReader(f"sqlite:///{copy}", copy)
    with closing(sqlite3.connect(copy, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreAwayError):
            reader.experiments()
    copy.write_bytes(bytes(1000) + copy.read_bytes()[1000:])
    with pytest.raises(TrackingError) as damaged:
        reader.experiments()
    assert not isinstance(damaged.value, StoreAwayError)
