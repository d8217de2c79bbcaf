"""No two sentences about one trial contradict each other: whether it is done is decided once, by its verdict."""

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from support.small_sweeps import small_spec

from model import metrics
from sweeps.analysis.advice import Advice, SweepTables, advise
from sweeps.verdicts.curves import Curves
from sweeps.verdicts.facts import TrialFacts
from sweeps.verdicts.rules import assess
from sweeps.verdicts.verdict import Assessment, Verdict

FACTS = TrialFacts(eta=0.5, lmbda=1.0, batch_size=10, n=1200, classes=10)
COSTS = (metrics.TRAIN_DATA, metrics.VALIDATION_DATA, metrics.TRAIN_TOTAL, metrics.VALIDATION_TOTAL)
Recorded = dict[str, list[float]]


def sweep_of(recorded: list[Recorded]) -> tuple[SweepTables, list[Assessment]]:
    """A sweep of trials with these curves, best first, and the verdicts on them."""
    found = [assess(Curves(curves), FACTS) for curves in recorded]
    rows: list[dict[str, Any]] = []
    for number, (curves, verdict) in enumerate(zip(recorded, found, strict=True)):
        rows.append({"trial": number, "replicate": 0, "state": "complete", "verdict": verdict.verdict.value})
        rows[-1] |= {"eta": 0.1 + number, "lambda": 1.0, "batch_size": 20, "diverged": 0, "eta_lambda_over_n": 1e-4}
        rows[-1] |= {metrics.final(name): curve[-1] for name, curve in curves.items()}
        rows[-1] |= {"best_epoch": int(np.argmin(curves[metrics.VALIDATION_DATA]))}
    trials = pd.DataFrame(rows).sort_values(metrics.final(metrics.VALIDATION_DATA), ignore_index=True)
    frames = [
        pd.DataFrame(curves).assign(trial=number, replicate=0).rename_axis("epoch").reset_index()
        for number, curves in enumerate(recorded)
    ]
    return SweepTables(small_spec(), trials, pd.concat(frames, ignore_index=True), 1200), found


def told(found: SweepTables, advice: Advice) -> set[int]:
    """The numbers of the trials that an advice speaks of."""
    return {int(found.trials.loc[row, "trial"]) for row in advice.trials}


@st.composite
def recorded(draw: Any) -> Recorded:
    """Curves that fall, settle, rise again, or do as they like."""
    length = draw(st.integers(6, 14))
    curves = {}
    for name in COSTS:
        low, pace, turn = draw(st.floats(0.01, 0.4)), draw(st.floats(0.05, 2.0)), draw(st.floats(-0.05, 0.1))
        noise = draw(st.lists(st.floats(-0.01, 0.01), min_size=length, max_size=length))
        at = np.arange(length)
        curves[name] = (low + np.exp(-pace * at) + turn * at * (at > length // 2) + np.array(noise)).clip(1e-3).tolist()
    return curves | {metrics.WEIGHT_NORM: [6.0] * length}


@given(st.lists(recorded(), min_size=1, max_size=6))
@settings(deadline=None, max_examples=150)
def test_no_two_sentences_about_one_trial_contradict_each_other(curves: list[Recorded]) -> None:
    found, verdicts = sweep_of(curves)
    advice = advise(found)
    longer = [one for one in advice if "plan.epochs" in one.change]
    earlier = [one for one in advice if "stopping.patience" in one.change]
    assert not (longer and earlier)
    for number, verdict in enumerate(verdicts):
        is_slow = verdict.verdict is Verdict.SLOW
        assert ("settled" in verdict.sentence) <= (not is_slow)
        assert is_slow or not any(number in told(found, one) for one in longer), verdict.sentence
        if "Stop there" in verdict.sentence or "has settled" in verdict.sentence:
            assert not any(number in told(found, one) for one in longer), verdict.sentence
        if "Train longer" in verdict.sentence:
            assert not any(number in told(found, one) for one in earlier), verdict.sentence


def level(last: float) -> Recorded:
    """A cost that has settled, while the validation cost still gains 3 % in the last quarter."""
    falling = [1.4, 0.5, 0.3, 0.22, 0.205, 0.2, 0.2, 0.2, 0.2]
    held_back = [1.4, 0.5, 0.3, 0.25, 0.24, 0.24, 0.24, 0.237, last]
    return {name: held_back if "validation" in name else falling for name in COSTS} | {metrics.WEIGHT_NORM: [6.0] * 9}


def test_the_best_trial_that_has_settled_is_not_said_to_be_still_getting_better() -> None:
    """Fails on 7a25101: "has settled" beside "still getting better when they ended: train longer"."""
    found, verdicts = sweep_of([level(0.228)])
    assert "has settled" in verdicts[0].sentence
    assert not [one for one in advise(found) if "plan.epochs" in one.change]


def test_where_the_verdict_says_stop_there_the_advice_does_not_double_the_epochs() -> None:
    """Fails on 7a25101, whose advice went by the objective, here accuracy, while the cost on the held-back rose."""
    seen = [1.4, 0.5, 0.3, 0.22, 0.205, 0.2, 0.2, 0.199, 0.199]
    held_back = [1.4, 0.5, 0.3, 0.3, 0.3, 0.3, 0.3, 0.4, 0.39]
    curves = {name: held_back if "validation" in name else seen for name in COSTS} | {metrics.WEIGHT_NORM: [6.0] * 9}
    accuracy = {metrics.VALIDATION_ACCURACY: [0.1, 0.6, 0.8, 0.85, 0.86, 0.87, 0.88, 0.9, 0.91]}
    found, verdicts = sweep_of([curves | accuracy])
    assert "Stop there" in verdicts[0].sentence
    by_accuracy = SweepTables(small_spec(objective="validation_accuracy"), found.trials, found.epochs, 1200)
    for tables in (found, by_accuracy):
        changes = [key for one in advise(tables) for key in one.change]
        assert "plan.epochs" not in changes
        assert "stopping.patience" in changes


def test_trials_that_are_still_falling_are_advised_to_train_longer_by_the_loss_in_their_verdict() -> None:
    falling = [1.4 * 0.7**epoch for epoch in range(9)]
    found, verdicts = sweep_of([dict.fromkeys(COSTS, falling) | {metrics.WEIGHT_NORM: [6.0] * 9}])
    (advice,) = [one for one in advise(found) if "plan.epochs" in one.change]
    assert verdicts[0].verdict is Verdict.SLOW
    assert advice.numbers["largest loss"] == verdicts[0].numbers["lost"]
    assert advice.change == {"plan.epochs": "6"}
