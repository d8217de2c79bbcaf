"""The text of an adapter: what was understood of a class, written down to be edited."""

import inspect
import re
from pathlib import Path
from typing import Any

from sweeps.user_network.readings import state
from sweeps.user_network.readings.calls import Call, methods
from sweeps.user_network.readings.costs import DescendedCost
from sweeps.user_network.readings.forms import Form
from sweeps.user_network.readings.found import FoundReading
from sweeps.user_network.readings.layers import Group
from sweeps.user_network.readings.naming import Role, named_like
from sweeps.user_network.readings.nielsen import NielsenReading
from sweeps.user_network.readings.state import Place
from sweeps.user_network.readings.steps import StepReading

_HEAD = """\
from {module} import {name}

import sweeps


class Adapter(sweeps.UserNetwork):
    def __init__(self, sizes):
        self.net = {name}({arguments})
"""
_NIELSEN = """
    def parameters(self):
        return [*self.net.weights, *self.net.{biases}]

    def outputs(self, x):
        return self.net.feedforward(x)

    def step(self, x, y, eta, lmbda, n):
        self.net.update_mini_batch(list(zip(x, y)), eta, lmbda, n)

    def cost(self, x, y, lmbda):
        return self.net.{cost}(list(zip(x, y)), lmbda)
"""
_UNFILLED = """
    # {name} has {methods}

    def parameters(self):
        return [{arrays}]  # write yours: the arrays of weights and biases

    def outputs(self, x):
        return self.net.{outputs}(x)  # write yours: samples in rows or in columns, either is found

    def step(self, x, y, eta, lmbda, n):
        self.net.{step}(x, y, eta)  # write yours: one step on a mini-batch

    cost = "quadratic"  # or cross-entropy, log-likelihood, or a method cost(self, x, y, lmbda, n)
"""
_ARRAYS = "array for layer in self.net.layers for array in (layer.W, layer.b)"


def unfilled(place: str, name: str, arguments: str, kind: type, network: Any = None) -> str:
    """An adapter with what the network has, or examples, in place of what was not understood.

    kind: its class. network: None where none could be made.
    """
    has = methods(kind)
    arrays = [] if network is None else _listed_as_held(network)
    filled = _UNFILLED.format(
        name=name,
        methods=", ".join(_signature(kind, method) for method in has) or "no methods",
        arrays=", ".join(arrays) or _ARRAYS,
        outputs=next(iter(named_like(has, "outputs")), "forward"),
        step=next(iter(named_like(has, "step")), "train_step"),
    )
    return _head(place, name, arguments) + filled


def _listed_as_held(network: Any) -> list[str]:
    """Every array of the network, a list of them as the list."""
    stems: dict[str, list[Place]] = {}
    for found, array in state.arrays(network):
        if array.ndim in (1, 2):
            stems.setdefault(re.sub(r"\[\d+\]$", "", str(found)), []).append(found)
    return [part for places in stems.values() for part in _listed(tuple((found,) for found in places))]


def _signature(kind: type, method: str) -> str:
    try:
        words = [word for word in inspect.signature(getattr(kind, method)).parameters if word != "self"]
        return f"{method}({', '.join(words)})"
    except (TypeError, ValueError, AttributeError):
        return method


def adapter_text(place: str, name: str, arguments: str, reading: NielsenReading | FoundReading) -> str:
    """An adapter that does what the reading does."""
    if isinstance(reading, NielsenReading):
        return _head(place, name, arguments) + _NIELSEN.format(biases=reading.bias_name, cost=reading.cost_name)
    step, layers = reading.read_step, reading.layers
    arrays = ", ".join([*_listed(layers.weights), *_listed(layers.biases)])
    lines = ["", "    def parameters(self):", f"        return [{arrays}]", "", "    def outputs(self, x):"]
    called = _code(reading.read_outputs.call, reading.read_step.form)
    if reading.read_outputs.kept:
        lines += [f"        {called}", f"        return {_of_net(reading.read_outputs.place)}"]
    else:
        lines += [f"        return {called}{_suffix(reading.read_outputs.place)}"]
    lines += ["", "    def step(self, x, y, eta, lmbda, n):"]
    their_lambda = {"n": "lmbda", "1": "lmbda / n", "batch": "lmbda * len(x) / n"}[step.lambda_per]
    lines += [f"        {_of_net(found)} = eta" for found in step.etas]
    lines += [f"        {_of_net(found)} = {their_lambda}" for found in step.lmbdas]
    for call in step.calls:
        is_ahead = call.method == reading.read_outputs.call.method and len(step.calls) > 1
        kept = "found = returned" if is_ahead else "returned"
        lines.append(f"        {kept} = {_code(call, step.form, their_lambda)}")
        if is_ahead:
            lines.append(f"        outputs = found{_suffix(reading.read_outputs.place)}")
    lines += _taken(step)
    cost = reading.read_cost
    if isinstance(cost, DescendedCost):
        lines += ["", f'    cost = "{cost.kind}"']
    elif cost.call is None:
        lines += ["        return returned"]
    else:
        lines += ["", "    def cost(self, x, y, lmbda, n):"]
        lines += [f"        {_of_net(found)} = {their_lambda}" for found in step.lmbdas]
        lines += ["        outputs = self.outputs(x)"] if Role.OUTPUTS in cost.call.roles else []
        lines += [f"        return {_code(cost.call, cost.form, their_lambda)}"]
    return _head(place, name, arguments) + "\n".join(lines) + "\n"


def _taken(step: StepReading) -> list[str]:
    """Lines that take returned gradients from the parameters."""
    taken = step.gradients
    if taken is None:
        return []
    sign = "-" if taken.sign < 0 else "+"
    pairs = zip(taken.groups, taken.places, strict=True)
    return [f"        {_of_net(group[0])} {sign}= eta * returned{_suffix(place)}" for group, place in pairs]


def _head(place: str, name: str, arguments: str) -> str:
    module = Path(place).stem if place.endswith(".py") else place
    return _HEAD.format(module=module, name=name, arguments=arguments)


def _of_net(place: Place) -> str:
    return f"self.net{_suffix(place)}"


def _suffix(place: Place) -> str:
    text = str(place)
    return text if not text or text.startswith("[") else f".{text}"


def _listed(groups: tuple[Group, ...]) -> list[str]:
    """The places of each layer's arrays; of a whole list, the list."""
    places = [_of_net(group[0]) for group in groups]
    stem = re.sub(r"\[0\]$", "", places[0]) if places else ""
    return [f"*{stem}"] if places and places == [f"{stem}[{k}]" for k in range(len(places))] else places


def _code(call: Call, form: Form, their_lambda: str = "lmbda") -> str:
    """The call as Python."""
    words = {
        Role.X: "x",
        Role.Y: "y",
        Role.PAIRS: "list(zip(x, y))",
        Role.ETA: "eta",
        Role.LMBDA: their_lambda,
        Role.N: "n",
        Role.M: "len(x)" if form.samples.value != "samples in columns" else "x.shape[1]",
        Role.EPOCHS: "1",
        Role.OUTPUTS: "outputs",
        Role.CACHE: "found[1]",
        Role.GRADIENTS: "returned",
    }
    arguments = [f"{name}={words[role]}" for name, role in call.given] + [f"{name}={v!r}" for name, v in call.fixed]
    arguments += ["*returned"] if call.rest else []
    return f"self.net.{call.method}({', '.join(arguments)})"
