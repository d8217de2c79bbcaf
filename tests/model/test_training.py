"""Laws of a training: what repeats, what stays the same when a setting changes, and how it ends when it diverges."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import model.training
from model import Dataset, EpochRecord, Examples, Hyperparameters, Network, TrainingPlan, train
from model.activations import Array
from model.costs import HEADS
from model.training import Training, mini_batches

PLAN = TrainingPlan(validation=10, hidden=(5,), epochs=3)
N = 40  # training examples of `data` once PLAN has held back its own


@pytest.fixture
def data(draw_data: Any) -> Dataset:
    return draw_data(np.random.default_rng(1), N + PLAN.validation)


def run(
    data: Dataset, hyperparameters: Hyperparameters, plan: TrainingPlan = PLAN, **of: Any
) -> tuple[tuple[EpochRecord, ...], Training]:
    training = train(plan, hyperparameters, data, np.random.default_rng(7), **of)
    return tuple(training), training


def parameters(network: Network) -> tuple[Array, ...]:
    return (*network.weights, *network.biases)


def identical(one: Network, other: Network) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(parameters(one), parameters(other), strict=True))


def test_same_generator_gives_same_records_and_parameters_bit_for_bit(
    data: Dataset, hyperparameters: Hyperparameters
) -> None:
    records, training = run(data, hyperparameters)
    repeated, repetition = run(data, hyperparameters)
    assert repeated == records
    assert identical(repetition.network, training.network)
    assert tuple(train(PLAN, hyperparameters, data, np.random.default_rng(8))) != records


def test_shorter_training_is_the_start_of_a_longer_one(data: Dataset, hyperparameters: Hyperparameters) -> None:
    records, _ = run(data, hyperparameters)
    longer, _ = run(data, hyperparameters, replace(PLAN, epochs=5))
    assert [record.epoch for record in longer] == [0, 1, 2, 3, 4, 5]
    assert longer[:4] == records


@pytest.mark.parametrize(
    "change", [{"eta": 0.05}, {"lmbda": 4.0}, {"batch_size": 11}], ids=lambda change: next(iter(change))
)
def test_trainings_that_differ_in_one_setting_share_start_and_order(
    data: Dataset, hyperparameters: Hyperparameters, change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[list[Array]] = []

    def spied(*arguments: Any) -> Any:
        for x, y in mini_batches(*arguments):
            orders[-1].append(x.copy())
            yield x, y

    monkeypatch.setattr(model.training, "mini_batches", spied)
    starts, ends = [], []
    for chosen in (hyperparameters, replace(hyperparameters, **change)):
        orders.append([])
        training = train(PLAN, chosen, data, np.random.default_rng(7))
        starts.append([p.copy() for p in parameters(training.network)])
        ends.append(tuple(training)[-1])
    for one, other in zip(*starts, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(*(np.concatenate(order) for order in orders))
    assert len(np.concatenate(orders[0])) == N * PLAN.epochs
    assert ends[0] != ends[1]


@given(
    n=st.integers(1, 60),
    batch_size=st.integers(1, 60),
    features=st.sampled_from([1, 3000, 40_000]),  # 64, 21 and 1 rows of float64 make a chunk at most
    stored=st.sampled_from(["uint8", "float32", "float64"]),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 9),
)
@settings(max_examples=60, deadline=None)
def test_an_epoch_uses_every_example_once_scaled_and_with_its_class(
    n: int, batch_size: int, features: int, stored: str, dtype: str, seed: int
) -> None:
    """Every batch is full but the last, which has the rest. Chunks leave no trace."""
    x = np.zeros((n, features), stored)
    x[:, 0] = np.arange(n)
    examples = Examples(x, np.arange(n) % 3, 0.25, 3)
    seen, sizes = [], []
    for x, y in mini_batches(examples, batch_size, np.dtype(dtype), np.random.default_rng(seed)):
        assert (x.dtype, y.dtype) == (dtype, dtype)
        number = x[:, 0] * 4
        np.testing.assert_array_equal(y, np.eye(3)[number.astype(int) % 3])
        seen += number.tolist()
        sizes.append(len(x))
    assert sorted(seen) == list(range(n))
    assert sizes == [batch_size] * (n // batch_size) + [n % batch_size] * (n % batch_size > 0)
    assert seen == np.random.default_rng(seed).permutation(n).tolist()


@pytest.mark.parametrize("batch_size", [1, 7, N])
@pytest.mark.parametrize("momentum", [0.0, 0.8])
def test_training_is_the_formula_applied_to_the_examples_in_the_order_drawn(
    data: Dataset,
    hyperparameters: Hyperparameters,
    formula_step: Any,
    as_batch: Any,
    distance: Any,
    batch_size: int,
    momentum: float,
) -> None:
    """n is the training set's size, for the smaller last batch too."""
    plan = replace(PLAN, dtype="float64", momentum=momentum)
    chosen = replace(hyperparameters, batch_size=batch_size)
    _, training = run(data, chosen, plan)
    initial, shuffles = np.random.default_rng(7).spawn(2)
    network = Network.initialise(training.network.sizes, plan, initial)
    velocities = [np.zeros_like(p) for p in parameters(network)]
    x, y = as_batch(data.train[:N])
    for _ in range(plan.epochs):
        order = shuffles.permutation(N)
        for start in range(0, N, batch_size):
            batch = order[start : start + batch_size]
            decay = chosen.lmbda / N
            moved, velocities = formula_step(network, velocities, x[batch], y[batch], chosen.eta, decay, momentum)
            layers = len(network.weights)
            network = replace(network, weights=tuple(moved[:layers]), biases=tuple(moved[layers:]))
    for actual, expected in zip(parameters(training.network), parameters(network), strict=True):
        assert distance(actual, expected) < 1e-12


