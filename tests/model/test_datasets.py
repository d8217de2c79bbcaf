"""Data sets: what is written is what is read, however often, however many at once, and however damaged."""

import gzip
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

import model.datasets
from model.datasets import Dataset, DatasetError, Examples, cache_folder, digits, load, mnist

Arrays = dict[str, NDArray[Any]]

NO_CACHE = Path(__file__) / "a file is no folder"
IDX_NAMES = {
    "mnist": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
    "dotted": (
        "train-images.idx3-ubyte",
        "train-labels.idx1-ubyte",
        "t10k-images.idx3-ubyte",
        "t10k-labels.idx1-ubyte",
    ),
    "test": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "test-images-idx3-ubyte", "test-labels-idx1-ubyte"),
    "emnist": tuple(
        f"emnist-balanced-{part}-{kind}-ubyte" for part in ("train", "test") for kind in ("images-idx3", "labels-idx1")
    ),
}
ROLES = ("x_train", "y_train", "x_test", "y_test")
SMALL: Arrays = {
    "x_train": np.arange(5 * 6, dtype=np.uint8).reshape(5, 2, 3),
    "y_train": np.array([0, 1, 2, 0, 1], np.uint8),
    "x_test": np.arange(100, 112, dtype=np.uint8).reshape(2, 2, 3),
    "y_test": np.array([3, 0], np.uint8),
}
# Eight of these load the named data set each time a line arrives, all at the same moment.
LOADER = """
import sys
from model.datasets import load
print("ready", flush=True)
for line in sys.stdin:
    data = load(line.strip())
    print(data.digest, data.train.x.sum(), data.test.y.sum(), flush=True)
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWEEPS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_idx(tmp_path / "idx", SMALL)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_npz(tmp_path / "small.npz", SMALL)


def idx(values: NDArray[np.uint8]) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes()


def write_idx(folder: Path, arrays: Arrays, names: str = "mnist", zipped: bool = False) -> Path:
    folder.mkdir(exist_ok=True)
    for role, name in zip(ROLES, IDX_NAMES[names], strict=True):
        data = idx(arrays[role])
        (folder / f"{name}{'.gz' * zipped}").write_bytes(gzip.compress(data) if zipped else data)
    return folder


def write_npz(file: Path, arrays: Arrays, **changes: object) -> Path:
    np.savez(file, **{**arrays, **changes})  # type: ignore[arg-type]
    return file


def assert_holds(data: Dataset, arrays: Arrays) -> None:
    for part, examples in (("train", data.train), ("test", data.test)):
        x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
        np.testing.assert_array_equal(examples.x, x.reshape(len(x), -1))
        np.testing.assert_array_equal(examples.y, y.reshape(-1))
    assert_valid(data)


def assert_valid(data: Dataset) -> None:
    assert data.train.features == data.test.features
    assert data.train.x.dtype == data.test.x.dtype
    for examples in (data.train, data.test):
        assert len(examples) == len(examples.x) == len(examples.y) > 0
        assert examples.x.dtype in (np.uint8, np.float32, np.float64)
        assert examples.scale == (1 / 255 if examples.x.dtype == np.uint8 else 1.0)
        assert examples.x.flags.c_contiguous
        assert not examples.x.flags.writeable
        assert not examples.y.flags.writeable
        assert np.isfinite(examples.x).all()
        assert examples.y.dtype == (np.uint8 if examples.classes <= 256 else np.int64)
        assert examples.y.max() < examples.classes
    assert len(data.digest) == 32


def refusal(name: str) -> str:
    with pytest.raises(DatasetError) as refused:
        load(name)
    return str(refused.value)


byte_arrays = st.tuples(*[st.integers(1, 4)] * 4).flatmap(
    lambda n: st.fixed_dictionaries(
        {
            "x_train": hnp.arrays(np.uint8, (n[0], n[2], n[3])),
            "y_train": hnp.arrays(np.uint8, n[0]),
            "x_test": hnp.arrays(np.uint8, (n[1], n[2], n[3])),
            "y_test": hnp.arrays(np.uint8, n[1]),
        }
    )
)
pixels = {
    "uint8": st.integers(0, 255),
    "int64": st.integers(-300, 300),
    "float16": st.floats(-(2.0**14), 2.0**14, width=16),
    ">f4": st.floats(-(2.0**100), 2.0**100, width=32),
    "float64": st.floats(-1e300, 1e300),
}
npz_arrays = st.tuples(
    *[st.integers(1, 4)] * 2,
    hnp.array_shapes(max_dims=3, max_side=3),
    st.sampled_from(sorted(pixels)),
    st.sampled_from(["uint8", "int32", ">i8", "uint64"]),
    st.sampled_from([(), (1,)]),
).flatmap(
    lambda n: st.fixed_dictionaries(
        {
            "x_train": hnp.arrays(n[3], (n[0], *n[2]), elements=pixels[n[3]]),
            "y_train": hnp.arrays(n[4], (n[0], *n[5]), elements=st.integers(0, 255)),
            "x_test": hnp.arrays(n[3], (n[1], *n[2]), elements=pixels[n[3]]),
            "y_test": hnp.arrays(n[4], (n[1], *n[5]), elements=st.integers(0, 255)),
        }
    )
)


@settings(deadline=None, max_examples=40)
@given(arrays=byte_arrays, names=st.sampled_from(sorted(IDX_NAMES)), zipped=st.booleans())
def test_what_is_written_to_idx_files_is_what_is_read(arrays: Arrays, names: str, zipped: bool) -> None:
    with TemporaryDirectory() as folder:
        write_idx(Path(folder), arrays, names, zipped)
        data = load(f"idx:{folder}", NO_CACHE)
    assert_holds(data, arrays)
    assert data.train.classes == 1 + max(int(arrays[role].max()) for role in ("y_train", "y_test"))


@settings(deadline=None, max_examples=60)
@given(arrays=npz_arrays, save=st.sampled_from([np.savez, np.savez_compressed]), fortran=st.booleans())
def test_what_is_written_to_an_npz_is_what_is_read(arrays: Arrays, save: Callable[..., None], fortran: bool) -> None:
    with TemporaryDirectory() as folder:
        save(f"{folder}/some.npz", **{k: np.asfortranarray(v) if fortran else v for k, v in arrays.items()})
        data = load(f"npz:{folder}/some.npz", NO_CACHE)
    assert_holds(data, arrays)


@pytest.mark.parametrize("name", ["digits", "idx:{folder}", "npz:{file}"])
def test_digest_and_content_are_the_same_with_cold_cache_and_warm_cache_and_none(
    name: str, cache: Path, folder: Path, file: Path
) -> None:
    name = name.format(folder=folder, file=file)
    cold, warm, bare = load(name), load(name), load(name, NO_CACHE)
    assert cold.digest == warm.digest == bare.digest
    assert cold.name == warm.name == bare.name == name
    assert len(list(cache.iterdir())) == 1
    for data in (warm, bare):
        for mine, theirs in ((data.train, cold.train), (data.test, cold.test)):
            np.testing.assert_array_equal(mine.x, theirs.x)
            np.testing.assert_array_equal(mine.y, theirs.y)
            assert (mine.x.dtype, mine.y.dtype) == (theirs.x.dtype, theirs.y.dtype)
            assert (mine.scale, mine.classes) == (theirs.scale, theirs.classes)
            assert not mine.x.flags.writeable


def test_digest_tells_contents_apart_and_nothing_else(tmp_path: Path, folder: Path, file: Path) -> None:
    digest = load(f"npz:{file}").digest
    assert load(f"idx:{folder}").digest == digest
    for number, (role, change) in enumerate(
        {"x_test": SMALL["x_test"] + 1, "y_train": SMALL["y_train"][::-1], "y_test": [4, 0]}.items()
    ):
        changed = write_npz(tmp_path / f"{number}.npz", SMALL, **{role: np.asarray(change)})
        assert load(f"npz:{changed}").digest != digest
    floats = {role: SMALL[role].astype(np.float32) for role in ("x_train", "x_test")}
    assert load(f"npz:{write_npz(tmp_path / 'floats.npz', SMALL, **floats)}").digest != digest


def test_a_changed_source_is_read_again(file: Path) -> None:
    before = load(f"npz:{file}")
    write_npz(file, SMALL, y_test=np.array([1, 1]))
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))  # two writes may fall into one tick of a coarse clock
    after = load(f"npz:{file}")
    assert before.test.y.tolist() == [3, 0]
    assert after.test.y.tolist() == [1, 1]


def test_mnist_is_what_its_authors_published(cache: Path) -> None:
    data = mnist()
    assert (data.train.x.shape, data.test.x.shape, data.train.classes) == ((60000, 784), (10000, 784), 10)
    assert (len(data.train), len(data.test), data.train.scale) == (60000, 10000, 1 / 255)
    assert data.train.y[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(data.test.y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.train.x.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert data.digest == "3564e190d996636d45f28f6edaa63113"
    assert_valid(data)
    assert [entry.name.partition("-")[0] for entry in cache.iterdir()] == ["mnist"]


def test_digits_are_bytes_of_0_to_16() -> None:
    data = digits()
    assert (data.train.x.shape, data.test.x.shape, data.train.classes) == ((1500, 64), (297, 64), 10)
    assert (data.train.x.dtype, data.train.x.max(), data.train.scale) == (np.dtype(np.uint8), 16, 1 / 16)
    assert data.train.y[:3].tolist() == [0, 1, 2]


def test_a_slice_of_examples_is_examples() -> None:
    part = digits().train[100:110]
    assert (len(part), part.features, part.scale, part.classes) == (10, 64, 1 / 16, 10)


def test_examples_refuse_a_label_too_few() -> None:
    with pytest.raises(ValueError, match=r"got \(3, 2\) and \(2,\)"):
        Examples(np.zeros((3, 2)), np.zeros(2, np.uint8), 1.0, 1)


@given(validation=st.integers(0, 4))
def test_a_split_holds_back_the_last_training_examples(validation: int) -> None:
    x, y = np.arange(10.0).reshape(5, 2), np.arange(5)
    data = Dataset("some", Examples(x, y, 1.0, 5), Examples(x, y, 1.0, 5), "")
    split = data.split(validation)
    assert split.train.y.tolist() + split.validation.y.tolist() == [0, 1, 2, 3, 4]
    assert len(split.validation) == validation
    assert split.test is data.test


@pytest.mark.parametrize("validation", [-1, 5, 60000])
def test_a_split_that_leaves_no_training_examples_is_refused(validation: int, file: Path) -> None:
    with pytest.raises(ValueError, match=rf"{validation} of the 5 .* choose plan\.validation below 5"):
        load(f"npz:{file}").split(validation)


def test_labels_of_more_than_256_classes_are_kept_whole(tmp_path: Path) -> None:
    name = f"npz:{write_npz(tmp_path / 'many.npz', SMALL, y_test=np.array([65534, 0]))}"
    for data in (load(name), load(name)):
        assert (data.train.classes, data.test.y.dtype, data.test.y.max()) == (65535, np.dtype(np.int64), 65534)


@pytest.mark.parametrize(
    ("stored", "kept"),
    [
        (np.arange(4, dtype=np.int64), np.uint8),
        (np.arange(253, 257), np.float64),
        (np.arange(-1, 3), np.float64),
        (np.ones(4, bool), np.float32),
        (np.ones(4, np.longdouble), np.float64),
    ],
)
def test_pixels_are_kept_in_the_smallest_dtype_that_holds_both_sets(
    stored: NDArray[Any], kept: type, tmp_path: Path
) -> None:
    x = {"x_train": np.ones((5, 4), stored.dtype), "x_test": np.array([stored, stored])}
    data = load(f"npz:{write_npz(tmp_path / 'some.npz', SMALL, **x)}")
    assert data.train.x.dtype == data.test.x.dtype == kept
    np.testing.assert_array_equal(data.test.x[0], stored)


def test_of_a_file_and_its_gz_the_plain_one_is_read(folder: Path) -> None:
    for path in list(folder.iterdir()):
        (folder / f"{path.name}.gz").write_bytes(b"what was downloaded")
    assert_holds(load(f"idx:{folder}"), SMALL)


def test_a_gz_that_a_browser_has_unpacked_is_read(folder: Path) -> None:
    for path in list(folder.iterdir()):
        path.rename(folder / f"{path.name}.gz")
    assert_holds(load(f"idx:{folder}"), SMALL)


@pytest.fixture
def loaders() -> Iterator[list[subprocess.Popen[str]]]:
    environment = {**os.environ, "PYTHONPATH": str(Path(model.datasets.__file__).parents[1])}
    command = [sys.executable, "-c", LOADER]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    started: list[subprocess.Popen[str]] = [subprocess.Popen(command, **pipes) for _ in range(8)]  # type: ignore[call-overload]
    yield started
    for process in started:
        process.communicate()
        assert process.returncode == 0


def test_eight_processes_that_load_at_once_get_the_same_data(
    loaders: list[subprocess.Popen[str]], cache: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    x = {role: rng.integers(0, 256, (1000, 784), np.uint8) for role in ("x_train", "x_test")}
    y = {role: rng.integers(0, 10, 1000) for role in ("y_train", "y_test")}
    name = f"npz:{write_npz(tmp_path / 'race.npz', {**x, **y})}"
    expected = load(name, NO_CACHE)
    line = f"{expected.digest} {x['x_train'].sum()} {y['y_test'].sum()}\n"
    streams = [(process.stdin, process.stdout) for process in loaders]
    assert all(stdout.readline() == "ready\n" for _, stdout in streams if stdout)

    for _ in ("empty cache", "damaged entry", "damaged again"):
        for stdin, _ in streams:
            assert stdin is not None
            stdin.write(f"{name}\n")
            stdin.flush()
        assert [stdout.readline() for _, stdout in streams if stdout] == [line] * 8
        (entry,) = cache.iterdir()
        assert {path.name for path in entry.iterdir()} == {"meta.json", *(f"{role}.npy" for role in ROLES)}
        (entry / "x_test.npy").unlink()


def replace_by_file(entry: Path) -> None:
    for path in entry.iterdir():
        path.unlink()
    entry.rmdir()
    entry.write_bytes(b"")


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: (entry / "y_test.npy").unlink(),
        lambda entry: (entry / "meta.json").unlink(),
        lambda entry: (entry / "meta.json").write_text('["format"]'),
        lambda entry: (entry / "meta.json").write_text('{"format": 1, "sca'),
        lambda entry: (entry / "meta.json").write_bytes(b"\xff"),
        lambda entry: (entry / "x_train.npy").write_bytes((entry / "x_train.npy").read_bytes()[:-1]),
        lambda entry: (entry / "x_train.npy").write_bytes((entry / "x_train.npy").read_bytes()[:20]),
        lambda entry: (entry / "x_train.npy").write_bytes(b""),
        lambda entry: np.save(entry / "y_train.npy", np.zeros(4, np.uint8)),
        lambda entry: np.save(entry / "x_train.npy", np.array([None]), allow_pickle=True),
        replace_by_file,
    ],
)
def test_a_damaged_entry_is_rebuilt(damage: Callable[[Path], object], cache: Path, file: Path) -> None:
    digest = load(f"npz:{file}").digest
    (entry,) = cache.iterdir()
    damage(entry)
    rebuilt = load(f"npz:{file}")
    assert rebuilt.digest == digest
    assert_holds(rebuilt, SMALL)
    assert list(cache.iterdir()) == [entry]
    assert len(list(entry.iterdir())) == 5
    stamp = (entry / "x_train.npy").stat().st_mtime_ns
    load(f"npz:{file}")
    assert (entry / "x_train.npy").stat().st_mtime_ns == stamp


@settings(deadline=None, max_examples=40)
@given(damage=st.data())
def test_damage_to_the_outline_of_an_entry_is_never_an_error(damage: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        file, cache = write_npz(Path(folder, "some.npz"), SMALL), Path(folder, "cache")
        load(f"npz:{file}", cache)
        (meta,) = cache.glob("*/meta.json")
        (header,) = cache.glob("*/x_train.npy")
        damaged = damage.draw(st.sampled_from([meta, header]))
        whole = damaged.read_bytes()
        damaged.write_bytes(damage.draw(corrupted(whole[:80])) + whole[80:])
        data = load(f"npz:{file}", cache)
    assert data.train.x.shape == (5, 6)
    np.testing.assert_array_equal(data.train.y, SMALL["y_train"])


def test_a_warm_cache_needs_neither_scikit_learn_nor_platformdirs(file: Path) -> None:
    load("digits")
    code = "import sys, model.datasets as d; d.load('digits'); print({'sklearn', 'platformdirs'} & {*sys.modules})"
    root = Path(model.datasets.__file__).parents[1]
    shown = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert shown.stdout == "set()\n"


def test_the_cache_lies_where_the_environment_says_else_in_the_folder_of_the_user(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache_folder() == cache
    monkeypatch.delenv("SWEEPS_CACHE")
    assert "numpy-sweeps" in str(cache_folder())


def corrupted(whole: bytes) -> st.SearchStrategy[bytes]:
    flips = st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(1, 255)), min_size=1, max_size=4)

    def flipped(places: list[tuple[int, int]]) -> bytes:
        data = bytearray(whole)
        for place, mask in places:
            data[place] ^= mask
        return bytes(data)

    truncated = st.integers(0, len(whole) - 1).map(lambda length: whole[:length])
    longer = st.binary(min_size=1, max_size=9).map(lambda tail: whole + tail)
    return flips.map(flipped) | truncated | longer


def valid_or_refused(name: str, file: str) -> None:
    try:
        data = load(name, NO_CACHE)
    except DatasetError as error:
        assert file in str(error)  # noqa: PT017
    else:
        assert_valid(data)


@settings(deadline=None, max_examples=120)
@given(damage=st.data(), zipped=st.booleans(), role=st.sampled_from(ROLES))
def test_a_corrupt_idx_file_is_refused_or_still_valid(damage: st.DataObject, zipped: bool, role: str) -> None:
    with TemporaryDirectory() as folder:
        write_idx(Path(folder), SMALL, zipped=zipped)
        file = Path(folder, IDX_NAMES["mnist"][ROLES.index(role)] + ".gz" * zipped)
        file.write_bytes(damage.draw(corrupted(file.read_bytes())))
        valid_or_refused(f"idx:{folder}", folder)


@settings(deadline=None, max_examples=120)
@given(damage=st.data(), save=st.sampled_from([np.savez, np.savez_compressed]))
def test_a_corrupt_npz_is_refused_or_still_valid(damage: st.DataObject, save: Callable[..., None]) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder, "some.npz")
        save(file, **SMALL)
        file.write_bytes(damage.draw(corrupted(file.read_bytes())))
        valid_or_refused(f"npz:{file}", str(file))


@settings(deadline=None, max_examples=120)
@given(damage=st.data(), role=st.sampled_from(ROLES))
def test_a_corrupt_array_in_a_sound_zip_is_refused_or_still_valid(damage: st.DataObject, role: str) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder, "some.npz")
        member = io.BytesIO()
        np.save(member, SMALL[role])
        write_members(file, {role: damage.draw(corrupted(member.getvalue()))})
        valid_or_refused(f"npz:{file}", str(file))


def write_members(file: Path, members: dict[str, bytes]) -> None:
    """An npz of SMALL with some of its members' bytes given outright."""
    with zipfile.ZipFile(file, "w") as archive:
        for role, array in SMALL.items():
            member = io.BytesIO()
            np.save(member, array)
            archive.writestr(f"{role}.npy", members.get(role, member.getvalue()))


