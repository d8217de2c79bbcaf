"""The command that serves MLflow's UI: on this machine alone, unless it is told otherwise and told how to guard it."""

import argparse
import errno
import importlib.util
import ipaddress
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from sweeps.cli.exit_codes import BAD_INPUT, DONE, FAILED, complain
from sweeps.errors import InputError
from sweeps.tracking.address import check_address
from sweeps.tracking.location import sqlite_file, tracking_uri
from sweeps.tracking.mlflow_pages.links import is_served
from sweeps.tracking.shown_uri import shown_uri

GUARD = "basic-auth"  # MLflow's own app that asks for a name and a password
LARGEST_PORT = 65535

_PORTS = 20  # that are tried, from the one asked for
_SHORTEST_PASSWORD = 12  # characters, as MLflow has it
_PASSWORD = "MLFLOW_AUTH_ADMIN_PASSWORD"
_CONFIG = "MLFLOW_AUTH_CONFIG_PATH"
_STOP_SECONDS = 10.0


def ui(arguments: argparse.Namespace) -> int:
    """Serves until it is stopped. What the server may not show in a list of processes it gets by its environment."""
    uri = tracking_uri(arguments.tracking_uri)
    if is_served(uri):
        return complain(f"{shown_uri(uri)} is a server with a UI of its own: open it in a browser", BAD_INPUT)
    guard = _guard(arguments, uri)
    check_address(uri)
    port = _free_port(arguments.host, arguments.port)
    if port is None:
        last = min(LARGEST_PORT, arguments.port + _PORTS - 1)
        said = f"ports {arguments.port} to {last} of {arguments.host} are all in use; give another --port"
        return complain(said, FAILED)
    if port != arguments.port:
        complain(f"port {arguments.port} is in use; the next free one is taken", DONE)
    server = [sys.executable, "-m", "mlflow", "server", "--workers", "1"]
    server += ["--host", arguments.host, "--port", str(port)]
    if guard:
        server += ["--app-name", GUARD, "--allowed-hosts", arguments.allowed_hosts]
    shown = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
    complain(f"the MLflow UI will be at http://{shown}:{port} (Ctrl-C stops it)", DONE)
    return _serve(server, os.environ | _environment(uri) | guard)


def _environment(uri: str) -> dict[str, str]:
    found = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # else five processes
    return {name: os.environ.get(name, value) for name, value in found.items()} | {"MLFLOW_BACKEND_STORE_URI": uri}


def _guard(arguments: argparse.Namespace, uri: str) -> dict[str, str]:
    """What the server needs to ask for a password; nothing where it serves this machine alone. Raises InputError."""
    if is_loopback(arguments.host) and arguments.app_name is None:
        return {}
    if arguments.app_name != GUARD or not arguments.allowed_hosts:
        raise InputError(
            f"--host {arguments.host}: others could reach it there; give --app-name {GUARD} and --allowed-hosts with "
            "the names that it is reached by, or leave --host out"
        )
    if "*" in arguments.allowed_hosts:
        raise InputError(f"--allowed-hosts: must name the hosts, got {arguments.allowed_hosts!r}, which is all of them")
    if _CONFIG not in os.environ and len(os.environ.get(_PASSWORD, "")) < _SHORTEST_PASSWORD:
        raise InputError(
            f"{_PASSWORD}: must hold the password of the first user, of {_SHORTEST_PASSWORD} characters or more; there "
            "is no default one"
        )
    if importlib.util.find_spec("flask_wtf") is None:
        raise InputError(f"--app-name {GUARD}: needs flask-wtf; pip install 'mlflow[auth]'")
    guard = {"MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(32)}
    return guard if _CONFIG in os.environ else guard | {_CONFIG: str(_configured(uri))}


def _configured(uri: str) -> Path:
    """MLflow's settings of who may do what, beside the store; else the users would be kept in any working folder."""
    file = sqlite_file(uri)
    folder = Path("mlruns").resolve() if file is None else file.parent
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "basic_auth.ini"
    if not path.exists():
        users = str(folder / "basic_auth.db").replace("%", "%%")
        lines = ["[mlflow]", "default_permission = READ", f"database_uri = sqlite:///{users}", "admin_username = admin"]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone. A name is, where all its addresses are."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        pass
    if host.lower() != "localhost":
        return False  # who answers for a name may change
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return False
    return all(ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback for *_, address in found)


def _free_port(host: str, first: int) -> int | None:
    """The first port that nothing listens on. Raises InputError where the host is none of this machine's."""
    for port in range(first, min(LARGEST_PORT, first + _PORTS - 1) + 1):
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
                probe.bind(address)
            return port
        except (socket.gaierror, UnicodeError) as error:
            raise InputError(f"--host {host!r}: is not known ({error}); give an address of this machine") from error
        except PermissionError as error:
            raise InputError(f"--port {port}: needs the rights of an administrator; give one above 1023") from error
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise InputError(f"--host {host}: is no address of this machine ({error.strerror})") from error
    return None


def _serve(server: list[str], environment: Mapping[str, str]) -> int:
    """Runs the server until it is stopped: done. Where it ends by itself, it could not serve: failed."""
    signal.signal(signal.SIGTERM, _stop)
    sys.stderr.flush()
    process = subprocess.Popen(server, env=environment, start_new_session=True)
    try:
        process.wait()
        return complain("the server ended by itself; what it printed above says why", FAILED)
    except KeyboardInterrupt:
        return DONE
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ends the server with all its processes."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(_STOP_SECONDS)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def _stop(signum: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt
