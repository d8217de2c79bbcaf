"""What somebody changed by hand in MLflow makes that one sweep say one sentence, and hides none of the others."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.small_sweeps import Watcher, small_spec, swept

from sweeps.cli.main import main
from sweeps.driver.loop import run_sweep
from sweeps.errors import OddSweepError
from sweeps.results.sweep import load
from sweeps.specification.domains import encode_all
from sweeps.tracking.records import RecordedSweep
from sweeps.tracking.run_reading import kept_settings, noted_deaths, times_retried
from sweeps.tracking.store import Store

NUMBERS = ["", "x", "-1", "1.5", " 1", "1e3", "9" * 100, "\u0663", "0 OR 1=1", "<b>", "null", "0\n1", "0'; --", "💥"]
ODD = (
    st.sampled_from([*NUMBERS, "{", "[]", '{"eta": 1}', '{"eta": "x"}', '{"eta": "1e999"}', "[" * 5000, "9" * 5000])
    | st.text()
)
TRIAL_TAGS = [(name, value) for name in ("trial", "replicate") for value in (None, *NUMBERS)]
TRIAL_TAGS += [("state", value) for value in (None, "", "done", "RUNNING", "Complete", "complete ", "\x1b[31m")]
PARAMS = ["abc", "", "null", "true", "[0.5]", '{"a": 1}', "NaN", "Infinity", "1e999", '"0.5"', "0.5; --", "[" * 5000]
SWEEP_TAGS = [("trials", value) for value in (None, "", "x", "-1", "0", "1.5", "9" * 30, "9" * 5000)]
SWEEP_PARAMS = [
    *(("search.eta", value) for value in (None, "{", "", "null", "[]", '"x"', "abc", '{"low": 1}', "[" * 5000)),
    *(("plan.dataset", value) for value in ("5", "null", '"nothing"', "{}")[:2]),
    *(("seed", value) for value in ("x", "-1", "null", "9" * 5000)),
    *(("name", value) for value in ("5", "null", '"a/b"', '"../../x"', '"<b>"')),
    *(("unheard_of", value) for value in ("1", "x")),
    *(("plan.hidden", value) for value in ("[-1]", "[1e400]", '["x"]', "7")),
    *(("lag", value) for value in ("0", "x")),
    *(("stopping.verdict", value) for value in ('"yes"', "{")),
]
CASES = [
    *(("trial's tag", *case) for case in TRIAL_TAGS),
    *(("trial's param", "eta", value) for value in PARAMS),
    *(("sweep's tag", *case) for case in SWEEP_TAGS),
    *(("sweep's param", *case) for case in SWEEP_PARAMS),
]


@pytest.fixture(scope="module")
def two_sweeps(new_store: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of two sweeps, odd and sound, that were interrupted after their last trial."""
    folder = tmp_path_factory.mktemp("two")
    uri = new_store(folder)
    for name in ("odd", "sound"):
        swept(small_spec(name=name, trials=2, plan__epochs=1), uri, 1)
    with closing(sqlite3.connect(folder / "mlflow.db")) as store, store:
        store.execute("UPDATE tags SET value = 'interrupted' WHERE key = 'state' AND value = 'finished'")
    return folder


@pytest.fixture
def store(two_sweeps: Path, tmp_path: Path) -> Path:
    """A copy of the same that may be changed."""
    return Path(shutil.copytree(two_sweeps, tmp_path / "mlruns"), "mlflow.db")


def change(store: Path, kind: str, key: str, value: str | None) -> None:
    """Changes a tag or param of a run of the sweep odd; None: takes it away."""
    whose = "trial" if kind.startswith("trial") else "sweep"
    table = "tags" if kind.endswith("tag") else "params"
    with closing(sqlite3.connect(store)) as opened, opened:
        (run,) = opened.execute(
            "SELECT run_uuid FROM runs JOIN experiments USING (experiment_id) JOIN tags USING (run_uuid) WHERE "
            "experiments.name = 'odd' AND key = 'kind' AND value = ? ORDER BY run_uuid LIMIT 1",
            (whose,),
        ).fetchone()
        opened.execute(f"DELETE FROM {table} WHERE key = ? AND run_uuid = ?", (key, run))
        if value is not None:
            opened.execute(f"INSERT INTO {table} (key, value, run_uuid) VALUES (?, ?, ?)", (key, value, run))


