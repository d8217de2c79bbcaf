"""Closed streams, a working folder that is gone, bytes that are no text: what a shell may do ends in a sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sweeps.cli.main import main
from sweeps.errors import UnknownSweepError
from sweeps.results.sweep import load

MAIN = f"{sys.executable} -m sweeps"
ODD = "\udcff"  # how Python shows the byte 255 of an argument


@pytest.mark.parametrize(
    "given",
    [
        ["show", ODD],
        ["compare", ODD, "0", "1"],
        ["report", ODD],
        ["export", "shared", ODD],
        ["export", ODD, "tables"],
        ["replay", ODD, "0"],
        ["next", ODD],
        ["deliver", ODD],
        ["show", "shared", "--where", ODD],
        ["show", "shared", "--columns", ODD],
        ["show", "shared", "--sort", ODD],
        ["beside", f"{ODD}:0"],
        ["beside", f"{ODD}.csv"],
        ["beside", "shared:0", "--title", ODD],
        ["beside", "shared:0", "--out", f"{ODD}.html"],
        ["diagnose", f"{ODD}.py:Network"],
        ["diagnose", f"{ODD}.csv"],
        ["diagnose", "a.py:N", "--data", ODD],
        ["adapt", f"{ODD}.py:Network"],
        ["adapt", "a.py:N", "--out", ODD],
        ["check", ODD],
        ["run", ODD],
        ["run", "--name", ODD],
        ["list", "--tracking-uri", f"http://{ODD}"],
    ],
)
def test_bytes_that_are_no_text_are_bad_input(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(given) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "UTF-8" in err


def test_no_sweep_has_a_name_that_is_no_text(uri: str) -> None:
    with pytest.raises(UnknownSweepError, match="there is no sweep"):
        load(ODD, uri)


CLOSED = ["<&- >&- 2>&-", *(pytest.param(one, marks=pytest.mark.soak) for one in (">&-", "2>&-", "<&-", ">&- 2>&-"))]


@pytest.mark.parametrize("closed", CLOSED)
def test_closed_streams_lead_nowhere(closed: str, tmp_path: Path) -> None:
    spec = tmp_path / "spec.toml"
    spec.write_text(
        'name = "closed"\ntrials = 1\nsearch = { eta = 1, lambda = 0, batch_size = 100 }\n'
        'plan = { dataset = "digits", validation = 300, epochs = 1, hidden = [3] }\n'
    )
    at = f"--tracking-uri sqlite:///{tmp_path}/mlflow.db"
    command = f"{MAIN} run {spec} --jobs 1 {at} {closed}"
    ended = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, cwd=Path.cwd())
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    assert ("closed" in ended.stdout) == (">&-" not in closed.replace("2>&-", ""))


@pytest.mark.parametrize("command", ["list", "show small", "run", "check x.toml"])
def test_a_working_folder_that_is_gone_is_said_to_be(command: str, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    ended = subprocess.run(
        f"rmdir {gone}; {MAIN} {command}",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
        cwd=gone,
        env=environment,
    )
    assert ended.returncode == 2
    if command.startswith("check"):  # the file is named, as ever
        return
    assert "the working folder is gone" in ended.stderr
    assert ended.stderr.count("\n") <= 2
