"""The command that serves MLflow's UI: on this machine alone, unless it is told otherwise and told how to guard it."""

import argparse
import contextlib
import errno
import importlib.util
import ipaddress
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import webbrowser
from collections.abc import Mapping
from pathlib import Path

from sweeps.cli.exit_codes import BAD_INPUT, DONE, FAILED, complain
from sweeps.cli.interrupts import heed
from sweeps.errors import InputError, OddSweepError, TrackingError, UnknownSweepError
from sweeps.tracking.address import check_address
from sweeps.tracking.location import sqlite_file, sqlite_uri, tracking_uri
from sweeps.tracking.mlflow_pages.links import is_served
from sweeps.tracking.shown_uri import shown_uri

GUARD = "basic-auth"  # MLflow's own app that asks for a name and a password
LARGEST_PORT = 65535

_PORTS = 20  # that are tried, from the one asked for
_SHORTEST_PASSWORD = 12  # characters, as MLflow has it
_PASSWORD = "MLFLOW_AUTH_ADMIN_PASSWORD"
_CONFIG = "MLFLOW_AUTH_CONFIG_PATH"
_STOP_SECONDS = 10.0
_OPEN_SECONDS = 60.0  # that MLflow may take to start
_LISTED = 10  # sweeps whose addresses are printed; the front page has them all


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
    address = f"http://{shown}:{port}"
    complain(f"the MLflow UI will be at {address} (Ctrl-C stops it)", DONE)
    try:
        latest = _introduced(uri, address)
    except TrackingError as error:  # the server, which reads it itself, may say more
        latest = None
        complain(error, DONE)
    if latest is not None and not arguments.no_open and _has_screen():
        threading.Thread(target=_open_when_served, args=(latest, arguments.host, port), daemon=True).start()
    return _serve(server, os.environ | _environment(uri) | guard)


def _introduced(uri: str, address: str) -> str | None:
    """Says where each sweep is in the UI and in the front page, which it writes; returns the latest one's address."""
    from sweeps.results.sweep import load
    from sweeps.tracking.mlflow_pages.links import view_link
    from sweeps.tracking.readers import open_reader
    from sweeps.views.store_page import FILE, write_store_page

    found, odd = [], {}
    for name in open_reader(uri).names():
        try:
            found.append(load(name, uri))
        except (OddSweepError, UnknownSweepError) as error:
            odd[name] = str(error)
    if not found:
        complain("no sweeps in it yet; make one with `sweeps run`", DONE)
        return None
    found.sort(key=lambda sweep: int(sweep.experiment_id), reverse=True)
    views = [f"{address}/{view_link(sweep.experiment_id)}" for sweep in found]
    for sweep, view in list(zip(found, views, strict=True))[:_LISTED]:
        complain(f"{sweep.name}: {view}", DONE)
    file = sqlite_file(uri)
    if file is not None:
        page = file.parent / FILE
        try:
            write_store_page(found, odd, address, page)
            complain(f"all sweeps, with their maps and reports: {page}", DONE)
        except OSError as error:
            complain(f"{page}: cannot be written ({error.strerror}); the UI works without it", DONE)
    return views[0]


def _has_screen() -> bool:
    """Whether somebody sits before a terminal and a browser can open."""
    screen = sys.platform in ("darwin", "win32") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
    return screen and sys.stderr.isatty()


def _open_when_served(address: str, host: str, port: int) -> None:
    """Opens a browser once the server answers; never, where it does not within a minute."""
    until = time.monotonic() + _OPEN_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
            webbrowser.open(address)
            return
        time.sleep(0.2)


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
        users = sqlite_uri(folder / "basic_auth.db").replace("%", "%%")
        lines = ["[mlflow]", "default_permission = READ", f"database_uri = {users}", "admin_username = admin"]
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
    heed(signal.SIGTERM)
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
