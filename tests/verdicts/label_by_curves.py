"""A hold-out of random trainings over every field of a plan, and the written rule that labels them by curves alone.

The rule is the protocol on top of holdout.toml made exact, with means of last epochs where the product takes medians of
quarters; it shares no code with the product's rules. It was committed with the labels before any verdict on them was
computed. The rule as it first stood labelled holdout_random_1.toml: it called slow whatever fell, also where most units
were saturated and the answer a guess, which that protocol calls stalled. Mended in that one line, it labelled a second
draw, holdout_random_2.toml; the first keeps its labels.
`python tests/verdicts/label_by_curves.py` draws, trains, labels and writes the second; it computes no verdict.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from model import Dataset, EpochRecord, Hyperparameters, TrainingPlan, load, metrics, train
from model.bounds import constant_answer_cost, decay_bound, largest_data_cost
from model.costs import HEADS

FILE = Path(__file__).with_name("holdout_random_2.toml")
TRAININGS, SEED = 64, 20_261  # 20_260 drew the first
Label = tuple[str, str | None]
Curve = NDArray[np.float64]


def drawn() -> list[dict[str, Any]]:
    """Settings, at random, once; none is left out."""
    rng = np.random.default_rng(SEED)
    found = []
    for _ in range(TRAININGS):
        output, cost = list(HEADS)[rng.integers(len(HEADS))]
        plan = {
            "output": output,
            "cost": cost,
            "activation": str(rng.choice(["sigmoid", "tanh", "relu"])),
            "hidden": [[], [8], [30], [60], [20, 10], [30, 20]][rng.integers(6)],
            "initialisation": str(rng.choice(["scaled", "standard"])),
            "penalty_n": str(rng.choice(["training", "evaluated"])),
            "momentum": float(rng.choice([0.0, 0.0, 0.3, 0.5, 0.8, 0.9, 0.95])),
            "dtype": str(rng.choice(["float32", "float64"])),
            "validation": int(rng.choice([200, 300, 500])),
        }
        dataset = str(rng.choice(["digits", "mnist"], p=[0.85, 0.15]))
        found.append(
            {
                "eta": float(f"{10 ** rng.uniform(-2.5, 1.7):.2g}"),
                "lambda": 0.0 if rng.random() < 0.35 else float(f"{10 ** rng.uniform(-2, 3.3):.2g}"),
                "batch_size": int(10 ** rng.uniform(0.5, 2.6)),
                "epochs": int(rng.choice([8, 12, 16, 24])),
                "seed": int(rng.integers(100)),
                "dataset": dataset,
                "plan": plan,
            }
        )
    return found


def trained(entry: Mapping[str, Any]) -> list[EpochRecord]:
    """The records of a training, the last of which may be an overflow."""
    plan = TrainingPlan(
        entry["dataset"], epochs=entry["epochs"], **{**entry["plan"], "hidden": tuple(entry["plan"]["hidden"])}
    )
    given = Hyperparameters(entry["eta"], entry["lambda"], entry["batch_size"])
    with threadpool_limits(limits=1, user_api="blas"):
        return list(train(plan, given, data_of(entry["dataset"]), np.random.default_rng(entry["seed"])))


def data_of(name: str) -> Dataset:
    """Digits, or the first 3,000 training examples of MNIST."""
    data = load(name)
    return data if name == "digits" else replace(data, train=data.train[:3000])


class Seen:
    """The curves as somebody reads them. quarter: epochs of the end that are looked at together, two at least."""

    def __init__(self, records: list[EpochRecord], entry: Mapping[str, Any]) -> None:
        self.overflow = not records[-1].finite
        self.records = [record for record in records if record.finite]
        self.entry, self.plan = entry, entry["plan"]
        self.base = constant_answer_cost(self.plan["output"], self.plan["cost"], 10)
        self.quarter = max(2, len(self.records) // 4)

    def curve(self, metric: str) -> Curve:
        """NaN where it was not measured."""
        return np.array([record.measures.get(metric, math.nan) for record in self.records])

    def end(self, metric: str, back: int = 0) -> float:
        """The mean over the last quarter, or over one that ended so many quarters before."""
        curve = self.curve(metric)
        stop = len(curve) - back * self.quarter
        return float(curve[max(1, stop - self.quarter) : stop].mean())

    def lowest(self, metric: str) -> tuple[int, float]:
        """(epoch of its middle, value) of the lowest mean of a quarter before the last one."""
        curve = self.curve(metric)
        means = [float(curve[k : k + self.quarter].mean()) for k in range(1, len(curve) - 2 * self.quarter + 1)]
        return (1 + int(np.argmin(means)), min(means)) if means else (0, math.nan)


def label(seen: Seen) -> Label:
    """The first that applies."""
    if diverged := _diverged(seen):
        return "diverged", diverged
    guessing = bool((seen.curve(metrics.TRAIN_DATA)[-seen.quarter :] >= 0.95 * seen.base).all())
    norm = seen.curve(metrics.WEIGHT_NORM)
    if guessing and seen.entry["lambda"] > 0 and seen.end(metrics.WEIGHT_NORM) <= 0.15 * norm[0]:
        return "collapsed", None
    if guessing:
        return "slow" if (_falls(seen) and not _is_saturated(seen)) or _is_free(seen) else "stalled", None
    rises = _rises(seen)
    total = seen.curve(metrics.TRAIN_TOTAL)
    if len(rises) > 1 or (rises and total[rises[0][1] :].min() > 1.1 * total[rises[0][0]]):
        return "oscillating", None
    if _penalty_grows(seen):
        return "penalty_growth", None
    if _is_useless(seen) and not _falls(seen):
        return "underfitted", None
    low, lowest = seen.lowest(metrics.VALIDATION_DATA)
    if seen.end(metrics.VALIDATION_DATA) > 1.05 * lowest and _fell(seen, metrics.TRAIN_DATA, low):
        return "overfitting", None
    return "spiked" if rises else "slow" if _falls(seen) else "converged", None


def _diverged(seen: Seen) -> str | None:
    entry, total, norm = seen.entry, seen.curve(metrics.TRAIN_TOTAL), seen.curve(metrics.WEIGHT_NORM)
    decay = entry["eta"] * entry["lambda"] / _n(seen)
    if decay >= decay_bound(seen.plan["momentum"]) and (seen.overflow or norm[-1] > 2 * norm[0]):
        return "decay"
    low = int(np.argmin(total))
    if not seen.overflow and _penalty_grows(seen) and len(_rises(seen)) < 2:
        return None
    if seen.overflow or total[-1] > 5 * total[0]:
        edges = np.fmax(seen.curve(metrics.EDGE), seen.curve(metrics.BATCH_EDGE))
        if np.nanmax(edges[low : low + 2]) > 1:
            return "curvature"
    bound = largest_data_cost(seen.plan["output"], seen.plan["cost"], 10)
    if bound is not None and total[-1] - total[low] > bound:
        return "not_descending"
    return "unknown" if seen.overflow or total[-1] > 5 * total[0] else None


def _n(seen: Seen) -> int:
    return len(data_of(seen.entry["dataset"]).train) - int(seen.plan["validation"])


def _rises(seen: Seen) -> list[tuple[int, int]]:
    """(low, high) of each rise of the total by a quarter, and by a twentieth of a constant answer's cost."""
    total, found, low = seen.curve(metrics.TRAIN_TOTAL), [], 0
    while low < len(total) - 1:
        if total[low + 1] <= total[low]:
            low += 1
            continue
        high = low + 1
        while high + 1 < len(total) and total[high + 1] > 0.8 * total[low : high + 1].max():
            high += 1
        high = low + int(np.argmax(total[low : high + 1]))
        if total[high] - total[low] >= max(0.25 * total[low], 0.05 * seen.base):
            found.append((low, high))
        low = max(high, low + 1)
    return found


