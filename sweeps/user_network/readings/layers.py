"""Where a network keeps the weights and biases of its layers: found by shape, kept where outputs depend on them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations
from pathlib import Path
from typing import Any

import numpy as np

from sweeps.errors import UserNetworkError
from sweeps.user_network.readings import state
from sweeps.user_network.readings.outputs import OutputsReading, examples
from sweeps.user_network.readings.reading import Array, quietly, theirs
from sweeps.user_network.readings.state import Place
from sweeps.user_network.readings.trying import duplicate

_MOST = 6  # weights that are put in any order to make layers
_FEW = 5  # examples that outputs are watched on

Group = tuple[Place, ...]  # the names of one array


@dataclass(frozen=True)
class Layers:
    """weights, biases: the places of each layer's array, all its names. transposed: weights are (n_in, n_out).

    bias_at: the row or column of the weights that holds the biases, where they are no arrays of their own. biases ()
    and bias_at None: there are none.
    """

    sizes: tuple[int, ...]
    weights: tuple[Group, ...]
    biases: tuple[Group, ...]
    transposed: bool
    bias_at: int | None = None

    def get_weights(self, network: Any) -> list[Array]:
        """(n_out, n_in); copies."""
        whole = [self._whole(network, group) for group in self.weights]
        return whole if self.bias_at is None else [np.delete(w, self._column(w), axis=1) for w in whole]

    def get_biases(self, network: Any) -> list[Array]:
        """(n_out,); copies. 0 where there are none."""
        if self.bias_at is not None:
            return [w[:, self._column(w)].copy() for w in (self._whole(network, group) for group in self.weights)]
        if not self.biases:
            return [np.zeros(n_out) for n_out in self.sizes[1:]]
        return [np.array(group[0].get(network)).ravel() for group in self.biases]

    def put(self, network: Any, weights: Sequence[Array], biases: Sequence[Array]) -> None:
        for k, group in enumerate(self.weights):
            w = np.asarray(weights[k])
            if self.bias_at is not None:
                at = 0 if self.bias_at == 0 else w.shape[1]
                w = np.insert(w, at, biases[k], axis=1)
            put_array(network, group, w.T if self.transposed else w)
        for group, b in zip(self.biases, biases, strict=False):
            put_array(network, group, np.reshape(b, np.shape(group[0].get(network))))

    def _whole(self, network: Any, group: Group) -> Array:
        w = np.array(group[0].get(network))
        return w.T.copy() if self.transposed else w

    def _column(self, w: Array) -> int:
        return 0 if self.bias_at == 0 else w.shape[1] - 1


def put_array(network: Any, group: Group, array: Array) -> None:
    """In place of the array that all these names are for."""
    held = group[0].get(network)
    if isinstance(held, np.ndarray) and held.base is not None and held.base.dtype.kind == "f" and held.flags.writeable:
        held[...] = array  # a view of a longer one
        return
    fresh = np.array(array)
    for place in group:
        place.put(network, fresh)


def groups(network: Any) -> list[tuple[Group, Array]]:
    """Every array once, with all its names; only those that it names itself, where it does."""
    found: dict[int, tuple[list[Place], Array]] = {}
    for place, array in state.arrays(network):
        found.setdefault(id(array), ([], array))[0].append(place)
    if getattr(type(network), "names_its_parameters", False) is True:
        root = Place((("(", "parameters"),))
        with theirs(None, "parameters()"):
            named = [(Place((*root.steps, *place.steps)), array) for place, array in state.arrays(network.parameters())]
        found = {id(array): found.get(id(array), ([place], array)) for place, array in named}
    return [(tuple(places), array) for places, array in found.values()]


def possible_ends(network: Any) -> list[tuple[int, int]]:
    """(inputs, outputs) that the arrays, in some order, may lead from and to; likeliest first."""
    found = [(group[0], array) for group, array in groups(network) if array.ndim == 2]
    matrices = [array.shape for _, array in found if min(array.shape) > 1]
    with_vectors = [array.shape for place, array in found if not _is_bias(place, array)]  # of one input or output
    ends: dict[tuple[int, int], None] = {}
    for shapes in (matrices, matrices[::-1], with_vectors, with_vectors[::-1]):
        for transposed in (True, False):
            if shapes:
                first, last = (shape if transposed else shape[::-1] for shape in (shapes[0], shapes[-1]))
                for extra in (0, 1):
                    ends[first[0] - extra, last[1]] = None
    return list(ends)


def find_layers(network: Any, outputs: OutputsReading, n_in: int, n_out: int, file: Path | None) -> Layers:
    """The layers that lead from the inputs to the outputs. Raises UserNetworkError where they cannot be told."""
    x = examples(n_in, n_out, _FEW)[0]
    effective = [(group, array) for group, array in groups(network) if _matters(network, outputs, group, x, file)]
    matrices = [(g, a) for g, a in effective if a.ndim == 2 and not _is_bias(g[0], a)]
    found = _chains(matrices, n_in, n_out)
    if not found:  # biases may be rows or columns without a name of their own
        matrices = [(g, a) for g, a in matrices if min(a.shape) > 1]
        found = _chains(matrices, n_in, n_out)
    vectors = [(g, a) for g, a in effective if not any(g is known for known, _ in matrices)]
    if not found:
        seen = ", ".join(f"{g[0]} {a.shape}" for g, a in effective) or "none"
        raise UserNetworkError(
            f"{type(network).__name__}: arrays that change its outputs: {seen}; they make no layers from "
            f"{n_in} inputs to {n_out} outputs"
        )
    if len(found) > 1 and len({layers.sizes for layers in found}) == 1:
        found = [layers for layers in found if _is_that_way(network, layers, outputs, file)] or found
    for layers in found:
        biases = _biases(vectors, layers.sizes[1:])
        if layers.bias_at is not None and not vectors:
            return _with_bias_place(network, layers, outputs, file)
        if layers.bias_at is None and biases is not None:
            return Layers(layers.sizes, layers.weights, biases, layers.transposed)
    seen = ", ".join(f"{g[0]} {a.shape}" for g, a in vectors)
    raise UserNetworkError(
        f"{type(network).__name__}: besides weights of layers {'-'.join(map(str, found[0].sizes))} its outputs "
        f"depend on {seen}, which are not one bias for each unit"
    )


def _is_bias(place: Place, array: Array) -> bool:
    return (
        min(array.shape) == 1 and re.match(r"(.*_)?b(\d*|ias\w*|eta\w*|h|o|y)?$|.*bias", place.name.lower()) is not None
    )


def _matters(network: Any, outputs: OutputsReading, group: Group, x: Array, file: Path | None) -> bool:
    """Whether the outputs change with the array."""
    try:
        for seed in range(3):
            start = duplicate(network, file)
            if seed:  # where all weights are positive no unit of ReLU is dead
                rng = np.random.default_rng(seed)
                for others, array in groups(start):
                    put_array(start, others, rng.uniform(0.05, 0.5 / seed, array.shape))
            changed = duplicate(start, file)
            array = np.asarray(group[0].get(changed))
            with quietly(file, str(outputs)):
                before = outputs(start, x)
                put_array(changed, group, array + np.random.default_rng(seed).uniform(0.1, 0.9, array.shape))
                if not np.array_equal(outputs(changed, x), before, equal_nan=True):
                    return True
    except UserNetworkError:
        return False
    return False


def _chains(matrices: list[tuple[Group, Array]], n_in: int, n_out: int) -> list[Layers]:
    """Ways to see the matrices as layers, as they stand and in the order of their numbers first."""
    if not matrices:
        return []
    numbered = sorted(matrices, key=lambda pair: [int(n) for n in re.findall(r"\d+", str(pair[0][0]))])
    orders = [numbered, matrices, *(list(p) for p in permutations(matrices) if len(matrices) <= _MOST)]
    for order in orders:
        found = []
        for bias_at in (None, -1):
            for transposed in (False, True):
                shapes = [a.shape[::-1] if transposed else a.shape for _, a in order]
                sizes = (shapes[0][1], *(shape[0] for shape in shapes))
                extra = 0 if bias_at is None else 1
                links = all(low == high[1] - extra for low, high in zip(sizes[1:-1], shapes[1:], strict=True))
                sizes = (sizes[0] - extra, *sizes[1:])
                if links and (sizes[0], sizes[-1]) == (n_in, n_out):
                    found.append(Layers(sizes, tuple(g for g, _ in order), (), transposed, bias_at))
        if found:
            return found
    return []


def _biases(vectors: list[tuple[Group, Array]], units: Sequence[int]) -> tuple[Group, ...] | None:
    """() where there are none, None where they are no biases of such layers."""
    if not vectors:
        return ()
    numbered = sorted(vectors, key=lambda pair: [int(n) for n in re.findall(r"\d+", str(pair[0][0]))])
    for order in (numbered, vectors, *(list(p) for p in permutations(vectors) if len(vectors) <= _MOST)):
        if [a.size for _, a in order] == list(units):
            return tuple(g for g, _ in order)
    return None


def _changed_by(network: Any, layers: Layers, row: int, x: Array, outputs: OutputsReading, file: Path | None) -> bool:
    """Whether a change of this row of the first layer's array changes the outputs."""
    with quietly(file, str(outputs)):
        before, changed = outputs(duplicate(network, file), x), duplicate(network, file)
        array = np.array(layers.weights[0][0].get(changed))
        array[(row, slice(None)) if layers.transposed else (slice(None), row)] += 1.7
        put_array(changed, layers.weights[0], array)
        return not np.array_equal(outputs(changed, x), before)


