"""Verdicts: what became of a training and why, as a pure function of its records. Nothing here looks at a clock.

`assess` asks the rules in RULES one after the other; the first that applies is the verdict. So a training that overfits
while it oscillates is oscillating, and whatever has diverged is nothing else.
"""

import math
from collections.abc import Callable

import numpy as np

from sweeps.evidence import Assessment, Cause, Curve, Facts, Records, Verdict

# Thresholds, each with its reason. Fractions and ratios, so that they hold for any data and any cost.
BLOWN_UP = 10.0  # times the cost before training: no descent passes it, whatever the noise of mini-batches
GROWN = 2.0  # times the weights before training, where decay should shrink them
OVER_EDGE = 1.0  # of eta * sharpness / (2 (1 + momentum)): the bound for a quadratic cost
COLLAPSED = 0.1  # of the weights before training: nine tenths are gone
LEARNED = 0.95  # of the cost of always answering with the classes' frequencies: below it, inputs are being used
SATURATED = 0.5  # of a layer's activations: most of its slopes are next to nothing
SWING = 0.25  # relative rise of the total from a low to a high: several times the noise of sound trainings (.05)
SWINGS = 2  # a second time: no accident any more
RECOVERED = 1.1  # times the low before a spike
RISEN = 1.05  # times its lowest value, of a total that rises while the data cost falls
OVERFITTED = 1.1  # times its lowest value, of the validation data cost while the training data cost falls
CERTAIN = 3  # epochs on end, before a trial is given up: one bad epoch may be a spike
GONE = 0.01  # of the weights before training: a tenth of COLLAPSED, far from a return
FALLING = 0.1  # of the total, lost in the last quarter of the epochs: as much again is to be expected from as many more


FAILURE = Assessment(
    Verdict.FAILED, "The trial raised an error or lost its worker; its run holds the text.", "state is failed", 0
)

Rule = Callable[[Records, Facts], Assessment | None]


def assess(records: Records, facts: Facts) -> Assessment:
    """The verdict on a training: that of the first rule that applies."""
    for rule in RULES:
        assessment = rule(records, facts)
        if assessment is not None:
            return assessment
    total = records["cost/train_total"]
    return Assessment(
        Verdict.CONVERGED,
        f"The total cost fell from {total[0]:.3g} to {total[-1]:.3g} and has settled.",
        f"none of the others; the total lost less than {FALLING:.0%} in the last quarter",
        records.last,
        {"first total": total[0], "last total": total[-1]},
    )


def is_certain(records: Records, facts: Facts) -> bool:
    """Whether no further epoch can change the verdict: what `[stopping] verdict` asks after each epoch.

    Weights that decay makes grow without end; a total that has been above the descent bound for CERTAIN epochs, rising;
    weights that have all but gone and have shrunk for CERTAIN epochs on end.
    """
    if records.length <= CERTAIN:
        return False
    if _diverged_by_decay(records, facts) is not None:
        return True
    total, norm = records["cost/train_total"], records["weight_norm/total"]
    recent = total[-CERTAIN:]
    if facts.data_bound is not None and bool(np.all(np.diff(recent) > 0)):
        return bool(recent[0] - total.min() > facts.data_bound)
    shrinking = bool(np.all(np.diff(norm[-CERTAIN:]) < 0)) and norm[-1] <= GONE * norm[0]
    return shrinking and _collapsed(records, facts) is not None


def _failed(records: Records, facts: Facts) -> Assessment | None:
    del records
    return FAILURE if facts.state == "failed" else None


def _diverged_by_decay(records: Records, facts: Facts) -> Assessment | None:
    norm = records["weight_norm/total"]
    grown = facts.diverged_epoch is not None or (records.length > 1 and norm[-1] > GROWN * norm[0])
    if facts.decay < facts.decay_bound or not grown:
        return None
    factor = abs(1 - facts.decay)
    return Assessment(
        Verdict.DIVERGED,
        f"eta * lambda / n is {facts.decay:.3g}: each step multiplies every weight by {1 - facts.decay:.3g}, so the "
        f"weights grow by {factor:.3g} a step whatever the data say. It must stay below {facts.decay_bound:.3g}.",
        f"eta * lambda / n >= {facts.decay_bound:.3g}, and the weights grew",
        _end(records, facts),
        {"eta_lambda_over_n": facts.decay, "bound": facts.decay_bound},
        Cause.DECAY,
    )


