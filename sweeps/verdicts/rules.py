"""Verdicts: what became of a training and why, as a pure function of its records. Nothing here looks at a clock.

`assess` asks the rules in RULES one after the other; the first that applies is the verdict. So a training that overfits
while it oscillates is oscillating, and whatever has diverged is nothing else.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from model import bounds, metrics
from sweeps.verdicts.curves import Curve, Curves
from sweeps.verdicts.facts import TrialFacts
from sweeps.verdicts.verdict import Assessment, Cause, Verdict

# Thresholds, each with its reason. Fractions and ratios, so that they hold for any data and any cost. A level is the
# median of a quarter of the epochs: whether a cost rose, fell or settled is no matter of a single lucky epoch.
BLOWN_UP = 5.0  # times the cost before training: outputs that saturate at the wrong answers reach 3 or 4
GROWN = 2.0  # times the weights before training, where decay should shrink them
OVER_EDGE = 1.0  # of eta times a curvature over the bound that its step bears, of the cost or of mini-batches
COLLAPSED = 0.15  # of the weights before training: decay took six of every seven parts
LEARNED = 0.95  # of the cost of always answering with the classes' frequencies: below it, inputs are being used
SATURATED = 0.5  # of a layer's activations: most of its slopes are next to nothing
HELD = 0.9  # of the weights before training: below it, decay takes more of them than the data build up
ROOM = 0.5  # of OVER_EDGE: below it, eta may still grow
SWING = 0.25  # relative rise of the total from a low to a high: several times the noise of sound trainings (.05)
SWING_MATTERS = 0.05  # of a constant answer's cost: near zero a cost may double, and no answer changes
SWINGS = 2  # a second time: no accident any more
TREMOR = 0.5  # of SWING and SWING_MATTERS: a swing that counts only beside a full one
TREMORS = 3  # so many, a full swing among them, are no calm after a spike
RECOVERED = 1.1  # times the low before a spike
RISEN = 1.03  # times its lowest level, of a total that rises while the data cost falls: totals vary less
DATA_SHARE = 0.1  # of a rise of the total: a data cost that rises by less has no part in it
OVERFITTED = 1.05  # times its lowest level, of the validation data cost while the training data cost falls
MATTERS = 0.005  # of a constant answer's cost: a smaller change of a level is noise, or of no use
FALLING = 0.1  # of the total, lost from a quarter of the epochs to the next: more epochs bring as much again
STEADY = 0.6  # of the loss in the quarter before: a cost that settles loses at most half as much from each to the next
UNDERFITTED = 0.8  # of a constant answer's cost, settled there: what the inputs tell is used for a fifth at the most
HALFWAY = 0.5  # of the way from guessing to no cost, and to no error: short of both, half of ten classes are mistaken
HOLDS_DOWN = (
    0.1  # of the data cost, as penalty: at rest, decay pulls weights back as hard as that much cost pulls them on
)
CERTAIN = 3  # epochs on end, before a trial is given up: one bad epoch may be a spike
GONE = 0.01  # of the weights before training: far below COLLAPSED


FAILURE = Assessment(
    Verdict.FAILED, "The trial raised an error or lost its worker; its run holds the text.", "state is failed", 0
)

Rule = Callable[[Curves, TrialFacts], Assessment | None]


def assess(records: Curves, facts: TrialFacts) -> Assessment:
    """The verdict on a training: that of the first rule that applies. A fault of the class is the first sentence."""
    with np.errstate(all="ignore"):  # curves may hold anything; NaN satisfies no condition
        found = next(assessment for rule in RULES if (assessment := rule(records, facts)) is not None)
    if not facts.faults:
        return found
    first = f"The network's class has a fault ({', '.join(facts.faults)}): mend it before any setting."
    return replace(found, sentence=f"{first} {found.sentence}")


def is_certain(records: Curves, facts: TrialFacts) -> bool:
    """Whether no further epoch can change the verdict: what `[stopping] verdict` asks after each epoch.

    Weights that decay makes grow, which is a theorem; without momentum, which may swing back, a total above the descent
    bound that for CERTAIN epochs on end has grown by a factor that does not shrink (what large steps raise grows ever
    more slowly, and returns); weights that have all but gone, and have shrunk for CERTAIN epochs on end.
    """
    with np.errstate(all="ignore"):
        if records.length < 2 or (_diverged_by_decay(records, facts) is not None and not facts.is_user_network):
            return records.length >= 2
        if records.length <= CERTAIN:
            return False
        total, norm = records[metrics.TRAIN_TOTAL], records[metrics.WEIGHT_NORM]
        factors = total[-CERTAIN:] / total[-CERTAIN - 1 : -1]
        bound = math.inf if facts.data_bound is None or facts.momentum else facts.data_bound
        if total[-CERTAIN] - total.min() > bound and factors[0] > 1 and bool(np.all(np.diff(factors) >= 0)):
            return True
        shrinking = bool(np.all(np.diff(norm[-CERTAIN - 1 :]) < 0) and norm[-1] <= GONE * norm[0])
        return shrinking and assess(records, facts).verdict is Verdict.COLLAPSED


def _failed(records: Curves, facts: TrialFacts) -> Assessment | None:
    del records
    return FAILURE if facts.state == "failed" else None


def _diverged_by_decay(records: Curves, facts: TrialFacts) -> Assessment | None:
    norm = records[metrics.WEIGHT_NORM]
    grown = facts.diverged_epoch is not None or (records.length > 1 and norm[-1] > GROWN * norm[0])
    if facts.decay < facts.decay_bound or not grown:
        return None
    how = f"each step multiplies every weight by {1 - facts.decay:.3g}"
    if facts.is_user_network and facts.taken is None:
        how = f"a step that decays weights as it should multiplies them by {1 - facts.decay:.3g}"
    named = facts.decay_named if facts.taken is None else facts.decay_named.capitalize()
    if facts.momentum:
        how = f"with momentum {facts.momentum:g}, each step carries every weight further past zero"
    return Assessment(
        Verdict.DIVERGED,
        f"{named} is {facts.decay:.6g}: {how}, so the weights grow whatever the data say. "
        f"It must stay below {facts.decay_bound:.3g}: make eta or lambda smaller.",
        f"eta * lambda / n >= 2 (1 + momentum), and the weights overflowed or grew to {GROWN:g} times the first",
        _end(records, facts),
        {"eta_lambda_over_n": facts.decay, "bound": facts.decay_bound},
        Cause.DECAY,
    )


def _diverged_by_curvature(records: Curves, facts: TrialFacts) -> Assessment | None:
    if not _blew_up(records, facts):
        return None
    edge, rise = _edges(records), _low(records)
    measured = np.flatnonzero(np.isfinite(edge))
    near = [*measured[measured <= rise][-1:], *measured[measured > rise][:1]]  # it may have begun right after a record
    at = max(near, key=lambda epoch: edge[epoch], default=None)
    if at is None or not edge[at] > OVER_EDGE:
        return None
    highest, (curvature, regime, bound, numbers) = float(edge[at]), _passed(records, facts, at)
    return Assessment(
        Verdict.DIVERGED,
        f"{_what(records, facts)}: eta was {highest:.3g} times as large as {curvature} bears when the rise began, "
        f"after epoch {rise}{regime}. Divide eta by at least {highest:.2g}.",
        f"{bound} > {OVER_EDGE:g} when the total rose, to an overflow or {BLOWN_UP:g} times the first",
        rise,
        {"edge when the rise began": highest, "epoch of the lowest total": float(rise), **numbers},
        Cause.CURVATURE,
    )


def _passed(records: Curves, facts: TrialFacts, epoch: int) -> tuple[str, str, str, dict[str, float]]:
    """Of the larger of an epoch's two edges: (whose curvature, the regime, the condition, what else decided it)."""
    if not records[metrics.BATCH_EDGE][epoch] >= np.nan_to_num(records[metrics.EDGE][epoch]):
        return "the curvature of the cost", "", "eta * sharpness / (2 (1 + momentum))", {}
    scale, m = float(records[metrics.NOISE_SCALE][epoch]), facts.batch_size
    noise = bounds.noise_share(scale, m, facts.n)
    made_of = f"{_percent(noise)} of a gradient of {m} examples is noise, by its square"
    bears = "what it bears is 2 / eta"
    if facts.momentum:
        bears = "noise bears 2 (1 - momentum) / eta, the rest 2 (1 + momentum) / eta"
    return (
        "the curvature of its mini-batches",
        f" ({bounds.regime(noise)} rules: {made_of}; {bears})",
        "eta * batch sharpness * (noise / (2 (1 - momentum)) + (1 - noise) / (2 (1 + momentum)))",
        {"noise": noise, "noise scale": scale, "batch size": float(m)},
    )


