"""Labelled examples to learn from: MNIST (package data), digits (scikit-learn), folders of IDX files, npz files."""

import difflib
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.cache import FORMAT, Arrays, Content, DatasetFacts, cache_folder, content_digest, keep, recall
from model.idx import CANONICAL, find_idx_files, parse_idx, unpacked
from model.npz import ARRAYS, UNREADABLE, read_npz

__all__ = [
    "Dataset",
    "DatasetError",
    "Examples",
    "Split",
    "cache_folder",
    "digits",
    "keep_sent",
    "load",
    "load_exactly",
    "mnist",
]

FORMS = ("mnist", "digits", "idx:FOLDER", "npz:FILE")
MAX_CLASSES = 65535
MNIST = Path(__file__).parent / "data" / "mnist"
MNIST_MD5 = {
    "x_train": "6bbc9ace898e44ae57da46a324031adb",
    "y_train": "a25bea736e30d166cdddb491f175f624",
    "x_test": "2646ac647ad5339dbf082846283269ea",
    "y_test": "27ae3e4e09519cfbb04c329615203637",
}


class DatasetError(ValueError):
    """A data set that cannot be used: the message names the file, what is wrong with it, and the remedy."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Examples and their classes, as stored: read-only arrays, often backed by a file of the cache.

    x: (n, features), uint8, float32 or float64; a network sees x * scale.
    y: (n,), uint8 or int64, the class of each example, 0 to classes - 1.
    scale: 1/255 for byte images, 1/16 for digits, 1.0 for floats.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    scale: float
    classes: int

    def __post_init__(self) -> None:
        if self.x.ndim != 2 or self.y.shape != self.x.shape[:1]:
            raise ValueError(f"x must be (n, features) and y (n,), got {self.x.shape} and {self.y.shape}")

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, part: slice) -> "Examples":
        return Examples(self.x[part], self.y[part], self.scale, self.classes)

    @property
    def features(self) -> int:
        return int(self.x.shape[1])


@dataclass(frozen=True)
class Split:
    """A data set with part of its training set held back for validation."""

    train: Examples
    validation: Examples
    test: Examples


@dataclass(frozen=True)
class Dataset:
    """A training and a test set of equal features, scale, classes and dtypes.

    name: the source as a spec names it. digest: 32 hex digits over all of the content, whatever the cache did.
    """

    name: str
    train: Examples
    test: Examples
    digest: str

    def split(self, validation: int) -> Split:
        """Hold back the last `validation` training examples, 0 <= validation < len(train); ValueError otherwise."""
        n = len(self.train)
        if not 0 <= validation < n:
            raise ValueError(
                f"cannot hold back {validation} of the {n} training examples of {self.name}; "
                f"choose plan.validation below {n} and not below 0"
            )
        return Split(self.train[: n - validation], self.train[n - validation :], self.test)


def load(name: str, cache: Path | None = None) -> Dataset:
    """The data set a spec names: "mnist", "digits", "idx:FOLDER" or "npz:FILE".

    FOLDER holds one data set as MNIST, Fashion-MNIST and EMNIST ship it, plain or .gz. FILE holds the arrays x_train,
    y_train, x_test, y_test: x uint8 or float, (n, ...), flattened to (n, features); y integers, (n,) or (n, 1).
    The first load checks the source and converts it to memory-mapped arrays under `cache` (default `cache_folder()`);
    where nothing can be written the arrays stay in memory. Raises DatasetError.
    """
    identity, read = _source(name)
    key = hashlib.sha256(f"{FORMAT} {identity}".encode()).hexdigest()[:16]
    kind, _, where = name.partition(":")
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", f"{kind}-{Path(where).stem}")[:40].strip("-")
    entry = (cache_folder() if cache is None else cache) / f"{slug}-{key}"
    content = recall(entry)
    if content is None:
        content = read()
        with suppress(OSError):
            keep(entry, *content)
        # Whoever wins the race to write, all processes share the winner's pages.
        content = recall(entry) or content
    return _dataset(name, content)


def load_exactly(name: str, digest: str) -> Dataset:
    """The data set of that digest where `keep_sent` has kept it, else what `load` gives, of whatever digest."""
    content = recall(_sent(digest))
    if content is not None and content[1].digest == digest:
        return _dataset(name, content)
    return load(name)


def keep_sent(data: Dataset) -> None:
    """Keeps data from another machine in the cache, for `load_exactly`. Raises OSError, and ValueError if damaged."""
    train, test = data.train, data.test
    arrays = {"x_train": train.x, "y_train": train.y, "x_test": test.x, "y_test": test.y}
    digest = content_digest(arrays, train.scale, train.classes)
    if digest != data.digest:
        raise ValueError(f"{data.name} arrived with the digest {digest}, and was sent with {data.digest}")
    keep(_sent(digest), arrays, DatasetFacts(train.scale, train.classes, digest))


def _sent(digest: str) -> Path:
    return cache_folder() / f"sent-{digest}"


def _dataset(name: str, content: Content) -> Dataset:
    arrays, facts = content
    train = Examples(arrays["x_train"], arrays["y_train"], facts.scale, facts.classes)
    test = Examples(arrays["x_test"], arrays["y_test"], facts.scale, facts.classes)
    return Dataset(name, train, test, facts.digest)


def mnist(cache: Path | None = None) -> Dataset:
    """60,000 training and 10,000 test images of handwritten digits, 28 x 28 bytes (LeCun, Cortes, Burges)."""
    return load("mnist", cache)


def digits(cache: Path | None = None) -> Dataset:
    """scikit-learn's digits: the first 1,500 train, the last 297 test; 8 x 8 pixels of 0 to 16."""
    return load("digits", cache)


