"""Products with the Hessian and its largest eigenvalue, against dense Hessians of small networks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import Network, TrainingPlan
from model.activations import ACTIVATIONS
from model.costs import HEADS
from model.curvature import Hessian, largest_eigenvalue


@pytest.mark.parametrize("head", HEADS, ids="-".join)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", [(), (4,), (5, 3)], ids=str)
def test_products_and_the_largest_eigenvalue_are_those_of_the_dense_hessian(dense_hessian, head, activation, hidden):
    output, cost = head
    rng = np.random.default_rng(1)
    plan = TrainingPlan(output=output, cost=cost, activation=activation, dtype="float64")
    network = Network.initialise((6, *hidden, 3), plan, rng)
    x, y = rng.random((7, 6)), np.eye(3)[rng.integers(0, 3, 7)]
    dense = dense_hessian(network, x, y, lmbda=2.0, n=7)
    hessian = Hessian(network, x, y, lmbda=2.0, n=7)
    vector = rng.standard_normal(hessian.size)
    assert np.linalg.norm(hessian.times(vector) - dense @ vector) < 1e-6 * np.linalg.norm(dense @ vector)
    found, direction = largest_eigenvalue(hessian.times, vector, steps=hessian.size, tolerance=1e-9)
    assert found == pytest.approx(np.linalg.eigvalsh((dense + dense.T) / 2)[-1], rel=1e-6)
    assert np.allclose(hessian.times(direction), found * direction, atol=1e-5 * abs(found))


@given(st.integers(1, 30), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=40)
def test_lanczos_finds_the_largest_eigenvalue_of_any_symmetric_matrix(size, seed):
    rng = np.random.default_rng(seed)
    square = rng.standard_normal((size, size))
    matrix = square + square.T
    found, _ = largest_eigenvalue(lambda v: matrix @ v, rng.standard_normal(size), steps=size, tolerance=1e-10)
    assert found == pytest.approx(np.linalg.eigvalsh(matrix)[-1], rel=1e-6, abs=1e-9)


def test_a_float32_network_has_the_curvature_of_its_float64_twin():
    rng = np.random.default_rng(0)
    x, y = rng.random((20, 8)), np.eye(4)[rng.integers(0, 4, 20)]
    found = []
    for dtype in ("float32", "float64"):
        network = Network.initialise((8, 6, 4), TrainingPlan(dtype=dtype), np.random.default_rng(3))
        hessian = Hessian(network, x, y, lmbda=1.0, n=20)
        found.append(largest_eigenvalue(hessian.times, np.ones(hessian.size))[0])
    assert found[0] == pytest.approx(found[1], rel=1e-3)


def test_the_penalty_adds_lambda_over_n_to_the_curvature_along_weights_only():
    rng = np.random.default_rng(0)
    network = Network.initialise((5, 4, 3), TrainingPlan(dtype="float64"), rng)
    x, y = rng.random((6, 5)), np.eye(3)[rng.integers(0, 3, 6)]
    vector = rng.standard_normal(Hessian(network, x, y, 0.0, 6).size)
    added = Hessian(network, x, y, 3.0, 6).times(vector) - Hessian(network, x, y, 0.0, 6).times(vector)
    weights = sum(w.size for w in network.weights)
    assert np.allclose(added[:weights], 0.5 * vector[:weights])
    assert np.allclose(added[weights:], 0.0)