def _not_descending(records: Curves, facts: TrialFacts) -> Assessment | None:
    """The bound of a descent: whatever is minimised cannot rise by more than its data part can fall."""
    bound, total = facts.data_bound, records[metrics.TRAIN_TOTAL]
    if bound is None or records.length < 2 or not total[-1] - total.min() > bound:
        return None
    low = _low(records)
    return Assessment(
        Verdict.DIVERGED,
        f"The total cost rose by {total[-1] - total[low]:.3g} since epoch {low}; its data part can never fall by more "
        f"than {bound:.3g}, so these steps did not descend the cost: eta is too large, or the gradient is wrong.",
        "the total rose by more than the largest possible data cost",
        low,
        {"rise": float(total[-1] - total[low]), "bound": bound},
        Cause.NOT_DESCENDING,
    )


def _diverged(records: Curves, facts: TrialFacts) -> Assessment | None:
    if not _blew_up(records, facts):
        return None
    low = _low(records)
    below = ""
    if facts.has_decay and math.isfinite(_highest_edge(records)):
        below = " Under weight decay the curvature may settle below it (arXiv 2605.16622), so that clears neither."
    return Assessment(
        Verdict.DIVERGED,
        f"{_what(records, facts)}, after epoch {low}; neither decay nor the recorded curvature had passed its bound."
        f"{below}",
        f"overflow, or a total above {BLOWN_UP:g} times the first, and no bound passed in the records",
        _end(records, facts),
        {"epoch of the lowest total": float(low)},
        Cause.UNKNOWN,
    )


