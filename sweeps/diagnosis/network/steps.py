"""What kind of step a class makes: random, with a memory, of fixed length; and how it joins the examples of a batch."""

import math
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from sweeps.diagnosis.network.subject import Array, Layout, Subject
from sweeps.errors import UserNetworkError

ETA = 8.0  # of the steps that are judged for their gradient: large, so that little cancels
SMALL_ETA = 1e-6  # of those that stand for the limit of small steps, where the order of updates is nothing
EXAMPLES = 6  # in a mini-batch

_SAME = 1e-7  # relative difference of two steps that are the same
_LIMIT = 300  # steps after which the memory of a step has reached its limit
_ALONG = 1e-6  # relative residual of a step along a direction
_FORCED = 1e4  # times the targets: so large a gradient meets any bound
_CANCELLED = 1e-9  # of the examples' steps: a sum of them that is smaller is rounding
_ROUNDED = 1e-7  # of the whole step: biases that move less are rounded to float32, not moved
_TIED = 1e-7  # relative difference of two lengths that a bound made equal
_IN_TURN = 3  # examples of which every order is tried


@dataclass(frozen=True)
class ExaminedPoint:
    """Where a network is examined: parameters theta, flat, and examples x (m, n_in), y (m, n_out), one-hot."""

    theta: Array
    x: Array
    y: Array

    def __len__(self) -> int:
        return len(self.x)

    def example(self, k: int) -> tuple[Array, Array]:
        """One of them, still (1, n_in) and (1, n_out)."""
        return self.x[k : k + 1], self.y[k : k + 1]

    def alone(self) -> "list[ExaminedPoint]":
        """The same place once for each example."""
        return [ExaminedPoint(self.theta, *self.example(k)) for k in range(len(self))]


def draw_point(layout: Layout, rng: np.random.Generator, m: int = EXAMPLES) -> ExaminedPoint:
    """A random point: weights N(0, 1.4 / n_in), biases N(0, 0.25), inputs in (0.05, 1), each class's target present."""
    weights = [1.2 * rng.standard_normal(w.shape) / np.sqrt(w.shape[1]) for w in layout.weights(np.zeros(layout.size))]
    biases = [0.5 * rng.standard_normal(n_out) for n_out in layout.sizes[1:]]
    labels = rng.permutation(np.arange(m) % layout.sizes[-1])
    return ExaminedPoint(
        layout.join(weights, biases), rng.uniform(0.05, 1.0, (m, layout.sizes[0])), np.eye(layout.sizes[-1])[labels]
    )


@dataclass(frozen=True)
class Kind:
    """unsupported: what it is that cannot be judged, "" for plain steps. limit: how much longer a step from the same
    place is in the limit than at first, 1 without momentum. adds_up: whether it grows by the same with every step.
    is_random: whether steps draw random numbers.
    """

    unsupported: str = ""
    limit: float = 1.0
    is_random: bool = False

    @property
    def adds_up(self) -> bool:
        return self.limit > 0.999 * _LIMIT


def eta_in_turn(subject: Subject, point: ExaminedPoint) -> float | None:
    """Of which eta each example's own step is, where a mini-batch is one step for each, in some order: 1 or 1 / m of
    it; None where a mini-batch is one step.
    """
    x, y, m = point.x[:_IN_TURN], point.y[:_IN_TURN], min(_IN_TURN, len(point))
    whole = subject.step(point.theta, x, y, ETA)
    size = float(np.linalg.norm(whole))
    if m == 1 or size == 0 or not np.all(np.isfinite(whole)):
        return None
    for part in (1.0, 1 / m):
        for order in map(list, permutations(range(m))):
            in_turn = subject.steps_in_turn(point.theta, x[order], y[order], part * ETA)
            if float(np.linalg.norm(in_turn - whole)) <= _SAME * size:
                return part
    return None


