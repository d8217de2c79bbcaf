"""IDX files, the format MNIST is shipped in: finding a data set's four, unpacking, parsing."""

import gzip
import math
import re
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model.files import MOST_BYTES, MOST_PACKED, check_file

CANONICAL = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
_NAME = re.compile(r"(?P<split>[^.].*-)?(?P<part>train|t10k|test)-(?P<kind>images|labels)[-.]idx[13]-ubyte(\.gz)?")
_UNSIGNED_BYTE = 0x08
_BEYOND = 1 << 20  # bytes that are read beyond what a header declares, to say how many there are


def find_idx_files(folder: Path) -> dict[str, Path]:
    """The files of the one data set in a folder, keyed x_train, y_train, x_test, y_test.

    Knows the names of MNIST, Fashion-MNIST and EMNIST, each plain or .gz; of a file and its .gz the plain one is taken.
    Raises OSError for a folder that cannot be listed, ValueError when files are missing or belong to several data sets.
    """
    found: dict[str, list[Path]] = {role: [] for role in CANONICAL}
    splits = set()
    for path in sorted(folder.iterdir()):
        name = _NAME.fullmatch(path.name)
        unpacked_too = path.suffix == ".gz" and path.with_suffix("").is_file()
        if name and path.is_file() and not unpacked_too:
            x_or_y = "x" if name["kind"] == "images" else "y"
            found[f"{x_or_y}_{'train' if name['part'] == 'train' else 'test'}"].append(path)
            splits.add(name["split"])
    if len(splits) > 1 or any(len(paths) > 1 for paths in found.values()):
        raise ValueError(
            f"holds several data sets: {', '.join(path.name for paths in found.values() for path in paths)}"
        )
    if missing := [CANONICAL[role] for role, paths in found.items() if not paths]:
        raise ValueError(f"has no {', no '.join(missing)} (nor its .gz)")
    return {role: paths[0] for role, paths in found.items()}


def unpacked(path: Path, dims: int) -> bytes:
    """The bytes of a file, gunzipped where they are gzip; of one that goes on for longer than its header says, a part.

    Raises OSError, EOFError or zlib.error; ValueError for a header that declares more than this machine can hold.
    """
    check_file(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        # The name does not decide: browsers unpack a download and leave .gz in its name.
        packed = file.peek(2).startswith(b"\x1f\x8b")
        with gzip.GzipFile(fileobj=file) if packed else file as stream:
            head = stream.read(_header(dims))
            most = min(_declared(head, dims) + _BEYOND, MOST_PACKED * size + 1000 if packed else size)
            if most > MOST_BYTES:
                raise ValueError(f"declares {most - _BEYOND} bytes, more than this machine can hold")
            return head + stream.read(most)


def _header(dims: int) -> int:
    return 4 + 4 * dims


def _declared(head: bytes, dims: int) -> int:
    """How many values a header promises; 0 where it is none."""
    return math.prod(struct.unpack_from(f">{dims}I", head, 4)) if len(head) == _header(dims) else 0


def parse_idx(data: bytes, dims: int) -> NDArray[np.uint8]:
    """The unsigned bytes of an IDX file as a read-only array; dims is 3 for images (n, rows, columns), 1 for labels.

    Format: two zero bytes, a type code, the number of dimensions, each size as a big-endian 32-bit integer, the values
    (LeCun, Cortes, Burges, "The MNIST database"). Raises ValueError for anything else and for an empty array.
    """
    header = _header(dims)
    if len(data) < header:
        raise ValueError(f"is truncated: {len(data)} bytes, and its header alone takes {header}")
    zeros, code, found = struct.unpack_from(">HBB", data)
    if zeros:
        raise ValueError(
            f"is no IDX file: its magic number is 0x{data[:4].hex()}, expected 0x{_UNSIGNED_BYTE << 8 | dims:08x}"
        )
    if code != _UNSIGNED_BYTE:
        raise ValueError(f"has values of type code 0x{code:02x}, expected 0x{_UNSIGNED_BYTE:02x} (unsigned bytes)")
    if found != dims:
        raise ValueError(f"has {found} dimensions, expected {dims}")
    shape = struct.unpack_from(f">{dims}I", data, 4)
    if 0 in shape:
        raise ValueError(f"is empty: its header declares shape {shape}")
    if math.prod(shape) != len(data) - header:
        more = "or more " if len(data) - header == math.prod(shape) + _BEYOND else ""
        raise ValueError(
            f"declares shape {shape}, {math.prod(shape)} bytes, but {len(data) - header} {more}follow its header"
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)
