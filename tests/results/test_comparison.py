"""Comparing two trials: on hand-made curves, on a small sweep, and in terminals of two widths."""

import re

import pandas as pd
import pytest

from sweeps.errors import UnknownSweepError
from sweeps.results.comparison import Side, changed, divergence, sentences
from sweeps.results.sweep import Sweep
from sweeps.views import consoles, terminal_tables

SETTINGS = {"eta": 0.5, "lambda": 0.1, "batch_size": 10}


def side(name: str, verdict: str = "slow", lmbda: float = 0.1, eta: float = 0.5, **curves: list[float]) -> Side:
    """A training with these curves; `__` stands for the slash."""
    frame = pd.DataFrame({key.replace("__", "/"): values for key, values in curves.items()}).rename_axis("epoch")
    return Side(name, SETTINGS | {"lambda": lmbda, "eta": eta}, verdict, frame)


@pytest.fixture
def sweep(pairs_sweep: Sweep) -> Sweep:
    return pairs_sweep


def trial(sweep: Sweep, eta: float, lmbda: float) -> int:
    rows = sweep.trials[(sweep.trials["eta"] == eta) & (sweep.trials["lambda"] == lmbda)]
    return int(rows["trial"].iloc[0])


def test_component_that_parts_first_comes_first() -> None:
    one = side("0", cost__train_data=[1, 1, 1, 0.5], weight_norm__total=[4, 4, 4, 4], accuracy__train=[0.1, 0.5, 1, 1])
    other = side(
        "1", cost__train_data=[1, 1, 2, 0.5], weight_norm__total=[4, 4, 4, 5], accuracy__train=[0.1, 0.5, 1, 1]
    )
    table = divergence(one, other)
    assert list(table.index) == ["cost/train_data", "weight_norm/total"]
    assert list(table["since"]) == [2, 3]
    assert (table.loc["weight_norm/total", "last_one"], table.loc["weight_norm/total", "last_other"]) == (4, 5)


def test_within_an_epoch_the_larger_difference_comes_first() -> None:
    one = side("0", bias_norm__layer_1=[1, 1], weight_norm__total=[1, 1])
    other = side("1", bias_norm__layer_1=[1, 1.1], weight_norm__total=[1, 9])
    assert list(divergence(one, other).index) == ["weight_norm/total", "bias_norm/layer_1"]


def test_less_than_one_per_cent_is_no_difference() -> None:
    assert divergence(side("0", cost__train_data=[1, 1]), side("1", cost__train_data=[1, 1.009])).empty


def test_hardly_saturated_is_not_far_from_unsaturated() -> None:
    one, other = side("0", saturation__layer_1=[0, 0.001]), side("1", saturation__layer_1=[0, 0.0])
    assert divergence(one, other).empty


def test_what_one_trial_did_not_measure_is_no_difference() -> None:
    one, other = side("0", stability__edge=[1, float("nan")]), side("1", stability__edge=[1, 2])
    assert divergence(one, other).empty


def test_penalty_at_the_start_does_not_hide_where_training_parts() -> None:
    one = side("0", lmbda=0.1, cost__penalty=[1, 1, 1], cost__train_data=[1, 0.5, 0.2])
    other = side("1", "collapsed", lmbda=10, cost__penalty=[100, 80, 60], cost__train_data=[1, 0.5, 0.4])
    said = " ".join(sentences(one, other))
    assert "Training parts at epoch 1, most in cost/penalty (1 against 80)." in said
    assert "Different from the start by definition, as they contain what was changed: cost/penalty." in said
    alike = side("1", "collapsed", lmbda=10, cost__penalty=[100, 80, 60], cost__train_data=[1, 0.6, 0.4])
    assert "Training parts at epoch 1, most in cost/train_data (0.5 against 0.6)." in " ".join(sentences(one, alike))


