"""What cost a network reports; where it reports none, which one its step descends."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sweeps.errors import UserNetworkError
from sweeps.user_network.readings.calls import Call, bound, methods
from sweeps.user_network.readings.forms import Form, forms
from sweeps.user_network.readings.layers import Layers
from sweeps.user_network.readings.naming import Role, named_like
from sweeps.user_network.readings.outputs import OutputsReading, examples, probes
from sweeps.user_network.readings.reading import Array, quietly
from sweeps.user_network.readings.steps import StepReading, change
from sweeps.user_network.readings.trying import duplicate

_KINDS = ("quadratic", "cross-entropy", "log-likelihood")
_ETA = 1e-4  # of the step that is compared with gradients
_SPACING = 1e-5
_A_LAYER = 12  # parameters of each layer that are differenced
_FITS = 1e-2  # relative residual of a step along a gradient
_SAME = 1e-6
_ALIKE, _FAR = 1e-2, 0.5  # outputs that differ by less between examples; how far from there costs are measured
_NEAR = 0.02  # relative difference of a scale from a round one
_AVAILABLE = frozenset({Role.X, Role.Y, Role.PAIRS, Role.OUTPUTS, Role.LMBDA, Role.N, Role.M})


@dataclass(frozen=True)
class ReportedCost:
    """What a method of theirs reports. returned: whether it is what a step with eta 0 returns."""

    call: Call | None
    form: Form
    outputs: OutputsReading
    step: StepReading

    def __call__(self, network: Any, x: Array, y: Array, lmbda: float, n: int) -> float:
        if self.call is None:
            return _scalar(self.step(network, x, y, 0.0, lmbda, n)[0])
        costs: list[float] = []
        for given in self.form.calls(x, y):
            their_lambda = self.step.their_lambda(lmbda, n, given[Role.M])
            self.step.set_numbers(network, None, their_lambda)
            values = given | {Role.LMBDA: their_lambda, Role.N: n}
            if Role.OUTPUTS in self.call.roles:
                found = self.outputs(network, x) if not self.form.samples.single else None
                if found is None:
                    found = self.outputs(network, x[len(costs) : len(costs) + 1])
                values[Role.OUTPUTS] = self.form.samples.of(found)[0]
            costs.append(_scalar(self.call(network, values)))
        return float(np.mean(costs))

    def __str__(self) -> str:
        return str(self.call) if self.call is not None else f"what {self.step.calls[-1].method} returns"


@dataclass(frozen=True)
class DescendedCost:
    """No cost is reported: this one is what the step descends, or comes nearest to it.

    kind: quadratic, cross-entropy or log-likelihood. factor: times the mean over the examples, or the sum. fits: the
    relative residual of the step along its gradient.
    """

    kind: str
    factor: float
    summed: bool
    fits: float
    outputs: OutputsReading
    layers: Layers
    decays: bool

    def __call__(self, network: Any, x: Array, y: Array, lmbda: float, n: int) -> float:
        cost = self.factor * float(np.sum(_costs(self.kind, self.outputs(network, x), y)))
        cost /= 1 if self.summed else len(x)
        if not (lmbda and self.decays):
            return cost
        return cost + 0.5 * lmbda / n * sum(float(np.sum(w**2)) for w in self.layers.get_weights(network))

    def __str__(self) -> str:
        times = "" if self.factor == 1 else f"{self.factor:.4g} times "
        fits = "fits" if self.fits <= _FITS else f"is nearest, of the step {self.fits:.0%} is something else"
        return f"none, {times}{'summed' if self.summed else 'mean'} {self.kind} {fits}"


def _costs(kind: str, a: Array, y: Array) -> Array:
    """Of each output, for a (m, n_out)."""
    a = np.asarray(a, np.float64)
    with np.errstate(all="ignore"):
        if kind == "quadratic":
            return np.asarray(0.5 * (a - y) ** 2)
        if kind == "log-likelihood":
            return np.asarray(-np.where(y > 0, y * np.log(a), 0.0))
        return np.asarray(-np.where(y > 0, y * np.log(a), 0.0) - np.where(y < 1, (1 - y) * np.log(1 - a), 0.0))


def _slopes(kind: str, a: Array, y: Array) -> Array:
    """Derivatives of these costs by a: of a saturated output, which differences would step over."""
    a = np.asarray(a, np.float64)
    with np.errstate(all="ignore"):
        if kind == "quadratic":
            return np.asarray(a - y)
        if kind == "log-likelihood":
            return np.asarray(-np.where(y > 0, y / a, 0.0))
        return np.asarray(np.where(y < 1, (1 - y) / (1 - a), 0.0) - np.where(y > 0, y / a, 0.0))


def _scalar(reported: Any) -> float:
    first = reported[0] if isinstance(reported, tuple | list) else reported
    return float(np.asarray(first, np.float64).item())


def find_cost(
    network: Any, layers: Layers, outputs: OutputsReading, step: StepReading, file: Path | None
) -> ReportedCost | DescendedCost:
    """The first cost, by its method's name, that depends on examples and parameters; else the one descended."""
    named = getattr(network, "cost", None) if getattr(type(network), "names_its_parameters", False) is True else None
    if isinstance(named, str) and named:
        return _named(named, layers, outputs, step, _decays(network, layers, step, file))
    x, y = examples(layers.sizes[0], layers.sizes[-1], probes(layers.sizes))
    network = _awake(network, layers, outputs, x, file)
    coarse: ReportedCost | None = None
    for method in named_like(methods(network), "cost"):
        call = bound(network, method, _AVAILABLE, in_cost=True, training=False)
        if call is None or not call.roles & {Role.Y, Role.PAIRS} or not call.roles & {Role.X, Role.OUTPUTS, Role.PAIRS}:
            continue
        for form in _cost_forms(call, step):
            reading = ReportedCost(call, form, outputs, step)
            kind = _kind(network, reading, layers, x, y, file)
            if kind == "of examples":
                return reading
            coarse = coarse or (reading if kind == "some" else None)
    returned = ReportedCost(None, step.form, outputs, step)
    if (
        coarse is None
        and not step.form.samples.single
        and _kind(network, returned, layers, x, y, file) == "of examples"
    ):
        return returned
    return coarse or _descended(network, layers, outputs, step, file)