def _pruned(records: Curves, facts: TrialFacts) -> Assessment | None:
    if facts.state != "pruned":
        return None
    return Assessment(
        Verdict.PRUNED,
        f"Stopped after epoch {max(records.last, 0)}: it was behind earlier trials.",
        "state is pruned",
        max(records.last, 0),
    )


def _untrained(records: Curves, facts: TrialFacts) -> Assessment | None:
    del facts
    if records.length >= 2:
        return None
    return Assessment(
        Verdict.STALLED,
        "Nothing was trained: the record ends before the first epoch does.",
        "no epoch is on record after epoch 0",
        max(records.last, 0),
    )


def _collapsed(records: Curves, facts: TrialFacts) -> Assessment | None:
    norm = records[metrics.WEIGHT_NORM]
    level = records.level(metrics.WEIGHT_NORM)
    if not facts.has_decay or not level <= COLLAPSED * norm[0] or not _is_constant(records, facts):
        return None
    return Assessment(
        Verdict.COLLAPSED,
        f"The weights shrank from norm {norm[0]:.3g} to {level:.3g} and the network answers every input alike: "
        f"decay, {facts.decay_named} = {facts.decay:.3g} a step, is stronger than the data's pull. "
        "Make lambda smaller.",
        f"weight norm at most {COLLAPSED:g} of the first, and no better than a constant answer in the last quarter",
        int(np.argmax(norm <= COLLAPSED * norm[0])),
        {"first norm": norm[0], "last norm": level, "eta_lambda_over_n": facts.decay},
    )


