"""Whether there is a store behind a tracking URI; asked before MLflow, which waits for minutes or ends in a traceback.

Imports neither MLflow nor, for SQLite, anything but Python's own library.
"""

import configparser
import contextlib
import errno
import os
import sqlite3
import tempfile
import threading
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from model.files import read_file
from sweeps.errors import AddressError, RefusedError, StoreAwayError, TrackingError
from sweeps.tracking.location import is_native
from sweeps.tracking.mlflow_pages.links import is_served
from sweeps.tracking.shown_uri import has_secrets, shown_uri, without_secrets

SECONDS = 8.0  # that a store has to answer

_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
_DATABRICKS = "databricks"  # MLflow's own business; but whether anybody signed in there can be said at once
_SQLITE_KEEPS = {"mode": ("rw", "rwc"), "cache": ("shared", "private")}  # of SQLite's own parameters, what serves here
_MAGIC = b"SQLite format 3\0"
_LARGEST_SETTINGS = 1_000_000  # bytes of somebody's settings for Databricks
_LOCK_SECONDS = 5.0  # that another process may hold a SQLite file
_UNKNOWN_HOST = ("resolve", "translate host name", "Name or service not known", "nodename nor servname", "Unknown host")
_MALFORMED = ("invalid dsn", "invalid connection option")  # as PostgreSQL's drivers say it
_REFUSED = ("refused", "No route to host", "Network is unreachable")
_NOBODY = "nothing listens there"
_PASSING = (  # what a store says that is on its way up or down, or on a line that breaks
    *("starting up", "shutting down", "recovery mode", "too many clients", "terminat", "timed out", "timeout"),
    *("Connection aborted", "onnection reset", "closed the connection", "Lost connection", "gone away"),
)
_PACKAGES = {
    "psycopg": "'psycopg[binary]'",
    "psycopg2": "psycopg2-binary",
    "MySQLdb": "mysqlclient",
}  # by the name that is imported
_FORMS = "sqlite:////home/me/mlruns/mlflow.db, postgresql://user@host/database or http://host:5000"


def check_address(uri: str) -> None:
    """Raises AddressError where the URI is wrong, TrackingError where its store does not answer just now."""
    check_spelling(uri)
    if is_served(uri):
        _within(lambda: _ask(uri), uri)
    elif _scheme(uri) == "sqlite":
        _check_lock(uri)
    elif _scheme(uri) in _DATABASES:
        _within(lambda: _connect(uri), uri)
    elif _scheme(uri) == _DATABRICKS and (host := databricks_host(uri)):
        _within(lambda: _ask(host), host)


def check_spelling(uri: str) -> None:
    """What can be said of a URI on this machine alone, at once. Raises AddressError."""
    scheme = _scheme(uri)
    if not uri.isprintable():
        raise _wrong(uri, "holds control characters, or bytes that are no text", "write it in plain characters")
    if is_served(uri):
        _check_host(uri)
    elif scheme == "sqlite":
        _check_sqlite(uri)
        _check_file(uri)
    elif scheme == _DATABRICKS:
        _check_profile(uri)
    elif scheme in _DATABASES:
        _driver(uri)
    elif scheme in ("", "file"):
        raise _wrong(uri, "is a folder, and MLflow keeps runs in databases", f"write {_FORMS}")
    elif scheme not in entry_points(group="mlflow.tracking_store").names:
        kind = without_secrets(scheme, uri)
        raise _wrong(uri, f"is of a kind that nobody here knows, {kind}", f"write {_FORMS}")


def _scheme(uri: str) -> str:
    """sqlite of sqlite+pysqlite:///mlflow.db; "" of a path."""
    name, colon, _ = uri.partition(":")
    return name.partition("+")[0].lower() if colon and "/" not in name and "@" not in name else ""


def _check_host(uri: str) -> None:
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")  # two dots in a row, a part of more than 63 letters
    except ValueError as error:
        raise _wrong(uri, f"cannot be understood ({without_secrets(str(error), uri)})", f"write {_FORMS}") from None
    if not host or port == 0 or any(character.isspace() for character in uri):
        raise _wrong(uri, "names no host and port", f"write {_FORMS}")


