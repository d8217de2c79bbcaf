"""What is known of a sweep's trials, and who may know it."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps.driver.schedule import Ended, Schedule, combined
from sweeps.sampling.optuna_study import Outcome
from sweeps.specification.reading import parse_spec
from sweeps.specification.spec import SweepSpec
from sweeps.worker.trial import State

ACCURACY = "validation_accuracy"
BOTH = ["validation_data_cost", "validation_accuracy"]
FAILED = Ended(State.FAILED)
DIVERGED = Ended(State.COMPLETE, diverged=True, values=(0.1, 0.9), curve={1: 0.1})
LOST = Ended(State.COMPLETE, diverged=True)  # at the first record already


def spec_of(**changes: Any) -> SweepSpec:
    search = {"eta": {"low": 0.1, "high": 1.0}, "lambda": 0.0, "batch_size": 10}
    return parse_spec({"name": "some", "search": search} | changes, check_data=False)


def complete(*values: float, **curve: float) -> Ended:
    return Ended(State.COMPLETE, values=values, curve={int(epoch[1:]): loss for epoch, loss in curve.items()})


def ledger_of(spec: SweepSpec, *trials: Ended | None) -> Schedule:
    """Trainings in order of number and replicate; None has not ended."""
    ledger = Schedule(spec)
    keys = [key for number in range(spec.trials) for key in ledger.keys(number)]
    for key, ended in zip(keys, trials, strict=False):
        ledger.settings[key[0]] = {}
        if ended is not None:
            ledger.ended[key] = ended
    return ledger


@given(values=st.lists(st.tuples(st.floats(0, 10), st.floats(0, 1)), min_size=1, max_size=5))
def test_a_trial_is_worth_the_mean_over_its_replicates(values: list[tuple[float, float]]) -> None:
    spec = spec_of(objective=BOTH, replicates=len(values))
    told = combined(spec, [complete(*pair) for pair in values])
    assert told.state is State.COMPLETE
    assert told.values == pytest.approx([sum(column) / len(values) for column in zip(*values, strict=True)])


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("diverged", [DIVERGED, LOST])
@pytest.mark.parametrize(
    ("objective", "worst"), [("validation_data_cost", (math.inf,)), (ACCURACY, (0.0,)), (BOTH, (math.inf, 0.0))]
)
def test_a_trial_with_a_diverged_replicate_is_worth_the_worst(
    place: int, diverged: Ended, objective: str, worst: tuple[float, ...]
) -> None:
    replicates = [complete(1.0, 0.5)] * 3
    replicates[place] = diverged
    assert combined(spec_of(objective=objective, replicates=3), replicates) == Outcome(State.COMPLETE, worst)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("other", [complete(1.0), DIVERGED])
def test_a_trial_with_a_failed_replicate_has_failed(place: int, other: Ended) -> None:
    replicates = [other, other]
    replicates[place] = FAILED
    assert combined(spec_of(replicates=2), replicates) == Outcome(State.FAILED)


def test_a_pruned_trial_is_told_with_its_last_value_and_epoch() -> None:
    pruned = Ended(State.PRUNED, values=(0.7,), curve={1: -0.6, 2: -0.7})
    assert combined(spec_of(objective=ACCURACY), [pruned]) == Outcome(State.PRUNED, (0.7,), 2)


def test_an_outcome_is_known_once_all_replicates_have_ended() -> None:
    ledger = ledger_of(spec_of(trials=2, replicates=2), complete(1.0), complete(3.0), None, complete(5.0))
    assert ledger.outcome(0) == Outcome(State.COMPLETE, (2.0,))
    assert ledger.outcome(1) is None
    ledger.ended[1, 0] = complete(6.0)
    assert ledger.outcome(1) == Outcome(State.COMPLETE, (5.5,))


@given(ended=st.sets(st.tuples(st.integers(0, 3), st.integers(0, 1))))
def test_a_sweep_is_open_until_every_training_has_ended(ended: set[tuple[int, int]]) -> None:
    ledger = Schedule(spec_of(trials=4, replicates=2))
    ledger.ended.update(dict.fromkeys(ended, FAILED))
    assert ledger.open == (len(ended) < 8)


@given(number=st.integers(0, 12), lag=st.integers(1, 12), later=st.floats(0, 100))
def test_thresholds_know_the_trials_up_to_the_lag_and_no_later_one(number: int, lag: int, later: float) -> None:
    """Of 12 trials the k-th has the loss k; those that trial `number` may not know have another, and are not missed."""
    known = max(0, number - lag + 1)
    spec = spec_of(trials=13, lag=lag, stopping={"pruner": "median"})
    losses = [float(k) if k < known else later for k in range(12)]
    full = ledger_of(spec, *(complete(loss, e1=loss, e2=loss) for loss in losses))
    short = ledger_of(spec, *(complete(loss, e1=loss, e2=loss) for loss in losses[:known]))
    assert full.thresholds(number, 2) == short.thresholds(number, 2)
    assert full.thresholds(number, 2) == ({1: (known - 1) / 2} if known >= 5 else {})


def test_thresholds_of_median_leave_out_pruned_trials_and_those_of_halving_do_not() -> None:
    trials = [complete(loss, e1=loss, e2=loss) for loss in (4.0, 5.0, 6.0, 7.0, 8.0)]
    trials += [Ended(State.PRUNED, values=(9.0,), curve={1: 1.0}), FAILED]
    for pruner, expected in (("median", {1: 6.0}), ("halving", {1: 4.0}), ("none", {})):
        spec = spec_of(trials=20, lag=1, stopping={"pruner": pruner})
        assert ledger_of(spec, *trials).thresholds(7, 2) == expected


@pytest.mark.parametrize(("objective", "best"), [("validation_data_cost", (0, 0)), (ACCURACY, (2, 0)), (BOTH, (0, 0))])
def test_the_best_has_the_least_cost_or_the_greatest_accuracy(objective: str, best: tuple[int, int]) -> None:
    trials = [complete(0.2, 0.9), complete(0.5, 0.8), complete(0.7, 0.7)]
    assert ledger_of(spec_of(trials=3, objective=objective), *trials).best() == best


@pytest.mark.parametrize("unsound", [DIVERGED, LOST, FAILED, Ended(State.PRUNED, values=(0.0,)), None])
def test_the_best_is_never_one_without_a_sound_result(unsound: Ended | None) -> None:
    assert ledger_of(spec_of(trials=2), unsound, complete(1.0)).best() == (1, 0)
    assert ledger_of(spec_of(trials=2), unsound, unsound).best() is None


def test_the_best_training_belongs_to_the_trial_with_the_best_mean() -> None:
    trials = [complete(0.1), complete(9.0), complete(2.0), complete(1.5), complete(0.0), DIVERGED]
    assert ledger_of(spec_of(trials=3, replicates=2), *trials).best() == (1, 1)


def test_of_equals_the_first_is_the_best() -> None:
    assert ledger_of(spec_of(trials=3), complete(1.0), complete(1.0), complete(1.0)).best() == (0, 0)
