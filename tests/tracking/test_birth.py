"""A SQLite store is at its place whole or not at all, whenever whoever makes it is killed."""

import random
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient
from support.births import forks, make_store

from sweeps.errors import TrackingError
from sweeps.tracking.birth import _from_template, is_new, template
from sweeps.tracking.store import Store

NewStore = Callable[[Path], str]


def kill_within_the_making(folder: Path, moments: int, seed: int, fresh: bool) -> int:
    """Makes stores and kills the maker at random moments; returns how many stood by then. fresh: without a template."""
    rng, context = random.Random(seed), forks()
    cache, sound = folder / "cache", folder / "sound"
    took = 0.0
    for warm in ("first", "second"):  # the first starts the server of forks
        if fresh and cache.exists():
            shutil.move(cache, sound)
        started = time.monotonic()
        process = context.Process(target=make_store, args=(f"sqlite:///{folder / warm}.db", str(cache)))
        process.start()
        process.join()
        assert process.exitcode == 0
        took = time.monotonic() - started
    if not sound.exists():
        shutil.copytree(cache, sound)
    stood = 0
    for moment in range(moments):
        if fresh and cache.exists():
            shutil.rmtree(cache)
        file = folder / str(moment) / "mlruns" / "mlflow.db"
        process = context.Process(target=make_store, args=(f"sqlite:///{file}", str(cache)))
        process.start()
        process.join(rng.uniform(0, took))
        process.kill()
        process.join()
        stood += file.exists()
        again = context.Process(target=make_store, args=(f"sqlite:///{file}", str(sound)))
        again.start()
        again.join()
        assert again.exitcode == 0
        assert [path.name for path in file.parent.iterdir()] == ["mlflow.db"]
    return stood


def test_store_opens_after_its_maker_was_killed_at_any_moment(tmp_path: Path) -> None:
    assert kill_within_the_making(tmp_path, 8, seed=1, fresh=False) < 8
    assert Store(f"sqlite:///{tmp_path}/0/mlruns/mlflow.db").names() == []


def test_store_opens_after_its_maker_was_killed_while_it_migrated(tmp_path: Path) -> None:
    kill_within_the_making(tmp_path, 3, seed=2, fresh=True)
    assert Store(f"sqlite:///{tmp_path}/0/mlruns/mlflow.db").names() == []


@pytest.mark.soak
def test_store_opens_after_its_maker_was_killed_at_a_hundred_moments(tmp_path: Path) -> None:
    assert kill_within_the_making(tmp_path, 100, seed=3, fresh=True) < 100


def half_made(whole: Path, place: Path, stage: str) -> Path:
    """What MLflow leaves of a database that it was making at its place."""
    if stage == "empty":
        place.touch()
        return place
    shutil.copy(whole, place)
    with closing(sqlite3.connect(place)) as database:
        if stage == "no mark":
            database.execute("DROP TABLE alembic_version")
        else:
            database.execute("UPDATE alembic_version SET version_num = '451aebb31d03'")
            database.execute("DROP TABLE model_versions")
            database.execute("DROP TABLE trace_info")
        database.commit()
    return place


@pytest.mark.parametrize("stage", ["empty", "no mark", "early mark"])
def test_half_made_store_is_kept_aside_and_made_anew(new_store: NewStore, tmp_path: Path, stage: str) -> None:
    new_store(tmp_path)
    place = half_made(tmp_path / "mlflow.db", tmp_path / "other.db", stage)
    store = Store(f"sqlite:///{place}")
    store.client.create_experiment("works")
    assert (tmp_path / "other.db.half-made").exists()


