"""Trials in order: best first, the best with their replicates as one, and the one that went wrong and teaches most."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model import metrics
from sweeps.specification.spec import Goal, SweepSpec
from sweeps.verdicts.facts import State
from sweeps.verdicts.marks import RUNNING
from sweeps.verdicts.verdict import Verdict

_WENT_WRONG = (  # what teaches more first
    (Verdict.DIVERGED, Verdict.PENALTY_GROWTH, Verdict.OSCILLATING, Verdict.COLLAPSED),
    (Verdict.STALLED, Verdict.SPIKED),
)


def ordered(spec: SweepSpec, trials: pd.DataFrame) -> pd.DataFrame:
    """Of the trials table those that ended, best first by the first objective; then those without a sound result."""
    ended = trials[trials["state"] != RUNNING]
    losses = np.where(_is_sound(ended), _losses(ended, spec.goals[0]), np.inf)
    return ended.iloc[np.argsort(losses, kind="stable")]


def in_reading_order(spec: SweepSpec, trials: pd.DataFrame) -> pd.DataFrame:
    """The trials table, in order; those that still run last."""
    return trials.loc[[*ordered(spec, trials).index, *trials.index[trials["state"] == RUNNING]]]


def best_trials(spec: SweepSpec, trials: pd.DataFrame, n: int) -> pd.DataFrame:
    """The n best trials, best first: a row each, means over replicates; only those all of whose replicates are sound.

    With several objectives: the Pareto front, at most n of it, by the first objective.
    """
    ranked = _ranked(spec, trials)
    if len(spec.goals) > 1:
        losses = np.column_stack([_losses(ranked, goal) for goal in spec.goals])
        beaten = [bool(((losses <= row).all(axis=1) & (losses < row).any(axis=1)).any()) for row in losses]
        ranked = ranked[~np.array(beaten, dtype=bool)]
    return ranked.head(n).reset_index(drop=True)


def times_best(spec: SweepSpec, trials: pd.DataFrame, rows: pd.DataFrame) -> pd.Series:
    """How many times the best trial's cost each of the rows has, 1 for the best; NaN without a sound result.

    trials: all of the sweep. Where the first objective is an accuracy: how many times the best's share of errors.
    """
    best, goal = best_trials(spec, trials, 1), spec.goals[0]
    if best.empty:
        return pd.Series(np.nan, index=rows.index, dtype="float64")
    at_best = float(_costs(best, goal)[0])
    times = _costs(rows, goal) / at_best if at_best > 0 else np.full(len(rows), np.nan)
    return pd.Series(np.where(_is_sound(rows), times, np.nan), index=rows.index, dtype="float64")


def times_best_heading(spec: SweepSpec) -> str:
    """Over such a column."""
    return f"x the best's {'cost' if spec.goals[0].sign > 0 else 'errors'}"


def best_row(spec: SweepSpec, trials: pd.DataFrame) -> int | None:
    """Of the trials in order, the row of the best start of the best trial; None where no trial is sound."""
    best = best_trials(spec, trials, 1)
    return None if best.empty else int(trials.index[trials["trial"] == best["trial"].iloc[0]][0])


def went_wrong(spec: SweepSpec, trials: pd.DataFrame, best: int | None) -> int | None:
    """The row of the trial that went wrong and teaches most: the one whose settings are nearest to the best's.

    trials: in order. best: its row; None where none is sound. Trials that diverged, collapsed, oscillated or grew their
    penalty come before those that stalled or spiked. None where none went wrong.
    """
    for verdicts in _WENT_WRONG:
        candidates = trials[trials["verdict"].isin(list(verdicts))]
        if best is not None:
            candidates = candidates[candidates["trial"] != trials.loc[best, "trial"]]
        if len(candidates):
            if best is None:
                return int(candidates.index[0])
            return min((int(row) for row in candidates.index), key=lambda row: _distance(spec, trials, row, best))
    return None


def pair_to_compare(spec: SweepSpec, trials: pd.DataFrame) -> tuple[int, int] | None:
    """(number of the best trial, of the one that went wrong); None where either is missing. trials: in any order."""
    rows = ordered(spec, trials).reset_index(drop=True)
    best = best_row(spec, rows)
    wrong = None if best is None else went_wrong(spec, rows, best)
    return None if best is None or wrong is None else (int(rows["trial"][best]), int(rows["trial"][wrong]))


def _ranked(spec: SweepSpec, trials: pd.DataFrame) -> pd.DataFrame:
    """Trials all of whose replicates are sound, best first objective first, means over replicates."""
    whole = _is_sound(trials).groupby(trials["trial"]).transform("sum") == spec.replicates
    rows = trials[whole]
    if spec.replicates > 1:
        merged = {name: "mean" if pd.api.types.is_float_dtype(rows[name]) else "first" for name in rows.columns}
        rows = rows.groupby("trial", as_index=False, sort=True).agg(merged)
    return rows.iloc[np.argsort(_losses(rows, spec.goals[0]), kind="stable")]


def _is_sound(trials: pd.DataFrame) -> pd.Series:
    return (trials["state"] == State.COMPLETE) & (trials["diverged"] == 0)


def _losses(rows: pd.DataFrame, goal: Goal) -> NDArray[np.float64]:
    name = metrics.final(goal.metric)
    return goal.sign * rows[name].to_numpy(float) if name in rows else np.zeros(len(rows))


def _costs(rows: pd.DataFrame, goal: Goal) -> NDArray[np.float64]:
    """Losses that are 0 at the best there can be: of an accuracy, the share of errors."""
    losses = _losses(rows, goal)
    return losses if goal.sign > 0 else 1 + losses


def _distance(spec: SweepSpec, trials: pd.DataFrame, one: int, other: int) -> float:
    a, b = trials.loc[one], trials.loc[other]
    return math.hypot(*(d.position(a[name]) - d.position(b[name]) for name, d in spec.varied.items()))
