"""Batch sharpness and noise scale are those of their definitions: against dense Hessians and examples one by one."""

import math

import numpy as np
import pytest

from model import Dataset, Examples, Hyperparameters, Network, Probing, TrainingPlan, train
from model.activations import ACTIVATIONS
from model.batch_sharpness import measure_batches, sizes
from model.bounds import Regime, batch_edge, noise_share, regime
from model.costs import HEADS
from model.curvature import Hessian
from model.probing import Probe

LMBDA, N = 3.0, 40
BATCHES, SIZE = 3, 4


def drawn(head=("sigmoid", "quadratic"), activation="sigmoid", hidden=(5,), rows=BATCHES * SIZE, dtype="float64"):
    """(network, x, one-hot y)."""
    output, cost = head
    rng = np.random.default_rng(2)
    plan = TrainingPlan(output=output, cost=cost, activation=activation, dtype=dtype)
    network = Network.initialise((6, *hidden, 3), plan, rng)
    return network, rng.random((rows, 6)).astype(dtype), np.eye(3, dtype=dtype)[rng.integers(0, 3, rows)]


def gradient(network, x, y, decay=LMBDA / N):
    """Of the total cost, flat."""
    nabla_b, nabla_w = network.backprop(x, y)
    totals = [nabla + decay * w for nabla, w in zip(nabla_w, network.weights, strict=True)]
    return np.concatenate([part.ravel() for part in (*totals, *nabla_b)])


def batches_of(x, y):
    return [(x[k : k + SIZE], y[k : k + SIZE]) for k in range(0, BATCHES * SIZE, SIZE)]


@pytest.mark.parametrize("head", HEADS, ids="-".join)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", [(), (4,), (5, 3)], ids=str)
def test_batch_sharpness_is_that_of_the_batches_dense_hessians_and_of_exact_products(
    dense_hessian, head, activation, hidden
):
    """Dense ones are central differences of the gradient, which knows nothing of second derivatives."""
    network, x, y = drawn(head, activation, hidden)
    dense, exact = [], []
    for some_x, some_y in batches_of(x, y):
        g = gradient(network, some_x, some_y)
        dense.append(g @ dense_hessian(network, some_x, some_y, LMBDA, N) @ g / (g @ g))
        exact.append(g @ Hessian(network, some_x, some_y, LMBDA, N).times(g) / (g @ g))
    found = measure_batches(network, x, y, BATCHES, SIZE, LMBDA, N).sharpness
    assert found == pytest.approx(np.mean(dense), rel=1e-5)
    assert found == pytest.approx(np.mean(exact), rel=1e-9)


@pytest.mark.parametrize("head", HEADS, ids="-".join)
@pytest.mark.parametrize("hidden", [(), (5, 4)], ids=str)
def test_the_noise_scale_is_the_covariances_trace_over_the_squared_gradient(head, hidden):
    network, x, y = drawn(head, hidden=hidden, rows=30)
    single = np.array([gradient(network, x[k : k + 1], y[k : k + 1]) for k in range(len(x))])
    trace = single.var(axis=0, ddof=1).sum()
    signal = np.sum(single.mean(axis=0) ** 2) - trace / len(x)
    assert 0 < trace < N * signal
    found = measure_batches(network, x, y, 1, SIZE, LMBDA, N).noise_scale
    assert found == pytest.approx(trace / signal, rel=1e-9)


def test_examples_that_agree_have_no_noise_and_such_that_cancel_have_all_that_the_training_set_can_have():
    network, x, y = drawn(hidden=())
    same = np.repeat(x[:1], 8, axis=0), np.repeat(y[:1], 8, axis=0)
    assert measure_batches(network, *same, 2, 4, 0.0, N).noise_scale == pytest.approx(0, abs=1e-9)
    for parameter in (*network.weights, *network.biases):
        parameter[...] = 0.0  # outputs of one half: classes pull with the same force, each the other way
    classes = np.zeros((12, 6)), np.tile([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]], (6, 1))
    assert measure_batches(network, *classes, 3, 4, 0.0, N).noise_scale == N


def test_float32_measures_what_float64_does():
    found = [measure_batches(*drawn(dtype=dtype), BATCHES, SIZE, LMBDA, N) for dtype in ("float32", "float64")]
    assert found[0].sharpness == pytest.approx(found[1].sharpness, rel=1e-4)
    assert found[0].noise_scale == pytest.approx(found[1].noise_scale, rel=1e-3)