def _check_sqlite(uri: str) -> None:
    """Of a SQLite file's URI, what stands around the name: its driver, and the parameters of its query."""
    driver = uri.partition(":")[0].partition("+")[2]
    if driver not in ("", "pysqlite"):
        raise _wrong(uri, f"is for a driver that MLflow has no use for, {driver}", f"write {_FORMS}")
    query = parse_qs(uri.partition("?")[2], keep_blank_values=True)
    if not query:
        return
    from sqlalchemy import exc
    from sqlalchemy.engine import make_url

    try:
        url = make_url(uri)
        _, options = url.get_dialect()().create_connect_args(url)
        sqlite3.connect(":memory:", **options).close()
    except (exc.SQLAlchemyError, exc.SAWarning, sqlite3.Error, ValueError, TypeError, OverflowError) as error:
        why = without_secrets(str(error), uri).strip().split("\n")[0]
        raise _wrong(uri, f"its query cannot be understood ({why})", "leave it away") from None
    native = query.keys() - options.keys() - {"uri", "isolation_level"} if is_native(query) else set[str]()
    for name in sorted(native):
        if query[name][-1] not in _SQLITE_KEEPS.get(name, ()):
            what = f"its parameter {without_secrets(f'{name}={query[name][-1]}', uri)} makes no store that lasts"
            raise _wrong(uri, what, "leave it away")


def _check_profile(uri: str) -> None:
    """Of Databricks: that somebody has signed in. MLflow would ask around for half a minute."""
    if not databricks_host(uri):
        what = "is a workspace that nobody signed in to on this machine"
        raise _wrong(uri, what, "`databricks auth login` does, or DATABRICKS_HOST and DATABRICKS_TOKEN")


def databricks_host(uri: str) -> str:
    """The address of the workspace that a URI of Databricks means, as its own tools know it; "" where they do not."""
    profile = uri.partition("://")[2].partition(":")[0].partition("/")[0]
    if not profile and os.environ.get("DATABRICKS_HOST"):
        return os.environ["DATABRICKS_HOST"]
    settings = configparser.ConfigParser(interpolation=None)
    named = os.environ.get("DATABRICKS_CONFIG_FILE") or "~/.databrickscfg"
    with contextlib.suppress(OSError, ValueError, RuntimeError, configparser.Error):
        settings.read_string(read_file(Path(named).expanduser(), _LARGEST_SETTINGS).decode())
    section = profile or os.environ.get("DATABRICKS_CONFIG_PROFILE") or "DEFAULT"
    return settings.get(section, "host", fallback="")


def _check_file(uri: str) -> None:
    """Of a SQLite file: that there is one, or can be."""
    file = _file(uri)
    if file is None:
        return
    shown = _short(str(file))
    try:
        file = file.resolve()
        if file.is_dir():
            raise _wrong(uri, f"{shown} is a folder", "name a file in it, such as mlflow.db")
        if file.exists():
            if not file.is_file():
                raise _wrong(uri, f"{shown} is no file but a device, a pipe or the like", "name a file")
            with file.open("rb") as opened:
                start = opened.read(len(_MAGIC))
            if start and start != _MAGIC:
                raise _wrong(uri, f"{shown} is no SQLite database", "name another file; this one was left as it is")
        else:
            _check_place(file.parent)
    except (OSError, ValueError, RuntimeError) as error:
        if isinstance(error, AddressError):
            raise
        why = getattr(error, "strerror", None) or "it leads in a circle, or cannot be a file's name"
        raise _wrong(uri, f"{shown} cannot be used ({why})", "name a file in a folder that you may write to") from error


def _check_place(folder: Path) -> None:
    """Raises OSError where there is no such folder and none can be made. Leaves none: who only looks needs none."""
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    if not nearest.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if nearest != folder:
        with tempfile.TemporaryDirectory(dir=nearest):
            pass


def _check_lock(uri: str) -> None:
    file = _file(uri)
    if file is None or not file.exists() or not file.stat().st_size:
        return
    place = f"{file.resolve().as_uri()}?mode=rw"
    with contextlib.closing(sqlite3.connect(place, uri=True, timeout=_LOCK_SECONDS)) as connection:
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                said = f"the tracking store {file} is locked by another process for longer than {_LOCK_SECONDS:g} s"
                raise StoreAwayError(f"{said}; try again once that is done", "another process has it locked") from error
        except sqlite3.DatabaseError as error:
            remedy = "bring back a copy of it, or name another file"
            raise _wrong(uri, f"{file} is no sound SQLite database ({error})", remedy) from error


