"""An HTTP proxy before a tracking server that, now and then, does not tell what it did."""

import contextlib
import http.client
import random
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit

FAULTS = ("acts, then answers 500", "acts, then hangs up", "hangs up", "waits")
_KEPT_BACK = {"connection", "transfer-encoding", "content-length", "host", "keep-alive"}


class LyingProxy:
    """Passes requests on to a server, a share of them with a fault; told: how often each fault was played.

    share: of the requests. seed: of the faults' order. pause: seconds that one that waits takes.
    """

    def __init__(self, server: str, share: float, seed: int) -> None:
        self.share, self.told = share, dict.fromkeys(FAULTS, 0)
        self.faults: Sequence[str] = FAULTS
        self.pause = 0.3
        self._rng, self._lock = random.Random(seed), threading.Lock()
        self._server = urlsplit(server)
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever)

    @property
    def uri(self) -> str:
        """Of the tracking store, as seen through it."""
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> "LyingProxy":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @contextlib.contextmanager
    def lying(self, faults: Sequence[str], share: float, pause: float) -> Iterator[None]:
        """For a while, these faults, and afterwards none."""
        self.faults, self.share, self.pause = faults, share, pause
        try:
            yield
        finally:
            self.share = 0.0

    def fault(self) -> str | None:
        """What goes wrong with the next request."""
        with self._lock:
            drawn = self._rng.choice(self.faults) if self._rng.random() < self.share else None
            if drawn is not None:
                self.told[drawn] += 1
            return drawn

    def passed_on(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """What the server answers: status, headers, body."""
        connection = http.client.HTTPConnection(self._server.hostname or "", self._server.port, timeout=60)
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):  # who asked has gone
                    super().handle()

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name: value for name, value in self.headers.items() if name.lower() not in _KEPT_BACK}
                fault = proxy.fault()
                answer = None
                if fault == "waits":
                    time.sleep(proxy.pause)
                if fault != "hangs up":
                    with contextlib.suppress(OSError, http.client.HTTPException):  # the server has gone
                        answer = proxy.passed_on(self.command, self.path, headers, body)
                if answer is None or fault == "acts, then hangs up":
                    self.close_connection = True
                else:
                    self._tell(*((500, {}, b"lost") if fault == "acts, then answers 500" else answer))

            def _tell(self, status: int, headers: dict[str, str], content: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in _KEPT_BACK:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: object) -> None:
                pass

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the library's names

        return Handler
