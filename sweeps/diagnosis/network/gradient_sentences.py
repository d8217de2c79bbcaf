"""What was measured, in words: each fault as a finding that says what was expected, what was found, what to write."""

from sweeps.diagnosis.findings import Code, Evidence, Finding, Severity
from sweeps.diagnosis.network.decay import BATCH, DecayFault, N
from sweeps.diagnosis.network.gradients import Fault
from sweeps.diagnosis.network.remedies import BIASES, HIDDEN, OUTPUT, PENALTY, STEP, layers
from sweeps.diagnosis.network.steps import EXAMPLES
from sweeps.diagnosis.network.wrong_step_sentences import eta_left_out, of_wrong


def of_gradient(fault: Fault, place: str) -> Finding:
    """place: the method in which the fault is likeliest, "" where that could not be told."""
    said, remedy = _GRADIENT[fault.code](fault)
    place = _PLACES.get(fault.note, place)
    where = f" Likeliest place: {place}." if place else ""
    evidence: dict[str, Evidence] = {"layers": list(fault.layers), **fault.numbers}
    return Finding(fault.code, Severity.FAULT, said + where, evidence, remedy)


def of_decay(fault: DecayFault) -> Finding:
    said, remedy, severity = _DECAY[fault.code](fault)
    return Finding(fault.code, severity, said, dict(fault.numbers), remedy)


def of_scale(scale: float) -> Finding:
    """scale: step / (eta * gradient), the same for all parameters."""
    message = (
        f"Every step is {scale:.4g} times eta times the gradient of the reported cost, in all parameters alike: the "
        "same as "
        f"training with {scale:.4g} eta (and, where the decay does not share the factor, with lambda / {scale:.4g}). "
        "No fault, but eta means something else here."
    )
    return Finding(Code.GRADIENT_SCALED, Severity.INFO, message, {"factor": scale})


def _summed(fault: Fault) -> tuple[str, str]:
    what = "weights' step" if fault.note == "weights" else "step"
    single = fault.numbers.get("single_step_over_gradient")
    by = "" if single is None else f" A step on one example is {single:.4g} times eta times its gradient: the sum is "
    if single is not None:
        by += f"divided by a fixed {1 / single:.4g}, not by the batch's size."
    said = (
        f"A step on {EXAMPLES} examples should be the average of the steps on each; the {what} is their sum, "
        f"{EXAMPLES} times as long: the gradient is summed over the mini-batch, not averaged, so a larger mini-batch "
        f"takes larger steps.{by}"
    )
    return said, STEP


def _hidden(fault: Fault) -> tuple[str, str]:
    return (
        (
            f"The delta of hidden {layers(fault.layers)} should be the delta above, passed back through its weights, "
            "times the "
            "slope of the activation at z; the slope is missing (without it the measured step fits to "
            f"{_error(fault)}; "
            "with it "
            f"it's off by {_off(fault)})."
        ),
        HIDDEN,
    )


def _of_activation(fault: Fault) -> tuple[str, str]:
    return (
        (
            f"The delta of {layers(fault.layers)} should hold the activation's slope at the weighted input z; it holds "
            f"the slope at the activation a, slope(a) in place of slope(z) (with slope(a) the measured step "
            f"fits to {_error(fault)}; with slope(z) it's off by {_off(fault)})."
        ),
        "delta = np.dot(w_above.T, delta_above) * slope(z)   # z, not a; for sigmoid units a * (1 - a) is slope(z)",
    )


def _output(fault: Fault) -> tuple[str, str]:
    return (
        (
            "The output layer's delta should be the derivative of the reported cost times the slope of the output; the "
            "slope is "
            f"missing (without it the step fits to {_error(fault)}; with it it's off by {_off(fault)}). The same "
            "numbers "
            "come from "
            "training on the cross-entropy while reporting the quadratic cost: no measurement tells these two apart."
        ),
        f"{OUTPUT}; or report the cross-entropy, if that is what is to be minimised",
    )


def _not_transposed(fault: Fault) -> tuple[str, str]:
    also = f" ({fault.note})" if fault.note else ""
    return (
        (
            f"The delta of {layers(fault.layers)} should be the delta above times the transposed weights of the layer "
            "above; the "
            f"weights are not transposed{also} (fits to {_error(fault)}; the right formula is off by "
            f"{_off(fault)}). It "
            "runs only "
            "where neighbouring layers are equally wide."
        ),
        HIDDEN,
    )


