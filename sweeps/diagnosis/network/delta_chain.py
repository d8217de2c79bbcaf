"""Where backpropagation goes wrong: each layer's delta, as their step implies it, against what each fault would make.

Notation of Nielsen, ch. 2: delta^l = dC/dz^l, delta^l = ((w^{l+1})^T delta^{l+1}) * slope(z^l) (BP2). The test of a
layer takes their own delta of the layer above as given, so that one fault does not look like many.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sweeps.diagnosis.network.gradient_faults import FormulaFault, GradientKind
from sweeps.diagnosis.network.subject import Array, Subject

_PRODUCT = 0.01  # relative residual up to which a step of weights is a product of a delta and an input
_TINY = 1e-7  # of a delta's largest: below it a quotient says nothing


@dataclass(frozen=True)
class Example:
    """One example at one place: theta, x (1, n_in), y (1, n_out); true: gradient of its cost by differences, flat;
    step: the gradient that their step implies. Both in the layout of theta.
    """

    theta: Array
    x: Array
    y: Array
    true: Array
    step: Array


class Chain:
    """The deltas of a few examples, layer by layer."""

    def __init__(self, subject: Subject, examples: Sequence[Example], tolerance: float) -> None:
        self._subject, self._layout, self._tolerance = subject, subject.layout, tolerance
        self._links = [_Link(subject, example) for example in examples]

    @property
    def is_layered(self) -> bool:
        """Whether the true gradients are those of a fully connected network: products of a delta and an input."""
        return all(link.is_layered(100 * self._tolerance) for link in self._links)

    def flaws(self) -> list[FormulaFault]:
        """One for each layer whose delta is not what BP1 and BP2 ask for, outputs first."""
        found = [self._judge(self._layout.layers, *self._outputs())]
        found += [self._judge(layer, *self._hidden(layer)) for layer in range(self._layout.layers - 1, 0, -1)]
        return [flaw for flaw in found if flaw is not None]

    def biases_apart(self) -> tuple[int, ...]:
        """The layers whose biases' gradient is not the delta that their weights' gradient holds."""
        layers = range(1, self._layout.layers + 1)
        pairs = {k: [(link.of_biases(k), link.implied(k)) for link in self._links] for k in layers}
        fits = {k: _Formula(found).fit() for k, found in pairs.items()}
        return tuple(
            k
            for k, fit in fits.items()
            if fit and (fit.error > self._tolerance or abs(fit.factor - 1) > self._tolerance)
        )

    def products_apart(self) -> tuple[int, ...]:
        """The layers whose weights' step is no product of a delta and the layer's input."""
        layers = range(1, self._layout.layers + 1)
        return tuple(k for k in layers if any(link.has_product(k) is False for link in self._links))

    def _judge(
        self, layer: int, right_formula: "_Formula", wrong_formulas: "Mapping[GradientKind, _Formula]"
    ) -> FormulaFault | None:
        """None where the right formula fits; else the first of the others that does, else what is unexplained."""
        is_output = layer == self._layout.layers  # whose factor is the step's own scale, judged elsewhere
        right = right_formula.fit()
        if right is None:
            return None
        if right.error <= self._tolerance:
            if is_output or abs(right.factor - 1) <= self._tolerance:
                return None
            kind = GradientKind.DELTA_REVERSED if right.factor < 0 else GradientKind.DELTA_SCALED
            return FormulaFault(kind, right.error, right.error, right.factor, layers=(layer,))
        for kind, formula in wrong_formulas.items():
            fit = formula.fit()
            if fit is None or fit.error > self._tolerance:
                continue
            if is_output or abs(abs(fit.factor) - 1) <= self._tolerance:
                return FormulaFault(kind, fit.error, right.error, fit.factor, layers=(layer,))
        return FormulaFault(GradientKind.UNEXPLAINED, right.error, right.error, right.factor, layers=(layer,))

    def _outputs(self) -> "tuple[_Formula, dict[GradientKind, _Formula]]":
        """(BP1, what stands for it where there is a fault)."""
        top, links = self._layout.layers, self._links
        right = [(link.implied(top), link.delta(top)) for link in links]
        missing = [(link.jacobian.T @ implied, delta) for link, (implied, delta) in zip(links, right, strict=True)]
        twice = [(implied, link.jacobian.T @ delta) for link, (implied, delta) in zip(links, right, strict=True)]
        return _Formula(right), {
            GradientKind.OUTPUT_SLOPE_MISSING: _Formula(missing),
            GradientKind.OUTPUT_SLOPE_TWICE: _Formula(twice),
            GradientKind.SLOPE_OF_ACTIVATION: _Formula([link.output_with_slope_of_activation() for link in links]),
        }

    def _hidden(self, layer: int) -> "tuple[_Formula, dict[GradientKind, _Formula]]":
        """(BP2, what stands for it where there is a fault)."""

        def formula(slope: str, transposed: bool = True) -> _Formula:
            return _Formula(
                [
                    (link.implied(layer), link.passed_down(layer, transposed) * getattr(link, slope)(layer))
                    for link in self._links
                ]
            )

        wrong = {
            GradientKind.HIDDEN_SLOPE_MISSING: formula("no_slope"),
            GradientKind.SLOPE_OF_ACTIVATION: formula("slope_of_activation"),
        }
        if self._layout.sizes[layer] == self._layout.sizes[layer + 1]:
            wrong |= {
                GradientKind.NOT_TRANSPOSED: formula("slope", transposed=False),
                GradientKind.NOT_TRANSPOSED_SLOPE_MISSING: formula("no_slope", transposed=False),
                GradientKind.NOT_TRANSPOSED_SLOPE_OF_ACTIVATION: formula("slope_of_activation", transposed=False),
            }
        return formula("slope"), wrong


@dataclass(frozen=True)
class _Fit:
    error: float
    factor: float


@dataclass(frozen=True)
class _Formula:
    """Pairs (found, expected by the formula) of all examples; one factor between them serves all."""

    pairs: list[tuple[Array, Array]]

    def fit(self) -> _Fit | None:
        """None where there is nothing to compare."""
        found = np.concatenate([pair[0] for pair in self.pairs])
        expected = np.concatenate([pair[1] for pair in self.pairs])
        usable = np.isfinite(found) & np.isfinite(expected)
        found, expected = found[usable], expected[usable]
        size = float(np.linalg.norm(found))
        square = float(expected @ expected)
        if size == 0 or square == 0:
            return None
        factor = float(found @ expected) / square
        return _Fit(float(np.linalg.norm(found - factor * expected)) / size, factor)


class _Link:
    """One example's deltas, inputs and slopes. Where something cannot be told, NaN."""

    def __init__(self, subject: Subject, example: Example) -> None:
        self._subject, self._layout, self._example = subject, subject.layout, example
        self._weights, self._biases = self._layout.weights(example.theta), self._layout.biases(example.theta)
        self._true_w, self._true_b = self._layout.weights(example.true), self._layout.biases(example.true)

    def delta(self, layer: int) -> Array:
        """The true one, dC/db."""
        return self._true_b[layer - 1]

    def implied(self, layer: int) -> Array:
        """The one that their step of the weights implies, dw = delta a^T; of the biases where weights don't move so."""
        a, step = self.input(layer), self._layout.weights(self._example.step)[layer - 1]
        if not np.any(step) or self.has_product(layer) is False:
            return self.of_biases(layer)
        implied: Array = step @ a / (a @ a)
        return implied

    def has_product(self, layer: int) -> bool | None:
        """Whether the step of the weights is a product of some delta and the layer's input; None: cannot be told."""
        a, step = self.input(layer), self._layout.weights(self._example.step)[layer - 1]
        if not np.all(np.isfinite(a)) or not np.any(step):
            return None
        left = step - np.outer(step @ a / (a @ a), a)
        return bool(np.linalg.norm(left) <= _PRODUCT * np.linalg.norm(step))

    def of_biases(self, layer: int) -> Array:
        """The one that their step of the biases implies."""
        return self._layout.biases(self._example.step)[layer - 1]

    def input(self, layer: int) -> Array:
        """What the layer receives: x, or the activation below, from dC/dW = delta a^T."""
        if layer == 1:
            return np.asarray(self._example.x[0])
        delta = self.delta(layer)
        square = float(delta @ delta)
        if square == 0:
            return np.full(self._layout.sizes[layer - 1], np.nan)
        received: Array = self._true_w[layer - 1].T @ delta / square
        return received

    def is_layered(self, tolerance: float) -> bool:
        for layer in range(1, self._layout.layers + 1):
            product, true = np.outer(self.delta(layer), self.input(layer)), self._true_w[layer - 1]
            if np.all(np.isfinite(product)) and np.linalg.norm(product - true) > tolerance * np.linalg.norm(true):
                return False
        return True

    def passed_down(self, layer: int, transposed: bool = True) -> Array:
        """Their delta of the layer above through its weights."""
        above = self._weights[layer]
        passed: Array = (above.T if transposed else above) @ self.implied(layer + 1)
        return passed

    def slope(self, layer: int) -> Array:
        """slope(z^l) of the hidden activation: what BP2 multiplies with."""
        return _quotient(self.delta(layer), self._weights[layer].T @ self.delta(layer + 1))

    def no_slope(self, layer: int) -> Array:
        return np.ones(self._layout.sizes[layer])

    def slope_of_activation(self, layer: int) -> Array:
        """slope(a^l): that of the activation where z^l equals a^l, which a shift of the biases brings about."""
        theta, kinks = self._shifted(layer, self.input(layer + 1))
        if not np.all(np.isfinite(theta)):
            return np.full(self._layout.sizes[layer], np.nan)
        biases = self._layout.biases(np.arange(self._layout.size, dtype=np.float64))
        entries = [int(k) for k in (*biases[layer - 1], *biases[layer])]
        slope = self._subject.slope(lambda at: self._subject.cost(at, self._example.x, self._example.y), theta, entries)
        values = self._layout.biases(slope.values)
        quotient = _quotient(values[layer - 1], self._weights[layer].T @ values[layer])
        quotient[kinks] = np.nan
        return quotient

    @cached_property
    def jacobian(self) -> Array:
        """(n_out, n_out): d outputs / d z of the output layer, from feedforward."""
        return self._jacobian(self._example.theta)

    def output_with_slope_of_activation(self) -> tuple[Array, Array]:
        """(implied delta, the delta that slope(a) in place of slope(z) would give); elementwise outputs only."""
        top = self._layout.layers
        a = self._subject.outputs(self._example.theta, self._example.x)[0]
        theta, _ = self._shifted(top, a)
        true, there = self.jacobian, self._jacobian(theta)
        if np.any(np.abs(true - np.diag(np.diag(true))) > 1e-6 * np.abs(true).max()):
            return np.full(len(a), np.nan), np.full(len(a), np.nan)
        return self.implied(top), _quotient(self.delta(top), np.diag(true)) * np.diag(there)

    def _shifted(self, layer: int, a: Array) -> tuple[Array, NDArray[np.bool_]]:
        """(theta with the layer's biases such that z = a, which units then stand at 0, where a kink may be)."""
        z = self._weights[layer - 1] @ self.input(layer) + self._biases[layer - 1]
        theta = self._example.theta.copy()
        self._layout.biases(theta)[layer - 1][:] += a - z
        return theta, np.abs(a) < 1e-3

    def _jacobian(self, theta: Array) -> Array:
        h = self._subject.spacing
        top = self._layout.layers
        columns = []
        for k in range(self._layout.sizes[-1]):
            up, down = theta.copy(), theta.copy()
            self._layout.biases(up)[top - 1][k] += h
            self._layout.biases(down)[top - 1][k] -= h
            columns.append(
                (self._subject.outputs(up, self._example.x) - self._subject.outputs(down, self._example.x))[0] / (2 * h)
            )
        return np.stack(columns, axis=1)


def _quotient(numerator: Array, denominator: Array) -> Array:
    """Elementwise; NaN where the denominator is too small to divide by."""
    small = np.abs(denominator) <= _TINY * np.max(np.abs(denominator), initial=0.0)
    with np.errstate(all="ignore"):
        return np.where(small, np.nan, numerator / np.where(small, 1.0, denominator))
