"""Trains a class as it is and corrected, from one start in one order of examples, and says what came of both.

Only after that is "this is the fault" a measurement, not an opinion.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sweeps.diagnosis.findings import Code, Evidence, Finding, Severity
from sweeps.diagnosis.network.first_minute import made_up_examples
from sweeps.diagnosis.network.remedies import shown
from sweeps.diagnosis.network.settings_check import TrainingSettings
from sweeps.diagnosis.network.subject import Array, InconclusiveError, StateShapeError, Subject
from sweeps.diagnosis.proof.corrections import Correction, corrected_data, corrected_decay
from sweeps.errors import UserNetworkError
from sweeps.user_network.wrapper import WrappedNetwork, seeded

EXAMPLES, HELD_BACK = 1500, 500  # of a data set at the most; of them so many are held back
EPOCHS = 10

_BATCH = 10
_DECAY = 0.001  # lambda / n where nobody says it, and the decay is at fault
# Of these the one is taken at which the corrected step does best at first. Not 1: a forgotten eta would not show.
_ETAS = (10.0, 3.0, 0.5, 0.1, 0.01)
_FIRST = 100  # steps that show it
_FEWER = 0.02  # of the right answers: what gets fewer than that does no better
_BETTER = 0.8  # of the cost as it is: below it the corrected one does better
_FALLS, _CLIMBS = 0.95, 1.02  # of its first cost

_WORDS = {  # what is corrected, by the code of its fault
    Code.GRADIENT_SUMMED: "the average over the mini-batch",
    Code.GRADIENT_SIGN: "the sign",
    Code.GRADIENT_BIAS: "the step of the biases",
    Code.GRADIENT_HIDDEN_DERIVATIVE_MISSING: "the slope of the hidden units",
    Code.GRADIENT_DERIVATIVE_OF_ACTIVATION: "the slope",
    Code.GRADIENT_OUTPUT_DERIVATIVE_MISSING: "the slope of the outputs",
    Code.GRADIENT_NOT_TRANSPOSED: "the transpose",
    Code.GRADIENT_FROZEN: "what does not move",
}
_AS_IT_IS = "as it is"


@dataclass(frozen=True)
class ProofData:
    """x (m, n_in), as in training, y (m, n_out), one-hot. name: of the data set, as it is told."""

    x: Array
    y: Array
    name: str


@dataclass(frozen=True)
class _Curve:
    """A training: total, data, accuracy, weights by epoch, the first before any step."""

    name: str
    epochs: tuple[tuple[float, float, float, float], ...]
    ended: str = ""

    @property
    def first(self) -> float:
        return self.epochs[0][0]

    @property
    def last(self) -> float:
        """NaN where it has come to no number."""
        return self.epochs[-1][0] if not self.ended else math.nan

    @property
    def accuracy(self) -> float:
        return self.epochs[-1][2]

    @property
    def table(self) -> dict[str, Evidence]:
        columns = zip(*self.epochs, strict=True)
        named = zip(("total", "data", "accuracy", "weights"), columns, strict=True)
        return {"name": self.name} | {key: [v if math.isfinite(v) else None for v in values] for key, values in named}


def prove_faults(
    findings: Sequence[Finding],
    make: Callable[[Sequence[int]], WrappedNetwork],
    sizes: Sequence[int],
    data: ProofData,
    settings: TrainingSettings | None = None,
) -> Finding:
    """One finding with the curves. findings: of the class; its faults are corrected. sizes: inputs first.

    settings: what it is trained with; None: what is usual, and the eta at which the corrected step does best at first.
    Where nothing shows at these sizes, layers of equal widths are tried: some faults run only there.
    """
    codes = [finding.code for finding in findings if finding.severity is Severity.FAULT]
    of_decay, of_data = ([code for code in codes if code.startswith(kind)] for kind in ("decay.", "gradient."))
    if not (of_decay or of_data):
        return _nothing(_why_not(codes))
    reasons = []
    for layers in dict.fromkeys([tuple(sizes), (sizes[0], *[sizes[-1]] * 3)]):
        fits = (data.x.shape[1], data.y.shape[1]) == (layers[0], layers[-1])
        given = data if fits else ProofData(*made_up_examples(layers, EXAMPLES), "made-up examples")
        try:
            return _Proof(make, layers, given, settings).finding(of_data, of_decay)
        except (InconclusiveError, StateShapeError, UserNetworkError) as stop:
            reasons.append(f"the step cannot be corrected at layers {shown(layers)}: {str(stop).splitlines()[0]}")
    return _nothing(reasons[0])


def _nothing(reason: str) -> Finding:
    return Finding(Code.PROOF, Severity.INFO, f"Nothing is proven: {reason}.", {"proven": False})


def _why_not(codes: Sequence[Code]) -> str:
    """Of faults none of which is a step's."""
    if any(code.startswith("penalty.") for code in codes):
        return "what is wrong is the penalty that is reported, and no step is another for it"
    return f"a step with {codes[0]} cannot be corrected from outside" if codes else "no fault of a step was found"