def kind_of_step(subject: Subject, point: ExaminedPoint) -> Kind:
    """Tells plain gradient steps and momentum from what is not judged: random and clipped steps, Adam and the like."""
    first = subject.step(point.theta, point.x, point.y, ETA)
    size = float(np.linalg.norm(first))
    if size == 0 or not np.all(np.isfinite(first)):
        return Kind()

    def differs(other: Array) -> bool:
        return float(np.linalg.norm(other - first)) > _SAME * size

    if differs(subject.step(point.theta, point.x, point.y, ETA, seed=1)) or differs(
        subject.step(point.theta, point.x, point.y, ETA)
    ):
        return Kind(
            "a step draws random numbers, as dropout does: the same mini-batch moves the same network differently",
            is_random=True,
        )
    lengths = np.abs(first[np.abs(first) > 1e-3 * np.max(np.abs(first))])
    if len(lengths) > len(first) // 2 and np.ptp(lengths) < 1e-3 * lengths.mean():
        return Kind("a step moves every parameter by the same length, as Adam, RMSprop and AdaGrad do at first")
    if _is_clipped(subject, point):
        return Kind("a step has a longest length, as where the gradient is clipped, and reaches it here")
    if _is_projected(subject, point, first):
        return Kind("a step brings the weights back to a largest length, as a max-norm constraint does")
    second = subject.step(point.theta, point.x, point.y, ETA, times=2)
    if not differs(second):
        return Kind()
    for eta, tolerance in ((ETA, _ALONG), (SMALL_ETA, 100 * _ALONG)):  # Nesterov's looks ahead by eta
        first = subject.step(point.theta, point.x, point.y, eta)
        last = subject.step(point.theta, point.x, point.y, eta, times=_LIMIT)
        along = float(last @ first) / float(first @ first)
        if along > 0 and float(np.linalg.norm(last - along * first)) <= tolerance * float(np.linalg.norm(last)):
            return Kind(limit=along)
    return Kind("a second step from the same place goes another way than the first, which momentum does not explain")


def _is_clipped(subject: Subject, point: ExaminedPoint) -> bool:
    """Whether gradients are cut to a bound, as exaggerated targets show, and these examples' are."""
    layout = subject.layout
    singles = [subject.step(point.theta, *point.example(k), ETA) for k in range(len(point))]
    y = _FORCED * point.y
    try:
        forced = [subject.step(point.theta, point.x[k : k + 1], y[k : k + 1], ETA) for k in range(min(3, len(point)))]
    except UserNetworkError:  # they refuse such targets
        return False
    if not all(np.all(np.isfinite(step)) for step in forced):
        return False

    def meets(bound: float, lengths: list[float]) -> bool:
        return bound > 0 and max(lengths) >= (1 - 1e-5) * bound

    entries = [float(np.max(np.abs(step))) for step in forced]
    tied = [
        np.abs(w) > (1 - _TIED) * bound
        for bound, step in zip(entries, forced, strict=True)
        for w in layout.weights(step)
    ]
    if _are_tied(entries) and any(np.count_nonzero(np.any(w, axis=0)) > 1 for w in tied):
        return meets(entries[0], [float(np.max(np.abs(step))) for step in singles])
    for part in (-1, *range(layout.layers)):
        for alone in (True, False):  # the whole gradient, a layer's weights, or these with its biases
            lengths = [_length(layout, step, part, alone) for step in forced]
            if _are_tied(lengths) and meets(lengths[0], [_length(layout, step, part, alone) for step in singles]):
                return True
    return False


def _length(layout: Layout, step: Array, part: int, alone: bool) -> float:
    if part < 0:
        return float(np.linalg.norm(step))
    weights = np.ravel(layout.weights(step)[part])
    return float(np.linalg.norm(weights if alone else np.concatenate([weights, layout.biases(step)[part]])))


