"""The curves of a proof, to be drawn side by side: a class trained as it is and with its step corrected."""

import numpy as np

from sweeps.diagnosis.findings import Finding
from sweeps.views.figures.side_by_side import DrawnTraining

_PANELS = ("total", "data", "accuracy", "weights")


def drawn(proof: Finding) -> list[DrawnTraining]:
    """Of the finding `proof`; none where nothing was trained. Epoch 0 is before any step."""
    trainings = proof.evidence.get("trainings", [])
    assert isinstance(trainings, list)
    return [
        DrawnTraining(
            str(one["name"]),
            np.arange(len(one["total"]), dtype=np.float64),
            {panel: np.array(one[panel], dtype=np.float64) for panel in _PANELS},
        )
        for one in trainings
    ]