def _source(name: str) -> tuple[str, Callable[[], Content]]:
    """What identifies the content of a source without reading it, and what reads and checks it."""
    kind, _, where = name.partition(":")
    if name == "mnist":
        files = {role: MNIST / f"{canonical}.gz" for role, canonical in CANONICAL.items()}
        return "mnist 1", partial(_from_idx, files, "reinstall numpy-sweeps", MNIST_MD5)
    if name == "digits":
        return "digits 1", _from_digits
    if kind == "idx" and where:
        with _blaming(where, "name a folder that holds the four IDX files of one data set"):
            files = find_idx_files(Path(where).expanduser())
            return _identity(files.values()), partial(_from_idx, files, "download it again", {})
    if kind == "npz" and where:
        with _blaming(where, "name an npz file"):
            file = Path(where).expanduser()
            return _identity([file]), partial(_from_npz, file)
    nearest = difflib.get_close_matches(kind.lower(), [form.partition(":")[0] for form in FORMS], n=1, cutoff=0.4)
    hint = "".join(f"; did you mean {form}?" for form in FORMS if nearest and form.startswith(nearest[0]))
    raise DatasetError(f"unknown dataset {name!r}; choose one of {', '.join(FORMS)}{hint}")


def _identity(files: Iterable[Path]) -> str:
    stats = [(file.resolve(), file.stat()) for file in files]
    return " ".join(f"{str(path)!r} {stat.st_size} {stat.st_mtime_ns}" for path, stat in stats)


def _from_digits() -> Content:
    from sklearn.datasets import load_digits  # takes a second, and only this data set needs it

    x, y = load_digits(return_X_y=True)
    x, y = x.astype(np.uint8), y.astype(np.uint8)
    return _content({"x_train": x[:1500], "y_train": y[:1500], "x_test": x[1500:], "y_test": y[1500:]}, scale=1 / 16)


def _from_idx(files: Mapping[str, Path], remedy: str, md5: Mapping[str, str]) -> Content:
    arrays = {}
    for role, file in files.items():
        with _blaming(file, remedy):
            dims = 3 if role.startswith("x") else 1
            data = unpacked(file, dims)
            found = hashlib.md5(data, usedforsecurity=False).hexdigest()
            if found != md5.get(role, found):
                raise ValueError(f"has MD5 {found} when unpacked, expected {md5[role]}")
            arrays[role] = parse_idx(data, dims)
    return _checked(arrays, {role: str(file) for role, file in files.items()})


def _from_npz(file: Path) -> Content:
    with _blaming(file, "save it with np.savez(file, x_train=..., y_train=..., x_test=..., y_test=...)"):
        arrays = read_npz(file)
    return _checked(arrays, {name: f"{file}: {name}" for name in ARRAYS})