def _sign(fault: Fault) -> tuple[str, str]:
    return (
        (
            f"A step should go against the gradient of the reported cost; that of {layers(fault.layers)} goes "
            "along it, "
            "uphill."
        ),
        STEP,
    )


def _bias(fault: Fault) -> tuple[str, str]:
    of = layers(fault.layers)
    said = {
        "batch": f"The step of the biases of {of} on {EXAMPLES} examples should be the average of the steps on each, "
        "as that of "
        f"the weights is; it is {fault.numbers.get('biases_over_sum_of_steps', 0) * EXAMPLES:.4g} times that average.",
        "no_mean": f"The step of the biases on {EXAMPLES} examples should be the average of the steps on each, as "
        "that of the "
        "weights is; it is no multiple of it, as when only one of the examples counts.",
        "power": f"The step of the biases of {of} should be proportional to eta, as that of the weights is; it grows "
        f"like eta to the power {fault.numbers.get('power/biases', 0):.2g}{eta_left_out(fault, 'power/biases')}.",
        "factor": f"The biases of {of} should move like the weights, once against their gradient; they move "
        f"{fault.numbers.get('factor', 0):.4g} times that far.",
    }
    otherwise = f"The biases of {of} do not move against their gradient, though the weights do."
    return said.get(fault.note, otherwise), STEP if fault.note in ("power", "batch") else BIASES


def _frozen(fault: Fault) -> tuple[str, str]:
    return (
        f"The reported cost depends on the {fault.note} of {layers(fault.layers)}, but a step never moves them.",
        STEP,
    )


def _error(fault: Fault) -> str:
    return f"{fault.numbers['fit_error']:.0e}"


def _off(fault: Fault) -> str:
    return f"{fault.numbers['error_of_right_formula']:.0%}"


_PLACES = {"evaluate": "evaluate"} | dict.fromkeys(["batch", "power", "after", "adds_up"], "update_mini_batch")

_GRADIENT = {
    Code.GRADIENT_SUMMED: _summed,
    Code.GRADIENT_HIDDEN_DERIVATIVE_MISSING: _hidden,
    Code.GRADIENT_DERIVATIVE_OF_ACTIVATION: _of_activation,
    Code.GRADIENT_OUTPUT_DERIVATIVE_MISSING: _output,
    Code.GRADIENT_NOT_TRANSPOSED: _not_transposed,
    Code.GRADIENT_SIGN: _sign,
    Code.GRADIENT_BIAS: _bias,
    Code.GRADIENT_FROZEN: _frozen,
    Code.GRADIENT_WRONG: of_wrong,
}


def _decay_missing(fault: DecayFault) -> tuple[str, str, Severity]:
    if fault.note == "neither":
        return "lambda changes neither the step nor the reported cost: there is no penalty to judge.", "", Severity.INFO
    return (
        (
            "The reported cost holds a penalty, but lambda does not change a step of the weights: what is "
            "reported is not "
            "what is "
            "minimised."
        ),
        STEP,
        Severity.FAULT,
    )


def _decay_sign(fault: DecayFault) -> tuple[str, str, Severity]:
    return (
        (
            "The penalty should shrink the weights; lambda makes a step lengthen them, by "
            f"{-fault.numbers['decay_over_lambda_w_over_n']:.4g} * eta * lambda / n of themselves: the decay has the "
            "wrong sign, "
            "and the penalty grows without end."
        ),
        STEP,
        Severity.FAULT,
    )


def _without_eta(fault: DecayFault) -> tuple[str, str, Severity]:
    return (
        (
            "The decay should be eta times the penalty's gradient, and vanish with eta; lambda's part of a step "
            "stays as "
            "eta goes to "
            "0: it lacks the factor eta."
        ),
        STEP,
        Severity.FAULT,
    )


def _decay_biases(fault: DecayFault) -> tuple[str, str, Severity]:
    if fault.note == "decayed":
        said = "The step decays the biases, but the reported penalty does not count them."
    else:
        said = "The reported penalty counts the biases, but the step does not decay them."
    return said, f"{STEP}   # biases are not decayed, and not in the penalty", Severity.FAULT


