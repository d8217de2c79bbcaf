"""The store may be away: training never waits for it, and what has finished is never lost, nor trained again."""

import errno
import functools
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
from mlflow import MlflowClient
from support import failing_workers
from support.mlflow_servers import Server
from support.small_sweeps import Watcher, assert_same, small_spec, small_table, swept, write_spec

from sweeps.cli.main import main
from sweeps.driver.delivery import deliver
from sweeps.driver.loop import run_sweep
from sweeps.errors import AddressError, Interrupted, OutboxError, SpecError, StoreAwayError, VanishedError
from sweeps.events import Status
from sweeps.results.sweep import Sweep, load
from sweeps.tracking import framed_file, lease
from sweeps.tracking.framed_file import records_in
from sweeps.tracking.location import sqlite_file
from sweeps.tracking.outbox import Outbox
from sweeps.tracking.outbox_places import outbox_path
from sweeps.worker.task import Task

NewStore = Callable[[Path], str]
SPEC = small_spec(trials=8)
DEADLINE = 240.0


@pytest.fixture(scope="module")
def undisturbed(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """The sweep that all others here are to equal."""
    return swept(SPEC, new_store(tmp_path_factory.mktemp("undisturbed")))


@pytest.fixture
def nowhere() -> str:
    """The address of a server that is not there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def untrained(task: Task) -> NoReturn:
    """Takes the place of a training that must not happen."""
    raise AssertionError(f"trial {task.number} is trained again")


def held(path: Path) -> list[int]:
    """Trials that an outbox holds, each as often as it holds it."""
    outbox = Outbox(path)
    numbers = [entry.key[0] for entry in outbox.entries()]
    outbox.close()
    return numbers


def assert_once_each(uri: str, sweep: str, trials: int) -> None:
    """The runs of a sweep are its trials and `sweep`, once each and ended; its champion is one version."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(sweep)
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert sorted(run.info.run_name for run in runs) == ["sweep", *(f"trial-{number:04}" for number in range(trials))]
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert len(client.search_model_versions(f"name = '{sweep}'")) == 1


@contextmanager
def locked(uri: str) -> Iterator[None]:
    """Another process has the database for itself."""
    with closing(sqlite3.connect(str(sqlite_file(uri)), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def test_sweep_without_its_server_survives_a_kill_ends_and_is_delivered_as_the_undisturbed_one(
    undisturbed: Sweep, new_store: NewStore, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server = Server(tmp_path, new_store(tmp_path))
    path, spec = outbox_path(server.uri, "small"), write_spec(tmp_path / "spec.toml", small_table(trials=8))
    command = [sys.executable, "-m", "sweeps", "run", str(spec), "--tracking-uri", server.uri, "--jobs", "1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as driver:
        began = time.monotonic()
        while not path.is_file() or len(records_in(path.read_bytes())[0]) < 6:
            assert driver.poll() is None
            assert time.monotonic() - began < DEADLINE
            time.sleep(0.02)
        driver.kill()
    before = held(path)
    assert before
    assert main([*command[3:], "--store-wait", "0"]) == 1
    said = capfd.readouterr().err
    assert "small goes on without its store" in said
    assert "nothing listens there), and 8 results of small wait in" in said
    assert "`sweeps deliver small` brings it there and finishes the record" in said
    assert "Traceback" not in said
    assert sorted(held(path)) == list(range(8))
    assert held(path)[: len(before)] == before
    assert main(["deliver", "--tracking-uri", server.uri]) == 2  # it is still away
    capfd.readouterr()
    server.start()
    try:
        assert main(["deliver", "small", "--tracking-uri", server.uri, "--quiet"]) == 0
        out, err = capfd.readouterr()
        assert "small: 8 results delivered, and its record is finished" in err
        assert "What next:" in out
        assert_same(load("small", server.uri), undisturbed)
        assert_once_each(server.uri, "small", 8)
        assert load("small", server.uri).holds("report", "index.html")
        assert held(path) == []
        assert main(["deliver", "--tracking-uri", server.uri, "--quiet"]) == 0
        assert run_sweep(SPEC, Watcher(), 1, server.uri, untrained).was_finished
    finally:
        server.stop()


def test_training_goes_on_while_the_database_is_locked_and_nothing_is_lost(
    undisturbed: Sweep, uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with locked(uri):
        watcher = Watcher()
        with pytest.raises(StoreAwayError, match="8 results of small wait in"):
            run_sweep(SPEC, watcher, 2, uri, wait=0)
    assert main(["list", "--tracking-uri", uri]) == 0
    said = f"8 results of small wait in {outbox_path(uri, 'small')}; `sweeps deliver small` brings them to the store"
    assert said in capsys.readouterr().err
    away = [status for status in watcher.statuses if status.why]
    assert "locked" in str(away[-1].why)
    assert away[-1].waiting == away[-1].ended == 8
    watcher = Watcher()
    assert not run_sweep(SPEC, watcher, 1, uri, untrained).was_finished
    assert watcher.messages == []
    assert_same(load("small", uri), undisturbed)
    assert_once_each(uri, "small", 8)


@pytest.mark.soak
def test_store_that_comes_back_while_the_sweep_waits_gets_all_of_it(undisturbed: Sweep, uri: str) -> None:
    file = sqlite_file(uri)
    assert file is not None
    other = sqlite3.connect(str(file), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")

    def let_go(message: str) -> None:
        if "waiting for it" in message:
            other.execute("ROLLBACK")

    watcher = Watcher(on_message=let_go)
    with closing(other):
        run_sweep(SPEC, watcher, 2, uri)
    assert any("does not record" in message for message in watcher.messages)
    assert watcher.messages[-1].endswith("records again")
    assert_same(load("small", uri), undisturbed)


def test_ctrl_c_while_a_sweep_waits_for_its_store_says_what_is_kept(nowhere: str, tmp_path: Path) -> None:
    def press(message: str) -> None:
        if "waiting for it" in message:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted) as stop:
        run_sweep(SPEC, Watcher(on_message=press), 1, nowhere)
    path = outbox_path(nowhere, "small")
    assert stop.value.kept == f"8 results of small wait in {path} until the store has them"


def assert_all_is_kept(uri: str, lose: Callable[[Status], None]) -> list[int]:
    """Runs the sweep while its store is lost; returns the trials that the outbox keeps."""
    slow = functools.partial(failing_workers.slow, seconds=0.3)
    with pytest.raises(VanishedError) as lost:
        run_sweep(SPEC, Watcher(lose), 1, uri, slow)
    path, said = outbox_path(uri, "small"), str(lost.value)
    assert "was deleted while the sweep ran; " in said
    assert f"are kept in {path}: bring it back, or have `sweeps deliver small`" in said
    assert "\n" not in said
    kept = held(path)
    assert len(kept) >= 3
    return kept


def test_deleted_database_is_one_sentence_and_its_results_are_written_into_a_new_one(
    undisturbed: Sweep, uri: str
) -> None:
    file = sqlite_file(uri)
    assert file is not None

    def lose(status: Status) -> None:
        if status.ended >= 3 and status.waiting < status.ended:
            file.unlink(missing_ok=True)

    kept = assert_all_is_kept(uri, lose)
    uri += "?timeout=20"  # the same place; to MLflow another store, or it would go on with the file that is gone
    done = deliver(outbox_path(uri, "small"), Watcher(), uri)
    assert done is not None
    assert (done.finished is None) == (len(kept) < 8)
    assert set(kept) == set(load("small", uri).trials["trial"])
    run_sweep(SPEC, Watcher(), 1, uri)
    assert_same(load("small", uri), undisturbed)
    assert_once_each(uri, "small", 8)


def test_results_of_a_sweep_whose_folder_was_moved_away_are_said_to_be_where_they_are(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlruns' / 'mlflow.db'}"

    def lose(status: Status) -> None:
        if status.ended >= 3 and (tmp_path / "mlruns").exists():
            (tmp_path / "mlruns").rename(tmp_path / "else where")

    slow = functools.partial(failing_workers.slow, seconds=0.3)
    with pytest.raises(VanishedError) as lost:
        run_sweep(SPEC, Watcher(lose), 1, uri, slow)
    place = tmp_path / "else where" / "outbox" / "mlflow.db" / "small.outbox"
    assert f"are kept in {place}: bring it back, or have `sweeps deliver '{place}'` write them" in str(lost.value)
    assert len(held(place)) >= 3


@pytest.mark.soak
def test_deleted_experiment_is_one_sentence_and_the_sweep_goes_on_once_it_is_restored(
    undisturbed: Sweep, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "EXPIRY_SECONDS", 2.0)  # the process that held it is this one, and lives
    client, lost = MlflowClient(uri), list[str]()

    def lose(status: Status) -> None:
        if status.ended >= 3 and status.waiting < status.ended and not lost:
            experiment = client.get_experiment_by_name("small")
            assert experiment is not None
            lost.append(experiment.experiment_id)
            client.delete_experiment(lost[0])

    kept = assert_all_is_kept(uri, lose)
    client.restore_experiment(lost[0])
    again: list[int] = []
    run_sweep(SPEC, Watcher(lambda status: again.append(status.ended)), 1, uri)
    assert again[0] >= len(kept)
    assert_same(load("small", uri), undisturbed)
    assert_once_each(uri, "small", 8)


def test_full_disk_starts_nothing_new_and_loses_nothing(
    undisturbed: Sweep, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    full: list[int] = []
    sound = os.fdatasync

    def sync(file: int) -> None:
        if 3 <= len(full) < 8:
            full.append(file)
            raise OSError(errno.ENOSPC, "No space left on device")
        full.append(file)
        sound(file)

    def count(message: str) -> None:
        if "cannot be written" in message:
            full_at.append(len(watcher.statuses))

    full_at: list[int] = []
    watcher = Watcher(on_message=count)
    monkeypatch.setattr(framed_file.os, "fdatasync", sync)
    run_sweep(SPEC, watcher, 2, uri)
    said = [message for message in watcher.messages if "outbox" in message]
    assert "cannot be written: No space left on device; nothing new starts until it can" in said[0]
    assert said[1].endswith("can be written again")
    after = watcher.statuses[full_at[0] :]
    assert min(status.running for status in after) == 0
    assert_same(load("small", uri), undisturbed)


def test_place_that_cannot_be_written_is_said_before_anything_starts(
    nowhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SWEEPS_DATA", str(tmp_path / "file"))
    with pytest.raises(OutboxError):
        run_sweep(SPEC, Watcher(), 1, nowhere, untrained)
    spec = write_spec(tmp_path / "spec.toml", small_table(trials=2))
    assert main(["run", str(spec), "--tracking-uri", nowhere]) == 2
    assert "results go there before the store" in capsys.readouterr().err


def test_resume_waits_for_a_store_that_holds_more_than_the_outbox(uri: str) -> None:
    run_sweep(small_spec(trials=2), Watcher(), 1, uri)
    with locked(uri):
        watcher = Watcher()
        with pytest.raises(StoreAwayError, match="the record of small is needed to go on"):
            run_sweep(SPEC, watcher, 1, uri, untrained, wait=0)
    assert watcher.statuses == []


def test_outbox_from_another_machine_is_compared_with_what_stands_and_dropped(
    undisturbed: Sweep, nowhere: str, tmp_path: Path
) -> None:
    uri = undisturbed.uri
    with pytest.raises(StoreAwayError):
        run_sweep(SPEC, Watcher(), 2, nowhere, wait=0)
    copy = tmp_path / "brought.outbox"
    copy.write_bytes(outbox_path(nowhere, "small").read_bytes())
    watcher = Watcher()
    done = deliver(copy, watcher, uri)
    assert done is not None
    assert done.finished is not None
    assert (done.finished.was_finished, watcher.messages) == (True, [])
    copy.write_bytes(outbox_path(nowhere, "small").read_bytes())
    outbox = Outbox(copy)
    entry = outbox.waiting[0]
    record = entry.result.records[-1]
    altered = replace(record, measures={name: value + 2.0**-40 for name, value in record.measures.items()})
    outbox.add(replace(entry.result, records=(*entry.result.records[:-1], altered)), entry.settings)
    outbox.close()
    deliver(copy, watcher, uri)
    said = f"trial {entry.key[0]} of small stands in the record with other numbers than came now"
    assert watcher.messages == [f"{said}; those in the record stay"]
    assert_same(load("small", uri), undisturbed)
    assert_once_each(uri, "small", 8)


def test_results_of_another_spec_are_refused_and_kept(undisturbed: Sweep, nowhere: str) -> None:
    with pytest.raises(StoreAwayError):
        run_sweep(small_spec(trials=2, seed=7), Watcher(), 1, nowhere, wait=0)
    with pytest.raises(SpecError, match="2 results of another spec wait"):
        run_sweep(small_spec(trials=2), Watcher(), 1, nowhere, untrained)
    with pytest.raises(SpecError, match="is recorded with another spec"):
        deliver(outbox_path(nowhere, "small"), Watcher(), undisturbed.uri)
    assert held(outbox_path(nowhere, "small")) == [0, 1]


def test_unknown_host_is_no_store_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AddressError, match="its host is not known"):
        run_sweep(SPEC, Watcher(), 1, "http://nosuch.invalid:5000", untrained)


def test_deliver_names_what_there_is(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deliver", "--tracking-uri", uri]) == 0
    assert "nothing waits for this store" in capsys.readouterr().err
    assert main(["deliver", "small", "--tracking-uri", uri]) == 2
    assert "there is no outbox 'small'" in capsys.readouterr().err
