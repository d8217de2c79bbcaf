"""Activations of hidden units: the function and, from its value, its slope. All work in place, on any shape."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Activation:
    """apply(z): z becomes f(z). multiply_slope(delta, a, scratch): delta becomes delta * f'(z), where a = f(z).

    bend(a): f''(z) / f'(z), where a = f(z). saturation(a): for a (examples, units), the fraction of activations where f
    hardly changes any more: sigmoid outside .05 .. .95, tanh outside -.9 .. .9 (the same units, as tanh z =
    2 sigmoid(2 z) - 1); for ReLU, the fraction of units that are dead, at 0 for every example.
    """

    apply: Callable[[Array], object]
    multiply_slope: Callable[[Array, Array, Array], None]
    bend: Callable[[Array], Array]
    saturation: Callable[[Array], float]


def _sigmoid(z: Array) -> None:
    expit(z, out=z)  # never overflows, unlike 1 / (1 + exp(-z))


def _sigmoid_slope(delta: Array, a: Array, scratch: Array) -> None:
    np.subtract(1, a, out=scratch)
    np.multiply(scratch, a, out=scratch)
    np.multiply(delta, scratch, out=delta)


def _tanh(z: Array) -> None:
    np.tanh(z, out=z)


def _tanh_slope(delta: Array, a: Array, scratch: Array) -> None:
    np.multiply(a, a, out=scratch)
    np.subtract(1, scratch, out=scratch)
    np.multiply(delta, scratch, out=delta)


def _relu(z: Array) -> None:
    np.maximum(z, 0, out=z)


def _relu_slope(delta: Array, a: Array, scratch: Array) -> None:
    np.sign(a, out=scratch)  # a >= 0, so this is 1 where the unit is alive and 0 where it is not
    np.multiply(delta, scratch, out=delta)


SIGMOID = Activation(_sigmoid, _sigmoid_slope, lambda a: 1 - 2 * a, lambda a: float(np.mean(np.abs(a - 0.5) > 0.45)))

ACTIVATIONS: dict[str, Activation] = {
    "sigmoid": SIGMOID,
    "tanh": Activation(_tanh, _tanh_slope, lambda a: -2 * a, lambda a: float(np.mean(np.abs(a) > 0.9))),
    "relu": Activation(_relu, _relu_slope, np.zeros_like, lambda a: float(np.mean((a <= 0).all(axis=0)))),
}