def _is_projected(subject: Subject, point: ExaminedPoint, step: Array) -> bool:
    """Whether the step ends where several units' weights have one length, the largest."""
    for w in subject.layout.weights(point.theta + step):
        for axis in (0, 1):
            lengths = np.linalg.norm(w, axis=axis)
            if np.count_nonzero(lengths > (1 - _TIED) * np.max(lengths)) > 1 and len(lengths) > 1:
                return True
    return False


def _are_tied(lengths: list[float]) -> bool:
    return max(lengths) - min(lengths) <= _TIED * max(lengths)


@dataclass(frozen=True)
class Growth:
    """How a step grows with eta: its powers, 1 in sound classes; residual: relative, of what no power explains."""

    weights: float
    biases: float
    residual: float


def growth(subject: Subject, point: ExaminedPoint) -> Growth:
    """Measured from a step with ETA and one with half of it."""
    half, whole = (subject.step(point.theta, point.x, point.y, eta) for eta in (ETA / 2, ETA))
    powers, left = [], 0.0
    nothing = _ROUNDED * float(np.linalg.norm(whole))
    for part in (subject.layout.weights, subject.layout.biases):
        small, large = (np.concatenate([np.ravel(layer) for layer in part(step)]) for step in (half, whole))
        square = float(small @ small) if float(np.linalg.norm(large)) > nothing else 0.0
        factor = float(large @ small) / square if square else math.nan
        powers.append(math.log2(factor) if factor > 0 else math.nan)
        left += float(np.sum((large - factor * small) ** 2)) if square else 0.0
    size = float(np.linalg.norm(whole))
    return Growth(powers[0], powers[1], math.sqrt(left) / size if size else 0.0)


@dataclass(frozen=True)
class Joining:
    """How a mini-batch's step relates to the sum of its examples' steps: a factor for each layer. 1 / m is averaging, 1
    summing; NaN where nothing moves. residuals: relative, of what is no multiple of that sum. shares: how much each
    example counts in the whole step, 1 / m in a mean; residual: of what no shares explain.
    """

    weights: tuple[float, ...]
    biases: tuple[float, ...]
    weights_residual: float
    biases_residual: float
    shares: tuple[float, ...]
    shares_residual: float


def joining(subject: Subject, point: ExaminedPoint, eta: float = ETA) -> Joining:
    """Measured from one step on the mini-batch and one on each of its examples."""
    steps = np.array([subject.step(point.theta, *point.example(k), eta) for k in range(len(point))])
    singles = np.sum(steps, axis=0)
    batch = subject.step(point.theta, point.x, point.y, eta)
    nothing = _CANCELLED * float(np.linalg.norm(steps))
    weights, weights_residual = _factors(subject.layout.weights(batch), subject.layout.weights(singles), nothing)
    biases, biases_residual = _factors(subject.layout.biases(batch), subject.layout.biases(singles), nothing)
    finite = bool(np.all(np.isfinite(steps)) and np.all(np.isfinite(batch)))
    shares = np.linalg.lstsq(steps.T, batch, rcond=None)[0] if finite else np.full(len(point), math.nan)
    size = float(np.linalg.norm(batch))
    left = float(np.linalg.norm(batch - shares @ steps)) / size if size else math.nan
    return Joining(weights, biases, weights_residual, biases_residual, tuple(map(float, shares)), left)


def _factors(batch: list[Array], singles: list[Array], nothing: float) -> tuple[tuple[float, ...], float]:
    """Of each layer, NaN where the examples' steps leave nothing of each other; and what is left unexplained of all."""
    found, left = [], 0.0
    for together, apart in zip(batch, singles, strict=True):
        square = float(np.sum(apart**2))
        found.append(float(np.sum(together * apart)) / square if square > nothing**2 else math.nan)
        left += float(np.sum((together - found[-1] * apart) ** 2 if square > nothing**2 else together**2))
    size = math.sqrt(sum(float(np.sum(together**2)) for together in batch))
    return tuple(found), math.sqrt(left) / size if size > nothing else 0.0
