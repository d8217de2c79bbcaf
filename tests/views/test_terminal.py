"""The terminal shows names, paths and sentences as they are: nothing in them is markup, none becomes an emoji."""

from collections.abc import Callable

import pandas as pd
import pytest
from support.small_sweeps import small_spec

from sweeps.diagnosis.findings import Code, Finding, Severity
from sweeps.events import Status
from sweeps.views import terminal_tables
from sweeps.views.terminal_progress import PlainProgress, TerminalProgress

WORDS = ["file.py:Sound", "file.py:Sound: one", ":smile:", "[bold]x[/]", "[/]", "[10]", "{name}", "a\\[b]"]


def tables(word: str) -> None:
    frame = pd.DataFrame({"one": [word], "other": [1.5]})
    terminal_tables.print_table(f"title {word}", frame, [f"heading {word}", "number"])


def trials(word: str) -> None:
    frame = pd.DataFrame(
        {"trial": [0], "eta": [word], "verdict": [f"verdict {word}"], "state": ["complete"], "diverged": [0]}
    )
    terminal_tables.print_trials(f"{word}: 1 trials", frame, small_spec(), frame)


def verdicts(word: str) -> None:
    frame = pd.DataFrame({"trial": [0, 1], "verdict": [word, "slow"], "verdict_reason": [f"It is {word}.", "So."]})
    terminal_tables.print_verdicts(frame)


def comparisons(word: str) -> None:
    frame = pd.DataFrame({word: ["slow", f"It is {word}.", word], "1": ["slow", "So.", "x"]})
    terminal_tables.print_comparison(frame.set_axis(["verdict", "verdict_reason", f"final.{word}"]))


def effects(word: str) -> None:
    row = {"metric": word, "since": 1, "one": 1.0, "other": 2.0, "last_one": 1.0, "last_other": 2.0}
    terminal_tables.print_effect(0, 1, [f"They differ in {word}."], pd.DataFrame([row]).set_index("metric"))


def findings(word: str) -> None:
    found = Finding(Code.CLEAN, Severity.INFO, f"Nothing in {word}.", remedy=f"See {word}.")
    terminal_tables.print_findings(word, [found])


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(
    ("show", "times"), [(tables, 3), (trials, 3), (verdicts, 2), (comparisons, 5), (effects, 2), (findings, 3)]
)
def test_every_table_and_sentence_prints_what_it_is_given(
    show: Callable[[str], None], times: int, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show(word)
    assert capsys.readouterr().out.count(word) == times


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("progress", [TerminalProgress, lambda name: PlainProgress(name, quiet=False)])
def test_progress_shows_the_name_and_what_is_said(
    progress: Callable[[str], TerminalProgress],
    word: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with progress(f"sweep {word}") as shown:
        shown.say(f"about {word}")
        shown.show(Status(total=1, ended=1, running=0, failed=0, best=(0, 0.5)))
    printed = capsys.readouterr().err
    assert f"sweep {word}" in printed
    assert f"about {word}" in printed


def test_a_network_in_the_spec_is_printed_by_its_name(
    capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    network = tmp_path_factory.mktemp("own") / "mine[1].py"
    network.write_text("class Sound:\n    pass\n")
    spec = small_spec(network=f"{network}:Sound")
    terminal_tables.print_spec(spec)
    assert "mine[1].py:Sound" in capsys.readouterr().out
