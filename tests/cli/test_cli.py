"""The commands: results on stdout, all else on stderr, and an exit code that a script can trust."""

import functools
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from support import failing_workers
from support.small_sweeps import small_spec, small_table, swept, write_spec

import sweeps.cli.browsing
import sweeps.driver.loop
import sweeps.views.report.publishing
from sweeps.cli.main import main
from sweeps.results.sweep import Sweep, load
from sweeps.tracking.location import sqlite_file
from sweeps.tracking.records import REPORT, REPORT_FILE
from sweeps.tracking.store import Store


@pytest.fixture
def at(digits_store: str, digits_sweep: Sweep) -> list[str]:
    """The option that points a command at the shared sweep."""
    assert digits_sweep.name == "shared"
    return ["--tracking-uri", digits_store]


def test_run_prints_results_on_stdout_and_progress_on_stderr(
    uri: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write_spec(tmp_path / "spec.toml", small_table(trials=3, lag=1))
    assert main(["run", str(path), "--tracking-uri", uri, "--jobs", "1"]) == 0
    out, err = capfd.readouterr()
    assert "Best trials of small" in out
    assert f"sweeps show small --tracking-uri {uri}" in out
    assert "small: 3/3 done, 0 running, 0 failed, best" in err
    assert "lag 1 is below four times the 1 workers" in err
    assert "3/3" not in out
    assert main(["run", str(path), "--tracking-uri", uri, "--jobs", "1"]) == 0
    out, err = capfd.readouterr()
    assert "Best trials of small" in out
    assert "small was finished already; nothing was run" in err


def test_quiet_run_says_nothing_on_stderr(uri: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_spec(tmp_path / "spec.toml", small_table(trials=3))
    assert main(["run", str(path), "--tracking-uri", uri, "--jobs", "1", "--quiet"]) == 0
    out, err = capfd.readouterr()
    assert "Best trials of small" in out
    assert err == ""


@pytest.mark.parametrize("error", [MemoryError(), ImportError("libsvm.so: failed to map segment from shared object")])
def test_a_report_that_memory_does_not_suffice_for_is_written_by_the_next_run(
    error: Exception, uri: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_spec(tmp_path / "spec.toml", small_table(trials=3))
    command = ["run", str(path), "--tracking-uri", uri, "--jobs", "1", "--quiet"]
    with monkeypatch.context() as short:
        short.setattr(sweeps.views.report.publishing, "build", functools.partial(_raise, error))
        main(command)
        out, err = capfd.readouterr()
        assert "Best trials of small" in out
        assert f"the report was not written ({str(error) or 'out of memory'}); `sweeps report small` writes it" in err
    assert main(command) == 0
    assert load("small", uri).holds(REPORT, REPORT_FILE)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        ImportError("libsvm.so: failed to map segment from shared object"),
        RuntimeError("can't start new thread"),
    ],
)
def test_out_of_memory_is_a_sentence(
    error: Exception, at: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps.cli.browsing, "show", functools.partial(_raise, error))
    assert main(["show", "shared", *at]) == 1
    assert "out of memory" in capsys.readouterr().err


def _raise(error: Exception, *_: object, **__: object) -> None:
    raise error


def test_run_with_a_failed_trial_names_it_and_ends_with_1(
    uri: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = functools.partial(
        sweeps.driver.loop.run_sweep, train=functools.partial(failing_workers.broken, numbers={1})
    )
    monkeypatch.setattr(sweeps.driver.loop, "run_sweep", failing)
    path = write_spec(tmp_path / "spec.toml", small_table(trials=3))
    assert main(["run", str(path), "--tracking-uri", uri, "--jobs", "1", "--quiet"]) == 1
    out, err = capfd.readouterr()
    assert "Verdicts on 3 trials" in out
    assert "1 failed" in out
    assert err == "sweeps: failed: trial 1; the error of each is the artifact error.txt of its run\n"


def test_list_shows_every_sweep(digits_sweep: Sweep, at: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", *at]) == 0
    out, err = capsys.readouterr()
    states = digits_sweep.trials["state"].value_counts()
    line = next(line for line in out.splitlines() if "shared" in line).split()
    assert line[:5] == ["shared", "finished", "16", str(states["complete"]), str(states["pruned"])]
    assert str(digits_sweep.best()["trial"].iloc[0]) in line
    assert err == ""


def test_list_of_an_empty_store_says_how_to_begin(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--tracking-uri", uri]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "no sweeps in" in err
    assert "`sweeps run`" in err


def test_show_prints_the_best_first(digits_sweep: Sweep, at: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "shared", "--top", "3", *at]) == 0
    out, err = capsys.readouterr()
    assert _first_column(out) == digits_sweep.ordered["trial"].tolist()[:3]
    assert "3 of 16 shown" in out
    assert err == ""


def test_show_where_selects(digits_sweep: Sweep, at: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    condition = 'state == "complete" and not diverged == 1 and eta < 1'
    assert main(["show", "shared", "--where", condition, *at]) == 0
    ordered = digits_sweep.ordered
    chosen = ordered[(ordered["state"] == "complete") & (ordered["diverged"] == 0) & (ordered["eta"] < 1)]
    assert 0 < len(chosen) < 16
    assert _first_column(capsys.readouterr().out) == chosen["trial"].tolist()


def test_compare_says_where_trials_part(at: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "shared", "0", "1", *at]) == 0
    out, err = capsys.readouterr()
    assert "* differs" in out
    assert "Training parts at epoch" in out
    assert err == ""


@pytest.mark.parametrize("form", ["parquet", "csv", "json"])
def test_exported_tables_are_read_back_to_the_last_bit(
    digits_sweep: Sweep, at: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    assert main(["export", "shared", str(tmp_path / "out"), "--format", form, *at]) == 0
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [path.name for path in paths] == [f"trials.{form}", f"epochs.{form}"]
    for path, table in zip(paths, (digits_sweep.trials, digits_sweep.epochs), strict=True):
        if form == "parquet":
            read = pd.read_parquet(path)
        elif form == "csv":
            read = pd.read_csv(path)
        else:
            read = pd.DataFrame(json.loads(path.read_text(encoding="utf-8")))
        assert read.columns.tolist() == table.columns.tolist()
        pd.testing.assert_frame_equal(read.astype(table.dtypes), table, check_exact=True)


def test_export_into_a_file_is_bad_input(at: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["export", "shared", str(tmp_path / "file"), *at]) == 2
    assert "give another folder" in capsys.readouterr().err


def test_replay_says_bit_for_bit(at: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "shared", "2", *at]) == 0
    out, err = capsys.readouterr()
    assert "recorded numbers came back, bit for bit" in out
    assert err == ""


def test_replay_finds_what_was_tampered_with(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = swept(small_spec(trials=2, search__lambda=0.0), uri, 1)
    run_id = sweep.trials["run_id"].iloc[1]
    where = f"WHERE key = 'accuracy/test' AND run_uuid = '{run_id}'"
    with closing(sqlite3.connect(str(sqlite_file(uri)))) as connection, connection:
        changed = connection.execute(f"UPDATE latest_metrics SET value = value + 0.25 {where}").rowcount
    assert changed == 1
    assert main(["replay", "small", "0", "--tracking-uri", uri]) == 0
    capsys.readouterr()
    assert main(["replay", "small", "1", "--tracking-uri", uri]) == 1
    assert "1 of" in (out := capsys.readouterr().out)
    assert "first: epoch 3, accuracy/test: recorded" in out

    (path,) = [Path(path) for path in sqlite_file(uri).parent.rglob("tables/epochs.parquet")]
    table = pd.read_parquet(path)
    row = table.index[(table["trial"] == 0) & (table["epoch"] == 2)][0]
    table.loc[row, "cost/penalty"] += 2.0**-60  # the penalty is 0: a change far below any tolerance
    table.to_parquet(path, index=False)
    path.with_name("epochs.parquet.sha256").unlink()  # else it would be made anew, for a damaged table
    assert load("small", uri).replay(0).differences[0].metric == "cost/penalty"
    assert main(["replay", "small", "0", "--tracking-uri", uri]) == 1
    assert "first: epoch 2, cost/penalty: recorded 8.6" in capsys.readouterr().out


def test_check_prints_the_spec_and_runs_nothing(uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_spec(tmp_path / "spec.toml", small_table(replicates=3))
    assert main(["check", str(path), "--jobs", "2", "--tracking-uri", uri]) == 0
    out, err = capsys.readouterr()
    assert "30 trainings on 2 workers: about" in out
    assert "plan.epochs" in out
    assert err == ""
    assert Store(uri).names() == []


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["show", "nope"], "there is no sweep 'nope'"),
        (["show", "shared", "--where", "etta < 1"], "did you mean 'eta'?"),
        (["show", "shared", "--where", "__import__('os')"], "there is no column '__import__'"),
        (["compare", "shared", "0", "99"], "has no trial 99"),
        (["replay", "shared", "99"], "has no trial 99"),
        (["run", "missing.toml"], "cannot be read"),
        (["check", "missing.toml"], "cannot be read"),
    ],
)
def test_bad_input_ends_with_2_and_a_sentence_on_stderr(
    at: list[str], capsys: pytest.CaptureFixture[str], command: list[str], message: str
) -> None:
    assert main([*command, *at]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "nonsense://x"], ids=["nobody there", "no such scheme"])
def test_address_without_a_store_ends_with_2(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--tracking-uri", uri]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"tracking URI '{uri}'" in err


def _first_column(table: str) -> list[int]:
    lines = [line for line in table.splitlines() if line.strip() and " of " not in line]
    return [int(line.split()[0]) for line in lines if line.split()[0].isdigit()]
