"""Thresholds against sums done by hand."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps.sampling.pruning import thresholds

curves = st.lists(st.lists(st.floats(-10, 10), max_size=6).map(lambda losses: dict(enumerate(losses, 1))), max_size=9)


def flat(*losses: float, epochs: int = 10) -> list[Mapping[int, float]]:
    return [dict.fromkeys(range(1, epochs + 1), loss) for loss in losses]


@given(complete=curves, pruned=curves, pruner=st.sampled_from(["median", "halving"]))
def test_a_threshold_lies_between_the_losses_of_its_epoch(
    complete: list[Mapping[int, float]], pruned: list[Mapping[int, float]], pruner: str
) -> None:
    found = thresholds(pruner, complete, complete + pruned, 6)
    asked = complete if pruner == "median" else complete + pruned
    for epoch in range(1, 7):
        losses = [curve[epoch] for curve in asked if epoch in curve]
        if epoch in found:
            assert len(losses) >= 5
            assert min(losses) <= found[epoch] <= max(losses)
            share = 1 / 2 if pruner == "median" else 1 / 4
            assert sum(loss < found[epoch] for loss in losses) <= share * len(losses)
            assert sum(loss > found[epoch] for loss in losses) <= (1 - share) * len(losses)


@given(complete=curves, pruned=curves)
def test_no_pruner_no_thresholds(complete: list[Mapping[int, float]], pruned: list[Mapping[int, float]]) -> None:
    assert thresholds("none", complete, complete + pruned, 6) == {}


def test_median_asks_at_every_epoch_but_the_last_for_the_median_of_the_complete_trials() -> None:
    complete = [{1: 1.0, 2: 9.0, 3: 0.1}, {1: 2.0, 2: 8.0, 3: 0.1}, {1: 3.0, 2: 7.0, 3: 0.1}]
    complete += [{1: 4.0, 2: 6.0, 3: 0.1}, {1: 50.0, 2: -5.0, 3: 0.1}]
    pruned = flat(*[0.0] * 9, epochs=1)
    assert thresholds("median", complete, complete + pruned, 3) == {1: 3.0, 2: 7.0}


def test_median_of_an_even_number_lies_between_the_two_in_the_middle() -> None:
    complete = flat(1.0, 2.0, 3.0, 5.0, 6.0, 7.0, epochs=2)
    assert thresholds("median", complete, complete, 2) == {1: 4.0}


def test_median_needs_five_complete_trials_at_the_epoch() -> None:
    assert thresholds("median", flat(1, 2, 3, 4), flat(1, 2, 3, 4, 5, 6, 7), 10) == {}
    one_short = [*flat(1, 2, 3, 4), *flat(5, epochs=2)]  # the fifth ended at epoch 2
    assert thresholds("median", one_short, one_short, 10) == {1: 3.0, 2: 3.0}


@pytest.mark.parametrize(
    ("epochs", "rungs"), [(1, []), (2, [1]), (4, [1]), (5, [1, 4]), (16, [1, 4]), (17, [1, 4, 16])]
)
def test_halving_asks_at_powers_of_four_before_the_last_epoch(epochs: int, rungs: list[int]) -> None:
    ended = flat(*range(8), epochs=epochs)
    assert sorted(thresholds("halving", ended, ended, epochs)) == rungs


def test_halving_asks_for_a_place_in_the_best_quarter_of_all_that_came_so_far() -> None:
    complete, pruned = flat(0.0, 1.0, 2.0, 3.0, 4.0, epochs=5), flat(5.0, 6.0, 7.0, 8.0, epochs=1)
    # epoch 1: nine losses 0 to 8, the quantile 1/4 is at position 2; epoch 4: five losses, position 1
    assert thresholds("halving", complete, complete + pruned, 5) == {1: 2.0, 4: 1.0}


def test_halving_takes_the_lower_of_two_losses() -> None:
    ended = flat(0.0, 10.0, 20.0, 30.0, 40.0, 50.0, epochs=2)  # position 5 / 4
    assert thresholds("halving", ended, ended, 2) == {1: 10.0}


def test_halving_needs_five_trials_at_the_rung() -> None:
    ended = [*flat(1, 2, 3, 4), *flat(5, epochs=3)]
    assert sorted(thresholds("halving", ended, ended, 10)) == [1]
    assert thresholds("halving", [], flat(1, 2, 3, 4), 10) == {}
