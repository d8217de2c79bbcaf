"""Names, paths and sentences steer nothing that shows them: no terminal, no page, no figure, no shell, no spec."""

import html.parser
import io
import shlex
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sweeps.analysis.next_spec import to_toml
from sweeps.cli.main import main
from sweeps.cli.running import next_steps
from sweeps.results.sweep import Sweep
from sweeps.views import terminal_progress, terminal_tables
from sweeps.views.consoles import TextConsole
from sweeps.views.figures.side_by_side import DrawnTraining, page, picture
from sweeps.views.report.publishing import escaped_json
from sweeps.views.terminal_progress import PlainProgress, TerminalProgress

ODD = st.text(st.sampled_from("[]/:<>&\"'$`;|{}\\ \n\x1b\x07\x9b\u202e\u200b\x00m3J;ab%")) | st.text()
EVIL = [
    "[red]x[/red] :bomb: \x1b[2J\x1b]0;title\x07",
    "$(touch here); `id` 'x' \"y\"",
    "</script><script>alert(1)</script>",
    r"$x^{$ \frac{ $",
    "_hidden",
    "\udcff\x00--><!--",
]


class Kept(TextConsole):
    """A console that keeps what it shows, styles aside."""

    def __init__(self) -> None:
        super().__init__(width=1000)
        self.file, self.record = io.StringIO(), True

    def shown(self) -> str:
        return self.export_text(clear=True)


def is_harmless(shown: str) -> bool:
    return all(one.isprintable() or one in "\n\t" for one in shown)


@given(ODD, ODD, ODD)
@example(EVIL[0], EVIL[0], EVIL[0])
@example("[bold", "[/bold]", "[/]")
def test_no_title_heading_or_cell_steers_a_terminal(title: str, heading: str, cell: str) -> None:
    console = Kept()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(terminal_tables, "standard_output", lambda: console)
        terminal_tables.print_table(title, pd.DataFrame({"a": [cell]}), [heading])
        shown = console.shown()
        terminal_tables.print_answers([cell])
    assert is_harmless(shown)
    assert is_harmless(console.shown())
    assert shown.count("[") >= cell.count("[")  # none was taken for markup


@given(ODD)
@example(EVIL[0])
def test_no_message_of_a_running_sweep_steers_a_terminal(text: str) -> None:
    console, plain = Kept(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(terminal_progress, "TextConsole", lambda stderr: console)
        patch.setattr(sys, "stderr", plain)
        live = TerminalProgress(text)
        live.say(text)
        console.print(live._bar.get_renderable())
        PlainProgress(text, quiet=False).say(text)
    assert is_harmless(console.shown())
    assert is_harmless(plain.getvalue())


@given(ODD.filter(lambda text: not any("\ud800" <= one <= "\udfff" for one in text)))
@example("\x7f\x85\u2028 'x' \"y\" \\ #")
def test_a_spec_that_is_printed_is_read_back_as_it_was(text: str) -> None:
    table = {"name": text, "plan": {"dataset": text}, "search": {"dataset": {"choices": [text, "b"]}}}
    told = to_toml(table)
    assert tomllib.loads(told) == table
    assert all(one.isprintable() or one == "\n" for one in told)


class Elements(html.parser.HTMLParser):
    """The elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: object) -> None:
        self.found.append(tag)


def drawn(name: str, said: str) -> list[DrawnTraining]:
    return [DrawnTraining(name, np.arange(3), {"total": np.array([3.0, 2.0, 1.0])}, said)]


@pytest.mark.parametrize("text", EVIL)
def test_no_name_of_a_training_changes_the_page_or_keeps_it_from_being_drawn(text: str) -> None:
    given, plain = page(drawn(text, text), text), page(drawn("name", "said"), "title")
    given.encode()
    assert Elements(given).found == Elements(plain).found
    assert picture(drawn(text, text), text).png().startswith(b"\x89PNG")


@given(ODD)
@example(EVIL[2])
def test_no_text_ends_the_element_that_holds_the_reports_data(text: str) -> None:
    told = escaped_json({"name": text, text: [text]})
    assert Elements(f"<script>{told}</script><b>").found == ["script", "b"]
    assert not set("<>&\u2028\u2029") & set(told)


@given(ODD.filter(lambda text: text.isprintable() and text.strip() != ""))
@example(EVIL[1])
def test_what_to_type_next_gives_the_name_to_the_shell_as_one_word(pairs_sweep: Sweep, text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sweep, "name", property(lambda sweep: text))
        lines = next_steps(pairs_sweep, None, None).splitlines()
    commands = [line for line in lines if line.startswith(("  sweeps show", "  sweeps replay", "  sweeps compare"))]
    assert len(commands) == 3
    for line in commands:
        assert shlex.split(line)[2] == text


@pytest.mark.parametrize(
    "name", ["' OR '1'='1", "x'; DROP TABLE runs; --", 'a"b', "%", "a`b", "\\", "../../x", "*", "x\ny"]
)
def test_no_name_is_more_than_a_name_to_a_store(
    name: str, digits_store: str, digits_sweep: Sweep, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["show", name], ["report", name], ["replay", name, "0"], ["export", name, str(tmp_path / "out")]):
        assert main([*command, "--tracking-uri", digits_store]) == 2
        assert "there is no sweep" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main(["show", "shared", "--tracking-uri", digits_store]) == 0
