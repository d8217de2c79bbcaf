"""npz files, the format Keras ships MNIST in: four named arrays in a zip, read without trusting what they declare."""

import io
import math
import struct
import warnings
import zipfile
import zlib
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.files import MOST_BYTES, MOST_PACKED, check_file

ARRAYS = ("x_train", "y_train", "x_test", "y_test")

# What comes of reading damaged bytes. NumPy's header parser promises ValueError alone, but Python's own parser, which
# it runs on the header, has the others.
UNREADABLE: tuple[type[Exception], ...] = (
    *(OSError, EOFError, zlib.error, zipfile.BadZipFile, struct.error),
    *(ValueError, TypeError, LookupError, ArithmeticError, SyntaxError, TokenError, MemoryError, RuntimeError),
)


def read_npz(file: Path) -> dict[str, NDArray[Any]]:
    """The four ARRAYS of an npz file: numbers of any kind and shape but complex and empty. Nothing is unpickled.

    Raises one of UNREADABLE.
    """
    check_file(file)
    with zipfile.ZipFile(file) as archive:
        present = [member.removesuffix(".npy") for member in archive.namelist()]
        if missing := [name for name in ARRAYS if f"{name}.npy" not in archive.namelist()]:
            raise ValueError(f"has no {', no '.join(missing)}; it has {', '.join(present) or 'no array at all'}")
        return {name: _read_array(name, archive) for name in ARRAYS}


def _read_array(name: str, archive: zipfile.ZipFile) -> NDArray[Any]:
    """One array. np.load would allocate whatever size a header declares; here its bytes must be there first."""
    member = archive.getinfo(f"{name}.npy")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name} is compressed in a way NumPy does not write")
    if member.file_size > MOST_BYTES or member.file_size > MOST_PACKED * member.compress_size + 1000:
        raise ValueError(f"{name} claims {member.file_size} bytes, more than this machine or its packing can hold")
    data = archive.read(member)
    shape, fortran, dtype, values = _read_header(data)
    if dtype.kind not in "biuf":
        raise ValueError(f"{name} holds {dtype}, expected numbers")
    if 0 in shape:
        raise ValueError(f"{name} is empty: its header declares shape {shape}")
    if min(shape, default=1) < 0 or math.prod(shape) * dtype.itemsize != len(values):
        raise ValueError(f"{name} declares shape {shape} of {dtype}, but {len(values)} bytes follow its header")
    return np.frombuffer(values, dtype).reshape(shape, order="F" if fortran else "C")


def _read_header(data: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any], memoryview]:
    """Shape, whether in Fortran order, dtype, and the bytes that follow (numpy.lib.format, "Format Version 1.0")."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"has an array of format version {version}, expected (1, 0) or (2, 0)")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    with warnings.catch_warnings(action="ignore"):  # that Python 2 wrote a header is no fault
        shape, fortran, dtype = read(stream)
    return shape, fortran, dtype, memoryview(data)[stream.tell() :]
