"""Parameters that a step replaces where it should change them: what they were is forgotten."""

import numpy as np

from sweeps.diagnosis.network.gradient_faults import GradientKind, OverwrittenFault
from sweeps.diagnosis.network.steps import ExaminedPoint
from sweeps.diagnosis.network.subject import Subject

_NO_ETA = 1e-12  # not 0, by which some divide
_APART = 0.3  # of a normal distribution: how far off the other place is
_CHANGED = 1e-3  # of a parameter's length: it should have stayed
_SAME = 1e-6  # of what they were apart: two places became one


def find_overwritten(subject: Subject, point: ExaminedPoint) -> OverwrittenFault | None:
    """Whether a step of nearly no length makes the same of parameters that differ."""
    layout, rng = subject.layout, np.random.default_rng(0)
    places = [point.theta, point.theta + _APART * rng.standard_normal(layout.size)]
    after = [theta + subject.step(theta, point.x, point.y, _NO_ETA) for theta in places]
    found = {}
    for word, part in (("weights", layout.weights), ("biases", layout.biases)):
        tensors = zip(*(part(vector) for vector in (*places, *after)), strict=True)
        for layer, (one, other, one_after, other_after) in enumerate(tensors, 1):
            changed = np.linalg.norm(one_after - one) > _CHANGED * np.linalg.norm(one)
            apart = np.linalg.norm(one_after - other_after)
            if changed and apart <= _SAME * np.linalg.norm(one - other):
                found[word, layer] = one_after
    if not found:
        return None
    values = np.concatenate([np.ravel(values) for values in found.values()])
    return OverwrittenFault(
        GradientKind.OVERWRITTEN,
        " and ".join(dict.fromkeys(word for word, _ in found)),
        float(values[0]) if np.ptp(values) <= _SAME else None,
        layers=tuple(sorted({layer for _, layer in found})),
    )
