"""Ctrl-C is answered at once, whatever the store does: it says what it waits for, and waits for seconds."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import pytest
from mlflow import MlflowClient
from support.small_sweeps import Watcher, assert_same, interrupt_at, small_spec, swept, write_spec

from sweeps.cli.main import main
from sweeps.driver import loop
from sweeps.driver.loop import run_sweep
from sweeps.driver.writer_thread import WriterThread
from sweeps.errors import Interrupted
from sweeps.results.sweep import load
from sweeps.tracking.writer import SweepWriter

SPEC = {"name": "x", "trials": 1, "search": {"eta": 1, "lambda": 0, "batch_size": 2}}
HUNG_SECONDS = 120  # a request that is not answered


@pytest.fixture
def hung(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """A store that does not answer until this is set, nor tells that it does not."""
    released = threading.Event()
    monkeypatch.setattr(SweepWriter, "record", lambda *given: released.wait(HUNG_SECONDS))
    monkeypatch.setattr(loop, "_LEAVING_SECONDS", 0.3)
    return released


class Hanging:
    """A writer whose store does not answer until told to."""

    def __init__(self, released: threading.Event) -> None:
        self._released = released

    def hang(self) -> None:
        self._released.wait(HUNG_SECONDS)

    def keep(self) -> None:
        pass

    interrupt = release = keep


def test_ctrl_c_leaves_a_store_that_hangs_and_says_what_it_waits_for(
    uri: str, hung: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, watcher, began = small_spec(trials=4), interrupt_at(2), time.monotonic()
    with pytest.raises(Interrupted) as stopped:
        run_sweep(spec, watcher, 2, uri)
    assert time.monotonic() - began < HUNG_SECONDS
    assert stopped.value.unrecorded >= 2
    assert not stopped.value.finished
    assert [message for message in watcher.messages if message.startswith("stopping") and uri in message]
    hung.set()
    monkeypatch.undo()
    assert len(swept(spec, uri).trials) == 4


def test_ctrl_c_once_more_waits_no_longer() -> None:
    released = threading.Event()
    thread = WriterThread(lambda give_up: Hanging(released))
    hung = thread.do(lambda writer: writer.hang())
    began = time.monotonic()
    pressing = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    pressing.start()
    thread.interrupt(HUNG_SECONDS)
    assert not hung.done()
    thread.close(0)
    assert time.monotonic() - began < HUNG_SECONDS
    pressing.join()
    released.set()


def test_what_is_queued_when_the_thread_is_left_is_not_done_any_more() -> None:
    released, done = threading.Event(), list[Future[None]]()
    thread = WriterThread(lambda give_up: Hanging(released))
    hung = thread.do(lambda writer: writer.hang())
    late = thread.do(lambda writer: done.append(late))
    thread.interrupt(0)
    assert not hung.done()
    assert not late.done()
    thread.close(0)
    released.set()
    thread.close()
    assert late.cancelled()
    assert done == []


def test_ctrl_c_while_the_summary_is_written_leaves_a_finished_sweep(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write = loop._finish

    def pressed(writer: SweepWriter, champion: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        write(writer, champion)

    monkeypatch.setattr(loop, "_finish", pressed)
    monkeypatch.setattr(loop, "_LEAVING_SECONDS", 200)  # for a busy machine
    spec = small_spec(trials=4)
    with pytest.raises(Interrupted) as stopped:
        run_sweep(spec, Watcher(), 2, uri)
    assert stopped.value.finished
    sweep = load("small", uri)
    assert sweep.state == "finished"
    client = MlflowClient(uri)
    assert {run.info.status for run in client.search_runs([sweep.experiment_id])} == {"FINISHED"}
    assert run_sweep(spec, Watcher(), 2, uri).was_finished
    assert len(client.search_model_versions("name = 'small'")) == 1
    assert_same(load("small", uri), sweep)


def test_what_an_interrupted_sweep_leaves_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = write_spec(tmp_path / "spec.toml", SPEC)
    for stop, said in [
        (Interrupted(), "sweeps: interrupted; the same command goes on from here\n"),
        (Interrupted(1), "sweeps: interrupted; 1 finished trial not recorded, to run again; the same command"),
        (Interrupted(0, finished=True), "sweeps: interrupted when the sweep was finished and recorded; the same"),
    ]:

        def stopped(*given: object, stop: Interrupted = stop, **also: object) -> None:
            raise stop

        monkeypatch.setattr(loop, "run_sweep", stopped)
        assert main(["run", str(spec), "--quiet"]) == 130
        assert said in capsys.readouterr().err


PROGRAM = """
import os, signal, sys, time
from sweeps.cli.main import main
from sweeps.driver import loop

def struck(*given, **also):
    os.kill(os.getpid(), getattr(signal, sys.argv[1]))
    time.sleep(0.1)
    raise ValueError("went on")

loop.run_sweep = struck
signal.signal(signal.SIGHUP, signal.SIG_IGN if sys.argv[2] == "nohup" else signal.SIG_DFL)
try:
    sys.exit(main(["run", sys.argv[3], "--quiet"]))
except ValueError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("number", "how", "code"),
    [("SIGHUP", "", 130), ("SIGHUP", "nohup", 0), ("SIGTERM", "", 130)],
)
def test_a_terminal_that_goes_away_stops_a_sweep_in_good_order_unless_nohup_was_asked_for(
    number: str, how: str, code: int, tmp_path: Path
) -> None:
    spec = write_spec(tmp_path / "spec.toml", SPEC)
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, number, how, str(spec)],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
        cwd=tmp_path,
    )
    assert ended.returncode == code, ended.stderr
    assert ("went on" in ended.stdout) is (code == 0)
    assert "Traceback" not in ended.stderr
