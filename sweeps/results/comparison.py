"""Two trainings side by side: what differs, from which epoch on, in which component first, and what a setting did.

The report page says where two trainings first differ by the same rule, from NOTABLE, DEFINED_BY and `metrics.is_share`.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model import metrics
from model.metrics import Family
from sweeps.formatting import number, setting
from sweeps.specification.domains import Setting

NOTABLE = 0.01  # relative difference from which two trainings are said to differ
DEFINED_BY = {  # setting -> the metrics that contain it, which differ from the start whatever the training does
    "lambda": (metrics.PENALTY, metrics.TRAIN_TOTAL, metrics.VALIDATION_TOTAL, Family.GRADIENT_NORM, Family.STABILITY),
    "eta": (metrics.EDGE, metrics.BATCH_EDGE),
    "momentum": (metrics.EDGE, metrics.BATCH_EDGE),
    "batch_size": (metrics.BATCH_EDGE, metrics.BATCH_SHARPNESS, metrics.NOISE_SCALE),
}

_DIGITS = 6  # significant
_OUTCOMES = {  # metric -> how the sentence about an effect begins its clause
    metrics.PENALTY: "the penalty ends at",
    metrics.VALIDATION_DATA: "validation data cost",
    metrics.VALIDATION_ACCURACY: "validation accuracy",
}


@dataclass(frozen=True)
class Side:
    """A training as compared. epochs: indexed by epoch, a column per metric. verdict: may be empty."""

    name: str
    settings: Mapping[str, Setting]
    verdict: str
    epochs: pd.DataFrame


def defined_by(name: str, names: Iterable[str]) -> list[str]:
    """Of the metrics, those that contain the setting."""
    return [metric for metric in names if metric.startswith(DEFINED_BY[name])]


def as_compared(value: float) -> float:
    """To six significant digits, which is what the report page holds: so both see the same differences.

    To more where rounding a second time, to the digits that are shown, would end elsewhere. Whole numbers stay as they
    are; NaN stands for what is not finite.
    """
    if not math.isfinite(value):
        return math.nan
    if value.is_integer() and abs(value) < 1e15:
        return value
    shorter = (float(f"{value:.{digits}g}") for digits in (_DIGITS, 2 * _DIGITS))
    return next((short for short in shorter if number(short) == number(value)), value)


def divergence(one: Side, other: Side) -> pd.DataFrame:
    """A row per metric that differs by 1 % or more at some epoch both have, first and most different first.

    Index: metric. since: first epoch of training (1 or later) where it differs, <NA> when only at the start.
    at_start: whether it differs before training. one, other: the values at `since` (at epoch 0 without one).
    apart: |one - other| / the larger, or undivided for accuracies and saturation, of both `as_compared`. last_one,
    last_other: at the last epoch of each.
    """
    both = [name for name in one.epochs.columns if name in other.epochs.columns]
    shared = one.epochs.index.intersection(other.epochs.index)
    rows = []
    for metric in both:
        a, b = (side.epochs.loc[shared, metric].to_numpy(float) for side in (one, other))
        apart = _apart(metric, a, b)
        differs = apart >= NOTABLE
        trained = np.flatnonzero(differs & (shared.to_numpy() > 0))
        if not differs.any():
            continue
        at = int(trained[0]) if len(trained) else int(np.argmax(differs))
        rows.append(
            {
                "metric": metric,
                "since": int(shared[at]) if len(trained) else None,
                "at_start": bool(differs[shared.to_numpy() == 0].any()),
                "one": a[at],
                "other": b[at],
                "apart": apart[at],
                "last_one": _last(one, metric),
                "last_other": _last(other, metric),
            }
        )
    columns = ["metric", "since", "at_start", "one", "other", "apart", "last_one", "last_other"]
    table = pd.DataFrame(rows, columns=columns).astype({"since": "Int64", "at_start": bool})
    return table.sort_values(["since", "apart"], ascending=[True, False], kind="stable").set_index("metric")


def _apart(metric: str, one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far apart the values are; 0 where one of them was not measured."""
    a, b = (np.array([as_compared(value) for value in values.tolist()], np.float64) for values in (one, other))
    scale = np.ones(len(a)) if metrics.is_share(metric) else np.maximum(np.abs(a), np.abs(b))
    return np.nan_to_num(np.abs(a - b) / np.where(scale > 0, scale, 1.0))


