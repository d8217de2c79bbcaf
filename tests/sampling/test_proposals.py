"""What a trial gets depends on the spec, its number and what may be known: not on how often a sweep was taken up."""

import itertools
import math
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeps.sampling import optuna_study
from sweeps.sampling.optuna_study import importances, rebuilt_study
from sweeps.sampling.outcomes import FinishedTrial, Outcome, worst
from sweeps.sampling.proposer import proposer
from sweeps.specification.domains import Range, Settings, decode, encode
from sweeps.specification.reading import parse_spec
from sweeps.specification.spec import OBJECTIVES, SweepSpec
from sweeps.verdicts.facts import State

TRIALS, LAG = 20, 3  # TPE's own proposals begin once 10 trials are known
BOTH = ["validation_data_cost", "validation_accuracy"]
SAMPLERS = ["tpe", "random", "qmc", "grid"]


def spec_of(sampler: str, **changes: Any) -> SweepSpec:
    """Ranges of all kinds and choices of all kinds; choices alone for the grid."""
    search: dict[str, Any] = {
        "eta": {"low": 0.01, "high": 10.0, "log": True},
        "lambda": {"low": 0.0, "high": 5.0},
        "batch_size": {"low": 1, "high": 100, "log": True},
        "hidden": {"choices": [[], [10], [20, 5]]},
        "activation": {"choices": ["tanh", "relu"]},
        "momentum": 0.5,
    }
    if sampler == "grid":
        search |= {"eta": {"choices": [0.1, 1.0]}, "lambda": 2.0, "batch_size": {"choices": [5, 10]}}
    table = {"name": "some", "sampler": sampler, "search": search, "trials": TRIALS, "lag": LAG} | changes
    return parse_spec(table, check_data=False)


def outcomes_of(objectives: int) -> st.SearchStrategy[Outcome]:
    """Complete, diverged, failed, and, where there is one objective, pruned trials."""
    value = st.floats(0, 10) | st.sampled_from([0.5, 1.0])
    complete = st.tuples(*[value] * objectives).map(lambda values: Outcome(State.COMPLETE, values, 10))
    diverged = st.just(Outcome(State.COMPLETE, (math.inf, 0.0)[:objectives]))
    pruned = st.tuples(value).map(lambda values: Outcome(State.PRUNED, values, 4))
    kinds = [complete, complete, diverged, st.just(Outcome(State.FAILED))] + [pruned] * (objectives == 1)
    return st.one_of(kinds)


def proposals(spec: SweepSpec, outcomes: list[Outcome], recorded: list[Settings] | None = None) -> list[Settings]:
    """All proposals of a sweep, in the driver's order; those recorded are taken from the record, as it stores them."""
    recorded = recorded or []
    source, told, made = proposer(spec), 0, []
    for number in range(spec.trials):
        while told <= number - spec.lag:
            source.tell(outcomes[told])
            told += 1
        if number < len(recorded):
            made.append({name: decode(encode(value)) for name, value in recorded[number].items()})
            source.adopt(made[-1])
        else:
            made.append(source.propose())
    return made


def check_cut(spec: SweepSpec, outcomes: list[Outcome], cut: int) -> None:
    uninterrupted = proposals(spec, outcomes)
    resumed = proposals(spec, outcomes, uninterrupted[:cut])
    assert list(map(repr, resumed)) == list(map(repr, uninterrupted))


@pytest.mark.parametrize("sampler", SAMPLERS)
@settings(deadline=None, max_examples=8)
@given(outcomes=st.lists(outcomes_of(1), min_size=TRIALS, max_size=TRIALS), cut=st.integers(0, TRIALS))
def test_a_resumed_sweep_proposes_what_an_uninterrupted_one_does(
    sampler: str, outcomes: list[Outcome], cut: int
) -> None:
    check_cut(spec_of(sampler), outcomes, cut)


@settings(deadline=None, max_examples=8)
@given(outcomes=st.lists(outcomes_of(2), min_size=TRIALS, max_size=TRIALS), cut=st.integers(0, TRIALS))
def test_a_resumed_sweep_of_two_objectives_proposes_what_an_uninterrupted_one_does(
    outcomes: list[Outcome], cut: int
) -> None:
    check_cut(spec_of("tpe", objective=BOTH), outcomes, cut)


@pytest.mark.soak
@pytest.mark.parametrize("cut", [1, 12, 15])
def test_a_resumed_sweep_by_gp_proposes_what_an_uninterrupted_one_does(cut: int) -> None:
    pytest.importorskip("torch")
    outcomes = [Outcome(State.COMPLETE, (math.sin(3.0 * k) + 1,), 10) for k in range(TRIALS)]
    outcomes[4], outcomes[6] = Outcome(State.FAILED), Outcome(State.COMPLETE, (math.inf,))
    outcomes[8] = Outcome(State.PRUNED, (1.5,), 4)
    check_cut(spec_of("gp", trials=16), outcomes, cut)


