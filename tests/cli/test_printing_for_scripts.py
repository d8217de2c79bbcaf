"""What a command prints with --json is what its table holds, in full; --columns and --sort choose from the table."""

import json
import re

import pytest

from sweeps.cli.main import main
from sweeps.results.sweep import Sweep


def printed(arguments: list[str], sweep: Sweep, capsys: pytest.CaptureFixture[str]) -> object:
    assert main([*arguments, "--tracking-uri", sweep.uri, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_show_prints_every_number_in_full(pairs_sweep: Sweep, capsys: pytest.CaptureFixture[str]) -> None:
    rows = printed(["show", "pairs"], pairs_sweep, capsys)
    assert isinstance(rows, list)
    assert [row["trial"] for row in rows] == pairs_sweep.ordered["trial"].tolist()
    for row in rows:
        known = pairs_sweep.trials.set_index("trial").loc[row["trial"]]
        for name, value in row.items():
            if name != "trial":
                assert (value is None) == bool(known.isna()[name])
                assert value is None or value == known[name], name


def test_list_compare_and_check_print_what_they_say_in_words(
    pairs_sweep: Sweep, capsys: pytest.CaptureFixture[str]
) -> None:
    (listed,) = printed(["list"], pairs_sweep, capsys)
    assert (listed["sweep"], listed["complete"]) == ("pairs", 6)
    compared = printed(["compare", "pairs", "0", "1"], pairs_sweep, capsys)
    assert [trial["trial"] for trial in compared["trials"]] == ["0", "1"]
    assert compared["effects"][0]["sentences"] == pairs_sweep.effect(0, 1)


def test_columns_and_order_are_as_asked(pairs_sweep: Sweep, capsys: pytest.CaptureFixture[str]) -> None:
    rows = printed(["show", "pairs", "--columns", "eta, trial", "--sort", "eta desc"], pairs_sweep, capsys)
    assert [list(row) for row in rows] == [["eta", "trial"]] * 6
    assert [row["eta"] for row in rows] == sorted((row["eta"] for row in rows), reverse=True)
    assert main(["show", "pairs", "--columns", "trial,verdict", "--tracking-uri", pairs_sweep.uri]) == 0
    assert "eta" not in capsys.readouterr().out.splitlines()[2]


@pytest.mark.parametrize("option", ["--columns", "--sort"])
def test_an_unknown_column_is_bad_input_with_the_nearest(
    option: str, pairs_sweep: Sweep, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", "pairs", option, "verdit", "--tracking-uri", pairs_sweep.uri]) == 2
    assert "did you mean 'verdict'" in capsys.readouterr().err


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("sweeps 0.")


@pytest.mark.parametrize("columns", [60, 80])
def test_a_narrow_terminal_keeps_what_matters_most(
    columns: int, pairs_sweep: Sweep, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    assert main(["show", "pairs", "--tracking-uri", pairs_sweep.uri]) == 0
    lines = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= columns
    head = " ".join(lines[2:4])
    assert [word for word in ("trial", "verdict", "data cost", "accuracy") if word not in head] == []