def npy(header: str, values: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + values


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mnits", "did you mean mnist?"),
        ("Digits", "did you mean digits?"),
        ("npx:some.npz", "did you mean npz:FILE?"),
        ("idx", "did you mean idx:FOLDER?"),
        ("npz:", "did you mean npz:FILE?"),
        ("mnist:twice", "did you mean mnist?"),
        ("?", "npz:FILE"),
        ("", "npz:FILE"),
    ],
)
def test_an_unknown_name_is_answered_with_the_four_forms_and_the_nearest(name: str, hint: str) -> None:
    message = refusal(name)
    assert repr(name) in message
    assert "choose one of mnist, digits, idx:FOLDER, npz:FILE" in message
    assert message.endswith(hint)


TRUNCATED = idx(SMALL["x_train"])[:-1]
LYING = bytes([0, 0, 8, 3]) + b"\xff" * 12
X, Y = IDX_NAMES["mnist"][:2]


@pytest.mark.parametrize(
    ("file", "data", "said"),
    [
        pytest.param(X, b"", "is truncated", id="nothing"),
        pytest.param(X, TRUNCATED[:10], "is truncated", id="half a header"),
        pytest.param(X, TRUNCATED, "declares shape (5, 2, 3), 30 bytes, but 29 follow", id="one byte short"),
        pytest.param(X, idx(SMALL["x_train"]) + b"0", "but 31 follow", id="one byte more"),
        pytest.param(X, LYING, "but 0 follow", id="lying header"),
        pytest.param(
            X, b"GIF89a" * 9, "is no IDX file: its magic number is 0x47494638, expected 0x00000803", id="a picture"
        ),
        pytest.param(X, b"\0\0\x0d" + idx(SMALL["x_train"])[3:], "type code 0x0d, expected 0x08", id="floats"),
        pytest.param(X, idx(SMALL["y_train"].repeat(5)), "has 1 dimensions, expected 3", id="labels for images"),
        pytest.param(X, idx(SMALL["x_train"][:0]), "is empty", id="no images"),
        pytest.param(X, idx(SMALL["x_train"][:, :0]), "is empty", id="no rows"),
        pytest.param(Y, idx(SMALL["x_train"]), "has 3 dimensions, expected 1", id="images for labels"),
        pytest.param(X, gzip.compress(idx(SMALL["x_train"]))[:-9], "end-of-stream", id="gzip cut off"),
        pytest.param(X, gzip.compress(idx(SMALL["x_train"])) + b"more", "Not a gzipped file", id="gzip with more"),
        pytest.param(X, gzip.compress(TRUNCATED), "but 29 follow", id="gzip one byte short"),
    ],
)
def test_a_bad_idx_file_is_named_with_its_fault_and_remedy(file: str, data: bytes, said: str, folder: Path) -> None:
    (folder / file).write_bytes(data)
    message = refusal(f"idx:{folder}")
    assert message.startswith(f"{folder / file}: ")
    assert said in message
    assert message.endswith("download it again")


