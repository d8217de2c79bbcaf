"""The copy of a report stays in its folder whatever a sweep is called, and says where it cannot be written."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sweeps.errors import TrackingError
from sweeps.views.report.publishing import _here

NAMES = ["../../x", "/etc/x", "..", ".", "a/b", "a\x00b", "\x1b[2J", "<b>", "a" * 5000, "", "C:\\x", "~", "a b", "-x"]
NAMES += ["mnist", "a.b-c_d", "..a", "a/../../b", "\u202egnp", "💥", "%2e%2e%2f", "nul", "a\nb"]


def sweep_named(name: str) -> Any:
    return SimpleNamespace(name=name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["index.html", "map.png"])
def test_the_copy_stays_in_its_folder(name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEPS_CACHE", str(tmp_path / "cache"))
    copy = _here(sweep_named(name), kind, b"page", None)
    assert copy.parent == tmp_path / "cache" / "reports"
    assert copy.read_bytes() == b"page"
    assert copy.name.isprintable()
    assert list(tmp_path.iterdir()) == [tmp_path / "cache"]


@pytest.mark.parametrize("where", ["/dev/null", "/proc/nowhere", "/dev/full/x"])
def test_a_copy_that_cannot_be_written_is_one_sentence(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEPS_CACHE", where)
    with pytest.raises(TrackingError, match="set SWEEPS_CACHE to a folder that you may write to"):
        _here(sweep_named("mnist"), "index.html", b"page", None)
