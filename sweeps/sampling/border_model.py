"""Where the border between stable and unstable settings runs, as far as trials tell: a Gaussian-process classifier.

P(stable) = sigmoid(f), with f over the searched fields, each scaled to [0, 1], drawn from a zero-mean Gaussian process
with an RBF kernel: smooth, and undecided where there are no trials. Laplace's approximation after Rasmussen and
Williams, Gaussian Processes for Machine Learning (2006), cited as RW. scikit-learn has the same classifier, but without
the covariances between points, which proposing needs.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.special import expit, log_expit, ndtr

from sweeps.sampling.places import Places
from sweeps.specification.domains import Choices, Domain, Range, Setting, Settings

Array = NDArray[np.float64]

# Priors of the kernel's parameters, by their logarithms: mean, standard deviation. They decide while trials are few, or
# all on one side. Narrow, so that one verdict against all those around it bends the border little: with 2 % such
# verdicts, twice the spreads left twice the error after 64 trials (tests/benchmarks/border.py).
_AMPLITUDE = (math.log(4.0), 0.3)  # P goes from .02 to .98 as f goes from -4 to 4
_LENGTH = (math.log(0.6), 0.5)  # about half of the searched range
_NEWTON_STEPS = 100
_NEWTON_TOLERANCE = 1e-8  # of the latent values; their error after such a step is its square
_LEVEL = 1e-10  # by which the log posterior may seem to fall near its top, where rounding decides
_SMALLEST_STEP = 1e-4
_HERMITE_NODES, _HERMITE_WEIGHTS = np.polynomial.hermite_e.hermegauss(5)


class Space:
    """The searched fields as coordinates in [0, 1]; one-hot for words and lists, any two of them at distance 1."""

    def __init__(self, domains: Mapping[str, Domain]) -> None:
        self._domains = dict(domains)

    def point(self, settings: Settings) -> list[float]:
        """The coordinates of a setting, all fields in a row."""
        return [u for name, domain in self._domains.items() for u in _coordinates(domain, settings[name])]

    def points(self, settings: Sequence[Settings]) -> Array:
        """(settings, coordinates)."""
        return np.array([self.point(one) for one in settings], dtype=np.float64).reshape(len(settings), self._columns)

    def squared_distances(self, a: Array, b: Array) -> Array:
        """(fields, a, b): of two sets of points, field by field."""
        columns = (a[:, None, :] - b[None, :, :]) ** 2
        starts = np.cumsum([0, *self._widths[:-1]])
        return np.moveaxis(np.add.reduceat(columns, starts, axis=2), 2, 0)

    @property
    def fields(self) -> int:
        """How many there are."""
        return len(self._domains)

    @property
    def _widths(self) -> list[int]:
        return [len(_coordinates(domain, domain.corners[0])) for domain in self._domains.values()]

    @property
    def _columns(self) -> int:
        return sum(self._widths)


def is_logarithmic(domain: Domain) -> bool:
    """Whether a field is scaled by the logarithm of its value: log ranges, and choices of positive numbers."""
    if isinstance(domain, Range):
        return domain.log
    return all(isinstance(value, int | float) and value > 0 for value in domain.values)


def is_numeric(domain: Domain) -> bool:
    """Whether all values of a field are numbers."""
    return isinstance(domain, Range) or all(isinstance(value, int | float) for value in domain.values)


def ends(domain: Domain) -> tuple[float, float]:
    """The smallest and the largest value of a numeric field."""
    numbers = [value for value in domain.corners if isinstance(value, int | float)]
    return min(numbers), max(numbers)


def _coordinates(domain: Domain, value: Setting) -> list[float]:
    if isinstance(domain, Choices) and not is_numeric(domain):
        return [math.sqrt(0.5) if value == choice else 0.0 for choice in domain.values]
    if not isinstance(value, int | float):
        raise TypeError(f"a numeric field must have a number, got {value!r}")
    low, high = ends(domain)
    if is_logarithmic(domain):
        return [math.log(value / low) / math.log(high / low)]
    return [(value - low) / (high - low)]


@dataclass(frozen=True)
class Kernel:
    """amplitude^2 exp(-sum_j distance_j^2 / (2 lengths_j^2)). lengths: one a field, in the field's coordinates."""

    amplitude: float
    lengths: tuple[float, ...]

    @classmethod
    def prior(cls, fields: int) -> "Kernel":
        """The most probable one before any trial."""
        return cls(math.exp(_AMPLITUDE[0]), (math.exp(_LENGTH[0]),) * fields)

    @classmethod
    def of_logs(cls, logs: Array) -> "Kernel":
        """The inverse of `logs`."""
        amplitude, *lengths = np.exp(logs).tolist()
        return cls(amplitude, tuple(lengths))

    @property
    def logs(self) -> Array:
        """The logarithms of amplitude and lengths, as the optimiser moves them."""
        return np.log([self.amplitude, *self.lengths])

    def __call__(self, squared_distances: Array) -> Array:
        """(a, b) from (fields, a, b)."""
        scaled = np.tensordot(1 / np.square(self.lengths), squared_distances, axes=1)
        values: Array = self.amplitude**2 * np.exp(-scaled / 2)
        return values