def _awake(network: Any, layers: Layers, outputs: OutputsReading, x: Array, file: Path | None) -> Any:
    """The network, or, where its outputs hardly differ between examples, as they do at small weights, one elsewhere.

    Where all outputs are alike every cost is, too.
    """
    with quietly(file, str(outputs)):
        found = np.asarray(outputs(duplicate(network, file), x), np.float64)
    return network if found.std(axis=0).max() > _ALIKE else _moved(network, layers, _FAR, file)


def _moved(network: Any, layers: Layers, by: float, file: Path | None) -> Any:
    """A copy whose parameters are elsewhere, by about so much."""
    moved, rng = duplicate(network, file), np.random.default_rng(0)
    with quietly(file, "setting its parameters"):
        weights, biases = (
            [p + by * rng.normal(size=p.shape) for p in parameters]
            for parameters in (layers.get_weights(moved), layers.get_biases(moved))
        )
        layers.put(moved, weights, biases)
    return moved


def _named(name: str, layers: Layers, outputs: OutputsReading, step: StepReading, decays: bool) -> DescendedCost:
    kind = name.replace("_", "-").lower()
    if kind not in _KINDS:
        raise UserNetworkError(f"cost = {name!r} is none that is known: write one of {', '.join(_KINDS)}, or a method")
    return DescendedCost(kind, 1.0, False, 0.0, outputs, layers, decays)


def _decays(network: Any, layers: Layers, step: StepReading, file: Path | None) -> bool:
    """Whether lambda changes a step: a cost that is not theirs has a penalty only then."""
    if not step.has_lambda:
        return False
    batch = examples(layers.sizes[0], layers.sizes[-1], probes(layers.sizes))
    with_it, without = (change(network, step, layers, batch, 0.1, lmbda, file)[1] for lmbda in (1.0, 0.0))
    return not np.array_equal(with_it, without)


def _cost_forms(call: Call, step: StepReading) -> list[Form]:
    every = forms(Role.PAIRS in call.roles, step.form.samples)
    return sorted(every, key=lambda form: (form.integers != step.form.integers, form.samples is not step.form.samples))


