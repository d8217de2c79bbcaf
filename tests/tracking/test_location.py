"""All spellings of one store's address are one store, and different stores stay two."""

import os
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url
from support.small_sweeps import small_table, write_spec

from sweeps.cli.main import main
from sweeps.errors import BusyError
from sweeps.tracking.location import sqlite_file, sqlite_uri, store_key
from sweeps.tracking.outbox import Outbox
from sweeps.tracking.outbox_places import outbox_path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a store in mlruns/ and a link to it."""
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "link").symlink_to("mlruns")
    monkeypatch.chdir(tmp_path)
    return tmp_path


SPELLINGS = [
    "sqlite:///mlruns/mlflow.db",
    "sqlite:///mlruns/mlflow.db?timeout=30",
    "sqlite:///./mlruns/../mlruns//mlflow.db",
    "sqlite:///link/mlflow.db",
    "sqlite+pysqlite:///mlruns/mlflow.db",
    "SQLite:///mlruns/mlflow.db",
    "sqlite:///file:mlruns/mlflow.db?uri=true",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_a_file_is_that_file(folder: Path, spelling: str) -> None:
    file = folder / "mlruns" / "mlflow.db"
    assert sqlite_file(spelling) == file
    assert store_key(spelling) == store_key(f"sqlite:///{file}")


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
@example("wh?t")
@example("p%41x")
@example("%")
@example("a b#c;d&e=f?uri=true")
def test_a_file_of_any_name_has_an_address_that_leads_to_it(name: str) -> None:
    file = Path("/", name, "mlflow.db").resolve()
    assert sqlite_file(sqlite_uri(file)) == file
    assert make_url(sqlite_uri(file)).database == str(file)


def test_a_sweep_in_a_folder_of_any_name_stays_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    name = "wh?t p%41x #ä[1]"
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / name)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    spec = write_spec(tmp_path / "spec.toml", small_table(trials=1))
    assert main(["run", str(spec), "--jobs", "1", "--quiet"]) == 0
    assert main(["show", "small"]) == 0
    assert main(["replay", "small", "0"]) == 0
    assert "***" not in "".join(capfd.readouterr())
    outside = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_relative_to(tmp_path / name)]
    assert outside == [spec]  # MLflow makes an empty folder that is called as the address is spelt
    assert (tmp_path / name / "mlruns" / "mlflow.db").is_file()


SERVERS = [
    [
        "http://localhost:5000",
        "http://127.0.0.1:5000",
        "http://127.0.0.2:5000/",
        "http://[::1]:5000",
        "http://user:password@LocalHost:5000//",
        "HTTP://localhost.:5000/?x=1#runs",
    ],
    ["http://example.org", "http://example.org:80/", "http://me:secret@EXAMPLE.org"],
    ["https://example.org", "https://example.org:443"],
    [
        "postgresql://localhost/mlflow",
        "postgresql+psycopg2://me:secret@127.0.0.1:5432/mlflow?connect_timeout=5",
        "postgresql:///mlflow?host=localhost&port=5432",
    ],
    ["mysql+pymysql://db/mlflow", "mysql://root@db:3306/mlflow"],
]


@pytest.mark.parametrize("spellings", SERVERS, ids=lambda spellings: spellings[0])
def test_every_spelling_of_a_server_is_that_server_without_its_password(spellings: list[str]) -> None:
    (key,) = {store_key(spelling) for spelling in spellings}
    assert "secret" not in key
    assert "password" not in key


def test_different_stores_stay_different(folder: Path) -> None:
    stores = ["http://localhost:5000", "http://localhost:5001", "https://localhost:5000", "http://example.org:5000"]
    stores += ["http://localhost:5000/a", "postgresql://localhost/a", "postgresql://localhost/b"]
    stores += ["sqlite:///mlruns/mlflow.db", "sqlite:///mlruns/other.db", "postgresql:///a?host=/run/a"]
    assert len({store_key(store) for store in stores}) == len(stores)


@pytest.mark.parametrize("odd", ["", "http://[::1", "http://host:port", "://", "sqlite://", "sqlite:///:memory:"])
def test_what_is_no_address_has_no_file_and_raises_nothing(odd: str) -> None:
    assert sqlite_file(odd) is None
    assert isinstance(store_key(odd), str)


@pytest.mark.parametrize(
    ("one", "other"),
    [("http://localhost:5000", "http://127.0.0.1:5000/"), ("sqlite:///m.db", "sqlite:///m.db?timeout=30")],
)
def test_second_driver_is_refused_at_once_however_it_spells_the_store_and_whatever_its_cache(
    folder: Path, monkeypatch: pytest.MonkeyPatch, one: str, other: str
) -> None:
    with closing(Outbox(outbox_path(one, "small"))):
        monkeypatch.setenv("SWEEPS_CACHE", str(folder / "another"))
        with pytest.raises(BusyError, match=rf"\(pid {os.getpid()} on .*, since "):
            Outbox(outbox_path(other, "small"))
