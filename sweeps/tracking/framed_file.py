"""A file that is only added to: each record framed with its length and a checksum, and on the disk before it counts.

A crash leaves what was there and perhaps the start of one more record: a torn tail, which is cut off. Whatever else is
not as it was written is damage: it is said with its place, and the file stays as it is.
"""

import fcntl
import hashlib
import os
import stat
import struct
import threading
import zlib
from contextlib import suppress
from pathlib import Path

from sweeps.errors import BusyError, OutboxError
from sweeps.tracking.on_disk import sync_names

_MAGIC = b"sweeps outbox 1\n"
_HEAD = struct.Struct("<QI")  # length of a record, and the checksum of these eight bytes: a wrong one leads nowhere
_DIGEST_BYTES = 16


class DamagedError(ValueError):
    """Bytes that are not as they were written. at: the first of the record that they are in."""

    def __init__(self, at: int) -> None:
        super().__init__(f"damaged at byte {at}")
        self.at = at


def framed(record: bytes) -> bytes:
    """A record as it stands in the file."""
    length = struct.pack("<Q", len(record))
    return length + struct.pack("<I", zlib.crc32(length)) + record + _digest(record)


def records_in(content: bytes) -> tuple[list[bytes], int]:
    """The records of a file's content, and where they end: what follows is a torn tail. Raises DamagedError."""
    if content[: len(_MAGIC)] != _MAGIC:
        if _MAGIC.startswith(content) or _is_unwritten(content):
            return [], 0
        raise DamagedError(0)
    records: list[bytes] = []
    at = len(_MAGIC)
    while len(content) - at >= _HEAD.size:
        if not any(content[at : at + _HEAD.size]) and _is_unwritten(content[at:]):
            break
        length, checksum = _HEAD.unpack_from(content, at)
        if zlib.crc32(content[at : at + 8]) != checksum:
            raise DamagedError(at)
        end = at + _HEAD.size + length
        if len(content) - end < _DIGEST_BYTES:
            break
        record, digest = content[at + _HEAD.size : end], content[end : end + _DIGEST_BYTES]
        if digest != _digest(record):
            if _is_unwritten(content[end:]):
                break
            raise DamagedError(at)
        records.append(record)
        at = end + _DIGEST_BYTES
    return records, at


class FramedFile:
    """Such a file, open for this process alone. Its methods may be called from several threads."""

    def __init__(self, path: Path) -> None:
        """Raises OutboxError where it cannot be written or is damaged, BusyError where another process holds it."""
        self.path = path
        self._lock = threading.Lock()
        try:
            self._file = _opened(path)
        except OSError as error:
            raise unwritable(path, error) from error
        self._end = 0
        try:
            self._mend()
        except BaseException:
            self.close()
            raise

    @property
    def place(self) -> Path:
        """Where it is now: somebody may have moved its folder. Where the system does not tell, where it was opened."""
        with suppress(OSError):
            if os.path.samestat(self.path.stat(), os.fstat(self._file)):
                return self.path
        now = self.path
        with suppress(OSError):
            now = Path(f"/proc/self/fd/{self._file}").readlink()
        return now if now.is_file() else self.path

    def read(self) -> list[bytes]:
        """The records. Raises OutboxError where they are damaged."""
        with self._lock:
            return self._read()[0]

    def _read(self) -> tuple[list[bytes], int]:
        """The records, and where they end."""
        content = self._content()
        try:
            return records_in(content)
        except DamagedError as error:
            remedy = "bring back a copy of it, or move it away: what the store does not hold is trained again"
            raise OutboxError(f"{self.path}: {error} of {len(content)}, and left as it is; {remedy}") from error

    def append(self, *records: bytes, sync: bool = True) -> None:
        """Adds records, in this order. sync: wait until they are on the disk. Raises OSError, and has added none."""
        with self._lock:
            if os.fstat(self._file).st_nlink == 0:
                self._save_from_deletion()
            self._write(b"".join(map(framed, records)), sync)

    def clear(self) -> None:
        """Takes all records away. Raises OSError."""
        with self._lock:
            os.ftruncate(self._file, len(_MAGIC))
            self._end = len(_MAGIC)

    def close(self) -> None:
        """Lets go of the file; a thread that writes to it later gets an OSError."""
        with self._lock:
            os.close(self._file)
            self._file = -1

    def _mend(self) -> None:
        """Cuts a torn tail."""
        _, self._end = self._read()
        try:
            os.ftruncate(self._file, self._end)
            if not self._end:
                self._write(_MAGIC, sync=True)
                sync_names(self.path.parent)
        except OSError as error:
            raise unwritable(self.path, error) from error

    def _content(self) -> bytes:
        parts: list[bytes] = []
        while part := os.pread(self._file, 1 << 24, sum(map(len, parts))):
            parts.append(part)
        return b"".join(parts)

    def _write(self, content: bytes, sync: bool) -> None:
        try:
            rest, at = memoryview(content), self._end
            while rest:
                written = os.pwrite(self._file, rest, at)
                rest, at = rest[written:], at + written
            if sync:
                os.fdatasync(self._file)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, self._end)
            raise
        self._end += len(content)

    def _save_from_deletion(self) -> None:
        """Writes the file anew, at its place, where somebody deleted it: it may be all that there is."""
        content = self._content()[: self._end]
        anew = _opened(self.path)
        try:
            os.ftruncate(anew, 0)
            while content[os.fstat(anew).st_size :]:
                os.pwrite(anew, content[os.fstat(anew).st_size :], os.fstat(anew).st_size)
        except OSError:
            os.close(anew)
            raise
        os.close(self._file)
        self._file = anew
        sync_names(self.path.parent)


def unwritable(path: Path, error: OSError) -> OutboxError:
    """What to say where it cannot be written."""
    why = error.strerror or error
    remedy = "make room, or name another place: SWEEPS_DATA for a server's, --tracking-uri for a file's"
    return OutboxError(f"{path}: cannot be written ({why}), and results go there before the store; {remedy}")


def _opened(path: Path) -> int:
    """The file, made where there is none, and locked. Raises OSError, BusyError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o666)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(0, "it is no file")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"{path} is held by another process, which runs or delivers this sweep") from None
    except BaseException:
        os.close(file)
        raise
    return file


def _digest(record: bytes) -> bytes:
    return hashlib.blake2b(record, digest_size=_DIGEST_BYTES).digest()


def _is_unwritten(content: bytes) -> bool:
    """Nothing but zeros: after a loss of power a file may be as long as it should be, and its end not written."""
    return not content.strip(b"\0")
