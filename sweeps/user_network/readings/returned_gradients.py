"""Gradients that a method of theirs returns where their step is elsewhere: in a script, or in another class."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sweeps.user_network.readings import state
from sweeps.user_network.readings.layers import Group, Layers, put_array
from sweeps.user_network.readings.reading import Array
from sweeps.user_network.readings.state import Place

_BESIDES = re.compile(r"^(d|del|delta|nabla|grads?|gradients?)?_?(.+?)_?(delta|grads?|gradients?|error)?$")


@dataclass(frozen=True)
class ReturnedGradients:
    """places: where in what they return the gradient of each weight, then of each bias, is. sign: -1 for gradients,
    1 for what they mean to add.
    """

    layers: Layers
    places: tuple[Place, ...]
    sign: int

    @property
    def groups(self) -> tuple[Group, ...]:
        """The parameters, as the places are ordered."""
        return (*self.layers.weights, *self.layers.biases)

    def take(self, network: Any, returned: Any, eta: float) -> None:
        """Moves the parameters by eta times what was returned."""
        for group, place in zip(self.groups, self.places, strict=True):
            held = np.asarray(group[0].get(network))
            put_array(network, group, held + self.sign * eta * np.reshape(place.get(returned), held.shape))

    def __str__(self) -> str:
        return f"then each parameter {'less' if self.sign < 0 else 'plus'} eta times what that returns for it"


def matching_places(network: Any, layers: Layers, returned: Any, names: tuple[str, ...]) -> Iterator[tuple[Place, ...]]:
    """Places of arrays that are as large as each parameter: by their names, else in order, else from the last.

    names: of what is returned, where they are known.
    """
    groups = (*layers.weights, *layers.biases)
    wanted = [np.asarray(group[0].get(network)) for group in groups]
    found = [(place, array) for place, array in state.arrays(returned)]
    by_name = [
        next((p for p, a in found if a.size == w.size and _word(p, names) == group[0].name.lower()), None)
        for group, w in zip(groups, wanted, strict=True)
    ]
    if len({group[0].name for group in groups}) == len(groups) and all(place is not None for place in by_name):
        yield tuple(place for place in by_name if place is not None)
        return
    for order in (found, found[::-1]):
        places = _in_order(order, wanted)
        if places is not None:
            yield places


def _word(place: Place, names: tuple[str, ...]) -> str:
    """The parameter that a name such as dW1, W1_delta or grads['W1'] tells."""
    at = place.steps[0][1] if place.steps else None
    name = names[at] if isinstance(at, int) and at < len(names) and len(place.steps) == 1 else place.name
    match = _BESIDES.match(name.lower())
    return match[2] if match else name.lower()


def _in_order(found: list[tuple[Place, Array]], wanted: list[Array]) -> tuple[Place, ...] | None:
    left, places = list(found), []
    for array in wanted:
        at = next((k for k, (_, candidate) in enumerate(left) if candidate.shape == array.shape), None)
        if at is None:
            return None
        places.append(left.pop(at)[0])
    return tuple(places)
