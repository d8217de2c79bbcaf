"""What a sweep writes is what MLflow gives back: one suite for every kind of store."""

import functools
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from support import failing_workers
from support.drivers import Driver, race_for
from support.mlflow_servers import Server
from support.small_sweeps import Watcher, assert_same, interrupt_at, small_spec, swept

from model import load as load_data
from model import metrics
from sweeps.driver.loop import run_sweep
from sweeps.errors import BusyError, Interrupted, TrackingError
from sweeps.events import Status
from sweeps.results.sweep import Sweep, load
from sweeps.specification.spec import PLAN_FIELDS
from sweeps.tracking import lease
from sweeps.tracking.store import Store
from sweeps.tracking.tables import KEYS, SUMMARY

NewStore = Callable[[Path], str]
SPEC = small_spec(name="contract.1", trials=8)
FAILING = functools.partial(failing_workers.broken, numbers={5})


@dataclass(frozen=True)
class Written:
    """A sweep in a store, read twice while it ran, and in between interrupted.

    running: loaded in mid-sweep, from runs alone. interrupted: loaded after Ctrl-C, from runs and a Parquet part.
    """

    uri: str
    started: float
    ended: float
    running: Sweep
    interrupted: Sweep
    sweep: Sweep

    @property
    def client(self) -> MlflowClient:
        """MLflow's own view."""
        return MlflowClient(self.uri)

    @property
    def runs(self) -> dict[str, Run]:
        """All runs of the experiment, by name."""
        runs = self.client.search_runs([self.sweep.experiment_id])
        assert len({run.info.run_name for run in runs}) == len(runs)
        return {run.info.run_name: run for run in runs}


@pytest.fixture(scope="module", params=["sqlite", "http", "postgresql"])
def store(
    request: pytest.FixtureRequest, new_store: NewStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The URI of an empty store."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "postgresql":
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)  # MLflow puts its artifacts below the working folder
            yield request.getfixturevalue("postgres").new_database("contract")
        return
    uri = new_store(folder)
    if request.param == "sqlite":
        yield uri
        return
    server = Server(folder, uri)
    server.start()
    try:
        yield server.uri
    finally:
        server.stop()


@pytest.fixture(scope="module")
def written(store: str) -> Written:
    """A sweep of eight trials, some diverged and one failed."""
    seen: list[Sweep] = []

    def look_then_press(status: Status) -> None:
        if status.ended >= 4:
            while len((sweep := load(SPEC.name, store)).trials) < 3:
                time.sleep(0.1)
            seen.append(sweep)
            assert len(sweep.epochs) > 0  # read now
            raise KeyboardInterrupt

    started = time.time()
    with pytest.raises(Interrupted):
        run_sweep(SPEC, Watcher(look_then_press), 2, store, FAILING)
    interrupted = load(SPEC.name, store)
    assert len(interrupted.epochs) > 0
    sweep = swept(SPEC, store, train=FAILING)
    return Written(store, started, time.time(), seen[0], interrupted, sweep)


def test_every_trial_is_a_run_named_tagged_and_ended(written: Written) -> None:
    runs = written.runs
    assert sorted(runs) == ["sweep", *(f"trial-{number:04}" for number in range(8))]
    for number in range(8):
        run = runs[f"trial-{number:04}"]
        state = "failed" if number == 5 else "complete"
        own = {"kind": "trial", "sweep": "contract.1", "trial": str(number), "replicate": "0", "state": state}
        assert own.items() <= run.data.tags.items()
        assert run.info.status == ("FAILED" if number == 5 else "FINISHED")
        assert "mlflow.parentRunId" not in run.data.tags


