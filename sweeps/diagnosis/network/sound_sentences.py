"""What is said of a step that is sound, and yet not what is usual: a factor of all of it, a step for each example."""

from sweeps.diagnosis.findings import Code, Finding, Severity

_SAME_FACTOR = 1e-3  # relative


def of_scale(scale: float, outputs: int) -> Finding:
    """scale: step / (eta * gradient), the same for all parameters. outputs: units of the output layer."""
    known = {
        float(outputs): f"as when the mean over the {outputs} outputs is reported and their sum is descended",
        1 / outputs: f"as when the sum over the {outputs} outputs is reported and their mean is descended",
        2.0: "as when half of a square is reported and the whole is descended",
        0.5: "as when a square is reported and half of it is descended",
    }
    why = next((f", {words}" for factor, words in known.items() if abs(scale / factor - 1) < _SAME_FACTOR), "")
    message = (
        f"Every step is {scale:.4g} times eta times the gradient of the reported cost, in all parameters alike{why}: "
        f"the same as training with {scale:.4g} eta (and, where the decay does not share the factor, with lambda / "
        f"{scale:.4g}). No fault, but eta means something else here."
    )
    return Finding(Code.GRADIENT_SCALED, Severity.INFO, message, {"factor": scale})


def of_steps_in_turn() -> Finding:
    message = (
        "A step on a mini-batch is one step on each of its examples, one after the other, each with all of eta: "
        "stochastic descent on single examples. No fault, and judged as that; the batch's size only says how many."
    )
    return Finding(Code.STEP_EACH_EXAMPLE, Severity.INFO, message)
