"""Small data and networks drawn from a generator, and the step of SGD written as its formula."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from model import Dataset, Examples, Hyperparameters, Network, TrainingPlan
from model.activations import Array

Batch = tuple[Array, Array]


def _draw_examples(
    rng: np.random.Generator, n: int, features: int = 4, classes: int = 3, dtype: str = "float64", scale: float = 0.5
) -> Examples:
    return Examples(rng.standard_normal((n, features)).astype(dtype), rng.integers(0, classes, n), scale, classes)


def _draw_data(rng: np.random.Generator, n: int, **of: Any) -> Dataset:
    return Dataset("toy", _draw_examples(rng, n, **of), _draw_examples(rng, 9, **of), digest="0" * 32)


def _draw_network(rng: np.random.Generator, plan: TrainingPlan, examples: Examples) -> Network:
    return Network.initialise((examples.features, *plan.hidden, examples.classes), plan, rng)


def _as_batch(examples: Examples, dtype: str = "float64") -> Batch:
    x = examples.x.astype(dtype) * np.array(examples.scale, dtype)
    return x, np.eye(examples.classes, dtype=dtype)[examples.y]


def _distance(actual: NDArray[Any], expected: NDArray[Any]) -> float:
    """Norm of the difference / norm of what was expected; 0 where both are 0."""
    assert actual.shape == expected.shape
    difference, norm = np.linalg.norm(actual - expected), np.linalg.norm(expected)
    return float(difference / norm) if difference else 0.0


def _formula_step(
    network: Network, velocities: Sequence[Array], x: Array, y: Array, eta: float, decay: float, momentum: float
) -> tuple[list[Array], list[Array]]:
    """(weights then biases, their velocities) after v = momentum v - eta (nabla + decay w), w = w + v.

    decay: lambda / n, for weights only. nabla: gradient of the batch's mean data cost.
    """
    nabla_b, nabla_w = network.backprop(x, y)
    gradients = [nabla + decay * w for nabla, w in zip(nabla_w, network.weights, strict=True)] + nabla_b
    velocities = [momentum * v - eta * gradient for v, gradient in zip(velocities, gradients, strict=True)]
    parameters = (*network.weights, *network.biases)
    return [p + v for p, v in zip(parameters, velocities, strict=True)], velocities


def _dense_hessian(network: Network, x: Array, y: Array, lmbda: float, n: int) -> Array:
    """Of the total cost: central differences of backprop's gradient, one parameter at a time."""
    step = 1e-5

    def gradient() -> Array:
        nabla_b, nabla_w = network.backprop(x, y)
        totals = [g + lmbda / n * w for g, w in zip(nabla_w, network.weights, strict=True)]
        return np.concatenate([g.ravel() for g in (*totals, *nabla_b)])

    rows = []
    for parameter in (*network.weights, *network.biases):
        flat = parameter.reshape(-1)
        for i in range(flat.size):
            kept = flat[i]
            flat[i] = kept + step
            above = gradient()
            flat[i] = kept - step
            rows.append((above - gradient()) / (2 * step))
            flat[i] = kept
    return np.array(rows)


@pytest.fixture(scope="session")
def dense_hessian() -> Callable[..., Array]:
    return _dense_hessian


@pytest.fixture(scope="session")
def draw_examples() -> Callable[..., Examples]:
    return _draw_examples


@pytest.fixture(scope="session")
def draw_data() -> Callable[..., Dataset]:
    return _draw_data


@pytest.fixture(scope="session")
def draw_network() -> Callable[..., Network]:
    return _draw_network


@pytest.fixture(scope="session")
def as_batch() -> Callable[..., Batch]:
    return _as_batch


@pytest.fixture(scope="session")
def distance() -> Callable[..., float]:
    return _distance


@pytest.fixture(scope="session")
def formula_step() -> Callable[..., tuple[list[Array], list[Array]]]:
    return _formula_step


@pytest.fixture
def hyperparameters() -> Hyperparameters:
    """Tame: batches of 7 leave a smaller last one for any n that 7 does not divide."""
    return Hyperparameters(eta=0.5, lmbda=0.3, batch_size=7)
