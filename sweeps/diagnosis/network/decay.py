"""The part of a step that lambda makes, against the gradient of the penalty that is reported, parameter by parameter.

What is judged is whether both belong to one lambda: any law of the person's own is sound when the step descends the
penalty that evaluate reports. Where they differ, the textbook's law says which of both is the odd one: the penalty
lambda / (2 n) * sum of w^2 and the decay lambda / n * w (Nielsen, ch. 3, eq. 87 and 93).
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from sweeps.diagnosis.network.decay_faults import (
    BiasesDecayFault,
    DecayFault,
    DecayKind,
    EtaPenaltyFault,
    Exponents,
    OtherLawFault,
    SizeFault,
    TextbookFault,
    WithoutEtaFault,
)
from sweeps.diagnosis.network.decay_parts import counted, left_out
from sweeps.diagnosis.network.steps import ExaminedPoint
from sweeps.diagnosis.network.subject import Array, Subject

N = 60  # training-set size that their code is told
BATCH = 6
_LMBDA = 30.0  # so that eta's part of the decay, lambda / n, is 1/2
_SMALLER_LMBDAS = (3.0, 0.3)  # where that is cut short, as a clipped gradient is
_ETA = 1e-3  # small: the decay is measured in the limit of small steps
_OTHER_N, _OTHER_BATCH, _OTHER_EVALUATED = 90, 4, 12
_ALONG = 1e-4  # relative residual of two gradients that are multiples of each other
_NOTHING = 1e-7  # of the parameters: no decay, no penalty
_OF_WEIGHTS = 1e-3  # of the weights' decay: less of the biases comes of weights that moved before


@dataclass(frozen=True)
class Circumstances:
    """What a decay and a penalty may depend on. evaluated: examples in the evaluated set. eta: of the step before."""

    n: int = N
    batch_size: int = BATCH
    evaluated: int = N
    lmbda: float = _LMBDA
    eta: float = 1.0


@dataclass(frozen=True)
class DecayReport:
    """faults: none where both agree. error: relative, of decay against penalty; nan where there is neither."""

    faults: tuple[DecayFault, ...]
    error: float


def judge_decay(subject: Subject, point: ExaminedPoint, short: float = 1.0, tolerance: float = _ALONG) -> DecayReport:
    """point: at least as many examples as BATCH. short: a factor of the whole step, which the decay may share."""
    return _Judge(subject, point, short, max(tolerance, _ALONG)).report()


class _Judge:
    def __init__(self, subject: Subject, point: ExaminedPoint, short: float, tolerance: float) -> None:
        self._subject, self._point, self._short, self._tolerance = subject, point, short, tolerance
        self._layout = subject.layout
        self._of_weights = np.arange(self._layout.size) < sum(w.size for w in self._layout.weights(point.theta))
        self._size = float(np.linalg.norm(point.theta))
        self._usual = Circumstances()

    def report(self) -> DecayReport:
        decay, jump = self._decay(self._usual)
        for lmbda in _SMALLER_LMBDAS:
            if jump is None and not self._is_proportional(decay):
                self._usual = Circumstances(lmbda=lmbda)
                decay, jump = self._decay(self._usual)
        usual = self._usual
        penalty = self._penalty(usual)
        has_decay, has_penalty = self._is_something(decay), self._is_something(penalty)
        if jump is not None:
            change = float(np.linalg.norm(jump))
            return DecayReport((WithoutEtaFault(DecayKind.DECAY_WITHOUT_ETA, _ETA, change),), math.nan)
        if not has_decay and not has_penalty:
            return DecayReport((DecayFault(DecayKind.NO_PENALTY),), math.nan)
        faults = self._of_biases(decay, penalty)
        w, p = decay[self._of_weights], penalty[self._of_weights]
        if not self._is_something(w) and self._is_something(p):
            return DecayReport((*faults, self._against_textbook(DecayKind.DECAY_MISSING, w, p)), math.inf)
        if not self._is_something(p):
            return DecayReport((*faults, *self._unreported(w)), math.nan)
        halved = self.penalty_value(replace(usual, eta=usual.eta / 2)) / self.penalty_value(usual)
        if abs(halved - 1) > 10 * self._tolerance:
            faults.append(EtaPenaltyFault(DecayKind.PENALTY_OF_ETA, halved))
        ratio, residual = _along(w, p)
        if residual > self._tolerance:
            return DecayReport((*faults, self._other_law(w, p, residual)), residual)
        part = left_out(*self._by_layer(w, p))
        if ratio < 0:
            shrinks = float(w @ self._point.theta[self._of_weights]) > 0
            kind = DecayKind.PENALTY_SUBTRACTED if shrinks else DecayKind.DECAY_GROWS_WEIGHTS
            faults.append(self._against_textbook(kind, w, p))
        faults += self._sizes(abs(ratio), w, p) + ([part] if part else [])
        return DecayReport(tuple(faults), min(abs(abs(ratio) - 1), abs(abs(ratio) / self._short - 1)))

    def _is_proportional(self, decay: Array) -> bool:
        """Whether half the lambda decays half as much."""
        half, _ = self._decay(replace(self._usual, lmbda=self._usual.lmbda / 2))
        return float(np.linalg.norm(decay - 2 * half)) <= 10 * self._tolerance * float(np.linalg.norm(decay))

    def _decay(self, at: Circumstances) -> tuple[Array, Array | None]:
        """(-(step with lambda - step without) / eta as eta goes to 0, what of that stays at eta 0, or None)."""
        steps = {}
        for eta in (_ETA, _ETA / 2):
            x, y = self._point.x[: at.batch_size], self._point.y[: at.batch_size]
            plain = self._subject.step(self._point.theta, x, y, eta, 0.0, at.n)
            steps[eta] = self._subject.step(self._point.theta, x, y, eta, at.lmbda, at.n) - plain
        jump = 2 * steps[_ETA / 2] - steps[_ETA]
        if np.linalg.norm(jump) > 0.05 * np.linalg.norm(steps[_ETA]) and self._is_something(jump):
            return -steps[_ETA], -jump
        return -(4 * steps[_ETA / 2] - steps[_ETA]) / _ETA, None

    def _penalty(self, at: Circumstances) -> Array:
        """The gradient of what lambda adds to the reported cost, by differences; of a mean, where the cost is a sum."""

        def added(theta: Array) -> float:
            return self._cost(theta, at, at.lmbda) - self._cost(theta, at, 0.0)

        return self._subject.slope(added, self._point.theta).values / self._examples_counted(at)

    def penalty_value(self, at: Circumstances) -> float:
        """What lambda adds to the reported cost at the point."""
        theta = self._point.theta
        return (self._cost(theta, at, at.lmbda) - self._cost(theta, at, 0.0)) / self._examples_counted(at)

    def _cost(self, theta: Array, at: Circumstances, lmbda: float) -> float:
        repeat = (-(-at.evaluated // len(self._point)), 1)
        x, y = (np.tile(side, repeat)[: at.evaluated] for side in (self._point.x, self._point.y))
        return self._subject.cost(theta, x, y, lmbda, at.n, at.eta)

    def _examples_counted(self, at: Circumstances) -> int:
        """By what a reported cost is divided to make it a mean: 1, or the examples where it is a sum."""
        once, twice = (self._cost(self._point.theta, replace(at, evaluated=k * BATCH), 0.0) for k in (1, 2))
        return at.evaluated if once and abs(twice - 2 * once) < 1e-3 * abs(once) else 1

    def _is_something(self, gradient: Array) -> bool:
        return float(np.linalg.norm(gradient)) > max(_NOTHING, 1e-2 * (self._tolerance - _ALONG)) * self._size

    def _against_textbook(self, kind: DecayKind, w: Array, p: Array) -> TextbookFault:
        return TextbookFault(kind, self._usual.lmbda, N, *self._multiples(w, p))

    def _multiples(self, w: Array, p: Array) -> tuple[float, float]:
        """(decay, gradient of the penalty), each as a multiple of the textbook's, lambda / n * w."""
        theta = self._point.theta[self._of_weights]
        signs = np.sign(theta)  # of an L1 penalty, lambda / n * sum of |w| (Nielsen, ch. 3)
        base = signs if _along(p if np.any(p) else w, signs)[1] <= self._tolerance else theta
        scale = self._usual.lmbda / N * float(base @ base)
        return float(w @ base) / scale, float(p @ base) / scale

    def _of_biases(self, decay: Array, penalty: Array) -> list[DecayFault]:
        """Biases decayed but not penalised, or penalised but not decayed."""
        b, p = decay[~self._of_weights], penalty[~self._of_weights]
        decayed, penalised = self._is_something(b), self._is_something(p)
        decayed = decayed and float(np.linalg.norm(b)) > _OF_WEIGHTS * float(np.linalg.norm(decay))
        if decayed == penalised:
            return []
        weights_decay = self._is_something(decay[self._of_weights])
        if penalised and not weights_decay:
            return []  # nothing decays at all: that is said once
        kind = DecayKind.BIASES_DECAYED if decayed else DecayKind.BIASES_PENALISED
        return [BiasesDecayFault(kind, float(np.linalg.norm(b)), float(np.linalg.norm(p)))]

    def _unreported(self, w: Array) -> list[DecayFault]:
        """A decay of which the reported cost shows nothing: no fault unless it drives the weights up."""
        if not self._is_something(w):
            return []
        theta = self._point.theta[self._of_weights]
        kind = DecayKind.DECAY_GROWS_WEIGHTS if float(w @ theta) < 0 else DecayKind.PENALTY_UNREPORTED
        return [self._against_textbook(kind, w, np.zeros_like(w))]

    def _other_law(self, w: Array, p: Array, residual: float) -> DecayFault:
        """Decay and penalty are no multiples of each other: a layer that is left out, or another law."""
        weights, *layers = self._by_layer(w, p)
        both = counted(weights, *layers)
        if np.any(both) and not np.all(both) and _along(w[both], p[both])[1] <= self._tolerance:
            part = left_out(weights, *layers)
            if part is not None and not (part.whole and part.kind is DecayKind.DECAY_LEAVES_OUT):
                return part
        factors = tuple(_along(*pair)[0] for pair in zip(*layers, strict=True))
        by_layer = all(not np.any(d) or _along(d, q)[1] <= self._tolerance for d, q in zip(*layers, strict=True))
        return OtherLawFault(DecayKind.LAYERS_DIFFER if by_layer else DecayKind.LAWS_DIFFER, residual, factors)

    def _by_layer(self, w: Array, p: Array) -> tuple[list[Array], list[Array], list[Array]]:
        """(the weights, their decay, the penalty's gradient), a matrix for each layer."""
        parts = (self._point.theta, self._padded(w), self._padded(p))
        weights, decay, penalty = (self._layout.weights(v) for v in parts)
        return weights, decay, penalty

    def _padded(self, of_weights: Array) -> Array:
        return np.concatenate([of_weights, np.zeros(self._layout.size - len(of_weights))])

    def _sizes(self, ratio: float, w: Array, p: Array) -> list[SizeFault]:
        """Whether the factor between decay and penalty is 1, whatever n, batch size and evaluated set."""
        usual = self._usual
        decay, penalty = self._multiples(w, p)
        law = _Law(
            decay=self._coefficient(self._decay(usual)[0]),
            by_n=self._coefficient(self._decay(replace(usual, n=_OTHER_N))[0]),
            by_batch=self._coefficient(self._decay(replace(usual, batch_size=_OTHER_BATCH))[0]),
            penalty=self.penalty_value(usual),
            penalty_by_n=self.penalty_value(replace(usual, n=_OTHER_N)),
            penalty_by_evaluated=self.penalty_value(replace(usual, evaluated=_OTHER_EVALUATED)),
            ratio=ratio,
            textbook_decay=abs(decay),
            textbook_penalty=abs(penalty),
        )
        return law.faults(self._short, self._tolerance)

    def _coefficient(self, decay: Array) -> float:
        """Size of a decay, to be compared with the same decay under other circumstances."""
        return float(np.linalg.norm(decay[self._of_weights]))