def test_a_setting_that_somebody_changed_in_the_record_to_what_is_not_searched_ends_nothing() -> None:
    spec = spec_of("tpe", trials=14)
    source = proposer(spec)
    for number in range(12):
        made = proposer(spec).propose()
        source.adopt(made | {"eta": 1e9 if number == 3 else made["eta"]})
        source.tell(Outcome(State.COMPLETE, (1.0 + number,), 10))
    with pytest.warns(UserWarning, match="out of range"):
        assert 0.01 <= source.propose()["eta"] <= 10


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sampler that knows 40 results at the most, where it knows 500 else."""
    monkeypatch.setattr(optuna_study, "_KNOWN", 40)


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("objective", ["validation_data_cost", BOTH])
def test_a_long_sweep_that_forgets_results_proposes_what_it_did_when_it_is_resumed(objective: str | list[str]) -> None:
    """Trials that fail, diverge or are pruned are among those that are forgotten, or not."""
    spec = spec_of("tpe", objective=objective, trials=100)
    outcomes = good(spec)
    outcomes[4::9] = [Outcome(State.FAILED)] * len(outcomes[4::9])
    outcomes[6::9] = [Outcome(State.COMPLETE, tuple(map(worst, spec.goals)))] * len(outcomes[6::9])
    if len(spec.objective) == 1:
        outcomes[8::9] = [Outcome(State.PRUNED, (1.5,), 4)] * len(outcomes[8::9])
    uninterrupted = proposals(spec, outcomes)
    for cut in (44, 63):
        assert proposals(spec, outcomes, uninterrupted[:cut]) == uninterrupted


@pytest.mark.usefixtures("forgetful")
def test_tpe_goes_where_it_is_good_after_it_forgot_most_of_a_long_sweep() -> None:
    spec = spec_of("tpe", trials=100)
    source, known = optuna_study.OptunaProposer(spec), list[int]()
    for _ in range(spec.trials):
        made = source.propose()
        source.tell(Outcome(State.COMPLETE, (abs(math.log(made["eta"] / 0.03)),), 10))
        known.append(len(source._informed().trials))
    late = sorted(abs(math.log(source.propose()["eta"] / 0.03)) for _ in range(20))
    assert late[10] < 1  # the range is 6.9 wide
    assert max(known) == 40
    assert min(known[40:]) >= 10
    assert len(set(known[40:])) > 10  # it learns again


def good(spec: SweepSpec) -> list[Outcome]:
    """Outcomes that all differ."""
    values = [(1 + (7 * k) % 11 + k / 100, 0.5 + k / 1000) for k in range(spec.trials)]
    return [Outcome(State.COMPLETE, one[: len(spec.objective)], 10) for one in values]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_proposals_are_within_the_search_and_of_plain_types(sampler: str) -> None:
    spec = spec_of(sampler)
    for settings_ in proposals(spec, good(spec)):
        assert set(settings_) == set(spec.search)
        for name, domain in spec.search.items():
            value = settings_[name]
            if isinstance(domain, Range):
                assert domain.low <= value <= domain.high
            else:
                assert value in domain.values
            assert type(value) is type(domain.corners[0])  # a NumPy number would change float32 training
        assert isinstance(settings_["hidden"], tuple)
        assert settings_["momentum"] == 0.5
        spec.training(settings_)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_proposals_depend_on_the_seed_and_on_nothing_hidden(sampler: str) -> None:
    one, other = spec_of(sampler, seed=1), spec_of(sampler, seed=2)
    assert proposals(one, good(one)) == proposals(one, good(one))
    assert proposals(one, good(one)) != proposals(other, good(other))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_any_seed_that_a_spec_may_hold_is_taken(sampler: str) -> None:
    proposer(spec_of(sampler, seed=2**63 - 1)).propose()
    rebuilt_study(spec_of(sampler, seed=2**63 - 1), [])


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("trials", [1, 2, 5, 16, 19])
def test_a_sweep_of_fewer_trials_begins_as_a_longer_one(sampler: str, trials: int) -> None:
    longer, shorter = spec_of(sampler), spec_of(sampler, trials=trials)
    assert proposals(shorter, good(longer)) == proposals(longer, good(longer))[:trials]


@pytest.mark.parametrize("sampler", ["qmc", "grid"])
def test_qmc_and_grid_know_nothing_of_results(sampler: str) -> None:
    spec = spec_of(sampler)
    assert proposals(spec, good(spec)) == proposals(spec, [Outcome(State.FAILED)] * TRIALS)


@pytest.mark.parametrize("objective", ["validation_data_cost", "validation_accuracy"])
def test_tpe_learns_from_results(objective: str) -> None:
    """It goes where the objective is good: eta near 0.03 in one sweep, near 3 in the other."""
    best = []
    for target in (0.03, 3.0):
        spec = spec_of("tpe", objective=objective, trials=50)
        source, sign = proposer(spec), -1 if objective == "validation_accuracy" else 1
        made = []
        for _ in range(spec.trials):
            made.append(source.propose())
            source.tell(Outcome(State.COMPLETE, (sign * abs(math.log(made[-1]["eta"] / target)),), 10))
        best.append(sorted(math.log(one["eta"] / target) for one in made[-20:]))
    assert all(abs(logs[10]) < 1 for logs in best)  # the range is 6.9 wide


def test_tpe_learns_from_pruned_trials() -> None:
    spec = spec_of("tpe")
    rising = [Outcome(State.PRUNED, (float(k),), 4) for k in range(TRIALS)]
    earlier = [Outcome(State.PRUNED, (float(k),), 1 + k % 9) for k in range(TRIALS)]
    assert proposals(spec, rising) != proposals(spec, rising[::-1])
    assert proposals(spec, rising) != proposals(spec, earlier)


def test_the_grid_visits_every_combination_once() -> None:
    spec = spec_of("grid", trials=24)
    seen = [tuple(one[name] for name in spec.varied) for one in proposals(spec, good(spec))]
    assert len(seen) == len(set(seen)) == 24
    assert set(seen) == set(itertools.product(*(domain.corners for domain in spec.varied.values())))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_where_nothing_varies_every_proposal_is_the_same(sampler: str) -> None:
    trials = 1 if sampler == "grid" else 3
    spec = spec_of(sampler, search={"eta": 1.0, "lambda": 0.0, "batch_size": 5, "hidden": [7, 3]}, trials=trials)
    assert proposals(spec, good(spec)) == [{"eta": 1.0, "lambda": 0.0, "batch_size": 5, "hidden": (7, 3)}] * trials


def test_worst_is_infinite_cost_and_no_accuracy() -> None:
    assert [worst(goal) for goal in OBJECTIVES.values()] == [math.inf, 0.0]


def finished(spec: SweepSpec) -> list[FinishedTrial]:
    outcomes = good(spec)
    outcomes[2] = Outcome(State.FAILED)
    outcomes[3] = Outcome(State.COMPLETE, tuple(worst(goal) for goal in spec.goals))
    if len(spec.objective) == 1:
        outcomes[5] = Outcome(State.PRUNED, (2.0,), 2)
    curves = [{} if outcome.state is State.FAILED else {1: 9.0, 2: 2.0} for outcome in outcomes]
    return [FinishedTrial(*one) for one in zip(proposals(spec, outcomes), outcomes, curves, strict=True)]


@pytest.mark.parametrize("objective", ["validation_data_cost", "validation_accuracy", BOTH])
def test_a_rebuilt_study_holds_what_was_told(objective: str | list[str]) -> None:
    spec = spec_of("tpe", objective=objective)
    trials = finished(spec)
    rebuilt = rebuilt_study(spec, trials)
    directions = {"validation_data_cost": "MINIMIZE", "validation_accuracy": "MAXIMIZE"}
    assert [direction.name for direction in rebuilt.directions] == [directions[one] for one in spec.objective]
    assert rebuilt.metric_names == list(spec.objective)
    assert rebuilt.study_name == spec.name
    assert len(rebuilt.trials) == TRIALS
    states = {State.COMPLETE: "COMPLETE", State.PRUNED: "PRUNED", State.FAILED: "FAIL"}
    for trial, stored in zip(trials, rebuilt.trials, strict=True):
        assert stored.state.name == states[trial.outcome.state]
        assert tuple(stored.values or ()) == trial.outcome.values
        assert set(stored.params) == set(spec.varied)
        for name in ("eta", "lambda", "batch_size", "activation"):
            assert stored.params[name] == trial.settings[name]
        assert stored.params["hidden"] == encode(trial.settings["hidden"])
        assert stored.intermediate_values == (trial.curve if len(spec.objective) == 1 else {})


def test_importances_of_a_rebuilt_study_find_what_matters() -> None:
    spec = spec_of("random", trials=60)
    source = proposer(spec)
    trials = []
    for _ in range(spec.trials):
        made = source.propose()
        trials.append(FinishedTrial(made, Outcome(State.COMPLETE, (abs(math.log(made["eta"])),), 3), {3: 1.0}))
    trials[7] = FinishedTrial(trials[7].settings, Outcome(State.COMPLETE, (math.inf,)), {})
    trials[8] = FinishedTrial(trials[8].settings, Outcome(State.FAILED), {})
    shares = optuna.importance.get_param_importances(rebuilt_study(spec, trials))
    assert set(shares) == set(spec.varied)
    assert max(shares, key=shares.__getitem__) == "eta"


def test_importances_of_many_trials_are_made_from_some_hundreds_of_all_ages() -> None:
    """Only the last half of the trials tells that lambda matters, and only the first half that eta does."""
    searched = {"choices": [1, 2, 3, 4]}
    table = {"name": "many", "trials": 1200, "search": {"eta": searched, "lambda": searched, "batch_size": 10}}
    spec, rng = parse_spec(table), np.random.default_rng(0)
    trials = []
    for number in range(spec.trials):
        made: Settings = {"eta": int(rng.integers(1, 5)), "lambda": int(rng.integers(1, 5)), "batch_size": 10}
        value = float(made["eta" if number < spec.trials // 2 else "lambda"])
        trials.append(FinishedTrial(made, Outcome(State.COMPLETE, (value,), 1), {1: value}))
    (shares,) = importances(rebuilt_study(spec, trials)).values()
    assert set(shares) == {"eta", "lambda"}
    assert min(shares.values()) > 0.2
