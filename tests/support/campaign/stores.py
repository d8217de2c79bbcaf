"""The stores of a campaign's sweeps, and what may befall them."""

import contextlib
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from support.lying_proxy import LyingProxy
from support.mlflow_servers import Server
from support.postgres import Postgres
from support.processes import is_running

from sweeps.tracking.store import Store


class SqliteStore:
    """A file of each case's own, which does not exist at first."""

    kind = "sqlite"

    def uri(self, folder: Path) -> str:
        return f"sqlite:///{folder}/mlruns/mlflow.db"

    def file(self, folder: Path) -> Path:
        return folder / "mlruns" / "mlflow.db"

    def close(self) -> None:
        """There is nothing to end."""


class HttpStore:
    """A tracking server for all cases, with a proxy before it that can be told to lie, or to take its time."""

    kind = "http"

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        backend = self._backend(folder)
        Store(backend)  # makes its tables
        self.server = Server(folder, backend)
        self.server.start()
        self.proxy = LyingProxy(self.server.uri, share=0.0, seed=0).__enter__()

    def _backend(self, folder: Path) -> str:
        """URI of the store behind the server."""
        return f"sqlite:///{folder}/served.db"

    def uri(self, folder: Path) -> str:
        return self.proxy.uri

    def file(self, folder: Path) -> Path | None:
        return None

    def stop(self) -> None:
        """As a kill would."""
        self.server.stop()

    def start(self) -> None:
        self.server.start()

    def pids(self) -> list[int]:
        """Of the server's processes."""
        return self.server.pids()

    def close(self) -> None:
        """Ends both."""
        self.proxy.__exit__(None, None, None)
        self.server.stop()


class ServedPostgresStore(HttpStore):
    """The same over a database server, which can be killed by itself."""

    kind = "http on postgres"

    def _backend(self, folder: Path) -> str:
        self._database = Postgres()
        self._database.start()
        return self._database.new_database("served")

    def restart_database(self) -> None:
        """As a kill would, and what starts it again."""
        killed(self._database)
        self._database.start()

    def close(self) -> None:
        super().close()
        self._database.remove()


class PostgresStore:
    """A database server for all cases; each has a database of its own."""

    kind = "postgres"

    def __init__(self) -> None:
        self.server = Postgres()
        self.server.start()
        self._made: list[str] = []
        Store(self.server.new_database("migrated")).client._tracking_client.store.engine.dispose()

    def uri(self, folder: Path) -> str:
        name = folder.name.replace("-", "_")
        if name not in self._made:
            self._made.append(name)
            self.server.new_database(name, template="migrated")
        return self.server.uri(name)

    def file(self, folder: Path) -> Path | None:
        return None

    def stop(self) -> None:
        """As a kill would."""
        killed(self.server)

    def start(self) -> None:
        self.server.start()

    def pids(self) -> list[int]:
        """Of the server's processes."""
        return self.server.pids()

    def close(self) -> None:
        """Ends it, and leaves nothing."""
        self.server.remove()


Kept = SqliteStore | HttpStore | PostgresStore


def killed(database: Postgres) -> None:
    """Ends a database server with SIGKILL."""
    pids = database.pids()
    database.stop(signal.SIGKILL)
    while any(map(is_running, pids)):  # they notice, and hold its memory till then
        time.sleep(0.02)


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Nobody else reads or writes the database."""
    with contextlib.closing(sqlite3.connect(file, timeout=60, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        yield


@contextlib.contextmanager
def full(folder: Path) -> Iterator[None]:
    """No byte is left on the small disk that is mounted on a folder; afterwards there is room again."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            try:
                file.write(bytes(1 << 16))
            except OSError:
                file.write(b"\0")  # until nothing fits at all
    try:
        yield
    finally:
        ballast.unlink()
