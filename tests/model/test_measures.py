"""Every measure is what a naive computation gives, wherever the naive one is safe, and stays finite where it is not."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import model.measures
from model import Examples, Network, Split, TrainingPlan
from model.costs import HEADS, penalty
from model.measures import evaluate, measure_change, measure_state

Matrix = NDArray[np.float64]

ACTIVATIONS = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
    "relu": lambda z: np.where(z > 0, z, 0),
    "linear": lambda z: z,
    "softmax": lambda z: np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True),
}
COSTS = {
    ("sigmoid", "cross_entropy"): lambda a, y: -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a)),
    ("softmax", "cross_entropy"): lambda a, y: -np.sum(y * np.log(a)),
} | {(output, "quadratic"): lambda a, y: np.sum((a - y) ** 2) / 2 for output in ("sigmoid", "softmax", "linear")}

each_head = pytest.mark.parametrize("head", HEADS, ids="-".join)


def naive_outputs(network: Network, examples: Examples) -> Matrix:
    a = examples.x * examples.scale
    names = [network.activation] * (len(network.weights) - 1) + [network.output]
    for w, b, name in zip(network.weights, network.biases, names, strict=True):
        a = ACTIVATIONS[name](a @ w.T + b)
    return a


def naive_cost_and_accuracy(network: Network, examples: Examples) -> tuple[float, float]:
    a, right = naive_outputs(network, examples), 0
    for outputs, label in zip(a, examples.y, strict=True):
        right += int(max(range(len(outputs)), key=lambda k: outputs[k]) == label)
    y = np.eye(examples.classes)[examples.y]
    cost = COSTS[network.output, network.cost](a, y) / len(examples)
    return float(cost), right / len(examples)


@each_head
@given(
    hidden=st.lists(st.integers(1, 4), max_size=2).map(tuple),
    activation=st.sampled_from(["sigmoid", "tanh", "relu"]),
    lmbda=st.floats(0, 100),
    penalty_n=st.sampled_from(["training", "evaluated"]),
    sizes=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=20, deadline=None)
def test_measures_are_what_a_naive_computation_gives(
    draw_examples: Any,
    draw_network: Any,
    head: tuple[str, str],
    hidden: tuple[int, ...],
    activation: str,
    lmbda: float,
    penalty_n: str,
    sizes: tuple[int, int],
    seed: int,
) -> None:
    """cost/penalty divides by the training set's size, the validation total's penalty by the one penalty_n names."""
    rng = np.random.default_rng(seed)
    train, validation, test = (draw_examples(rng, n) for n in (*sizes, 1))
    plan = TrainingPlan(hidden=hidden, activation=activation, output=head[0], cost=head[1], dtype="float64")
    network = draw_network(rng, plan, train)
    squares = sum(float(entry) ** 2 for w in network.weights for entry in w.flat)
    train_data, train_accuracy = naive_cost_and_accuracy(network, train)
    validation_data, validation_accuracy = naive_cost_and_accuracy(network, validation)
    shown = lmbda / (2 * (sizes[0] if penalty_n == "training" else sizes[1])) * squares
    expected = {
        "cost/train_data": train_data,
        "cost/validation_data": validation_data,
        "cost/penalty": lmbda / (2 * sizes[0]) * squares,
        "cost/train_total": train_data + lmbda / (2 * sizes[0]) * squares,
        "cost/validation_total": validation_data + shown,
        "accuracy/train": train_accuracy,
        "accuracy/validation": validation_accuracy,
        "weight_norm/total": squares**0.5,
    }
    for k, (w, b) in enumerate(zip(network.weights, network.biases, strict=True), 1):
        expected[f"weight_norm/layer_{k}"] = np.linalg.norm(w)
        expected[f"bias_norm/layer_{k}"] = np.linalg.norm(b)
    measures = measure_state(network, Split(train, validation, test), lmbda, penalty_n)
    assert measures == pytest.approx(expected, rel=1e-11, abs=0)


@each_head
@pytest.mark.parametrize("n", [999, 1000, 1001, 1999])
def test_evaluation_in_chunks_is_evaluation_at_once(
    draw_examples: Any, draw_network: Any, head: tuple[str, str], n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sizes around the 1000 examples that are evaluated at a time; only the order of the sum may differ."""
    rng = np.random.default_rng(n)
    examples = draw_examples(rng, n, dtype="float32")
    plan = TrainingPlan(hidden=(5,), output=head[0], cost=head[1], dtype="float64")
    network = draw_network(rng, plan, examples)
    cost, accuracy = evaluate(network, examples)
    assert 0 < accuracy < 1
    monkeypatch.setattr(model.measures, "_ROWS", n)
    at_once = evaluate(network, examples)
    assert (cost, accuracy) == (pytest.approx(at_once[0], rel=1e-12), at_once[1])
    assert at_once == pytest.approx(naive_cost_and_accuracy(network, examples), rel=1e-11)


