"""What is said of a fault between decay and penalty: what was expected, what was found, the line to write instead."""

from collections.abc import Callable, Mapping

from sweeps.diagnosis.findings import Finding, Severity
from sweeps.diagnosis.network.decay import BATCH, N
from sweeps.diagnosis.network.decay_faults import (
    DecayFault,
    DecayKind,
    EtaPenaltyFault,
    OtherLawFault,
    PartFault,
    SizeFault,
    TextbookFault,
)
from sweeps.diagnosis.network.remedies import PENALTY, STEP, STEP_OF_BIASES, Sentence

_SEVERITIES = {
    DecayKind.NO_PENALTY: Severity.INFO,
    DecayKind.PENALTY_UNREPORTED: Severity.INFO,
    DecayKind.PENALTY_BY_EVALUATED: Severity.WARNING,
    DecayKind.BOTH_LEAVE_OUT: Severity.WARNING,
}
_RANGE = " A loop or a slice that ends too early does that."


def of_decay(fault: DecayFault) -> Finding:
    said, remedy = SENTENCES[fault.kind](fault)
    severity = _SEVERITIES.get(fault.kind, Severity.FAULT)
    if isinstance(fault, PartFault) and fault.whole and severity is Severity.WARNING:
        severity = Severity.INFO
    return Finding(fault.kind.code, severity, said, fault.numbers, remedy)


def _no_penalty(fault: DecayFault) -> Sentence:
    return "lambda changes neither the step nor the reported cost: there is no penalty to judge.", ""


def _decay_missing(fault: DecayFault) -> Sentence:
    said = (
        "The reported cost holds a penalty, but lambda does not change a step of the weights: what is reported is not "
        "what is minimised."
    )
    return said, STEP


def _decay_grows_weights(fault: TextbookFault) -> Sentence:
    said = (
        f"The penalty should shrink the weights; lambda makes a step lengthen them, by {-fault.decay:.4g} * eta * "
        "lambda / n of themselves: the decay has the wrong sign, and the penalty grows without end."
    )
    return said, STEP


def _decay_without_eta(fault: DecayFault) -> Sentence:
    said = (
        "The decay should be eta times the penalty's gradient, and vanish with eta; lambda's part of a step stays as "
        "eta goes to 0: it lacks the factor eta."
    )
    return said, STEP


def _biases_decayed(fault: DecayFault) -> Sentence:
    return "The step decays the biases, but the reported penalty does not count them.", STEP_OF_BIASES


def _biases_penalised(fault: DecayFault) -> Sentence:
    return "The reported penalty counts the biases, but the step does not decay them.", STEP_OF_BIASES


def _decay_by_batch_size(fault: SizeFault) -> Sentence:
    why = (
        f"it follows the mini-batch's size (with {BATCH} of {N} examples it is {fault.ratio:.4g} times what the "
        "penalty asks for)"
    )
    return _decay_should(why)


def _decay_size(fault: SizeFault) -> Sentence:
    divisor = N / fault.decay  # of lambda * w
    as_if = "it is not divided at all" if abs(divisor - 1) < 1e-3 else f"as if lambda were divided by {divisor:.6g}"
    return _decay_should(f"with n = {N} it is {fault.ratio:.4g} times that: {as_if}")


def _decay_should(why: str) -> Sentence:
    return f"The decay should be the gradient of the reported penalty, lambda / n * w; {why}.", STEP


def _decay_leaves_out(fault: PartFault) -> Sentence:
    return f"The reported penalty counts {fault.where}, but the step does not decay them.{_RANGE}", STEP


def _penalty_leaves_out(fault: PartFault) -> Sentence:
    return f"The step decays {fault.where}, but the reported penalty does not count them.{_RANGE}", PENALTY


def _both_leave_out(fault: PartFault) -> Sentence:
    said = f"Neither the step's decay nor the reported penalty counts {fault.where}; all other weights count in both."
    if fault.whole:
        return f"{said} No fault where that is meant.", STEP
    return f"{said}{_RANGE}", f"{STEP};  {PENALTY}"


