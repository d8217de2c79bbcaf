"""Whether what dropout drops on the way forward is dropped on the way back: of a random step, all that is judged."""

from dataclasses import dataclass

import numpy as np

from sweeps.diagnosis.network.steps import ETA, ExaminedPoint
from sweeps.diagnosis.network.subject import Subject

_DRAWS = 24  # steps, each with other random numbers


@dataclass(frozen=True)
class Drops:
    """dropped: how often a hidden unit gave nothing to the layer above, and gave it something in another step. moved:
    how often its own weights or bias moved all the same. layers: whose.
    """

    dropped: int
    moved: int
    layers: tuple[int, ...]
    steps: int = _DRAWS


def drops(subject: Subject, point: ExaminedPoint) -> Drops:
    """Of steps on one example: a unit that gives nothing leaves its column of the weights above without a gradient."""
    layout, (x, y) = subject.layout, point.example(0)
    steps = [subject.step(point.theta, x, y, ETA, seed=seed) for seed in range(_DRAWS)]
    weights, biases = [layout.weights(step) for step in steps], [layout.biases(step) for step in steps]
    dropped = moved = 0
    layers = []
    for k in range(layout.layers - 1):
        silent = np.array([~np.any(w[k + 1], axis=0) for w in weights])
        silent &= ~np.all(silent, axis=0)  # dead units are no dropped ones
        own = np.array([np.any(w[k], axis=1) | (b[k] != 0) for w, b in zip(weights, biases, strict=True)])
        dropped += int(np.sum(silent))
        moved += int(np.sum(silent & own))
        if np.any(silent & own):
            layers.append(k + 1)
    return Drops(dropped, moved, tuple(layers))
