"""The border sampler and its estimate: what it makes of trials, and where it proposes the next ones."""

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sweeps.errors import SpecError
from sweeps.sampling.border_model import Border, Kernel, Space, _evidence, border_with, fit_border
from sweeps.sampling.outcomes import Ended, Outcome, combined
from sweeps.sampling.places import MOST, Places
from sweeps.sampling.proposer import proposer
from sweeps.specification.domains import Choices, Domain, Range, Settings, decode, encode
from sweeps.specification.reading import parse_spec
from sweeps.specification.spec import SweepSpec
from sweeps.verdicts.facts import State
from sweeps.verdicts.verdict import STABLE, UNSTABLE, Verdict, is_stable

TRIALS, LAG = 20, 5
PLANE: dict[str, Domain] = {"eta": Range(0.01, 100.0, log=True), "lambda": Range(0.01, 10000.0, log=True)}
Points = NDArray[np.float64]


def spec_of(**changes: Any) -> SweepSpec:
    """Ranges and choices of all kinds."""
    search: dict[str, Any] = {
        "eta": {"low": 0.01, "high": 100.0, "log": True},
        "lambda": {"low": 0.0, "high": 5.0},
        "batch_size": {"choices": [1, 10, 100]},
        "hidden": {"choices": [[], [10], [20, 5]]},
        "momentum": 0.5,
    }
    table = {"name": "some", "sampler": "border", "search": search, "trials": TRIALS, "lag": LAG} | changes
    return parse_spec(table, check_data=False)


def told(stable: bool | None) -> Outcome:
    return Outcome(State.FAILED) if stable is None else Outcome(State.COMPLETE, (1.0,), 3, stable)


def proposals(spec: SweepSpec, stable: list[bool | None], recorded: list[Settings] | None = None) -> list[Settings]:
    """All proposals of a sweep, in the driver's order; those recorded are taken from the record, as it stores them."""
    recorded, source, count = recorded or [], proposer(spec), 0
    made: list[Settings] = []
    for number in range(spec.trials):
        while count <= number - spec.lag:
            source.tell(told(stable[count]))
            count += 1
        if number < len(recorded):
            made.append({name: decode(encode(value)) for name, value in recorded[number].items()})
            source.adopt(made[-1])
        else:
            made.append(source.propose())
    return made


def trials_of(n: int, seed: int = 0) -> tuple[Points, NDArray[np.bool_]]:
    """n random points of the plane, stable on one side of a curve."""
    points = np.random.default_rng(seed).random((n, 2))
    return points, is_stable_at(points)


def is_stable_at(points: Points) -> NDArray[np.bool_]:
    return np.asarray(points[:, 0] + 0.2 * np.sin(4 * points[:, 1]) < 0.6)


@settings(deadline=None, max_examples=4)
@given(
    stable=st.lists(st.sampled_from([True, False, True, False, None]), min_size=TRIALS, max_size=TRIALS),
    cut=st.integers(0, TRIALS),
)
def test_a_resumed_sweep_proposes_what_an_uninterrupted_one_does(stable: list[bool | None], cut: int) -> None:
    uninterrupted = proposals(spec_of(), stable)
    resumed = proposals(spec_of(), stable, uninterrupted[:cut])
    assert list(map(repr, resumed)) == list(map(repr, uninterrupted))


def test_proposals_are_within_the_search_and_of_plain_types() -> None:
    spec = spec_of()
    for proposed in proposals(spec, [k % 2 == 0 for k in range(TRIALS)]):
        assert set(proposed) == set(spec.search)
        for name, domain in spec.search.items():
            value = proposed[name]
            if isinstance(domain, Range):
                assert isinstance(value, float)
                assert domain.low <= value <= domain.high
            else:
                assert value in domain.values
            assert type(value) is type(domain.corners[0])
        spec.training(proposed)


