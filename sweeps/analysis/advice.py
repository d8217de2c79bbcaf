"""What to try next, and which trials are worth a look: sentences computed from a sweep's trials, with their numbers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model import metrics
from model.bounds import decay_bound
from sweeps.analysis.suggested_ranges import narrowed, toml, widened
from sweeps.diagnosis.network.step_law import faults_of
from sweeps.formatting import count, threshold
from sweeps.specification.domains import Choices, Range
from sweeps.specification.spec import SweepSpec
from sweeps.verdicts.curves import Curves
from sweeps.verdicts.verdict import STABLE, Verdict

_BEST = 5  # trials that count as the best
_EDGE = 0.07  # of a searched range: closer to its end, the best may lie beyond
_ENOUGH = 3  # trials before anything is said of their kind
_SPLIT = 0.8  # of the trials on the right side of a threshold before it is named
_NARROW = 0.5  # of a searched range: best trials that lie closer together suggest a smaller one
_CLOSE = 0.05  # relative difference of two objectives that another start can undo


@dataclass(frozen=True)
class Advice:
    """One thing to try. numbers: what suggests it. trials: indices of rows in the trials table. change: key -> TOML."""

    text: str
    numbers: dict[str, float] = field(default_factory=dict)
    trials: tuple[int, ...] = ()
    change: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SweepTables:
    """What advice is made from. trials: the trials table, best first. sound: those of it with a result to compare."""

    spec: SweepSpec
    trials: pd.DataFrame
    epochs: pd.DataFrame
    n: int | None = None

    @property
    def sound(self) -> pd.DataFrame:
        """Complete trials that did not diverge, best first."""
        verdicts, states = self.trials["verdict"], self.trials["state"]
        return self.trials[(states == "complete") & (verdicts != Verdict.DIVERGED) & (self.trials["diverged"] == 0)]

    @property
    def best(self) -> pd.DataFrame:
        """The few best: at most a third of the sound ones."""
        return self.sound.head(min(_BEST, 1 + len(self.sound) // 3))


def advise(found: SweepTables) -> list[Advice]:
    """All that the trials suggest, what matters most first."""
    faults = list(_faults(found))
    if found.sound.empty:
        return faults + ([_nothing_sound(found)] if len(found.trials) else [])
    return faults + [advice for rule in _RULES for advice in rule(found)]


def fault_sentences(spec: SweepSpec) -> list[str]:
    """What a diagnosis found wrong with the sweep's class: the first that is to be said of it, anywhere."""
    source = spec.network
    if source is None:
        return []
    return [f"{source.named} has a fault: {code}: {message}" for code, message in faults_of(source.faults)]


def _faults(found: SweepTables) -> Iterator[Advice]:
    for sentence in fault_sentences(found.spec):
        yield Advice(
            f"{sentence} Mend it before any setting; `sweeps diagnose` shows the line that should stand there."
        )


def _nothing_sound(found: SweepTables) -> Advice:
    counts = found.trials["verdict"].value_counts()
    words = ", ".join(f"{count} {word}" for word, count in counts.items())
    eta = found.spec.search.get("eta")
    change = {}
    if isinstance(eta, Range):
        change["search.eta"] = toml(Range(eta.low / 100, eta.low, eta.log))
    return Advice(
        f"No trial has a result to compare ({words}). Where trials failed, the artifact error.txt of each run says "
        "why; where they diverged, search eta far below this range.",
        {str(word): float(count) for word, count in counts.items()},
        change=change,
    )


def decay_cut(found: SweepTables) -> float | None:
    """The eta * lambda / n that best parts the trials lost to decay from the others; None where none does well."""
    trials, lost = _by_decay(found)
    return best_cut(trials["eta_lambda_over_n"].to_numpy(float), lost)


def _by_decay(found: SweepTables) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """(trials that were trained, whether each was lost to decay: collapsed, or diverged beyond the bound of decay)."""
    trials = found.trials[found.trials["state"] != "failed"].dropna(subset=["eta_lambda_over_n"])
    beyond = trials["eta_lambda_over_n"].to_numpy(float) >= decay_bound(found.spec.plan.momentum)
    verdicts = trials["verdict"].to_numpy(object)
    return trials, (verdicts == Verdict.COLLAPSED) | ((verdicts == Verdict.DIVERGED) & beyond)


