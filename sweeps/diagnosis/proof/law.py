"""The formula of somebody's network, found by trying those that are usual, and the exact gradient of its reported cost.

A formula is taken only where it gives their outputs and their cost at random places; then backprop of it (Nielsen, ch.
2) is the gradient that their step should have.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from sweeps.diagnosis.network.steps import draw_point
from sweeps.diagnosis.network.subject import Array, Subject

_SAME = 1e-6  # relative difference of outputs that are the same; of float32 ones, as coarse as they are
_SAME_FLOAT32 = 1e-4
_SAME_COST = 1e-3  # of costs: some add 1e-5 within a logarithm
_PLACES = 3
_TINY = 1e-300

Function = Callable[[Array], Array]


def _sigmoid(z: Array) -> Array:
    found: Array = 0.5 * (1 + np.tanh(z / 2))  # which never overflows
    return found


def _tanh(z: Array) -> Array:
    found: Array = np.tanh(z)
    return found


def _leaky(leak: float) -> tuple[Function, Function]:
    def slope(z: Array) -> Array:
        return np.where(z > 0, 1.0, leak)

    return lambda z: z * slope(z), slope


def _swish_slope(z: Array) -> Array:
    return _sigmoid(z) * (1 + z * (1 - _sigmoid(z)))


def _softplus(z: Array) -> Array:
    found: Array = np.logaddexp(0, z)
    return found


# Of units: the function, and its slope as a function of z.
UNITS: dict[str, tuple[Function, Function]] = {
    "sigmoid": (_sigmoid, lambda z: _sigmoid(z) * (1 - _sigmoid(z))),
    "tanh": (_tanh, lambda z: 1 - _tanh(z) ** 2),
    "ReLU": _leaky(0.0),
    "linear": _leaky(1.0),
    **{f"leaky ReLU ({leak:g})": _leaky(leak) for leak in (0.01, 0.1, 0.2)},
    "softplus": (_softplus, _sigmoid),
    "swish": (lambda z: z * _sigmoid(z), _swish_slope),
    "ELU": (lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))), lambda z: np.exp(np.minimum(z, 0))),
}
OUTPUTS = ("sigmoid", "softmax", "linear", "tanh", "ReLU")
COSTS = ("quadratic", "cross-entropy", "log-likelihood")


@dataclass(frozen=True)
class Law:
    """A fully connected network. hidden: the units of each hidden layer. factor: times the mean cost of an example."""

    hidden: tuple[str, ...]
    output: str
    cost: str
    factor: float

    @property
    def in_words(self) -> str:
        """sigmoid hidden units, softmax outputs and the log-likelihood cost."""
        times = "" if math.isclose(self.factor, 1, rel_tol=_SAME_COST) else f"{self.factor:.4g} times "
        units = f"{' and '.join(dict.fromkeys(self.hidden))} hidden units, " if self.hidden else ""
        return f"{units}{self.output} outputs and {times}the {self.cost} cost"

    def gradient(
        self, weights: Sequence[Array], biases: Sequence[Array], x: Array, y: Array
    ) -> tuple[list[Array], list[Array]]:
        """(by weights, by biases) of the mean cost of x (m, n_in), y (m, n_out), without penalty."""
        zs, activations = _passed(self.hidden, self.output, weights, biases, x)
        delta = self.factor * _output_delta(self.output, self.cost, zs[-1], activations[-1], y)
        of_weights: list[Array] = []
        of_biases: list[Array] = []
        for layer in range(len(weights) - 1, -1, -1):
            of_weights.insert(0, delta.T @ activations[layer] / len(x))
            of_biases.insert(0, delta.mean(axis=0))
            if layer:
                delta = (delta @ weights[layer]) * UNITS[self.hidden[layer - 1]][1](zs[layer - 1])  # (BP2)
        return of_weights, of_biases


def find_law(subject: Subject) -> Law | None:
    """The formula that gives their outputs and their cost; None where none of the usual ones does."""
    rng = np.random.default_rng(0)
    points = [draw_point(subject.layout, rng) for _ in range(_PLACES)]
    layers = subject.layout.layers - 1
    alike = [(name,) * layers for name in UNITS]
    mixed = [names for names in product(UNITS, repeat=layers) if names not in alike] if layers <= 2 else []
    theirs = [subject.outputs(point.theta, point.x) for point in points]
    for hidden, output in product([*dict.fromkeys(alike), *mixed], OUTPUTS):
        if all(
            _is_same(_outputs(subject, hidden, output, point.theta, point.x), found)
            for point, found in zip(points, theirs, strict=True)
        ):
            break
    else:
        return None
    for cost in COSTS:
        factors = []
        for point, a in zip(points, theirs, strict=True):
            of_examples = [subject.cost(point.theta, *point.example(k)) for k in range(len(point))]
            ours = _costs(cost, a, point.y)
            factors.append(float(np.mean(of_examples) / np.mean(ours)) if np.mean(ours) else math.nan)
        if np.all(np.isfinite(factors)) and np.ptp(factors) <= _SAME_COST * abs(factors[0]):
            return Law(hidden, output, cost, float(np.mean(factors)))
    return None


def _is_same(ours: Array, theirs: Array) -> bool:
    single = np.array_equal(theirs, theirs.astype(np.float32))
    size = float(np.linalg.norm(theirs))
    return float(np.linalg.norm(ours - theirs)) <= (_SAME_FLOAT32 if single else _SAME) * size


def _outputs(subject: Subject, hidden: Sequence[str], output: str, theta: Array, x: Array) -> Array:
    layout = subject.layout
    return _passed(hidden, output, layout.weights(theta), layout.biases(theta), x)[1][-1]


def _passed(
    hidden: Sequence[str], output: str, weights: Sequence[Array], biases: Sequence[Array], x: Array
) -> tuple[list[Array], list[Array]]:
    """(z of each layer, x and the activation of each layer)."""
    zs, activations = [], [x]
    for w, b, name in zip(weights, biases, [*hidden, output], strict=True):
        zs.append(activations[-1] @ w.T + b)
        activations.append(_softmax(zs[-1]) if name == "softmax" else UNITS[name][0](zs[-1]))
    return zs, activations


def _softmax(z: Array) -> Array:
    grown = np.exp(z - z.max(axis=1, keepdims=True))
    found: Array = grown / grown.sum(axis=1, keepdims=True)
    return found


def _costs(cost: str, a: Array, y: Array) -> Array:
    """(m,)."""
    with np.errstate(all="ignore"):
        if cost == "quadratic":
            each = 0.5 * (a - y) ** 2
        elif cost == "log-likelihood":
            each = -np.where(y > 0, y * np.log(a), 0.0)
        else:
            each = -np.where(y > 0, y * np.log(a), 0.0) - np.where(y < 1, (1 - y) * np.log1p(-a), 0.0)
    found: Array = each.sum(axis=1)
    return found


def _output_delta(output: str, cost: str, z: Array, a: Array, y: Array) -> Array:
    """(BP1): the derivative of an example's cost by z, (m, n_out); where slopes cancel they are never made."""
    if (output, cost) == ("sigmoid", "cross-entropy"):
        return a - y
    if (output, cost) == ("softmax", "log-likelihood"):
        found: Array = a * y.sum(axis=1, keepdims=True) - y
        return found
    if cost == "quadratic":
        by_a = a - y
    elif cost == "log-likelihood":
        by_a = -y / np.maximum(a, _TINY)
    else:
        by_a = (1 - y) / np.maximum(1 - a, _TINY) - y / np.maximum(a, _TINY)
    by_z: Array = by_a * (a if output == "softmax" else UNITS[output][1](z))
    return by_z - a * by_z.sum(axis=1, keepdims=True) if output == "softmax" else by_z
