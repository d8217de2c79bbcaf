"""A network under examination: its cost and its step as pure functions of its parameters, and central differences."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps.user_network.wrapper import WrappedNetwork, reseed

Array = NDArray[np.float64]

_SPACINGS = (1e-5, 1e-3, 1e-2)  # of central differences; float64 errs least with the first, float32 with the last
_EXACT = 1e-6  # disagreement of two spacings, relative, up to which the first spacing is kept
_KINK = 1e-3  # disagreement of a single entry, relative to the gradient's largest, that is no rounding: a kink


class InconclusiveError(Exception):
    """Nothing can be said of this network; the message says why."""


class StateShapeError(Exception):
    """A step changed the shapes of parameters. name: whose, as bias of layer 2; before, after: its shapes."""

    def __init__(self, name: str, before: tuple[int, ...], after: tuple[int, ...]) -> None:
        super().__init__(f"{name}: {before} became {after}")
        self.name, self.before, self.after = name, before, after


@dataclass(frozen=True)
class Layout:
    """Where each layer's parameters lie in one flat vector: all weights, then all biases. sizes: inputs first."""

    sizes: tuple[int, ...]

    @cached_property
    def _ends(self) -> tuple[list[slice], list[slice]]:
        shapes = [n_out * n_in for n_in, n_out in pairwise(self.sizes)]
        ends = np.cumsum([0, *shapes, *self.sizes[1:]])
        slices = [slice(int(start), int(stop)) for start, stop in pairwise(ends)]
        return slices[: len(shapes)], slices[len(shapes) :]

    @property
    def layers(self) -> int:
        """Layers with parameters."""
        return len(self.sizes) - 1

    @property
    def size(self) -> int:
        """Numbers in the vector."""
        return int(self._ends[1][-1].stop)

    def weights(self, vector: Array) -> list[Array]:
        """(n_out, n_in) of each layer: views."""
        return [vector[part].reshape(self.sizes[k + 1], self.sizes[k]) for k, part in enumerate(self._ends[0])]

    def biases(self, vector: Array) -> list[Array]:
        """(n_out,) of each layer: views."""
        return [vector[part] for part in self._ends[1]]

    def join(self, weights: Sequence[NDArray[Any]], biases: Sequence[NDArray[Any]]) -> Array:
        """The vector of these parameters. Raises StateShapeError where they have other shapes."""
        for word, arrays, slices in (("weights", weights, self._ends[0]), ("biases", biases, self._ends[1])):
            for k, (array, part) in enumerate(zip(arrays, slices, strict=True), 1):
                expected = (self.sizes[k], self.sizes[k - 1]) if word == "weights" else (self.sizes[k],)
                if array.shape != expected or array.size != part.stop - part.start:
                    raise StateShapeError(f"the {word} of layer {k}", expected, array.shape)
        return np.concatenate([np.ravel(array) for array in (*weights, *biases)]).astype(np.float64)


@dataclass(frozen=True)
class Slope:
    """A gradient by central differences, flat. known: which entries are no kink's. error: relative, of the whole."""

    values: Array
    known: NDArray[np.bool_]
    error: float