def test_idx_images_without_labels_are_refused(folder: Path) -> None:
    (folder / Y).write_bytes(idx(SMALL["y_train"][:4]))
    message = refusal(f"idx:{folder}")
    assert message == f"{folder / X}: has 5 examples, but {folder / Y} has 4 labels; give every example one label"


def test_idx_images_of_two_sizes_are_refused(folder: Path) -> None:
    (folder / X).write_bytes(idx(SMALL["x_train"].repeat(2, axis=1)))
    message = refusal(f"idx:{folder}")
    assert message.startswith(
        f"{folder / 't10k-images-idx3-ubyte'}: has 6 features an example, but {folder / X} has 12"
    )
    assert "give training and test examples the same size" in message


def test_a_folder_that_lacks_files_is_told_which(folder: Path) -> None:
    (folder / Y).unlink()
    (folder / "t10k-labels-idx1-ubyte").rename(folder / "t10k-labels")
    message = refusal(f"idx:{folder}")
    assert message.startswith(f"{folder}: has no train-labels-idx1-ubyte, no t10k-labels-idx1-ubyte (nor its .gz)")
    assert "name a folder that holds the four IDX files of one data set" in message


@pytest.mark.parametrize("split", ["emnist-letters-", ""])
def test_a_folder_of_several_data_sets_is_refused_with_all_candidates(split: str, tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "emnist", SMALL, "emnist", zipped=True)
    (folder / f"{split}test-labels-idx1-ubyte.gz").write_bytes(b"")
    message = refusal(f"idx:{folder}")
    assert message.startswith(f"{folder}: holds several data sets: emnist-balanced-train-images-idx3-ubyte.gz, ")
    assert f"{split}test-labels-idx1-ubyte.gz" in message
    assert "name a folder that holds the four IDX files of one data set" in message