class _Proof:
    def __init__(
        self,
        make: Callable[[Sequence[int]], WrappedNetwork],
        sizes: Sequence[int],
        data: ProofData,
        settings: TrainingSettings | None,
    ) -> None:
        self._make, self._sizes, self._data, self._settings = make, sizes, data, settings
        held_back = min(HELD_BACK, len(data.x) // 3)
        self._train, self._held_back = (
            (data.x[part], data.y[part]) for part in (slice(held_back, None), slice(held_back))
        )

    def finding(self, of_data: Sequence[Code], of_decay: Sequence[Code]) -> Finding:
        subject = Subject(self._make(self._sizes))
        m = self._settings.batch_size if self._settings else _BATCH
        m = min(m, len(self._train[0]))
        corrections: dict[str, Correction] = {}
        if of_data:
            named = dict.fromkeys(_WORDS[code] for code in of_data if code in _WORDS)
            words = " and ".join(named or ["the gradient"])
            corrections[words] = corrected_data(subject, *(side[:m] for side in self._train))
        if of_decay:
            corrections["the decay"] = Correction(decay=corrected_decay(subject))
        if len(corrections) > 1:
            first, second = corrections.values()
            corrections[" and ".join(corrections)] = replace(first, decay=second.decay)
        whole = list(corrections.values())[-1]
        given = self._settings
        settings = given or self._best(whole, m, bool(of_decay))
        curves = [self._trained(_AS_IT_IS, None, settings)]
        curves += [self._trained(f"with {words} corrected", one, settings) for words, one in corrections.items()]
        own = given or self._best(None, m, bool(of_decay))
        if own != settings:
            curves.append(self._trained(f"{_AS_IT_IS}, at eta {own.eta:g}", None, own))
        return self._told(curves, whole, settings)

    def _best(self, correction: Correction | None, m: int, decays: bool) -> TrainingSettings:
        """What is usual, and the eta at which the first steps bring the data cost down most."""
        n = len(self._train[0])
        tried = [TrainingSettings(eta, _DECAY * n if decays else 0.0, m, n) for eta in _ETAS]
        return min(tried, key=lambda one: self._cost_at_first(correction, one))

    def _cost_at_first(self, correction: Correction | None, settings: TrainingSettings) -> float:
        wrapped, (x, y) = self._make(self._sizes), self._train
        try:
            with seeded([0]), np.errstate(all="ignore"):
                for batch, _ in zip(self._batches(settings, np.random.default_rng(1)), range(_FIRST), strict=False):
                    _take(correction, wrapped, batch, settings)
                cost = wrapped.cost(wrapped.pairs(x, y), 0.0)
        except UserNetworkError:
            return math.inf
        return cost if math.isfinite(cost) else math.inf

    def _trained(self, name: str, correction: Correction | None, settings: TrainingSettings) -> _Curve:
        wrapped, shuffles = self._make(self._sizes), np.random.default_rng(0)
        epochs = [self._measured(wrapped, settings.lmbda)]
        if not math.isfinite(epochs[0][0]):
            raise InconclusiveError("the reported cost is no number before the first step")
        with seeded([0]), np.errstate(all="ignore"):
            while len(epochs) <= EPOCHS:
                try:
                    for batch in self._batches(settings, shuffles):
                        _take(correction, wrapped, batch, settings)
                    measured = self._measured(wrapped, settings.lmbda)
                except UserNetworkError as error:  # numbers that their code does not bear
                    return _Curve(name, tuple(epochs), str(error).splitlines()[0])
                if not math.isfinite(measured[0]):
                    return _Curve(name, tuple(epochs), "its cost is no number any more")
                epochs.append(measured)
        return _Curve(name, tuple(epochs))

    def _batches(self, settings: TrainingSettings, shuffles: np.random.Generator) -> Iterator[tuple[Array, Array]]:
        """Whole mini-batches, in random order."""
        x, y = self._train
        order, m = shuffles.permutation(len(x)), min(settings.batch_size, len(x))
        for start in range(0, len(order) - m + 1, m):
            chosen = order[start : start + m]
            yield x[chosen], y[chosen]

    def _measured(self, wrapped: WrappedNetwork, lmbda: float) -> tuple[float, float, float, float]:
        looked = wrapped.copy()
        pairs = looked.pairs(*self._train)
        data = looked.cost(pairs, 0.0)
        total = looked.cost(pairs, lmbda) if lmbda else data
        outputs, y = np.asarray(looked.feedforward(self._held_back[0])), self._held_back[1]
        right = float(np.mean(outputs.argmax(axis=1) == y.argmax(axis=1)))
        return total, data, right, math.sqrt(sum(float(np.sum(w**2)) for w in looked.weights))

    def _told(self, curves: list[_Curve], correction: Correction, settings: TrainingSettings) -> Finding:
        before, *others = curves
        corrected = [curve for curve in others if not curve.name.startswith(_AS_IT_IS)]
        better = {curve.name: _is_better(before, curve) for curve in corrected}
        said = [f"As it is, the cost {_course(before)}.", *(_sentence(before, curve) for curve in corrected)]
        said += [_of_own_eta(curve, corrected[-1]) for curve in others if curve not in corrected]
        best = "" if self._settings else f" (of {len(_ETAS)} the best for the corrected step at first)"
        said.append(
            f"Trained on {len(self._train[0])} examples of {self._data.name}, layers {shown(self._sizes)}, eta "
            f"{settings.eta:g}{best}, lambda {settings.lmbda:g}, n {settings.n}, mini-batches of "
            f"{settings.batch_size}; each from the same start, in the same order. Costs are as the class reports "
            f"them on these, right answers of {len(self._held_back[0])} others. Corrected from outside: "
            f"{correction.in_words}."
        )
        evidence: dict[str, Evidence] = {"proven": any(better.values()), "better": better}
        evidence |= {"eta": settings.eta, "lambda": settings.lmbda, "n": settings.n, "batch_size": settings.batch_size}
        evidence |= {"data": self._data.name, "sizes": [shown(self._sizes)]}
        return Finding(
            Code.PROOF, Severity.INFO, " ".join(said), evidence | {"trainings": [curve.table for curve in curves]}
        )


def _take(
    correction: Correction | None, wrapped: WrappedNetwork, batch: tuple[Array, Array], settings: TrainingSettings
) -> None:
    """A step, corrected or as it is."""
    eta, lmbda, n = settings.eta, settings.lmbda, settings.n
    if correction is not None:
        correction.step(wrapped, batch, eta, lmbda, n)
    else:
        wrapped.update(wrapped.pairs(batch[0].copy(), batch[1].copy()), eta, lmbda, n)


def _is_lower(before: _Curve, after: _Curve) -> bool:
    """Whether a training that does not climb ends lower; a cost that is no number is higher than any."""
    if not math.isfinite(after.last) or after.last > _CLIMBS * after.first:
        return False
    return not math.isfinite(before.last) or after.last < _BETTER * before.last


def _is_better(before: _Curve, after: _Curve) -> bool:
    """Whether it ends lower, and gets no fewer right; or falls where the other climbs."""
    return _stops_climbing(before, after) or (_is_lower(before, after) and not _has_fewer_right(before, after))


def _stops_climbing(before: _Curve, after: _Curve) -> bool:
    climbs = not math.isfinite(before.last) or before.last > _CLIMBS * before.first
    return climbs and math.isfinite(after.last) and after.last <= min(after.first, before.last)


def _has_fewer_right(before: _Curve, after: _Curve) -> bool:
    return after.accuracy < before.accuracy - _FEWER


def _sentence(before: _Curve, after: _Curve) -> str:
    what = after.name.removeprefix("with ").removesuffix(" corrected")
    course = f"With {what} corrected and nothing else changed, it {_course(after)}"
    if _is_better(before, after) and _has_fewer_right(before, after):
        return f"{course}: the climb is the fault's, though with these settings fewer are right without it."
    if _is_better(before, after):
        return f"{course}: this is the fault."
    if _is_lower(before, after):
        return f"{course}: lower, but with fewer right answers, so at these settings it does no better."
    return f"{course}: at these settings it does no better, and the fault does not show."


def _of_own_eta(curve: _Curve, corrected: _Curve) -> str:
    eta = curve.name.rpartition(" ")[2]
    said = f"As it is, but with eta {eta}, where it does best at first, it {_course(curve)}"
    if _is_lower(curve, corrected):
        return f"{said}: no eta of those tried makes up for the fault."
    return f"{said}, about as well as corrected: another eta makes up for the fault."


def _course(curve: _Curve) -> str:
    if curve.ended:
        last = len(curve.epochs) - 1
        return f"comes from {curve.first:.4g} to no number {f'after epoch {last}' if last else 'in the first epoch'}"
    epochs = f"in {len(curve.epochs) - 1} epochs ({curve.accuracy:.0%} right)"
    if curve.last > _CLIMBS * curve.first:
        return f"climbs from {curve.first:.4g} to {curve.last:.4g} {epochs}"
    if curve.last < _FALLS * curve.first:
        return f"falls from {curve.first:.4g} to {curve.last:.4g} {epochs}"
    return f"goes from {curve.first:.4g} to {curve.last:.4g} {epochs}"
