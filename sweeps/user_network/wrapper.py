"""Somebody's network, spoken to in one language whatever its shape. `WrappedNetwork` says what is understood."""

import copy
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sweeps.errors import UserNetworkError
from sweeps.user_network.loading import describe
from sweeps.user_network.source import file_of

Array = NDArray[Any]
Pairs = list[tuple[Array, Array]]

PROTOCOL = """\
A network is used as it is when it has
    weights                                         list of arrays (n_out, n_in), inputs' layer first
    bias or biases                                  list of arrays (n_out, 1) or (n_out,)
    feedforward(a)                                  outputs for inputs, samples in columns
    update_mini_batch(mini_batch, eta, lmbda, n)    one step on a list of pairs (x, y), n the training set's size
    evaluate(data, lmbda) or total_cost(data, lmbda)    the cost reported for a list of pairs, alone or first in a tuple
and is made by Network(sizes). A class of another shape gets an adapter, a class that has these and passes them on:
    class Adapter:
        def __init__(self, sizes):
            self.net = MyNet(layers=sizes)
        weights = property(lambda self: [layer.W.T for layer in self.net.layers])     # views, written into
        biases = property(lambda self: [layer.b for layer in self.net.layers])
        def feedforward(self, a):
            return self.net.predict(a.T).T
        def update_mini_batch(self, mini_batch, eta, lmbda, n):
            x, y = (np.array([np.ravel(sample) for sample in side]) for side in zip(*mini_batch))
            self.net.fit_batch(x, y, learning_rate=eta, l2=lmbda / n)
        def evaluate(self, data, lmbda):
            x, y = (np.array([np.ravel(sample) for sample in side]) for side in zip(*data))
            return self.net.loss(x, y, l2=lmbda / self.net.n)"""

_PROBES = 7  # examples that a shape is tried with, or more: no layer may have as many units


@dataclass(frozen=True)
class Parameters:
    """Of somebody's network: weights (n_out, n_in) and biases (n_out,) of each layer. dtype: of its examples."""

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    dtype: str


