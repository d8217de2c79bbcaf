"""Runs somebody's code in a process that is as new, and takes data from it alone. Any process may ask."""

import atexit
import json
import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from typing import Any

from sweeps.errors import InputError, UserNetworkError
from sweeps.user_network.codec import decode
from sweeps.user_network.zygote import receive, send

# One seed for the hashes of strings, or sets of them would differ in order from worker to worker; one thread a library.
_ENVIRONMENT = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_ENVIRONMENT |= {"PYTHONHASHSEED": "0"}
_START = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from sweeps.user_network.zygote import serve; serve(int(sys.argv[2]))"
)
_RAISED = {kind.__name__: kind for kind in (InputError, UserNetworkError)}
_CLOSING_SECONDS = 10.0
_lock = threading.Lock()
_zygote: "tuple[subprocess.Popen[bytes], socket.socket] | None" = None


class RoomDiedError(BrokenExecutor):
    """Somebody's code ended its process. To whoever waits it is a worker's death, but no other trial is lost."""


def sealed(function: Callable[..., object], *arguments: object) -> bytes:
    """A call as bytes, for `in_clean_room`: of modules' functions, and arguments of ours."""
    return pickle.dumps((function, arguments))


def in_clean_room(call: bytes, wall: float, preload: str, prepare: tuple[str, ...] | None = None) -> Any:
    """What a sealed call returns, as data, run in a fork of a process that has run nobody's code.

    wall: seconds by the clock, suspended time left out, after which it is told to stop with SIGALRM, and then killed.
    preload: a module of ours that is loaded before the fork. prepare: a function of it, with arguments, called there.
    Raises RoomDiedError where the process ended without an answer, UserNetworkError and InputError where the call did,
    RuntimeError with its traceback for anything else.
    """
    header = json.dumps({"wall": wall, "preload": preload, "prepare": prepare}).encode()
    with _lock:
        try:
            connection = _connection()
            send(connection, header)
            send(connection, call)
            ended, answer = receive(connection), receive(connection)
        except OSError:
            ended = answer = None
        if ended is None or answer is None:
            _close()
            raise RoomDiedError("the process that it was forked from has gone")
    if ended:
        raise RoomDiedError(f"its process {ended.decode()}")
    outcome, *rest = decode(answer)
    if outcome == "returned":
        return rest[0]
    name, said, told = rest
    if name in _RAISED:
        raise _RAISED[name](said)
    raise RuntimeError(f"{said}\n{told}")


def _connection() -> socket.socket:
    """To this process's zygote, which is started where there is none."""
    global _zygote  # noqa: PLW0603 - one a process
    if _zygote is None:
        ours, theirs = socket.socketpair()
        with theirs:
            # "" is the folder here, which comes last besides: `package.module:Class` is found from it
            folders = [*sys.path, ""]
            path = json.dumps([os.path.abspath(folder) for folder in folders])  # noqa: PTH100
            process = subprocess.Popen(
                [sys.executable, "-c", _START, path, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=os.environ | _ENVIRONMENT,
            )
        _zygote = process, ours
    return _zygote[1]


@atexit.register
def _close() -> None:
    """Ends the zygote, with whatever it hosts."""
    global _zygote  # noqa: PLW0603
    if _zygote is not None:
        process, connection = _zygote
        _zygote = None
        connection.close()
        try:
            process.wait(_CLOSING_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