def _diverged(records: Records, facts: Facts) -> Assessment | None:
    """The numbers overflowed, or the total is far above where it began: by curvature, if that passed its bound."""
    total, edge = records["cost/train_total"], records["stability/edge"]
    blown_up = records.length > 1 and total[-1] > BLOWN_UP * total[0]
    if facts.diverged_epoch is None and not blown_up:
        return None
    rise = int(np.argmin(total)) if records.length else 0  # the total has been above this low ever since
    after = edge[rise:]
    highest = float(np.nanmax(after)) if np.isfinite(after).any() else math.nan
    what = "The numbers overflowed" if facts.diverged_epoch is not None else f"The total cost rose to {total[-1]:.3g}"
    numbers = {"highest edge since the rise": highest, "epoch of the lowest total": float(rise)}
    if highest > OVER_EDGE:
        return Assessment(
            Verdict.DIVERGED,
            f"{what}: eta was {highest:.3g} times as large as the curvature of the cost bears when the rise began, "
            f"after epoch {rise}. Divide eta by at least {highest:.2g}.",
            f"eta * sharpness / (2 (1 + momentum)) > {OVER_EDGE:g} since the total was lowest",
            rise,
            numbers,
            Cause.CURVATURE,
        )
    return Assessment(
        Verdict.DIVERGED,
        f"{what}, after epoch {rise}; neither decay nor the recorded curvature had passed its bound there.",
        "overflow or a total far above the first, and no bound passed in the records",
        _end(records, facts),
        numbers,
        Cause.UNKNOWN,
    )


def _not_descending(records: Records, facts: Facts) -> Assessment | None:
    """The bound of a descent: whatever is minimised cannot rise by more than its data part can fall."""
    bound, total = facts.data_bound, records["cost/train_total"]
    if bound is None or records.length < 2 or total[-1] - total.min() <= bound:
        return None
    low = int(np.argmin(total))
    return Assessment(
        Verdict.DIVERGED,
        f"The total cost rose by {total[-1] - total[low]:.3g} since epoch {low}; its data part can never fall by more "
        f"than {bound:.3g}, so these steps did not descend the cost: eta is too large, or the gradient is wrong.",
        "the total rose by more than the largest possible data cost",
        low,
        {"rise": float(total[-1] - total[low]), "bound": bound},
        Cause.NOT_DESCENDING,
    )


def _pruned(records: Records, facts: Facts) -> Assessment | None:
    if facts.state != "pruned":
        return None
    return Assessment(
        Verdict.PRUNED,
        f"Stopped after epoch {records.last}: it was behind earlier trials.",
        "state is pruned",
        records.last,
    )


def _collapsed(records: Records, facts: Facts) -> Assessment | None:
    norm = records["weight_norm/total"]
    if facts.lmbda == 0 or records.length < 2 or norm[-1] > COLLAPSED * norm[0] or _best_use(records, facts, -1):
        return None
    gone = int(np.argmax(norm <= COLLAPSED * norm[0]))
    return Assessment(
        Verdict.COLLAPSED,
        f"The weights shrank from norm {norm[0]:.3g} to {norm[-1]:.3g} and the network answers every input alike: "
        f"decay, eta * lambda / n = {facts.decay:.3g} a step, is stronger than the data's pull. Make lambda smaller.",
        f"weight norm at most {COLLAPSED:g} of the first, and no better than a constant answer",
        gone,
        {"first norm": norm[0], "last norm": norm[-1], "eta_lambda_over_n": facts.decay},
    )


def _stalled(records: Records, facts: Facts) -> Assessment | None:
    if records.length < 2 or _best_use(records, facts):
        return None
    lowest = float(records["cost/train_data"][1:].min())
    layers = [float(curve[-1]) for curve in records.layers("saturation") if np.isfinite(curve[-1])]
    saturated = max(layers, default=0.0)
    if saturated >= SATURATED:
        which = layers.index(saturated) + 1
        why = (
            f"{saturated:.0%} of the activations of layer {which} are saturated or dead, so hardly any gradient passes"
        )
    else:
        why = "it is on a plateau: a larger eta, a smaller lambda or a better start may leave it"
    return Assessment(
        Verdict.STALLED,
        f"The data cost never fell clearly below {facts.baseline:.3g}, which a constant answer has: {why}.",
        f"lowest data cost above {LEARNED:g} of that of a constant answer",
        records.last,
        {"lowest data cost": lowest, "constant answer": facts.baseline, "saturation": saturated},
    )