def changed(one: Side, other: Side) -> dict[str, tuple[Setting, Setting]]:
    """The settings that differ: name -> both values."""
    return {name: (one.settings[name], other.settings[name]) for name in one.settings if _differs(one, other, name)}


def sentences(one: Side, other: Side) -> list[str]:
    """What a person wants to know first: the effect of the change, where the trainings part, what differs anyway."""
    table = divergence(one, other)
    trained = table[table["since"].notna()]
    lines = [_effect(one, other)]
    if len(trained):
        since = int(trained["since"].iloc[0])
        first = trained[(trained["since"] == since) & ~_defined(trained.index, one, other)]
        shown = first if len(first) else trained[trained["since"] == since]
        parts = [f"{name} ({row['one']:.4g} against {row['other']:.4g})" for name, row in shown.head(3).iterrows()]
        lines.append(f"Training parts at epoch {since}, most in {', then '.join(parts)}.")
    elif len(one.epochs.index.intersection(other.epochs.index)) <= 1:
        short = one if len(one.epochs) <= len(other.epochs) else other
        lines.append(
            f"Trial {short.name} has no finite record after the start, so no epoch of training can be compared."
        )
    else:
        lines.append(f"No metric differs by {100 * NOTABLE:g} % or more at any epoch of training that both have.")
    start = table[table["at_start"]]
    known = _defined(start.index, one, other)
    if known.any():
        lines.append(
            f"Different from the start by definition, as they contain what was changed: {_listed(start[known])}."
        )
    if not known.all():
        lines.append(f"Different before training: {_listed(start[~known])}.")
    return lines


def _effect(one: Side, other: Side) -> str:
    """The change in settings, and what came of it."""
    settings = changed(one, other)
    if not settings:
        return f"Trials {one.name} and {other.name} have the same settings; verdict {_verdicts(one, other)}."
    told = ", ".join(f"{name} {setting(a)} -> {setting(b)}" for name, (a, b) in settings.items())
    equal = "all else equal" if len(settings) == 1 else "several at once: the effect is theirs together"
    clauses = []
    for metric, beginning in _OUTCOMES.items():
        a, b = _last(one, metric), _last(other, metric)
        if np.isfinite(a) and np.isfinite(b):
            clauses.append(f"{beginning} {a:.4g} against {b:.4g}")
    clauses.append(f"verdict {_verdicts(one, other)}")
    note = "".join(
        f" (trial {side.name} recorded nothing finite after epoch {int(side.epochs.index.max())})"
        for side in (one, other)
        if side.verdict == "diverged" and len(side.epochs)
    )
    return f"{told} ({equal}): {', '.join(clauses)}{note}."


def _verdicts(one: Side, other: Side) -> str:
    a, b = one.verdict or "none", other.verdict or "none"
    return f"{a} for both" if a == b else f"{a} -> {b}"


def _defined(names: pd.Index, one: Side, other: Side) -> NDArray[np.bool_]:
    """Which of the metrics differ from the start by definition."""
    known = {metric for name in DEFINED_BY if _differs(one, other, name) for metric in defined_by(name, names)}
    return np.array([metric in known for metric in names], dtype=bool)


def _listed(rows: pd.DataFrame) -> str:
    """The metrics' names, layers as one."""
    return ", ".join(dict.fromkeys(metrics.without_layer(str(name)) for name in sorted(rows.index)))


def _differs(one: Side, other: Side, name: str) -> bool:
    return one.settings.get(name) != other.settings.get(name)


def _last(side: Side, metric: str) -> float:
    if metric not in side.epochs:
        return math.nan
    values = side.epochs[metric].dropna()
    return float(values.iloc[-1]) if len(values) else math.nan