def _penalty_grows(seen: Seen) -> bool:
    """The reported total ends above its lowest, and the data cost has no part in it."""
    low, lowest = seen.lowest(metrics.VALIDATION_TOTAL)
    rise = seen.end(metrics.VALIDATION_TOTAL) - lowest
    data = seen.end(metrics.VALIDATION_DATA) - float(
        seen.curve(metrics.VALIDATION_DATA)[low : low + seen.quarter].mean()
    )
    learns = seen.end(metrics.TRAIN_DATA) < 0.95 * seen.base
    return seen.entry["lambda"] > 0 and learns and rise >= 0.03 * lowest and data < 0.1 * rise


def _falls(seen: Seen) -> bool:
    """The total loses a tenth from a quarter to the next, or falls in a line; by what matters."""
    last, before, earlier = (seen.end(metrics.TRAIN_TOTAL, back) for back in range(3))
    lost = before - last
    return lost >= 0.005 * seen.base and (lost >= 0.1 * before or lost >= 0.6 * (earlier - before) > 0)


def _fell(seen: Seen, metric: str, since: int) -> bool:
    return seen.end(metric) < float(seen.curve(metric)[since : since + seen.quarter].mean())


def _is_free(seen: Seen) -> bool:
    """No unit saturated, no step too large, no decay that wins: nothing but time is in its way."""
    edges = np.fmax(seen.curve(metrics.EDGE), seen.curve(metrics.BATCH_EDGE))[1:]
    norm, data = seen.curve(metrics.WEIGHT_NORM), seen.curve(metrics.TRAIN_DATA)
    return bool(not _is_saturated(seen) and np.nanmax(edges) <= 1 and norm[-1] >= 0.9 * norm[0] and data[-1] <= data[0])


def _is_saturated(seen: Seen) -> bool:
    """Half the units of a layer, or dead."""
    last = seen.records[-1].measures
    return max((value for name, value in last.items() if "saturation" in name), default=0.0) >= 0.5


def _is_useless(seen: Seen) -> bool:
    level, right = seen.end(metrics.TRAIN_DATA), (10 * seen.end(metrics.TRAIN_ACCURACY) - 1) / 9
    return level >= 0.8 * seen.base or (level >= 0.5 * seen.base and right < 0.5)


def main() -> None:
    """Writes the hold-out."""
    lines = [
        "# Random trainings on digits and on 3,000 images of MNIST, drawn and labelled by label_by_curves.py before",
        "# any verdict on them was computed. No rule is tuned on them: test_labelled.py lists the misses.",
    ]
    for number, entry in enumerate(drawn()):
        records = trained(entry)
        word, cause = label(Seen(records, entry))
        total = [f"{record.measures[metrics.TRAIN_TOTAL]:.3g}" for record in records]
        settings = {key: value for key, value in entry.items() if key != "plan"}
        settings |= {f"plan.{key}": value for key, value in entry["plan"].items()} | {"label": word}
        settings |= {"cause": cause} if cause else {}
        settings |= {"reason": f"total {' '.join(total[:: max(1, len(total) // 8)])} to {total[-1]}"}
        lines += ["", f"[random_{number:02}]", *(f"{key} = {_toml(value)}" for key, value in settings.items())]
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


if __name__ == "__main__":
    main()
