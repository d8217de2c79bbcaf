"""A fully connected network: its parameters, feedforward, and backprop in preallocated buffers."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np

from model.activations import ACTIVATIONS, Array
from model.costs import HEADS
from model.hyperparameters import TrainingPlan


@dataclass(frozen=True)
class Network:
    """weights[k]: (n_out, n_in) and biases[k]: (n_out,) of layer k + 1, C-contiguous; they are trained in place.

    activation, output, cost: names as in TrainingPlan. Raises ValueError for arrays that BLAS could not write into.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    activation: str = "sigmoid"
    output: str = "sigmoid"
    cost: str = "quadratic"

    def __post_init__(self) -> None:
        for parameter in (*self.weights, *self.biases):
            if parameter.dtype not in (np.float32, np.float64) or parameter.dtype != self.dtype:
                raise ValueError(f"parameters must be all float32 or all float64, got {parameter.dtype}")
            if not parameter.flags.c_contiguous:
                raise ValueError("parameters must be C-contiguous: pass np.ascontiguousarray of each")

    @classmethod
    def initialise(cls, sizes: Sequence[int], plan: TrainingPlan, rng: np.random.Generator) -> Self:
        """Draws a network with layers of the given sizes, inputs first. See TrainingPlan.initialisation.

        "scaled" divides the standard normal weights by sqrt(n_in) (Nielsen, ch. 3, "Weight initialization").
        The draws are made in float64, so that float32 and float64 start from the same network.
        """
        biases = [rng.standard_normal(n_out) for n_out in sizes[1:]]
        weights = [rng.standard_normal((n_out, n_in)) for n_in, n_out in pairwise(sizes)]
        if plan.initialisation == "scaled":
            weights = [w / np.sqrt(w.shape[1]) for w in weights]
        return cls(
            weights=tuple(w.astype(plan.dtype) for w in weights),
            biases=tuple(b.astype(plan.dtype) for b in biases),
            activation=plan.activation,
            output=plan.output,
            cost=plan.cost,
        )

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of every layer, inputs first."""
        return (self.weights[0].shape[1], *(len(b) for b in self.biases))

    @property
    def dtype(self) -> np.dtype[np.floating]:
        """Floating type of all parameters."""
        return self.weights[0].dtype

    def feedforward(self, x: Array) -> Array:
        """Outputs (m, n_out) for inputs x (m, n_in), scaled as in training (x * scale)."""
        return Passes(self, len(x)).forward(np.asarray(x, self.dtype)).copy()

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """Gradient of the mean data cost over the examples: (nabla_b, nabla_w), shaped as biases and weights.

        x: (m, n_in); y: (m, n_out), one-hot. The penalty's part is not in it.
        """
        passes = Passes(self, len(x))
        x = np.asarray(x, self.dtype)
        passes.forward(x)
        passes.backward(y)
        inputs = [x, *passes.activations[:-1]]
        nabla_w = [delta.T @ a / len(x) for delta, a in zip(passes.deltas, inputs, strict=True)]
        return [delta.mean(axis=0) for delta in passes.deltas], nabla_w


class Passes:
    """Forward and backward passes over `rows` examples at a time; every result lives in a buffer made once.

    activations[k]: (rows, n_out) of layer k + 1. logits: the outputs' weighted input, kept when asked for.
    deltas[k]: derivative of the *summed* data cost by layer k + 1's weighted input.
    """

    def __init__(self, network: Network, rows: int) -> None:
        self.activations = [np.empty((rows, len(b)), network.dtype) for b in network.biases]
        self.deltas = [np.empty_like(a) for a in self.activations]
        self.logits = np.empty_like(self.activations[-1])
        self._scratch = [np.empty_like(a) for a in self.activations]
        self._activation = ACTIVATIONS[network.activation]
        self._head = HEADS[network.output, network.cost]
        transposed = [w.T for w in network.weights]
        hidden = list(zip(transposed, network.biases, self.activations, strict=True))
        self._hidden, self._last = hidden[:-1], hidden[-1]
        self._back = [
            (network.weights[k], self.deltas[k], self.deltas[k - 1], self.activations[k - 1], self._scratch[k - 1])
            for k in range(len(network.weights) - 1, 0, -1)
        ]

    def forward(self, x: Array, keep_logits: bool = False) -> Array:
        """The outputs (rows, n_out) for x: (rows, n_in); a buffer, overwritten by the next call."""
        apply = self._activation.apply
        for weights, bias, a in self._hidden:
            np.dot(x, weights, out=a)
            np.add(a, bias, out=a)
            apply(a)
            x = a
        weights, bias, a = self._last
        np.dot(x, weights, out=a)
        np.add(a, bias, out=a)
        if keep_logits:
            np.copyto(self.logits, a)
        self._head.apply(a)
        return a

    def backward(self, y: Array) -> None:
        """Fills the deltas for targets y: (rows, n_out); follows a forward pass."""
        self._head.delta(self.activations[-1], y, self.deltas[-1], self._scratch[-1])
        multiply_slope = self._activation.multiply_slope
        for weights, delta, delta_below, a_below, scratch in self._back:
            np.dot(delta, weights, out=delta_below)  # (BP2)
            multiply_slope(delta_below, a_below, scratch)

    def data_cost(self, y: Array) -> float:
        """Data cost of the last forward pass (made with keep_logits), summed over the examples."""
        return self._head.value(self.logits, self.activations[-1], y)
