"""Files that somebody names, to read or to write: what is none, or is endless, is refused before it is waited for."""

import errno
import os
import stat
from pathlib import Path

MOST_PACKED = 1040  # bytes that a packed one can stand for, in deflate
MOST_BYTES = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2  # of an array
_UNTOLD = 1 << 24  # bytes that a file may hold beyond what it says: it grows, or lies in /proc


def read_file(path: Path, most: int) -> bytes:
    """The bytes of a regular file. Raises OSError, for a folder, pipe, device, socket and for more than `most` too."""
    check_file(path)
    with path.open("rb") as file:
        held = os.fstat(file.fileno()).st_size
        limit = min(most, held + _UNTOLD)
        content = b"" if held > most else file.read(limit + 1)  # Python sets as much memory aside as it is told
    if held > most or len(content) > limit:
        raise OSError(errno.EFBIG, f"it holds more than {limit} bytes", str(path))
    return content


def check_file(path: Path) -> None:
    """Raises OSError for what is no regular file: opening a pipe, or reading a device, may never end."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is no file but a pipe, a device or a socket", str(path))


def check_target(path: Path) -> None:
    """Raises OSError for what is there and no regular file, so cannot be written over; a folder among them."""
    try:
        check_file(path)
    except FileNotFoundError:
        return