@dataclass(frozen=True)
class Border:
    """What trials say about f.

    points: (n, coordinates) of the places. pulls: (n,) the gradient of their log likelihood at the most probable f.
    precisions: (n,) minus its second derivative. A point of pull 0 adds certainty and changes no mean: an assumed one.
    """

    space: Space
    kernel: Kernel
    points: Array
    pulls: Array
    precisions: Array

    def latent(self, points: Array) -> tuple[Array, Array]:
        """(mean, variance) of f at points (m, coordinates): two arrays (m,)."""
        cross, explained = self._explained(points)
        variance = self.kernel.amplitude**2 - np.einsum("nm,nm->m", explained, explained)
        return self.pulls @ cross, np.maximum(variance, 1e-12)

    def covariance(self, points: Array) -> Array:
        """(m, m): of f between points (RW eq. 3.24 off the diagonal too)."""
        _, explained = self._explained(points)
        prior = self.kernel(self.space.squared_distances(points, points))
        posterior: Array = prior - explained.T @ explained
        return posterior

    def probability(self, points: Array) -> Array:
        """(m,): P(stable), averaged over what is not known of f, so it stays near 1/2 far from all trials."""
        mean, variance = self.latent(points)
        return _averaged(mean, variance)

    def assuming(self, points: Array) -> "Border":
        """As certain as if trials at these points had ended as expected: means stay, variances shrink."""
        if len(points) == 0:
            return self
        probability = self.probability(points)
        return replace(
            self,
            points=np.concatenate([self.points, points]),
            pulls=np.concatenate([self.pulls, np.zeros(len(points))]),
            precisions=np.concatenate([self.precisions, probability * (1 - probability)]),
        )

    def most_telling(self, candidates: Array) -> int:
        """The index of the candidate (m, coordinates) whose trial would leave the border least uncertain.

        Uncertainty is the sum over all candidates of q (1 - q), with q = P(f > 0): the expected variance of the region
        of f > 0 (Bect, Ginsbourger, Li, Picheny, Vazquez, Statistics and Computing 22, 2012, eq. 19). A trial's
        expected effect on it is that of a Gaussian observation of f as precise as its verdict.
        """
        mean, variance = self.latent(candidates)
        probability = _averaged(mean, variance)
        noise = 1 / np.maximum(probability * (1 - probability), 1e-12)
        learned = np.square(self.covariance(candidates)) / (variance + noise)  # [g, x]: variance that x explains at g
        learned = np.minimum(learned, (1 - 1e-9) * variance[:, None])
        left = np.sqrt(variance[:, None] - learned)
        after = np.zeros(len(candidates))
        for node, weight in zip(_HERMITE_NODES, _HERMITE_WEIGHTS, strict=True):
            q = ndtr((mean[:, None] + node * np.sqrt(learned)) / left)
            after += weight * np.sum(q * (1 - q), axis=0)
        return int(np.argmin(after))

    def _explained(self, points: Array) -> tuple[Array, Array]:
        """(n, m) twice: covariances with the trials, and what of them the trials' results take from the variance."""
        cross = self.kernel(self.space.squared_distances(self.points, points))
        root = np.sqrt(self.precisions)[:, None]
        return cross, solve_triangular(self._factor, root * cross, lower=True)

    @functools.cached_property
    def _factor(self) -> Array:
        own = self.kernel(self.space.squared_distances(self.points, self.points))
        return _factor(own, self.precisions)


def fit_border(space: Space, points: Array, stable: NDArray[np.bool_], start: Kernel | None = None) -> Border:
    """The border from trials: points (n, coordinates), and whether each was stable (n,). n may be 0.

    start: where the search for the kernel begins. The order of the trials makes no difference.
    """
    return border_with(fitted_kernel(space, points, stable, start), space, points, stable)


def border_with(kernel: Kernel, space: Space, points: Array, stable: NDArray[np.bool_]) -> Border:
    """The border from trials under a given kernel."""
    places = Places.of(points, stable)
    own = kernel(space.squared_distances(places.points, places.points))
    mode = _mode(own, places)
    return Border(space, kernel, places.points, mode.pulls, mode.precisions)