def test_training_and_test_files_of_different_data_sets_are_not_mixed(tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "emnist", SMALL, "emnist")
    for path in list(folder.glob("*-test-*")):
        path.rename(folder / path.name.replace("balanced", "letters"))
    assert "holds several data sets" in refusal(f"idx:{folder}")


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("nowhere", "No such file or directory"),
        ("small.npz", "Not a directory"),
        ("nul\0", "null"),
        ("long" * 99, "too long"),
    ],
)
def test_what_is_no_folder_is_refused(where: str, said: str, file: Path) -> None:
    message = refusal(f"idx:{file.with_name(where)}")
    assert where in message
    assert said in message
    assert "name a folder" in message


def test_a_missing_npz_is_refused(tmp_path: Path) -> None:
    message = refusal(f"npz:{tmp_path / 'nowhere.npz'}")
    assert message.endswith("nowhere.npz: cannot be read (No such file or directory); name an npz file")


def test_a_folder_in_place_of_an_npz_is_refused(tmp_path: Path) -> None:
    message = refusal(f"npz:{tmp_path}")
    assert message.startswith(f"{tmp_path}: cannot be read (Is a directory); save it with np.savez")


def test_a_file_without_permission_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: object) -> IO[bytes]:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)  # chmod does not stop root, and containers test as root
    assert f"{folder / X}: cannot be read (Permission denied); " in refusal(f"idx:{folder}")