def test_params_are_the_hyperparameters_and_the_whole_plan(written: Written) -> None:
    for number, row in written.sweep.trials.set_index("trial").iterrows():
        params = written.runs[f"trial-{number:04}"].data.params
        assert set(params) == {"eta", "lambda", "batch_size", *PLAN_FIELDS}
        assert [float(params["eta"]), float(params["lambda"])] == [row["eta"], row["lambda"]]
        assert int(params["batch_size"]) == row["batch_size"]
        assert (params["dataset"], json.loads(params["hidden"])) == ("digits", [8])


def test_metrics_are_exact_for_every_epoch_from_0(written: Written) -> None:
    epochs = written.sweep.epochs
    names = metrics.by_epoch(epochs.columns)
    assert {"cost/penalty", "accuracy/validation", "weight_norm/layer_1", "update_ratio/layer_2"} <= set(names)
    for number, of_trial in epochs.groupby("trial"):
        run = written.runs[f"trial-{number:04}"]
        for metric in names:
            known = of_trial.loc[of_trial[metric].notna(), ["epoch", metric]].itertuples(index=False, name=None)
            history = written.client.get_metric_history(run.info.run_id, metric)
            assert [(point.step, point.value) for point in history] == list(known)
            assert all(np.isfinite(point.value) and abs(point.value) < 1e300 for point in history)
            assert all(run.info.start_time <= point.timestamp <= run.info.end_time for point in history)


def test_summary_metrics_are_those_of_the_trials_table(written: Written) -> None:
    for row in written.sweep.trials.to_dict("records"):
        values = written.runs[f"trial-{row['trial']:04}"].data.metrics
        assert [values[name] for name in ("eta", "lambda", "batch_size")] == [
            row["eta"], row["lambda"], row["batch_size"],
        ]  # fmt: skip
        for name in SUMMARY:
            assert (name not in values) if pd.isna(row[name]) else (values[name] == row[name])
        assert all(np.isfinite(value) for value in values.values())


def test_times_are_those_of_the_training(written: Written) -> None:
    for row in written.sweep.trials.to_dict("records"):
        info = written.runs[f"trial-{row['trial']:04}"].info
        assert written.started <= info.start_time / 1000 <= info.end_time / 1000 <= written.ended
        assert info.end_time - info.start_time == pytest.approx(row["seconds"] * 1000)
        assert row["seconds"] < 0.8 * (written.ended - written.started)


def test_dataset_is_an_input_with_its_digest(written: Written) -> None:
    for run in written.runs.values():
        (logged,) = run.inputs.dataset_inputs
        assert (logged.dataset.name, logged.dataset.digest) == ("digits", load_data("digits").digest)


def test_failed_trial_carries_its_traceback(written: Written, tmp_path: Path) -> None:
    run_id = written.runs["trial-0005"].info.run_id
    path = written.client.download_artifacts(run_id, "error.txt", str(tmp_path))
    assert "has changed since the sweep began" in Path(path).read_text(encoding="utf-8")


def test_sweep_run_says_what_it_was_and_what_it_ran_on(written: Written) -> None:
    run = written.runs["sweep"]
    assert run.info.status == "FINISHED"
    own = {"kind": "sweep", "sweep": "contract.1", "state": "finished", "trials": "8", "seed": "0"}
    assert own.items() <= run.data.tags.items()
    assert {"version.numpy", "version.mlflow", "version.python", "machine.host", "machine.cores"} <= set(run.data.tags)
    assert json.loads(run.data.params["search.eta"]) == {"low": 0.05, "high": 5.0, "log": True}
    assert written.sweep.spec == SPEC


def test_tables_are_artifacts_of_the_sweep_run(written: Written, tmp_path: Path) -> None:
    run_id = written.runs["sweep"].info.run_id
    for name, table in {"trials": written.sweep.trials, "epochs": written.sweep.epochs}.items():
        path = written.client.download_artifacts(run_id, f"tables/{name}.parquet", str(tmp_path))
        pd.testing.assert_frame_equal(pd.read_parquet(path), table, check_exact=True)