def fitted_kernel(space: Space, points: Array, stable: NDArray[np.bool_], start: Kernel | None = None) -> Kernel:
    """The kernel that makes the trials most probable, given its prior."""
    places = Places.of(points, stable)
    distances = space.squared_distances(places.points, places.points)
    means = np.array([_AMPLITUDE[0], *[_LENGTH[0]] * space.fields])
    spreads = np.array([_AMPLITUDE[1], *[_LENGTH[1]] * space.fields])

    def loss(logs: Array) -> tuple[float, Array]:
        evidence, gradient = _evidence(Kernel.of_logs(logs), distances, places)
        away = (logs - means) / spreads
        return float(away @ away / 2 - evidence), away / spreads - gradient

    begin = start or Kernel.prior(space.fields)
    bounds = [(mean - 4 * spread, mean + 4 * spread) for mean, spread in zip(means, spreads, strict=True)]
    found = minimize(loss, begin.logs, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-7, "gtol": 1e-3})
    return Kernel.of_logs(found.x)


@dataclass(frozen=True)
class _Mode:
    """The most probable f at the places: gradient and minus the second derivative of their log likelihood there."""

    pulls: Array
    precisions: Array
    height: float  # the log posterior, but for a constant


def _mode(own: Array, places: Places) -> _Mode:
    """Newton's method (RW algorithm 3.1), with halved steps where a whole one overshoots.

    A place is binomial: `stable` of its trials at one P, as if each were an observation of its own there.
    """
    stable, unstable = places.stable, places.trials - places.stable

    def at(weights: Array) -> tuple[Array, float]:
        values = own @ weights
        likelihood = float(np.sum(stable * log_expit(values) + unstable * log_expit(-values)))
        return values, likelihood - float(weights @ values / 2)

    weights = np.zeros(len(stable))
    values, height = at(weights)
    for _ in range(_NEWTON_STEPS):
        p = expit(values)
        precisions = places.trials * (p * (1 - p))
        root, b = np.sqrt(precisions), precisions * values + stable - places.trials * p
        step = b - root * cho_solve((_factor(own, precisions), True), root * (own @ b)) - weights
        size, before = 1.0, height
        former = values
        values, height = at(weights + step)
        while height < before - _LEVEL and size > _SMALLEST_STEP:
            size /= 2
            values, height = at(weights + size * step)
        weights = weights + size * step
        if float(np.max(np.abs(values - former), initial=0.0)) < _NEWTON_TOLERANCE:
            break
    p = expit(values)
    return _Mode(stable - places.trials * p, places.trials * (p * (1 - p)), height)


def _evidence(kernel: Kernel, distances: Array, places: Places) -> tuple[float, Array]:
    """Laplace's log marginal likelihood, and its gradient by the kernel's logs (RW algorithm 5.1)."""
    own = kernel(distances)
    mode = _mode(own, places)
    root, factor = np.sqrt(mode.precisions), _factor(own, mode.precisions)
    evidence = mode.height - float(np.sum(np.log(np.diag(factor))))
    inverse = root[:, None] * cho_solve((factor, True), np.diag(root))  # of own + 1 / precisions
    explained = solve_triangular(factor, root[:, None] * own, lower=True)
    p = (places.stable - mode.pulls) / places.trials
    third = mode.precisions * (2 * p - 1)  # derivative of the log likelihood
    by_values = 0.5 * (np.diag(own) - np.einsum("nm,nm->m", explained, explained)) * third
    gradient = []
    for changed in (2 * own, *(own * one / length**2 for one, length in zip(distances, kernel.lengths, strict=True))):
        b = changed @ mode.pulls
        explicit = mode.pulls @ b / 2 - np.sum(inverse * changed) / 2
        gradient.append(explicit + by_values @ (b - own @ (inverse @ b)))
    return evidence, np.array(gradient)


def _factor(own: Array, precisions: Array) -> Array:
    """The Cholesky factor of I + sqrt(W) K sqrt(W) (RW eq. 3.26), whose eigenvalues are at least 1."""
    root = np.sqrt(precisions)
    factor: Array = cholesky(np.eye(len(own)) + root[:, None] * own * root, lower=True)
    return factor


def _averaged(mean: Array, variance: Array) -> Array:
    """The sigmoid's mean over a Gaussian, with the sigmoid taken as ndtr(sqrt(pi / 8) f) (RW section 3.9, MacKay)."""
    probability: Array = ndtr(mean * math.sqrt(math.pi / 8) / np.sqrt(1 + math.pi / 8 * variance))
    return probability
