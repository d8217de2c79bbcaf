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
from sweeps.diagnosis.proof.comparing import AS_IT_IS, Curve, course, is_better, of_own_eta, sentence
from sweeps.diagnosis.proof.corrections import Correction, corrected_data, corrected_decay
from sweeps.errors import UserNetworkError
from sweeps.user_network.wrapper import WrappedNetwork, seeded

EXAMPLES, HELD_BACK = 1500, 500  # of a data set at the most; of them so many are held back
EPOCHS = 10

_BATCH = 10
_DECAY = 0.001  # lambda / n where nobody says it, and the decay is at fault
# Of these the one is taken at which the corrected step does best at first. Not 1: a forgotten eta would not show.
_ETAS = (10.0, 3.0, 0.5, 0.1, 0.01)
STARTS = 3  # from each of which the corrected step must do better
_FIRST = 100  # steps that show it

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


@dataclass(frozen=True)
class ProofData:
    """x (m, n_in), as in training, y (m, n_out), one-hot. name: of the data set, as it is told."""

    x: Array
    y: Array
    name: str


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
        self._known: dict[tuple[bool, int], Curve] = {}
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
        named = {AS_IT_IS: None, **{f"with {words} corrected": one for words, one in corrections.items()}}
        curves = [self._trained(name, one, settings) for name, one in named.items()]
        better = {curve.name: self._starts(curves[0], curve, named[curve.name], settings) for curve in curves[1:]}
        own = given or self._best(None, m, bool(of_decay))
        if own != settings:
            curves.append(self._trained(f"{AS_IT_IS}, at eta {own.eta:g}", None, own))
        return self._told(curves, better, whole, settings)

    def _starts(self, before: Curve, after: Curve, correction: Correction | None, settings: TrainingSettings) -> int:
        """From how many starts the corrected one does better; 0 where it does not from the first."""
        if not is_better(before, after):
            return 0
        others = range(1, STARTS)
        return 1 + sum(
            is_better(self._again(None, settings, start), self._again(correction, settings, start)) for start in others
        )

    def _again(self, correction: Correction | None, settings: TrainingSettings, start: int) -> Curve:
        known = self._known.get((correction is None, start))
        if known is None:
            known = self._trained("", correction, settings, start)
            if correction is None:
                self._known[True, start] = known
        return known

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

    def _trained(self, name: str, correction: Correction | None, settings: TrainingSettings, start: int = 0) -> Curve:
        """start: 0 for the parameters as their class draws them, others for these in another order in each array."""
        wrapped, shuffles = self._make(self._sizes), np.random.default_rng(start)
        if start:
            weights = [shuffles.permutation(np.ravel(w)).reshape(w.shape) for w in wrapped.weights]
            wrapped.set(weights, [shuffles.permutation(b) for b in wrapped.biases])
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
                    return Curve(name, tuple(epochs), str(error).splitlines()[0])
                if not math.isfinite(measured[0]):
                    return Curve(name, tuple(epochs), "its cost is no number any more")
                epochs.append(measured)
        return Curve(name, tuple(epochs))

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

    def _told(
        self, curves: list[Curve], better: dict[str, int], correction: Correction, settings: TrainingSettings
    ) -> Finding:
        """better: from how many starts each corrected one does better."""
        before, *others = curves
        corrected = [curve for curve in others if curve.name in better]
        said = [f"As it is, the cost {course(before)}."]
        said += [sentence(before, curve, better[curve.name], STARTS) for curve in corrected]
        said += [of_own_eta(curve, corrected[-1]) for curve in others if curve not in corrected]
        best = "" if self._settings else f" (of {len(_ETAS)} the best for the corrected step at first)"
        said.append(
            f"Trained on {len(self._train[0])} examples of {self._data.name}, layers {shown(self._sizes)}, eta "
            f"{settings.eta:g}{best}, lambda {settings.lmbda:g}, n {settings.n}, mini-batches of "
            f"{settings.batch_size}; each from the same start, in the same order. Costs are as the class reports "
            f"them on these, right answers of {len(self._held_back[0])} others. Corrected from outside: "
            f"{correction.in_words}."
        )
        evidence: dict[str, Evidence] = {"proven": STARTS in better.values(), "starts": STARTS}
        evidence["better_from_starts"] = better
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