@dataclass(frozen=True)
class _Law:
    """Sizes of decay and penalty at the usual circumstances, and with another n, batch size, evaluated set.

    ratio: decay / gradient of the penalty, at n = evaluated set's size. textbook: each / (lambda / n * w).
    """

    decay: float
    by_n: float
    by_batch: float
    penalty: float
    penalty_by_n: float
    penalty_by_evaluated: float
    ratio: float
    textbook_decay: float
    textbook_penalty: float

    def faults(self, short: float, tolerance: float) -> list[SizeFault]:
        powers = Exponents(
            decay_in_n=_exponent(self.by_n / self.decay, _OTHER_N / N),
            decay_in_batch_size=_exponent(self.by_batch / self.decay, _OTHER_BATCH / BATCH),
            penalty_in_n=_exponent(self.penalty_by_n / self.penalty, _OTHER_N / N),
            penalty_in_evaluated_size=_exponent(self.penalty_by_evaluated / self.penalty, _OTHER_EVALUATED / N),
        )
        by_sets = powers.penalty_in_n + powers.penalty_in_evaluated_size  # both sizes grow alike
        follows_batch = not _is_near(powers.decay_in_batch_size, 0)
        same_law = _is_near(powers.decay_in_n, by_sets) and not follows_batch
        same_size = min(abs(self.ratio - 1), abs(self.ratio / short - 1)) <= 10 * tolerance
        kinds = []
        if not (same_law and same_size):
            usual_decay = _is_near(powers.decay_in_n, -1) and _is_near(self.textbook_decay / short, 1)
            usual_penalty = _is_near(by_sets, -1) and _is_near(self.textbook_penalty, 1)
            if follows_batch or (usual_penalty and not usual_decay):
                by_batch = _is_near(powers.decay_in_batch_size, -1)
                kinds.append(DecayKind.DECAY_BY_BATCH_SIZE if by_batch else DecayKind.DECAY_SIZE)
            elif _is_near(self.ratio * N, 1):
                kinds.append(DecayKind.PENALTY_EVERY_EXAMPLE)
            else:
                kinds.append(DecayKind.PENALTY_WITHOUT_HALF if _is_near(self.ratio * 2, 1) else DecayKind.PENALTY_SIZE)
        if _is_near(powers.penalty_in_evaluated_size, -1) and _is_near(powers.decay_in_n, -1):
            kinds.append(DecayKind.PENALTY_BY_EVALUATED)
        return [SizeFault(kind, self.ratio, powers, self.textbook_decay, self.textbook_penalty) for kind in kinds]


def _along(found: Array, expected: Array) -> tuple[float, float]:
    """(factor, relative residual) of found as a multiple of expected."""
    found, expected = np.ravel(found), np.ravel(expected)
    square, size = float(expected @ expected), float(np.linalg.norm(found))
    if square == 0 or size == 0:
        return (0.0 if size == 0 else math.inf), (0.0 if square == size == 0 else 1.0)
    factor = float(found @ expected) / square
    return factor, float(np.linalg.norm(found - factor * expected)) / size


def _exponent(change: float, of: float) -> float:
    return math.log(change) / math.log(of) if change > 0 else math.nan


def _is_near(value: float, wanted: float) -> bool:
    return abs(value - wanted) < 0.02
