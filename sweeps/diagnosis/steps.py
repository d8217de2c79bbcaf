"""What kind of step a class makes: random, with a memory, of fixed length; and how it joins the examples of a batch."""

from dataclasses import dataclass

import numpy as np

from sweeps.diagnosis.subject import Array, Layout, Subject

ETA = 8.0  # of the steps that are judged for their gradient: large, so that little cancels
EXAMPLES = 6  # in a mini-batch

_SAME = 1e-7  # relative difference of two steps that are the same
_LIMIT = 300  # steps after which the memory of a step has reached its limit
_ALONG = 1e-6  # relative residual of a step along a direction


@dataclass(frozen=True)
class Point:
    """Where a network is examined: parameters theta, flat, and examples x (m, n_in), y (m, n_out), one-hot."""

    theta: Array
    x: Array
    y: Array

    def __len__(self) -> int:
        return len(self.x)

    def example(self, k: int) -> tuple[Array, Array]:
        """One of them, still (1, n_in) and (1, n_out)."""
        return self.x[k : k + 1], self.y[k : k + 1]


def draw_point(layout: Layout, rng: np.random.Generator, m: int = EXAMPLES) -> Point:
    """A random point: weights N(0, 1.4 / n_in), biases N(0, 0.25), inputs in (0.05, 1), each class's target present."""
    weights = [1.2 * rng.standard_normal(w.shape) / np.sqrt(w.shape[1]) for w in layout.weights(np.zeros(layout.size))]
    biases = [0.5 * rng.standard_normal(n_out) for n_out in layout.sizes[1:]]
    labels = rng.permutation(np.arange(m) % layout.sizes[-1])
    return Point(
        layout.join(weights, biases), rng.uniform(0.05, 1.0, (m, layout.sizes[0])), np.eye(layout.sizes[-1])[labels]
    )


@dataclass(frozen=True)
class Kind:
    """unsupported: what it is that cannot be judged, "" for plain steps. limit: how much longer a step from the same
    place is in the limit than at first, 1 without momentum.
    """

    unsupported: str = ""
    limit: float = 1.0


def kind_of_step(subject: Subject, point: Point) -> Kind:
    """Tells plain gradient steps and momentum from what is not judged: random steps, Adam and the like."""
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
            "a step draws random numbers, as dropout does: the same mini-batch moves the same network differently"
        )
    lengths = np.abs(first[np.abs(first) > 1e-3 * np.max(np.abs(first))])
    if len(lengths) > len(first) // 2 and np.ptp(lengths) < 1e-3 * lengths.mean():
        return Kind("a step moves every parameter by the same length, as Adam, RMSprop and AdaGrad do at first")
    second = subject.step(point.theta, point.x, point.y, ETA, times=2)
    if not differs(second):
        return Kind()
    last = subject.step(point.theta, point.x, point.y, ETA, times=_LIMIT)
    along = float(last @ first) / size**2
    if along > 0 and float(np.linalg.norm(last - along * first)) <= _ALONG * float(np.linalg.norm(last)):
        return Kind(limit=along)
    return Kind("a second step from the same place goes another way than the first, which momentum does not explain")


@dataclass(frozen=True)
class Joining:
    """How a mini-batch's step relates to the sum of its examples' steps: a factor for each layer. 1 / m is averaging, 1
    summing; NaN where nothing moves. residuals: relative, of what is no multiple of that sum.
    """

    weights: tuple[float, ...]
    biases: tuple[float, ...]
    weights_residual: float
    biases_residual: float


def joining(subject: Subject, point: Point) -> Joining:
    """Measured from one step on the mini-batch and one on each of its examples."""
    singles = np.sum([subject.step(point.theta, *point.example(k), ETA) for k in range(len(point))], axis=0)
    batch = subject.step(point.theta, point.x, point.y, ETA)
    weights, weights_residual = _factors(subject.layout.weights(batch), subject.layout.weights(singles))
    biases, biases_residual = _factors(subject.layout.biases(batch), subject.layout.biases(singles))
    return Joining(weights, biases, weights_residual, biases_residual)


def _factors(batch: list[Array], singles: list[Array]) -> tuple[tuple[float, ...], float]:
    """Of each layer, and what they leave unexplained of all."""
    found, left = [], 0.0
    for together, apart in zip(batch, singles, strict=True):
        size = float(np.sum(apart**2))
        found.append(float(np.sum(together * apart)) / size if size else float("nan"))
        left += float(np.sum((together - found[-1] * apart) ** 2 if size else together**2))
    size = sum(float(np.sum(together**2)) for together in batch)
    return tuple(found), float(np.sqrt(left / size)) if size else 0.0