def _stalled(records: Curves, facts: TrialFacts) -> Assessment | None:
    """No better than a constant answer at the end; unless nothing but time is in its way."""
    data = records[metrics.TRAIN_DATA]
    saturated, _ = records.most_saturated()
    falls = saturated < SATURATED and all(
        _lost(cost, records, facts) for cost in (metrics.TRAIN_DATA, metrics.TRAIN_TOTAL)
    )
    if not _is_constant(records, facts) or falls or _has_hardly_begun(records):
        return None
    lowest = float(data[1:].min())
    what = "The network never learned"
    if lowest < LEARNED * facts.baseline:
        what = f"The data cost fell to {lowest:.3g}, and then the network lost it"
    return Assessment(
        Verdict.STALLED,
        f"{what}: the same answer for every input would have a data cost of {facts.baseline:.3g}, and it has "
        f"{data[-1]:.3g}; {_why_stalled(records, facts)}.",
        f"data cost above {LEARNED:g} of that of a constant answer throughout the last quarter of the epochs",
        records.last,
        {
            "lowest data cost": lowest,
            "last data cost": data[-1],
            "constant answer": facts.baseline,
            "saturation": saturated,
        },
    )


def _why_stalled(records: Curves, facts: TrialFacts) -> str:
    """What is in its way, and what may remove it."""
    norm, edge = records[metrics.WEIGHT_NORM], _edges(records)
    saturated, layer = records.most_saturated()
    if saturated >= SATURATED:
        stuck = f"in layer {layer}, {_percent(saturated)} of the units are saturated or dead"
        return f"{stuck}, and hardly any gradient passes them. Try a smaller eta, or another start"
    if _highest_edge(records) > OVER_EDGE:
        at = 1 + int(np.nanargmax(edge[1:]))
        curvature, regime, _, _ = _passed(records, facts, at)
        return f"eta is up to {edge[at]:.2g} times as large as {curvature} bears{regime}. Try a smaller eta"
    level = records.level(metrics.WEIGHT_NORM)
    if facts.has_decay and level < HELD * norm[0]:
        shrink = f"from norm {norm[0]:.3g} to {level:.3g}"
        return f"decay shrinks the weights, {shrink}, before the data can build them up. Try a smaller lambda"
    return "it is on a plateau. A larger eta, more epochs or another start may leave it"


def _oscillating(records: Curves, facts: TrialFacts) -> Assessment | None:
    """Several rises of the total, or one that it did not come back from."""
    total = records[metrics.TRAIN_TOTAL]
    swings, tremors = _swings(records, facts), _swings(records, facts, TREMOR)
    restless = _is_restless(records, facts)
    if not restless and (not swings or total[swings[0][1] :].min() <= RECOVERED * total[swings[0][0]]):
        return None
    jump, numbers, high = _largest(total, swings)
    what = f"rose {jump}, and has not come back"
    if restless:
        what = f"goes up and down: it rose {max(len(swings), len(tremors))} times, most {jump}"
    return Assessment(
        Verdict.OSCILLATING,
        f"The total cost {what}. A smaller eta or a larger batch calms it.",
        f"{SWINGS} rises of the total by {SWING:g}, or {TREMORS} by half as much, or one without recovery",
        high,
        numbers,
    )


def _is_restless(records: Curves, facts: TrialFacts) -> bool:
    """Whether the total goes up and down, rather than up once."""
    swings, tremors = _swings(records, facts), _swings(records, facts, TREMOR)
    return len(swings) >= SWINGS or (bool(swings) and len(tremors) >= TREMORS)


def _steady_growth(records: Curves, facts: TrialFacts) -> Assessment | None:
    """The question's symptom, however high the total climbs: it comes before what tells by the height alone."""
    if facts.diverged_epoch is not None or _untrained(records, facts) or _is_restless(records, facts):
        return None
    if _pruned(records, facts) or _collapsed(records, facts) or _stalled(records, facts):
        return None
    return _penalty_growth(records, facts)


