"""What somebody's backward pass says the gradient is: what it returns, or leaves in attributes such as dW and db.

It only helps to say where a fault is: a step is judged by what it does.
"""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from sweeps.errors import UserNetworkError
from sweeps.user_network.readings import state
from sweeps.user_network.readings.calls import Call, bound, methods
from sweeps.user_network.readings.layers import Group, Layers
from sweeps.user_network.readings.naming import Role, named_like
from sweeps.user_network.readings.reading import Array
from sweeps.user_network.readings.state import Place
from sweeps.user_network.readings.steps import StepReading

_NAMED = re.compile(r"(d|grads?|gradients?|nabla|delta)_?(w|b|weights?|bias(es)?|params?)?_?\d*", re.IGNORECASE)


def back_call(network: Any, step: StepReading) -> tuple[Call, ...]:
    """The calls up to the backward pass, () where it is no method apart from the step."""
    if step.gradients is not None:
        return step.calls
    if len(step.calls) > 1 and not step.etas and Role.ETA not in step.calls[-2].roles:
        return step.calls[:-1] if len(step.calls) > 2 else ()
    of_step = {call.method for call in step.calls}
    for method in named_like(methods(network), "back"):
        call = bound(network, method, {Role.X, Role.Y, Role.M})
        if call is not None and method not in of_step and {Role.X, Role.Y} <= call.roles:
            return (call,)
    return ()


def gradients(network: Any, layers: Layers, step: StepReading, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
    """(by biases, by weights) of each layer, summed over the calls that it takes. network: it is changed.

    Raises UserNetworkError where there is no backward pass apart, or its arrays are not one for each parameter.
    """
    calls = back_call(network, step)
    if not calls or layers.bias_at is not None:
        raise UserNetworkError("it has no backward pass whose gradients could be told")
    total: list[Array] = []
    for given in step.form.calls(x, y):
        before = {place: array.copy() for place, array in state.arrays(network)}
        returned = step.called(network, calls, dict(given))
        in_order = returned is None
        candidates = list(_left(network, before)) if in_order else _numbered(state.arrays(returned))
        found = [
            gradient
            for groups in (layers.weights, layers.biases)
            for gradient in _matching(network, groups, candidates, in_order)
        ]
        total = [t + f for t, f in zip(total, found, strict=True)] if total else found
    depth = len(layers.weights)
    weights = [g.T if layers.transposed else g for g in total[:depth]]
    return [np.ravel(g) for g in total[depth:]] or [np.zeros(n) for n in layers.sizes[1:]], weights


def _left(network: Any, before: dict[Place, Array]) -> Iterator[tuple[Place, Array]]:
    """Arrays with a gradient's name that the pass has made or changed."""
    for place, array in state.arrays(network):
        known = before.get(place)
        is_new = known is None or known.shape != array.shape or not np.array_equal(known, array)
        if is_new and _NAMED.fullmatch(place.name):
            yield place, array


def _numbered(found: list[tuple[Place, Array]]) -> list[tuple[Place, Array]]:
    """Those of a dict by the numbers in their keys, dW1 before dW2; others as they are."""
    return sorted(found, key=lambda pair: [int(n) for n in re.findall(r"\d+", pair[0].name)])


def _matching(
    network: Any, groups: tuple[Group, ...], candidates: list[tuple[Place, Array]], in_order: bool
) -> list[Array]:
    """One array for each parameter, by shape, in order or from the last to the first. Raises UserNetworkError.

    in_order: whether the order is that of the layers. So it is where their names have numbers.
    """
    in_order = in_order or all(re.search(r"\d", place.name) for place, _ in candidates)
    shapes = [np.shape(group[0].get(network)) for group in groups]
    orders = []
    for order in (candidates, candidates[::-1]):
        left, chosen = list(order), []
        for shape in shapes:
            at = next((k for k, (_, array) in enumerate(left) if array.shape == shape), None)
            if at is None:
                raise UserNetworkError("what its backward pass returns is not an array for each parameter")
            chosen.append(left.pop(at)[1])
        orders.append(chosen)
    if not in_order and any(one is not other for one, other in zip(*orders, strict=True)):
        raise UserNetworkError("what its backward pass returns could be in either order")
    return [np.array(array, np.float64) for array in orders[0]]
