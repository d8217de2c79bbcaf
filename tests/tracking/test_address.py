"""A wrong store address is one sentence within ten seconds, with exit code 2; a store that fails is one with 1."""

import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from support.small_sweeps import small_table, write_spec

from sweeps.cli.main import main
from sweeps.errors import AddressError, TrackingError
from sweeps.results.sweep import Sweep
from sweeps.tracking import address
from sweeps.tracking.address import check_address, check_spelling
from sweeps.tracking.store import Store

IN_TIME = 10.0
READING = {
    "list": ["list"],
    "show": ["show", "small"],
    "compare": ["compare", "small", "0", "1"],
    "report": ["report", "small"],
    "export": ["export", "small", "tables"],
    "replay": ["replay", "small", "0"],
}
WRONG = [
    *("foo://host/store", "ftp://host", "s3://bucket", "redis://host", "gopher://x", "javascript:alert(1)", "data:,x"),
    *("http://", "https://", "http:///path", "http://:5000", "http://host:port", "http://host:99999", "http://host:-1"),
    *("http://host:0", "http://[::1", "http://a b", "http://ho\nst", "http://host\x00", "http://h\x1b[31mred"),
    *("http://nosuch.invalid", "http://nosuch.invalid:5000/x", "https://nosuch.invalid", "http://127.0.0.1:1"),
    *("https://127.0.0.1:1", "http://bob:pw@127.0.0.1:1", "http://localhost:1/mlflow", "http://127.0.0.1:1/?a=b"),
    *("postgresql://host", "postgresql://host:abc/x", "postgresql://", "postgresql:", "postgresql+foo://host/x"),
    *("mysql://host/x", "mysql+nothing://host/x", "mssql://host/x", "mssql+pyodbc://host/x", "postgresql+pg8000://h/d"),
    *("sqlite:", "sqlite:/", "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite://host/x", "sqlite:///?x=1"),
    *("sqlite:////etc/passwd", "sqlite:////etc/passwd/x.db", "sqlite:////etc", "sqlite:////dev/null", "sqlite:////"),
    *("sqlite:////dev/zero", "sqlite:////proc/nowhere/x.db", "sqlite:////proc/self/mem", "sqlite:////dev/full"),
    *("sqlite:///" + "a" * 5000, "sqlite:////" + "/".join(["b" * 300] * 3), "sqlite:///a\x00b", "sqlite:///a\nb.db"),
    *("mlruns", "./mlruns", "/tmp/mlruns", "file:///tmp/mlruns", "file:mlruns", "C:\\mlruns", "~/mlruns", " ", "{}"),
    *("${HOME}", "$(id)", "`id`", "' or 1=1 --", "<script>", "-", "\x1b[2J", "http", ":", "://", "a:b:c", "💥"),
]


