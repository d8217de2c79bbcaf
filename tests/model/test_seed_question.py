"""The question's two formulas, transcribed as they stand there, run beside the product and give its numbers."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model import Hyperparameters, TrainingPlan, digits, train
from model.activations import Array

Pair = tuple[Array, Array]  # one sample and its target, one-dimensional


class QuestionNetwork:
    """Samples are columns, biases (n_out, 1). The part that the question does not show is the textbook's."""

    def __init__(self, sizes: tuple[int, ...], rng: np.random.Generator) -> None:
        self.bias = [rng.standard_normal(n_out)[:, np.newaxis] for n_out in sizes[1:]]
        self.weights = [rng.standard_normal((n_out, n_in)) for n_in, n_out in pairwise(sizes)]

    def feedforward(self, a: Array) -> Array:
        for w, b in zip(self.weights, self.bias, strict=True):
            a = sigmoid(w @ a + b)
        return a

    def backprop(self, matrix_x: Array, matrix_y: Array) -> tuple[list[Array], list[Array]]:
        """Gradients of 1/2 sum of squares, summed over the columns (Nielsen, ch. 2, BP1 to BP4)."""
        zs, activations = [], [matrix_x]
        for w, b in zip(self.weights, self.bias, strict=True):
            zs.append(w @ activations[-1] + b)
            activations.append(sigmoid(zs[-1]))
        delta = (activations[-1] - matrix_y) * sigmoid_prime(zs[-1])
        gradient_b, gradient_w = [delta.sum(axis=1, keepdims=True)], [delta @ activations[-2].T]
        for layer in range(2, len(self.weights) + 1):
            delta = (self.weights[-layer + 1].T @ delta) * sigmoid_prime(zs[-layer])
            gradient_b.insert(0, delta.sum(axis=1, keepdims=True))
            gradient_w.insert(0, delta @ activations[-layer - 1].T)
        return gradient_b, gradient_w

    def update_mini_batch(self, mini_batch: list[Pair], eta: float, lmbda: float, n: int) -> None:
        matrix_x, matrix_y = [np.array(list(arr_list)).transpose() for arr_list in zip(*mini_batch, strict=True)]
        gradient_b, gradient_w = self.backprop(matrix_x, matrix_y)
        self.bias = [b - (eta / len(mini_batch)) * db for b, db in zip(self.bias, gradient_b, strict=True)]
        self.weights = [
            (1 - eta * (lmbda / n)) * w - (eta / len(mini_batch)) * dw
            for w, dw in zip(self.weights, gradient_w, strict=True)
        ]

    def evaluate(self, data: list[Pair], lmbda: float) -> tuple[float, int]:
        matrix_x, matrix_y = [np.array(list(arr_list)).transpose() for arr_list in zip(*data, strict=True)]
        output_matrix = self.feedforward(matrix_x)
        cost = np.mean(np.sum((output_matrix - matrix_y) ** 2, axis=0) / 2)
        cost += lmbda / (2 * (matrix_y.shape[1])) * sum(np.linalg.norm(w) ** 2 for w in self.weights)
        acc = np.sum(output_matrix.argmax(axis=0) == matrix_y.argmax(axis=0))
        return float(cost), int(acc)


def sigmoid(z: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z: Array) -> Array:
    return sigmoid(z) * (1 - sigmoid(z))


@pytest.mark.parametrize(("hidden", "eta", "lmbda"), [((30,), 3.0, 5.0), ((20, 15), 1.0, 0.5), ((30,), 0.4, 300.0)])
def test_product_gives_the_numbers_of_the_formulas_in_the_question(
    hidden: tuple[int, ...], eta: float, lmbda: float, distance: Any, tmp_path: Path
) -> None:
    """Cost shown, samples right, and parameters after each of three epochs, whose last mini-batch is smaller.

    Both start from the generator that the training spawns first, and shuffle with the one it spawns second.
    """
    data, held_back, batch_size, epochs = digits(tmp_path), 300, 7, 3
    x, y = data.train.x / 16, np.eye(10)[data.train.y]
    pairs = list(zip(x, y, strict=True))
    n = len(pairs) - held_back
    assert n % batch_size
    initial, shuffles = np.random.default_rng([0, 1]).spawn(2)
    question = QuestionNetwork((64, *hidden, 10), initial)

    plan = TrainingPlan(
        dataset="digits",
        validation=held_back,
        hidden=hidden,
        activation="sigmoid",
        output="sigmoid",
        cost="quadratic",
        initialisation="standard",
        penalty_n="evaluated",
        epochs=epochs,
        dtype="float64",
    )
    training = train(plan, Hyperparameters(eta, lmbda, batch_size), data, np.random.default_rng([0, 1]))
    for record in training:
        if record.epoch > 0:
            order = shuffles.permutation(n)
            for start in range(0, n, batch_size):
                mini_batch = [pairs[k] for k in order[start : start + batch_size]]
                question.update_mini_batch(mini_batch, eta, lmbda, n)
        cost, acc = question.evaluate(pairs[n:], lmbda)
        assert record["cost/validation_total"] == pytest.approx(cost, rel=1e-12, abs=0)
        assert record["accuracy/validation"] == acc / held_back
        for actual, expected in zip(training.network.weights, question.weights, strict=True):
            assert distance(actual, expected) < 1e-12
        for bias, column in zip(training.network.biases, question.bias, strict=True):
            assert distance(bias[:, np.newaxis], column) < 1e-12
    assert record.epoch == epochs
