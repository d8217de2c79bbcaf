"""The stores of a campaign's sweeps, and what may befall them."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from support.lying_proxy import LyingProxy
from support.mlflow_servers import Server


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

    def __init__(self, folder: Path, backend: str) -> None:
        """backend: URI of a store whose tables exist."""
        folder.mkdir(parents=True)
        self.server = Server(folder, backend)
        self.server.start()
        self.proxy = LyingProxy(self.server.uri, share=0.0, seed=0).__enter__()

    def uri(self, folder: Path) -> str:
        return self.proxy.uri

    def file(self, folder: Path) -> Path | None:
        return None

    def close(self) -> None:
        """Ends both."""
        self.proxy.__exit__(None, None, None)
        self.server.stop()


Kept = SqliteStore | HttpStore


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


def awaited(file: Path, seconds: float) -> bool:
    """Whether a file appears within the time."""
    until = time.monotonic() + seconds
    while not file.exists() and time.monotonic() < until:
        time.sleep(0.005)
    return file.exists()
