"""Curvature of the total cost: exact products with its Hessian, and the Hessian's largest eigenvalue."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from model.activations import ACTIVATIONS, Array
from model.costs import HEADS
from model.network import Network, Passes

Vector = NDArray[np.float64]

_STEPS = 40  # Lanczos steps at the most
_TOLERANCE = 1e-3  # of the eigenvalue: far finer than any verdict asks for


class Hessian:
    """The Hessian of the total cost (mean data cost over the probe + lmbda / (2 n) * sum of squared weights).

    x: (m, n_in), scaled, y: (m, n_out), one-hot: the probe. A vector holds every weight, layer by layer, row by row,
    then every bias. The network must not change between construction and the products.
    """

    def __init__(self, network: Network, x: Array, y: Array, lmbda: float, n: int) -> None:
        self._network, self._x, self._y = network, np.ascontiguousarray(x, network.dtype), y
        self._decay = lmbda / n
        self._head = HEADS[network.output, network.cost]
        self._bend = ACTIVATIONS[network.activation].bend
        self._passes = Passes(network, len(x))
        self._passes.forward(self._x)
        self._passes.backward(y)
        self._inputs = [self._x, *self._passes.activations[:-1]]
        ones = [np.ones_like(a) for a in self._inputs[1:]]
        for slope, a in zip(ones, self._inputs[1:], strict=True):
            ACTIVATIONS[network.activation].multiply_slope(slope, a, np.empty_like(a))
        self._slopes = ones
        self.size = sum(p.size for p in (*network.weights, *network.biases))

    def times(self, vector: Vector) -> Vector:
        """The product with a vector, by forward-over-reverse differentiation (Pearlmutter 1994)."""
        network, passes, m = self._network, self._passes, len(self._x)
        v_weights, v_biases = self._split(vector.astype(network.dtype))
        change = np.zeros_like(self._x[:, :0])  # of a layer's input; the first does not change
        input_changes, z_changes = [], []
        for k, (w, v, v_b) in enumerate(zip(network.weights, v_weights, v_biases, strict=True)):
            dz = self._inputs[k] @ v.T + v_b
            if k:
                dz += change @ w.T
            input_changes.append(change)
            z_changes.append(dz)
            if k < len(self._slopes):
                change = self._slopes[k] * dz
        delta_change = self._head.delta_change(passes.activations[-1], self._y, z_changes[-1])
        products_w: list[Array] = []
        products_b: list[Array] = []
        for k in range(len(network.weights) - 1, -1, -1):
            product = delta_change.T @ self._inputs[k]
            if k:
                product += passes.deltas[k].T @ input_changes[k]
            products_w.append(product / m + self._decay * v_weights[k])
            products_b.append(delta_change.mean(axis=0))
            if k:
                bent = passes.deltas[k - 1] * self._bend(passes.activations[k - 1]) * z_changes[k - 1]
                through = delta_change @ network.weights[k] + passes.deltas[k] @ v_weights[k]
                delta_change = through * self._slopes[k - 1] + bent
        flat = [p.ravel() for p in (*reversed(products_w), *reversed(products_b))]
        return np.concatenate(flat).astype(np.float64)

    def _split(self, vector: Array) -> tuple[list[Array], list[Array]]:
        parts, at = [], 0
        for parameter in (*self._network.weights, *self._network.biases):
            parts.append(vector[at : at + parameter.size].reshape(parameter.shape))
            at += parameter.size
        return parts[: len(self._network.weights)], parts[len(self._network.weights) :]


def largest_eigenvalue(
    times: Callable[[Vector], Vector], start: Vector, steps: int = _STEPS, tolerance: float = _TOLERANCE
) -> tuple[float, Vector]:
    """(largest eigenvalue of a symmetric operator, its eigenvector), by the Lanczos iteration from `start`.

    Every new vector is made orthogonal to all before (Golub and Van Loan, 10.3.5): there are few, and without it
    copies of found eigenvalues appear. Ends when the residual falls below tolerance * |eigenvalue|, or after `steps`.
    """
    basis = [start / np.linalg.norm(start)]
    diagonal: list[float] = []
    beside: list[float] = []
    while True:
        w = times(basis[-1])
        diagonal.append(float(w @ basis[-1]))
        for q in basis:
            w -= (w @ q) * q
        norm = float(np.linalg.norm(w))
        tridiagonal = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
        values, vectors = np.linalg.eigh(tridiagonal)
        residual = norm * abs(float(vectors[-1, -1]))
        if len(basis) == min(steps, len(start)) or not residual > tolerance * abs(float(values[-1])):
            return float(values[-1]), np.column_stack(basis) @ vectors[:, -1]
        basis.append(w / norm)
        beside.append(norm)
