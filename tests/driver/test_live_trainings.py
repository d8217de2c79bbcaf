"""Trainings in progress are in the store while they run; what comes of them is the same as if nobody had looked."""

import functools
import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow import MlflowClient
from support import failing_workers
from support.failing_workers import HELD_AT
from support.small_sweeps import Watcher, assert_same, small_spec, swept

from sweeps.driver import recording
from sweeps.driver.live_trainings import LiveTrainings
from sweeps.driver.loop import run_sweep
from sweeps.errors import Interrupted
from sweeps.events import Status
from sweeps.executors.event_channel import Receiver, speak_to
from sweeps.results.sweep import Sweep, load
from sweeps.specification.requirements import datasets
from sweeps.tracking import live_runs
from sweeps.tracking.heartbeat import LIVE, Heartbeat, RunningTraining, read_heartbeat
from sweeps.tracking.location import sqlite_file
from sweeps.worker import event_stream
from sweeps.worker.task import task_of
from sweeps.worker.trial import run_trial

NewStore = Callable[[Path], str]

LONG = small_spec(name="long", trials=3, plan__epochs=8)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training is shown from its first epoch on."""
    monkeypatch.setattr(live_runs, "_SHORT_SECONDS", 0.0)
    monkeypatch.setattr(recording, "_SHOW_SECONDS", 0.05)


@pytest.fixture(scope="module")
def not_shown(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """The sweep, shown to nobody while it ran."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "_SHOW_SECONDS", 1e6)
        return swept(LONG, new_store(tmp_path_factory.mktemp("long")))


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    """Once it is there, trainings that are held go on."""
    return tmp_path / "seen"


@pytest.mark.usefixtures("at_once")
def test_epochs_are_there_while_they_come_and_the_sweep_is_the_same(uri: str, not_shown: Sweep, seen: Path) -> None:
    heard: list[Heartbeat] = []

    def look(_: Status) -> None:
        heartbeat = read_heartbeat(_tags(uri))
        if len(_running(uri)) == 2 and heartbeat is not None and {one.epoch for one in heartbeat.running} == {HELD_AT}:
            heard.append(heartbeat)
            seen.touch()

    run_sweep(LONG, Watcher(look), 2, uri, functools.partial(failing_workers.held, seen=seen))
    heartbeat = heard[0]
    assert (heartbeat.total, heartbeat.ended, heartbeat.workers) == (3, 0, 2)
    assert [(one.number, one.replicate, one.epochs) for one in heartbeat.running] == [(0, 0, 8), (1, 0, 8)]
    assert len({one.worker for one in heartbeat.running}) == 2
    assert_same(not_shown, load("long", uri))
    assert _content(uri) == _content(not_shown.uri)
    assert not _deleted(uri)
    assert LIVE not in _tags(uri)


@pytest.mark.usefixtures("at_once")
def test_training_whose_worker_died_leaves_no_half_run(uri: str, not_shown: Sweep, seen: Path) -> None:
    def look(_: Status) -> None:
        if len(_running(uri)) == 2:
            seen.touch()

    watcher = Watcher(look)
    run_sweep(LONG, watcher, 2, uri, functools.partial(failing_workers.held_and_killed, number=1, seen=seen))
    assert any("a worker died" in message for message in watcher.messages)
    assert_same(not_shown, load("long", uri))
    assert _content(uri) == _content(not_shown.uri)


@pytest.mark.usefixtures("at_once")
def test_interrupted_sweep_leaves_no_half_run_and_goes_on(uri: str, not_shown: Sweep, seen: Path) -> None:
    def press(_: Status) -> None:
        if _running(uri):
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        run_sweep(LONG, Watcher(press), 2, uri, functools.partial(failing_workers.held, seen=seen))
    assert not _running(uri)
    assert LIVE not in _tags(uri)
    assert_same(not_shown, swept(LONG, uri))
    assert _content(uri) == _content(not_shown.uri)


@pytest.mark.usefixtures("at_once")
def test_run_that_somebody_deletes_while_its_training_runs_is_written_anew(
    uri: str, not_shown: Sweep, seen: Path
) -> None:
    def delete(_: Status) -> None:
        if not seen.exists() and (running := _running(uri)):
            for run_id in running:
                MlflowClient(uri).delete_run(run_id)
            seen.touch()

    run_sweep(LONG, Watcher(delete), 2, uri, functools.partial(failing_workers.held, seen=seen))
    assert_same(not_shown, load("long", uri))
    assert _content(uri) == _content(not_shown.uri)