@pytest.mark.parametrize(
    ("role", "array", "said", "remedy"),
    [
        ("x_train", np.full((5, 6), None), "holds object", "np.savez"),
        ("x_train", np.full((5, 6), "a"), "holds <U1, expected numbers", "np.savez"),
        ("x_train", np.full((5, 6), 1j), "holds complex128", "np.savez"),
        ("x_train", np.zeros((0, 6)), "is empty", "np.savez"),
        ("x_test", np.zeros((2, 0)), "is empty", "np.savez"),
        ("x_train", np.zeros(5, np.uint8), "has shape (5,)", "x.reshape(n, -1)"),
        ("x_train", np.zeros((5, 6), np.float32), "x_test: holds uint8, but", "store both in one dtype"),
        ("x_train", np.zeros((4, 6), np.uint8), "has 4 examples, but", "give every example one label"),
        ("x_test", np.zeros((2, 7), np.uint8), "has 7 features an example, but", "the same size"),
        ("y_train", np.eye(5, dtype=int), "has shape (5, 5)", "y.argmax(1)"),
        ("y_train", np.array(1), "has shape ()", "expected (n,)"),
        ("y_train", np.array([0.0, 1, 2, 3, 0.5]), "holds float64 labels", "y.astype(np.int64)"),
        ("y_train", np.array([0, 1, 2, 3, -1]), "has label -1", "number the classes from 0"),
        ("y_test", np.array([0, 65535]), "has label 65535", "at most 65534"),
        ("y_test", np.array([0, 2**64 - 1], np.uint64), "has label 18446744073709551615", "at most 65534"),
    ],
)
def test_a_bad_array_in_an_npz_is_named_with_its_fault_and_remedy(
    role: str, array: NDArray[Any], said: str, remedy: str, file: Path
) -> None:
    message = refusal(f"npz:{write_npz(file, SMALL, **{role: array})}")
    assert message.startswith(f"{file}: ")
    assert all(words in message for words in (role, said, remedy))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, np.longdouble("1e4000")])