def _spiked(records: Curves, facts: TrialFacts) -> Assessment | None:
    """One rise of the total; that it came back is known from _oscillating."""
    total = records[metrics.TRAIN_TOTAL]
    swings = _swings(records, facts)
    if not swings:
        return None
    jump, numbers, high = _largest(total, swings)
    return Assessment(
        Verdict.SPIKED,
        f"The total cost rose once, {jump}, and came back to {total[high:].min():.3g}.",
        f"one rise of the total by {SWING:g}, and back to {RECOVERED:g} of the low before it",
        high,
        numbers,
    )


def _penalty_growth(records: Curves, facts: TrialFacts) -> Assessment | None:
    low, lowest = records.lowest_level(metrics.VALIDATION_TOTAL)
    last = records.level(metrics.VALIDATION_TOTAL)
    there, here = records.level(metrics.VALIDATION_DATA, low), records.level(metrics.VALIDATION_DATA)
    if facts.lmbda == 0 or not last >= RISEN * lowest or not here - there < DATA_SHARE * (last - lowest):
        return None
    how = "falls" if here < there else "hardly changes,"
    return Assessment(
        Verdict.PENALTY_GROWTH,
        f"The reported total rises, from {lowest:.3g} at epoch {low} to {last:.3g}, while the data cost {how} "
        f"from {there:.3g} to {here:.3g}: only the penalty on growing weights does that.",
        f"reported total above {RISEN:g} of its lowest level; data cost below its level there, or with less than "
        f"{DATA_SHARE:g} of the rise",
        low,
        {"lowest total": lowest, "last total": last, "data cost there": there, "last data cost": here},
    )


def _underfitted(records: Curves, facts: TrialFacts) -> Assessment | None:
    """Calm, at rest, and of little use."""
    level, accuracy = records.level(metrics.TRAIN_DATA), records.level(metrics.TRAIN_ACCURACY)
    right = (accuracy * facts.classes - 1) / max(1, facts.classes - 1)  # 0 for guessing, 1 for no error
    is_far = level >= UNDERFITTED * facts.baseline or (level >= HALFWAY * facts.baseline and right < HALFWAY)
    if not is_far or _slow(records, facts) is not None:
        return None
    answers = f" and answers {_percent(accuracy)} right" if math.isfinite(accuracy) else ""
    return Assessment(
        Verdict.UNDERFITTED,
        f"It settled at a data cost of {level:.3g}{answers}; the same answer for every input would have "
        f"{facts.baseline:.3g}: {_why_underfitted(records, facts)}.",
        f"at rest, with {UNDERFITTED:g} of a constant answer's data cost, or {HALFWAY:g} of it and less than "
        f"{HALFWAY:g} of the way from guessing to no error",
        records.last,
        {"last data cost": level, "constant answer": facts.baseline}
        | ({"accuracy": accuracy} if math.isfinite(accuracy) else {}),
    )


def _why_underfitted(records: Curves, facts: TrialFacts) -> str:
    """What holds it there, where the records tell it."""
    norm, level = records[metrics.WEIGHT_NORM], records.level(metrics.WEIGHT_NORM)
    penalty, data = records.level(metrics.PENALTY), records.level(metrics.TRAIN_DATA)
    saturated, layer = records.most_saturated()
    if facts.has_decay and (level < HELD * norm[0] or penalty >= HOLDS_DOWN * data):
        short = "a collapse short of total, " if level < HELD * norm[0] else ""
        return (
            f"{short}decay, {facts.decay_named} = {facts.decay:.3g} a step, holds the weights at norm {level:.3g}, "
            f"from {norm[0]:.3g} at the start. Make lambda smaller"
        )
    if saturated >= SATURATED:
        return f"in layer {layer}, {_percent(saturated)} of the units are saturated or dead. Try a smaller eta"
    edge = _highest_edge(records)
    if edge < ROOM * OVER_EDGE:
        return (
            f"no decay holds it down, and eta is at most {_percent(edge)} of what the curvature of the cost bears. "
            "Try a larger eta, and then a larger network"
        )
    return "no decay holds it down, and no unit is in its way. Try a larger network"


