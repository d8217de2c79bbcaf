"""What a sweep does next is decided by its spec and its endings alone: their order, deaths and resumes change nothing.

No process runs here: endings are made up, from the settings of the training that ends.
"""

import hashlib
import math
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweeps.driver.schedule import DEATHS, Schedule
from sweeps.sampling.outcomes import Ended, Outcome, combined
from sweeps.specification.domains import Settings
from sweeps.specification.reading import parse_spec
from sweeps.specification.spec import SweepSpec
from sweeps.verdicts.facts import State
from sweeps.verdicts.verdict import Verdict
from sweeps.worker.task import Key

ACCURACY = "validation_accuracy"
BOTH = ["validation_data_cost", "validation_accuracy"]
FAILED = Ended(State.FAILED)
DIVERGED = Ended(State.COMPLETE, diverged=True, values=(0.1, 0.9), curve={1: 0.1})
LOST = Ended(State.COMPLETE, diverged=True)  # at the first record already
SAMPLERS = ["tpe", "random", "qmc", "grid", "border"]


def spec_of(**changes: Any) -> SweepSpec:
    search = {"eta": {"low": 0.1, "high": 1.0}, "lambda": 0.0, "batch_size": 10}
    return parse_spec({"name": "some", "search": search} | changes, check_data=False)


def searching(sampler: str, **changes: Any) -> SweepSpec:
    """A spec whose settings depend on the results, where the sampler's do."""
    search: dict[str, Any] = {"eta": {"low": 0.1, "high": 10.0, "log": True}, "lambda": {"low": 0.1, "high": 100.0}}
    if sampler == "grid":
        search = {"eta": {"choices": [0.1, 0.2, 0.5, 1.0]}, "lambda": {"choices": [0.0, 1.0, 5.0]}}
    return spec_of(sampler=sampler, search=search | {"batch_size": 10}, **changes)


def complete(*values: float, **curve: float) -> Ended:
    return Ended(State.COMPLETE, values=values, curve={int(epoch[1:]): loss for epoch, loss in curve.items()})


def schedule_of(spec: SweepSpec, *trials: Ended | None) -> Schedule:
    """Trainings in order of number and replicate; None has not ended."""
    schedule = Schedule(spec)
    keys = [key for number in range(spec.trials) for key in schedule.keys(number)]
    for key, ended in zip(keys, trials, strict=False):
        if ended is not None:
            schedule.end(key, ended)
    return schedule


def made_up(key: Key, given: Settings) -> Ended:
    """How a training with these settings ends: some fail, some diverge, others have a value; always the same."""
    draw = hashlib.sha256(f"{key} {sorted(given.items())}".encode()).digest()
    if draw[0] < 25:
        return FAILED
    if draw[0] < 60:
        return replace(DIVERGED, values=(1.0,), verdict=Verdict.DIVERGED)
    value = float(given["eta"]) ** 2 + draw[1] / 100  # type: ignore[arg-type]
    return Ended(State.COMPLETE, values=(value,), curve={1: value, 2: value}, verdict=Verdict.CONVERGED)


def better(key: Key, given: Settings) -> Ended:
    """How a training ends whose failure was the machine's: it has the best value of all."""
    del key, given
    return complete(-1.0, e1=-1.0, e2=-1.0)