def _layers_differ(fault: OtherLawFault) -> Sentence:
    factors = ", ".join(f"layer_{k} {factor:.4g}" for k, factor in enumerate(fault.factors, 1))
    return f"The decay should be the penalty's gradient in every layer; it is these multiples of it: {factors}.", STEP


def _laws_differ(fault: OtherLawFault) -> Sentence:
    said = (
        f"The decay should be the gradient of the reported penalty; it follows another law ({fault.residual:.0%} of "
        "it is no multiple of that gradient), as when an L1 decay goes with an L2 penalty."
    )
    return said, STEP


def _penalty_unreported(fault: DecayFault) -> Sentence:
    said = (
        "The step decays the weights, but the reported cost holds no penalty: it shows the data cost alone, which may "
        "rise while what is minimised falls."
    )
    return said, PENALTY


def _penalty_subtracted(fault: TextbookFault) -> Sentence:
    said = (
        "The reported penalty should grow with the weights that the decay shrinks; it falls as they grow "
        f"({fault.penalty:.4g} times the gradient that it should have): it is subtracted."
    )
    return said, PENALTY


def _penalty_of_eta(fault: EtaPenaltyFault) -> Sentence:
    said = (
        "The reported penalty should not depend on eta: it is part of the cost, and eta only says how far a step goes "
        "down its slope. After steps with half the eta, the penalty of the same weights is "
        f"{fault.halved:.4g} times as large."
    )
    return said, PENALTY


def _penalty_every_example(fault: SizeFault) -> Sentence:
    return _penalty_should(f"it is n = {N} times too large: added once for every example, or never divided by n")


def _penalty_without_half(fault: SizeFault) -> Sentence:
    return _penalty_should("it is twice that: the half is missing from the penalty (or, the same, a 2 from the decay)")


def _penalty_size(fault: SizeFault) -> Sentence:
    return _penalty_should(f"the decay belongs to {fault.ratio:.4g} times the lambda of the penalty")


def _penalty_should(why: str) -> Sentence:
    said = (
        "The reported penalty should be the one that the step descends, lambda / (2 n) * sum of w^2 for a decay of "
        f"lambda / n * w; {why}."
    )
    return said, PENALTY


def _penalty_by_evaluated(fault: SizeFault) -> Sentence:
    said = (
        "The reported penalty is divided by the size of the set that is evaluated, the decay by the size n of the "
        "training set: on a smaller set the cost shows the penalty too large by n / evaluated examples, and may rise "
        "while what is minimised falls."
    )
    return said, PENALTY


SENTENCES: Mapping[DecayKind, Callable[..., Sentence]] = {
    DecayKind.NO_PENALTY: _no_penalty,
    DecayKind.DECAY_MISSING: _decay_missing,
    DecayKind.DECAY_GROWS_WEIGHTS: _decay_grows_weights,
    DecayKind.DECAY_WITHOUT_ETA: _decay_without_eta,
    DecayKind.BIASES_DECAYED: _biases_decayed,
    DecayKind.BIASES_PENALISED: _biases_penalised,
    DecayKind.DECAY_BY_BATCH_SIZE: _decay_by_batch_size,
    DecayKind.DECAY_SIZE: _decay_size,
    DecayKind.LAYERS_DIFFER: _layers_differ,
    DecayKind.DECAY_LEAVES_OUT: _decay_leaves_out,
    DecayKind.PENALTY_LEAVES_OUT: _penalty_leaves_out,
    DecayKind.BOTH_LEAVE_OUT: _both_leave_out,
    DecayKind.LAWS_DIFFER: _laws_differ,
    DecayKind.PENALTY_UNREPORTED: _penalty_unreported,
    DecayKind.PENALTY_SUBTRACTED: _penalty_subtracted,
    DecayKind.PENALTY_OF_ETA: _penalty_of_eta,
    DecayKind.PENALTY_EVERY_EXAMPLE: _penalty_every_example,
    DecayKind.PENALTY_WITHOUT_HALF: _penalty_without_half,
    DecayKind.PENALTY_SIZE: _penalty_size,
    DecayKind.PENALTY_BY_EVALUATED: _penalty_by_evaluated,
}