@pytest.mark.usefixtures("at_once")
def test_failed_training_leaves_what_failed_trainings_leave(uri: str, seen: Path, tmp_path: Path) -> None:
    file = tmp_path / "theirs.py"
    file.write_text(_FAILS_LATE.replace("SEEN", str(seen)), encoding="utf-8")
    spec = small_spec(name="theirs", trials=1, network=f"{file}:Network", plan__epochs=200, search__lambda=1.0)

    def look(_: Status) -> None:
        if any(status == "RUNNING" and epoch > 1 for status, epoch in _runs(uri).values()):
            seen.touch()

    finished = run_sweep(spec, Watcher(look), 1, uri)
    assert seen.exists()
    assert finished.failed == ((0, 0),)
    assert dict(_runs(uri).values()) == {"FAILED": 0}  # its summary alone


def test_what_is_heard_is_what_the_training_came_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "_PAUSE_SECONDS", 0.0)
    settings = {"eta": 0.5, "lambda": 1.0, "batch_size": 20}
    spec = small_spec(plan__epochs=20)
    task = task_of(spec, (0, 0), settings, {name: one.digest for name, one in datasets(spec).items()})
    live = LiveTrainings()
    live.begin((0, 0), settings, 20)
    receiver = Receiver(live.hear)
    speak_to(receiver.address)
    try:
        result = run_trial(task)
        deadline = time.monotonic() + 30
        while len(live.now[0].records) < len(result.records) and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        speak_to(None)
        receiver.close()
    (heard,) = live.now
    assert len(heard.records) == 21
    assert heard.records == tuple(zip(result.records, result.epoch_ends, strict=True))
    assert (heard.running.started, heard.running.epoch) == (result.started, 20)
    live.end((0, 0))
    assert live.now == ()


_NUMBERS = st.floats(allow_nan=False)
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
_JSON = st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
_RUNNING = st.builds(RunningTraining, *[st.integers()] * 4, _NUMBERS, st.text())


@given(event=st.dictionaries(st.sampled_from(["key", "started", "epochs", "worker", "records"]), _JSON))
def test_whatever_somebody_says_is_understood_or_not_heard(event: dict[str, Any]) -> None:
    live = LiveTrainings()
    live.begin((0, 0), {}, 3)
    live.hear(event)
    assert len(live.now) == 1


@pytest.mark.parametrize(
    "odd",
    [
        {"started": float("nan")},
        {"started": -1.0},
        {"started": 1e300},
        {"epochs": 4},
        {"records": [[4, 2.0, {"cost/penalty": 1.0}]]},
        {"records": [[-1, 2.0, {"cost/penalty": 1.0}]]},
        {"records": [[1, float("inf"), {"cost/penalty": 1.0}]]},
    ],
)
def test_what_no_store_could_keep_is_not_heard(odd: dict[str, Any]) -> None:
    live, sound = LiveTrainings(), [[1, 2.0, {"cost/penalty": 1.0}]]
    live.begin((0, 0), {}, 3)
    event = {"key": [0, 0], "started": 1.0, "epochs": 3, "worker": "here:1", "records": sound}
    live.hear(event | odd)
    assert live.now[0].records == ()
    live.hear(event)
    assert [record.epoch for record, _ in live.now[0].records] == [1]


@given(
    heartbeat=st.builds(
        Heartbeat, _NUMBERS, *[st.integers()] * 4, st.lists(_RUNNING, max_size=40).map(tuple), more=st.integers()
    )
)
def test_heartbeat_that_is_written_is_what_is_read(heartbeat: Heartbeat) -> None:
    assert read_heartbeat({LIVE: heartbeat.text}) == heartbeat


@given(text=st.text() | _JSON.map(json.dumps))
def test_tag_that_somebody_changed_is_no_heartbeat(text: str) -> None:
    assert read_heartbeat({LIVE: text}) is None


