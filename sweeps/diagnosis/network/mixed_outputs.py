"""Outputs of an example that depend on the examples beside it, as those of a softmax over the wrong axis do."""

import numpy as np

from sweeps.diagnosis.findings import Code, Evidence, Finding, Severity
from sweeps.diagnosis.network.remedies import SOFTMAX
from sweeps.diagnosis.network.steps import ExaminedPoint
from sweeps.diagnosis.network.subject import Array, Subject

_SAME = 1e-6


def depends_on_others(subject: Subject, point: ExaminedPoint) -> bool:
    """Whether an example's outputs are others together with the rest of the point's than alone."""
    return not np.allclose(*_outputs(subject, point), rtol=_SAME, atol=_SAME)


def of_wrong_softmax(subject: Subject, point: ExaminedPoint) -> Finding | None:
    """Whether outputs sum to 1 over the examples, or over these and the units; None where they don't, or not so."""
    together, apart = _outputs(subject, point)
    if np.allclose(together, apart, rtol=_SAME, atol=_SAME):
        return None
    sums = {"the examples": together.sum(axis=0), "the examples and the units": together.sum()}
    alone = {"the examples": apart, "the examples and the units": apart.sum(axis=1)}
    over = next((axes for axes in sums if np.allclose(sums[axes], 1) and np.allclose(alone[axes], 1)), None)
    if over is None or not np.all(together >= 0):
        return None
    first = together[0]
    message = (
        f"The outputs of an example should sum to 1 and depend on it alone; those of {len(point)} examples sum to 1 "
        f"over {over}: the softmax runs over the wrong axis. An example's outputs sum to {first.sum():.4g} beside the "
        f"others, to {apart[0].sum():.4g} alone. Nothing else was judged."
    )
    evidence: dict[str, Evidence] = {
        "over": over,
        "sum_together": float(first.sum()),
        "sum_alone": float(apart[0].sum()),
    }
    return Finding(Code.OUTPUTS_SOFTMAX_AXIS, Severity.FAULT, message, evidence, SOFTMAX)


def _outputs(subject: Subject, point: ExaminedPoint) -> tuple[Array, Array]:
    """(m, n_out) each: (of all examples in one call, of each in one of its own)."""
    apart = np.concatenate([subject.outputs(single.theta, single.x) for single in point.alone()])
    return subject.outputs(point.theta, point.x), apart
