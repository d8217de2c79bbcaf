"""A step that is not the gradient of the reported cost, and none of the faults with a code of their own, in words."""

from sweeps.diagnosis.network.gradients import Fault
from sweeps.diagnosis.network.remedies import HIDDEN, OUTPUT, STEP, layers
from sweeps.diagnosis.network.steps import EXAMPLES


def of_wrong(fault: Fault) -> tuple[str, str]:
    """(message, remedy)."""
    if fault.note in _WRONG:
        return _WRONG[fault.note](fault)
    if fault.note.startswith("idle "):
        return _wrong_idle(fault)
    worst = max((value for name, value in fault.numbers.items() if name.startswith("error")), default=float("nan"))
    also = f" What fits: {fault.note}." if fault.note else " None of the known faults explains it."
    said = (
        f"The step of {layers(fault.layers)} is not the gradient of the reported cost: it is off by {worst:.2g} of "
        f"the gradient's length, where sound networks are off by less than 1e-5.{also}"
    )
    return said, f"{OUTPUT};  {HIDDEN};  nabla_w = np.dot(delta, a_below.T)"


def _wrong_batch(fault: Fault) -> tuple[str, str]:
    shares = [f"{round(value, 3) + 0.0:g}" for name, value in fault.numbers.items() if name.startswith("share")]
    if shares:
        found = f"in it the examples count {', '.join(shares)} times instead of once each"
    else:
        factor = fault.numbers["step_over_sum_of_steps"] * EXAMPLES
        found = f"it is neither that nor their sum (measured: {factor:.4g} times the average)"
    return f"A step on {EXAMPLES} examples should be the average of the steps on each; {found}.", STEP


def _wrong_factors(fault: Fault) -> tuple[str, str]:
    factors = ", ".join(f"{name.removeprefix('factor/')} {value:.4g}" for name, value in fault.numbers.items())
    return f"All parameters should move by one multiple of their gradients; they move by several: {factors}.", STEP


def _wrong_power(fault: Fault) -> tuple[str, str]:
    power = fault.numbers["power/weights"]
    out = eta_left_out(fault, "power/weights")
    return f"A step should be proportional to eta; it grows like eta to the power {power:.2g}{out}.", STEP


def _wrong_after(fault: Fault) -> tuple[str, str]:
    said = (
        f"A step should be proportional to eta; at eta = {fault.numbers['eta']:g} it differs by "
        f"{fault.numbers['difference']:.0%} from what it is, for the same eta, at {fault.numbers['small_eta']:g}. "
        "That is so where weights are moved while backpropagation still needs them as they were: the delta of a layer "
        "goes back through the old weights of the layer above, not the new ones."
    )
    return said, "compute every nabla_w and nabla_b first; move weights and biases after that"


def _wrong_adds_up(fault: Fault) -> tuple[str, str]:
    said = (
        "A step should be made from its own mini-batch; the second step from the same place is twice the first, the "
        f"{fault.numbers['steps']:.0f}th as many times as long: gradients of earlier mini-batches are still in the sum."
    )
    return said, "nabla_w = [np.zeros(w.shape) for w in weights]   # and nabla_b, anew in every update_mini_batch"


def _wrong_product(fault: Fault) -> tuple[str, str]:
    said = (
        f"The weights' step of {layers(fault.layers)} should be a product of the layer's delta and its input, one row "
        "for each unit; on a single example it is no such product with that input: the order of the factors or of "
        "the axes is wrong, or another layer's input stands there."
    )
    return said, "nabla_w = np.dot(delta, a_below.T)   # (BP4), (n_out, n_in)"


def _wrong_evaluate(fault: Fault) -> tuple[str, str]:
    said = (
        f"The reported cost does not follow from what feedforward gives: {fault.numbers['not_of_outputs']:.0%} of its "
        "gradient belongs to changes of parameters that leave those outputs as they are. evaluate computes the outputs "
        "in another way than feedforward does (another activation, biases left out), and the step descends another "
        "cost than the reported one."
    )
    return said, "in evaluate: a = self.feedforward(x), and the cost from that a"


def _wrong_idle(fault: Fault) -> tuple[str, str]:
    said = (
        f"The step moves the {fault.note.removeprefix('idle ')} of {layers(fault.layers)}, but the reported cost does "
        "not depend on them where it was measured: their gradient is 0."
    )
    return said, "in evaluate: a = self.feedforward(x), the network that is trained, and the cost from that a"


_WRONG = {
    "batch": _wrong_batch,
    "factors": _wrong_factors,
    "power": _wrong_power,
    "after": _wrong_after,
    "adds_up": _wrong_adds_up,
    "product": _wrong_product,
    "evaluate": _wrong_evaluate,
}


def eta_left_out(fault: Fault, name: str) -> str:
    """What a power of eta means where it is 0. name: of the power among the fault's numbers."""
    return ": eta is left out" if abs(fault.numbers.get(name, 1)) < 0.01 else ""