@pytest.mark.parametrize("moment", ["running", "interrupted"])
def test_reading_before_the_end_gives_the_same_rows(written: Written, moment: str) -> None:
    early: Sweep = getattr(written, moment)
    assert early.state == moment
    trials = early.trials[early.trials["state"] != "running"]
    trials = trials.astype({"batch_size": "int64"})  # a trial that is just being written has none yet
    epochs = early.epochs[early.epochs["trial"].isin(trials["trial"])]
    assert 0 < len(trials) < 8
    for before, after, keys in (
        (trials, written.sweep.trials, ["trial"]),
        (epochs, written.sweep.epochs, KEYS),
    ):
        same = after.set_index(keys).loc[before.set_index(keys).index].reset_index()
        pd.testing.assert_frame_equal(before.reset_index(drop=True), same[before.columns], check_exact=True)


def test_champion_predicts_the_recorded_accuracy(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    best = written.sweep.best().iloc[0]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", written.uri)
    champion = mlflow.pyfunc.load_model("models:/contract.1@champion")
    data = load_data("digits")
    predicted = champion.predict(data.train.x[-300:]).argmax(axis=1)
    assert (predicted == data.train.y[-300:]).mean() == best["final.accuracy/validation"]
    predicted = champion.predict(data.test.x).argmax(axis=1)
    assert (predicted == data.test.y).mean() == best["accuracy/test"]
    assert written.runs["sweep"].data.tags["champion"] == f"trial {best['trial']}, replicate 0"


def test_half_written_trial_is_deleted_and_runs_again(written: Written, store: str) -> None:
    spec = small_spec(name="half", trials=4)
    with pytest.raises(Interrupted):
        run_sweep(spec, interrupt_at(2), 1, store)
    sweep = load("half", store)
    client = MlflowClient(store)
    tags = {"kind": "trial", "sweep": "half", "trial": "3", "replicate": "0", "state": "complete"}
    half = client.create_run(sweep.experiment_id, run_name="trial-0003", tags=tags)
    client.log_param(half.info.run_id, "eta", "1.0")
    assert "running" in set(load("half", store).trials["state"])
    resumed = swept(spec, store)
    assert resumed.trials["trial"].tolist() == list(range(4))
    assert half.info.run_id not in set(resumed.trials["run_id"])
    assert client.get_run(half.info.run_id).info.lifecycle_stage == "deleted"
    assert all(run.info.status == "FINISHED" for run in client.search_runs([sweep.experiment_id]))


def test_one_of_several_drivers_that_begin_at_once_has_the_sweep(store: str) -> None:
    client = MlflowClient(store)
    assert race_for(store, [client.create_experiment(f"raced-{number}") for number in range(4)], drivers=3) == [1] * 4


def test_second_driver_by_another_address_and_from_elsewhere_is_refused_with_the_name_of_the_first(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = f"{store}?timeout=30" if store.startswith("sqlite") else store.replace("127.0.0.1", "localhost")
    assert other != store
    monkeypatch.setattr(lease, "_LOOK_SECONDS", 0.1)
    changes = {"name": "driven", "trials": 500}
    with Driver(changes, store, tmp_path / "elsewhere", {"RENEW_SECONDS": 0.2}, pause=0.2) as first:
        first.wait_until("recorded")
        for address in (other, store):
            with pytest.raises(BusyError, match=rf"'driven' is being run by another process \(pid {first.pid} on "):
                run_sweep(small_spec(**changes), Watcher(), 1, address)


@pytest.mark.soak
@pytest.mark.parametrize("freeze", ["record", "log_inputs"])
def test_driver_that_was_suspended_and_comes_back_does_no_harm(
    store: str, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, freeze: str
) -> None:
    monkeypatch.setattr(lease, "EXPIRY_SECONDS", 3.0)
    changes = {"name": f"suspended-{freeze}", "trials": 6}
    with Driver(changes, store, tmp_path / "elsewhere", {"RENEW_SECONDS": 0.2}, freeze=freeze) as frozen:
        frozen.wait_until("frozen")
        sweep = swept(small_spec(**changes), store)
        frozen.thaw()
        assert f"was taken over (pid {os.getpid()} on " in frozen.outcome()
    runs = MlflowClient(store).search_runs([sweep.experiment_id])
    assert (len(runs), {run.info.status for run in runs}) == (7, {"FINISHED"})
    assert_same(load(sweep.name, store), swept(small_spec(**changes), uri))


def test_tracking_uri_of_the_environment_is_honoured_and_left(
    written: Written, store: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    before = dict(os.environ)
    run_sweep(small_spec(name="by-environment", trials=1), Watcher(), 1)
    assert dict(os.environ) == before
    assert mlflow.get_tracking_uri() == store
    assert "by-environment" in Store(store).names()
    assert mlflow.active_run() is None
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere")
    assert mlflow.get_tracking_uri() == "http://elsewhere"


def test_name_of_a_deleted_experiment_says_how_to_restore_it(written: Written, store: str) -> None:
    client = MlflowClient(store)
    number = client.create_experiment("gone")
    client.delete_experiment(number)
    with pytest.raises(TrackingError, match=f"mlflow experiments restore --experiment-id {number}.*another --name"):
        run_sweep(small_spec(name="gone", trials=1), Watcher(), 1, store)


def test_damaged_part_of_the_epochs_is_survived(uri: str, tmp_path: Path) -> None:
    spec = small_spec(trials=6)
    for ended in (2, 4):
        with pytest.raises(Interrupted):
            run_sweep(spec, interrupt_at(ended), 1, uri)
    parts = sorted(tmp_path.rglob("epochs/part-*.parquet"))
    assert len(parts) == 2
    before = load("small", uri).epochs
    parts[0].write_bytes(parts[0].read_bytes()[:200])
    pd.testing.assert_frame_equal(load("small", uri).epochs, before, check_exact=True)
    sweep = swept(spec, uri)
    assert sweep.epochs["trial"].nunique() == 6
    same = sweep.epochs[sweep.epochs["trial"].isin(before["trial"])]
    pd.testing.assert_frame_equal(same.reset_index(drop=True), before, check_exact=True)


def test_driver_that_died_before_its_spec_was_written_leaves_no_ruin(uri: str) -> None:
    client = MlflowClient(uri)
    experiment = client.create_experiment("small")
    ruin = client.create_run(experiment, run_name="sweep", tags={"sweep": "small"})
    assert Store(uri).names() == []
    assert len(swept(small_spec(trials=1), uri).trials) == 1
    assert client.get_run(ruin.info.run_id).info.lifecycle_stage == "deleted"


def test_server_that_goes_away_and_comes_back_loses_nothing_and_doubles_nothing(
    uri: str, new_store: NewStore, tmp_path: Path
) -> None:
    server = Server(tmp_path, uri)
    server.start()
    restarts: list[Thread] = []

    def restart() -> None:
        time.sleep(1)
        server.start()

    def cut(status: Status) -> None:
        if status.ended >= 3 and not restarts:
            server.stop()
            restarts.append(Thread(target=restart))
            restarts[0].start()

    try:
        watcher, spec = Watcher(cut), small_spec(trials=8)
        slow = functools.partial(failing_workers.slow, seconds=0.3)
        run_sweep(spec, watcher, 2, server.uri, slow)
        restarts[0].join()
        sweep = load("small", server.uri)
        names = [run.info.run_name for run in MlflowClient(server.uri).search_runs([sweep.experiment_id])]
        assert any("does not record" in message and "trying again" in message for message in watcher.messages)
        assert sorted(names) == ["sweep", *(f"trial-{number:04}" for number in range(8))]
        other = tmp_path / "other"
        other.mkdir()
        assert_same(swept(spec, new_store(other)), sweep)
    finally:
        if restarts:
            restarts[0].join()
        server.stop()
