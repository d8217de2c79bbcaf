"""A screen of a watched sweep fits any size, says what matters at each, and takes no word for a command."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from sweeps.specification.domains import Choices, Range
from sweeps.verdicts.marks import MARKS, RUNNING
from sweeps.verdicts.verdict import Verdict
from sweeps.views.consoles import TextConsole
from sweeps.views.live.map_lines import map_lines
from sweeps.views.live.screen import Heard, Screen, ago, in_a_line, screen, standing
from sweeps.views.live.sparklines import BLOCKS, NO_NUMBER, is_growing, sparkline
from sweeps.views.live.state import Best, Curves, Outcome, SweepState, Training

NOW = 1_700_000_000.0
SIZES = [(40, 15), (60, 20), (80, 24), (160, 50)]
VARIED = {
    "eta": Range(0.01, 50.0, log=True),
    "lambda": Range(0.1, 1000.0, log=True),
    "batch_size": Choices((5, 10, 20)),
}


def training(number: int, costs: Sequence[float] = (2.0, 1.0, 0.5)) -> Training:
    settings = {"eta": 0.5, "lambda": 3.0, "batch_size": 10}
    return Training(number, 0, 2, 30, settings, Curves(tuple(costs), tuple(costs)), f"host-{number}/41", NOW - 65)


def state(**changes: object) -> SweepState:
    words = [*Verdict, *[Verdict.SLOW] * 9]
    outcomes = [Outcome({"eta": 0.02 * 1.4**place, "lambda": 5.0}, word) for place, word in enumerate(words)]
    outcomes += [Outcome({"eta": 30.0, "lambda": 500.0}, RUNNING)]
    made = SweepState(
        name="digits-wide",
        state="running",
        at=NOW - 1,
        beat=NOW - 3,
        closed=None,
        total=64,
        ended=23,
        failed=1,
        replicates=1,
        objective="validation_data_cost",
        varied=VARIED,
        verdicts={word: words.count(word) for word in words},
        best=Best(9, 0.04973, {"eta": 5.094, "lambda": 0.0363, "batch_size": 10}),
        running=tuple(training(number) for number in range(24, 30)),
        more=0,
        outcomes=tuple(outcomes),
        workers=8,
        waiting=0,
        seconds_left=720.0,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def shown(heard: Heard, width: int, height: int) -> list[str]:
    return [line.plain for line in screen(heard, width, height, NOW)]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_screen_fits_and_loses_nothing_that_matters(width: int, height: int) -> None:
    lines = shown(Heard(state(), NOW - 1), width, height)
    assert len(lines) <= height
    assert max(map(cell_len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    for said in ("digits-wide", "running, heard 3 s ago", "23 of 64", "6 running", "1 failed", "about 12 min left"):
        assert said in text, said
    for said in ("trial 9", "0.04973", "stable", "24", "2/30", "█▅▁", "0.5"):
        assert said in text, said


@pytest.mark.parametrize(("width", "height"), SIZES[2:])
def test_where_there_is_room_the_map_the_workers_and_the_settings_are_shown(width: int, height: int) -> None:
    text = "\n".join(shown(Heard(state(), NOW - 1), width, height))
    for said in (
        "map: eta (log) across, lambda (log) up",
        "8 workers: 6 at work, 2 free",
        "nothing waits",
        "host-24/41",
    ):
        assert said in text, said
    assert MARKS[Verdict.DIVERGED].sign in text
    assert "▸" in text


def test_a_larger_screen_shows_more_and_fills_no_more_than_it_has() -> None:
    heights = [len(shown(Heard(state(), NOW), 160, height)) for height in range(1, 51)]
    assert all(found <= height for height, found in enumerate(heights, 1))
    assert heights[-1] > heights[23] > heights[9]


@settings(max_examples=40)
@given(
    st.integers(1, 200),
    st.integers(1, 60),
    st.text(max_size=80),
    st.lists(st.floats(), max_size=40),
    st.integers(0, 70),
)
def test_no_size_name_or_number_breaks_it(width: int, height: int, name: str, costs: list[float], at_work: int) -> None:
    made = state(name=name, running=tuple(training(number, costs) for number in range(at_work)))
    for heard in (Heard(made, NOW), Heard(made, NOW - 14, f"because of {name}", kept=3)):
        console = TextConsole(width=width)
        lines = screen(heard, width, height, NOW)
        assert len(lines) <= height
        with console.capture() as capture:
            console.print(Screen(heard, height), end="")
        printed = capture.get().splitlines()
        assert len(printed) <= height
        assert all(cell_len(line) <= width for line in printed)
        assert all(character.isprintable() for line in printed for character in line)


@pytest.mark.parametrize("name", ["[bold]x[/]", ":smile:", "\x1b[2Jgone", "two\nlines", "広い名前", "a\u202eb"])
def test_a_name_is_text(name: str) -> None:
    text = " ".join(shown(Heard(state(name=name), NOW), 80, 24))
    said = {"\x1b[2Jgone": "\\x1b[2Jgone", "two\nlines": "two lines", "a\u202eb": "a\\u202eb"}.get(name, name)
    assert said in text
    assert said in in_a_line(Heard(state(name=name), NOW), NOW)


def test_the_first_line_says_whether_it_runs_and_how_old_that_is() -> None:
    cases = {
        "running, heard 3 s ago": Heard(state(), NOW),
        "not running: nothing heard of its driver for 3 min; `sweeps run` goes on with it": Heard(
            state(beat=NOW - 180), NOW
        ),
        "not running: interrupted 3 min ago; `sweeps run` goes on with it": Heard(
            state(state="interrupted", beat=None, closed=NOW - 180), NOW
        ),
        "not running: no driver says that it lives; `sweeps run` goes on with it": Heard(state(beat=None), NOW),
        "finished": Heard(state(state="finished", beat=None), NOW),
        "last heard 14 s ago: it is away": Heard(state(), NOW - 14, "it is away"),
    }
    for said, heard in cases.items():
        assert standing(heard, NOW) == said
        assert shown(heard, 120, 24)[0] == f"digits-wide {said}"


def test_what_waits_for_the_store_is_said_first() -> None:
    waits = Heard(state(waiting=2), NOW)
    assert "2 results wait for the store" in shown(waits, 40, 15)[3:5]
    away = Heard(state(waiting=2), NOW - 14, "away", kept=7)  # the outbox here knows better than the last heartbeat
    assert "7 results wait for the store" in shown(away, 80, 24)
    assert "1 result waits for the store" in in_a_line(replace(waits, state=state(waiting=1)), NOW)


def test_a_growing_cost_is_red_and_a_falling_one_is_not() -> None:
    both = (training(24), training(25, (1.0, 2.0, math.nan)))
    lines = screen(Heard(state(running=both), NOW), 80, 24, NOW)
    falling, growing = (next(line for line in lines if f" {number} " in line.plain) for number in (24, 25))
    assert "red" in {str(span.style) for span in growing.spans}
    assert "red" not in {str(span.style) for span in falling.spans}


def test_trainings_for_which_there_is_no_room_are_counted() -> None:
    lines = shown(Heard(state(running=tuple(map(training, range(60)))), NOW), 60, 20)
    more = next(line for line in lines if line.startswith("and "))
    listed = sum("2/30" in line for line in lines)
    assert more == f"and {60 - listed} more"


def test_a_terminal_without_unicode_gets_letters() -> None:
    class Ascii(TextConsole):
        encoding = "ascii"

    console = Ascii(width=80)
    with console.capture() as capture:
        console.print(Screen(Heard(state(name="名"), NOW), 24), end="")
    assert capture.get().isascii()


def test_no_two_verdicts_have_a_sign_in_common_and_each_takes_one_column() -> None:
    signs = [(mark.sign, mark.ascii_sign) for mark in MARKS.values()]
    for kind in zip(*signs, strict=True):
        assert len(set(kind)) == len(MARKS)
        assert {cell_len(sign) for sign in kind} == {1}


def test_the_map_shows_each_trial_in_its_bin_and_what_was_never_searched_nowhere() -> None:
    outcomes = [Outcome({"eta": 0.01, "lambda": 1000.0}, "diverged"), Outcome({"eta": 50.0, "lambda": 0.1}, "slow")]
    outcomes += [Outcome({"eta": -1.0, "lambda": 1.0}, "slow"), Outcome({}, RUNNING)]
    lines = [line.plain for line in map_lines(VARIED, outcomes, 80, 12, bright=True)]
    assert len(lines) == 12
    assert lines[1].split()[:2] == ["1000", MARKS[Verdict.DIVERGED].sign]
    assert lines[10].split()[-1] == MARKS[Verdict.SLOW].sign
    assert lines[10].split()[0] == "0.1"
    assert lines[11].split() == ["0.01", "50"]
    bins = " ".join(line[9:] for line in lines[1:11]).split()
    assert bins.count("·") == len(bins) - 2


def test_a_map_without_eta_and_lambda_is_of_the_fields_that_are_most_spread_out() -> None:
    varied = {"momentum": Range(0.5, 0.9), "batch_size": Choices((1, 1000)), "activation": Choices(tuple("abcdefgh"))}
    outcomes = [Outcome({"momentum": 0.9, "batch_size": 1, "activation": "h"}, "slow")]
    lines = [line.plain for line in map_lines(varied, outcomes, 80, 12, bright=True)]
    assert lines[0] == "map: activation across, batch size up"
    assert lines[2].split()[0] == "1"
    assert lines[-1].split() == list("abcdefgh")
    assert map_lines({}, [], 80, 12, bright=True) == []
    assert len(map_lines({"eta": varied["momentum"]}, [], 80, 12, bright=True)) == 3


@given(st.lists(st.floats()), st.integers(0, 60))
def test_a_sparkline_has_a_block_for_each_value_and_what_is_no_number_is_marked(
    values: list[float], width: int
) -> None:
    line = sparkline(values, width)
    assert len(line) == min(len(values), width)
    assert set(line) <= {*BLOCKS, NO_NUMBER}
    assert is_growing(values) in (True, False)
    if len(values) <= width:
        for value, block in zip(values, line, strict=True):
            assert (block == NO_NUMBER) == (not math.isfinite(value))
        finite = sorted(
            (value, BLOCKS.index(block)) for value, block in zip(values, line, strict=True) if block in BLOCKS
        )
        assert [block for _, block in finite] == sorted(block for _, block in finite)  # the larger the higher
    elif width and not all(map(math.isfinite, values)):
        assert NO_NUMBER in line  # nothing that happened is lost where several share a block


def test_a_cost_grows_when_it_is_above_its_start_no_number_or_rising_for_long() -> None:
    assert not any(map(is_growing, [[], [1.0], [3.0, 2.0, 1.0], [3.0, 1.0, 1.1, 1.0], [3.0, 1.0, 1.1, 1.2]]))
    assert all(map(is_growing, [[1.0, 2.0], [3.0, math.nan], [3.0, math.inf], [3.0, 1.0, 1.1, 1.2, 1.3]]))


def test_ages_are_short() -> None:
    assert [ago(seconds) for seconds in (-1, 14, 180, 7560, 3 * 86400)] == ["0 s", "14 s", "3 min", "2.1 h", "3 days"]


def test_the_state_is_plain_json() -> None:
    table = json.loads(json.dumps(state().to_table()))
    assert table["best"]["trial"] == 9
    assert table["running"][0]["curves"]["costs"] == [2.0, 1.0, 0.5]
