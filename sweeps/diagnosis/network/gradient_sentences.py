"""What is said of a fault in the data part of a step: what was expected, what was found, the line to write instead."""

from collections.abc import Callable, Mapping

from sweeps.diagnosis.findings import Evidence, Finding, Severity
from sweeps.diagnosis.network.cost_sentences import cost_of_z, cost_other, cost_without_log
from sweeps.diagnosis.network.gradient_faults import (
    BatchFault,
    BiasesFault,
    DropoutFault,
    EarlyMoveFault,
    FactorFault,
    FactorsFault,
    FormulaFault,
    GradientFault,
    GradientKind,
    KeptFault,
    OutputsFault,
    OverwrittenFault,
    ParametersFault,
    PowerFault,
    WrongStepFault,
)
from sweeps.diagnosis.network.remedies import (
    BIASES,
    DELTAS,
    EVALUATE,
    EVALUATE_TRAINED,
    HIDDEN,
    MASKED,
    MOVE_AFTER,
    NEW_SUMS,
    OUTPUT_OR_CROSS_ENTROPY,
    PRODUCT,
    SLOPE_AT_Z,
    STEP,
    Sentence,
    layers,
)
from sweeps.diagnosis.network.steps import EXAMPLES

_PLACES = {
    GradientKind.OTHER_OUTPUTS: "evaluate",
    GradientKind.COST_OF_Z: "evaluate",
    GradientKind.COST_WITHOUT_LOG: "evaluate",
    GradientKind.COST_OTHER: "evaluate",
    GradientKind.NOT_AVERAGED: "update_mini_batch",
    GradientKind.BIASES_NOT_AVERAGED: "update_mini_batch",
    GradientKind.POWER_OF_ETA: "update_mini_batch",
    GradientKind.BIASES_POWER_OF_ETA: "update_mini_batch",
    GradientKind.MOVED_TOO_EARLY: "update_mini_batch",
    GradientKind.GRADIENTS_KEPT: "update_mini_batch",
    GradientKind.MOVED_IN_BATCH: "update_mini_batch",
    GradientKind.OVERWRITTEN: "update_mini_batch",
}


def of_gradient(fault: GradientFault, place: str) -> Finding:
    """place: the method in which the fault is likeliest, "" where that could not be told."""
    said, remedy = SENTENCES[fault.kind](fault)
    place = _PLACES.get(fault.kind, place)
    where = f" Likeliest place: {place}." if place else ""
    evidence: dict[str, Evidence] = {"layers": list(fault.layers), **fault.numbers}
    return Finding(fault.kind.code, Severity.FAULT, said + where, evidence, remedy)


def _summed(fault: BatchFault) -> Sentence:
    what = "weights' step" if fault.kind is GradientKind.WEIGHTS_SUMMED else "step"
    said = (
        f"A step on {EXAMPLES} examples should be the average of the steps on each; the {what} is their sum, "
        f"{EXAMPLES} times as long: the gradient is summed over the mini-batch, not averaged, so a larger mini-batch "
        "takes larger steps."
    )
    single = fault.single_factor
    if single is not None:
        said += (
            f" A step on one example is {single:.4g} times eta times its gradient: the sum is divided by a fixed "
            f"{1 / single:.4g}, not by the batch's size."
        )
    return said, STEP


def _not_averaged(fault: BatchFault) -> Sentence:
    if fault.shares:
        counts = ", ".join(f"{round(share, 3) + 0.0:g}" for share in fault.shares)
        found = f"in it the examples count {counts} times instead of once each"
    else:
        found = f"it is neither that nor their sum (measured: {fault.factor * EXAMPLES:.4g} times the average)"
    return f"A step on {EXAMPLES} examples should be the average of the steps on each; {found}.", STEP


def _biases_not_averaged(fault: BatchFault) -> Sentence:
    said = (
        f"The step of the biases of {layers(fault.layers)} on {EXAMPLES} examples should be the average of the steps "
        f"on each, as that of the weights is; it is {(fault.biases_factor or 0) * EXAMPLES:.4g} times that average."
    )
    return said, STEP


def _biases_of_fewer_examples(fault: BatchFault) -> Sentence:
    said = (
        f"The step of the biases on {EXAMPLES} examples should be the average of the steps on each, as that of the "
        "weights is; it is no multiple of it, as when only one of the examples counts."
    )
    return said, BIASES


def _power_of_eta(fault: PowerFault) -> Sentence:
    return f"A step should be proportional to eta; it {_grows(fault.weights)}.", STEP


def _biases_power_of_eta(fault: PowerFault) -> Sentence:
    said = (
        f"The step of the biases of {layers(fault.layers)} should be proportional to eta, as that of the weights is; "
        f"it {_grows(fault.biases)}."
    )
    return said, STEP


