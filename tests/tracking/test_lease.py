"""A sweep has one driver at a time; the next one begins when the last has gone, has died, or was silent for long."""

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Run
from support.drivers import Driver
from support.small_sweeps import Watcher, assert_same, small_spec, swept

from model import load as load_data
from sweeps.driver.loop import run_sweep
from sweeps.errors import BusyError, OddSweepError
from sweeps.results.sweep import Sweep, load
from sweeps.tracking import lease
from sweeps.tracking.holder import Holder, read_holder, this_process
from sweeps.tracking.lease import Lease
from sweeps.tracking.run_reading import drivers
from sweeps.tracking.store import Store
from sweeps.tracking.writer import SweepWriter
from sweeps.worker.task import failure, task_of

SPEC = small_spec(trials=3)
CHANGES = {"trials": 5}
QUICK = {"RENEW_SECONDS": 0.05, "EXPIRY_SECONDS": 0.5, "_LOOK_SECONDS": 0.05}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a minute."""
    for name, seconds in QUICK.items():
        monkeypatch.setattr(lease, name, seconds)


@pytest.fixture(scope="module")
def undisturbed(new_store: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """What the sweeps of these tests must be."""
    return swept(small_spec(**CHANGES), new_store(tmp_path_factory.mktemp("undisturbed")))


def opened(uri: str, say: Callable[[str], None] = print) -> SweepWriter:
    """A driver's writer."""
    return SweepWriter(Store(uri), SPEC, {"digits": load_data("digits")}, {}, say)


def sweep_run(uri: str) -> Run:
    """The run named `sweep`."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("small")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id], "tags.kind = 'sweep'")
    return run


def driven_by(uri: str, **changes: Any) -> None:
    """A new sweep's second driver, who never says that it lives. changes: to what this process would be called."""
    opened(uri).release()
    holder = replace(this_process(), **changes)
    MlflowClient(uri).log_param(sweep_run(uri).info.run_id, "driver.2", holder.text)


def test_second_driver_is_refused_with_the_name_of_the_first_as_soon_as_that_one_says_that_it_lives(uri: str) -> None:
    first, said = opened(uri), list[str]()

    def looks(message: str) -> None:
        said.append(message)
        first.keep()

    with pytest.raises(BusyError, match=rf"'small' is being run by another process \(pid {os.getpid()} on .*, since"):
        opened(uri, looks)
    (message,) = said
    assert "looking for up to 0.5 s whether it still lives" in message
    assert drivers(sweep_run(uri)) == 1


def test_driver_that_has_gone_in_good_order_is_followed_at_once(uri: str) -> None:
    opened(uri).release()
    said: list[str] = []
    opened(uri, said.append).release()
    assert said == []
    assert read_holder(sweep_run(uri).data.params["driver.2"]).pid == os.getpid()


def test_driver_of_this_machine_that_was_killed_is_followed_at_once(uri: str) -> None:
    process = subprocess.Popen(["sleep", "1000"])
    process.kill()
    process.wait()
    driven_by(uri, pid=process.pid)
    said: list[str] = []
    opened(uri, said.append).release()
    assert said == []
    assert drivers(sweep_run(uri)) == 3


def test_silent_driver_of_another_machine_is_followed_after_a_while_and_it_is_said(uri: str) -> None:
    driven_by(uri, host="far-away", place="another boot", pid=4711)
    said: list[str] = []
    opened(uri, said.append).release()
    assert "by another process (pid 4711 on far-away" in said[0]
    assert "nothing was heard of pid 4711 on far-away" in said[1]
    assert drivers(sweep_run(uri)) == 3


def test_who_was_heard_of_while_its_silence_was_measured_is_not_followed(uri: str) -> None:
    driven_by(uri, host="far-away", place="another boot")
    client, run_id = MlflowClient(uri), sweep_run(uri).info.run_id

    def renewed(message: str) -> None:
        client.set_tag(run_id, "driver.renewed", "2.1")

    with pytest.raises(BusyError, match="far-away"):
        opened(uri, renewed)


def test_of_two_that_make_the_same_sweep_at_the_same_time_one_has_it(uri: str) -> None:
    """One makes its run after the other has looked, found none, made its own and taken it."""
    store = Store(uri)
    experiment_id = store.client.create_experiment("small")
    first = Lease(store, "small", print, Event())
    second = Lease(store, "small", lambda _: first.keep(), Event())

    def create() -> str:
        return str(store.client.create_run(experiment_id, run_name="sweep", tags={"sweep": "small"}).info.run_id)

    def create_late() -> str:
        first.take(experiment_id, create)
        return create()

    with pytest.raises(BusyError, match="is being run by another process"):
        second.take(experiment_id, create_late)
    assert first.number == 1
    first.check()


