"""The losses below which a trial must be to go on, from the trials before it."""

from collections.abc import Mapping, Sequence

import numpy as np

from sweeps.specification.spec import Pruner

LossByEpoch = Mapping[int, float]  # epoch -> loss of one trial

_LEAST_TRIALS = 5  # complete ones before any is pruned, as in Optuna's MedianPruner
_REDUCTION = 4  # halving keeps the best of four at each rung, as Optuna's SuccessiveHalvingPruner does
_FIRST_RUNG = 1  # epoch


def thresholds(
    pruner: Pruner, complete: Sequence[LossByEpoch], all_ended: Sequence[LossByEpoch], epochs: int
) -> dict[int, float]:
    """epoch -> largest best loss so far with which a trial may go on after that epoch.

    complete: curves of the trials that ran to their end; all_ended: those and the pruned ones. "median" asks at every
    epoch for the median of the complete trials' losses; "halving" asks at epochs 1, 4, 16, ... for a place in the best
    quarter of all trials that came so far.
    """
    if pruner == "median" and len(complete) >= _LEAST_TRIALS:
        return {epoch: losses for epoch in range(1, epochs) if (losses := _quantile(complete, epoch, 0.5)) is not None}
    if pruner == "halving":
        rungs = []
        rung = _FIRST_RUNG
        while rung < epochs:
            rungs.append(rung)
            rung *= _REDUCTION
        quarter = 1 / _REDUCTION
        found = {epoch: _quantile(all_ended, epoch, quarter) for epoch in rungs}
        return {epoch: loss for epoch, loss in found.items() if loss is not None}
    return {}


def _quantile(curves: Sequence[LossByEpoch], epoch: int, q: float) -> float | None:
    """The loss at the quantile q of those that reached the epoch, None where too few did."""
    losses = [curve[epoch] for curve in curves if epoch in curve]
    if len(losses) < _LEAST_TRIALS:
        return None
    return float(np.quantile(losses, q, method="lower" if q < 0.5 else "linear"))
