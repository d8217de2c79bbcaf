"""The commands that a sweep proposes can be typed as they stand, wherever the program lies."""

import os
import sys
from pathlib import Path

import pytest

from sweeps.cli.running import _as_called


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/usr/bin")
    file = tmp_path / ".venv" / "bin" / "sweeps"
    file.parent.mkdir(parents=True)
    file.write_text("")
    file.chmod(0o755)
    return file


def test_a_program_that_the_shell_does_not_find_is_named_by_its_path(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for called in (".venv/bin/sweeps", str(program)):
        monkeypatch.setattr(sys, "argv", [called, "run"])
        assert _as_called() == ".venv/bin/sweeps"
    monkeypatch.chdir(program.parent)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setattr(sys, "argv", [str(program), "run"])
    assert _as_called() == str(program)


def test_one_that_it_finds_is_named_by_its_name(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}/usr/bin")
    monkeypatch.setattr(sys, "argv", [str(program), "run"])
    assert _as_called() == "sweeps"
    monkeypatch.setattr(sys, "argv", [str(Path(__file__)), "run"])
    assert _as_called() == "sweeps"