def _grows(power: float) -> str:
    left_out = ": eta is left out" if abs(power) < 0.01 else ""
    return f"grows like eta to the power {power:.2g}{left_out}"


def _moved_too_early(fault: EarlyMoveFault) -> Sentence:
    said = (
        f"A step should be proportional to eta; at eta = {fault.eta:g} it differs by {fault.difference:.0%} from what "
        f"it is, for the same eta, at {fault.small_eta:g}. That is so where weights are moved while backpropagation "
        "still needs them as they were: the delta of a layer goes back through the old weights of the layer above, "
        "not the new ones."
    )
    return said, MOVE_AFTER


def _moved_in_batch(fault: BatchFault) -> Sentence:
    said = (
        f"A step should be made from the average over its mini-batch; it is {fault.examples} steps, one on each "
        f"example with eta / {fault.examples}, and each moves the weights before the next example is passed through: "
        "nothing is averaged."
    )
    return said, f"{NEW_SUMS}; {MOVE_AFTER}"


def _overwritten(fault: OverwrittenFault) -> Sentence:
    became = "the same, whatever they were" if fault.value is None else f"{fault.value:.4g}, whatever they were"
    said = (
        f"A step should change the {fault.parameters} of {layers(fault.layers)}, and hardly so when eta is hardly "
        f"anything; it replaces them: with eta = 1e-12 they become {became}. Nothing else was judged."
    )
    return said, f"{STEP}   # w and b stand on the right side, too"


def _gradients_kept(fault: KeptFault) -> Sentence:
    said = (
        "A step should be made from its own mini-batch; the second step from the same place is twice the first, the "
        f"{fault.steps:.0f}th as many times as long: gradients of earlier mini-batches are still in the sum."
    )
    return said, NEW_SUMS


def _mask_not_back(fault: DropoutFault) -> Sentence:
    said = (
        f"A unit that dropout drops on the way forward should learn nothing in that step; in {fault.steps} steps units "
        f"were dropped {fault.dropped} times, and {fault.moved} times their weights or biases moved all the same, in "
        f"{layers(fault.layers)}: the mask is not used on the way back."
    )
    return said, MASKED


def _frozen(fault: ParametersFault) -> Sentence:
    said = (
        f"The reported cost depends on the {fault.parameters} of {layers(fault.layers)}, but a step never moves them."
    )
    return said, STEP


def _idle_moved(fault: ParametersFault) -> Sentence:
    said = (
        f"The step moves the {fault.parameters} of {layers(fault.layers)}, but the reported cost does not depend on "
        "them where it was measured: their gradient is 0."
    )
    return said, EVALUATE_TRAINED


def _uphill(fault: GradientFault) -> Sentence:
    said = (
        f"A step should go against the gradient of the reported cost; that of {layers(fault.layers)} goes along it, "
        "uphill."
    )
    return said, STEP


def _several_factors(fault: FactorsFault) -> Sentence:
    factors = ", ".join(f"{name} {factor:.4g}" for name, factor in fault.factors.items())
    return f"All parameters should move by one multiple of their gradients; they move by several: {factors}.", STEP


def _biases_factor(fault: FactorFault) -> Sentence:
    said = (
        f"The biases of {layers(fault.layers)} should move like the weights, once against their gradient; they move "
        f"{fault.factor:.4g} times that far."
    )
    return said, BIASES


def _biases_wrong(fault: BiasesFault) -> Sentence:
    return f"The biases of {layers(fault.layers)} do not move against their gradient, though the weights do.", BIASES


def _other_outputs(fault: OutputsFault) -> Sentence:
    said = (
        f"The reported cost does not follow from what feedforward gives: {fault.unexplained:.0%} of its gradient "
        "belongs to changes of parameters that leave those outputs as they are. evaluate computes the outputs in "
        "another way than feedforward does (another activation, biases left out), and the step descends another cost "
        "than the reported one."
    )
    return said, EVALUATE


def _no_product(fault: WrongStepFault) -> Sentence:
    said = (
        f"The weights' step of {layers(fault.layers)} should be a product of the layer's delta and its input, one row "
        "for each unit; on a single example it is no such product with that input: the order of the factors or of "
        "the axes is wrong, or another layer's input stands there."
    )
    return said, PRODUCT


def _hidden_slope_missing(fault: FormulaFault) -> Sentence:
    said = (
        f"The delta of hidden {layers(fault.layers)} should be the delta above, passed back through its weights, "
        "times the slope of the activation at z; the slope is missing (without it the measured step fits to "
        f"{fault.error:.0e}; with it it's off by {fault.error_of_right:.0%})."
    )
    return said, HIDDEN