def _kind(network: Any, reading: ReportedCost, layers: Layers, x: Array, y: Array, file: Path | None) -> str:
    """ "of examples" for the mean or the sum of its examples' costs, "some" for another number, "" for none."""
    try:
        with quietly(file, str(reading)):

            def cost(x: Array, y: Array, at: float = 0.0) -> float:
                moved = _moved(network, layers, at, file) if at else duplicate(network, file)
                return reading(moved, x, y, 0.0, 10 * len(x))

            whole, other, moved = cost(x, y), cost(x, y[::-1]), cost(x, y, at=1e-3)
            if not np.isfinite(whole) or whole in (other, moved):
                return ""
            singles = [cost(x[k : k + 1], y[k : k + 1]) for k in range(len(x))]
    except UserNetworkError:
        return ""
    near = (abs(whole - total) <= _SAME * abs(whole) for total in (np.mean(singles), np.sum(singles)))
    return "of examples" if any(near) else "some"


def _descended(
    network: Any, layers: Layers, outputs: OutputsReading, step: StepReading, file: Path | None
) -> DescendedCost:
    """Compares a small step, where outputs depend on few parameters, with the gradients of the three costs."""
    m, n_out = probes(layers.sizes), layers.sizes[-1]
    x, y = examples(layers.sizes[0], n_out, m)
    with quietly(file, str(outputs)):
        a = outputs(duplicate(network, file), x)
    moved = change(network, step, layers, (x, y), _ETA, 0.0, file)[1] / -_ETA
    if step.form.samples.single and not step.form.paired:
        moved /= m  # a mini-batch is the mean of its examples' steps
    entries, jacobian = _jacobian(network, layers, outputs, x, file)
    of_weights = entries < sum(w.size for w in layers.get_weights(network))  # biases are often wrong alone
    sums_to_one = n_out > 1 and np.allclose(a.sum(axis=1), 1.0)
    kinds = ("log-likelihood", "quadratic") if sums_to_one else _KINDS
    best: DescendedCost | None = None
    decays = _decays(network, layers, step, file)
    for kind in kinds:
        slope = _slopes(kind, a, y) / m
        gradient, taken = np.array([np.sum(slope * d) for d in jacobian])[of_weights], moved[entries][of_weights]
        square = float(gradient @ gradient)
        factor = float(taken @ gradient) / square if square else 0.0
        size = float(np.linalg.norm(taken))
        residual = float(np.linalg.norm(taken - factor * gradient)) / size if size and np.isfinite(factor) else 1.0
        scales = [(f, False) for f in (1.0, 2.0, 1 / n_out, 2 / n_out)] + [(f, True) for f in (1.0, 2.0, 1 / n_out)]
        said, summed = next(
            ((f, summed) for f, summed in scales if abs(factor / (f * (m if summed else 1)) - 1) < _NEAR), (1.0, False)
        )
        found = DescendedCost(kind, said, summed, residual, outputs, layers, decays)
        best = found if best is None or residual < best.fits else best
    assert best is not None
    return best


def _jacobian(
    network: Any, layers: Layers, outputs: OutputsReading, x: Array, file: Path | None
) -> tuple[Array, list[Array]]:
    """(some entries of the flat parameters, the outputs' derivatives by each)."""
    parameters = layers.get_weights(network) + layers.get_biases(network)
    ends, rng = np.cumsum([0, *(p.size for p in parameters)]), np.random.default_rng(0)
    entries = [
        int(k) for p, low in zip(parameters, ends, strict=False) for k in low + rng.permutation(p.size)[:_A_LAYER]
    ]
    flat = np.concatenate([np.ravel(p) for p in parameters]).astype(np.float64)
    depth, found = len(layers.sizes) - 1, []
    for k in entries:
        sides = []
        for h in (_SPACING, -_SPACING):
            moved = flat.copy()
            moved[k] += h
            parts = [moved[a:b].reshape(p.shape) for a, b, p in zip(ends, ends[1:], parameters, strict=False)]
            copy = duplicate(network, file)
            with quietly(file, str(outputs)):
                layers.put(copy, parts[:depth], parts[depth:])
                sides.append(np.asarray(outputs(copy, x), np.float64))
        found.append((sides[0] - sides[1]) / (2 * _SPACING))
    return np.array(entries), found
