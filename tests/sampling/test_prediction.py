"""A predicted border is what the bounds of theory make of trials' measures, and follows them to other conditions."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.bounds import batch_edge, noise_share
from sweeps.sampling.prediction import FACTOR, Conditions, Measured, predicted_border

N = 1200
AT = Conditions(batch_size=20, momentum=0.0, lmbda=0.0, n=N)
positive = st.floats(1e-3, 1e3)
conditions = st.builds(
    Conditions, st.integers(1, N), st.floats(0, 0.95), st.one_of(st.just(0.0), st.floats(0.01, 1e4)), st.just(N)
)


def trial(sharpness: float, noise_scale: float = 50.0, at: Conditions = AT) -> Measured:
    return Measured(at, sharpness + at.lmbda / at.n, noise_scale)


@given(sharpness=positive, noise_scale=positive, momentum=st.floats(0, 0.95), batch_size=st.integers(1, N))
def test_at_the_border_of_the_only_trial_its_own_batch_edge_is_one(
    sharpness: float, noise_scale: float, momentum: float, batch_size: int
) -> None:
    at = replace(AT, momentum=momentum, batch_size=batch_size)
    found = predicted_border([trial(sharpness, noise_scale, at)], at)
    assert found is not None
    noise = noise_share(noise_scale, batch_size, N)
    assert batch_edge(found.eta, sharpness, noise, momentum) == pytest.approx(1)
    assert found.high / found.eta == pytest.approx(FACTOR)
    assert found.low <= found.eta <= found.high


@given(sharpness=positive, at=conditions, more=st.floats(0.1, 1e4))
def test_more_curvature_or_lambda_brings_the_border_nearer(sharpness: float, at: Conditions, more: float) -> None:
    one, sharper = (predicted_border([trial(s)], at) for s in (sharpness, 2 * sharpness))
    decaying = predicted_border([trial(sharpness)], replace(at, lmbda=at.lmbda + more))
    assert one is not None
    assert sharper is not None
    assert decaying is not None
    assert sharper.eta <= one.eta
    assert decaying.eta < one.eta
    assert decaying.eta * decaying.at.lmbda / N <= 2 * (1 + at.momentum) * (1 + 1e-9), "decay ends stability alone"


def test_momentum_brings_the_border_nearer_where_noise_rules_and_farther_where_there_is_none() -> None:
    """2 (1 - b) of noise, 2 (1 + b) of the rest."""
    for batch_size, noise_scale, ratio in ((1, 1e6, 0.1), (N, 10.0, 1.9)):
        at = replace(AT, batch_size=batch_size)
        slow, fast = (predicted_border([trial(1.0, noise_scale, at)], replace(at, momentum=b)) for b in (0.0, 0.9))
        assert slow is not None
        assert fast is not None
        assert fast.eta / slow.eta == pytest.approx(ratio, rel=0.01)


def test_between_two_batch_sizes_sharpness_lies_between_and_beyond_them_it_is_the_nearest_one_s() -> None:
    known = [trial(4.0, at=replace(AT, batch_size=5)), trial(1.0, at=replace(AT, batch_size=80))]
    etas = []
    for batch_size in (1, 5, 20, 80, 300):
        found = predicted_border(known, replace(AT, batch_size=batch_size))
        assert found is not None
        etas.append(found.eta)
    assert etas == pytest.approx([0.5, 0.5, 1.0, 2.0, 2.0])


@given(sharpnesses=st.lists(positive, min_size=2, max_size=6), at=conditions)
def test_trials_that_differ_widen_the_band_and_their_order_makes_no_difference(
    sharpnesses: list[float], at: Conditions
) -> None:
    found, turned = (predicted_border([trial(s) for s in order], at) for order in (sharpnesses, sharpnesses[::-1]))
    assert found is not None
    assert turned is not None
    assert turned.eta == pytest.approx(found.eta)
    assert found.high / found.eta >= FACTOR * (1 - 1e-9)
    assert found.eta / found.low == pytest.approx(found.high / found.eta)


@pytest.mark.parametrize("silent", [trial(-0.5), trial(0.0), trial(math.nan), trial(1.0, -3.0), trial(math.inf)])
def test_what_measured_no_curvature_is_left_out(silent: Measured) -> None:
    assert predicted_border([silent], AT) is None
    assert predicted_border([silent, trial(1.0)], AT) == predicted_border([trial(1.0)], AT)
