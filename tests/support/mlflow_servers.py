"""A real MLflow server, in processes of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from support.processes import descendants

_PATIENCE_SECONDS = 200.0  # a busy machine takes minutes to import MLflow three times


class Server:
    """`mlflow server` on a free port of this machine, over a SQLite file; it can be stopped and started again."""

    def __init__(self, folder: Path, backend: str) -> None:
        """folder: gets the artifacts. backend: URI of a store whose tables exist."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._folder, self._backend = folder, backend
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """Of the tracking store."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self._port)]
        command += ["--backend-store-uri", self._backend, "--workers", "1"]
        command += ["--artifacts-destination", str(self._folder / "artifacts")]
        environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, cwd=self._folder, start_new_session=True
            )
        try:
            self._wait_until_it_answers(self._process)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends it with all its processes."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def pids(self) -> list[int]:
        """Of its processes."""
        return [self._process.pid, *descendants(self._process.pid)] if self._process else []

    def _wait_until_it_answers(self, process: "subprocess.Popen[bytes]") -> None:
        started = time.monotonic()
        while not self._answers():
            assert process.poll() is None, (self._folder / "server.log").read_text()
            assert time.monotonic() - started < _PATIENCE_SECONDS, "the server does not answer"
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
