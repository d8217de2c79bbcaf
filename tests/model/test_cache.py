"""The cache is believed for its contents, not for its size; where it cannot be kept, data are loaded without it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model import cache as cache_module
from model import load
from model.cache import recall

ROLES = ("x_train", "y_train", "x_test", "y_test")
DATA = {
    "x_train": np.arange(600, dtype=np.uint8).reshape(50, 12),
    "y_train": np.arange(50, dtype=np.uint8) % 3,
    "x_test": np.arange(240, dtype=np.uint8).reshape(20, 12),
    "y_test": np.arange(20, dtype=np.uint8) % 3,
}
PLACES = [0, 1, 5, 9, 13, 17, 19, -1]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    np.savez(tmp_path / "data.npz", **DATA)
    return tmp_path / "data.npz"


def flip(path: Path, place: int, bit: int, keep_times: bool) -> None:
    """Turns one bit of an array's values over; its size stays, and where asked its time of change."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    values = 128  # where the header of a small array ends
    content[place if place < 0 else values + place] ^= 1 << bit
    path.write_bytes(content)
    if keep_times:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size


@pytest.mark.parametrize("keep_times", [False, True])
@pytest.mark.parametrize("bit", [0, 7])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("role", ROLES)
def test_a_bit_that_turned_over_is_found_and_the_entry_rebuilt(
    role: str, place: int, bit: int, keep_times: bool, file: Path, tmp_path: Path
) -> None:
    sound = load(f"npz:{file}", tmp_path / "cache")
    (entry,) = (tmp_path / "cache").iterdir()
    flip(entry / f"{role}.npy", place, bit, keep_times)
    assert recall(entry) is None
    again = load(f"npz:{file}", tmp_path / "cache")
    assert again.digest == sound.digest
    for name in ROLES:
        part = again.train if name.endswith("train") else again.test
        assert np.array_equal(part.x if name.startswith("x") else part.y, DATA[name])
    assert recall(entry) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"scale": 0.5},
        {"scale": 1.0},
        {"classes": 4},
        {"classes": 2},
        {"digest": "0" * 32},
        {"digest": "f" * 32},
        {"format": 0},
        {"scale": 1e-300},
    ],
)
def test_what_is_said_of_the_contents_is_checked_with_them(
    change: dict[str, object], file: Path, tmp_path: Path
) -> None:
    sound = load(f"npz:{file}", tmp_path / "cache")
    (entry,) = (tmp_path / "cache").iterdir()
    meta = json.loads((entry / "meta.json").read_text())
    (entry / "meta.json").write_text(json.dumps(meta | change))
    assert recall(entry) is None
    again = load(f"npz:{file}", tmp_path / "cache")
    assert (again.digest, again.train.scale, again.train.classes) == (sound.digest, sound.train.scale, 3)


def test_contents_are_read_through_once_in_a_process(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(f"npz:{file}", tmp_path / "cache")
    checked: list[str] = []
    before = cache_module.content_digest
    monkeypatch.setattr(cache_module, "content_digest", lambda *given: checked.append("") or before(*given))
    for _ in range(3):
        load(f"npz:{file}", tmp_path / "cache")
    assert checked == []
    monkeypatch.setattr(cache_module, "_CHECKED", set())
    for _ in range(3):
        load(f"npz:{file}", tmp_path / "cache")
    assert len(checked) == 1


@pytest.mark.parametrize("where", ["/dev/null", "/dev/null/x", "/proc/nowhere", "/dev/full", "a file", "below a file"])
def test_where_no_cache_can_be_kept_data_are_loaded_without(where: str, file: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    folder = {"a file": tmp_path / "taken", "below a file": tmp_path / "taken" / "cache"}.get(where, Path(where))
    loaded = load(f"npz:{file}", folder)
    assert np.array_equal(loaded.train.x, DATA["x_train"])
    assert not loaded.train.x.flags.writeable


@pytest.mark.parametrize("limit", [0, 100, 200, 700])
def test_on_a_full_disk_data_are_loaded_without_a_cache(limit: int, file: Path, tmp_path: Path) -> None:
    program = (
        "import resource, signal, sys; from pathlib import Path; from model import load;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}));"
        "data = load(sys.argv[1], Path(sys.argv[2])); sys.stdout.write(data.digest)"
    )
    ended = subprocess.run(
        [sys.executable, "-B", "-c", program, f"npz:{file}", tmp_path / "cache"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == load(f"npz:{file}", tmp_path / "other").digest
    left = list((tmp_path / "cache").iterdir()) if (tmp_path / "cache").exists() else []
    assert left == []
