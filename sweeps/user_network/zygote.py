"""A process that has our modules and NumPy loaded and runs nobody's code: every room is a fork of it, as new.

It has one thread, so that a fork finds no lock held.
"""

import importlib
import json
import os
import signal
import socket
from typing import Any

from sweeps.user_network.room import Room, adopt_orphans
from sweeps.user_network.scratch import clear_abandoned, scratch_folder

_LENGTH_BYTES = 8
_CHUNK = 1 << 20


def send(connection: socket.socket, content: bytes) -> None:
    """Sends one message. Raises OSError where the other side has gone."""
    connection.sendall(len(content).to_bytes(_LENGTH_BYTES, "big") + content)


def receive(connection: socket.socket) -> bytes | None:
    """The next message; None where the other side has gone."""
    length = _exactly(connection, _LENGTH_BYTES)
    return None if length is None else _exactly(connection, int.from_bytes(length, "big"))


def serve(descriptor: int) -> None:
    """Hosts a room for each request, until whoever asks has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's
    signal.signal(signal.SIGALRM, signal.SIG_IGN)  # until a room heeds it
    os.dup2(2, 1)  # standard output is for results
    adopts = adopt_orphans()
    clear_abandoned()
    with socket.socket(fileno=descriptor) as connection:
        while (header := receive(connection)) is not None and (request := receive(connection)) is not None:
            asked = json.loads(header)
            try:
                _prepare(asked)
                with scratch_folder() as folder:
                    room = Room(request, connection, folder, adopts)
                    ended, answer = room.watched(asked["wall"])
            except OSError as error:
                ended, answer = f"could not be given a folder or a process of its own: {error}", b""
            if ended is None:
                return
            send(connection, ended.encode())
            send(connection, answer)


def _prepare(asked: dict[str, Any]) -> None:
    """Loads what every room of this kind needs, of ours alone."""
    module = importlib.import_module(asked["preload"])
    if asked["prepare"] is not None:
        function, *arguments = asked["prepare"]
        getattr(module, function)(*arguments)


def _exactly(connection: socket.socket, count: int) -> bytes | None:
    content = bytearray()
    while len(content) < count:
        try:
            part = connection.recv(min(_CHUNK, count - len(content)))
        except ConnectionError:
            return None
        if not part:
            return None
        content += part
    return bytes(content)