HALF_RIGHT = [  # what SQLAlchemy, a driver or the system's resolver would find wrong once everything is trained
    *("sqlite:////tmp/x/m.db?timeout=abc", "sqlite:///m.db?check_same_thread=maybe", "sqlite:///m.db?detect_types=a"),
    *("sqlite:///m.db?cached_statements=" + "9" * 30,),
    *(
        "sqlite:///file:m?mode=memory&cache=shared&uri=true",
        "sqlite:///file:m?mode=ro&uri=true",
        "sqlite:///m?uri=maybe",
    ),
    *("sqlite:///file::memory:?uri=true", "sqlite:///file:m?uri=true&immutable=1", "sqlite:///file:m?vfs=no&uri=true"),
    *("sqlite:///file:/dev/zero?uri=true", "sqlite:///file:m?nolock=1&uri=true", "sqlite+aiosqlite:///m.db"),
    *(
        "sqlite+pysqlcipher:///m.db",
        "sqlite+pysqlcipher://:pw@/m.db",
        "sqlite+foo:///m.db",
        "postgresql+psycopg2://127.0.0.1:1/x?nonsense=1",
        "uc:x",
        "databricks-uc://x",
    ),
    *("http://a..b:5", "http://" + "a" * 300, "http://" + "a" * 64 + ".de:5", "http://.:5", "https://a..b/x"),
    *("databricks://prof", "databricks", "databricks://", "databricks:", "databricks://a:b:c", "tok@host:5000"),
]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name in ("DATABRICKS_HOST", "DATABRICKS_CONFIG_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "databrickscfg"))


@pytest.fixture
def listener() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """Starts a server that does with each connection what it is told; returns its address."""
    opened: list[socket.socket] = []

    def start(answer: Callable[[socket.socket], None]) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        opened.append(server)

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    answer(connection)

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    yield start
    for server in opened:
        server.close()


def said_by(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and the one sentence, after checking that nothing else was printed, and in time."""
    started = time.monotonic()
    code = main(arguments)
    assert time.monotonic() - started < IN_TIME
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    lines = [line for line in err.splitlines() if "everybody on this machine" not in line]
    assert len(lines) == 1, err
    assert lines[0].startswith("sweeps: ")
    assert len(lines[0]) < 600
    assert lines[0].isprintable()
    return code, lines[0]


@pytest.mark.parametrize("command", READING)
@pytest.mark.parametrize("uri", WRONG)
def test_a_wrong_address_is_refused_by_every_command_that_reads(
    uri: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = said_by([*READING[command], f"--tracking-uri={uri}"], capsys)
    assert code == 2
    assert "tracking URI " in said
    assert said.count("; ") >= 1, "the remedy"


@pytest.mark.parametrize("uri", WRONG)
def test_a_wrong_address_in_the_environment_is_the_same(
    uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if "\x00" in uri:
        return  # no environment can hold it
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert said_by(["list"], capsys)[0] == 2
    with pytest.raises(AddressError):
        Store()


@pytest.mark.parametrize("uri", [uri for uri in WRONG if "127.0.0.1:1" not in uri and "invalid" not in uri][::3])
def test_run_refuses_a_wrong_address_before_it_trains(
    uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if uri.startswith("http://localhost:1"):
        return  # right in itself; its silence is met later
    spec = write_spec(tmp_path / "spec.toml", small_table(trials=1))
    assert said_by(["run", str(spec), f"--tracking-uri={uri}"], capsys)[0] == 2


@pytest.mark.parametrize(
    "content", [b"hello", b"SQLite format 2\0" * 9, b"\0" * 4096, b"SQLite format 3\0" + b"x" * 4096]
)
def test_a_file_that_is_no_database_is_named_and_left_as_it_is(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mlflow.db"
    file.write_bytes(content)
    code, said = said_by(["list", "--tracking-uri", f"sqlite:///{file}"], capsys)
    assert (code, str(file) in said) == (2, True)
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    "what", ["a folder", "a pipe", "a socket", "a broken link", "a link in a circle", "below a file"]
)
def test_what_is_no_file_is_named(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mlflow.db"
    match what:
        case "a folder":
            file.mkdir()
        case "a pipe":
            os.mkfifo(file)
        case "a socket":
            with socket.socket(socket.AF_UNIX) as bound:
                bound.bind(str(file))
        case "a broken link":
            file.symlink_to("/proc/nowhere/mlflow.db")
        case "a link in a circle":
            file.symlink_to(file)
        case "below a file":
            file.write_text("")
            file = file / "mlflow.db"
    code, said = said_by(["list", "--tracking-uri", f"sqlite:///{file}"], capsys)
    assert code == 2, said


def test_a_locked_database_is_said_to_be(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(uri.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        code, said = said_by(["list", "--tracking-uri", uri], capsys)
    assert code == 1
    assert "is locked by another process" in said


@pytest.mark.parametrize("command", READING)
def test_a_server_that_is_silent_is_waited_for_in_measure(
    command: str,
    listener: Callable[[Callable[[socket.socket], None]], str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(address, "SECONDS", 0.5)
    uri = listener(lambda connection: time.sleep(3))
    code, said = said_by([*READING[command], "--tracking-uri", uri], capsys)
    assert code == 1
    assert "does not answer within 0.5 s" in said


def test_a_server_that_is_silent_is_waited_for_less_than_ten_seconds() -> None:
    assert address.SECONDS + 1 < IN_TIME
    assert address._LOCK_SECONDS + 1 < IN_TIME


def test_a_server_that_answers_drop_by_drop_is_not_waited_for(
    listener: Callable[[Callable[[socket.socket], None]], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address, "SECONDS", 1.0)

    def drip(connection: socket.socket) -> None:
        for letter in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100:
            connection.sendall(bytes([letter]))
            time.sleep(0.1)

    started = time.monotonic()
    with pytest.raises(TrackingError, match="does not answer within"):
        check_address(listener(drip))
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("answer", [b"", b"\0\0\0", b"220 mail ready\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000])
def test_a_server_that_speaks_otherwise_is_one_sentence(
    answer: bytes, listener: Callable[[Callable[[socket.socket], None]], str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, _ = said_by(["list", "--tracking-uri", listener(lambda connection: connection.sendall(answer))], capsys)
    assert code == 1


def test_a_workspace_of_databricks_that_somebody_signed_in_to_is_left_to_mlflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listener: Callable[[Callable[[socket.socket], None]], str]
) -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 404 no\r\nContent-Length: 0\r\n\r\n")

    hosts = f"[prof]\nhost = {listener(answer)}\n[silent]\nhost = http://127.0.0.1:1\n"
    (tmp_path / "databrickscfg").write_text(hosts)
    check_address("databricks://prof")
    with pytest.raises(AddressError, match="nothing listens there"):
        check_address("databricks://silent")
    with pytest.raises(AddressError, match="nobody signed in"):
        check_address("databricks://other")
    monkeypatch.setenv("DATABRICKS_HOST", "https://host.example")
    check_spelling("databricks://")


@pytest.mark.parametrize("uri", HALF_RIGHT)
def test_what_would_be_found_wrong_later_is_refused_at_once(
    uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = write_spec(tmp_path / "spec.toml", small_table(trials=1))
    for command in (["list"], ["run", str(spec)]):
        code, said = said_by([*command, f"--tracking-uri={uri}"], capsys)
        assert code == 2
        assert "tracking URI " in said
        assert "tok@" not in said
    assert {path.name for path in tmp_path.iterdir()} == {"spec.toml"}


def test_what_is_raised_while_a_store_is_asked_is_raised_where_it_is_waited_for() -> None:
    def fails() -> None:
        raise LookupError("unforeseen")

    with pytest.raises(LookupError, match="unforeseen"):
        address._within(fails, "http://host")


@pytest.mark.parametrize(
    "query", ["timeout=30", "timeout=30&check_same_thread=false", "cached_statements=5", "isolation_level=DEFERRED"]
)
def test_parameters_that_sqlalchemy_knows_pass(query: str, tmp_path: Path) -> None:
    check_spelling(f"sqlite:///{tmp_path}/m.db?{query}")
    check_spelling(f"sqlite+pysqlite:///file:{tmp_path}/m.db?{query}&uri=true&mode=rwc&cache=private")


def test_a_store_in_a_full_folder_is_one_sentence(tmp_path: Path) -> None:
    """A limit on the size of files stands in for a disk that is full."""
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "from sweeps.errors import TrackingError; from sweeps.tracking.store import Store\n"
        "try: Store(sys.argv[1])\n"
        "except TrackingError as error: sys.exit(str(error))"
    )
    ended = subprocess.run(
        [sys.executable, "-B", "-c", program, f"sqlite:///{tmp_path}/mlflow.db"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "does not answer as it should" in ended.stderr


def test_a_sound_store_passes(digits_sweep: Sweep, digits_store: str) -> None:
    check_address(digits_store)
    assert Store(digits_store).names() == [digits_sweep.name]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ('could not translate host name "db" to address: Name or service not known', "its host is not known"),
        ("connection to server at 127.0.0.1, port 1 failed: Connection refused", "nothing listens there"),
        ("[Errno 113] No route to host", "nothing listens there"),
        ("HTTPConnectionPool: NameResolutionError: Failed to resolve 'db'", "its host is not known"),
    ],
)
def test_what_a_driver_says_becomes_what_to_do(told: str, said: str) -> None:
    error = address._told("postgresql://bob:hunter2@db/mlflow", OSError(told))
    assert isinstance(error, AddressError)
    assert said in str(error)
    assert "hunter2" not in str(error)


def test_other_troubles_of_a_database_are_its_own() -> None:
    error = address._told("postgresql://bob:hunter2@db/x", OSError("FATAL: hunter2 is starting up\nmore"))
    assert not isinstance(error, AddressError)
    assert str(error).endswith("FATAL: *** is starting up")
