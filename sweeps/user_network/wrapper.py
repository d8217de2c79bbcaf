"""Somebody's network, spoken to in one language whatever its shape. `WrappedNetwork` says what is understood."""

import copy
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np

from sweeps.errors import UserNetworkError
from sweeps.user_network.readings.construction import made_by_name
from sweeps.user_network.readings.found import FoundReading, find_reading
from sweeps.user_network.readings.nielsen import NAMES, NielsenReading, step_is_called_so
from sweeps.user_network.readings.reading import Array, Pairs, theirs
from sweeps.user_network.source import file_of

PROTOCOL = """\
`sweeps adapt FILE:NAME` says what is understood of yours, and with --out FILE writes an adapter to edit.
A network is used as it is when it has
    weights                                         list of arrays (n_out, n_in), inputs' layer first
    bias or biases                                  list of arrays (n_out, 1) or (n_out,)
    feedforward(a)                                  outputs for inputs, samples in columns
    update_mini_batch(mini_batch, eta, lmbda, n)    one step on a list of pairs (x, y), n the training set's size
    evaluate(data, lmbda) or total_cost(data, lmbda)    the cost reported for a list of pairs, alone or first in a tuple
and is made by Network(sizes). Many other shapes are read as they are; an adapter passes four things on:
    class Adapter(sweeps.UserNetwork):
        def __init__(self, sizes):
            self.net = MyNet(layers=sizes)
        def parameters(self):
            return [array for layer in self.net.layers for array in (layer.W, layer.b)]
        def outputs(self, x):
            return self.net.predict(x)
        def step(self, x, y, eta, lmbda, n):
            self.net.fit_batch(x, y, learning_rate=eta, l2=lmbda / n)
        cost = "quadratic"    # or cross-entropy, log-likelihood, or a method cost(self, x, y, lmbda, n)"""


class FixedSizesError(UserNetworkError):
    """The class makes other layers than it was asked for. sizes: its own."""

    def __init__(self, message: str, sizes: tuple[int, ...]) -> None:
        super().__init__(message)
        self.sizes = sizes

    def __reduce__(self) -> tuple[type, tuple[str, tuple[int, ...]]]:
        return type(self), (str(self), self.sizes)


class WrappedNetwork:
    """Somebody's network with samples in rows, whatever it wants itself; every call may be told by its numbers only.

    What its shape is, a reading says, found by names and kept by measurement: the question's and network2's (PROTOCOL)
    first, then whatever `readings` understands. Raises UserNetworkError where their code raises, or lacks something.
    """

    def __init__(self, network: Any, file: Path | None = None, sizes: Sequence[int] | None = None) -> None:
        self.network = network
        self.file = file or file_of(type(network))
        with seeded([0]):
            self.reading = _read(network, sizes, self.file)
        self.sizes = self.reading.sizes
        self._n = 0
        self._absent = [] if self.reading.has_biases else self.reading.biases(network)

    @classmethod
    def made(cls, network: type, sizes: Sequence[int], seed: Sequence[int] = (0,), file: Path | None = None) -> Self:
        """A network of their class with these layers, inputs first; their draws come from seeded generators."""
        file = file or file_of(network)
        with seeded(seed):
            try:
                made = made_by_name(network, sizes, file, sys.modules.get(network.__module__))
            except UserNetworkError as error:
                raise UserNetworkError(f"{error}\n{PROTOCOL}") from error
        wrapped = cls(made, file, sizes)
        if wrapped.sizes != tuple(sizes):
            own = ",".join(map(str, wrapped.sizes))
            raise FixedSizesError(
                f"{network.__name__} made layers of {list(wrapped.sizes)}, not the ones asked for, {list(sizes)} ("
                f"sweeps diagnose with --sizes {own} examines it with its own)\n{PROTOCOL}",
                wrapped.sizes,
            )
        return wrapped

    def copy(self) -> Self:
        """An independent copy of everything that their network holds: nothing that a call leaves behind is shared."""
        duplicate = copy.copy(self)
        with theirs(self.file, "a deep copy of the network"):
            duplicate.network = copy.deepcopy(self.network)
        return duplicate

    @property
    def weights(self) -> list[Array]:
        """(n_out, n_in) a layer, as they stand there now; copies."""
        return self.reading.weights(self.network)

    @property
    def biases(self) -> list[Array]:
        """As they stand there now, one-dimensional wherever they hold a number for each unit; copies.

        Of a network without biases: the ones that were set, which do nothing.
        """
        return [b.copy() for b in self._absent] if self._absent else self.reading.biases(self.network)

    def set(self, weights: Sequence[Array], biases: Sequence[Array]) -> None:
        """Puts parameters into their network, biases in the shape that it made them in."""
        self._absent = [np.array(b) for b in biases] if self._absent else []
        self.reading.put(self.network, weights, biases)

    def feedforward(self, x: Array) -> Array:
        """Outputs (m, n_out) for x (m, n_in)."""
        return self.reading.outputs(self.network, x)

    def update(self, pairs: Pairs, eta: float, lmbda: float, n: int) -> None:
        """One of their steps on a mini-batch."""
        self._n = n
        self.reading.step(self.network, pairs, eta, lmbda, n)

    @property
    def places(self) -> tuple[str, str]:
        """Names of their methods: of the backward pass, and of what makes a step."""
        return self.reading.places(self.network)

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """(gradients by biases, by weights) as their backprop returns them; summed where it takes one example.

        x: (m, n_in), y: (m, n_out). Raises UserNetworkError where there is none, or it returns something else.
        """
        return self.reading.backprop(self.network, x, y)

    def cost(self, pairs: Pairs, lmbda: float) -> float:
        """The cost that they report for the examples."""
        return self.reading.cost(self.network, pairs, lmbda, self._n)

    def pairs(self, x: Array, y: Array) -> Pairs:
        """Examples as they want them: x (m, n_in), y (m, n_out). Views."""
        return self.reading.pairs(x, y)


def _read(network: Any, sizes: Sequence[int] | None, file: Path | None) -> NielsenReading | FoundReading:
    """The first reading that fits. What is said where none does is said of the shape that the names come nearest to."""
    said: UserNetworkError | None = None
    with theirs(file, "looking at its attributes"):
        alike = sum(hasattr(network, name) for name in NAMES)
        is_called_so = step_is_called_so(network)
    if is_called_so and alike:
        try:
            return NielsenReading(network, file)
        except UserNetworkError as error:
            said = error
    try:
        with theirs(file, "reading it"):
            return find_reading(network, sizes, file)
    except UserNetworkError as error:
        chosen = said if said is not None and alike == len(NAMES) else error
        other = f"\n{said}" if said is not None and chosen is error else ""
        raise UserNetworkError(f"{chosen}{other}\n{PROTOCOL}") from error


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