def _is_that_way(network: Any, layers: Layers, outputs: OutputsReading, file: Path | None) -> bool:
    """Whether the weights of an input that is 0 do not matter, as this orientation says."""
    x = examples(layers.sizes[0], layers.sizes[-1], _FEW)[0]
    x[:, 0] = 0.0
    row = 1 if layers.bias_at == 0 else 0
    return layers.bias_at is not None or not _changed_by(network, layers, row, x, outputs, file)


def _with_bias_place(network: Any, layers: Layers, outputs: OutputsReading, file: Path | None) -> Layers:
    x = np.zeros((_FEW, layers.sizes[0]))
    is_first = _changed_by(network, layers, 0, x, outputs, file)
    return Layers(layers.sizes, layers.weights, (), layers.transposed, 0 if is_first else -1)


def described(layers: Layers) -> list[str]:
    """A line for each layer."""
    lines = []
    for k, (n_in, n_out) in enumerate(pairwise(layers.sizes)):
        shape = (n_in, n_out) if layers.transposed else (n_out, n_in)
        bias = f"; {layers.biases[k][0]} ({n_out})" if layers.biases else ""
        inside = "; biases inside" if layers.bias_at is not None else "" if layers.biases else "; no biases"
        lines.append(f"{layers.weights[k][0]} {shape}{bias}{inside}")
    return lines
