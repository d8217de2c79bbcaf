"""Failure is data: whatever goes wrong in a trial stays in that trial, and the sweep goes on to its end."""

import functools
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from support import failing_workers
from support.small_sweeps import Watcher, assert_same, small_spec, swept

from model import load as load_data
from model import train
from sweeps.driver.loop import run_sweep
from sweeps.errors import Interrupted
from sweeps.events import Status
from sweeps.results.sweep import Sweep, load
from sweeps.tracking.outbox_places import outbox_path
from sweeps.tracking.store import Store

NewStore = Callable[[Path], str]
FATAL = 1  # the number of a trial


class DeathWatcher(Watcher):
    """Notes how many trainings run at a time from the first death on, until it is known who is to blame."""

    def __init__(self) -> None:
        super().__init__(self._note)
        self.running: list[int] = []

    def _note(self, status: Status) -> None:
        if any("a worker died" in message for message in self.messages) and not status.failed:
            self.running.append(status.running)


@pytest.fixture(scope="module")
def diverging(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> tuple[Sweep, str]:
    """A sweep half of whose trials have eta * lambda / n = 2.4, and its store."""
    eta, n = 0.5, len(load_data("digits").train) - 300
    search = {"eta": {"choices": [0.3, eta]}, "lambda": {"choices": [0.0, 2.4 * n / eta]}, "batch_size": 20}
    uri = new_store(tmp_path_factory.mktemp("diverging"))
    return swept(small_spec(search=search, trials=12, plan__epochs=12), uri), uri


def test_diverged_trial_is_finished_and_says_when(diverging: tuple[Sweep, str]) -> None:
    sweep, uri = diverging
    diverged = sweep.trials[sweep.trials["diverged"] == 1]
    assert 0 < len(diverged) < 12
    assert (diverged["state"] == "complete").all()
    client = MlflowClient(uri)
    for row in diverged.to_dict("records"):
        assert row["eta_lambda_over_n"] == pytest.approx(2.4)
        settings = {name: row[name] for name in ("eta", "lambda", "batch_size")}
        plan, hyperparameters = sweep.spec.training(settings)
        records = list(train(plan, hyperparameters, load_data("digits"), np.random.default_rng([0, 0])))
        assert not records[-1].finite
        assert 1 < row["diverged_epoch"] == records[-1].epoch < 12
        run = client.get_run(row["run_id"])
        assert run.info.status == "FINISHED"
        assert run.data.metrics["diverged"] == 1
        assert run.data.metrics["diverged_epoch"] == records[-1].epoch


def test_records_of_diverged_trials_are_finite(diverging: tuple[Sweep, str]) -> None:
    sweep, uri = diverging
    client = MlflowClient(uri)
    for row in sweep.trials[sweep.trials["diverged"] == 1].to_dict("records"):
        epochs = sweep.epochs[sweep.epochs["trial"] == row["trial"]]
        assert epochs["epoch"].tolist() == list(range(row["diverged_epoch"]))
        assert np.isfinite(epochs[epochs["epoch"] > 0].to_numpy(float)).all()
        history = client.get_metric_history(row["run_id"], "cost/train_total")
        assert [point.step for point in history] == epochs["epoch"].tolist()
        assert [point.value for point in history] == epochs["cost/train_total"].tolist()
        assert max(point.value for point in history) < 1e300


def test_diverged_trial_is_told_as_the_worst_and_is_never_best(diverging: tuple[Sweep, str]) -> None:
    sweep, _ = diverging
    diverged = set(sweep.trials.loc[sweep.trials["diverged"] == 1, "trial"])
    assert {trial.number for trial in sweep.study().trials if trial.value == np.inf} == diverged
    assert set(sweep.best(12)["trial"]) == set(range(12)) - diverged


@pytest.mark.parametrize(
    ("fault", "error"), [(failing_workers.broken, "has changed since"), (failing_workers.raising, "had enough")]
)
def test_trial_that_raises_is_failed_with_its_traceback(
    uri: str, tmp_path: Path, fault: Callable[..., object], error: str
) -> None:
    spec = small_spec(trials=4)
    finished = run_sweep(spec, Watcher(), 2, uri, functools.partial(fault, numbers={2}))
    assert finished.failed == ((2, 0),)
    trials = load("small", uri).trials.set_index("trial")
    assert trials["state"].tolist() == ["complete", "complete", "failed", "complete"]
    client = MlflowClient(uri)
    run = client.get_run(trials.loc[2, "run_id"])
    assert run.info.status == "FAILED"
    text = Path(client.download_artifacts(run.info.run_id, "error.txt", str(tmp_path))).read_text(encoding="utf-8")
    assert "Traceback" in text
    assert error in text
    assert run_sweep(spec, Watcher(), 2, uri).failed == ((2, 0),)  # it stays failed, and is still named


@pytest.mark.parametrize("workers", [(1, 3), pytest.param((1, 2, 4), marks=pytest.mark.soak)])
def test_deadly_trial_fails_and_innocents_do_not_for_any_number_of_workers(
    new_store: NewStore, tmp_path: Path, workers: tuple[int, ...]
) -> None:
    spec = small_spec(trials=6)
    sweeps: list[Sweep] = []
    for jobs in workers:
        folder = tmp_path / str(jobs)
        folder.mkdir()
        uri, attempts = new_store(folder), folder / "attempts"
        watcher = DeathWatcher()
        deadly = functools.partial(failing_workers.deadly, numbers={FATAL}, attempts=attempts)
        assert run_sweep(spec, watcher, jobs, uri, deadly).failed == ((FATAL, 0),)
        assert max(watcher.running) == 1  # until it is known who is to blame
        counts = Counter(int(line) for line in attempts.read_text().split())
        assert 3 <= counts.pop(FATAL) <= 4  # three deaths alone, perhaps one in company
        assert set(counts.values()) <= {1, 2}
        sweeps.append(load("small", uri))
    states = sweeps[0].trials.set_index("trial")["state"]
    assert states[states == "failed"].index.tolist() == [FATAL]
    assert (states.drop(FATAL) == "complete").all()
    assert set(sweeps[0].epochs["trial"]) == set(range(6)) - {FATAL}
    for other in sweeps[1:]:
        assert_same(sweeps[0], other)


def test_count_of_deaths_survives_a_resume(uri: str, tmp_path: Path) -> None:
    attempts = tmp_path / "attempts"
    deadly = functools.partial(failing_workers.deadly, numbers={1}, attempts=attempts)
    spec, deaths = small_spec(trials=3), list[str]()

    def press(message: str) -> None:
        deaths.extend([message] if "a worker died; trial 1 runs again" in message else [])
        if len(deaths) == 2 and message is deaths[-1]:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        run_sweep(spec, Watcher(on_message=press), 1, uri, deadly)
    recorded = Store(uri).sweep("small")
    assert recorded is not None
    assert recorded.tags["deaths.1.0"] == "2"
    assert run_sweep(spec, Watcher(), 1, uri, deadly).failed == ((1, 0),)
    assert attempts.read_text().split().count("1") == 3


def test_worker_that_dies_once_costs_nothing_in_the_end(uri: str, new_store: NewStore, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    once = functools.partial(failing_workers.deadly_once, numbers={0, 3}, folder=tmp_path)
    spec = small_spec(trials=7)
    sweep = swept(spec, uri, train=once)
    assert {path.name for path in tmp_path.glob("died-*")} == {"died-0", "died-3"}
    assert_same(swept(spec, new_store(other)), sweep)


def test_champion_of_an_earlier_driver_is_trained_again_whatever_its_worker_does(uri: str, tmp_path: Path) -> None:
    spec = small_spec(trials=3)

    def press(status: Status) -> None:
        if status.ended == status.total:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        run_sweep(spec, Watcher(press), 1, uri)
    outbox_path(uri, "small").unlink()  # it holds that network, where the driver before was on this machine
    once = functools.partial(failing_workers.deadly_once, numbers={0, 1, 2}, folder=tmp_path)
    sweep, watcher = load("small", uri), Watcher()
    run_sweep(spec, watcher, 1, uri, once)
    best = sweep.best()["trial"].iloc[0]
    assert watcher.messages == [f"a worker died; trial {best}, the best, is trained again for its network"]
    assert MlflowClient(uri).get_model_version_by_alias("small", "champion").version == 1