def test_bytes_are_seen_scaled(draw_network: Any) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (50, 6), np.uint8), rng.integers(0, 3, 50, np.uint8)
    network = draw_network(rng, TrainingPlan(hidden=(4,), dtype="float64"), Examples(x, y, 1 / 255, 3))
    scaled = Examples(x / 255, y, 1.0, 3)
    assert evaluate(network, Examples(x, y, 1 / 255, 3)) == pytest.approx(evaluate(network, scaled), rel=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("output", "label", "cost"),
    [
        ("sigmoid", 0, 0.0),
        ("sigmoid", 1, 2000.0),
        ("softmax", 0, 0.0),
        ("softmax", 1, 2000.0),
    ],
)
def test_cross_entropy_of_saturated_outputs_is_finite_and_right(
    dtype: str, output: str, label: int, cost: float
) -> None:
    """z = (1000, -1000, -1000): where 0 is the class nothing is wrong; for class 1 two outputs are, by 1000 each."""
    weights = np.array([[1e3], [-1e3], [-1e3]], dtype)
    network = Network((weights,), (np.zeros(3, dtype),), output=output, cost="cross_entropy")
    examples = Examples(np.ones((2, 1), dtype), np.array([label, label]), 1.0, 3)
    assert evaluate(network, examples) == (cost, float(label == 0))


def test_measures_of_huge_float32_weights_do_not_overflow(draw_examples: Any) -> None:
    """The square of a float32 weight of 1e20 is no float32."""
    weights = np.full((3, 4), 1e20, np.float32)
    network = Network((weights,), (np.full(3, -1e20, np.float32),))
    examples = draw_examples(np.random.default_rng(0), 5)
    measures = measure_state(network, Split(examples, examples, examples), 2.0, "training")
    assert measures["weight_norm/total"] == measures["weight_norm/layer_1"] == pytest.approx(12**0.5 * 1e20)
    assert measures["bias_norm/layer_1"] == pytest.approx(3**0.5 * 1e20)
    assert measures["cost/penalty"] == pytest.approx(2 / (2 * 5) * 12e40)
    assert measure_change([weights], [3 * weights]) == {"update_ratio/layer_1": pytest.approx(2)}


def test_update_ratio_is_the_change_over_the_norm_before() -> None:
    """A layer whose weights were all zero has none."""
    rng = np.random.default_rng(0)
    before = [rng.standard_normal(shape) for shape in ((3, 4), (2, 3), (5, 2))]
    before[1][:] = 0
    after = [w + rng.standard_normal(w.shape) for w in before]
    expected = {
        f"update_ratio/layer_{k + 1}": np.sqrt(((after[k] - before[k]) ** 2).sum() / (before[k] ** 2).sum())
        for k in (0, 2)
    }
    assert measure_change(before, after) == pytest.approx(expected)


def test_penalty_is_that_of_the_book() -> None:
    """lambda / (2 n) * sum of squared weights (Nielsen, ch. 3, eq. 87)."""
    assert penalty([np.array([[1.0, -2.0]]), np.array([[3.0]])], lmbda=5.0, n=7) == pytest.approx(5 / 14 * 14)
