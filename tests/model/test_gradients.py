"""Backprop is the gradient of the reported cost, and a step is the formula over that gradient."""

from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from model import Examples, Hyperparameters, Network, TrainingPlan
from model.activations import ACTIVATIONS
from model.costs import HEADS, penalty
from model.measures import evaluate
from model.training import Step

Draw = dict[str, Any]

H = 1e-4  # of the differences: their error is below H^4 times a fifth derivative, their rounding near 1e-16 / H
ETA = 0.7

each_head = pytest.mark.parametrize("head", HEADS, ids="-".join)
each_draw = given(
    draw=st.fixed_dictionaries(
        {
            "hidden": st.lists(st.integers(1, 5), max_size=3).map(tuple),
            "activation": st.sampled_from(sorted(ACTIVATIONS)),
            "features": st.integers(1, 5),
            "classes": st.integers(2, 4),
            "seed": st.integers(0, 2**32 - 1),
        }
    ),
    batch=st.integers(1, 6),
    decay=st.just(0.0) | st.floats(1e-3, 0.5),
)


@pytest.fixture(scope="session")
def drawn(draw_examples: Any, draw_network: Any) -> Callable[..., tuple[Network, Examples]]:
    """A network with the head, and n examples for it."""

    def make(draw: Draw, head: tuple[str, str], n: int, dtype: str = "float64") -> tuple[Network, Examples]:
        rng = np.random.default_rng(draw["seed"])
        plan = TrainingPlan(
            hidden=draw["hidden"], activation=draw["activation"], output=head[0], cost=head[1], dtype=dtype
        )
        examples = draw_examples(rng, n, draw["features"], draw["classes"], dtype="float32")
        return draw_network(rng, plan, examples), examples

    return make


@each_head
@each_draw
@settings(max_examples=40, deadline=None)
def test_backprop_is_the_gradient_of_the_data_cost(
    drawn: Any, as_batch: Any, head: tuple[str, str], draw: Draw, batch: int, decay: float
) -> None:
    network, examples = drawn(draw, head, batch)
    nabla_b, nabla_w = network.backprop(*as_batch(examples))
    check_gradient(lambda: evaluate(network, examples)[0], network, nabla_w, nabla_b)


@each_head
@each_draw
@settings(max_examples=20, deadline=None)
def test_backprop_and_decay_are_the_gradient_of_the_total_cost(
    drawn: Any, as_batch: Any, head: tuple[str, str], draw: Draw, batch: int, decay: float
) -> None:
    """The gradient by w of data cost + lambda / (2 n) * sum of squares is nabla_w + lambda / n * w."""
    network, examples = drawn(draw, head, batch)
    lmbda, n = 100 * decay, 100
    nabla_b, nabla_w = network.backprop(*as_batch(examples))
    nabla_w = [nabla + lmbda / n * w for nabla, w in zip(nabla_w, network.weights, strict=True)]
    check_gradient(
        lambda: evaluate(network, examples)[0] + penalty(network.weights, lmbda, n), network, nabla_w, nabla_b
    )


def check_gradient(
    cost: Callable[[], float], network: Network, by_weights: list[NDArray[Any]], by_biases: list[NDArray[Any]]
) -> None:
    """Against central differences at H and 2 H, extrapolated (Richardson), for each parameter as a whole.

    Where the two disagree a ReLU bent between them, and the draw is dropped. Smooth activations are never let off.
    """
    for parameter, nabla in zip(chain(network.weights, network.biases), chain(by_weights, by_biases), strict=True):
        values = np.empty((4, *parameter.shape))
        for index in np.ndindex(parameter.shape):
            entry = parameter[index]
            for row, steps in enumerate((-2, -1, 1, 2)):
                parameter[index] = entry + steps * H
                values[row, *index] = cost()
            parameter[index] = entry
        near, far = (values[2] - values[1]) / (2 * H), (values[3] - values[0]) / (4 * H)
        rounding = 8 * np.finfo(float).eps / H * np.linalg.norm(values[0])
        if network.activation == "relu":
            assume(np.linalg.norm(near - far) <= 1e-6 * np.linalg.norm(near) + rounding)
        numeric = (4 * near - far) / 3
        assert np.linalg.norm(nabla - numeric) <= 1e-6 * np.linalg.norm(numeric) + rounding


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@each_head
@each_draw
@settings(max_examples=20, deadline=None)
def test_step_is_the_formula_over_the_gradient(
    drawn: Any,
    formula_step: Any,
    as_batch: Any,
    distance: Any,
    head: tuple[str, str],
    momentum: float,
    draw: Draw,
    batch: int,
    decay: float,
) -> None:
    """To rounding, at each of four steps, the last of them on a smaller batch. Biases do not decay."""
    n = 3 * batch + (batch + 1) // 2
    network, examples = drawn(draw, head, n)
    step = Step(network, Hyperparameters(ETA, decay * n, batch), n, momentum)
    velocities = [np.zeros_like(p) for p in (*network.weights, *network.biases)]
    for start in range(0, n, batch):
        x, y = as_batch(examples[start : start + batch])
        expected, velocities = formula_step(network, velocities, x, y, ETA, decay, momentum)
        step(x, y)
        for actual, parameter in zip((*network.weights, *network.biases), expected, strict=True):
            assert distance(actual, parameter) < 1e-12


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@each_head
@each_draw
@settings(max_examples=20, deadline=None)
def test_float32_step_agrees_with_float64_step(
    drawn: Any, as_batch: Any, head: tuple[str, str], momentum: float, draw: Draw, batch: int, decay: float
) -> None:
    """Apart by rounding alone, measured against the size of the parameter and of its step."""
    parameters: dict[str, list[NDArray[Any]]] = {}
    for dtype in ("float32", "float64"):
        network, examples = drawn(draw, head, batch, dtype)
        starts = [p.astype(float) for p in (*network.weights, *network.biases)]
        step = Step(network, Hyperparameters(ETA, decay * batch, batch), batch, momentum)
        step(*as_batch(examples, dtype))
        parameters[dtype] = [*network.weights, *network.biases]
        assert {p.dtype for p in parameters[dtype]} == {np.dtype(dtype)}
    for start, single, double in zip(starts, parameters["float32"], parameters["float64"], strict=True):
        size = np.linalg.norm(start) + np.linalg.norm(double - start)
        assert np.linalg.norm(single - double) <= 20 * np.finfo(np.float32).eps * size
