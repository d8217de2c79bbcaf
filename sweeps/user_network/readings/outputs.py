"""Which method gives a network's outputs, and how its samples are laid out."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from sweeps.errors import UserNetworkError
from sweeps.user_network.readings import state
from sweeps.user_network.readings.calls import Call, bound, methods
from sweeps.user_network.readings.forms import Samples
from sweeps.user_network.readings.naming import Role, named_like
from sweeps.user_network.readings.reading import Array, quietly
from sweeps.user_network.readings.trying import duplicate

_PROBES = 7  # examples that a layout is tried with, or more: no layer may have as many units


@dataclass(frozen=True)
class OutputsReading:
    """call: of their method. samples: its layout. place: where in what it returns the outputs are; in the network
    itself where it returns nothing.
    """

    call: Call
    samples: Samples
    place: state.Place
    kept: bool

    def __call__(self, network: Any, x: Array) -> Array:
        """(m, n_out) for x (m, n_in)."""
        parts = []
        for given in self.samples.of(x):
            returned = self.call(network, {Role.X: given, Role.M: len(x)})
            found = np.asarray(self.place.get(network if self.kept else returned))
            parts.append(found.T if self.samples is Samples.COLUMNS else found)
        return np.stack([np.ravel(part) for part in parts]) if self.samples.single else np.array(parts[0])

    def __str__(self) -> str:
        where = f", its {self.place}" if self.place.steps and not self.kept else ""
        return f"{self.call}{f', then {self.place}' if self.kept else where}"


def probes(sizes: Sequence[int]) -> int:
    """So many examples that no layer has as many units."""
    return next(m for m in count(_PROBES) if m not in sizes)


def examples(n_in: int, n_out: int, m: int, seed: int = 0) -> tuple[Array, Array]:
    """x (m, n_in), and y (m, n_out) one-hot, every class in turn; of one output some 0, then 1."""
    rng = np.random.default_rng([seed, m])
    y = np.eye(n_out)[np.arange(m) % n_out] if n_out > 1 else (np.arange(m) >= m // 3)[:, None].astype(float)
    return rng.uniform(0.1, 0.9, (m, n_in)), y


def find_outputs(network: Any, n_in: int, n_out: int, file: Path | None) -> OutputsReading | None:
    """The first method, by its name's promise, that gives outputs for samples in some layout.

    Where no name promises them, the first of all methods that does what outputs do.
    """
    dimensions = [size for _, found in state.arrays(network) for size in found.shape]
    x = examples(n_in, n_out, probes([n_in, n_out, *dimensions]))[0]
    names = [name for name in methods(network) if not name.startswith("_")]
    for method in dict.fromkeys([*named_like(methods(network), "outputs"), *names]):
        call = bound(network, method, {Role.X, Role.M}, training=False)
        if call is None or Role.X not in call.roles:
            continue
        for samples in Samples:
            found = _tried(network, call, samples, x, n_out, file)
            if found is not None:
                return found
    return None


def _tried(
    network: Any, call: Call, samples: Samples, x: Array, n_out: int, file: Path | None
) -> OutputsReading | None:
    expected = {Samples.ROWS: (len(x), n_out), Samples.COLUMNS: (n_out, len(x))}.get(samples)
    try:
        copy = duplicate(network, file)
        with quietly(file, str(call)):
            returned = call(copy, {Role.X: samples.of(x)[0], Role.M: len(x)})
        if returned is None and samples.single:
            return None
        kept = returned is None
        holds = state.arrays(copy if kept else returned)
        fitting = [place for place, found in holds if (found.shape == expected if expected else found.size == n_out)]
        if not fitting:
            return None
        outer = [place for place in fitting if len(place.steps) <= 1 and not kept]
        reading = OutputsReading(call, samples, _likeliest(network, call, outer) if outer else fitting[-1], kept)
        with quietly(file, str(call)):
            outputs = reading(duplicate(network, file), x)
    except (UserNetworkError, AttributeError, KeyError, IndexError, ValueError):
        return None
    good = outputs.shape == (len(x), n_out) and not np.array_equal(outputs, np.round(outputs))
    return reading if good else None


def _likeliest(network: Any, call: Call, fitting: list[state.Place]) -> state.Place:
    """Of Z1, A1, Z2, A2 the last that is no z; the first where nothing tells their names."""
    names = getattr(getattr(type(network), call.method, None), "returns", ())
    if not names or not all(place.steps and isinstance(place.steps[0][1], int) for place in fitting):
        return fitting[0]
    activations = [place for place in fitting if not names[place.steps[0][1]].lower().startswith("z")]
    return (activations or fitting)[-1]