@pytest.mark.parametrize("head", HEADS, ids="-".join)
@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_divergence_ends_with_the_one_record_that_is_not_finite(
    data: Dataset, activation: str, head: tuple[str, str]
) -> None:
    """eta lambda / n = 3 doubles the weights at every step. Warnings are errors here, so it comes without one."""
    plan = replace(PLAN, activation=activation, output=head[0], cost=head[1], epochs=50)
    records, _ = run(data, Hyperparameters(1.0, 3.0 * N, 1), plan)
    assert 1 < len(records) < 51
    assert [record.finite for record in records] == [True] * (len(records) - 1) + [False]


@pytest.mark.parametrize("weight", [3e38, np.inf, np.nan])
def test_network_that_has_diverged_already_gives_one_record(
    data: Dataset, hyperparameters: Hyperparameters, weight: float
) -> None:
    plan = replace(PLAN, activation="relu", output="linear")
    _, training = run(data, hyperparameters, plan)
    for w in training.network.weights:
        w.fill(weight)
    records, _ = run(data, hyperparameters, plan, network=training.network)
    assert [record.finite for record in records] == [False]


@pytest.mark.parametrize("penalty_n", ["training", "evaluated"])
def test_without_lambda_there_is_no_penalty(data: Dataset, hyperparameters: Hyperparameters, penalty_n: str) -> None:
    records, _ = run(data, replace(hyperparameters, lmbda=0.0), replace(PLAN, penalty_n=penalty_n))
    for record in records:
        assert record["cost/penalty"] == 0
        assert record["cost/train_total"] == record["cost/train_data"]
        assert record["cost/validation_total"] == record["cost/validation_data"]


@pytest.mark.parametrize("decay", [0.01, 0.5, 1.9])
def test_decay_alone_multiplies_the_weights_by_one_factor_a_step(data: Dataset, distance: Any, decay: float) -> None:
    """Inputs of zero leave the first layer no gradient but the penalty's: w becomes (1 - eta lambda / n) w."""
    blank = replace(data, train=replace(data.train, x=np.zeros_like(data.train.x)))
    plan = replace(PLAN, dtype="float64")
    start = train(plan, Hyperparameters(0.5, 0.0, 7), blank, np.random.default_rng(7)).network
    _, training = run(blank, Hyperparameters(0.5, decay * N / 0.5, 7), plan)
    steps = plan.epochs * 6  # batches of 7, 7, 7, 7, 7 and 5
    assert distance(training.network.weights[0], (1 - decay) ** steps * start.weights[0]) < 1e-12


def test_batch_larger_than_the_training_set_is_refused(data: Dataset, hyperparameters: Hyperparameters) -> None:
    with pytest.raises(ValueError, match=f"batch_size must be at most the {N} training examples, got {N + 1}"):
        run(data, replace(hyperparameters, batch_size=N + 1))


@pytest.mark.parametrize("validation", [N + 10, N + 11])
def test_validation_set_that_leaves_nothing_to_train_on_is_refused(
    data: Dataset, hyperparameters: Hyperparameters, validation: int
) -> None:
    with pytest.raises(ValueError, match=rf"hold back {validation} of the {N + 10} .*plan\.validation below {N + 10}"):
        run(data, hyperparameters, replace(PLAN, validation=validation))


def test_network_that_is_passed_is_trained_in_place(data: Dataset, hyperparameters: Hyperparameters) -> None:
    network = Network.initialise((4, 6, 3), PLAN, np.random.default_rng(3))
    arrays, start = parameters(network), [p.copy() for p in parameters(network)]
    _, training = run(data, hyperparameters, network=network)
    assert training.network is network
    assert all(now is array for now, array in zip(parameters(network), arrays, strict=True))
    assert not any(np.array_equal(array, old) for array, old in zip(arrays, start, strict=True))


def test_a_record_names_the_measures_of_the_interface(data: Dataset, hyperparameters: Hyperparameters) -> None:
    """Nothing has moved at epoch 0, so it has no update ratios."""
    records, _ = run(data, hyperparameters, replace(PLAN, hidden=(5, 4)))
    state = {
        *(f"cost/{part}_{what}" for part in ("train", "validation") for what in ("data", "total")),
        *("cost/penalty", "accuracy/train", "accuracy/validation", "weight_norm/total"),
        *(f"{norm}/layer_{k}" for norm in ("weight_norm", "bias_norm", "gradient_norm") for k in (1, 2, 3)),
        *(f"saturation/layer_{k}" for k in (1, 2, 3)),
        *("stability/sharpness", "stability/edge", "stability/batch_sharpness", "stability/batch_edge"),
        "stability/noise_scale",
    }
    assert set(records[0].measures) == state
    for record in records[1:]:
        assert set(record.measures) == state | {f"update_ratio/layer_{k}" for k in (1, 2, 3)}
