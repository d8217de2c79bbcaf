"""Whatever strikes a running sweep, running it again ends it, and it is the undisturbed one, each trial once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient
from support.campaign.cases import TRIALS, of_ours, wrong
from support.small_sweeps import small_spec, swept

ROOT = Path(__file__).parents[2]
SEEDS = (28, 44)  # of cases in SQLite stores: signals, full disks


def campaign(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """By a process of its own, in which small disks can be mounted and unseen by others."""
    command = [sys.executable, "-m", "support.campaign", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    return subprocess.run(
        command, cwd=ROOT, env=environment, text=True, stderr=subprocess.STDOUT, stdout=subprocess.PIPE
    )


@pytest.mark.timeout(900)
def test_struck_sweep_comes_out_as_the_undisturbed_one() -> None:
    ended = campaign("--short", "--processes", 2, *(part for seed in SEEDS for part in ("--seed", seed)))
    assert ended.returncode == 0, ended.stdout
    assert "| all | |" in ended.stdout


def test_what_is_wrong_with_a_record_is_seen(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = small_spec(name="seen", trials=TRIALS)
    sweep = swept(spec, uri)
    assert wrong(uri, "seen", sweep) == []
    client = MlflowClient(uri)
    tags = {"kind": "trial", "sweep": "seen", "trial": "1", "replicate": "0", "state": "complete"}
    double = client.create_run(sweep.experiment_id, tags=tags, run_name="trial-0001").info.run_id
    assert any("too many {'trial-0001': 1}" in problem for problem in wrong(uri, "seen", sweep))
    assert any("not finished: {'trial-0001': 'RUNNING'}" in problem for problem in wrong(uri, "seen", sweep))
    client.delete_run(double)
    (version,) = client.search_model_versions("name = 'seen'")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    client.create_model_version("seen", version.source, version.run_id)
    assert any("2 versions" in problem for problem in wrong(uri, "seen", sweep))


@pytest.mark.soak
def test_sweeps_struck_by_three_hundred_faults_come_out_as_undisturbed_ones() -> None:
    ended = campaign("--faults", 300, "--processes", 2)
    sys.stdout.write(ended.stdout)
    assert ended.returncode == 0


def test_only_the_word_of_an_orphan_is_no_traceback_of_ours() -> None:
    """A worker that is just starting when its driver is killed says so, in loky's name; nothing keeps it from that."""
    place = '  File "/x/joblib/externals/loky/backend/popen_loky_posix.py", line 174, in <module>\n'
    orphan = "    prep_data = pickle.load(from_parent)\n                ^^^^^^\nEOFError: Ran out of input\n"
    assert "Traceback" not in of_ours(f"a\nTraceback (most recent call last):\n{place}{orphan}\nb")
    ours = '  File "/x/sweeps/driver/loop.py", line 1, in run\n    pickle.load(x)\nEOFError: Ran out of input\n'
    for text in (f"{place}{ours}", f"{ours}{orphan}", f"{place}    spawn.prepare(prep_data)\nValueError: x\n"):
        assert "Traceback" in of_ours(f"Traceback (most recent call last):\n{text}")
