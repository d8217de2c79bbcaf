"""The shapes of the question and of Nielsen's network2: lists of weights and biases, a step on a list of pairs."""

import copy
import inspect
from collections.abc import Callable, Sequence
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from sweeps.errors import UserNetworkError
from sweeps.user_network.readings.naming import Role, role_of
from sweeps.user_network.readings.reading import Array, Pairs, theirs

NAMES = ("weights", "feedforward", "update_mini_batch")
_STEP = (Role.PAIRS, Role.ETA, Role.LMBDA, Role.N)
_PROBES = 7  # examples that a shape is tried with, or more: no layer may have as many units


class NielsenReading:
    """A mini-batch becomes one matrix, samples in columns, `bias`; or sample by sample, column vectors, `biases`.

    Which of both samples are, one-dimensional or columns, is found by watching what reaches their feedforward. Raises
    UserNetworkError where their code raises, or lacks something.
    """

    has_biases = True

    def __init__(self, network: Any, file: Path | None = None) -> None:
        self.file = file
        with theirs(file, "reading weights and biases"):
            self.bias_name = _either(network, "biases", "bias")
            self.cost_name = _either(network, "total_cost", "evaluate")
            for name in NAMES:
                _either(network, name)
            self.sizes = self._sizes(network)
            self._bias_shapes = [np.shape(b) for b in getattr(network, self.bias_name)]
        self._probes = next(m for m in count(_PROBES) if m not in self.sizes)
        self._columns = self._wants_columns(network)
        self._one_by_one = False
        self._one_by_one = self._takes_one_sample(network)

    def weights(self, network: Any) -> list[Array]:
        """(n_out, n_in) a layer, as they stand there now; copies."""
        with theirs(self.file, "reading weights"):
            return [np.array(w) for w in network.weights]

    def biases(self, network: Any) -> list[Array]:
        """As they stand there now, one-dimensional wherever they hold a number for each unit; copies."""
        with theirs(self.file, "reading biases"):
            found = [np.array(b) for b in getattr(network, self.bias_name)]
        return [b.ravel() if b.size == n_out else b for b, n_out in zip(found, self.sizes[1:], strict=True)]

    def put(self, network: Any, weights: Sequence[Array], biases: Sequence[Array]) -> None:
        """Puts parameters into the network, biases in the shape that it made them in."""
        shaped = [np.reshape(b, shape) for b, shape in zip(biases, self._bias_shapes, strict=True)]
        for name, arrays in (("weights", weights), (self.bias_name, shaped)):
            fresh = [np.array(array) for array in arrays]
            with theirs(self.file, f"setting {name}"):
                try:
                    setattr(network, name, fresh)
                except AttributeError:  # a property without a setter: its arrays are views
                    for view, array in zip(getattr(network, name), fresh, strict=True):
                        view[...] = array

    def outputs(self, network: Any, x: Array) -> Array:
        """Outputs (m, n_out) for x (m, n_in): all at once, or one by one where theirs takes one sample at a time."""
        expected = (self.sizes[-1], len(x))
        with theirs(self.file, "feedforward(a)"):
            if self._one_by_one:
                samples = [pair[0] for pair in self.pairs(x, x)]
                outputs = np.stack([np.ravel(network.feedforward(a.copy())) for a in samples], axis=1)
            else:
                outputs = np.asarray(network.feedforward(np.array(x.T)))
        if outputs.shape != expected:
            raise UserNetworkError(
                f"feedforward(a) gave {outputs.shape} for a of {x.T.shape}, expected {expected}: samples in columns"
            )
        return outputs.T

    def step(self, network: Any, pairs: Pairs, eta: float, lmbda: float, n: int) -> None:
        """One of their steps on a mini-batch."""
        with theirs(self.file, "update_mini_batch(mini_batch, eta, lmbda, n)"):
            network.update_mini_batch(pairs, eta, lmbda, n)

    def places(self, network: Any) -> tuple[str, str]:
        """Names of their methods: of the backward pass, and of what makes a step."""
        del network
        return "backprop", "update_mini_batch"

    def backprop(self, network: Any, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """(gradients by biases, by weights) as their backprop returns them; summed where it takes one example."""
        with theirs(self.file, "backprop(x, y)"):
            if not self._columns:
                first, second = network.backprop(x.T.copy(), y.T.copy())
            else:
                returned = [network.backprop(*pair) for pair in self.pairs(x, y)]
                first, second = (
                    [sum(layer) for layer in zip(*side, strict=True)] for side in zip(*returned, strict=True)
                )
            if [np.shape(g) for g in first] == [np.shape(w) for w in network.weights]:
                first, second = second, first
            return [np.ravel(g) for g in first], [np.asarray(g) for g in second]

    def cost(self, network: Any, pairs: Pairs, lmbda: float, n: int) -> float:
        """The cost that they report for the examples."""
        del n
        with theirs(self.file, f"{self.cost_name}(data, lmbda)"):
            reported = getattr(network, self.cost_name)(pairs, lmbda)
            first = reported[0] if isinstance(reported, tuple | list) else reported
            return float(np.asarray(first).item())

    def pairs(self, x: Array, y: Array) -> Pairs:
        """Examples as they want them: x (m, n_in), y (m, n_out). Views."""
        if self._columns:
            return list(zip(x[:, :, None], y[:, :, None], strict=True))
        return list(zip(x, y, strict=True))

    def table(self) -> list[tuple[str, str]]:
        """What was understood, for people."""
        layers = [f"weights[{k}] {(b, a)}; {self.bias_name}[{k}]" for k, (a, b) in enumerate(pairwise(self.sizes))]
        return [
            ("samples", f"a list of pairs, each {'a column' if self._columns else 'one-dimensional'}; labels one-hot"),
            *(("parameters", line) for line in layers),
            ("outputs", "feedforward(a)"),
            ("step", "update_mini_batch(mini_batch, eta, lmbda, n)"),
            ("cost", f"{self.cost_name}(data, lmbda)"),
        ]

    def _sizes(self, network: Any) -> tuple[int, ...]:
        weights, biases = list(network.weights), list(getattr(network, self.bias_name))
        shapes = [np.shape(w) for w in weights]
        chained = all(len(shape) == 2 for shape in shapes) and all(low[0] == high[1] for low, high in pairwise(shapes))
        fits = len(biases) == len(shapes) and all(np.size(b) == s[0] for b, s in zip(biases, shapes, strict=True))
        if not (shapes and chained and fits):
            raise UserNetworkError(
                f"{type(network).__name__}: weights of shapes {shapes} and {self.bias_name} of shapes "
                f"{[np.shape(b) for b in biases]} are not those of layers, (n_out, n_in) and (n_out, 1)"
            )
        return (shapes[0][1], *(shape[0] for shape in shapes))

    def _wants_columns(self, network: Any) -> bool:
        """Whether a sample is a column (n, 1) to them: then their feedforward meets columns, else garbage."""
        said: Exception | None = None
        for columns in (False, True):
            try:
                seen = self._seen_by_feedforward(network, columns)
                if all(map(self._is_sound, seen)) if seen else self._survives_a_step(network, columns):
                    return columns
            except UserNetworkError as error:
                said = said or error
        raise said or UserNetworkError(
            f"{type(network).__name__}.{self.cost_name}(data, lmbda) takes samples neither of shape (n,) nor (n, 1)"
        )

    def _is_sound(self, shape: tuple[int, ...]) -> bool:
        """Whether an input of this shape is samples in columns; a flat one only where the biases are flat too."""
        if len(shape) == 1:
            return shape == (self.sizes[0],) and all(len(b) == 1 for b in self._bias_shapes)
        return len(shape) == 2 and shape[0] == self.sizes[0] and shape[1] in (1, self._probes)

    def _with(self, columns: bool) -> "NielsenReading":
        tried = copy.copy(self)
        tried._columns = columns
        return tried

    def _seen_by_feedforward(self, network: Any, columns: bool) -> list[tuple[int, ...]]:
        """The shapes of what reaches their feedforward while the cost of a few examples is evaluated."""
        watched, reading = _copied(network, self.file), self._with(columns)
        seen: list[tuple[int, ...]] = []
        original: Callable[..., Any] = watched.feedforward

        def feedforward(a: Any, *rest: Any, **options: Any) -> Any:
            seen.append(np.shape(a))
            return original(a, *rest, **options)

        try:
            watched.feedforward = feedforward
        except AttributeError:  # __slots__: nothing can be watched
            return []
        reading.cost(watched, reading.pairs(*self._examples(self._probes)), 0.0, 0)
        return seen

    def _takes_one_sample(self, network: Any) -> bool:
        """Whether their feedforward makes nothing, or garbage, of several samples in columns."""
        if all(len(shape) == 2 for shape in self._bias_shapes):  # columns are added to columns
            return False
        try:
            return not self.outputs(_copied(network, self.file), self._examples(self._probes)[0]).shape
        except UserNetworkError:
            return True

    def _survives_a_step(self, network: Any, columns: bool) -> bool:
        """Whether the biases keep their shapes in a step on one example, as garbage would not let them."""
        tried, reading = _copied(network, self.file), self._with(columns)
        reading.step(tried, reading.pairs(*self._examples(1)), 0.1, 0.0, 1)
        return [np.shape(b) for b in getattr(tried, self.bias_name)] == self._bias_shapes

    def _examples(self, m: int) -> tuple[Array, Array]:
        rng = np.random.default_rng(0)
        y = np.eye(self.sizes[-1])[rng.integers(self.sizes[-1], size=m)]
        return rng.uniform(0.1, 0.9, (m, self.sizes[0])), y


def step_is_called_so(network: Any) -> bool:
    """Whether update_mini_batch takes (mini_batch, eta, lmbda, n) by place, as far as its arguments' names tell."""
    try:
        parameters = list(inspect.signature(network.update_mini_batch).parameters.values())
    except (AttributeError, TypeError, ValueError):
        return True  # whatever it is, it is said by what reads it
    if any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters):
        return True
    needed = [parameter for parameter in parameters if parameter.default is inspect.Parameter.empty]
    if len(parameters) < len(_STEP) or len(needed) > len(_STEP):
        return False
    told = [role_of(parameter.name) for parameter in parameters[: len(_STEP)]]
    return all(role in (None, expected, Role.X) for role, expected in zip(told, _STEP, strict=True)) and not (
        _is_momentum(parameters[2].name)
    )


def _is_momentum(name: str) -> bool:
    return name.strip("_").lower() in ("mu", "momentum", "beta", "l1", "l1_ratio", "dropout")


def _either(network: Any, *names: str) -> str:
    for name in names:
        if hasattr(network, name):
            return name
    raise UserNetworkError(f"{type(network).__name__} has no {' nor '.join(names)}")


def _copied(network: Any, file: Path | None) -> Any:
    with theirs(file, "a deep copy of the network"):
        return copy.deepcopy(network)