def run(
    schedule: Schedule,
    size: int,
    rng: random.Random,
    dying: float = 0.0,
    until: int | None = None,
    ending: Callable[[Key, Settings], Ended] = made_up,
    losing: float = 0.0,
) -> list[tuple[Key, Ended]]:
    """Runs a schedule to its end, or until so many endings: any that is in flight ends next, or a worker dies.

    Never thrice alone, which would give a training up. losing: how often one is lost by itself, as on a cluster, half
    of the times by its own death; the number of workers changes, too. Returns the endings in their order.
    """
    flying: list[Key] = []
    order: list[tuple[Key, Ended]] = []
    one_at_a_time: set[Key] = set()
    while schedule.open and (until is None or len(order) < until):
        workers = rng.randint(0, size) if rng.random() < losing else size
        started = schedule.next(workers - len(flying), flying)
        assert len(flying) + len(started) <= max(workers, len(flying))
        assert not set(started) & set(flying)
        assert not set(started) & {key for key, _ in order}, "a training starts again after its end"
        flying += started
        if one_at_a_time & set(flying):
            assert len(flying) == 1, "what died runs again, alone"
        if not flying and workers == 0:
            continue
        assert flying, "the schedule waits for nothing"
        alone = len(flying) == 1
        if rng.random() < dying and not (alone and schedule.deaths.get(flying[0], 0) == DEATHS - 1):
            again, given_up = schedule.died(flying, alone)
            assert (again, given_up) == (flying, [])
            one_at_a_time |= set(flying)
            flying = []
            continue
        key = flying.pop(rng.randrange(len(flying)))
        one_at_a_time.discard(key)
        if rng.random() < losing:
            if rng.random() < 0.5 and schedule.deaths.get(key, 0) < DEATHS - 1:
                assert schedule.died_itself(key)
            else:
                schedule.lost(key)
            continue
        ended = ending(key, schedule.settings[key[0]])
        schedule.end(key, ended)
        order.append((key, ended))
    return order


@settings(max_examples=60)
@given(
    sampler=st.sampled_from(SAMPLERS),
    size=st.integers(1, 9),
    lag=st.integers(1, 8),
    replicates=st.integers(1, 3),
    seed=st.integers(0, 2**32),
    dying=st.sampled_from([0.0, 0.1, 0.4]),
    losing=st.sampled_from([0.0, 0.3]),
)
def test_any_workers_order_of_endings_and_deaths_give_the_same_settings_and_each_training_ends_once(
    sampler: str, size: int, lag: int, replicates: int, seed: int, dying: float, losing: float
) -> None:
    spec = searching(sampler, trials=12, lag=lag, replicates=replicates)
    one, other = Schedule(spec), Schedule(spec)
    run(one, 1, random.Random(0))
    order = run(other, size, random.Random(seed), dying, losing=losing)
    assert other.settings == one.settings
    assert other.endings == one.endings
    assert other.best() == one.best()
    assert sorted(key for key, _ in order) == [(number, r) for number in range(12) for r in range(replicates)]
    assert other.next(size, []) == []


@settings(max_examples=40)
@given(
    sampler=st.sampled_from(SAMPLERS),
    cut=st.integers(0, 12),
    fewer=st.integers(0, 4),
    seed=st.integers(0, 2**32),
    sizes=st.tuples(st.integers(1, 6), st.integers(1, 6)),
)
def test_a_resumed_or_extended_sweep_equals_one_run_in_one_go_wherever_it_was_cut(
    sampler: str, cut: int, fewer: int, seed: int, sizes: tuple[int, int]
) -> None:
    whole = searching(sampler, trials=12, lag=3)
    short = replace(whole, trials=12 if sampler == "qmc" else 12 - fewer)
    uninterrupted, before, after = Schedule(whole), Schedule(short), Schedule(short)
    run(uninterrupted, 1, random.Random(0))
    rng = random.Random(seed)
    order = run(before, sizes[0], rng, dying=0.1, until=cut)
    rng.shuffle(order)
    after.recall(whole, [(key, before.settings[key[0]], ended) for key, ended in order], before.deaths)
    run(after, sizes[1], rng, dying=0.1)
    assert after.settings == uninterrupted.settings
    assert after.endings == uninterrupted.endings
    assert after.best() == uninterrupted.best()