def _swinging(records: Records, facts: Facts) -> Assessment | None:
    """Oscillating: several rises of the total. Spiked: one, and back."""
    del facts
    total = records["cost/train_total"]
    swings = _swings(total)
    if not swings:
        return None
    low, high = max(swings, key=lambda swing: total[swing[1]] / total[swing[0]])
    ratio = float(total[high] / total[low])
    numbers = {"swings": float(len(swings)), "largest ratio": ratio}
    if len(swings) >= SWINGS:
        return Assessment(
            Verdict.OSCILLATING,
            f"The total cost went up and down: {len(swings)} rises of {SWING:.0%} or more, the largest from "
            f"{total[low]:.3g} at epoch {low} to {total[high]:.3g} at epoch {high}. "
            "A smaller eta or a larger batch calms it.",
            f"at least {SWINGS} rises of the total by {SWING:g}",
            high,
            numbers,
        )
    if total[high:].min() > RECOVERED * total[low]:
        return None
    return Assessment(
        Verdict.SPIKED,
        f"The total cost jumped from {total[low]:.3g} to {total[high]:.3g} at epoch {high}, once, and recovered.",
        f"one rise of the total by {SWING:g}, and back to {RECOVERED:g} of the low before it",
        high,
        numbers,
    )


def _penalty_growth(records: Records, facts: Facts) -> Assessment | None:
    total, data = records["cost/validation_total"], records["cost/validation_data"]
    if facts.lmbda == 0 or records.length < 2:
        return None
    low = int(np.argmin(total))
    if total[-1] < RISEN * total[low] or data[-1] >= data[low]:
        return None
    return Assessment(
        Verdict.PENALTY_GROWTH,
        f"The reported total rises, from {total[low]:.3g} at epoch {low} to {total[-1]:.3g}, while the data cost falls "
        f"from {data[low]:.3g} to {data[-1]:.3g}: only the penalty on growing weights does that.",
        f"reported total above {RISEN:g} of its lowest value, data cost below its value there",
        low,
        {"lowest total": total[low], "last total": total[-1], "data cost there": data[low], "last data cost": data[-1]},
    )


def _overfitting(records: Records, facts: Facts) -> Assessment | None:
    del facts
    held_back, seen = records["cost/validation_data"], records["cost/train_data"]
    low = int(np.argmin(held_back)) if records.length else 0
    if records.length < 2 or held_back[-1] < OVERFITTED * held_back[low] or seen[-1] >= seen[low]:
        return None
    return Assessment(
        Verdict.OVERFITTING,
        f"Since epoch {low} the data cost rises on examples it has not seen, {held_back[low]:.3g} to "
        f"{held_back[-1]:.3g}, while it falls on those it has, to {seen[-1]:.3g}. Stop there, or make lambda larger.",
        f"validation data cost above {OVERFITTED:g} of its lowest value, training data cost still falling",
        low,
        {"lowest validation": held_back[low], "last validation": held_back[-1], "last training": seen[-1]},
    )


def _slow(records: Records, facts: Facts) -> Assessment | None:
    del facts
    total = records["cost/train_total"]
    if records.length < 2:
        return None
    start = records.last - max(1, records.last // 4)
    lost = float(1 - total[-1] / total[start])
    if lost < FALLING:
        return None
    return Assessment(
        Verdict.SLOW,
        f"Still falling: the total cost lost {lost:.0%} in the last {records.last - start} epochs. Train longer, or "
        "try a larger eta.",
        f"the total lost at least {FALLING:g} in the last quarter",
        records.last,
        {"lost": lost},
    )


def _best_use(records: Records, facts: Facts, at: int | None = None) -> bool:
    """Whether inputs are used: the data cost (the lowest since training began, or at an epoch) beats a constant."""
    data = records["cost/train_data"]
    value = data[1:].min() if at is None else data[at]
    return bool(value < LEARNED * facts.baseline)


def _swings(total: Curve) -> list[tuple[int, int]]:
    """(low, high) of each rise of the total by SWING or more, from one turning point to the next."""
    swings: list[tuple[int, int]] = []
    low, high = 0, 0
    for epoch in range(1, len(total)):
        if total[epoch] > total[high]:
            high = epoch
        risen = total[high] >= (1 + SWING) * total[low]
        if risen and (total[epoch] * (1 + SWING) <= total[high] or epoch == len(total) - 1):  # turned down again
            swings.append((low, high))
            low = high = epoch
        elif not risen and total[epoch] < total[low]:
            low = high = epoch
    return swings


def _end(records: Records, facts: Facts) -> int:
    return records.last if facts.diverged_epoch is None else facts.diverged_epoch


RULES: tuple[Rule, ...] = (
    _failed,
    _diverged_by_decay,
    _diverged,
    _not_descending,
    _pruned,
    _collapsed,
    _stalled,
    _swinging,
    _penalty_growth,
    _overfitting,
    _slow,
)
