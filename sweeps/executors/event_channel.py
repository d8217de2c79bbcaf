"""What a worker says while it works, to the process that it works for: datagrams on the loopback interface.

They may be lost, and nothing waits for them: a worker that is killed in the middle of one holds no lock, and a receiver
that is slow, or has gone, holds up nobody.
"""

import json
import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

Event = Mapping[str, Any]  # of numbers, texts, lists and mappings
Sink = Callable[[Event], None]
Address = tuple[str, int, str]  # host and port, and a word that only those know who may speak

_HOST = "localhost"
_MOST_BYTES = 60_000  # of a datagram
_BUFFER_BYTES = 1 << 22  # of datagrams that the receiver has not read yet
_speaking: "tuple[socket.socket, Address] | None" = None


class Receiver:
    """Hands to `sink`, in a thread of its own, what is said to its address. address: None where none can be had."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.address: Address | None = None
        self._socket = None
        with suppress(OSError):  # a machine without a loopback interface
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            self._socket.bind((_HOST, 0))
            self.address = *self._socket.getsockname(), secrets.token_hex(16)
            threading.Thread(target=self._listen, args=(self._socket, self.address), name="events", daemon=True).start()

    def close(self) -> None:
        """Hears no more."""
        if self._socket is not None and self.address is not None:
            address, self.address = self.address, None
            with suppress(OSError):  # wakes the thread, which closes what it listens to
                self._socket.sendto(b"", address[:2])

    def _listen(self, listening: socket.socket, address: Address) -> None:
        with listening:
            while True:
                said = listening.recv(1 << 16)
                if self.address is None:
                    return
                if (event := _understood(said, address[2])) is not None:
                    self._sink(event)


def speak_to(address: Address | None) -> None:
    """Whatever this process says from now on goes there; nowhere with None."""
    global _speaking  # noqa: PLW0603 - one a process
    if _speaking is not None:
        _speaking[0].close()
    _speaking = None if address is None else (socket.socket(socket.AF_INET, socket.SOCK_DGRAM), address)
    if _speaking is not None:
        _speaking[0].setblocking(False)


def spoken_to() -> Address | None:
    """Where that goes, for a process that this one starts."""
    return None if _speaking is None else _speaking[1]


def say(event: Event) -> bool:
    """Says something to whom this process works for; whether it could be sent. Never waits, never raises."""
    if _speaking is None:
        return False
    speaker, (host, port, word) = _speaking
    try:
        said = f"{word} {json.dumps(event)}".encode()
        return len(said) <= _MOST_BYTES and speaker.sendto(said, (host, port)) > 0
    except (OSError, TypeError, ValueError):
        return False


def _understood(said: bytes, word: str) -> Event | None:
    """What a datagram says; None where it is not from those who may speak."""
    spoken, _, event = said.partition(b" ")
    if not secrets.compare_digest(spoken, word.encode()):
        return None
    with suppress(ValueError, RecursionError):
        found = json.loads(event)
        return found if isinstance(found, dict) else None
    return None
