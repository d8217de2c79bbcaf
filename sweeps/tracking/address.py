"""Whether there is a store behind a tracking URI; asked before MLflow, which waits for minutes or ends in a traceback.

Imports neither MLflow nor, for SQLite, anything but Python's own library.
"""

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
from urllib.parse import unquote, urlsplit

from sweeps.errors import AddressError, RefusedError, StoreAwayError, TrackingError
from sweeps.tracking.mlflow_pages.links import is_served
from sweeps.tracking.shown_uri import has_secrets, shown_uri, without_secrets

SECONDS = 8.0  # that a store has to answer

_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
_ELSEWHERE = ("databricks", "databricks-uc", "uc")  # MLflow's own business
_MAGIC = b"SQLite format 3\0"
_LOCK_SECONDS = 5.0  # that another process may hold a SQLite file
_UNKNOWN_HOST = ("resolve", "translate host name", "Name or service not known", "nodename nor servname", "Unknown host")
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


def check_spelling(uri: str) -> None:
    """What can be said of a URI on this machine alone, at once. Raises AddressError."""
    scheme = _scheme(uri)
    if not uri.isprintable():
        raise _wrong(uri, "holds control characters", "write it in plain characters")
    if is_served(uri):
        _check_host(uri)
    elif scheme == "sqlite":
        _check_file(uri)
    elif scheme in _DATABASES:
        _driver(uri)
    elif scheme in ("", "file"):
        raise _wrong(uri, "is a folder, and MLflow keeps runs in databases", f"write {_FORMS}")
    elif scheme not in _ELSEWHERE and scheme not in entry_points(group="mlflow.tracking_store").names:
        raise _wrong(uri, f"is of a kind that nobody here knows, {scheme}", f"write {_FORMS}")


def _scheme(uri: str) -> str:
    """sqlite of sqlite+pysqlite:///mlflow.db; "" of a path."""
    name, colon, _ = uri.partition(":")
    return name.partition("+")[0].lower() if colon and "/" not in name else ""


def _check_host(uri: str) -> None:
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _wrong(uri, f"cannot be understood ({without_secrets(str(error), uri)})", f"write {_FORMS}") from None
    if not host or port == 0 or any(character.isspace() for character in uri):
        raise _wrong(uri, "names no host and port", f"write {_FORMS}")


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
    """The file behind a URI of SQLite; None for one in SQLite's own notation. Raises AddressError for none at all."""
    _, slashes, rest = uri.partition(":///")
    name = rest.partition("?")[0]
    if not slashes or name in ("", ":memory:"):
        raise _wrong(uri, "names no file", "write three slashes and a path: sqlite:////home/me/mlruns/mlflow.db")
    return None if name.startswith("file:") else Path(unquote(name))


def _driver(uri: str) -> None:
    """That a database's URI can be read, and that its driver is installed. Raises AddressError."""
    from sqlalchemy import exc
    from sqlalchemy.engine import make_url

    try:
        url = make_url(uri)
        url.get_dialect().import_dbapi()
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


def _ask(uri: str) -> None:
    """Asks a server for its health. Whatever it answers, it is there."""
    import requests

    try:
        requests.get(f"{uri.rstrip('/')}/health", timeout=SECONDS, stream=True, allow_redirects=False).close()
    except requests.exceptions.SSLError:
        return  # MLflow knows what to make of certificates
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, UnicodeError):
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
    message = f"the tracking store {shown_uri(uri)} does not answer as it should: {said}"
    return StoreAwayError(message, said) if any(sign in text for sign in _PASSING) else TrackingError(message)


def _within(action: Callable[[], Any], uri: str) -> None:
    """Does something that waits for somebody else, for as long as the store has to answer. Raises what it raises."""
    raised: list[BaseException] = []

    def attempt() -> None:
        try:
            action()
        except TrackingError as error:
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
