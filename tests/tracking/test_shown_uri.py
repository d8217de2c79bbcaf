"""A secret in a tracking URI reaches nothing that is printed or stored: no message, run, page, artifact, argument."""

import argparse
import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import OperationalError
from support.mlflow_servers import Server
from support.small_sweeps import small_table, write_spec

from sweeps.cli import serving
from sweeps.cli.main import main
from sweeps.errors import TrackingError
from sweeps.results.sweep import Sweep
from sweeps.tracking.mlflow_pages import links
from sweeps.tracking.retrying import Patience, tracking_errors
from sweeps.tracking.shown_uri import has_secrets, public_address, shown_uri, without_secrets

SECRETS = [
    "hunter2",
    "s3cret-Word",
    "with space",
    "Ünïcode",
    "slash/word",
    "at@sign",
    "question?mark",
    "hash#mark",
    "semi;colon",
    "colon:word",
    "per%cent",
    "plus+word",
    "amper&sand",
    "quote'word",
    'double"word',
    "back\\slash",
    "<angle>",
    "dollar$word",
    "[bracket]",
    "a" * 300,
    "xy",
]
SIGNED_IN = [
    "http://bob:{}@127.0.0.1:5000",
    "https://bob:{}@host.example/mlflow/",
    "http://:{}@host",
    "postgresql://bob:{}@host:5432/mlflow",
    "postgresql+psycopg2://bob:{}@host/mlflow?sslmode=require",
    "mysql+pymysql://bob:{}@host/mlflow",
    "mssql+pyodbc://bob:{}@host/mlflow?driver=ODBC",
    "foo://bob:{}@host",
    "http:/bob:{}@host",
    "bob:{}@host",
]
TOKENS = ["http://{}@host:5000", "https://{}@host/mlflow"]
IN_QUERIES = [
    "postgresql://host/mlflow?password={}",
    "postgresql://bob@host/mlflow?sslmode=require&password={}",
    "postgresql:///mlflow?user=bob&password={}&timeout=3",
    "mysql://host/mlflow?passwd={}",
    "http://host/?token={}",
    "http://host/#token={}",
    "mssql+pyodbc:///?odbc_connect={}",
    "sqlite+pysqlcipher:///mlflow.db?key={}",
]
FORMS = SIGNED_IN + TOKENS + IN_QUERIES


def spellings(secret: str) -> dict[str, str]:
    """As a person types it, and as an address must have it."""
    return {"plain": secret, "quoted": quote(secret, safe=""), "as a form": quote_plus(secret)}


def cases() -> Iterator[object]:
    for form in FORMS:
        for secret in SECRETS:
            if form in IN_QUERIES and set("&#?;@") & set(secret):
                continue  # in a query they end the value, and must be quoted
            for kind, spelling in spellings(secret).items():
                if kind == "plain" or spelling != secret:
                    yield pytest.param(form.format(spelling), secret, spelling, id=f"{form}-{secret[:12]}-{kind}")


CASES = list(cases())


@pytest.mark.parametrize(("uri", "secret", "spelling"), CASES)
def test_no_spelling_of_a_secret_is_shown(uri: str, secret: str, spelling: str) -> None:
    shown = shown_uri(uri)
    assert has_secrets(uri)
    assert shown_uri(shown) == shown
    said = [
        shown,
        without_secrets(f"API request to {uri}/api/2.0 failed", uri),
        without_secrets(f"could not connect with {secret} or {spelling} ({secret!r})", uri),
        without_secrets(f"Authorization: Basic {base64.b64encode(f'bob:{secret}'.encode()).decode()}", uri),
    ]
    if secret == "xy":  # it is hidden where it stands alone
        said = [text.replace("proxy", "") for text in said]
    for text in said[:3]:
        assert secret not in text
        assert spelling not in text
    if "bob:" in uri:
        assert base64.b64encode(f"bob:{secret}".encode()).decode() not in said[3]


@pytest.mark.parametrize(("uri", "secret", "spelling"), CASES[::7])
@pytest.mark.parametrize("raised", ["MLflow's", "SQLAlchemy's", "the system's"])
def test_no_error_of_a_store_holds_a_secret(uri: str, secret: str, spelling: str, raised: str) -> None:
    text = f"cannot reach {uri} as {secret}"
    errors: Mapping[str, Exception] = {
        "MLflow's": MlflowException(text),
        "SQLAlchemy's": OperationalError(f"connect {spelling}", {"password": secret}, Exception(text)),
        "the system's": OSError(text),
    }
    with pytest.raises(TrackingError) as caught, tracking_errors(uri):
        raise errors[raised]
    said: list[str] = []
    patience = Patience(uri, said.append)
    patience.give_up.set()

    def refuse(attempt: int) -> None:
        raise errors[raised]

    with pytest.raises(TrackingError) as given_up:
        patience.do(refuse)
    for told in (str(caught.value), str(given_up.value), *said):
        assert secret not in told
        assert spelling not in told
        assert "\n" not in told
    assert caught.value.__cause__ is None, "a traceback would show it"