def test_process_is_known_by_its_start_and_not_by_its_number_alone() -> None:
    here = this_process()
    assert not here.has_died
    assert Holder(here.host, here.pid, here.since, here.place, here.ticks + 1, here.token).has_died
    assert not Holder("far-away", here.pid, here.since, here.place, here.ticks + 1, here.token).has_died
    assert not Holder(here.host, here.pid, here.since, "", here.ticks + 1, here.token).has_died
    assert read_holder(here.text) == here


@pytest.mark.parametrize("text", ["", "[]", "7", '{"host": "x"}', '{"host": "x", "pid": 1, "rm": 1}', "[" * 9999])
def test_driver_that_makes_no_sense_is_one_sentence(uri: str, text: str) -> None:
    opened(uri).release()
    MlflowClient(uri).log_param(sweep_run(uri).info.run_id, "driver.2", text[:5000])
    with pytest.raises(OddSweepError, match=r"the sweep 'small' cannot be read: its run sweep"):
        opened(uri)


@pytest.mark.parametrize("odd", [{"pid": "1"}, {"pid": True}, {"host": 3}, {"ticks": None}])
def test_holder_is_somebody(odd: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="nobody"):
        replace(this_process(), **odd)


def test_lease_is_given_back_where_the_record_cannot_be_opened(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweeps.tracking.writer.read_epochs", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        opened(uri)
    assert sweep_run(uri).data.tags["driver.released"] == "1"


def everything(uri: str) -> list[dict[str, Any]]:
    """All runs of the sweep's experiment."""
    return [run.to_dictionary() for run in MlflowClient(uri).search_runs([sweep_run(uri).info.experiment_id])]


def test_driver_that_lost_its_sweep_changes_nothing_more_and_names_the_one_that_has_it(uri: str) -> None:
    first = opened(uri)
    second = opened(uri)
    before = everything(uri)
    task = task_of(SPEC, (0, 0), {"eta": 0.1, "lambda": 0.0, "batch_size": 20}, {"digits": load_data("digits").digest})
    for late in (
        lambda: first.record(failure(task, "late"), {}),
        lambda: first.note_death(0, 0, 1),
        first.interrupt,
        first.keep,
        lambda: first.finish(None, lambda *_: None),
    ):
        with pytest.raises(BusyError, match=rf"'small' was taken over \(pid {os.getpid()} on "):
            late()
    first.release()
    assert everything(uri) == before
    second.release()


def test_what_was_written_late_is_no_second_trial_and_is_cleared_away(uri: str) -> None:
    """A driver that was suspended within a request finds out after it."""
    sweep = swept(SPEC, uri)
    opened(uri).release()
    store = Store(uri)
    recorded = store.sweep("small")
    assert recorded is not None
    standing = store.trials(recorded)
    run = store.client.get_run(standing[1].run_id)
    assert recorded.drivers == 2
    assert run.data.tags["driver"] == "1"
    store.client.set_tag(run.info.run_id, "driver", "2")  # as if it had been trained again
    late = run.data.tags | {"driver": "1"}
    finished = store.client.create_run(recorded.experiment_id, run.info.start_time - 5000, late, "trial-0001")
    store.client.log_batch(finished.info.run_id, [Metric("cost/train_total", 1.0, 0, 0)])
    store.client.set_terminated(finished.info.run_id)
    unfinished = store.client.create_run(recorded.experiment_id, None, late, "trial-0001")
    assert store.trials(recorded) == standing
    said = Watcher()
    run_sweep(SPEC, said, 1, uri)
    assert any("stood in the record twice, 1 with other numbers" in message for message in said.messages)
    left = {run["info"]["run_id"] for run in everything(uri)}
    assert not left & {finished.info.run_id, unfinished.info.run_id}
    assert_same(load("small", uri), sweep)


@pytest.mark.parametrize("freeze", ["record", "log_inputs"])
def test_driver_that_was_suspended_and_comes_back_stops_and_each_trial_stands_once(
    uri: str, undisturbed: Sweep, tmp_path: Path, freeze: str
) -> None:
    with Driver(CHANGES, uri, tmp_path / "elsewhere", QUICK, freeze=freeze) as frozen:
        frozen.wait_until("frozen")
        sweep = swept(small_spec(**CHANGES), uri, jobs=1)
        frozen.thaw()
        assert f"BusyError: the sweep 'small' was taken over (pid {os.getpid()} on" in frozen.outcome()
    assert {run["info"]["status"] for run in everything(uri)} == {"FINISHED"}
    assert len(everything(uri)) == 6
    assert_same(undisturbed, sweep)
    assert_same(load("small", uri), sweep)
