"""`sweeps watch` shows a sweep that runs elsewhere, survives a terminal of another size and a store that goes away."""

import contextlib
import fcntl
import io
import itertools
import json
import os
import pty
import re
import select
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.mlflow_servers import Server
from support.unfinished_sweeps import FALLING, GROWING, Unfinished, reopened

from sweeps.cli.main import main
from sweeps.errors import StoreAwayError, TrackingError
from sweeps.results.sweep import Sweep, load
from sweeps.tracking.location import sqlite_file
from sweeps.views.consoles import TextConsole
from sweeps.views.live import reading as readings
from sweeps.views.live.reading import Listening, SweepReading
from sweeps.views.live.screen import Heard
from sweeps.views.live.state import SweepState
from sweeps.views.live.watching import _on_screen, first_heard

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0  # seconds: a busy machine takes long to start a process
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture
def unfinished(digits_sweep: Sweep, tmp_path: Path) -> Unfinished:
    made = reopened(digits_sweep, tmp_path / "store")
    made.begin(16, FALLING)
    made.begin(17, GROWING)
    made.beat(16, 17, 18)
    return made


class Terminal:
    """`sweeps watch` in a terminal of its own."""

    def __init__(self, uri: str, name: str, width: int = 80, height: int = 24) -> None:
        self._master, slave = pty.openpty()
        self.resize(width, height)
        kept = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sweeps", "watch", name, "--tracking-uri", uri],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=ROOT,
            env=kept | {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )
        os.close(slave)
        self.text = ""

    def resize(self, width: int, height: int) -> None:
        """As a window's frame does it."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def read_until(self, found: Callable[[str], bool]) -> str:
        """What was written from now on, once it holds that."""
        before, until = len(self.text), time.monotonic() + PATIENCE
        while not found(self.text[before:]):
            assert time.monotonic() < until, self.text[before:][-3000:]
            self._read()
        return self.text[before:]

    def end(self) -> int:
        """What is written to the end, into `text`; the exit code."""
        until = time.monotonic() + PATIENCE
        while self._read():
            assert time.monotonic() < until
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)

    def _read(self) -> bool:
        if not select.select([self._master], [], [], 0.2)[0]:
            return True
        try:
            read = os.read(self._master, 65536)
        except OSError:  # EIO: nobody has the other end open any more
            return False
        self.text += read.decode(errors="replace")
        return bool(read)


@pytest.fixture
def terminal(unfinished: Unfinished) -> Iterator[Terminal]:
    opened = Terminal(unfinished.uri, unfinished.name)
    yield opened
    opened.close()


def screens(text: str) -> list[list[str]]:
    """Each whole drawing that was written: its lines, without colours."""
    return [_ESCAPES.sub("", part).splitlines() for part in text.split("\x1b[H")[1:]]


def test_a_terminal_session_follows_a_sweep_that_another_process_writes_and_is_resized(
    terminal: Terminal, unfinished: Unfinished
) -> None:
    """The writer here is this process, the watcher another."""
    terminal.read_until(lambda text: "16 of 24" in text and "2/4" in text)
    assert "\x1b[?1049h" in terminal.text  # the alternate screen: nothing there is wrapped anew
    unfinished.end(unfinished.begin(18, FALLING), "slow")
    unfinished.beat(16, 17)
    terminal.read_until(lambda text: "17 of 24" in text)
    for width, height in [(40, 15), (160, 50), (60, 20)]:
        terminal.resize(width, height)
        os.kill(terminal.process.pid, signal.SIGWINCH)
        after = terminal.read_until(lambda text, width=width: any(len(one[0]) == width for one in _drawn(text)))
        first = next(one for one in _drawn(after) if len(one[0]) == width)
        assert len(first) == height
        assert {len(line) for line in first} == {width}
    unfinished.finish()
    assert terminal.end() == 0
    last = terminal.text.rpartition("\x1b[?1049l")[2]  # on the normal screen, where it stays
    assert "finished" in last
    assert "17 of 24" in last
    assert f"{unfinished.name} is finished: `sweeps show {unfinished.name}`" in last
    assert terminal.text.count("\x1b[?25h") >= 1  # the cursor is back


def test_a_screen_that_is_resized_while_it_is_drawn_is_of_one_size(
    unfinished: Unfinished, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else lines of the old size are cut at the new width, and there are more of them than the terminal has."""
    sizes = [(80, 24), (40, 15), (60, 20)]
    asked = itertools.cycle(map(os.terminal_size, sizes))
    heard = first_heard(SweepReading(unfinished.name, unfinished.uri))
    for name in ("COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("FORCE_COLOR", "1")  # as a terminal
    monkeypatch.setattr(os, "get_terminal_size", lambda *_: next(asked))
    console = TextConsole()
    console.file = written = io.StringIO()
    with _on_screen(console) as show:
        for _ in range(4):
            show(heard)
    drawn = screens(written.getvalue())
    assert {(len(one[0]), len(one)) for one in drawn if one} <= set(sizes)
    assert len(drawn) >= 4


def _drawn(text: str) -> list[list[str]]:
    """Drawings that were written to their end."""
    return [one for one in screens(text)[:-1] if one]


def test_ctrl_c_ends_it_with_0_and_leaves_the_terminal_as_it_was(terminal: Terminal) -> None:
    terminal.read_until(lambda text: "16 of 24" in text)
    os.kill(terminal.process.pid, signal.SIGINT)
    assert terminal.end() == 0
    assert terminal.text.rindex("\x1b[?1049l") > terminal.text.rindex("\x1b[?1049h")
    assert "Traceback" not in terminal.text


@pytest.mark.parametrize("size", [(40, 15), (60, 20), (80, 24), (160, 50)])
def test_once_prints_one_screen_and_ends(
    size: tuple[int, int],
    unfinished: Unfinished,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", str(size[0]))
    monkeypatch.setenv("LINES", str(size[1]))
    assert main(["watch", unfinished.name, "--once", "--tracking-uri", unfinished.uri]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= size[1]
    assert max(map(len, lines)) <= size[0]
    assert "16 of 24" in "\n".join(lines)


def test_once_as_json_is_the_state(unfinished: Unfinished, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", unfinished.name, "--once", "--json", "--tracking-uri", unfinished.uri]) == 0
    state = json.loads(capsys.readouterr().out)
    assert (state["ended"], state["total"], state["failed"], state["workers"]) == (16, 24, 0, 4)
    best = load(unfinished.name, unfinished.uri).best(1).iloc[0]
    assert state["best"]["trial"] == best["trial"]
    assert state["best"]["value"] == best["final.cost/validation_data"]
    assert [one["number"] for one in state["running"]] == [16, 17, 18]
    assert state["running"][0]["curves"]["costs"] == list(FALLING)
    assert state["running"][1]["worker"] == "host/4017"
    assert main(["watch", unfinished.name, "--json", "--tracking-uri", unfinished.uri]) == 2
    assert "goes with --once" in capsys.readouterr().err


def test_a_name_that_is_not_there_is_bad_input(unfinished: Unfinished, capsys: pytest.CaptureFixture[str]) -> None:
    for more in ([], ["--once"]):
        assert main(["watch", "another", "--tracking-uri", unfinished.uri, *more]) == 2
        assert f"there is no sweep 'another' in {unfinished.uri}; sweeps there: shared" in capsys.readouterr().err


def test_in_a_pipe_it_says_a_line_now_and_then_until_the_sweep_is_finished(
    unfinished: Unfinished, capsys: pytest.CaptureFixture[str]
) -> None:
    threading.Timer(1.0, unfinished.finish).start()
    assert main(["watch", unfinished.name, "--tracking-uri", unfinished.uri]) == 0
    first, last, after = capsys.readouterr().out.splitlines()
    assert first.startswith("shared: 16/24 done, 3 running, 0 failed, best 0.")
    assert "running, heard" in first
    assert last.endswith("finished")
    assert after.startswith("shared is finished: `sweeps show shared`")


def test_it_reads_only_and_without_mlflow(unfinished: Unfinished) -> None:
    file = sqlite_file(unfinished.uri)
    assert file is not None
    before = {path: path.stat().st_mtime_ns for path in file.parent.rglob("*")}
    script = (
        "import sys; from sweeps.cli.main import main\n"
        "assert main(sys.argv[1:]) == 0\n"
        "assert not {'mlflow', 'optuna', 'pandas', 'matplotlib'} & set(sys.modules)"
    )
    command = [sys.executable, "-c", script, "watch", unfinished.name, "--once", "--tracking-uri", unfinished.uri]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    assert {path: path.stat().st_mtime_ns for path in file.parent.rglob("*")} == before


def heard_until(listening: Listening, found: Callable[[Heard], bool]) -> Heard:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        heard = listening.heard(time.time())
        if heard is not None and found(heard):
            return heard
        time.sleep(0.05)
    raise AssertionError(listening.heard(time.time()))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "EVERY_SECONDS", 0.1)


@pytest.mark.usefixtures("quick")
def test_a_store_that_is_locked_for_a_moment_leaves_what_was_heard(
    unfinished: Unfinished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweeps.tracking.sqlite_reader._LOCK_SECONDS", 0.1)
    listening = Listening(SweepReading(unfinished.name, unfinished.uri), lambda: None)
    heard_until(listening, lambda heard: heard.state.ended == 16)
    with contextlib.closing(sqlite3.connect(sqlite_file(unfinished.uri) or "", isolation_level=None)) as locked:
        locked.execute("BEGIN EXCLUSIVE")
        away = heard_until(listening, lambda heard: heard.why is not None)
        assert "locked" in (away.why or "")
        assert away.state.ended == 16
    heard_until(listening, lambda heard: heard.why is None)
    listening.stop()


@pytest.mark.soak
def test_a_server_that_is_killed_leaves_what_was_last_heard_with_its_age(digits_sweep: Sweep, tmp_path: Path) -> None:
    unfinished = reopened(digits_sweep, tmp_path / "store")
    unfinished.beat(waiting=3)
    server = Server(tmp_path, unfinished.uri)
    server.start()
    try:
        terminal = Terminal(server.uri, unfinished.name)
        try:
            terminal.read_until(lambda text: "3 results wait for the store" in text)
            server.stop()
            terminal.read_until(lambda text: bool(re.search(r"last heard \d+ s ago", _ESCAPES.sub("", text))))
            text = terminal.read_until(lambda text: len(_drawn(text)) > 1)
            assert "16 of 24" in _ESCAPES.sub("", text)
            os.kill(terminal.process.pid, signal.SIGINT)
            assert terminal.end() == 0
        finally:
            terminal.close()
    finally:
        server.stop()


class Hanging(SweepReading):
    """A store whose second answer never comes."""

    def __init__(self, state: SweepState) -> None:
        self._state, self._reads, self.free = state, 0, threading.Event()

    def read(self) -> SweepState:
        self._reads += 1
        if self._reads > 1:
            self.free.wait(PATIENCE)
        return self._state

    def kept(self) -> int | None:
        return None


@pytest.mark.usefixtures("quick")
def test_a_store_that_hangs_is_told_of_and_freezes_nothing(unfinished: Unfinished) -> None:
    reading = Hanging(SweepReading(unfinished.name, unfinished.uri).read())
    listening = Listening(reading, lambda: None)
    heard_until(listening, lambda _: reading._reads > 1)
    later = listening.heard(time.time() + readings.SLOW_SECONDS + 1)
    assert later is not None
    assert later.why == "the store takes long to answer"
    listening.stop()
    reading.free.set()


class Failing(SweepReading):
    """A store that fails in some way from the start, or from the second reading on."""

    def __init__(self, states: list[SweepState], error: Exception) -> None:
        self._states, self._error = states, error

    def read(self) -> SweepState:
        if self._states:
            return self._states.pop()
        raise self._error

    def kept(self) -> int | None:
        return 5


@pytest.mark.usefixtures("quick")
def test_what_waits_in_the_outbox_here_is_told_of_while_the_store_is_away(unfinished: Unfinished) -> None:
    state = SweepReading(unfinished.name, unfinished.uri).read()
    listening = Listening(Failing([state], StoreAwayError("a long story", "connection refused")), lambda: None)
    heard = heard_until(listening, lambda heard: heard.why is not None)
    assert (heard.why, heard.kept, heard.state) == ("connection refused", 5, state)
    listening.stop()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("error", [TrackingError("away"), ZeroDivisionError("a mistake of ours")])
def test_what_keeps_the_first_reading_away_is_raised_and_a_mistake_of_ours_always(
    error: Exception, unfinished: Unfinished
) -> None:
    states = [SweepReading(unfinished.name, unfinished.uri).read()] if isinstance(error, ArithmeticError) else []
    listening = Listening(Failing(states, error), lambda: None)
    with pytest.raises(type(error)):
        heard_until(listening, lambda _: False)


def test_a_driver_whose_clock_is_wrong_is_heard_once_it_speaks_again(unfinished: Unfinished) -> None:
    reading = SweepReading(unfinished.name, unfinished.uri)
    unfinished.beat(age=3600.0)
    assert not reading.read().is_driven(time.time())
    unfinished.beat(age=3590.0)
    assert reading.read().is_driven(time.time())
    unfinished.silent()
    assert not reading.read().is_driven(time.time())


def test_curves_are_read_again_only_where_something_was_added(
    unfinished: Unfinished, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sweeps.tracking.sqlite_reader import SqliteReader

    asked: list[str] = []
    history = SqliteReader.history

    def noted(self: SqliteReader, run_id: str, metric: str) -> dict[int, float]:
        asked.append(run_id)
        return history(self, run_id, metric)

    monkeypatch.setattr(SqliteReader, "history", noted)
    reading = SweepReading(unfinished.name, unfinished.uri)
    first = reading.read()
    assert len(asked) == 4
    assert reading.read().running == first.running
    assert len(asked) == 4
    run_id = asked[0]
    unfinished.measure(run_id, 3, 0.7)
    assert max(one.curves.costs for one in reading.read().running if one.number in (16, 17))[-1] in (0.7, 90.0)
    assert len(asked) == 6