def _checked(arrays: Arrays, places: Mapping[str, str]) -> Content:
    """The content of four arrays as a file holds them, none empty; places says what to call each in a message."""
    y_train, y_test = (_labels(arrays[role], places[role]) for role in ("y_train", "y_test"))
    x_train, x_test = _pixels(arrays["x_train"], arrays["x_test"], places["x_train"], places["x_test"])
    for x, y, part in ((x_train, y_train, "train"), (x_test, y_test, "test")):
        if len(x) != len(y):
            raise DatasetError(
                f"{places[f'x_{part}']}: has {len(x)} examples, but {places[f'y_{part}']} has {len(y)} labels; "
                "give every example one label"
            )
    if x_train.shape[1] != x_test.shape[1]:
        raise DatasetError(
            f"{places['x_test']}: has {x_test.shape[1]} features an example, but {places['x_train']} has "
            f"{x_train.shape[1]}; give training and test examples the same size"
        )
    scale = 1 / 255 if x_train.dtype == np.uint8 else 1.0
    return _content({"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}, scale)


def _labels(y: NDArray[Any], place: str) -> NDArray[Any]:
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise DatasetError(
            f"{place}: has shape {y.shape}, expected (n,); turn one-hot labels into classes with y.argmax(1)"
        )
    if y.dtype.kind not in "iu":
        raise DatasetError(f"{place}: holds {y.dtype} labels, expected integers; convert with y.astype(np.int64)")
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= MAX_CLASSES:
        wrong = low if low < 0 else high
        raise DatasetError(f"{place}: has label {wrong}; number the classes from 0 to at most {MAX_CLASSES - 1}")
    return y.astype(np.int64)


def _pixels(train: NDArray[Any], test: NDArray[Any], *places: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both sets flattened to (n, features), in the one dtype both are kept in: uint8, float32 or float64."""
    both = (train, test)
    for x, place in zip(both, places, strict=True):
        if x.ndim < 2:
            raise DatasetError(f"{place}: has shape {x.shape}, expected (n, features); use x.reshape(n, -1)")
    kinds = {"integers" if x.dtype.kind in "iu" else "fractions" for x in both}
    if len(kinds) == 2:
        raise DatasetError(f"{places[1]}: holds {test.dtype}, but {places[0]} {train.dtype}; store both in one dtype")
    dtype: type[np.generic] = np.float64
    if kinds == {"integers"} and all(x.dtype == np.uint8 or (x.min() >= 0 and x.max() <= 255) for x in both):
        dtype = np.uint8
    elif kinds == {"fractions"} and all(x.dtype.itemsize <= 4 for x in both):
        dtype = np.float32
    with np.errstate(over="ignore"):  # a long double beyond float64 becomes infinite and is refused below
        flat = [np.ascontiguousarray(x.reshape(len(x), -1), dtype) for x in both]
    for x, place in zip(flat, places, strict=True):
        if dtype != np.uint8 and not (finite := np.isfinite(x).all(axis=1)).all():
            raise DatasetError(
                f"{place}: has a NaN or infinite value in example {finite.argmin()}; drop or repair such examples"
            )
    return flat[0], flat[1]


def _content(arrays: Arrays, scale: float) -> Content:
    """Four checked arrays in the form they are kept in, with what is known of them."""
    classes = int(max(arrays["y_train"].max(), arrays["y_test"].max())) + 1
    label = np.uint8 if classes <= 256 else np.int64
    arrays = {name: array.astype(label) if name.startswith("y") else array for name, array in arrays.items()}
    for array in arrays.values():
        array.setflags(write=False)  # as they will be when they come from the cache
    return arrays, DatasetFacts(scale, classes, content_digest(arrays, scale, classes))


@contextmanager
def _blaming(path: str | Path, remedy: str) -> Iterator[None]:
    """Turn what reading a bad file raises into a DatasetError that names the file and the remedy."""
    try:
        yield
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror or error}); {remedy}") from error
    except UNREADABLE as error:
        raise DatasetError(f"{path}: {error or type(error).__name__}; {remedy}") from error