def _slope_of_activation(fault: FormulaFault) -> Sentence:
    said = (
        f"The delta of {layers(fault.layers)} should hold the activation's slope at the weighted input z; it holds "
        "the slope at the activation a, slope(a) in place of slope(z) (with slope(a) the measured step fits to "
        f"{fault.error:.0e}; with slope(z) it's off by {fault.error_of_right:.0%})."
    )
    return said, SLOPE_AT_Z


def _output_slope_missing(fault: FormulaFault) -> Sentence:
    said = (
        "The output layer's delta should be the derivative of the reported cost times the slope of the output; the "
        f"slope is missing (without it the step fits to {fault.error:.0e}; with it it's off by "
        f"{fault.error_of_right:.0%}). The same numbers come from training on the cross-entropy while reporting the "
        "quadratic cost: no measurement tells these two apart."
    )
    return said, OUTPUT_OR_CROSS_ENTROPY


def _not_transposed(fault: FormulaFault) -> Sentence:
    also = {
        GradientKind.NOT_TRANSPOSED_SLOPE_MISSING: " (and the slope is missing, too)",
        GradientKind.NOT_TRANSPOSED_SLOPE_OF_ACTIVATION: " (and the slope is the activation's, too)",
    }
    said = (
        f"The delta of {layers(fault.layers)} should be the delta above times the transposed weights of the layer "
        f"above; the weights are not transposed{also.get(fault.kind, '')} (fits to {fault.error:.0e}; the right "
        f"formula is off by {fault.error_of_right:.0%}). It runs only where neighbouring layers are equally wide."
    )
    return said, HIDDEN


def _output_slope_twice(fault: FormulaFault) -> Sentence:
    fits = "the output's slope once too often, as when the quadratic cost is trained, the cross-entropy reported"
    return _wrong(fault, f"What fits: {fits}.")


def _delta_scaled(fault: FormulaFault) -> Sentence:
    return _wrong(fault, f"What fits: its delta is {fault.factor:.4g} times what it should be.")


def _unexplained(fault: WrongStepFault) -> Sentence:
    return _wrong(fault, "None of the known faults explains it.")


def _wrong(fault: WrongStepFault, explanation: str) -> Sentence:
    said = (
        f"The step of {layers(fault.layers)} is not the gradient of the reported cost: it is off by {fault.worst:.2g} "
        f"of the gradient's length, where sound networks are off by less than 1e-5. {explanation}"
    )
    return said, DELTAS


SENTENCES: Mapping[GradientKind, Callable[..., Sentence]] = {
    GradientKind.SUMMED: _summed,
    GradientKind.WEIGHTS_SUMMED: _summed,
    GradientKind.NOT_AVERAGED: _not_averaged,
    GradientKind.BIASES_NOT_AVERAGED: _biases_not_averaged,
    GradientKind.BIASES_OF_FEWER_EXAMPLES: _biases_of_fewer_examples,
    GradientKind.POWER_OF_ETA: _power_of_eta,
    GradientKind.BIASES_POWER_OF_ETA: _biases_power_of_eta,
    GradientKind.MOVED_TOO_EARLY: _moved_too_early,
    GradientKind.MOVED_IN_BATCH: _moved_in_batch,
    GradientKind.OVERWRITTEN: _overwritten,
    GradientKind.GRADIENTS_KEPT: _gradients_kept,
    GradientKind.MASK_NOT_BACK: _mask_not_back,
    GradientKind.FROZEN: _frozen,
    GradientKind.IDLE_MOVED: _idle_moved,
    GradientKind.UPHILL: _uphill,
    GradientKind.SEVERAL_FACTORS: _several_factors,
    GradientKind.BIASES_FACTOR: _biases_factor,
    GradientKind.BIASES_WRONG: _biases_wrong,
    GradientKind.OTHER_OUTPUTS: _other_outputs,
    GradientKind.NO_PRODUCT: _no_product,
    GradientKind.COST_OF_Z: cost_of_z,
    GradientKind.COST_WITHOUT_LOG: cost_without_log,
    GradientKind.COST_OTHER: cost_other,
    GradientKind.HIDDEN_SLOPE_MISSING: _hidden_slope_missing,
    GradientKind.SLOPE_OF_ACTIVATION: _slope_of_activation,
    GradientKind.OUTPUT_SLOPE_MISSING: _output_slope_missing,
    GradientKind.OUTPUT_SLOPE_TWICE: _output_slope_twice,
    GradientKind.NOT_TRANSPOSED: _not_transposed,
    GradientKind.NOT_TRANSPOSED_SLOPE_MISSING: _not_transposed,
    GradientKind.NOT_TRANSPOSED_SLOPE_OF_ACTIVATION: _not_transposed,
    GradientKind.DELTA_REVERSED: _uphill,
    GradientKind.DELTA_SCALED: _delta_scaled,
    GradientKind.UNEXPLAINED: _unexplained,
}
