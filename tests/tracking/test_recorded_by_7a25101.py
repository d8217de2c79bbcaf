"""A sweep that commit 7a25101 recorded is listed, shown, compared, extended and replayed by this version.

The archive holds its spec and its `mlruns`, with `/recorded` in place of the folder that it was made in.
"""

import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from support.archive import unpack
from support.small_sweeps import swept

import sweeps
from model import digits
from sweeps.cli.main import main
from sweeps.specification.reading import read_spec
from sweeps.tracking.tables import WALL_CLOCK

LEFT_OUT = [*WALL_CLOCK, "verdict_reason"]  # sentences may be written anew
SINCE = {"stability/batch_edge", "stability/batch_sharpness", "stability/noise_scale"}  # measured by later rules
TOLERANCE = 1e-5  # of float32, summed by another processor's BLAS


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """The folder with the spec and the store, its paths rewritten to where it is."""
    unpack(tmp_path)
    with closing(sqlite3.connect(tmp_path / "mlruns" / "mlflow.db")) as store:
        for (table,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for column in [row[1] for row in store.execute(f'PRAGMA table_info("{table}")')]:
                value = f"replace(\"{column}\", '/recorded/mlruns', '{tmp_path}/mlruns')"
                store.execute(
                    f'UPDATE "{table}" SET "{column}" = {value} WHERE instr("{column}", \'/recorded/mlruns\')'
                )
        store.commit()
    return tmp_path


@pytest.fixture
def uri(recorded: Path) -> str:
    return f"sqlite:///{recorded}/mlruns/mlflow.db"


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["list"], "recorded"),
        (["show", "recorded"], "recorded: 6 trials"),
        (["show", "recorded", "--reassess"], "recorded: 6 trials"),
        (["show", "recorded", "--where", "diverged == 1"], "diverged"),
        (["compare", "recorded", "1", "4"], "Trial 1 against trial 4"),
        (["report", "recorded"], "index.html"),
        (["replay", "recorded", "4"], "all 18 recorded numbers came back, bit for bit"),
    ],
)
def test_every_command_reads_it(uri: str, capsys: pytest.CaptureFixture[str], arguments: list[str], shown: str) -> None:
    code = main([*arguments, "--tracking-uri", uri])
    out, err = capsys.readouterr()
    if arguments[0] == "replay" and code:  # another processor than the one that recorded it
        assert "recorded numbers did not come back" in out
        return
    assert (code, err) == (0, "")
    assert shown in out


def test_its_tables_are_those_that_this_version_makes(
    recorded: Path, uri: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = f"sqlite:///{tmp_path_factory.mktemp('now')}/mlflow.db"
    before, now = sweeps.load("recorded", uri), swept(read_spec(recorded / "recorded.toml"), other)
    for a, b in ((before.trials, now.trials), (before.epochs, now.epochs)):
        a, b = (table.drop(columns=LEFT_OUT, errors="ignore") for table in (a, without_new(b)))
        pd.testing.assert_frame_equal(a, b, check_exact=False, rtol=TOLERANCE, atol=TOLERANCE)


def without_new(table: pd.DataFrame) -> pd.DataFrame:
    """Without what that version did not measure, all of which must be there."""
    new = [name for name in table.columns if name.endswith(tuple(SINCE))]
    assert {name.removeprefix("final.").removeprefix("best.") for name in new} == SINCE
    return table.drop(columns=new)


def test_it_is_finished_and_left_as_it_is(recorded: Path, uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(recorded / "recorded.toml"), "--tracking-uri", uri, "--quiet"]) == 0
    assert "recorded was finished already" in capsys.readouterr().err


def test_extended_it_equals_a_sweep_run_in_one_go(uri: str, recorded: Path, tmp_path: Path) -> None:
    """By processes of their own: MLflow keeps a run's folder by the run's id, and other tests have read this run."""
    run = ["run", recorded / "recorded.toml", "--quiet", "--trials", "9"]
    for command in (run, ["export", "recorded", tmp_path / "extended"]):
        subprocess.run([sys.executable, "-m", "sweeps", *command, "--tracking-uri", uri], check=True, timeout=240)
    in_one_go = swept(replace(read_spec(recorded / "recorded.toml"), trials=9), f"sqlite:///{tmp_path}/whole.db")
    for table in ("trials", "epochs"):
        left_out = {"columns": LEFT_OUT, "errors": "ignore"}
        extended = pd.read_parquet(tmp_path / "extended" / f"{table}.parquet").drop(**left_out)
        whole = getattr(in_one_go, table).drop(**left_out)
        assert not any(name.endswith(tuple(SINCE)) for name in extended.columns)
        whole = without_new(whole)
        assert set(extended["trial"]) == set(range(9))
        pd.testing.assert_frame_equal(extended, whole, check_exact=False, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred")  # the loader of that version
def test_its_best_network_is_a_model_that_predicts(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    model = mlflow.pyfunc.load_model("models:/recorded@champion")
    test = digits().test
    right = np.mean(model.predict(np.asarray(test.x)).argmax(axis=1) == test.y)
    best = sweeps.load("recorded", uri).best(1)
    assert right == pytest.approx(float(best["accuracy/test"].iloc[0]), abs=1e-6)
