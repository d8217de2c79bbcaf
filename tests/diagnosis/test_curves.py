"""What recorded curves prove: laws over runs that descend, the published run, sound trainings."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.recorded_runs import SMALL, found, run_of

import sweeps
from model import Hyperparameters, TrainingPlan, digits, train
from sweeps.diagnosis.curves.readers.csv_file import read_run
from sweeps.diagnosis.curves.recorded_run import RecordedRun
from sweeps.diagnosis.curves.run_facts import RunFacts
from sweeps.diagnosis.findings import Code, Finding, Severity
from sweeps.errors import InputError

PUBLISHED_RUN = Path(sweeps.__file__).parent / "specs/case_study/published_run.csv"
PUBLISHED_FACTS = RunFacts(sizes=(784, 30, 10), n=50_000, evaluated_n=10_000)


def published(**changes: object) -> dict[Code, Finding]:
    return found(read_run(PUBLISHED_RUN), replace(PUBLISHED_FACTS, **changes))


# The published run


def test_the_published_run_is_proven_not_to_descend() -> None:
    finding = published()[Code.NOT_DESCENDING]
    assert finding.severity is Severity.FAULT
    assert finding.evidence["rise"] == pytest.approx(162.76987)
    assert finding.evidence["epochs"] == [0, 8]
    assert finding.evidence["allowed"] == 30
    assert finding.evidence["critical_ratio"] == pytest.approx(31.55397)
    assert finding.evidence["critical_data_bound"] == pytest.approx(27.128312)
    for number_said in ("162.8", "30", "5 * (1 + 50,000 / 10,000)", "27.13", "31.55"):
        assert number_said in finding.message


def test_the_proof_says_what_it_rests_on_and_what_of_it_was_assumed() -> None:
    assumed, given_ = published(), published(cost="quadratic", output="sigmoid")
    assert "It rests on" in assumed[Code.NOT_DESCENDING].message
    assert "assumed: --cost and --output" in assumed[Code.NOT_DESCENDING].message
    assert "assumed" not in given_[Code.NOT_DESCENDING].message
    assert "assumed" not in str(given_[Code.NOT_DESCENDING].evidence["rests_on"])


@pytest.mark.parametrize("unbounded", [{"cost": "cross_entropy"}, {"output": "linear"}])
def test_where_the_data_cost_has_no_bound_nothing_is_said(unbounded: dict[str, str]) -> None:
    assert published(**unbounded) == {}


def test_softmax_outputs_make_the_bound_sharper() -> None:
    assert published(output="softmax")[Code.NOT_DESCENDING].evidence["allowed"] == 6


def test_accuracy_excludes_steps_too_large_and_leaves_two_causes() -> None:
    finding = published()[Code.INCONCLUSIVE]
    assert finding.severity is Severity.INFO
    assert finding.evidence["causes"] == {
        "wrong_gradient": "likely",
        "wrong_report": "possible",
        "steps_too_large": "excluded",
    }
    assert finding.evidence["lowest_accuracy"] == 0.7341
    assert "as good as excluded" in finding.message
    assert "does not prove it" in finding.message
    assert "sweeps diagnose mynet.py:Network" in finding.remedy
    assert "data_cost and penalty" in finding.remedy


def test_without_accuracy_no_cause_is_excluded() -> None:
    run = read_run(PUBLISHED_RUN)
    finding = found(RecordedRun(run.epochs, run.cost), PUBLISHED_FACTS)[Code.INCONCLUSIVE]
    assert set(finding.evidence["causes"].values()) == {"possible"}  # type: ignore[union-attr]
    assert "eta" in finding.remedy


def test_the_evaluated_set_alone_does_not_explain_the_published_rise() -> None:
    finding = published()[Code.PENALTY_SCALE]
    assert finding.severity is Severity.WARNING
    assert finding.evidence["times"] == 5
    assert finding.evidence["minimised_penalty_rise_at_least"] == pytest.approx((162.76987 - 5) / 5)
    assert "alone does not explain" in finding.message


def test_the_growth_law_and_what_it_would_imply_are_info() -> None:
    finding = published()[Code.PENALTY_GROWTH]
    assert finding.severity is Severity.INFO
    assert finding.evidence["factor_per_epoch"] == pytest.approx(1.39852, abs=1e-5)
    assert finding.evidence["last_factor"] == pytest.approx(1.31037, abs=1e-5)
    assert finding.evidence["doubling_epochs"] == pytest.approx(2.06652, abs=1e-5)
    misfits = finding.evidence["misfits"]
    assert isinstance(misfits, Mapping)
    assert min(misfits, key=lambda law: float(str(misfits[law]))) == "exponential"
    assert misfits["exponential"] == pytest.approx(0.0418, abs=1e-4)
    assert "Plausible, not proven" in finding.message


def test_a_wrong_sign_of_decay_is_recognised_where_eta_and_lambda_are_known() -> None:
    agrees = published(eta=0.390, lmbda=4.36, batch_size=10)[Code.PENALTY_GROWTH]
    disagrees = published(eta=0.1, lmbda=1.0, batch_size=10)[Code.PENALTY_GROWTH]
    assert "which agrees" in agrees.message
    assert "which does not" in disagrees.message


def test_the_first_value_bounds_lambda() -> None:
    finding = published()[Code.PENALTY_IMPLIED]
    assert finding.evidence["squares_standard"] == 23_820
    assert finding.evidence["squares_scaled"] == 40
    assert finding.evidence["lambda_at_most_standard"] == pytest.approx(10.024, abs=1e-3)
    assert finding.evidence["lambda_at_most_scaled"] == pytest.approx(5969.3, abs=0.1)
    assert published(lmbda=5.0)[Code.PENALTY_IMPLIED].evidence["squares_at_most"] == pytest.approx(47_754.6, abs=0.1)


@pytest.mark.parametrize(
    ("missing", "said", "asked"),
    [
        ({"evaluated_n": None}, ["31.55", "1,585"], ["--evaluated-size"]),
        ({"n": None}, ["31.55"], ["--training-size"]),
        ({"sizes": None}, ["27.13", "54 outputs", "a guess"], ["--sizes"]),
        ({"n": None, "evaluated_n": None, "sizes": None}, ["31.55"], ["--sizes", "--training-size"]),
    ],
)
def test_where_a_size_is_missing_the_critical_value_is_said(
    missing: dict[str, None], said: list[str], asked: list[str]
) -> None:
    findings = published(**missing)
    finding = findings[Code.INCONCLUSIVE]
    assert Code.NOT_DESCENDING not in findings
    assert finding.severity is Severity.WARNING
    assert all(text in finding.message for text in said)
    assert all(option in finding.remedy for option in asked)


# The bound: laws


@st.composite
def descending_runs(draw: st.DrawFn) -> tuple[RecordedRun, RecordedRun, RunFacts]:
    """(total alone, with its parts, facts) of a run that descends what it minimises.

    Data costs of both sets are anything up to the bound; where parts are recorded, the training set's is at most twice
    the evaluated set's, which is all that is asked of them.
    """
    facts = RunFacts(
        sizes=(4, draw(st.integers(1, 12))),
        n=draw(st.integers(1, 10**5)),
        evaluated_n=draw(st.integers(1, 10**5)),
        output=draw(st.sampled_from(["sigmoid", "softmax"])),
        cost="quadratic",
    )
    bound = facts.data_bound(facts.outputs or 0)
    length = draw(st.integers(2, 8))
    shares = st.lists(st.floats(0, 1), min_size=length, max_size=length)
    scale = draw(st.sampled_from([0.01, 1.0, 1.5, 30.0, 1e4])) * bound
    minimised = np.sort(scale * np.array(draw(shares)))[::-1]
    trained = np.minimum(bound, minimised) * np.array(draw(shares))
    penalty = minimised - trained
    shown = penalty * draw(st.sampled_from([1.0, facts.n / facts.evaluated_n]))  # type: ignore[operator]
    evaluated = bound * np.array(draw(shares))
    harder = np.maximum(evaluated, trained / 2)
    accuracy = draw(st.none() | shares)
    known = {} if accuracy is None else {"accuracy": np.array(accuracy)}
    parts = run_of(harder + shown, data_cost=harder, penalty=shown, **known)
    return run_of(evaluated + shown, **known), parts, facts


@given(descending_runs())
def test_a_run_that_descends_its_own_cost_is_never_accused(drawn: tuple[RecordedRun, RecordedRun, RunFacts]) -> None:
    total, parts, facts = drawn
    assert Code.NOT_DESCENDING not in found(total, facts)
    assert Code.NOT_DESCENDING not in found(parts, facts)
    assert Code.NOT_DESCENDING not in found(total, replace(facts, output=None, cost=None))


@given(st.integers(1, 10**5), st.integers(1, 10**5), st.floats(0, 4), st.floats(1.01, 100), st.data())
def test_any_rise_above_the_bound_is_found_wherever_it_is(
    n: int, evaluated_n: int, low: float, times: float, data: st.DataObject
) -> None:
    facts = RunFacts(sizes=(4, 10), n=n, evaluated_n=evaluated_n)
    rise = times * 5 * (1 + max(1, n / evaluated_n))
    before = data.draw(st.lists(st.floats(low, low + rise), max_size=4))
    between = data.draw(st.lists(st.floats(low, low + rise), max_size=4))
    after = data.draw(st.lists(st.floats(low, low + rise), max_size=4))
    cost = np.array([*before, low, *between, low + rise, *after])
    right = np.full(len(cost), 0.1)
    findings = found(run_of(cost, accuracy=right), facts)
    finding = findings.get(Code.NOT_DESCENDING, findings[Code.INCONCLUSIVE])
    assert finding.evidence["rise"] == pytest.approx(rise)
    if low < 0.9 / 4 * evaluated_n:  # else the costs may be sums over so few examples
        assert finding.code is Code.NOT_DESCENDING


@pytest.mark.parametrize("over", [-1e-3, 1e-3])
def test_the_bound_itself_is_no_proof_and_a_little_more_is_one_for_the_textbook_cost(over: float) -> None:
    findings = found(run_of([1.0, 0.5, 25.5 + over]), SMALL)
    assert (Code.NOT_DESCENDING in findings) == (over > 0)
    if over > 0:
        assert findings[Code.NOT_DESCENDING].severity is Severity.WARNING
        assert "Without the 1/2 the bound is 50" in findings[Code.NOT_DESCENDING].message


def test_above_the_bound_without_the_half_the_rise_is_a_fault() -> None:
    assert found(run_of([1.0, 0.5, 50.6]), SMALL)[Code.NOT_DESCENDING].severity is Severity.FAULT


def test_a_data_cost_above_half_the_outputs_shows_that_there_is_no_half() -> None:
    run = run_of([8.0, 2.0, 50.6], data_cost=[7.5, 1.5, 1.0])
    finding = found(run, SMALL)[Code.NOT_DESCENDING]
    assert finding.evidence["data_bound"] == 10
    assert finding.evidence["allowed"] == 40  # of the penalty
    assert "1/2" not in finding.message


def test_a_data_cost_above_the_bound_refutes_the_assumption() -> None:
    findings = found(run_of([30.0, 12.0, 90.0], data_cost=[28.0, 11.0, 85.0]), SMALL)
    assert findings.keys() <= {Code.INCONCLUSIVE, Code.PENALTY_SCALE}
    assert findings[Code.INCONCLUSIVE].severity is Severity.INFO
    assert "another cost" in findings[Code.INCONCLUSIVE].message


def test_without_a_penalty_a_large_cost_refutes_the_assumption() -> None:
    assert Code.NOT_DESCENDING not in found(run_of([30.0, 12.0, 90.0]), replace(SMALL, lmbda=0.0))


def test_costs_as_large_as_sums_over_the_examples_prove_nothing() -> None:
    findings = found(run_of([900.0, 400.0, 520.0], accuracy=[0.5, 0.8, 0.7]), SMALL)
    assert Code.NOT_DESCENDING not in findings
    assert "sums" in findings[Code.INCONCLUSIVE].message
    assert found(run_of([900.0, 400.0, 440.0], accuracy=[0.5, 0.8, 0.7]), SMALL) == {}


def test_a_rise_that_sums_could_not_make_either_is_proven() -> None:
    assert Code.NOT_DESCENDING in found(run_of([900.0, 1e9], accuracy=[0.1, 0.1]), SMALL)


def test_a_rise_that_came_back_is_a_warning_that_points_at_the_steps() -> None:
    finding = found(run_of([1.0, 200.0, 3.0]), SMALL)[Code.NOT_DESCENDING]
    assert finding.severity is Severity.WARNING
    assert "back at 3" in finding.message


def test_an_evaluated_set_larger_than_the_training_set_does_not_sharpen_the_bound() -> None:
    facts = replace(SMALL, n=300, evaluated_n=1200)
    assert found(run_of([1.0, 90.0]), facts)[Code.NOT_DESCENDING].evidence["allowed"] == 10


# With data cost and penalty recorded


def test_a_penalty_above_all_the_data_cost_there_was_is_found_for_a_cost_without_bound() -> None:
    data, penalty = np.array([2.0, 1.5, 1.4]), np.array([1.0, 9.0, 30.0])
    facts = replace(SMALL, cost="cross_entropy")
    finding = found(run_of(data + penalty, data_cost=data, penalty=penalty), facts)[Code.NOT_DESCENDING]
    assert finding.severity is Severity.WARNING
    assert finding.evidence["rise"] == pytest.approx(29 / 4)
    assert "unless" in finding.message


def test_a_rise_of_the_shown_total_while_the_minimised_one_falls_is_the_evaluated_sets() -> None:
    penalty = np.array([0.2, 0.4, 0.5, 0.56, 0.6, 0.62, 0.64, 0.65, 0.66])
    data = np.array([0.4, 0.2, 0.15, 0.13, 0.118, 0.112, 0.107, 0.104, 0.101])
    for columns in ({"data_cost": data}, {"penalty": penalty}, {"data_cost": data, "penalty": penalty}):
        findings = found(run_of(data + penalty, **columns), SMALL)
        assert set(findings) == {Code.PENALTY_SCALE}
        assert findings[Code.PENALTY_SCALE].severity is Severity.WARNING
        assert "only looks as if it rose" in findings[Code.PENALTY_SCALE].message
    assert found(run_of(data + penalty, penalty=penalty), replace(SMALL, n=None)) == {}


@pytest.mark.parametrize("total", [[0.5, 0.3, 0.3, 0.35, 0.4], [0.5, 0.4, 0.35, 0.3, 0.3]])
def test_where_only_lambda_is_known_a_rising_total_may_be_the_evaluated_sets(total: list[float]) -> None:
    findings = found(run_of(total), replace(SMALL, lmbda=1.0))
    rises = total[-1] > total[2]
    assert set(findings) == ({Code.PENALTY_SCALE} if rises else set())
    if rises:
        assert findings[Code.PENALTY_SCALE].severity is Severity.WARNING
        assert "may be why" in findings[Code.PENALTY_SCALE].message
    assert found(run_of(total), replace(SMALL, lmbda=1.0, evaluated_n=2400)) == {}
    assert found(run_of(total), SMALL) == {}


def test_a_rise_of_both_totals_is_not_the_evaluated_sets() -> None:
    penalty, data = np.linspace(0.2, 3.0, 9), np.full(9, 0.4)
    finding = found(run_of(data + penalty, penalty=penalty), SMALL)[Code.PENALTY_SCALE]
    assert "does not explain" in finding.message


def test_parts_that_do_not_add_up_are_left_out_and_said() -> None:
    run = run_of([3.0, 2.0, 1.5], data_cost=[1.0, 0.5, 0.4], penalty=[0.4, 0.3, 0.2])
    finding = found(run, SMALL)[Code.INCONCLUSIVE]
    assert finding.severity is Severity.INFO
    assert finding.evidence == {"cost": 3.0, "sum": 1.4}


def test_parts_rounded_to_two_digits_add_up() -> None:
    assert found(run_of([3.0, 2.0, 1.5], data_cost=[1.02, 0.5, 0.4], penalty=[2.0, 1.53, 1.12]), SMALL).keys() <= {
        Code.PENALTY_SCALE
    }


# Steps


def test_eta_times_lambda_over_n_at_the_bound_is_a_fault_with_its_growth() -> None:
    facts = replace(SMALL, eta=2.0, lmbda=1260.0, batch_size=10)
    finding = found(run_of([3.0, 40.0]), facts)[Code.UNSTABLE_DECAY]
    assert finding.severity is Severity.FAULT
    assert finding.evidence["eta_lambda_over_n"] == pytest.approx(2.1)
    assert finding.evidence["factor_per_step"] == pytest.approx(1.1)
    assert finding.evidence["log10_penalty_growth_per_epoch"] == pytest.approx(240 * math.log10(1.1))
    assert "1.905" in finding.remedy
    assert Code.UNSTABLE_DECAY not in found(run_of([3.0, 40.0]), replace(facts, eta=1.9))
    assert Code.UNSTABLE_DECAY not in found(run_of([3.0, 40.0]), replace(facts, momentum=0.5))


@given(st.floats(0, 0.99), st.floats(1.0, 3.0))
def test_growth_per_step_is_that_of_the_momentum_iteration(momentum: float, times: float) -> None:
    facts = RunFacts(n=100, eta=1.0, lmbda=100 * 2 * (1 + momentum) * times, momentum=momentum)
    iteration = np.array([[1 - facts.decay, momentum], [-facts.decay, momentum]])  # type: ignore[operator]
    assert facts.growth_per_step == pytest.approx(max(abs(np.linalg.eigvals(iteration))), rel=1e-6)


def test_unstable_settings_of_a_falling_curve_are_doubted() -> None:
    finding = found(run_of([3.0, 0.4]), replace(SMALL, eta=2.0, lmbda=1260.0))[Code.UNSTABLE_DECAY]
    assert finding.severity is Severity.WARNING
    assert "these are not its settings" in finding.message


@pytest.mark.parametrize(
    ("accuracy", "verdict"), [([0.1, 0.11, 0.1], "likely"), ([0.8, 0.82, 0.8], "excluded"), ([0.3] * 3, "possible")]
)
def test_accuracy_at_guessing_goes_with_steps_too_large(accuracy: list[float], verdict: str) -> None:
    finding = found(run_of([1.0, 40.0, 90.0], accuracy=accuracy), SMALL)[Code.INCONCLUSIVE]
    assert finding.evidence["causes"]["steps_too_large"] == verdict  # type: ignore[call-overload,index]


def test_a_few_examples_are_too_few_to_exclude_steps_too_large() -> None:
    facts = replace(SMALL, evaluated_n=10, n=40)
    finding = found(run_of([0.5, 80.0], accuracy=[0.5, 0.5]), facts)[Code.INCONCLUSIVE]
    assert finding.evidence["causes"]["steps_too_large"] == "possible"  # type: ignore[call-overload,index]


def test_an_infinite_cost_is_said_to_have_diverged() -> None:
    finding = found(run_of([3.0, 2.0, math.inf, math.inf]), SMALL)[Code.NOT_DESCENDING]
    assert finding.severity is Severity.FAULT
    assert "diverged" in finding.message
    assert finding.evidence["epoch"] == 2


@pytest.mark.parametrize(
    ("cost", "facts"),
    [([3.0, math.inf, 2.0], replace(SMALL, cost="cross_entropy")), ([3.0, math.nan], SMALL), ([math.nan] * 2, SMALL)],
)
def test_a_cost_that_may_come_of_an_overflowing_formula_is_a_warning(cost: list[float], facts: RunFacts) -> None:
    findings = found(run_of(cost), facts)
    assert set(findings) == {Code.INCONCLUSIVE}
    assert findings[Code.INCONCLUSIVE].severity is Severity.WARNING
    assert "logaddexp" in findings[Code.INCONCLUSIVE].remedy


def test_repeated_large_swings_are_an_oscillation_and_small_ones_are_not() -> None:
    rng = np.random.default_rng(0)
    restless = found(run_of([1.0, 0.5, 0.9, 0.5, 0.8, 0.4, 0.6]), SMALL)
    assert restless[Code.COST_OSCILLATING].severity is Severity.WARNING
    assert restless[Code.COST_OSCILLATING].evidence["swings"] == 3
    noisy = 0.3 + np.exp(-np.arange(40) / 5) * (1 + 0.05 * rng.standard_normal(40))
    assert found(run_of(noisy), SMALL) == {}
    assert found(run_of([1.0, 0.01, 0.02, 0.01, 0.02, 0.01, 0.02]), SMALL) == {}  # near zero nothing changes


# Sound trainings


def _digits_run(
    hyperparameters: Hyperparameters, tmp_path: Path, **plan: object
) -> tuple[dict[str, np.ndarray], RunFacts]:
    """(curves by metric, facts) of a training on digits, 300 of 1,500 examples held back."""
    settings: dict[str, object] = {"dataset": "digits", "validation": 300, "hidden": (20,), "epochs": 8} | plan
    made = TrainingPlan(**settings)  # type: ignore[arg-type]
    records = list(train(made, hyperparameters, digits(tmp_path), np.random.default_rng(3)))
    curves = {name: np.array([record[name] for record in records]) for name in records[0].measures}
    facts = replace(SMALL, output=made.output, cost=made.cost, momentum=made.momentum)
    return curves, facts


SOUND = [
    (Hyperparameters(1.0, 1.0, 10), {}),
    (Hyperparameters(0.3, 5.0, 5), {"initialisation": "standard"}),
    (Hyperparameters(3.0, 0.1, 20), {"penalty_n": "evaluated"}),
    (Hyperparameters(0.5, 10.0, 10), {"penalty_n": "evaluated"}),
    (Hyperparameters(0.3, 1.0, 10), {"cost": "cross_entropy", "output": "softmax"}),
    (Hyperparameters(0.03, 1.0, 10), {"output": "linear", "activation": "tanh"}),
    (Hyperparameters(0.2, 1.0, 10), {"momentum": 0.8, "initialisation": "standard"}),
]


@pytest.mark.parametrize(("hyperparameters", "plan"), SOUND)
def test_sound_trainings_are_not_accused(
    hyperparameters: Hyperparameters, plan: dict[str, object], tmp_path: Path
) -> None:
    curves, facts = _digits_run(hyperparameters, tmp_path, **plan)
    total, data = curves["cost/validation_total"], curves["cost/validation_data"]
    accuracy = curves["accuracy/validation"]
    settings = {"eta": hyperparameters.eta, "lmbda": hyperparameters.lmbda, "batch_size": hyperparameters.batch_size}
    assert found(run_of(total, accuracy=accuracy), facts) == {}
    for run in (run_of(total), run_of(total, data_cost=data), run_of(total, data_cost=data, penalty=total - data)):
        for known in (facts, replace(facts, **settings)):
            assert found(run, known).keys() <= {Code.PENALTY_SCALE}


def test_a_sound_training_that_looks_as_if_it_rose_is_told_so(tmp_path: Path) -> None:
    curves, facts = _digits_run(
        Hyperparameters(0.06, 12.0, 5), tmp_path, penalty_n="evaluated", activation="relu", epochs=15
    )
    total, data = curves["cost/validation_total"], curves["cost/validation_data"]
    assert total[-1] > 1.03 * total.min()
    assert curves["cost/train_total"][-1] < curves["cost/train_total"][0]
    findings = found(run_of(total, data_cost=data), facts)
    assert findings[Code.PENALTY_SCALE].severity is Severity.WARNING
    assert Code.NOT_DESCENDING not in findings


def test_a_penalty_added_once_per_example_is_traced_to_the_report(tmp_path: Path) -> None:
    curves, facts = _digits_run(Hyperparameters(3.0, 1.0, 10), tmp_path)
    data, penalty = curves["cost/validation_data"], 1200 * curves["cost/penalty"]
    columns = {"accuracy": curves["accuracy/validation"]}
    with_parts = found(run_of(data + penalty, data_cost=data, **columns), facts)
    assert with_parts[Code.NOT_DESCENDING].severity is Severity.FAULT
    assert with_parts[Code.INCONCLUSIVE].evidence["causes"]["wrong_report"] == "likely"  # type: ignore[call-overload,index]
    total_only = found(run_of(data[1:] + penalty[1:], accuracy=columns["accuracy"][1:]), facts)
    assert total_only[Code.INCONCLUSIVE].evidence["causes"]["wrong_report"] == "possible"  # type: ignore[call-overload,index]


def test_decay_past_its_bound_is_found_in_the_curve_of_a_training(tmp_path: Path) -> None:
    hyperparameters = Hyperparameters(1.0, 2 * 1200 * 1.0005, 10)
    curves, facts = _digits_run(hyperparameters, tmp_path, penalty_n="evaluated", initialisation="standard")
    run = run_of(curves["cost/validation_total"], accuracy=curves["accuracy/validation"])
    findings = found(run, replace(facts, eta=1.0, lmbda=hyperparameters.lmbda, batch_size=10))
    assert findings[Code.UNSTABLE_DECAY].severity is Severity.FAULT
    assert findings[Code.NOT_DESCENDING].severity is Severity.FAULT
    assert findings[Code.INCONCLUSIVE].evidence["causes"]["steps_too_large"] == "explains it"  # type: ignore[call-overload,index]
    assert found(run, facts)[Code.INCONCLUSIVE].evidence["causes"]["steps_too_large"] == "likely"  # type: ignore[call-overload,index]


# Whatever the curves


positive = st.floats(0, 1e3) | st.floats(0) | st.just(math.inf) | st.just(math.nan)


@given(st.data(), st.integers(2, 12))
def test_any_legal_curves_get_findings_that_can_be_printed(data: st.DataObject, length: int) -> None:
    def curve(values: st.SearchStrategy[float]) -> list[float]:
        return data.draw(st.lists(values, min_size=length, max_size=length))

    columns = {
        "data_cost": curve(positive) if data.draw(st.booleans()) else None,
        "penalty": curve(positive) if data.draw(st.booleans()) else None,
        "accuracy": curve(st.floats(0, 1) | st.just(math.nan)) if data.draw(st.booleans()) else None,
    }
    facts = RunFacts(
        sizes=data.draw(st.none() | st.lists(st.integers(1, 50), min_size=2, max_size=4).map(tuple)),
        n=data.draw(st.none() | st.integers(100, 10**6)),
        evaluated_n=data.draw(st.none() | st.integers(1, 10**6)),
        eta=data.draw(st.none() | st.floats(1e-6, 1e3)),
        lmbda=data.draw(st.none() | st.floats(0, 1e6)),
        batch_size=data.draw(st.none() | st.integers(1, 100)),
        output=data.draw(st.sampled_from([None, "sigmoid", "softmax", "linear"])),
        cost=data.draw(st.sampled_from([None, "quadratic", "cross_entropy"])),
        momentum=data.draw(st.floats(0, 0.99)),
    )
    epochs = np.cumsum(data.draw(st.lists(st.floats(1e-6, 1e6), min_size=length, max_size=length)))
    found(RecordedRun(epochs, np.array(curve(positive)), **columns), facts)  # type: ignore[arg-type]


def test_more_right_answers_than_examples_are_bad_input() -> None:
    with pytest.raises(InputError, match=r"7691.*5000 examples.*--evaluated-size"):
        published(evaluated_n=5000)