@settings(max_examples=40)
@given(
    sampler=st.sampled_from(SAMPLERS),
    replicates=st.integers(1, 2),
    seed=st.integers(0, 2**32),
    size=st.integers(1, 6),
    until=st.none() | st.integers(0, 2),
)
def test_failed_trainings_run_again_with_their_settings_and_nothing_else_does(
    sampler: str, replicates: int, seed: int, size: int, until: int | None
) -> None:
    """Also where the second run is interrupted, and though later proposals would be others, knowing how they ended."""
    spec = searching(sampler, trials=12, lag=3, replicates=replicates)
    before, rng = Schedule(spec), random.Random(seed)
    known = {key: ended for key, ended in run(before, 2, rng) if key not in before.failed}
    kept = {number: before.settings[number] for number, _ in before.failed}
    for cut in (until, None):
        after = Schedule(spec)
        after.recall(spec, [(key, before.settings[key[0]], ended) for key, ended in known.items()], {}, kept)
        assert after.failed == ()
        again = dict(run(after, size, rng, dying=0.1, until=cut, ending=better))
        assert set(again) <= set(before.failed) - set(known)
        known |= again
    assert after.settings == before.settings
    assert set(known) == set(before.endings)
    assert not after.open


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_training_that_dies_alone_three_times_is_given_up_and_those_beside_it_are_not(size: int) -> None:
    schedule = Schedule(searching("random", trials=5))
    flying = schedule.next(size, [])
    poisoned, deaths = flying[0], 0
    while poisoned not in schedule.endings:
        alone = len(flying) == 1
        _, given_up = schedule.died(flying, alone) if poisoned in flying else ([], [])
        deaths += poisoned in flying and alone
        if poisoned not in flying:
            for key in flying:
                schedule.end(key, complete(1.0))
        assert given_up == ([poisoned] if deaths == DEATHS else [])
        for key in given_up:
            schedule.end(key, FAILED)
        flying = schedule.next(size, [])
    assert deaths == DEATHS
    assert schedule.deaths == {poisoned: DEATHS}


def test_a_training_that_dies_by_itself_counts_and_one_that_is_lost_does_not_and_nothing_waits_for_either() -> None:
    schedule = Schedule(searching("random", trials=9))
    poisoned, beside, lost = schedule.next(3, [])
    for _ in range(2 * DEATHS):
        schedule.lost(lost)
        assert schedule.next(1, [poisoned, beside]) == [lost]
    for _ in range(DEATHS - 1):
        assert schedule.died_itself(poisoned)
        assert schedule.next(1, [beside, lost]) == [poisoned]
    assert not schedule.died_itself(poisoned)
    schedule.end(poisoned, FAILED)
    assert poisoned not in schedule.next(9, [beside, lost])
    assert schedule.deaths == {poisoned: DEATHS}


def test_nothing_starts_beside_a_training_that_was_in_flight_when_a_worker_died() -> None:
    schedule = Schedule(searching("random", trials=9))
    first, second = schedule.next(2, [])
    assert schedule.died([first, second], alone=False) == ([first, second], [])
    assert schedule.deaths == {}
    assert schedule.next(2, []) == [first]
    assert schedule.next(1, [first]) == []
    schedule.end(first, complete(1.0))
    assert schedule.next(2, []) == [second]
    schedule.end(second, complete(1.0))
    assert len(schedule.next(2, [])) == 2


@pytest.mark.parametrize("size", [1, 4])
def test_trials_are_proposed_as_far_as_their_lag_allows_and_no_further(size: int) -> None:
    schedule = Schedule(searching("tpe", trials=20, lag=3))
    flying: list[Key] = []
    flying += schedule.next(size, flying)
    assert max(schedule.settings) < max(3, size)
    schedule.end(flying.pop(), complete(1.0))  # not the first, where there are several
    flying += schedule.next(size - len(flying), flying)
    assert max(schedule.settings) < 3 + (size == 1)


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
    schedule = schedule_of(spec_of(trials=2, replicates=2), complete(1.0), complete(3.0), None, complete(5.0))
    assert schedule.outcome(0) == Outcome(State.COMPLETE, (2.0,))
    assert schedule.outcome(1) is None
    schedule.end((1, 0), complete(6.0))
    assert schedule.outcome(1) == Outcome(State.COMPLETE, (5.5,))