def test_a_pixel_that_is_not_finite_is_refused(value: float, file: Path) -> None:
    x_train, x_test = np.zeros((5, 6), np.float32), np.zeros((2, 6), np.longdouble)
    x_test[1, 3] = value
    message = refusal(f"npz:{write_npz(file, SMALL, x_train=x_train, x_test=x_test)}")
    assert message.startswith(f"{file}: x_test: has a NaN or infinite value in example 1; drop or repair")


def test_a_missing_array_is_told_with_those_present(file: Path) -> None:
    np.savez(file, x_train=SMALL["x_train"], train_y=SMALL["y_train"])
    message = refusal(f"npz:{file}")
    assert message.startswith(
        f"{file}: has no y_train, no x_test, no y_test; it has x_train, train_y; save it with np.s"
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2000000000, 9000)}\n"), "but 0 bytes follow"),
        (npy("{'descr': '|u1', 'fortran_order': False, 'shape': (-1, -4)}\n", b"1234"), "but 4 bytes follow"),
        (npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 4)}\n", b"12345"), "but 5 bytes follow"),
        (npy("{'descr': '|u1', 'fortran_order': False, 'shape': " + "(" * 9000 + "\n"), "save it with np.savez"),
        (npy("{'descr': '|O', 'fortran_order': False, 'shape': (1, 1)}\n", b"cos\nsystem\n"), "holds object"),
        (b"\x93NUMPY\x09\x00", "format version (9, 0)"),
        (b"", "save it with np.savez"),
    ],
)
def test_a_lying_array_header_is_refused_before_anything_is_allocated(data: bytes, said: str, file: Path) -> None:
    write_members(file, {"x_train": data})
    message = refusal(f"npz:{file}")
    assert message.startswith(f"{file}: ")
    assert said in message


def test_a_damaged_installation_is_told_to_reinstall(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model.datasets, "MNIST", folder)
    message = refusal("mnist")
    assert f"{folder / X}.gz: cannot be read (No such file or directory)" in message
    assert message.endswith("reinstall numpy-sweeps")
    (folder / X).rename(folder / f"{X}.gz")
    assert "when unpacked, expected 6bbc9ace898e44ae57da46a324031adb; reinstall numpy-sweeps" in refusal("mnist")