def _decay_threshold(found: SweepTables) -> Iterator[Advice]:
    """What the threshold of decay is worth."""
    cut = decay_cut(found)
    if cut is None:
        return
    trials, lost = _by_decay(found)
    over = trials["eta_lambda_over_n"].to_numpy(float) > cut
    above, below = lost[over], lost[~over]
    n = f" With n = {found.n:,}: lambda below {threshold(cut * found.n)} / eta." if found.n else ""
    yield Advice(
        f"Of the {len(above)} trials with eta * lambda / n above {cut:.2g}, {above.sum()} collapsed or diverged "
        f"by decay; of the {len(below)} below, {below.sum()} did. Keep eta * lambda / n under {cut:.2g}.{n}",
        {"eta * lambda / n": cut, "lost above": float(above.sum()), "lost below": float(below.sum())},
        tuple(int(i) for i in trials.index[lost & over]),
    )


def best_cut(values: NDArray[np.float64], lost: NDArray[np.bool_]) -> float | None:
    """The threshold that leaves most of the lost above and most of the others below; None where none does so well."""
    usable = np.isfinite(values) & (values > 0)
    values, lost = values[usable], lost[usable]
    if lost.sum() < _ENOUGH or (~lost).sum() < _ENOUGH:
        return None
    order = np.argsort(values)
    values, lost = values[order], lost[order]
    right = np.array([(~lost[:k]).sum() + lost[k:].sum() for k in range(1, len(values))])
    k = int(np.argmax(right)) + 1
    if right[k - 1] < _SPLIT * len(values) or lost[k:].mean() <= lost[:k].mean():
        return None
    return float(np.sqrt(values[k - 1] * values[k]))


def _curvature(found: SweepTables) -> Iterator[Advice]:
    """Divergence that decay does not explain."""
    bound = decay_bound(found.spec.plan.momentum)
    diverged = found.trials[
        (found.trials["verdict"] == Verdict.DIVERGED) & ~(found.trials["eta_lambda_over_n"] >= bound)
    ]
    stable = found.trials[found.trials["verdict"].isin(list(STABLE))]
    if diverged.empty or stable.empty or "eta" not in found.spec.varied:
        return
    lowest, highest = float(diverged["eta"].min()), float(stable["eta"].max())
    yield Advice(
        f"{count(len(diverged), 'trial')} diverged without decay being at fault, from eta {lowest:.3g} up; the "
        f"largest eta of a stable trial is {highest:.3g}. "
        + ("Keep eta below it." if highest < lowest else "Between the two, batch size and lambda decide."),
        {"lowest eta that diverged": lowest, "largest stable eta": highest},
        tuple(int(i) for i in diverged.index),
    )


def _ranges(found: SweepTables) -> Iterator[Advice]:
    """Where the best lie in each searched range: at its edge, or close together."""
    best = found.best
    for name, domain in found.spec.varied.items():
        if not isinstance(domain, Range) or len(found.sound) < _ENOUGH:
            continue
        values = best[name].to_numpy(float)
        places = [domain.position(value) for value in values]
        searched = {"low": domain.low, "high": domain.high}
        if places[0] > 1 - _EDGE or places[0] < _EDGE:
            upwards = places[0] > 0.5
            end = "upper" if upwards else "lower"
            yield Advice(
                f"The best trial has {name} {values[0]:.3g}, at the {end} end of what was searched "
                f"({threshold(domain.low)} to {threshold(domain.high)}): what lies beyond is not known. Widen it.",
                {f"best {name}": float(values[0])} | searched,
                (int(best.index[0]),),
                {f"search.{name}": toml(widened(domain, upwards))},
            )
        elif len(values) >= _ENOUGH and max(places) - min(places) < _NARROW:
            yield Advice(
                f"The best {len(values)} have {name} {values.min():.3g} to {values.max():.3g}; "
                f"{threshold(domain.low)} to {threshold(domain.high)} was searched. A narrower range spends its "
                "trials there.",
                {f"lowest {name}": float(values.min()), f"largest {name}": float(values.max())} | searched,
                tuple(int(i) for i in best.index),
                {f"search.{name}": toml(narrowed(domain, values))},
            )


