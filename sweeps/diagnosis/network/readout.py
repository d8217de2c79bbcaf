"""What the hidden units of somebody's network give, read at its outputs: nothing of their class has to be known.

The layers above are replaced in a copy: one weight h leads from a unit to a chain of units at an ordinary place; the
change of an output by h, over its change by the same nudge of a bias, is that unit's activation.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweeps.diagnosis.network.subject import Array
from sweeps.user_network.wrapper import WrappedNetwork

_UNITS, _FEW = 12, 4  # of a layer that are read, at the most; of those that bounds are read from
_H = 1e-3  # of the nudges: float32 outputs still tell
_PLACE = 0.3  # biases of the chain: no kink of a rectifier is near
_FITS = 0.02  # relative error of several units at once: above it, layers are not what they are taken for
_FAR = (1e3, 1e4)  # times the weights into a layer: an activation that is bounded stands at its bounds
_SAME = 0.01  # relative difference of two bounds


@dataclass(frozen=True)
class Bounds:
    """What an activation is never outside of."""

    low: float
    high: float


def activations(wrapped: WrappedNetwork, x: Array, layer: int, times: float = 1.0, most: int = _UNITS) -> Array | None:
    """(m, units) of a hidden layer, 1 the first, for x (m, n_in); of a sample of its units where they are many.

    times: what the parameters into the layer are multiplied by. most: units. None where the outputs do not tell.
    """
    reader = _Reader(wrapped, x, layer, times)
    rng = np.random.default_rng(0)
    units = np.sort(rng.permutation(wrapped.sizes[layer])[:most])
    size = reader.change_by_bias()
    if not np.all(np.isfinite(size)) or not np.all(size):
        return None
    read = np.stack([reader.change_by(np.array([unit])) for unit in units], axis=1) / size[:, None]
    together = reader.change_by(units) / size
    error = float(np.linalg.norm(together - read.sum(axis=1)))
    return read if error <= _FITS * max(float(np.linalg.norm(together)), _H) else None


def bounds_of(wrapped: WrappedNetwork, x: Array, layer: int) -> Bounds | None:
    """Of a layer's activation; None where it has none, or outputs do not tell."""
    found = []
    for times in _FAR:
        a = activations(wrapped, x, layer, times, _FEW)
        if a is None:
            return None
        found.append(Bounds(float(np.min(a)), float(np.max(a))))
    near, far = found
    if far.high - far.low <= 0 or abs((near.high - near.low) / (far.high - far.low) - 1) > _SAME:
        return None
    return far


class _Reader:
    def __init__(self, wrapped: WrappedNetwork, x: Array, layer: int, times: float) -> None:
        self._wrapped, self._x, self._layer = wrapped.copy(), x, layer
        self._weights, self._biases = wrapped.weights, wrapped.biases
        into = layer - 1
        self._weights[into], self._biases[into] = times * self._weights[into], times * self._biases[into]
        for above in range(layer, len(self._weights)):
            self._weights[above] = np.zeros_like(self._weights[above])
            self._biases[above] = np.full_like(self._biases[above], _PLACE)
            if above > layer:
                self._weights[above][0, 0] = 1.0

    def change_by(self, units: NDArray[np.int64]) -> Array:
        """(m,): how the first output changes by a weight of h from these units, either way."""
        sides = []
        for h in (_H, -_H):
            weights = list(self._weights)
            weights[self._layer] = self._weights[self._layer].copy()
            weights[self._layer][0, units] = h
            self._wrapped.set(weights, self._biases)
            sides.append(self._first_output())
        change: Array = sides[0] - sides[1]
        return change

    def change_by_bias(self) -> Array:
        """(m,): by h in the bias of what these weights lead to."""
        sides = []
        for h in (_H, -_H):
            biases = list(self._biases)
            biases[self._layer] = self._biases[self._layer].copy()
            biases[self._layer][0] += h
            self._wrapped.set(self._weights, biases)
            sides.append(self._first_output())
        change: Array = sides[0] - sides[1]
        return change

    def _first_output(self) -> Array:
        return np.asarray(self._wrapped.feedforward(self._x.copy()), np.float64)[:, 0]
