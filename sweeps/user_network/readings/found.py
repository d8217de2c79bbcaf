"""A reading put together from what was found: layers, outputs, step, cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sweeps.errors import UserNetworkError
from sweeps.user_network.readings.calls import bound, methods
from sweeps.user_network.readings.costs import DescendedCost, ReportedCost, find_cost
from sweeps.user_network.readings.gradients import back_call, gradients
from sweeps.user_network.readings.layers import Layers, described, find_layers, possible_ends
from sweeps.user_network.readings.naming import Role, named_like
from sweeps.user_network.readings.outputs import OutputsReading, find_outputs
from sweeps.user_network.readings.reading import Array, Pairs, quietly, theirs
from sweeps.user_network.readings.steps import StepReading, find_step
from sweeps.user_network.readings.trying import duplicate


@dataclass(frozen=True)
class FoundReading:
    """A network of any of the shapes that the modules beside this one know."""

    layers: Layers
    read_outputs: OutputsReading
    read_step: StepReading
    read_cost: ReportedCost | DescendedCost
    file: Path | None

    @property
    def sizes(self) -> tuple[int, ...]:
        return self.layers.sizes

    @property
    def has_biases(self) -> bool:
        return bool(self.layers.biases) or self.layers.bias_at is not None

    def weights(self, network: Any) -> list[Array]:
        with theirs(self.file, "reading its weights"):
            return self.layers.get_weights(network)

    def biases(self, network: Any) -> list[Array]:
        with theirs(self.file, "reading its biases"):
            return self.layers.get_biases(network)

    def put(self, network: Any, weights: Sequence[Array], biases: Sequence[Array]) -> None:
        with theirs(self.file, "setting its parameters"):
            self.layers.put(network, weights, biases)

    def outputs(self, network: Any, x: Array) -> Array:
        with theirs(self.file, str(self.read_outputs)):
            outputs = self.read_outputs(network, x)
        if outputs.shape != (len(x), self.sizes[-1]):
            raise UserNetworkError(f"{self.read_outputs} gave {outputs.shape} for {len(x)} samples")
        return outputs

    def step(self, network: Any, pairs: Pairs, eta: float, lmbda: float, n: int) -> None:
        """Where they take one example at a time, the mean of the examples' steps from the same place."""
        x, y = stacked(pairs)
        with theirs(self.file, str(self.read_step)):
            if self.read_step.form.paired or not self.read_step.form.samples.single:
                self.read_step(network, x, y, eta, lmbda, n)
                return
            start = self.layers.get_weights(network) + self.layers.get_biases(network)
            total, depth = [np.zeros_like(p, np.float64) for p in start], len(self.sizes) - 1
            for k in range(len(x)):
                self.layers.put(network, start[:depth], start[depth:])
                self.read_step(network, x[k : k + 1], y[k : k + 1], eta, lmbda, n)
                now = self.layers.get_weights(network) + self.layers.get_biases(network)
                total = [t + (p - before) for t, p, before in zip(total, now, start, strict=True)]
            moved = [p + t / len(x) for p, t in zip(start, total, strict=True)]
            self.layers.put(network, moved[:depth], moved[depth:])

    def cost(self, network: Any, pairs: Pairs, lmbda: float, n: int) -> float:
        with theirs(self.file, str(self.read_cost)):
            return self.read_cost(network, *stacked(pairs), lmbda, n or len(pairs))

    def places(self, network: Any) -> tuple[str, str]:
        backward = back_call(network, self.read_step)
        return backward[-1].method if backward else "", self.read_step.calls[-1].method

    def backprop(self, network: Any, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        with theirs(self.file, "their backward pass"):
            return gradients(network, self.layers, self.read_step, x, y)

    def pairs(self, x: Array, y: Array) -> Pairs:
        return list(zip(x, y, strict=True))

    def table(self) -> list[tuple[str, str]]:
        """What was understood, for people."""
        step = self.read_step
        eta = f"the attribute {step.etas[0]}" if step.etas else "an argument" if step.gradients is None else "ours"
        per = {"n": "lambda", "1": "lambda / n", "batch": "lambda m / n"}[step.lambda_per]
        lmbda = f"the attribute {step.lmbdas[0]}" if step.lmbdas else "an argument" if step.has_lambda else "none"
        return [
            ("samples", str(step.form)),
            *(("parameters", line) for line in described(self.layers)),
            ("outputs", f"{self.read_outputs} ({self.read_outputs.samples})"),
            ("step", str(step)),
            ("eta", eta),
            ("lambda", f"{lmbda}, given {per}" if step.has_lambda else lmbda),
            ("cost", str(self.read_cost)),
        ]


def stacked(pairs: Pairs) -> tuple[Array, Array]:
    """x (m, n_in), y (m, n_out) of a list of pairs."""
    return np.array([np.ravel(x) for x, _ in pairs]), np.array([np.ravel(y) for _, y in pairs])


def _why_no_outputs(network: Any, n_in: int, file: Path | None) -> str:
    """What the likeliest method does in place of giving outputs, and a word on layers that are somebody's to choose."""
    names = methods(network)
    said = ""
    for call in (bound(network, name, {Role.X, Role.M}, training=False) for name in named_like(names, "outputs")):
        if call is None or Role.X not in call.roles:
            continue
        try:
            with quietly(file, str(call)):
                call(duplicate(network, file), {Role.X: np.full((3, n_in), 0.5), Role.M: 3})
        except UserNetworkError as error:
            said = f": {error}"
            break
    if "add" in names or "layers" in getattr(network, "__dict__", {}):
        said += "\nLayers that are handed over or added are yours to choose: a subclass whose __init__(self, sizes) "
        said += "does so is read as it is (docs/own-network.md)"
    return said


def find_reading(network: Any, sizes: Sequence[int] | None, file: Path | None) -> FoundReading:
    """Reads a network. sizes: that it was asked to have, None where nobody did. Raises UserNetworkError."""
    name = type(network).__name__
    asked = [(sizes[0], sizes[-1])] if sizes else []
    outputs = None
    for n_in, n_out in [*asked, *(ends for ends in possible_ends(network) if ends not in asked)]:
        outputs = find_outputs(network, n_in, n_out, file) if n_in > 0 else None
        if outputs is not None:
            break
    if outputs is None:
        raise UserNetworkError(
            f"{name}: no method gives its outputs; one is looked for that takes inputs alone and is called forward, "
            "feedforward, predict or the like" + _why_no_outputs(network, asked[0][0] if asked else 1, file)
        )
    layers = find_layers(network, outputs, n_in, n_out, file)
    step, said = find_step(network, layers, outputs, file)
    if step is None:
        raise UserNetworkError(
            f"{name}: no method makes a step; one takes inputs and targets, or pairs of them, "
            "and is called update_mini_batch, train_step, fit, backward or the like, with a learning rate as an "
            f"argument or an attribute{': ' + said if said else ''}"
        )
    return FoundReading(layers, outputs, step, find_cost(network, layers, outputs, step, file), file)
