"""The UI is served to this machine alone, or guarded; on a free port; and what cannot be served is a failure."""

import argparse
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sweeps.cli import serving
from sweeps.cli.main import main

GUARDED = ["--app-name", "basic-auth", "--allowed-hosts", "sweeps.example"]
ELSEWHERE = ["0.0.0.0", "::", "192.168.1.7", "10.0.0.1", "example.org", "8.8.8.8", "127.0.0.1.example.org", "fe80::1"]
ELSEWHERE += ["localhost.example.org", "0", "127.1.example", "2130706433", "::ffff:10.0.0.1", "", "host name", "-h0"]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], Mapping[str, str]]]:
    """What would be started, in place of starting it."""
    started: list[tuple[list[str], Mapping[str, str]]] = []

    def serve(server: list[str], environment: Mapping[str, str]) -> int:
        started.append((server, environment))
        return 0

    monkeypatch.setattr(serving, "_serve", serve)
    monkeypatch.delenv("MLFLOW_AUTH_ADMIN_PASSWORD", raising=False)
    monkeypatch.delenv("MLFLOW_AUTH_CONFIG_PATH", raising=False)
    return started


@pytest.fixture
def busy() -> Iterator[int]:
    """A port that something listens on; the next one may be free."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


@pytest.mark.parametrize(
    "port", ["0", "-1", "65536", "99999", "abc", "", " ", "5000.5", "1e3", "0x50", "\u0665\u0660", "9" * 5000]
)
def test_a_port_that_does_not_exist_is_bad_input(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["ui", f"--port={port}"])
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert "must be a port from 1 to 65535" in err
    assert len(err) < 1000


def test_a_busy_port_gives_way_to_the_next(
    busy: int, served: list[tuple[list[str], Mapping[str, str]]], uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ui", "--port", str(busy), "--tracking-uri", uri]) == 0
    ((server, _),) = served
    port = int(server[server.index("--port") + 1])
    assert busy < port <= busy + 20
    err = capsys.readouterr().err
    assert f"port {busy} is in use; the next free one is taken" in err
    assert f"http://127.0.0.1:{port} " in err


def test_no_free_port_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
    served: list[tuple[list[str], Mapping[str, str]]],
    uri: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(serving, "_PORTS", 1)
        assert main(["ui", "--port", str(port), "--tracking-uri", uri]) == 1
    assert "give another --port" in capsys.readouterr().err
    assert served == []


@pytest.mark.parametrize("host", ELSEWHERE)
def test_other_hosts_are_refused_without_a_guard(
    host: str, served: list[tuple[list[str], Mapping[str, str]]], uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for given in ([], GUARDED[:2], GUARDED[2:]):
        assert main(["ui", f"--host={host}", "--tracking-uri", uri, *given]) == 2
        assert "others could reach it there; give --app-name basic-auth and --allowed-hosts" in capsys.readouterr().err
    assert served == []


@pytest.mark.parametrize("password", [None, "", "short", "x" * 11])
def test_there_is_no_default_password(
    password: str | None,
    served: list[tuple[list[str], Mapping[str, str]]],
    uri: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if password is not None:
        monkeypatch.setenv("MLFLOW_AUTH_ADMIN_PASSWORD", password)
    assert main(["ui", "--host", "0.0.0.0", "--tracking-uri", uri, *GUARDED]) == 2
    assert "there is no default one" in capsys.readouterr().err
    assert served == []


@pytest.mark.parametrize("hosts", ["*", "*.example.org", "a,*"])
def test_all_hosts_are_too_many(
    hosts: str,
    served: list[tuple[list[str], Mapping[str, str]]],
    uri: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_AUTH_ADMIN_PASSWORD", "a long password")
    assert main(["ui", "--host", "0.0.0.0", "--tracking-uri", uri, *GUARDED[:2], "--allowed-hosts", hosts]) == 2
    assert "must name the hosts" in capsys.readouterr().err


def test_a_guarded_server_keeps_its_users_beside_the_store_and_its_password_out_of_sight(
    served: list[tuple[list[str], Mapping[str, str]]], uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_AUTH_ADMIN_PASSWORD", "a long password")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: argparse.Namespace())
    assert main(["ui", "--host", "0.0.0.0", "--tracking-uri", uri, *GUARDED]) == 0
    ((server, environment),) = served
    assert server[-4:] == GUARDED
    assert not any("a long password" in word for word in server)
    config = Path(environment["MLFLOW_AUTH_CONFIG_PATH"])
    assert config == tmp_path / "basic_auth.ini"
    assert f"sqlite:///{tmp_path}/basic_auth.db" in config.read_text(encoding="utf-8")
    assert "password" not in config.read_text(encoding="utf-8")
    assert len(environment["MLFLOW_FLASK_SERVER_SECRET_KEY"]) == 64


def test_a_guard_that_is_not_installed_is_named(
    served: list[tuple[list[str], Mapping[str, str]]],
    uri: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_AUTH_ADMIN_PASSWORD", "a long password")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["ui", "--host", "0.0.0.0", "--tracking-uri", uri, *GUARDED]) == 2
    assert "pip install 'mlflow[auth]'" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost", "LOCALHOST"])
def test_loopback_needs_no_guard(host: str, served: list[tuple[list[str], Mapping[str, str]]], uri: str) -> None:
    assert serving.is_loopback(host) or host.lower() == "localhost"
    if host != "::1":  # not every machine has it
        assert main(["ui", "--host", host, "--tracking-uri", uri]) == 0
        ((server, _),) = served
        assert "--app-name" not in server


@pytest.mark.parametrize("code", [0, 1, 3])
def test_a_server_that_ends_by_itself_is_a_failure(code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert serving._serve([sys.executable, "-c", f"raise SystemExit({code})"], {}) == 1
    assert "the server ended by itself" in capsys.readouterr().err


def test_the_end_of_the_command_ends_the_server() -> None:
    program = (
        "import os, signal, sys, threading; from sweeps.cli import serving;"
        "threading.Timer(2, os.kill, (os.getpid(), signal.SIGTERM)).start();"
        "child = 'import os, time; print(os.getpid(), flush=True); time.sleep(600)';"
        "sys.exit(serving._serve([sys.executable, '-c', child], dict(os.environ)))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert not Path("/proc", ended.stdout.strip()).exists()


@pytest.mark.parametrize("uri", ["foo://x", "http://127.0.0.1:5000", "mlruns", "sqlite:////etc/passwd", "sqlite://"])
def test_what_no_ui_can_be_served_on_is_bad_input(
    uri: str, served: list[tuple[list[str], Mapping[str, str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ui", "--tracking-uri", uri]) == 2
    assert uri in capsys.readouterr().err
    assert served == []