def test_store_with_runs_is_never_replaced(new_store: NewStore, tmp_path: Path) -> None:
    client = MlflowClient(new_store(tmp_path))
    client.create_run(client.create_experiment("mine"))
    place = half_made(tmp_path / "mlflow.db", tmp_path / "other.db", "no mark")
    before = place.read_bytes()
    with pytest.raises(TrackingError, match=r"holds runs.*mlflow db upgrade"):
        Store(f"sqlite:///{place}")
    assert place.read_bytes() == before
    assert not list(tmp_path.glob("*.half-made"))


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be read as one" * 40, b"x"])
def test_file_that_is_no_database_is_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "mlflow.db"
    place.write_bytes(content)
    with pytest.raises(TrackingError, match="is no SQLite database") as refused:
        Store(f"sqlite:///{place}")
    assert "\n" not in str(refused.value)
    assert place.read_bytes() == content


def test_database_of_something_else_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        database.execute("CREATE TABLE shopping (thing TEXT)")
        database.commit()
    with pytest.raises(TrackingError, match="tables of something else"):
        Store(f"sqlite:///{tmp_path}/mlflow.db")


def test_store_of_a_newer_mlflow_is_refused(new_store: NewStore, tmp_path: Path) -> None:
    uri = new_store(tmp_path)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        database.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
        database.commit()
    with pytest.raises(TrackingError, match="newer MLflow"):
        Store(uri)


@pytest.mark.parametrize(
    "damage", ["none", "cut", *(pytest.param(one, marks=pytest.mark.soak) for one in ("empty", "text"))]
)
def test_store_made_from_a_template_is_like_any_other(
    tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEEPS_CACHE", str(tmp_path / "cache"))
    Store(f"sqlite:///{tmp_path}/first/mlflow.db")
    kept = template()
    sound = kept.read_bytes()
    kept.write_bytes({"none": sound, "empty": b"", "cut": sound[:50_000], "text": b"text" * 5000}[damage])
    store = Store(f"sqlite:///{tmp_path}/second/mlflow.db")
    default = store.client.get_experiment("0")
    assert default.artifact_location.endswith(f"{tmp_path}/second/artifacts/0")
    assert kept.stat().st_size == len(sound)
    schemas = []
    for folder in ("first", "second"):
        with closing(sqlite3.connect(tmp_path / folder / "mlflow.db")) as database:
            schemas.append(sorted(database.execute("SELECT type, name FROM sqlite_master").fetchall()))
    assert schemas[0] == schemas[1]


def test_what_mlflow_puts_into_a_new_store_is_what_is_known_of_it(new_store: NewStore, tmp_path: Path) -> None:
    """Fails with an MLflow of another form: then its digest belongs into `birth`, or no template is used."""
    new_store(tmp_path)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        assert is_new(database)


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TRIGGER doubled AFTER INSERT ON metrics BEGIN UPDATE metrics SET value = 2 * value; END",
        "CREATE VIEW seen AS SELECT * FROM metrics",
        "CREATE TABLE more (x)",
        "CREATE INDEX odd ON metrics (value)",
        "DROP TRIGGER prevent_secrets_aad_mutation",
        "ALTER TABLE runs ADD COLUMN odd TEXT",
        "INSERT INTO experiments (experiment_id, name, workspace) VALUES (1, 'theirs', 'default')",
        "UPDATE experiments SET name = 'theirs'",
        "INSERT INTO registered_models (name, workspace) VALUES ('theirs', 'default')",
    ],
)
def test_a_template_that_somebody_changed_is_not_used(
    change: str, new_store: NewStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEEPS_CACHE", str(tmp_path / "cache"))
    template().parent.mkdir(parents=True)
    new_store(tmp_path)
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        database.execute(change)
        database.commit()
        assert not is_new(database)
    shutil.copy(tmp_path / "mlflow.db", template())
    assert not _from_template(tmp_path / "other.db", tmp_path)


def test_what_a_database_raises_is_raised_and_not_logged(uri: str, capfd: pytest.CaptureFixture[str]) -> None:
    store = Store(uri)
    with closing(sqlite3.connect(uri.removeprefix("sqlite:///"))) as database:
        database.execute("ALTER TABLE experiments RENAME TO elsewhere")
    with pytest.raises(TrackingError, match="no such table"):
        store.names()
    assert "Traceback" not in capfd.readouterr().err