def _file(uri: str) -> Path | None:
    """The file behind a URI of SQLite; None for an escaped one in SQLite's own notation. Raises AddressError."""
    _, slashes, rest = uri.partition(":///")
    name, _, query = rest.partition("?")
    if is_native(parse_qs(query)):
        name = name.removeprefix("file:")
    if not slashes or name in ("", ":memory:"):
        raise _wrong(uri, "names no file", "write three slashes and a path: sqlite:////home/me/mlruns/mlflow.db")
    return None if "%" in name and is_native(parse_qs(query)) else Path(unquote(name))


def _driver(uri: str) -> None:
    """That a database's URI can be read, and that its driver is installed. Raises AddressError."""
    from sqlalchemy import exc
    from sqlalchemy.engine import make_url

    try:
        url = make_url(uri)
        url.get_dialect().import_dbapi()
        url.get_dialect()().create_connect_args(url)
    except exc.NoSuchModuleError:
        raise _wrong(uri, "is for a driver that SQLAlchemy does not know", f"write {_FORMS}") from None
    except ImportError as error:
        remedy = f"pip install {_PACKAGES.get(error.name or '', error.name)}"
        raise _wrong(uri, f"needs the package {error.name}", remedy) from error
    except (exc.ArgumentError, ValueError):
        raise _wrong(uri, "cannot be understood", f"write {_FORMS}") from None
    if not url.database:
        raise _wrong(uri, "names no database", "write it last, as in postgresql://user@host/database")


def _connect(uri: str) -> None:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    try:
        create_engine(uri, poolclass=NullPool).connect().close()
    except (SQLAlchemyError, OSError) as error:
        raise _told(uri, error) from (None if has_secrets(uri) else error)
    except (ValueError, TypeError, OverflowError) as error:  # of a host, or of the query
        why = without_secrets(str(error), uri).strip().split("\n")[0]
        raise _wrong(uri, f"cannot be understood ({why})", f"write {_FORMS}") from None


def _ask(uri: str) -> None:
    """Asks a server for its health. Whatever it answers, it is there."""
    import requests
    from urllib3.exceptions import LocationParseError

    try:
        requests.get(f"{uri.rstrip('/')}/health", timeout=SECONDS, stream=True, allow_redirects=False).close()
    except requests.exceptions.SSLError:
        return  # MLflow knows what to make of certificates
    except (
        requests.exceptions.InvalidURL,
        requests.exceptions.MissingSchema,
        requests.exceptions.InvalidSchema,
        LocationParseError,
        UnicodeError,
    ):
        raise _wrong(uri, "cannot be understood", f"write {_FORMS}") from None
    except requests.exceptions.Timeout:
        raise _silent(uri) from None
    except requests.exceptions.RequestException as error:
        raise _told(uri, error) from (None if has_secrets(uri) else error)


def _told(uri: str, error: BaseException) -> TrackingError:
    """What an attempt to connect came to, in plain words."""
    text = str(error)
    if any(sign in text for sign in _UNKNOWN_HOST):
        return _wrong(uri, "its host is not known", "check the name, or give the number")
    if any(sign in text for sign in _REFUSED):
        return RefusedError(_about(uri, _NOBODY, "start the server, or check host and port"), _NOBODY)
    said = without_secrets(text, uri).strip().split("\n")[0]
    if any(sign in text for sign in _MALFORMED):
        return _wrong(uri, f"cannot be understood ({said})", f"write {_FORMS}")
    message = f"the tracking store {shown_uri(uri)} does not answer as it should: {said}"
    return StoreAwayError(message, said) if any(sign in text for sign in _PASSING) else TrackingError(message)


def _within(action: Callable[[], Any], uri: str) -> None:
    """Does something that waits for somebody else, for as long as the store has to answer. Raises what it raises."""
    raised: list[BaseException] = []

    def attempt() -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            raised.append(error)

    thread = threading.Thread(target=attempt, daemon=True)  # looking up a name cannot be ended
    thread.start()
    thread.join(SECONDS)
    if thread.is_alive():
        raise _silent(uri)
    if raised:
        raise raised[0]


def _silent(uri: str) -> TrackingError:
    said = f"the tracking store {shown_uri(uri)} does not answer within {SECONDS:g} s"
    remedy = "try again, or check --tracking-uri and MLFLOW_TRACKING_URI"
    return StoreAwayError(f"{said}; {remedy}", f"no answer within {SECONDS:g} s")


def _wrong(uri: str, what: str, remedy: str) -> AddressError:
    return AddressError(_about(uri, what, remedy))


def _about(uri: str, what: str, remedy: str) -> str:
    return f"tracking URI {_short(shown_uri(uri))!r}: {what}; {remedy}"


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}..."