def _overfitting(records: Curves, facts: TrialFacts) -> Assessment | None:
    low, lowest = records.lowest_level(metrics.VALIDATION_DATA)
    last = records.level(metrics.VALIDATION_DATA)
    there, here = records.level(metrics.TRAIN_DATA, low), records.level(metrics.TRAIN_DATA)
    if not last >= OVERFITTED * lowest or not here < there:
        return None
    remedy = ": lambda has no effect in this class" if facts.is_lambda_idle else ", or make lambda larger"
    return Assessment(
        Verdict.OVERFITTING,
        f"Since epoch {low} the data cost rises on examples it has not seen, {lowest:.3g} to {last:.3g}, "
        f"while it falls on those it has, {there:.3g} to {here:.3g}. Stop there{remedy}.",
        f"validation data cost above {OVERFITTED:g} of its lowest level, training data cost still falling",
        low,
        {"lowest validation": lowest, "last validation": last, "training there": there, "last training": here},
    )


def _slow(records: Curves, facts: TrialFacts) -> Assessment | None:
    total = records[metrics.TRAIN_TOTAL]
    lost = _lost(metrics.TRAIN_TOTAL, records, facts)
    if not lost:
        return _hardly_begun(records, facts)
    last, before = "the last epoch", "the one before"
    if records.quarter > 1:
        last, before = f"the last {records.quarter} epochs", f"the {records.quarter} before"
    has_room = not _edge(records)[-1:].max(initial=0) >= ROOM * OVER_EDGE
    return Assessment(
        Verdict.SLOW,
        f"Still falling: in {last} the total cost was {_percent(lost)} lower than in {before}; "
        f"it is {total[-1]:.3g} now. Train longer{', or with a larger eta' if has_room else ''}.",
        f"from one quarter of the epochs to the next the total lost {_percent(FALLING)}, "
        f"or {STEADY:g} of what it had lost in the quarter before",
        records.last,
        {"lost": lost, "last total": total[-1]},
    )


def _hardly_begun(records: Curves, facts: TrialFacts) -> Assessment | None:
    if not _is_constant(records, facts) or not _has_hardly_begun(records):
        return None
    data, edge = float(records[metrics.TRAIN_DATA][-1]), _highest_edge(records)
    return Assessment(
        Verdict.SLOW,
        f"It has hardly begun: the data cost is {data:.3g}, and the same answer for every input would have "
        f"{facts.baseline:.3g}. Nothing is in its way: eta is at most {_percent(edge)} of what the curvature of the "
        "cost bears. Train longer, or with a larger eta.",
        f"no better than a constant answer, but no worse than at the start; fewer than {_percent(SATURATED)} of any "
        f"layer saturated, the edge never passed, the weights at {_percent(HELD)} of the first or more",
        records.last,
        {"last data cost": data, "constant answer": facts.baseline, "highest edge": edge},
    )


def _converged(records: Curves, facts: TrialFacts) -> Assessment:
    del facts
    total = records[metrics.TRAIN_TOTAL]
    return Assessment(
        Verdict.CONVERGED,
        f"The total cost fell from {total[0]:.3g} to {total[-1]:.3g} and has settled.",
        "none of the others",
        records.last,
        {"first total": total[0], "last total": total[-1]},
    )


def _blew_up(records: Curves, facts: TrialFacts) -> bool:
    total = records[metrics.TRAIN_TOTAL]
    return facts.diverged_epoch is not None or (records.length > 1 and bool(total[-1] > BLOWN_UP * total[0]))