def test_proposals_depend_on_the_seed_and_begin_alike_in_a_longer_sweep() -> None:
    stable: list[bool | None] = [k % 3 > 0 for k in range(TRIALS)]
    assert proposals(spec_of(trials=19), stable) == proposals(spec_of(), stable)[:19]
    assert proposals(spec_of(seed=1), stable) != proposals(spec_of(), stable)
    proposer(spec_of(seed=2**63 - 1)).propose()


def test_until_both_sides_are_seen_the_sampler_fills_the_space() -> None:
    source = proposer(spec_of(sampler="qmc"))
    filling = [source.propose() for _ in range(TRIALS)]
    assert proposals(spec_of(), [True] * TRIALS) == filling
    assert proposals(spec_of(), [True, False] * TRIALS)[LAG + 2 :] != filling[LAG + 2 :]


def plane_spec(**changes: Any) -> SweepSpec:
    search = {name: domain.to_table() for name, domain in PLANE.items()} | {"batch_size": 10}
    return spec_of(search=search, **changes)


def test_the_sampler_goes_where_the_border_is() -> None:
    """eta (1.5 + lambda / 1500) = 2: of the second half of the trials, most are near it."""
    spec = plane_spec(trials=48)

    def distance(one: Settings) -> float:
        eta, lmbda = one["eta"], one["lambda"]
        assert isinstance(eta, float)
        assert isinstance(lmbda, float)
        return abs(math.log10(eta * (1.5 + lmbda / 1500) / 2))

    source, made = proposer(spec), list[Settings]()
    for number in range(spec.trials):
        if number >= spec.lag:
            one = made[number - spec.lag]
            eta, lmbda = float(str(one["eta"])), float(str(one["lambda"]))
            source.tell(told(eta * (1.5 + lmbda / 1500) < 2))
        made.append(source.propose())
    filling = proposals(plane_spec(trials=48, sampler="qmc"), [True] * 48)
    assert np.median([distance(one) for one in made[24:]]) < 0.4 * np.median([distance(one) for one in filling[24:]])


def test_trials_that_run_at_the_same_time_spread_out() -> None:
    """No two of them are nearer than a tenth of the range, though nothing is told between them."""
    spec = plane_spec(trials=20)
    source, space = proposer(spec), Space(spec.varied)
    made = [source.propose() for _ in range(16)]
    for one in made:
        source.tell(told(float(str(one["eta"])) < 1))
    points = space.points([source.propose() for _ in range(4)])
    assert min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(points, 2)) > 0.1


def test_a_setting_that_always_fails_is_not_asked_for_again_and_again() -> None:
    """Failed trials count as if they had ended as expected; else all would go where they fail."""
    spec = plane_spec(trials=40, lag=1)
    source, made = proposer(spec), list[Settings]()
    for _ in range(spec.trials):
        made.append(source.propose())
        eta, lmbda = float(str(made[-1]["eta"])), float(str(made[-1]["lambda"]))
        source.tell(told(None if lmbda > 100 else eta < 1))
    assert sum(float(str(one["lambda"])) > 100 for one in made[20:]) < 14


@settings(deadline=None, max_examples=20)
@given(n=st.integers(0, 30), seed=st.integers(0, 100), kind=st.sampled_from(["both", "stable", "unstable"]))
def test_probabilities_are_probabilities_whatever_the_trials(n: int, seed: int, kind: str) -> None:
    points, stable = trials_of(n, seed)
    if kind != "both":
        stable = np.full(n, kind == "stable")
    border = fit_border(Space(PLANE), points, stable)
    at = np.random.default_rng(seed).random((50, 2))
    probability = border.probability(at)
    assert np.all((probability >= 0) & (probability <= 1))
    assert np.all(border.latent(at)[1] > 0)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000))
def test_the_order_of_trials_makes_no_difference(seed: int) -> None:
    points, stable = trials_of(30)
    order = np.random.default_rng(seed).permutation(30)
    at = np.random.default_rng(1).random((50, 2))
    one, other = (fit_border(Space(PLANE), *trials) for trials in ((points, stable), (points[order], stable[order])))
    np.testing.assert_allclose(one.probability(at), other.probability(at), rtol=0, atol=1e-6)


