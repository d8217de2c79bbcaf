"""A shell that took our script completes commands, options, choices and the names of files."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from support.small_sweeps import small_table, write_spec

from sweeps.cli.arguments import parser
from sweeps.cli.completing import SHELLS, _actions
from sweeps.cli.main import main


def completed(script: str, folder: Path, *words: str) -> set[str]:
    """What bash offers for the last word."""
    typed = " ".join(f"'{word}'" for word in ("sweeps", *words))
    ask = f'COMP_WORDS=({typed}); COMP_CWORD={len(words)}; _shtab_sweeps; printf "%s\\n" "${{COMPREPLY[@]}}"'
    ended = subprocess.run(["bash", "-c", f"{script}\n{ask}"], cwd=folder, capture_output=True, text=True, check=True)
    return set(ended.stdout.split())


def test_bash_completes_what_is_typed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["complete", "bash"]) == 0
    script = capsys.readouterr().out
    (tmp_path / "mine.toml").touch()
    (tmp_path / "mine").mkdir()
    assert completed(script, tmp_path, "re") == {"report", "replay", "relocate"}
    assert completed(script, tmp_path, "run", "--tri") == {"--trials"}
    assert completed(script, tmp_path, "export", "name", ".", "--format", "") == {"parquet", "csv", "json"}
    assert completed(script, tmp_path, "run", "mi") == {"mine.toml", "mine"}
    assert completed(script, tmp_path, "diagnose", "mine.t") == {"mine.toml"}
    assert completed(script, tmp_path, "export", "name", "mi") == {"mine"}


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_gets_a_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["complete", shell]) == 0
    out, err = capsys.readouterr()
    assert "_shtab_sweeps" in out or "complete sweeps" in out
    assert not err


def test_no_argument_is_shown_with_a_colon() -> None:
    """It would end a word of the script of zsh."""
    shown = [str(action.metavar) for action in _actions(parser())]
    assert "SECONDS" in shown
    assert not [one for one in shown if ":" in one]


def test_the_bell_rings_at_the_end_in_a_terminal_and_only_if_asked_for(tmp_path: Path) -> None:
    path = write_spec(tmp_path / "bad.toml", small_table(trials=0))
    for asked in ([], ["--bell"]):
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "sweeps", "run", str(path), *asked]
        code = subprocess.run(command, stderr=theirs, check=False).returncode
        os.close(theirs)
        said = os.read(ours, 10_000)
        os.close(ours)
        assert code == 2
        assert (b"\a" in said) is bool(asked)
    ended = subprocess.run(command, stderr=subprocess.PIPE, check=False)
    assert b"\a" not in ended.stderr