def _what(records: Curves, facts: TrialFacts) -> str:
    if facts.diverged_epoch is not None:
        return f"The numbers overflowed in epoch {facts.diverged_epoch}"
    return f"The total cost rose to {records[metrics.TRAIN_TOTAL][-1]:.3g}"


def _low(records: Curves) -> int:
    """The epoch of the lowest total, which has been above it ever since."""
    total = records[metrics.TRAIN_TOTAL]
    return int(np.argmin(np.where(np.isnan(total), math.inf, total))) if records.length else 0


def _end(records: Curves, facts: TrialFacts) -> int:
    return records.last if facts.diverged_epoch is None else facts.diverged_epoch


def _is_constant(records: Curves, facts: TrialFacts) -> bool:
    """Whether the data cost has been no better than a constant answer's for the last quarter."""
    return bool(records[metrics.TRAIN_DATA][-records.quarter :].min() >= LEARNED * facts.baseline)


def _has_hardly_begun(records: Curves) -> bool:
    """Whether nothing but time is known to be in its way: no saturation, no step too large, no decay that wins.

    A smaller eta lowers the edge and saturates less, so no plateau looks worse with it than with a larger one.
    """
    data, norm = records[metrics.TRAIN_DATA], records[metrics.WEIGHT_NORM]
    saturated, _ = records.most_saturated()
    sound = records.level(metrics.TRAIN_DATA) <= data[0] and records.level(metrics.WEIGHT_NORM) >= HELD * norm[0]
    return bool(sound and saturated < SATURATED and _highest_edge(records) <= OVER_EDGE)


def _edges(records: Curves) -> Curve:
    """Eta over what the curvature bears, of the cost or of its mini-batches, whichever bears less; NaN: not measured.

    A cost grows by either: by the one its mean, by the other its variance.
    """
    return np.fmax(records[metrics.EDGE], records[metrics.BATCH_EDGE])


def _edge(records: Curves) -> Curve:
    """What was measured of it in training; epoch 0 is before it."""
    edge = _edges(records)[1:]
    return edge[np.isfinite(edge)]


def _highest_edge(records: Curves) -> float:
    """NaN where it was not measured."""
    edge = _edge(records)
    return float(edge.max()) if len(edge) else math.nan


def _percent(share: float) -> str:
    """To two digits: 0.57 %, 12 %, 100 %."""
    return f"{float(f'{100 * share:.2g}'):g} %"


def _lost(metric: str, records: Curves, facts: TrialFacts) -> float:
    """The part of a cost that it lost from the last quarter but one to the last; 0 when it has settled."""
    last, before, earlier = (records.level(metric, records.last - k * records.quarter) for k in range(3))
    lost = before - last
    steady = records[metric][-records.quarter :].max() < before and lost >= STEADY * (earlier - before) > 0
    falls = lost >= MATTERS * facts.baseline and (lost >= FALLING * before or steady)
    return records.lost(metric) if falls else 0.0


def _swings(records: Curves, facts: TrialFacts, part: float = 1.0) -> list[tuple[int, int]]:
    return records.swings(metrics.TRAIN_TOTAL, part * SWING, part * SWING_MATTERS * facts.baseline)


def _largest(total: Curve, swings: list[tuple[int, int]]) -> tuple[str, dict[str, float], int]:
    """(in words, in numbers, epoch of the high) of the largest of the swings."""
    low, high = max(swings, key=lambda swing: total[swing[1]] / total[swing[0]])
    jump = f"from {total[low]:.3g} at epoch {low} to {total[high]:.3g} at epoch {high}"
    return jump, {"swings": float(len(swings)), "largest ratio": float(total[high] / total[low])}, high


RULES: tuple[Rule, ...] = (
    _failed,
    _diverged_by_decay,
    _diverged_by_curvature,
    _not_descending,
    _steady_growth,
    _diverged,
    _pruned,
    _untrained,
    _collapsed,
    _stalled,
    _oscillating,
    _penalty_growth,
    _underfitted,
    _overfitting,
    _spiked,
    _slow,
    _converged,
)