def test_heartbeat_of_a_thousand_workers_fits_into_a_tag() -> None:
    running = tuple(
        RunningTraining(1000 + k, 1, 1000, 999, 1796063332.5650687, f"{'machine' * 6}:{k:07}") for k in range(1000)
    )
    text = Heartbeat(1796063332.5650687, 10_000, 9_999, 10_000, 1000, running).text
    known = read_heartbeat({LIVE: text})
    assert known is not None
    assert len(text) < 5000
    assert len(known.running) + known.more == 1000


def _runs(uri: str) -> dict[str, tuple[str, int]]:
    """Name of each trial's run -> (status, last epoch of which a value stands there, -1 without)."""
    query = """
        SELECT name, status, COALESCE(MAX(step), -1) FROM runs LEFT JOIN metrics USING (run_uuid)
        WHERE lifecycle_stage = 'active' AND name LIKE 'trial-%' GROUP BY run_uuid
    """
    return {name: (status, epoch) for name, status, epoch in _asked(uri, query)}


def _running(uri: str) -> list[str]:
    """The runs of trials in progress, of which a few epochs stand there."""
    query = "SELECT run_uuid FROM runs JOIN metrics USING (run_uuid) WHERE lifecycle_stage = 'active' "
    query += f"AND name LIKE 'trial-%' AND status = 'RUNNING' GROUP BY run_uuid HAVING MAX(step) = {HELD_AT}"
    return [run_id for (run_id,) in _asked(uri, query)]


def _deleted(uri: str) -> list[Any]:
    return _asked(uri, "SELECT name FROM runs WHERE lifecycle_stage != 'active'")


def _tags(uri: str) -> dict[str, str]:
    """Of the sweep's run."""
    return dict(_asked(uri, "SELECT key, value FROM tags JOIN runs USING (run_uuid) WHERE name = 'sweep'"))


def _content(uri: str) -> dict[str, list[Any]]:
    """All that stands of the trials, each row once or more, but for times and for what tells runs apart."""
    of_trials = "runs USING (run_uuid) WHERE lifecycle_stage = 'active' AND name LIKE 'trial-%'"
    queries = {
        "runs": "SELECT name, status FROM runs WHERE lifecycle_stage = 'active' ORDER BY name",
        "params": f"SELECT name, key, value FROM params JOIN {of_trials} ORDER BY name, key",
        "metrics": f"SELECT name, key, step, value, is_nan FROM metrics JOIN {of_trials} AND key != 'epoch_seconds' "
        "ORDER BY name, key, step",
        "latest": f"SELECT name, key, step, value FROM latest_metrics JOIN {of_trials} AND key != 'epoch_seconds' "
        "ORDER BY name, key",
        "tags": f"SELECT name, key, value FROM tags JOIN {of_trials} AND key NOT IN ('attempt', 'driver') "
        "ORDER BY name, key",
    }
    return {what: _asked(uri, query) for what, query in queries.items()}


def _asked(uri: str, query: str) -> list[Any]:
    """Straight from the file."""
    with closing(sqlite3.connect(f"file:{sqlite_file(uri)}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


_FAILS_LATE = """
import os
import time
import numpy as np


class Network:
    def __init__(self, sizes):
        rng = np.random.default_rng()
        self.biases = [rng.standard_normal((y, 1)) for y in sizes[1:]]
        self.weights = [rng.standard_normal((y, x)) / np.sqrt(x) for x, y in zip(sizes[:-1], sizes[1:])]
        self.steps = 0

    def feedforward(self, a):
        for b, w in zip(self.biases, self.weights):
            a = 1 / (1 + np.exp(-(w @ a + b)))
        return a

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        self.steps += 1
        if self.steps == 1000:
            while not os.path.exists("SEEN"):
                time.sleep(0.01)
            raise RuntimeError("enough")
        for x, y in mini_batch:
            activations = [x]
            for b, w in zip(self.biases, self.weights):
                activations.append(1 / (1 + np.exp(-(w @ activations[-1] + b))))
            delta = activations[-1] - y
            for l in range(1, len(self.weights) + 1):
                grad = delta @ activations[-l - 1].T
                below = (self.weights[-l].T @ delta) * activations[-l - 1] * (1 - activations[-l - 1])
                self.weights[-l] = self.weights[-l] * (1 - eta * lmbda / n / len(mini_batch))
                self.weights[-l] = self.weights[-l] - eta / len(mini_batch) * grad
                self.biases[-l] = self.biases[-l] - eta / len(mini_batch) * delta
                delta = below
"""