def test_one_changed_setting_is_told_with_its_effect() -> None:
    curves = {"cost__validation_data": [1, 0.2], "accuracy__validation": [0.1, 0.9]}
    one = side("0", "slow", lmbda=0.1, cost__penalty=[0.001, 0.02], **curves)
    other = side(
        "1", "collapsed", lmbda=10.0, cost__penalty=[0.1, 0.004], **curves | {"accuracy__validation": [0.1, 0.1]}
    )
    assert changed(one, other) == {"lambda": (0.1, 10.0)}
    assert sentences(one, other)[0] == (
        "lambda 0.1 -> 10 (all else equal): the penalty ends at 0.02 against 0.004, validation data cost 0.2 against "
        "0.2, validation accuracy 0.9 against 0.1, verdict slow -> collapsed."
    )


def test_several_changed_settings_get_no_single_credit() -> None:
    first = sentences(side("0", cost__penalty=[1, 1]), side("1", eta=5, lmbda=1, cost__penalty=[1, 1]))[0]
    assert "several at once: the effect is theirs together" in first


def test_trial_that_diverged_at_once_is_said_to_have_nothing_to_compare() -> None:
    one, other = side("0", cost__penalty=[1, 1]), side("1", "diverged", eta=50, cost__penalty=[1])
    said = " ".join(sentences(one, other))
    assert "trial 1 recorded nothing finite after epoch 0" in said
    assert "Trial 1 has no finite record after the start" in said


def test_sweep_tells_the_effect_of_lambda(sweep: Sweep) -> None:
    one, other = trial(sweep, 0.5, 0.1), trial(sweep, 0.5, 1000.0)
    effect = sweep.effect(one, other)
    assert effect[0].startswith("lambda 0.1 -> 1000 (all else equal): the penalty ends at ")
    assert effect[0].endswith("-> collapsed.")
    assert effect[1].startswith("Training parts at epoch 1, most in weight_norm/")
    table = sweep.differences(one, other)
    assert table.loc["cost/penalty", "at_start"]
    assert table.loc["weight_norm/total", "since"] == 1
    assert not table.loc["weight_norm/total", "at_start"]


def test_trial_does_not_differ_from_itself(sweep: Sweep) -> None:
    assert sweep.differences(0, 0).empty
    assert "have the same settings" in sweep.effect(0, 0)[0]


def test_side_by_side_carries_verdicts(sweep: Sweep) -> None:
    table = sweep.compare([0, 1, 2])
    assert list(table.columns) == ["0", "1", "2"]
    assert list(table.loc["verdict"]) == list(sweep.trials["verdict"][:3])
    assert table.loc["verdict_reason"].str.len().min() > 0


def test_unknown_trial_is_named(sweep: Sweep) -> None:
    with pytest.raises(UnknownSweepError, match="no trial 99; it has 0 to 5"):
        sweep.effect(0, 99)
    with pytest.raises(UnknownSweepError, match="trial 0 of sweep 'pairs' has no replicate 3"):
        sweep.differences(0, 1, replicate=3)


@pytest.mark.parametrize("width", [80, 160])
def test_comparison_fits_the_terminal(
    sweep: Sweep, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(consoles, "_WIDE", width)
    terminal_tables.print_comparison(sweep.compare(range(6)))
    terminal_tables.print_effect(0, 1, sweep.effect(0, 1), sweep.differences(0, 1))
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= width
    shown = [int(word) for line in re.findall(r"^ ?trial +([\d ]+)$", printed, re.MULTILINE) for word in line.split()]
    assert shown == list(range(6))  # every trial, on as many tables as it takes
    assert printed.count("weight_norm/total ") >= (2 if width == 80 else 1)
    assert "…" not in printed
    assert "verdict " in printed


def test_command_prints_verdicts_and_effect(sweep: Sweep, capsys: pytest.CaptureFixture[str]) -> None:
    from sweeps.cli.main import main

    assert main(["compare", "pairs", "0", "1", "--tracking-uri", sweep.uri]) == 0
    printed = capsys.readouterr().out
    assert "Trial 0 against trial 1" in printed
    assert f"Trial 0, {sweep.trials['verdict'][0]}: " in printed
