"""Arrays converted once and memory-mapped ever after; any number of processes may fill the same entry at once."""

import hashlib
import json
import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.npz import ARRAYS, UNREADABLE

FORMAT = 1
Arrays = Mapping[str, NDArray[Any]]  # x_train, y_train, x_test, y_test


@dataclass(frozen=True)
class DatasetFacts:
    """What a data set says besides its arrays: scale > 0, classes >= 1, and a digest of 32 hex digits."""

    scale: float
    classes: int
    digest: str

    def __post_init__(self) -> None:
        if not (isinstance(self.scale, float) and 0 < self.scale <= 1):
            raise ValueError(f"scale must be above 0 and at most 1, got {self.scale!r}")
        if not (isinstance(self.classes, int) and self.classes >= 1):
            raise ValueError(f"classes must be a positive integer, got {self.classes!r}")
        if not re.fullmatch(r"[0-9a-f]{32}", self.digest):
            raise ValueError(f"digest must be 32 hex digits, got {self.digest!r}")


Content = tuple[Arrays, DatasetFacts]
Stamps = tuple[str | tuple[int, ...], ...]
_CHECKED: set[Stamps] = set()  # entries whose contents this process found sound


def cache_folder() -> Path:
    """Where converted data sets are kept: $SWEEPS_CACHE, or this user's cache folder for numpy-sweeps."""
    if chosen := os.environ.get("SWEEPS_CACHE"):
        return Path(chosen)
    from platformdirs import user_cache_dir  # imported only where it decides

    return Path(user_cache_dir("numpy-sweeps"))


def content_digest(arrays: Arrays, scale: float, classes: int) -> str:
    """32 hex digits over all that a data set is. Arrays in C order."""
    digest = hashlib.sha256(f"{scale!r} {classes}".encode())
    for name in ARRAYS:
        array = arrays[name]
        digest.update(f" {array.dtype.str} {array.shape} ".encode())
        digest.update(array.data.cast("B"))
    return digest.hexdigest()[:32]


def recall(entry: Path) -> Content | None:
    """What `keep` wrote, as read-only arrays backed by their files; None if it is missing or damaged.

    All contents are checked against their digest, once in a process for as long as the files are the same ones.
    """
    try:
        seen = _stamps(entry)
        meta = json.loads((entry / "meta.json").read_bytes())
        with warnings.catch_warnings(action="ignore"):  # NumPy takes some damage for the hand of Python 2
            # A view as plain ndarray: each slice of the subclass np.memmap costs more, and training slices a lot.
            arrays = {name: np.asarray(np.load(entry / f"{name}.npy", mmap_mode="r")) for name in ARRAYS}
        if meta["format"] != FORMAT or meta["arrays"] != _outlines(arrays):
            return None
        facts = DatasetFacts(meta["scale"], meta["classes"], meta["digest"])
        if seen not in _CHECKED:
            if content_digest(arrays, facts.scale, facts.classes) != facts.digest:
                return None
            _CHECKED.add(seen)
        return arrays, facts
    except UNREADABLE:
        return None


def keep(entry: Path, arrays: Arrays, facts: DatasetFacts) -> None:
    """Write an entry whole or not at all; where a sound one stands already, that one stays. Raises OSError.

    Readers of an entry being replaced keep their mapping: its files are moved and unlinked, never rewritten.
    """
    entry.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{entry.name}-"
    with TemporaryDirectory(prefix=prefix, dir=entry.parent, ignore_cleanup_errors=True) as scratch:
        fresh = Path(scratch, "fresh")
        fresh.mkdir()
        for name, array in arrays.items():
            with (fresh / f"{name}.npy").open("wb") as file:
                np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
                file.write(array.data.cast("B"))  # np.save takes no notice of a disk that gets full
                file.flush()
                os.fsync(file.fileno())
        meta = {"format": FORMAT, **asdict(facts), "arrays": _outlines(arrays)}
        with (fresh / "meta.json").open("w", encoding="utf-8") as text:
            json.dump(meta, text, indent=1)
            text.flush()
            os.fsync(text.fileno())
        try:
            fresh.rename(entry)
        except OSError:
            if recall(entry) is None:
                entry.rename(Path(scratch, "damaged"))
                fresh.rename(entry)


def _stamps(entry: Path) -> Stamps:
    """What tells the files of an entry from others that take their place."""
    stats = [(entry / name).stat() for name in ("meta.json", *(f"{name}.npy" for name in ARRAYS))]
    return str(entry), *((stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns) for stat in stats)


def _outlines(arrays: Arrays) -> dict[str, list[Any]]:
    return {name: [array.dtype.str, *array.shape] for name, array in arrays.items()}