class Subject:
    """A network under examination. Each call works on a deep copy, with fresh data and reseeded global generators.

    So nothing that their class keeps from one call (momentum, an n, a best cost) reaches another.
    """

    def __init__(self, wrapped: WrappedNetwork) -> None:
        self._guest = wrapped
        self.layout = Layout(wrapped.sizes)
        self._spacing: float | None = None

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of every layer, inputs first."""
        return self.layout.sizes

    @property
    def name(self) -> str:
        """Of their class."""
        return type(self._guest.network).__name__

    @property
    def places(self) -> tuple[str, str]:
        """Names of their methods: of the backward pass, and of what makes a step."""
        return self._guest.places

    @property
    def spacing(self) -> float:
        """Of central differences, as their code's precision asks for."""
        return self._spacing or _SPACINGS[0]

    def cost(
        self, theta: Array, x: Array, y: Array, lmbda: float = 0.0, n: int | None = None, eta: float = 1.0
    ) -> float:
        """Their reported cost of the examples x (m, n_in), y (m, n_out), at parameters theta.

        n, eta: a step from theta tells them first, for classes that remember them (n None: no step).
        """
        wrapped = self._at(theta)
        if n is not None:
            wrapped.update(wrapped.pairs(x[:1].copy(), y[:1].copy()), eta, 0.0, n)
            self._put(wrapped, theta)
        return wrapped.cost(wrapped.pairs(x.copy(), y.copy()), lmbda)

    def costs(self, theta: Array, x: Array, y: Array) -> tuple[float, float]:
        """Their reported cost twice in a row, from one network that nobody seeds in between."""
        wrapped = self._at(theta)
        first = wrapped.cost(wrapped.pairs(x.copy(), y.copy()), 0.0)
        return first, wrapped.cost(wrapped.pairs(x.copy(), y.copy()), 0.0)

    def step(
        self,
        theta: Array,
        x: Array,
        y: Array,
        eta: float,
        lmbda: float = 0.0,
        n: int = 60,
        times: int = 1,
        seed: int = 0,
    ) -> Array:
        """How one of their steps changes theta: (size,). times: the last of so many steps of one network from theta.

        Raises StateShapeError where it changes shapes.
        """
        wrapped = self._at(theta, seed)
        for _ in range(times):
            self._put(wrapped, theta)
            before = self._held(wrapped)
            wrapped.update(wrapped.pairs(x.copy(), y.copy()), eta, lmbda, n)
        return self._held(wrapped) - before

    def steps_in_turn(self, theta: Array, x: Array, y: Array, eta: float) -> Array:
        """How one step on each of the examples, one after the other, changes theta: (size,)."""
        wrapped = self._at(theta)
        before = self._held(wrapped)
        for k in range(len(x)):
            wrapped.update(wrapped.pairs(x[k : k + 1].copy(), y[k : k + 1].copy()), eta, 0.0, 60)
        return self._held(wrapped) - before

    def outputs(self, theta: Array, x: Array) -> Array:
        """(m, n_out)."""
        return np.asarray(self._at(theta).feedforward(x.copy()), np.float64)

    def returned(self, theta: Array, x: Array, y: Array) -> Array | None:
        """What their backprop returns for the examples, summed over them, flat; None where that cannot be told."""
        try:
            biases, weights = self._at(theta).backprop(x.copy(), y.copy())
            return self.layout.join(weights, biases)
        except Exception:  # noqa: BLE001 - it only helps to say where a fault is
            return None

    def slope(self, cost: Callable[[Array], float], theta: Array, entries: Sequence[int] | None = None) -> Slope:
        """Gradient of a cost at theta by central differences, at spacings h and 2 h, extrapolated (Richardson).

        entries: only these are differenced, the others are 0 and not known. h is the smallest at which both agree.
        """
        wanted = range(len(theta)) if entries is None else entries
        spacings = _SPACINGS if self._spacing is None else (self._spacing,)
        found = []
        for h in spacings:
            found.append(self._differences(cost, theta, h, wanted))
            sloping = found[-1].values != 0  # dead units agree at any spacing
            if found[-1].error <= _EXACT and 2 * np.sum(found[-1].known & sloping) > np.sum(sloping):
                break
        best = min(range(len(found)), key=lambda k: (-np.count_nonzero(found[k].known), found[k].error))
        if np.any(found[best].values):
            self._spacing = spacings[best]
        return found[best]

    def _differences(self, cost: Callable[[Array], float], theta: Array, h: float, wanted: Sequence[int]) -> Slope:
        near, far = np.zeros_like(theta), np.zeros_like(theta)
        for k in wanted:
            for slope, distance in ((near, h), (far, 2 * h)):
                up, down = theta.copy(), theta.copy()
                up[k] += distance
                down[k] -= distance
                slope[k] = (cost(up) - cost(down)) / (2 * distance)
        disagreement, scale = np.abs(near - far), float(np.max(np.abs(near), initial=0.0))
        known = np.zeros(len(theta), bool)
        known[list(wanted)] = True
        known &= disagreement <= _KINK * scale
        size = float(np.linalg.norm(near[known]))
        error = float(np.linalg.norm(disagreement[known])) / size if size else 0.0
        return Slope((4 * near - far) / 3, known, error)

    def _at(self, theta: Array, seed: int = 0) -> WrappedNetwork:
        reseed(seed)
        wrapped = self._guest.copy()
        self._put(wrapped, theta)
        return wrapped

    def _held(self, wrapped: WrappedNetwork) -> Array:
        """The parameters as they stand there now; of a class that keeps float32 they are rounded to it when put."""
        return self.layout.join(wrapped.weights, wrapped.biases)

    def _put(self, wrapped: WrappedNetwork, theta: Array) -> None:
        wrapped.set(self.layout.weights(theta), self.layout.biases(theta))