@pytest.mark.parametrize(("kind", "key", "value"), CASES)
def test_an_odd_sweep_says_one_sentence_and_hides_nobody(
    kind: str, key: str, value: str | None, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(store, kind, key, value)
    at = ["--tracking-uri", f"sqlite:///{store}"]
    assert main(["list", *at]) == 0
    out, err = capsys.readouterr()
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert "interrupted" in lines["sound"]
    assert "cannot be read" in lines["odd"]
    assert err.count("\n") == 1
    assert err.startswith("sweeps: the sweep 'odd' cannot be read: its run ")
    assert len(err) < 1000
    assert main(["show", "odd", *at]) == 1
    out, again = capsys.readouterr()
    assert (out, again) == ("", err)
    with pytest.raises(OddSweepError):
        load("odd", f"sqlite:///{store}").study()


@pytest.mark.parametrize("command", [["report"], ["compare", "0", "1"], ["replay", "0"], ["export", "tables"]])
@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [("trial's tag", "trial", "x"), ("trial's param", "eta", "x"), ("sweep's param", "seed", "x")],
)
def test_every_command_on_an_odd_sweep_says_the_same(
    kind: str, key: str, value: str, command: list[str], store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(store, kind, key, value)
    assert main([command[0], "odd", *command[1:], "--tracking-uri", f"sqlite:///{store}"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("sweeps: the sweep 'odd' cannot be read")
    assert err.count("\n") == 1


@pytest.mark.parametrize("verdict", ["marvellous", "", "<b>", "a" * 5000, None])
def test_a_verdict_of_another_version_is_shown_as_it_stands(verdict: str | None, store: Path) -> None:
    change(store, "trial's tag", "verdict", verdict)
    sweep = load("odd", f"sqlite:///{store}")
    assert len(sweep.trials) == len(sweep.study().trials) == 2
    assert verdict is None or verdict in list(sweep.trials["verdict"])


def test_a_sound_sweep_is_read_as_before(store: Path) -> None:
    sweep = load("sound", f"sqlite:///{store}")
    assert list(sweep.trials["trial"]) == [0, 1]
    assert Store(f"sqlite:///{store}").names() == ["odd", "sound"]


def noted(**tags: str) -> RecordedSweep:
    """A sweep of two trials, its run with these tags; two underscores stand for a dot."""
    named = {name.replace("__", "."): text for name, text in tags.items()}
    return RecordedSweep("odd", "1", "0" * 32, "RUNNING", named, small_spec(name="odd", trials=2))


@pytest.mark.parametrize(
    "read", [noted_deaths, kept_settings, times_retried], ids=["deaths", "settings", "times retried"]
)
@given(
    st.sampled_from(["deaths.", "retry.", "retried"]),
    st.sampled_from(["", "0.0", "1", "x.y", "1.2.3", "0.\n"]) | st.text(),
    ODD,
)
def test_what_a_driver_noted_is_read_or_one_sentence(
    read: Callable[[RecordedSweep], object], start: str, end: str, text: str
) -> None:
    sweep = RecordedSweep("odd", "1", "0" * 32, "RUNNING", {start + end: text}, small_spec(name="odd"))
    said = ""
    try:
        read(sweep)
    except OddSweepError as error:
        said = str(error)
    assert said == "" or said.startswith("the sweep 'odd' cannot go on: its run sweep (")
    assert "\n" not in said
    assert len(said) < 500


def test_what_a_driver_noted_is_read_as_it_was_meant() -> None:
    settings = {"eta": 0.1, "lambda": 1.0, "batch_size": 20}
    sweep = noted(deaths__1__0="2", retry__1__0=encode_all(settings), retried="3", deaths__0__0="1")
    assert noted_deaths(sweep) == {(1, 0): 2, (0, 0): 1}
    assert kept_settings(sweep) == {1: settings}
    assert times_retried(sweep) == 3


@pytest.mark.parametrize(("key", "value"), [("deaths.0.0", "x"), ("retry.1.0", "{}]")])
def test_a_driver_that_finds_an_odd_note_says_so_and_trains_nothing(
    key: str, value: str, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(store, "sweep's tag", key, value)
    before = load("odd", f"sqlite:///{store}").trials
    with pytest.raises(OddSweepError, match=f"has the tag '{key}'"):
        run_sweep(small_spec(name="odd", trials=2, plan__epochs=1), Watcher(), 1, f"sqlite:///{store}")
    assert load("odd", f"sqlite:///{store}").trials.equals(before)
