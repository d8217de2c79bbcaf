"""Mini-batches as a step meets them: the curvature of each along its own gradient, and how noisy gradients are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.activations import ACTIVATIONS, Array
from model.costs import HEADS, squared_norm
from model.network import Network, Passes

_FEWEST, _MOST = 4, 25  # batches, while they hold _TOGETHER examples or fewer: their curvatures differ by a third or so
_TOGETHER = 500  # examples in several batches
_LARGEST = 2000  # examples in one batch; a larger one is measured on so many of it


@dataclass(frozen=True)
class BatchMeasures:
    """sharpness: mean over mini-batches B of g' H g / |g|^2, where g and H are gradient and Hessian of B's total cost
    (Andreyev and Beneventano, arXiv 2412.20553). noise_scale: trace of the covariance of single examples' gradients /
    |G|^2, G the gradient of the total cost (McCandlish et al. 2018, arXiv 1812.06162, eq. 2.9), at most n.

    NaN where there is none: no gradient, or numbers that overflow.
    """

    sharpness: float
    noise_scale: float


def sizes(batch_size: int, n: int, examples: int) -> tuple[int, int]:
    """(how many batches are measured, examples in each), of n examples: about `examples` together."""
    size = min(batch_size, n, _LARGEST)
    wanted = min(max(_FEWEST, examples // size), _MOST)
    return min(wanted, max(1, _TOGETHER // size), n // size), size


def measure_batches(
    network: Network, x: Array, y: Array, batches: int, size: int, lmbda: float, n: int
) -> BatchMeasures:
    """The first rows of x make up the batches; of all rows is the noise. x: (rows, n_in), scaled; y: one-hot.

    The total cost of a batch is its mean data cost + lmbda / (2 n) * sum of squared weights, n the training set's
    size: what the step descends.
    """
    passed = _Pass(network, x, y, lmbda / n)
    curvatures: list[float] = []
    for start in range(0, batches * size, size):
        rows = slice(start, start + size)
        gradient = passed.gradient(rows)
        norm = np.sqrt(_square(gradient))
        if norm > 0:
            curvatures.append(passed.curvature(rows, [part / norm for part in gradient]))
    return BatchMeasures(float(np.mean(curvatures)) if curvatures else np.nan, passed.noise_scale(n))


class _Pass:
    """One pass over all examples, and what follows from it of any rows among them."""

    def __init__(self, network: Network, x: Array, y: Array, decay: float) -> None:
        self._network, self._y, self._decay = network, y, decay
        activation = ACTIVATIONS[network.activation]
        passes = Passes(network, len(x))
        passes.forward(x)
        passes.backward(y)
        *hidden, self._outputs = passes.activations
        self._deltas, self._inputs = passes.deltas, [x, *hidden]
        self._slopes = [np.ones_like(a) for a in hidden]
        for slope, a in zip(self._slopes, hidden, strict=True):
            activation.multiply_slope(slope, a, np.empty_like(a))
        self._bends = [activation.bend(a) for a in hidden]

    def gradient(self, rows: slice) -> list[Array]:
        """Of the rows' total cost: by every layer's weights, then by every layer's biases."""
        m = rows.stop - rows.start
        layers = zip(self._deltas, self._inputs, self._network.weights, strict=True)
        by_weights = [delta[rows].T @ a[rows] / m + self._decay * w for delta, a, w in layers]
        return [*by_weights, *(delta[rows].mean(axis=0) for delta in self._deltas)]

    def curvature(self, rows: slice, direction: Sequence[Array]) -> float:
        """Second derivative of the rows' total cost along a direction, which is v' H v: exact, and without H.

        Along W + t V, b + t v, a layer's weighted input has z' = V a + W a' + v and z'' = 2 V a' + W a'', and its
        activation a' = f'(z) z' and a'' = f'(z) z'' + f''(z) z'^2.
        """
        layers = len(self._network.weights)
        first, second = self._inputs[0][rows], self._inputs[0][:0]
        z1, z2 = self._inputs[0], self._inputs[0]
        for k, (w, v, v_b) in enumerate(zip(self._network.weights, direction, direction[layers:], strict=False)):
            z1 = self._inputs[k][rows] @ v.T + v_b
            z2 = np.zeros_like(z1)
            if k:
                z1 += first @ w.T
                z2 = 2 * (first @ v.T) + second @ w.T
            if k < layers - 1:
                slope = self._slopes[k][rows]
                first, second = slope * z1, slope * (z2 + self._bends[k][rows] * z1 * z1)
        head = HEADS[self._network.output, self._network.cost]
        change = head.delta_change(self._outputs[rows], self._y[rows], z1)
        data = np.sum(self._deltas[-1][rows] * z2 + z1 * change, dtype=np.float64) / (rows.stop - rows.start)
        return float(data + self._decay * _square(direction[:layers]))

    def noise_scale(self, n: int) -> float:
        """Both its parts without the bias of a finite sample (McCandlish et al. 2018, appendix A)."""
        rows = len(self._y)
        mean = self.gradient(slice(0, rows))
        squares = np.zeros(rows)  # of the gradient of each example's data cost
        for delta, a in zip(self._deltas, self._inputs, strict=True):
            squares += _row_squares(delta) * (_row_squares(a) + 1)
        layers = len(self._network.weights)
        of_data = [g - self._decay * w for g, w in zip(mean, self._network.weights, strict=False)]
        trace = (squares.mean() - _square([*of_data, *mean[layers:]])) * rows / (rows - 1) if rows > 1 else np.nan
        signal = _square(mean) - trace / rows
        return float(trace / signal) if trace < n * signal else float(n + 0 * trace)


def _square(arrays: Sequence[Array]) -> float:
    return sum(squared_norm(array) for array in arrays)


def _row_squares(array: Array) -> Array:
    squares: Array = np.einsum("ij,ij->i", array, array, dtype=np.float64)
    return squares