def test_a_known_border_is_found() -> None:
    points, stable = trials_of(150)
    at = np.stack(np.meshgrid(np.linspace(0, 1, 40), np.linspace(0, 1, 40)), axis=-1).reshape(-1, 2)
    wrong = (fit_border(Space(PLANE), points, stable).probability(at) > 0.5) != is_stable_at(at)
    assert np.mean(wrong) < 0.03


def test_far_from_all_trials_nothing_is_certain() -> None:
    points, stable = np.full((5, 2), 0.05), np.full(5, True)
    border = fit_border(Space(PLANE), points, stable)
    near, far = border.probability(np.array([[0.05, 0.05], [1.0, 1.0]]))
    assert near > 0.8
    assert 0.4 < far < 0.65


def test_a_likelihood_without_trials_says_one_half() -> None:
    border = fit_border(Space(PLANE), np.empty((0, 2)), np.empty(0, dtype=np.bool_))
    np.testing.assert_allclose(border.probability(np.array([[0.2, 0.9]])), 0.5)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000), logs=st.tuples(*[st.floats(-0.7, 0.7)] * 3), most=st.sampled_from([15, 60]))
def test_gradient_of_the_evidence_meets_central_differences(seed: int, logs: tuple[float, ...], most: int) -> None:
    places = Places.of(*trials_of(60, seed), most)
    distances = Space(PLANE).squared_distances(places.points, places.points)
    at, step = Kernel.prior(2).logs + np.array(logs), 1e-4
    _, gradient = _evidence(Kernel.of_logs(at), distances, places)
    for i, component in enumerate(gradient):
        ahead, behind = (
            _evidence(Kernel.of_logs(at + sign * step * np.eye(3)[i]), distances, places)[0] for sign in (1, -1)
        )
        assert component == pytest.approx((ahead - behind) / (2 * step), rel=1e-4, abs=1e-6)


@settings(deadline=None, max_examples=30)
@given(n=st.integers(0, 200), most=st.integers(1, 60), seed=st.integers(0, 99), equal=st.booleans())
def test_places_count_every_trial_once_in_any_order(n: int, most: int, seed: int, equal: bool) -> None:
    rng = np.random.default_rng(seed)
    points = np.full((n, 2), 0.3) if equal else rng.random((n, 2)).round(1)
    stable, order = rng.random(n) < 0.5, rng.permutation(n)
    places, other = Places.of(points, stable, most), Places.of(points[order], stable[order], most)
    assert len(places.points) <= max(most, n if n <= most else 0)
    assert places.trials.sum() == n
    assert places.stable.sum() == stable.sum()
    assert np.all((places.stable >= 0) & (places.stable <= places.trials))
    np.testing.assert_allclose(places.trials @ places.points, points.sum(axis=0))
    for name in ("points", "stable", "trials"):
        np.testing.assert_array_equal(getattr(places, name), getattr(other, name))
    if n <= most:
        np.testing.assert_array_equal(places.trials, 1)


def test_the_more_trials_the_nearer_the_border_also_when_places_are_gathered() -> None:
    at = np.random.default_rng(5).random((4000, 2))
    wrong = []
    for count in (MOST, 10_000):
        border = border_with(Kernel.prior(2), Space(PLANE), *trials_of(count))
        assert len(border.points) == MOST
        wrong.append(np.mean((border.probability(at) > 0.5) != is_stable_at(at)))
    assert wrong[1] < 0.6 * wrong[0]


def assumed() -> tuple[Border, Border, Points]:
    points, stable = trials_of(20)
    border, at = fit_border(Space(PLANE), points, stable), np.random.default_rng(2).random((40, 2))
    return border, border.assuming(at[:5]), at


def test_assumed_trials_move_no_mean_and_make_surer() -> None:
    border, assuming, at = assumed()
    np.testing.assert_allclose(border.latent(at)[0], assuming.latent(at)[0], atol=1e-9)
    assert np.all(assuming.latent(at)[1] <= border.latent(at)[1] + 1e-9)
    assert np.all(assuming.latent(at)[1][:5] < 0.9 * border.latent(at)[1][:5])


