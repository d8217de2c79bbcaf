"""A room: a fork in which somebody's code runs, watched from outside by the process that it was forked from.

What is watched: the clock, the room's end, whether anybody still waits for it, and whatever the room started, which is
ended with it.
"""

import contextlib
import ctypes
import os
import pickle
import select
import signal
import socket
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import NoReturn

from sweeps.user_network.codec import encode
from sweeps.user_network.time_limit import AGAIN_SECONDS, GRACE_SECONDS

_TICK_SECONDS = 0.1
_COUNTED_SECONDS = 2 * _TICK_SECONDS  # of a tick at most: one that took longer was spent suspended
_SUSPENDED_SECONDS = 60.0  # that a fork may be at the least: more, or more than its time limit, and it is ended
_ENDING_SECONDS = 5.0  # given to what a room started, once it is killed
_LENGTH_BYTES = 8
_CHUNK = 1 << 20
_PARENT_DEATH_SIGNAL, _CHILD_SUBREAPER = 1, 36  # of Linux's prctl


def adopt_orphans() -> bool:
    """Makes this process the parent of whatever a room leaves behind; whether that is possible: it is on Linux."""
    return _prctl(_CHILD_SUBREAPER, 1) and _children() is not None


class Room:
    """One fork, from its start to the end of the last process that it started."""

    def __init__(self, request: bytes, asker: socket.socket, folder: Path, adopts: bool) -> None:
        """request: a sealed call. asker: waits for the answer. folder: to work in. adopts: orphans come to us."""
        self._asker, self._adopts = asker, adopts
        self._exit: int | None = None
        self._suspended = False
        self._answer = bytearray()
        self._pipe, inside = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            asker.close()
            _live(request, folder, inside, alone=not adopts)
        os.close(inside)
        os.set_blocking(self._pipe, False)

    def watched(self, wall: float) -> tuple[str | None, bytes]:
        """(how it ended: "" where it answered, None where nobody waits any more; its answer), once all has ended.

        wall: seconds by the clock, suspended time left out, after which it is told to stop, and then killed.
        """
        try:
            return self._watched(wall)
        finally:
            self._end()

    def _watched(self, wall: float) -> tuple[str | None, bytes]:
        grace = min(GRACE_SECONDS, wall)
        awake, asleep, told, before = 0.0, 0.0, wall, time.monotonic()
        sources: list[int | socket.socket] = [self._asker, self._pipe]
        while not self._answered() and not self._has_exited():
            ready, _, _ = select.select(sources, [], [], _TICK_SECONDS)
            if self._asker in ready:  # it asks for nothing while it waits: it has gone
                return None, b""
            if self._pipe in ready and not self._read():
                sources.remove(self._pipe)
            now = time.monotonic()
            passed = min(now - before, _COUNTED_SECONDS)
            awake, asleep = (awake, asleep + passed) if self._suspended else (awake + passed, asleep)
            before = now
            if asleep > max(wall, _SUSPENDED_SECONDS):
                return f"was suspended for {asleep:.0f} s, while this process was not", b""
            if awake > wall + grace:
                return f"took no notice of its time limit, {wall:g} s by the clock", b""
            if awake > told:
                os.kill(self._pid, signal.SIGALRM)
                told += AGAIN_SECONDS
        self._read()
        if self._answered():
            return "", bytes(self._answer[_LENGTH_BYTES:])
        return _manner(self._exit or 0), b""

    def _answered(self) -> bool:
        sent = len(self._answer) - _LENGTH_BYTES
        return sent >= 0 and sent >= int.from_bytes(self._answer[:_LENGTH_BYTES], "big")

    def _read(self) -> bool:
        """Takes what the pipe holds; whether there may be more to come."""
        while True:
            try:
                part = os.read(self._pipe, _CHUNK)
            except BlockingIOError:
                return True
            if not part:
                return False
            self._answer += part

    def _has_exited(self) -> bool:
        """Whether the fork has ended; notes whether it is suspended."""
        while self._exit is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
            if pid == 0:
                return False
            if os.WIFSTOPPED(status) or os.WIFCONTINUED(status):
                self._suspended = os.WIFSTOPPED(status)
            else:
                self._exit = status
        return True

    def _end(self) -> None:
        """Ends the fork and all that it started."""
        os.close(self._pipe)
        if not self._adopts:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, signal.SIGKILL)
        if self._exit is None:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        deadline = time.monotonic() + _ENDING_SECONDS
        while self._adopts and (left := _children()) and time.monotonic() < deadline:
            for pid in left:  # the children of those that die come to this process in their turn
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _manner(status: int) -> str:
    """How a process ended, in words."""
    if os.WIFSIGNALED(status):
        return f"was ended by {signal.Signals(os.WTERMSIG(status)).name}"
    return f"left with exit code {os.WEXITSTATUS(status)}"


def _live(request: bytes, folder: Path, out: int, alone: bool) -> NoReturn:
    """In the fork: does what is asked, answers with data, and leaves. alone: it leads a group of its own."""
    if alone:
        os.setsid()
    _prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    try:
        os.chdir(folder)
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
        answer = _answer(request)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        with open(out, "wb") as pipe:
            pipe.write(len(answer).to_bytes(_LENGTH_BYTES, "big") + answer)
    except BaseException:  # noqa: BLE001 - nothing of ours may run on in the fork
        traceback.print_exc()
    finally:
        os._exit(0)


def _answer(request: bytes) -> bytes:
    """What a call returns, or what it raised, as data."""
    try:
        function, arguments = pickle.loads(request)  # of the process that asks, which runs nobody's code
        return encode(("returned", function(*arguments)))
    except BaseException as error:  # noqa: BLE001 - whatever is raised here is data
        kind = type(error)
        name = kind.__name__ if kind.__module__ == "sweeps.errors" else ""
        told = "".join(traceback.format_exception(error))
        return encode(("raised", name, _said(error), told))


def _said(error: BaseException) -> str:
    """What an exception says of itself; where it cannot even do that, what Python says."""
    with contextlib.suppress(Exception):
        return str.__str__(str(error))
    return "".join(traceback.format_exception_only(error)).strip()


def _children() -> list[int] | None:
    """The processes whose parent this single thread is; None where the system does not say."""
    try:
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    except OSError:
        return None


def _prctl(option: int, value: int) -> bool:
    try:
        return bool(ctypes.CDLL(None).prctl(option, value, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False