def _decay_scale(fault: DecayFault) -> tuple[str, str, Severity]:
    ratio = fault.numbers["decay_over_penalty_gradient"]
    if fault.note == "batch_size":
        why = (
            f"it follows the mini-batch's size (with {BATCH} of {N} examples it is {ratio:.4g} times what the penalty "
            "asks for)"
        )
    else:
        why = f"with n = {N} it is {ratio:.4g} times that"
        why += _size_behind(fault.numbers["decay_over_lambda_w_over_n"] / N)
    return f"The decay should be the gradient of the reported penalty, lambda / n * w; {why}.", STEP, Severity.FAULT


def _size_behind(coefficient: float) -> str:
    """What a decay of coefficient * lambda * w is divided by."""
    divisor = 1 / coefficient
    if abs(divisor - 1) < 1e-3:
        return ": it is not divided at all"
    return f": as if lambda were divided by {divisor:.6g}"


def _decay_wrong(fault: DecayFault) -> tuple[str, str, Severity]:
    if fault.note == "layers":
        factors = ", ".join(
            f"{name.removeprefix('factor/')} {value:.4g}" for name, value in fault.numbers.items() if "/" in name
        )
        said = f"The decay should be the penalty's gradient in every layer; it is these multiples of it: {factors}."
    else:
        said = (
            "The decay should be the gradient of the reported penalty; it follows another law "
            f"({fault.numbers['residual']:.0%} of it is no multiple of that gradient), as when an L1 decay goes with "
            "an L2 penalty."
        )
    return said, STEP, Severity.FAULT


def _penalty_scale(fault: DecayFault) -> tuple[str, str, Severity]:
    if fault.note == "unreported":
        return (
            (
                "The step decays the weights, but the reported cost holds no penalty: it shows the data cost alone, "
                "which "
                "may rise "
                "while what is minimised falls."
            ),
            PENALTY,
            Severity.INFO,
        )
    if fault.note == "sign":
        said = (
            "The reported penalty should grow with the weights that the decay shrinks; it falls as they grow "
            f"({fault.numbers['penalty_gradient_over_lambda_w_over_n']:.4g} times the gradient that it should have): "
            "it is subtracted."
        )
        return said, PENALTY, Severity.FAULT
    if fault.note == "evaluated":
        return (
            (
                "The reported penalty is divided by the size of the set that is evaluated, the decay by the size n "
                "of the "
                "training "
                "set: on a smaller set the cost shows the penalty too large by n / evaluated examples, and may rise "
                "while "
                "what is "
                "minimised falls."
            ),
            PENALTY,
            Severity.WARNING,
        )
    if fault.note == "eta":
        said = (
            "The reported penalty should not depend on eta: it is part of the cost, and eta only says how far a step "
            "goes down its slope. After steps with half the eta, the penalty of the same weights is "
            f"{fault.numbers['penalty_at_half_eta_over_penalty']:.4g} times as large."
        )
        return said, PENALTY, Severity.FAULT
    ratio = fault.numbers["decay_over_penalty_gradient"]
    if fault.note == "every_example":
        why = f"it is n = {N} times too large: added once for every example, or never divided by n"
    elif fault.note == "half":
        why = "it is twice that: the half is missing from the penalty (or, the same, a 2 from the decay)"
    else:
        why = f"the decay belongs to {ratio:.4g} times the lambda of the penalty"
    return (
        (
            "The reported penalty should be the one that the step descends, lambda / (2 n) * sum of w^2 for a "
            "decay of "
            f"lambda / n * w; {why}."
        ),
        PENALTY,
        Severity.FAULT,
    )


_DECAY = {
    Code.DECAY_MISSING: _decay_missing,
    Code.DECAY_SIGN: _decay_sign,
    Code.DECAY_WITHOUT_ETA: _without_eta,
    Code.DECAY_BIASES: _decay_biases,
    Code.DECAY_SCALE: _decay_scale,
    Code.DECAY_WRONG: _decay_wrong,
    Code.PENALTY_SCALE: _penalty_scale,
}
