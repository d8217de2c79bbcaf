"""What a sweep answers when it is asked: tables, best, comparisons, the study, replays."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest
from support.small_sweeps import Watcher, assert_same, small_spec, small_table, swept, write_spec

import sweeps
from sweeps.driver.loop import run_sweep
from sweeps.errors import SpecError, UnknownSweepError
from sweeps.results.sweep import Sweep
from sweeps.tracking.tables import KEYS, by_training

COST = "cost/validation_data"


@pytest.fixture(scope="module")
def pareto_sweep(new_store: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """Two objectives, and two replicates of each trial."""
    objective = ["validation_data_cost", "validation_accuracy"]
    spec = small_spec(name="pareto", trials=8, replicates=2, objective=objective)
    return swept(spec, new_store(tmp_path_factory.mktemp("pareto")))


def test_trials_table_has_a_row_per_trial_and_epochs_table_one_per_epoch(digits_sweep: Sweep) -> None:
    trials, epochs = digits_sweep.trials, digits_sweep.epochs
    assert trials["trial"].tolist() == list(range(16))
    assert set(trials["state"]) == {"complete", "pruned"}
    assert set(trials["diverged"]) == {0, 1}
    assert not epochs.duplicated(KEYS).any()
    assert np.isfinite(epochs.drop(columns=KEYS).to_numpy(float)[epochs["epoch"] > 0]).all()
    whole = trials[(trials["state"] == "complete") & (trials["diverged"] == 0)]
    for number in whole["trial"]:
        assert epochs.loc[epochs["trial"] == number, "epoch"].tolist() == [0, 1, 2, 3, 4]


def test_curves_by_training_are_the_columns_of_the_epochs_table(digits_sweep: Sweep) -> None:
    epochs = digits_sweep.epochs
    shuffled = epochs.set_axis(range(7, 7 + len(epochs)))  # its index is nobody's business
    for table in (epochs, shuffled):
        found = by_training(table, ["epoch", COST])
        assert list(found) == [(trial, 0) for trial in epochs["trial"].unique()]
        for (trial, _), columns in found.items():
            rows = epochs[epochs["trial"] == trial]
            assert columns["epoch"] == rows["epoch"].tolist()
            np.testing.assert_array_equal(columns[COST], rows[COST])
    assert by_training(epochs.iloc[:0], ["epoch"]) == {}


def test_final_and_best_values_are_those_of_the_epochs(digits_sweep: Sweep) -> None:
    assert len(digits_sweep.trials) > 0
    for row in digits_sweep.trials.to_dict("records"):
        epochs = digits_sweep.epochs[digits_sweep.epochs["trial"] == row["trial"]].set_index("epoch")
        assert row[f"final.{COST}"] == epochs[COST].iloc[-1]
        trained = epochs[epochs.index > 0]
        best = trained[COST].idxmin() if len(trained) else 0
        assert row["best_epoch"] == best
        assert row["best.accuracy/train"] == epochs.loc[best, "accuracy/train"]


def test_best_is_sorted_by_the_objective_and_never_holds_a_diverged_or_pruned_trial(digits_sweep: Sweep) -> None:
    trials = digits_sweep.trials
    sound = trials[(trials["state"] == "complete") & (trials["diverged"] == 0)]
    best = digits_sweep.best(100)
    assert best["trial"].tolist() == sound.sort_values(f"final.{COST}")["trial"].tolist()
    assert digits_sweep.best(2)["trial"].tolist() == best["trial"].tolist()[:2]
    assert len(digits_sweep.best()) == 1


def test_ordered_holds_every_trial_the_sound_ones_first(digits_sweep: Sweep) -> None:
    ordered = digits_sweep.ordered["trial"].tolist()
    best = digits_sweep.best(100)["trial"].tolist()
    assert sorted(ordered) == list(range(16))
    assert ordered[: len(best)] == best


def test_best_of_replicates_is_by_their_mean(pareto_sweep: Sweep) -> None:
    trials = pareto_sweep.trials
    assert len(trials) == 16
    for row in pareto_sweep.best(100).to_dict("records"):
        describe_trial = trials[trials["trial"] == row["trial"]]
        assert len(describe_trial) == 2
        assert row[f"final.{COST}"] == describe_trial[f"final.{COST}"].mean()


def test_best_of_several_objectives_is_their_pareto_front(pareto_sweep: Sweep) -> None:
    means = pareto_sweep.trials.groupby("trial")[[f"final.{COST}", "final.accuracy/validation", "diverged"]].mean()
    points = [(row[0], -row[1], number) for number, *row in means.itertuples() if row[2] == 0]
    front = [p for p in points if not any(q[0] <= p[0] and q[1] <= p[1] and q[:2] != p[:2] for q in points)]
    assert pareto_sweep.best(100)["trial"].tolist() == [number for *_, number in sorted(front)]


def test_study_holds_what_optuna_was_told(digits_sweep: Sweep) -> None:
    study = digits_sweep.study()
    states = {"complete": optuna.trial.TrialState.COMPLETE, "pruned": optuna.trial.TrialState.PRUNED}
    assert study.direction == optuna.study.StudyDirection.MINIMIZE
    for told, row in zip(study.trials, digits_sweep.trials.to_dict("records"), strict=True):
        assert told.state == states[row["state"]]
        assert told.params == {name: row[name] for name in ("eta", "lambda", "batch_size")}
        assert told.value == (np.inf if row["diverged"] else row[f"final.{COST}"])
    assert study.best_trial.number == digits_sweep.best()["trial"].iloc[0]


def test_study_of_several_objectives_holds_the_means(pareto_sweep: Sweep) -> None:
    study = pareto_sweep.study()
    assert [d.name for d in study.directions] == ["MINIMIZE", "MAXIMIZE"]
    means = pareto_sweep.trials.groupby("trial")[[f"final.{COST}", "final.accuracy/validation"]].mean()
    diverged = pareto_sweep.trials.groupby("trial")["diverged"].max()
    assert len(study.trials) == 8
    for told in study.trials:
        expected = [np.inf, 0.0] if diverged[told.number] else means.loc[told.number].tolist()
        assert told.values == expected


def test_compare_puts_trials_side_by_side(digits_sweep: Sweep) -> None:
    table = digits_sweep.compare([3, 1])
    rows = digits_sweep.trials.set_index("trial")
    assert table.columns.tolist() == ["3", "1"]
    assert table.loc["eta"].tolist() == [rows.loc[3, "eta"], rows.loc[1, "eta"]]
    assert table.loc[f"final.{COST}", "1"] == rows.loc[1, f"final.{COST}"]


def test_compare_names_replicates(pareto_sweep: Sweep) -> None:
    assert pareto_sweep.compare([5]).columns.tolist() == ["5-r0", "5-r1"]


@pytest.mark.parametrize("kind", ["complete", "pruned", "diverged"])
def test_replay_brings_every_number_back(digits_sweep: Sweep, kind: str) -> None:
    trials = digits_sweep.trials
    chosen = trials[
        trials["diverged"] == 1 if kind == "diverged" else (trials["state"] == kind) & (trials["diverged"] == 0)
    ]
    replay = digits_sweep.replay(int(chosen["trial"].iloc[0]))
    assert replay.identical
    epochs = digits_sweep.epochs[digits_sweep.epochs["trial"] == replay.trial]
    in_table = int(epochs.drop(columns=KEYS).notna().to_numpy().sum())
    assert replay.compared == in_table + (2 if kind == "complete" else 0)


def test_unknown_names_and_numbers_say_what_there_is(digits_sweep: Sweep, uri: str) -> None:
    with pytest.raises(UnknownSweepError, match=r"no sweep 'nope'.*sweeps there: none yet"):
        sweeps.load("nope", uri)
    for ask in (digits_sweep.compare, lambda numbers: digits_sweep.replay(numbers[0])):
        with pytest.raises(UnknownSweepError, match="has no trial 99; it has 0 to 15"):
            ask([99])
    with pytest.raises(UnknownSweepError, match="trial 3 of sweep 'shared' has no replicate 1"):
        digits_sweep.replay(3, 1)


def test_run_takes_a_file_and_gives_the_sweep(uri: str, tmp_path: Path) -> None:
    path = write_spec(tmp_path / "spec.toml", small_table())
    sweep = sweeps.run(path, jobs=1, tracking_uri=uri, trials=3, name="named")
    assert (sweep.name, sweep.state, len(sweep.trials)) == ("named", "finished", 3)
    run_sweep(small_spec(name="other", trials=3), Watcher(), 1, uri)
    assert_same(sweep, sweeps.load("other", uri))
    with pytest.raises(SpecError):
        sweeps.run(path, tracking_uri=uri, trials=0)


def test_empty_answers_are_tables_too(uri: str) -> None:
    sweep = swept(small_spec(trials=2, search__lambda=1e6, search__eta=3.0), uri, 1)
    assert sweep.trials["diverged"].tolist() == [1, 1]
    assert len(sweep.best(3)) == 0
    assert isinstance(sweep.best(3), pd.DataFrame)


@pytest.mark.parametrize("module", ["sweeps", "sweeps.worker.trial"])
def test_import_is_light(module: str) -> None:
    heavy = ["pandas", "mlflow", "optuna", "pyarrow", "rich", "sklearn"]
    program = f"import sys, {module}; print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