@pytest.mark.parametrize(
    ("batch_size", "n", "expected"),
    [
        (1, 50_000, (25, 1)),
        (5, 50_000, (25, 5)),
        (20, 50_000, (12, 20)),
        (100, 50_000, (4, 100)),
        (200, 50_000, (2, 200)),
        (1000, 50_000, (1, 1000)),
        (50_000, 50_000, (1, 2000)),
        (1200, 1200, (1, 1200)),
        (20, 30, (1, 20)),
    ],
)
def test_batches_are_of_the_trainings_own_size_while_that_is_affordable(batch_size, n, expected):
    assert sizes(batch_size, n, examples=250) == expected


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_where_noise_rules_momentum_lowers_the_bound_and_elsewhere_it_raises_it(momentum):
    assert noise_share(20.0, 20, 10**9) == pytest.approx(0.5)
    assert noise_share(40.0, 20, 40) == 0.5  # half of all examples: half of the noise is left
    assert noise_share(40.0, 40, 40) == 0.0
    assert (regime(0.51), regime(0.5)) == (Regime.NOISE, Regime.CURVATURE)
    of_noise, of_none = 4.0 / (2 * (1 - momentum)), 4.0 / (2 * (1 + momentum))
    assert batch_edge(0.5, 8.0, 1.0, momentum) == pytest.approx(of_noise)
    assert batch_edge(0.5, 8.0, 0.0, momentum) == pytest.approx(of_none)
    assert batch_edge(0.5, 8.0, 0.25, momentum) == pytest.approx(0.25 * of_noise + 0.75 * of_none)


def small_data(rows=30):
    rng = np.random.default_rng(3)
    examples = Examples(rng.random((rows, 6)), rng.integers(0, 3, rows), scale=1.0, classes=3)
    return Dataset("small", examples, examples, "0" * 64)


@pytest.mark.parametrize(("batch_size", "ruling"), [(1, Regime.NOISE), (20, Regime.CURVATURE)])
def test_the_recorded_edge_is_by_the_recorded_noise_scale(batch_size, ruling):
    plan = TrainingPlan(dataset="small", validation=10, hidden=(5,), epochs=3, dtype="float64", momentum=0.5)
    settings = Hyperparameters(0.5, LMBDA, batch_size)
    records = list(train(plan, settings, small_data(), np.random.default_rng(0)))
    shares = [noise_share(record["stability/noise_scale"], batch_size, 20) for record in records]
    assert regime(shares[-1]) is ruling
    for record, noise in zip(records, shares, strict=True):
        edge = batch_edge(0.5, record["stability/batch_sharpness"], noise, 0.5)
        assert record["stability/batch_edge"] == pytest.approx(edge)


@pytest.mark.parametrize("parameter", [0.0, 1e200], ids=["without a gradient", "overflow"])
def test_what_has_no_finite_value_is_left_out_and_ends_no_training(parameter):
    network = Network((np.zeros((3, 6)),), (np.zeros(3),), output="linear")
    network.weights[0][...] = parameter
    train_set = Examples(np.ones((8, 6)), np.zeros(8, int), scale=1.0, classes=3)
    network.biases[0][...] = [1.0, 0.0, 0.0]
    probe = Probe(Probing(0, 0, 0), network, train_set, Hyperparameters(0.5, 0.0, 4), 0.0)
    with np.errstate(all="ignore"):
        assert probe.measure(1) == {}


def test_of_a_quadratic_cost_on_full_batches_the_edge_at_rest_is_where_descent_begins_to_grow():
    """Along the sharpest direction, which is what is left of any gradient after some steps near the border."""
    edges, grown = [], []
    for eta in (0.9, 1.1):
        data = small_data()
        plan = TrainingPlan("small", 10, (), output="linear", epochs=300, dtype="float64", momentum=0.5)
        x = np.hstack([data.train.x[:20], np.ones((20, 1))])
        bears = 2 * (1 + 0.5) / np.linalg.eigvalsh(x.T @ x / 20)[-1]
        settings = Hyperparameters(eta * bears, 0.0, 20)
        records = list(train(plan, settings, data, np.random.default_rng(0), probing=Probing(0, 0, 0)))
        edges.append(records[-1]["stability/batch_edge"])
        grown.append(records[-1]["cost/train_total"] > records[150]["cost/train_total"])
    assert grown == [False, True]
    assert edges[1] == pytest.approx(1.1, rel=1e-6)
    assert edges[0] <= 0.9 + 1e-6
    assert math.isfinite(edges[0])