@pytest.mark.parametrize(
    "uri",
    [
        "sqlite:////home/me@work/mlflow.db",
        "sqlite:////tmp/a;b#c/mlflow.db?timeout=30",
        "sqlite:///mlruns/mlflow.db",
        "http://127.0.0.1:5000",
        "https://host.example/mlflow/",
        "postgresql://host/mlflow?sslmode=require",
        "mlruns",
        "./me@work",
        "databricks",
    ],
)
def test_an_address_without_a_secret_is_shown_as_it_is(uri: str) -> None:
    assert shown_uri(uri) == uri
    assert not has_secrets(uri)
    assert without_secrets(f"no answer from {uri} at all", uri) == f"no answer from {uri} at all"


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("http://bob:pw@host:5000/", "http://host:5000"),
        ("https://token@host/mlflow/?x=1", "https://host/mlflow"),
        ("http://host/#frag", "http://host"),
    ],
)
def test_a_link_for_the_browser_signs_nobody_in(uri: str, address: str) -> None:
    assert public_address(uri) == address
    assert links.server_of(uri) == address


def test_the_server_behind_the_ui_learns_the_address_by_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    uri = "postgresql://bob:hunter2@host/mlflow?password=hunter3"
    started: list[tuple[list[str], Mapping[str, str]]] = []

    def serve(server: list[str], environment: Mapping[str, str]) -> int:
        started.append((server, environment))
        return 0

    monkeypatch.setattr(serving, "_serve", serve)
    monkeypatch.setattr(serving, "check_address", lambda uri: None)
    given = argparse.Namespace(tracking_uri=uri, host="127.0.0.1", port=5000, app_name=None, allowed_hosts=None)
    assert serving.ui(given) == 0
    ((server, environment),) = started
    assert environment["MLFLOW_BACKEND_STORE_URI"] == uri
    assert not any("hunter" in word for word in server)


def test_a_password_on_the_command_line_is_remarked_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--tracking-uri", "http://bob:hunter2@127.0.0.1:1"]) == 2
    err = capsys.readouterr().err
    assert "everybody on this machine can read a password in --tracking-uri" in err
    assert "hunter2" not in err


@pytest.mark.timeout(900)
def test_a_sweep_on_a_server_that_asks_for_a_password_leaves_it_nowhere(
    uri: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard output and error, the database, artifacts, and the cache folder with its copy of the page."""
    monkeypatch.setenv("SWEEPS_CACHE", str(tmp_path / "cache"))
    server = Server(tmp_path, uri)
    server.start()
    signed_in = server.uri.replace("http://", "http://bob:hunter2@")
    spec = write_spec(tmp_path / "spec.toml", small_table(trials=2))
    at = ["--tracking-uri", signed_in]
    try:
        assert main(["run", str(spec), "--jobs", "1", *at]) == 0
        for command in (["list"], ["show", "small"], ["report", "small"], ["compare", "small", "0", "1"]):
            assert main([*command, *at]) == 0
        assert main(["show", "nobody", *at]) == 2
        assert main(["beside", "small:0", "--out", str(tmp_path / "beside.html"), *at]) == 0
        assert main(["export", "small", str(tmp_path / "tables"), *at]) == 0
        monkeypatch.setenv("MLFLOW_TRACKING_URI", signed_in)
        assert main(["run", str(spec), "--jobs", "1"]) == 0
    finally:
        server.stop()
    printed = "".join(capfd.readouterr())
    assert "What next, with the store's address in MLFLOW_TRACKING_URI" in printed
    assert f"open {server.uri}/#/experiments/" in printed
    assert "hunter2" not in printed
    page = (tmp_path / "cache" / "reports" / "small.html").read_text(encoding="utf-8")
    assert "http://***@127.0.0.1" in page
    held = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "server.log"]
    assert len(held) > 10
    assert [str(path) for path in held if b"hunter2" in path.read_bytes()] == []


def test_a_report_made_anew_loses_the_secret_of_an_earlier_one(
    digits_sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sweeps.views.report import page_data

    monkeypatch.setattr(Sweep, "uri", property(lambda sweep: "postgresql://bob:hunter2@host/mlflow"))
    page = json.dumps(page_data.build(digits_sweep, None))
    assert "hunter2" not in page
    assert "postgresql://***@host/mlflow" in page


@pytest.mark.parametrize("uri", ["hunter2@host:5000", "hunter2@host", "hunter2@host:5000/x", "ab/hunter2@host:5000"])
def test_a_token_is_hidden_where_no_scheme_stands_before_it(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--tracking-uri", uri]) == 2
    assert "hunter2" not in capsys.readouterr().err
    assert shown_uri("mlruns/me@work/mlflow.db") == "mlruns/me@work/mlflow.db"
