"""Trials against the best of their sweep: how far behind, and which are on the Pareto front."""

import numpy as np
import pandas as pd
import pytest
from support.small_sweeps import small_spec

from model import metrics
from sweeps.analysis.ranking import pair_to_compare, times_best, times_best_heading
from sweeps.cli.main import main
from sweeps.results.sweep import Sweep
from sweeps.views.report.page_data import build
from sweeps.views.report.publishing import mapped

COST, ACCURACY = metrics.final(metrics.VALIDATION_DATA), metrics.final(metrics.VALIDATION_ACCURACY)


def table(costs: list[float], accuracies: list[float], replicates: int = 1) -> pd.DataFrame:
    """Complete trials; one whose cost is NaN diverged."""
    rows = range(len(costs))
    frame = pd.DataFrame(
        {"trial": [row // replicates for row in rows], "replicate": [row % replicates for row in rows]}
    )
    frame = frame.assign(state="complete", diverged=[int(np.isnan(cost)) for cost in costs], verdict="converged")
    return frame.assign(**{COST: costs, ACCURACY: accuracies, "eta": 1.0, "lambda": 1.0, "batch_size": 20})


def test_a_cost_is_told_as_so_many_times_the_bests() -> None:
    trials = table([0.1, 0.41, float("nan")], [0.9, 0.5, 0.1])
    assert times_best(small_spec(), trials, trials).tolist()[:2] == pytest.approx([1.0, 4.1])
    assert np.isnan(times_best(small_spec(), trials, trials)[2])
    assert times_best_heading(small_spec()) == "x the best's cost"


def test_an_accuracy_is_told_by_its_errors() -> None:
    spec = small_spec(objective="validation_accuracy")
    trials = table([0.1, 0.2], [0.9, 0.6])
    assert times_best(spec, trials, trials).tolist() == pytest.approx([1.0, 4.0])
    assert times_best_heading(spec) == "x the best's errors"


def test_the_best_is_a_mean_over_its_starts() -> None:
    trials = table([0.1, 0.3, 0.15, 0.35], [0.9] * 4, replicates=2)
    assert times_best(small_spec(replicates=2), trials, trials).tolist() == pytest.approx([0.5, 1.5, 0.75, 1.75])


def test_where_no_trial_is_sound_nothing_is_behind() -> None:
    trials = table([float("nan")], [0.1])
    assert times_best(small_spec(), trials, trials).isna().all()


def test_show_and_page_say_it_beside_the_verdict(pairs_sweep: Sweep, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", pairs_sweep.name, "--tracking-uri", pairs_sweep.uri]) == 0
    assert "x the best's cost" in capsys.readouterr().out
    built = build(pairs_sweep, mapped(pairs_sweep))
    assert ["times_best", "x the best's cost"] in built["columns"]
    assert built["trials"][0]["values"]["times_best"] == 1


@pytest.mark.parametrize(("costs", "verdicts"), [([0.1], ["oscillating"]), ([float("nan")], ["diverged"]), ([], [])])
def test_no_trial_is_proposed_to_be_compared_with_itself(costs: list[float], verdicts: list[str]) -> None:
    """Fails on 7a25101: `sweeps compare NAME b b` where the best trial is the only one, or none is sound."""
    trials = table(costs, [0.5] * len(costs)).assign(verdict=verdicts)
    assert pair_to_compare(small_spec(), trials) is None


def test_the_best_is_compared_with_one_that_went_wrong() -> None:
    trials = table([0.2, 0.1, float("nan")], [0.5] * 3).assign(verdict=["oscillating", "converged", "diverged"])
    assert pair_to_compare(small_spec(), trials) in [(1, 0), (1, 2)]
