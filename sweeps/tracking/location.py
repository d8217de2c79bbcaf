"""Where the tracking store is; answered without importing MLflow."""

import os
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}  # where none is given


def tracking_uri(given: str | None = None) -> str:
    """The given URI, else $MLFLOW_TRACKING_URI, else a SQLite file in ./mlruns."""
    return given or os.environ.get("MLFLOW_TRACKING_URI") or sqlite_uri(Path("mlruns", "mlflow.db").resolve())


def sqlite_uri(file: Path) -> str:
    """The URI of a SQLite file, whatever it is called: SQLAlchemy unquotes %41, and a ? would begin a query."""
    return f"sqlite:///{str(file).replace('%', '%25').replace('?', '%3F')}"


def sqlite_file(uri: str) -> Path | None:
    """The file behind a SQLite URI, None for other stores. The query, as in ?timeout=30, is no part of its name."""
    scheme, _, rest = uri.partition("://")
    if _dialect(scheme) != "sqlite" or not rest.startswith("/"):
        return None
    path, _, query = rest[1:].partition("?")
    path = unquote(path)
    if is_native(parse_qs(query)):
        path = path.removeprefix("file:")
    return Path(path).resolve() if path not in ("", ":memory:") else None


def is_native(query: Mapping[str, list[str]]) -> bool:
    """Whether the query of a SQLite URI says that its name is in SQLite's own notation, file:PATH."""
    return query.get("uri", ["false"])[-1].lower() in ("true", "1", "yes", "on", "y", "t")  # as SQLAlchemy has it


def store_key(uri: str) -> str:
    """One text for all spellings of one store: of a file its real path; of a server no user, default port or query.

    Not an address to open: a server on this machine is `localhost`, whatever it was called.
    """
    file = sqlite_file(uri)
    if file is not None:
        return f"sqlite:///{file}"
    try:
        parts = urlsplit(uri)
        dialect = _dialect(parts.scheme)
        host, port = _host_and_port(parts)
    except ValueError:  # no address; opening it says what is wrong
        return uri
    if dialect in ("", "file"):
        return f"file://{Path(parts.path).resolve()}"
    shown = "" if port in (None, _PORTS.get(dialect)) else f":{port}"
    return f"{dialect}://{_one_name(host)}{shown}{parts.path.rstrip('/')}"


def _host_and_port(parts: SplitResult) -> tuple[str, int | None]:
    """SQLAlchemy lets the query of a database's URI name them too."""
    query = parse_qs(parts.query) if _dialect(parts.scheme) not in ("http", "https") else {}
    port = query["port"][-1] if "port" in query else parts.port
    return query["host"][-1] if "host" in query else parts.hostname or "", int(port) if port else None


def _one_name(host: str) -> str:
    name = host.lower().rstrip(".")
    try:
        return "localhost" if ip_address(name).is_loopback else name
    except ValueError:
        return name


def _dialect(scheme: str) -> str:
    """Of a URI's scheme, which may name a driver too: sqlite+pysqlite, postgresql+psycopg2."""
    return scheme.lower().partition("+")[0]
