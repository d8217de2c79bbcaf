"""Costs, each together with the output activation that it is measured on, and the L2 penalty.

Rows are examples: z, a and y are (m, n_out), z the outputs' weighted input, a their activation, y one-hot targets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax, softmax

from model.activations import SIGMOID, Array


@dataclass(frozen=True)
class Head:
    """An output activation and a cost.

    apply(z): z becomes the activation a. value(z, a, y): data cost summed over the examples.
    delta(a, y, out, scratch): out becomes the derivative of that sum by z.
    delta_change(a, y, dz): how delta changes as z moves by dz, to first order.
    """

    apply: Callable[[Array], object]
    value: Callable[[Array, Array, Array], float]
    delta: Callable[[Array, Array, Array, Array], None]
    delta_change: Callable[[Array, Array, Array], Array]


def penalty(weights: Sequence[Array], lmbda: float, n: int) -> float:
    """L2 penalty lmbda / (2 n) * sum of squared weights (Nielsen, ch. 3, eq. 87). weights[k]: (n_out, n_in)."""
    return lmbda / (2 * n) * sum(squared_norm(w) for w in weights)


def squared_norm(array: Array) -> float:
    """Sum of squares, in float64: a float32 weight of 1e20 is finite, its float32 square is not."""
    return float(np.sum(np.square(array, dtype=np.float64)))


def _softmax(z: Array) -> None:
    z[:] = softmax(z, axis=1)


def _linear(z: Array) -> None:
    del z  # the activation is z itself


def _quadratic(z: Array, a: Array, y: Array) -> float:
    """1/2 * sum of (a - y)^2 (Nielsen, ch. 1, eq. 6)."""
    del z
    return 0.5 * squared_norm(a - y)


def _difference(a: Array, y: Array, out: Array, scratch: Array) -> None:
    del scratch
    np.subtract(a, y, out=out)


def _quadratic_sigmoid_delta(a: Array, y: Array, out: Array, scratch: Array) -> None:
    np.subtract(a, y, out=out)
    SIGMOID.multiply_slope(out, a, scratch)


def _quadratic_softmax_delta(a: Array, y: Array, out: Array, scratch: Array) -> None:
    np.subtract(a, y, out=out)
    np.multiply(out, a, out=scratch)
    np.subtract(out, scratch.sum(axis=1, keepdims=True), out=out)
    np.multiply(out, a, out=out)


def _cross_entropy_sigmoid(z: Array, a: Array, y: Array) -> float:
    """-sum of y ln a + (1 - y) ln(1 - a) (Nielsen, ch. 3, eq. 63), written in z so that no logarithm meets a 0."""
    del a
    return float(np.sum(np.logaddexp(0, z) - y * z, dtype=np.float64))


def _cross_entropy_softmax(z: Array, a: Array, y: Array) -> float:
    """-sum of y ln a (Nielsen, ch. 3, eq. 80), written in z."""
    del a
    return -float(np.sum(y * log_softmax(z, axis=1), dtype=np.float64))


def _sigmoid_change(a: Array, y: Array, dz: Array) -> Array:
    """Of a - y, where a = sigmoid(z)."""
    del y
    return a * (1 - a) * dz


def _softmax_change(a: Array, y: Array, dz: Array) -> Array:
    """Of a - y, where a = softmax(z)."""
    del y
    change: Array = a * (dz - (a * dz).sum(axis=1, keepdims=True))
    return change


def _linear_change(a: Array, y: Array, dz: Array) -> Array:
    del a, y
    return dz


def _quadratic_sigmoid_change(a: Array, y: Array, dz: Array) -> Array:
    slope = a * (1 - a)
    return (slope + (a - y) * (1 - 2 * a)) * slope * dz


def _quadratic_softmax_change(a: Array, y: Array, dz: Array) -> Array:
    error = a - y
    da = _softmax_change(a, y, dz)
    centred = error - (error * a).sum(axis=1, keepdims=True)
    change: Array = da * centred + a * (da - (da * a + error * da).sum(axis=1, keepdims=True))
    return change


HEADS: dict[tuple[str, str], Head] = {
    ("sigmoid", "quadratic"): Head(SIGMOID.apply, _quadratic, _quadratic_sigmoid_delta, _quadratic_sigmoid_change),
    ("softmax", "quadratic"): Head(_softmax, _quadratic, _quadratic_softmax_delta, _quadratic_softmax_change),
    ("linear", "quadratic"): Head(_linear, _quadratic, _difference, _linear_change),
    ("sigmoid", "cross_entropy"): Head(SIGMOID.apply, _cross_entropy_sigmoid, _difference, _sigmoid_change),
    ("softmax", "cross_entropy"): Head(_softmax, _cross_entropy_softmax, _difference, _softmax_change),
}