@given(ended=st.sets(st.tuples(st.integers(0, 3), st.integers(0, 1))))
def test_a_sweep_is_open_until_every_training_has_ended(ended: set[tuple[int, int]]) -> None:
    schedule = Schedule(spec_of(trials=4, replicates=2))
    for key in ended:
        schedule.end(key, FAILED)
    assert schedule.open == (len(ended) < 8)
    assert schedule.failed == tuple(sorted(ended))


@given(number=st.integers(0, 12), lag=st.integers(1, 12), later=st.floats(0, 100))
def test_thresholds_know_the_trials_up_to_the_lag_and_no_later_one(number: int, lag: int, later: float) -> None:
    """Of 12 trials the k-th has the loss k; those that trial `number` may not know have another, and are not missed."""
    known = max(0, number - lag + 1)
    spec = spec_of(trials=13, lag=lag, stopping={"pruner": "median"})
    losses = [float(k) if k < known else later for k in range(12)]
    full = schedule_of(spec, *(complete(loss, e1=loss, e2=loss) for loss in losses))
    short = schedule_of(spec, *(complete(loss, e1=loss, e2=loss) for loss in losses[:known]))
    assert full.thresholds(number, 2) == short.thresholds(number, 2)
    assert full.thresholds(number, 2) == ({1: (known - 1) / 2} if known >= 5 else {})


def test_thresholds_of_median_leave_out_pruned_trials_and_those_of_halving_do_not() -> None:
    trials = [complete(loss, e1=loss, e2=loss) for loss in (4.0, 5.0, 6.0, 7.0, 8.0)]
    trials += [Ended(State.PRUNED, values=(9.0,), curve={1: 1.0}), FAILED]
    for pruner, expected in (("median", {1: 6.0}), ("halving", {1: 4.0}), ("none", {})):
        spec = spec_of(trials=20, lag=1, stopping={"pruner": pruner})
        assert schedule_of(spec, *trials).thresholds(7, 2) == expected


@pytest.mark.parametrize(("objective", "best"), [("validation_data_cost", (0, 0)), (ACCURACY, (2, 0)), (BOTH, (0, 0))])
def test_the_best_has_the_least_cost_or_the_greatest_accuracy(objective: str, best: tuple[int, int]) -> None:
    trials = [complete(0.2, 0.9), complete(0.5, 0.8), complete(0.7, 0.7)]
    assert schedule_of(spec_of(trials=3, objective=objective), *trials).best() == best


@pytest.mark.parametrize("unsound", [DIVERGED, LOST, FAILED, Ended(State.PRUNED, values=(0.0,)), None])
def test_the_best_is_never_one_without_a_sound_result(unsound: Ended | None) -> None:
    assert schedule_of(spec_of(trials=2), unsound, complete(1.0)).best() == (1, 0)
    assert schedule_of(spec_of(trials=2), unsound, unsound).best() is None


def test_the_best_training_belongs_to_the_trial_with_the_best_mean() -> None:
    trials = [complete(0.1), complete(9.0), complete(2.0), complete(1.5), complete(0.0), DIVERGED]
    assert schedule_of(spec_of(trials=3, replicates=2), *trials).best() == (1, 1)


def test_of_equals_the_first_is_the_best() -> None:
    assert schedule_of(spec_of(trials=3), complete(1.0), complete(1.0), complete(1.0)).best() == (0, 0)


def test_an_ending_says_whether_it_is_the_best_now() -> None:
    schedule = Schedule(spec_of(trials=3))
    assert [schedule.end((n, 0), complete(value)) for n, value in enumerate((2.0, 1.0, 3.0))] == [True, True, False]