def test_a_covariance_holds_the_variances() -> None:
    border, _, at = assumed()
    np.testing.assert_allclose(np.diag(border.covariance(at)), border.latent(at)[1], rtol=1e-6)


@pytest.mark.parametrize(
    ("domain", "value", "expected"),
    [
        (Range(0.01, 100.0, log=True), 1.0, [0.5]),
        (Range(0.0, 4.0), 1.0, [0.25]),
        (Choices((1, 10, 100)), 10, [0.5]),
        (Choices((0.0, 1.0, 4.0)), 1.0, [0.25]),
        (Choices(("tanh", "relu")), "relu", [0.0, math.sqrt(0.5)]),
        (Choices(((), (10,))), (), [math.sqrt(0.5), 0.0]),
    ],
)
def test_coordinates_are_fractions_of_the_range(domain: Domain, value: Any, expected: list[float]) -> None:
    assert Space({"field": domain}).point({"field": value}) == pytest.approx(expected)


def test_every_verdict_but_failed_pruned_and_underfitted_is_on_one_side() -> None:
    assert not STABLE & UNSTABLE
    assert set(Verdict) - STABLE - UNSTABLE == {Verdict.FAILED, Verdict.PRUNED, Verdict.UNDERFITTED}


def test_what_the_project_is_about_is_not_stable() -> None:
    """Fails on 7a25101, where a penalty that climbs without end counted as stable."""
    assert is_stable(Verdict.PENALTY_GROWTH) is False
    assert is_stable(Verdict.UNDERFITTED) is None


@pytest.mark.parametrize("verdict", Verdict)
def test_an_old_sweep_goes_on_by_the_idea_of_stable_that_it_began_with(verdict: Verdict) -> None:
    """Under version 1 an underfitted trial was converged, spiked or overfitting: stable, all three."""
    old = {Verdict.CONVERGED, Verdict.SLOW, Verdict.SPIKED, Verdict.OVERFITTING, Verdict.PENALTY_GROWTH}
    neither = verdict in (Verdict.FAILED, Verdict.PRUNED)
    told = combined(replace(spec_of(), rules=1), [ended(verdict)]).stable
    assert told is (None if neither else verdict in old | {Verdict.UNDERFITTED})


def ended(verdict: Verdict | None, state: State = State.COMPLETE) -> Ended:
    return Ended(state, verdict is Verdict.DIVERGED, (1.0,), {3: 1.0}, verdict)


@pytest.mark.parametrize(
    ("verdicts", "stable"),
    [
        ([Verdict.SLOW, Verdict.SPIKED], True),
        ([Verdict.CONVERGED, Verdict.STALLED], False),
        ([Verdict.CONVERGED, Verdict.DIVERGED], False),
        ([Verdict.CONVERGED, None], None),
        ([Verdict.CONVERGED, Verdict.UNDERFITTED], None),
        ([Verdict.UNDERFITTED, Verdict.PENALTY_GROWTH], False),
        ([Verdict.COLLAPSED, None], False),
        ([Verdict.PRUNED], None),
    ],
)
def test_a_trial_is_stable_if_all_of_its_replicates_are(verdicts: list[Verdict | None], stable: bool | None) -> None:
    assert combined(spec_of(replicates=len(verdicts)), [ended(verdict) for verdict in verdicts]).stable is stable


def test_a_failed_trial_says_nothing_of_stability() -> None:
    failed = [ended(Verdict.FAILED, State.FAILED), ended(Verdict.CONVERGED)]
    assert combined(spec_of(replicates=2), failed).stable is None


def test_the_border_sampler_refuses_what_it_cannot_work_with() -> None:
    with pytest.raises(SpecError) as caught:
        spec_of(search={"eta": 1.0, "lambda": 0.0, "batch_size": 5}, stopping={"pruner": "median"})
    assert "needs a field that varies" in str(caught.value)
    assert "stopping.pruner: a pruned trial does not show" in str(caught.value)
