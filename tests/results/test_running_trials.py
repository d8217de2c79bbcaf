"""A training that still runs is counted as running, and as nothing else: no verdict, no place, never the best.

It has params and the metrics of its epochs so far, or none yet, as a driver's writer leaves it.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.report_pages import Opened
from support.unfinished_sweeps import FALLING, GROWING, Unfinished, reopened

import sweeps
from sweeps.cli.main import main
from sweeps.results.sweep import Sweep
from sweeps.views.report.page_data import build
from sweeps.views.report.publishing import mapped, publish
from sweeps.views.shown_sweep import load
from sweeps.views.store_page import store_page

RUNNING = [16, 17, 18, 19]


@pytest.fixture(scope="module")
def unfinished(digits_sweep: Sweep, tmp_path_factory: pytest.TempPathFactory) -> Unfinished:
    """Sixteen trainings that ended, and four that run: two with epochs, one without, one that has no params either."""
    made = reopened(digits_sweep, tmp_path_factory.mktemp("unfinished") / "store")
    for number, costs in zip(RUNNING, (FALLING, GROWING, (), ()), strict=True):
        made.begin(number, costs, {} if number == RUNNING[-1] else None)
    made.measure(made.begin(20), 0, 1e-9)  # the lowest cost of all
    made.beat(*RUNNING, 20)
    return made


@pytest.fixture
def sweep(unfinished: Unfinished) -> sweeps.Sweep:
    return load(unfinished.name, unfinished.uri)


def test_it_is_neither_the_best_nor_in_order(sweep: sweeps.Sweep, digits_sweep: Sweep) -> None:
    assert sweep.best(1)["trial"].tolist() == digits_sweep.best(1)["trial"].tolist()
    assert sweep.ordered["trial"].tolist() == digits_sweep.ordered["trial"].tolist()
    rows = sweep.trials[sweep.trials["state"] == "running"]
    assert rows["trial"].tolist() == [*RUNNING, 20]
    assert rows["verdict"].isna().all()
    assert rows["stable"].isna().all()


def test_every_tally_counts_it_as_running(sweep: sweeps.Sweep, digits_sweep: Sweep) -> None:
    before = repr(digits_sweep).partition("trainings, ")[2].partition(";")[0]
    assert f"16 of 24 trainings, {before}, 5 running" in repr(sweep)
    assert f"<b>{before}, 5 running</b>" in store_page([sweep], {}, "http://here")
    assert "16 of 24 trainings" in store_page([sweep], {}, "http://here")
    assert before in sweep._repr_html_()


def test_it_is_not_judged_anew(sweep: sweeps.Sweep) -> None:
    rows = sweep.reassessed()
    assert rows.loc[rows["state"] == "running", "verdict"].isna().all()
    assert not {(number, 0) for number in RUNNING} & set(sweep.assessments)


def test_neither_map_nor_study_nor_advice_takes_it_for_a_result(sweep: sweeps.Sweep, digits_sweep: Sweep) -> None:
    assert len(sweep.study().trials) == 16
    drawn, before = mapped(sweep), mapped(digits_sweep)
    assert drawn is not None
    assert before is not None
    assert [panel.probability for panel in drawn.panels] == [panel.probability for panel in before.panels]
    words = [point.verdict for panel in drawn.panels for point in panel.points if point.trial in RUNNING]
    assert set(words) <= {""}
    now, then = build(sweep, drawn), build(digits_sweep, before)
    for name in ("best", "front", "instructive", "advice", "answers"):
        assert now[name] == then[name], name


@pytest.mark.parametrize(
    "command",
    [
        ["show", "NAME"],
        ["show", "NAME", "--reassess", "--top", "30"],
        ["show", "NAME", "--where", 'state == "running"', "--sort", "eta"],
        ["show", "NAME", "--json"],
        ["list"],
        ["compare", "NAME", "0", "16", "18", "19"],
        ["compare", "NAME", "18", "19", "--json"],
        ["next", "NAME"],
        ["report", "NAME"],
    ],
    ids=" ".join,
)
def test_every_command_shows_such_a_sweep(
    command: list[str], unfinished: Unfinished, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [unfinished.name if word == "NAME" else word for word in command]
    assert main([*given, "--tracking-uri", unfinished.uri]) == 0
    assert capsys.readouterr().out


def test_list_has_a_column_of_how_many_run(unfinished: Unfinished, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--json", "--tracking-uri", unfinished.uri]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["state"], row["running"], row["asked for"]) == ("running", 5, 24)


def test_an_export_holds_it_with_its_state(unfinished: Unfinished, tmp_path: Path) -> None:
    for kind in ("parquet", "csv", "json"):
        folder = str(tmp_path / kind)
        assert main(["export", unfinished.name, folder, "--format", kind, "--tracking-uri", unfinished.uri]) == 0
    table = pd.read_parquet(tmp_path / "parquet" / "trials.parquet")
    assert table.loc[table["state"] == "running", "trial"].tolist() == [*RUNNING, 20]


def test_a_replay_of_it_is_refused_in_a_sentence(unfinished: Unfinished, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", unfinished.name, "16", "--tracking-uri", unfinished.uri]) == 2
    assert "is still running; replay it once it has ended" in capsys.readouterr().err


def test_the_page_of_such_a_sweep_says_as_of_when_and_has_no_complaints(
    browser: Any, sweep: sweeps.Sweep, digits_sweep: Sweep
) -> None:
    page = publish(sweep).page
    window = Opened(browser, page)
    assert window.complaints == []
    (said,) = window.texts("#as-of")
    assert said.startswith("As of 20")
    assert said.endswith("UTC: 16 of 24 trainings, 5 running")
    assert window.texts("#tally")[0].endswith("5 running")
    assert " of 16 stable" in window.texts("#tally")[0]
    window.page.close()


@pytest.fixture
def nothing_ended(new_store: Callable[[Path], str], tmp_path: Path, digits_sweep: Sweep) -> Unfinished:
    """Only trainings in progress, one of them without a number yet."""
    made = reopened(digits_sweep, tmp_path / "store")
    made.forget_trials()
    made.begin(0, FALLING)
    made.begin(1)
    return made


def test_a_sweep_of_which_nothing_has_ended_is_shown_too(
    nothing_ended: Unfinished, browser: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    name, uri = nothing_ended.name, nothing_ended.uri
    for command in (["show", name], ["list"], ["next", name], ["compare", name, "0", "1"], ["report", name]):
        assert main([*command, "--tracking-uri", uri]) == 0, command
    window = Opened(browser, Path(capsys.readouterr().out.splitlines()[-2]))
    assert window.complaints == []
    window.page.close()
    assert load(name, uri).best(1).empty
    assert load(name, uri)._repr_html_()


def test_what_came_of_a_training_counts_and_what_is_left_of_its_beginning_does_not(
    digits_sweep: Sweep, tmp_path: Path
) -> None:
    made = reopened(digits_sweep, tmp_path / "store")
    made.begin(3, FALLING)
    now = load(made.name, made.uri).trials
    pd.testing.assert_frame_equal(now[digits_sweep.trials.columns], digits_sweep.trials, check_exact=True)