class WrappedNetwork:
    """Somebody's network with samples in rows, whatever it wants itself; every call may be told by its numbers only.

    Their class has the question's shape (a mini-batch becomes one matrix, samples in columns, `bias`) or that of
    Nielsen's network2 (sample by sample, column vectors, `biases`, `total_cost`): see PROTOCOL. Which of both its
    samples are, one-dimensional or columns, is found by watching what reaches its feedforward. Raises
    UserNetworkError where their code raises, or lacks something.
    """

    def __init__(self, network: Any, file: Path | None = None) -> None:
        self.network = network
        self.file = file or file_of(type(network))
        self._bias_name = self._either("biases", "bias")
        self._cost_name = self._either("total_cost", "evaluate")
        for name in ("weights", "feedforward", "update_mini_batch"):
            self._either(name)
        self.sizes = self._sizes()
        self._bias_shapes = [np.shape(b) for b in getattr(network, self._bias_name)]
        self._probes = next(m for m in count(_PROBES) if m not in self.sizes)
        self._columns = self._wants_columns()
        self._one_by_one = False
        self._one_by_one = self._takes_one_sample()

    @classmethod
    def made(cls, network: type, sizes: Sequence[int], seed: Sequence[int] = (0,), file: Path | None = None) -> Self:
        """A network of their class with these layers, inputs first; their draws come from seeded generators."""
        file = file or file_of(network)
        with _theirs(file, f"{network.__name__}({list(sizes)})"), seeded(seed):
            made = network(list(sizes))
        wrapped = cls(made, file)
        if wrapped.sizes != tuple(sizes):
            own = ",".join(map(str, wrapped.sizes))
            raise UserNetworkError(
                f"{network.__name__}({list(sizes)}) made layers of {list(wrapped.sizes)}, not the ones asked for ("
                f"sweeps diagnose with --sizes {own} examines it with its own)\n{PROTOCOL}"
            )
        return wrapped

    def copy(self) -> Self:
        """An independent copy of everything that their network holds: nothing that a call leaves behind is shared."""
        duplicate = copy.copy(self)
        with _theirs(self.file, "a deep copy of the network"):
            duplicate.network = copy.deepcopy(self.network)
        return duplicate

    @property
    def weights(self) -> list[Array]:
        """(n_out, n_in) a layer, as they stand there now; copies."""
        return [np.array(w) for w in self.network.weights]

    @property
    def biases(self) -> list[Array]:
        """As they stand there now, one-dimensional wherever they hold a number for each unit; copies."""
        found = [np.array(b) for b in getattr(self.network, self._bias_name)]
        return [b.ravel() if b.size == n_out else b for b, n_out in zip(found, self.sizes[1:], strict=True)]

    def set(self, weights: Sequence[Array], biases: Sequence[Array]) -> None:
        """Puts parameters into their network, biases in the shape that it made them in."""
        shaped = [np.reshape(b, shape) for b, shape in zip(biases, self._bias_shapes, strict=True)]
        for name, arrays in (("weights", weights), (self._bias_name, shaped)):
            fresh = [np.array(array) for array in arrays]
            with _theirs(self.file, f"setting {name}"):
                try:
                    setattr(self.network, name, fresh)
                except AttributeError:  # a property without a setter: its arrays are views
                    for view, array in zip(getattr(self.network, name), fresh, strict=True):
                        view[...] = array

    def feedforward(self, x: Array) -> Array:
        """Outputs (m, n_out) for x (m, n_in): all at once, or one by one where theirs takes one sample at a time."""
        expected = (self.sizes[-1], len(x))
        with _theirs(self.file, "feedforward(a)"):
            if self._one_by_one:
                samples = [pair[0] for pair in self.pairs(x, x)]
                outputs = np.stack([np.ravel(self.network.feedforward(a.copy())) for a in samples], axis=1)
            else:
                outputs = np.asarray(self.network.feedforward(np.array(x.T)))
        if outputs.shape != expected:
            raise UserNetworkError(
                f"feedforward(a) gave {outputs.shape} for a of {x.T.shape}, expected {expected}: "
                f"samples in columns\n{PROTOCOL}"
            )
        return outputs.T

    def update(self, pairs: Pairs, eta: float, lmbda: float, n: int) -> None:
        """One of their steps on a mini-batch."""
        with _theirs(self.file, "update_mini_batch(mini_batch, eta, lmbda, n)"):
            self.network.update_mini_batch(pairs, eta, lmbda, n)

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """(gradients by biases, by weights) as their backprop returns them; summed where it takes one example.

        x: (m, n_in), y: (m, n_out). Raises UserNetworkError where there is none, or it returns something else.
        """
        with _theirs(self.file, "backprop(x, y)"):
            if not self._columns:
                first, second = self.network.backprop(x.T.copy(), y.T.copy())
            else:
                returned = [self.network.backprop(*pair) for pair in self.pairs(x, y)]
                first, second = (
                    [sum(layer) for layer in zip(*side, strict=True)] for side in zip(*returned, strict=True)
                )
            if [np.shape(g) for g in first] == [np.shape(w) for w in self.network.weights]:
                first, second = second, first
            return [np.ravel(g) for g in first], [np.asarray(g) for g in second]

    def cost(self, pairs: Pairs, lmbda: float) -> float:
        """The cost that they report for the examples."""
        with _theirs(self.file, f"{self._cost_name}(data, lmbda)"):
            reported = getattr(self.network, self._cost_name)(pairs, lmbda)
            first = reported[0] if isinstance(reported, tuple | list) else reported
            return float(np.asarray(first).item())

    def pairs(self, x: Array, y: Array) -> Pairs:
        """Examples as they want them: x (m, n_in), y (m, n_out). Views."""
        if self._columns:
            return list(zip(x[:, :, None], y[:, :, None], strict=True))
        return list(zip(x, y, strict=True))

    def _either(self, *names: str) -> str:
        for name in names:
            if hasattr(self.network, name):
                return name
        raise UserNetworkError(f"{type(self.network).__name__} has no {' nor '.join(names)}\n{PROTOCOL}")

    def _sizes(self) -> tuple[int, ...]:
        weights, biases = list(self.network.weights), list(getattr(self.network, self._bias_name))
        shapes = [np.shape(w) for w in weights]
        chained = all(len(shape) == 2 for shape in shapes) and all(low[0] == high[1] for low, high in pairwise(shapes))
        fits = len(biases) == len(shapes) and all(np.size(b) == s[0] for b, s in zip(biases, shapes, strict=True))
        if not (shapes and chained and fits):
            raise UserNetworkError(
                f"{type(self.network).__name__}: weights of shapes {shapes} and {self._bias_name} of shapes "
                f"{[np.shape(b) for b in biases]} are not those of layers, (n_out, n_in) and (n_out, 1)\n{PROTOCOL}"
            )
        return (shapes[0][1], *(shape[0] for shape in shapes))

    def _wants_columns(self) -> bool:
        """Whether a sample is a column (n, 1) to them: then their feedforward meets columns, else garbage."""
        said: Exception | None = None
        for columns in (False, True):
            try:
                seen = self._seen_by_feedforward(columns)
                if all(map(self._is_sound, seen)) if seen else self._survives_a_step(columns):
                    return columns
            except UserNetworkError as error:
                said = said or error
        raise said or UserNetworkError(
            f"{type(self.network).__name__}.{self._cost_name}(data, lmbda) takes samples neither of shape (n,) nor "
            f"(n, 1)\n{PROTOCOL}"
        )

    def _is_sound(self, shape: tuple[int, ...]) -> bool:
        """Whether an input of this shape is samples in columns; a flat one only where the biases are flat too."""
        if len(shape) == 1:
            return shape == (self.sizes[0],) and all(len(b) == 1 for b in self._bias_shapes)
        return len(shape) == 2 and shape[0] == self.sizes[0] and shape[1] in (1, self._probes)

    def _seen_by_feedforward(self, columns: bool) -> list[tuple[int, ...]]:
        """The shapes of what reaches their feedforward while the cost of a few examples is evaluated."""
        watched = self.copy()
        watched._columns = columns
        seen: list[tuple[int, ...]] = []
        theirs: Callable[..., Any] = watched.network.feedforward

        def feedforward(a: Any, *rest: Any, **options: Any) -> Any:
            seen.append(np.shape(a))
            return theirs(a, *rest, **options)

        try:
            watched.network.feedforward = feedforward
        except AttributeError:  # __slots__: nothing can be watched
            return []
        watched.cost(watched.pairs(*self._examples(self._probes)), 0.0)
        return seen

    def _takes_one_sample(self) -> bool:
        """Whether their feedforward makes nothing, or garbage, of several samples in columns."""
        if all(len(shape) == 2 for shape in self._bias_shapes):  # columns are added to columns
            return False
        try:
            return not self.copy().feedforward(self._examples(self._probes)[0]).shape
        except UserNetworkError:
            return True

    def _survives_a_step(self, columns: bool) -> bool:
        """Whether the biases keep their shapes in a step on one example, as garbage would not let them."""
        tried = self.copy()
        tried._columns = columns
        tried.update(tried.pairs(*self._examples(1)), 0.1, 0.0, 1)
        return [np.shape(b) for b in getattr(tried.network, self._bias_name)] == self._bias_shapes

    def _examples(self, m: int) -> tuple[Array, Array]:
        rng = np.random.default_rng(0)
        y = np.eye(self.sizes[-1])[rng.integers(self.sizes[-1], size=m)]
        return rng.uniform(0.1, 0.9, (m, self.sizes[0])), y


def reseed(word: int) -> None:
    """Starts the global generators, Python's and NumPy's, from a word of 32 bits."""
    random.seed(word)
    np.random.seed(word)  # noqa: NPY002 - theirs may well draw from it


@contextmanager
def seeded(seed: Sequence[int]) -> Iterator[None]:
    """While it lasts the global generators, Python's and NumPy's, start from the seed; then they go on as before."""
    before, numpy_before = random.getstate(), np.random.get_state()  # noqa: NPY002 - theirs may well draw from it
    reseed(int(np.random.SeedSequence(list(seed)).generate_state(1)[0]))
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(numpy_before)  # noqa: NPY002


@contextmanager
def _theirs(file: Path | None, doing: str) -> Iterator[None]:
    """Turns what somebody's code raises into a UserNetworkError that names their file and line."""
    try:
        with np.errstate(all="ignore"):
            yield
    except UserNetworkError:
        raise
    except (Exception, SystemExit) as error:
        raise UserNetworkError(f"{describe(error, file)}\n  while it ran {doing}") from error