def _choices(found: SweepTables) -> Iterator[Advice]:
    """Choices none of whose trials are stable."""
    for name, domain in found.spec.varied.items():
        if not isinstance(domain, Choices):
            continue
        is_stable = found.trials["verdict"].isin(list(STABLE))
        groups = is_stable.groupby(found.trials[name].astype(str)).agg(["sum", "count"])
        dead = [str(value) for value in groups.index[(groups["sum"] == 0) & (groups["count"] >= 2 * _ENOUGH - 1)]]
        kept = [value for value in domain.values if str(value) not in dead]
        if not dead or not kept:
            continue
        shares = {f"stable with {name} {value}": float(row["sum"]) for value, row in groups.iterrows()}
        yield Advice(
            f"None of the {groups.loc[dead, 'count'].sum()} trials with {name} {' or '.join(dead)} is stable; "
            f"of the others, {groups['sum'].sum()} of {groups.drop(dead)['count'].sum()} are. "
            "Drop it, or give it more epochs.",
            shares,
            change={f"search.{name}": toml(Choices(tuple(kept)))},
        )


def _longer(found: SweepTables) -> Iterator[Advice]:
    """Whether the best were still falling when they ended, which is what their verdicts say: no second rule here."""
    slow, overfitted = (_of_best(found, verdict) for verdict in (Verdict.SLOW, Verdict.OVERFITTING))
    if 2 * len(slow) < len(found.best) or len(slow) <= len(overfitted):
        return
    lost = [lost for lost in (_lost_at_last(found, row) for _, row in slow.iterrows()) if lost > 0]
    span = ""
    if lost:
        low, high = f"{min(lost):.0%}", f"{max(lost):.0%}"
        span = f", by {low if low == high else f'{low} to {high}'} in the last quarter of their epochs"
    yield Advice(
        f"{len(slow)} of the best {len(found.best)} were not done when they ended: the total cost was still "
        f"falling{span}. Train longer.",
        {"smallest loss": min(lost), "largest loss": max(lost)} if lost else {},
        tuple(int(i) for i in slow.index),
        {"plan.epochs": str(2 * found.spec.plan.epochs)},
    )


def _of_best(found: SweepTables, verdict: Verdict) -> pd.DataFrame:
    return found.best[found.best["verdict"] == verdict]


def _lost_at_last(found: SweepTables, key: pd.Series) -> float:
    """The part of the total that a trial lost in the last quarter of its epochs, by the measure of the verdicts."""
    epochs = found.epochs
    mine = epochs[(epochs["trial"] == key["trial"]) & (epochs["replicate"] == key["replicate"])]
    totals = mine[metrics.TRAIN_TOTAL].to_list() if metrics.TRAIN_TOTAL in mine else []
    return Curves({metrics.TRAIN_TOTAL: totals}).lost(metrics.TRAIN_TOTAL)


def _earlier(found: SweepTables) -> Iterator[Advice]:
    slow, overfitted = (_of_best(found, verdict) for verdict in (Verdict.SLOW, Verdict.OVERFITTING))
    if len(overfitted) * 2 < len(found.best) or len(overfitted) < max(1, len(slow)):
        return
    epoch = float(overfitted["best_epoch"].astype(float).median())
    yield Advice(
        f"{len(overfitted)} of the best {len(found.best)} overfit, typically since epoch {epoch:.0f}: stop earlier.",
        {"median best epoch": epoch},
        tuple(int(i) for i in overfitted.index),
        {"stopping.patience": "3"},
    )


def _luck(found: SweepTables) -> Iterator[Advice]:
    """Two best trials so close that another start may exchange them."""
    metric = metrics.final(found.spec.goals[0].metric)
    if found.spec.replicates > 1 or len(found.sound) < _ENOUGH or metric not in found.sound:
        return
    first, second = found.sound[metric].to_numpy(float)[:2]
    apart = abs(first - second) / max(abs(first), abs(second), 1e-300)
    if apart >= _CLOSE:
        return
    yield Advice(
        f"The best two are {apart:.1%} apart, and each was started once. Several starts tell merit from luck.",
        {"best": float(first), "second": float(second)},
        tuple(int(i) for i in found.sound.index[:2]),
        {"replicates": "3"},
    )


def _failures(found: SweepTables) -> Iterator[Advice]:
    failed = found.trials[found.trials["state"] == "failed"]
    if len(failed):
        yield Advice(
            f"{count(len(failed), 'trial')} failed; the artifact error.txt of each run holds the error.",
            {"failed": float(len(failed))},
            tuple(int(i) for i in failed.index),
        )


_RULES: Sequence[Callable[[SweepTables], Iterator[Advice]]] = (
    _failures,
    _decay_threshold,
    _curvature,
    _ranges,
    _choices,
    _longer,
    _earlier,
    _luck,
)
