"""What is said of how a training starts: each finding of the first minute, with its numbers and its remedy.

None of them is a fault of a step. What is a matter of degree is told as worth knowing, what keeps a network from
learning as a warning.
"""

from collections.abc import Mapping

from sweeps.diagnosis.findings import Code, Evidence, Finding, Severity

_SMALLER = "weights N(0, 1 / n_in), such as np.random.randn(n_out, n_in) / np.sqrt(n_in)"


def no_number(cost: float) -> Finding:
    message = f"The reported cost is {cost:g} before the first step, which no step mends."
    remedy = "compute it from z, as in np.logaddexp(0, z) - y * z, or start from smaller weights, N(0, 1 / n_in)"
    return Finding(Code.START_COST, Severity.WARNING, message, {"cost": str(cost)}, remedy)


def high_start(cost: float, undecided: float) -> Finding:
    """undecided: the cost of outputs that do not depend on the examples."""
    message = (
        f"Training starts at a cost of {cost:.4g}, {cost / undecided:.1f} times the {undecided:.4g} of outputs that do "
        "not tell the examples apart: the starting weights are large. That is a matter of degree, no fault; the first "
        "steps are spent on it."
    )
    return Finding(
        Code.START_COST, Severity.INFO, message, {"cost": cost, "undecided": undecided}, f"{_SMALLER}, and biases 0"
    )


def low_start(cost: float, undecided: float) -> Finding:
    message = (
        f"Training starts at a cost of {cost:.4g}, below the {undecided:.4g} of a constant answer: from trained "
        "weights, or the inputs hold the answers."
    )
    remedy = "draw new weights for each network, and leave the targets out of the inputs"
    return Finding(Code.START_COST, Severity.INFO, message, {"cost": cost, "undecided": undecided}, remedy)


def alike(layers: list[int], units: int) -> Finding:
    message = (
        f"The {units} units of layer {', '.join(map(str, layers))} start with the same weights: they get the same "
        "gradient, so each step leaves them alike, and the layer is worth one unit."
    )
    remedy = "draw weights at random, np.random.randn(n_out, n_in) / np.sqrt(n_in); biases may start at 0"
    return Finding(Code.START_ALIKE, Severity.WARNING, message, {"layers": layers, "units": units}, remedy)


def constant_outputs(m: int, spread: float) -> Finding:
    """spread: the largest difference of an output between examples, relative to the outputs."""
    message = (
        f"The outputs of {m} different examples are the same, to {spread:.0e} of their size, at the start and after "
        "steps on a small batch: what comes in does not come through."
    )
    remedy = "print two examples' activations layer by layer: dead units, weights of 0, a softmax over the batch"
    return Finding(Code.START_CONSTANT, Severity.WARNING, message, {"examples": m, "spread": spread}, remedy)


def not_learnt(examples: int, right: int, steps: int, eta: float, costs: tuple[float, float]) -> Finding:
    """eta: with which it came furthest. costs: before and after."""
    before, after = costs
    message = (
        f"A batch of {examples} examples is not learnt: after {steps} steps at eta = {eta:g}, the best of those tried, "
        f"{right} of {examples} are right, and their cost has gone from {before:.4g} to {after:.4g}. A network that "
        "does not learn so few learns no data set."
    )
    remedy = "mend the faults that are named first; else start from smaller weights, N(0, 1 / n_in)"
    evidence: dict[str, Evidence] = {"examples": examples, "right": right, "steps": steps, "eta": eta}
    evidence |= {"cost_before": str(before), "cost_after": str(after)}
    return Finding(Code.BATCH_NOT_LEARNT, Severity.WARNING, message, evidence, remedy)


def dead_units(by_layer: Mapping[str, float], examples: int) -> Finding:
    """by_layer: layer_1 -> the share of its units."""
    message = (
        f"Hidden units are dead at the start: {_shares(by_layer, 'units')} give the same for each of {examples} "
        "examples, and learn nothing from them."
    )
    remedy = "weights N(0, 2 / n_in), biases 0, and inputs of mean 0"
    return Finding(Code.START_DEAD, Severity.WARNING, message, {"share": dict(by_layer)}, remedy)


def saturated_units(by_layer: Mapping[str, float]) -> Finding:
    message = (
        f"Hidden units are saturated at the start: {_shares(by_layer, 'activations')} are so near to a bound that they "
        "hardly change, and learn slowly. That is a matter of degree, no fault."
    )
    return Finding(Code.START_SATURATED, Severity.INFO, message, {"share": dict(by_layer)}, _SMALLER)


def unscaled(size: float, largest: float) -> Finding:
    """size: the root mean square of all inputs."""
    large = size > 1
    said = "far from 1: each step of a first-layer weight is as many times as large" if large else "next to nothing"
    message = (
        f"The inputs are not scaled: they reach {largest:.4g} and are {size:.4g} in the mean (root of the mean "
        f"square), {said}."
    )
    remedy = "x = x / 255 for bytes, or (x - mean) / standard deviation of the training set"
    if not large:
        remedy = f"divide by 255 once only, or (x - mean) / standard deviation: multiply by {1 / max(size, 1e-300):.2g}"
    evidence: dict[str, Evidence] = {"root_mean_square": size, "largest": largest}
    return Finding(Code.DATA_SCALE, Severity.WARNING, message, evidence, remedy)


def not_one_hot(example: int, target: list[float]) -> Finding:
    shown = ", ".join(f"{value:.4g}" for value in target[:10])
    message = f"The targets are not one-hot: that of example {example} is [{shown}]."
    remedy = "y = np.eye(classes)[labels]"
    return Finding(Code.DATA_LABELS, Severity.WARNING, message, {"example": example, "target": target}, remedy)


def absent_classes(absent: list[int], classes: int) -> Finding:
    message = (
        f"No training example is of class {', '.join(map(str, absent[:10]))} of 0 to {classes - 1}: its output only "
        "learns to be 0."
    )
    remedy = "labels that count from 0, without gaps: np.unique(labels, return_inverse=True)[1]"
    return Finding(Code.DATA_LABELS, Severity.WARNING, message, {"absent": absent, "classes": classes}, remedy)


def strange_labels(examples: int, same: float, chance: float) -> Finding:
    """same: the share of examples whose nearest other example has their label."""
    message = (
        f"Labels and inputs do not seem to belong together: of {examples} examples {same:.1%} have the label of the "
        f"example nearest to them, and chance gives {chance:.1%}. So it is where one of both was shuffled alone, and "
        "with noise."
    )
    remedy = "shuffle with one order: order = rng.permutation(len(x)); x, y = x[order], y[order]"
    evidence: dict[str, Evidence] = {"examples": examples, "same_as_nearest": same, "chance": chance}
    return Finding(Code.DATA_LABELS, Severity.WARNING, message, evidence, remedy)


def _shares(by_layer: Mapping[str, float], of: str) -> str:
    return ", ".join(f"{share:.0%} of the {of} of {name.replace('_', ' ')}" for name, share in by_layer.items())
