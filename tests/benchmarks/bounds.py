"""Where trainings stop being stable in eta, against the bounds of theory: the table and the picture of docs/bounds.md.

The border is found without any bound: verdicts are by curves alone, no curvature is measured. Of etas a factor 2 apart,
those at which two of three starts are stable make rows; above the longest row (below it training may be too slow to
tell, far above it a start may be lucky) the factor is halved on the logarithmic scale, to 1.09. That is some 60
trainings a border, where a grid as fine has 350. At the last stable eta the starts are trained again, measured.

python tests/benchmarks/bounds.py digits|mnist    adds what is missing to truth_bounds_<world>.csv: 2 and 6 minutes of a
                                                  processor for all of it
python tests/benchmarks/bounds.py draw            makes docs/bounds.png of both, and prints the table of docs/bounds.md
"""

import csv
import itertools
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import get_type_hints

import numpy as np
from threadpoolctl import threadpool_limits
from truth import WORLDS

from model import Dataset, Hyperparameters, Probing, TrainingPlan, metrics, train
from model.bounds import batch_edge, edge, noise_share
from sweeps.verdicts.curves import Curves, curves_of
from sweeps.verdicts.facts import State
from sweeps.verdicts.rules import assess
from sweeps.verdicts.verdict import STABLE, Verdict
from sweeps.worker.facts import trial_facts

PAIRS = {
    "sigmoid-quadratic": {"activation": "sigmoid", "output": "sigmoid", "cost": "quadratic"},
    "tanh-softmax": {"activation": "tanh", "output": "softmax", "cost": "cross_entropy"},
    "relu-softmax": {"activation": "relu", "output": "softmax", "cost": "cross_entropy"},
}
MOMENTA, BATCH_SIZES = (0.0, 0.5, 0.9), (5, 20, 100)
EXAMPLES = {"digits": 1200, "mnist": 2500}
DECAYS = {"digits": (0.0, 2.0), "mnist": (0.0,)}  # lambda on 1,200 examples
EPOCHS, STARTS = 8, 3
COARSE, FINE = tuple(2.0**k for k in range(-7, 9)), 1.09
ONLY_CURVES = Probing(0, 0, 0, batch_sharpness=0)


@dataclass(frozen=True)
class Border:
    """A row of the table. eta: the largest stable one. beyond: what the trainings became just above it.

    The rest are medians over starts at eta, after the first epoch (first_) and over all epochs: both sharpnesses and
    the noise scale.
    """

    world: str
    pair: str
    lmbda: float
    batch_size: int
    momentum: float
    eta: float
    beyond: str
    first_sharpness: float
    first_batch_sharpness: float
    first_noise_scale: float
    sharpness: float
    batch_sharpness: float
    noise_scale: float


def main() -> None:
    """By the words of the command line."""
    (word,) = sys.argv[1:]
    if word == "draw":
        found = [border for world in WORLDS for border in recorded(world)]
        draw(found)
        print("\n".join([*shares(found), "", *lines(found)]))
        return
    known = recorded(word)
    with threadpool_limits(limits=1, user_api="blas"), table(word).open("w", newline="", encoding="ascii") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Border)])
        writer.writeheader()
        for border in borders(word, known):
            rounded = {key: float(f"{v:.5g}") if isinstance(v, float) else v for key, v in asdict(border).items()}
            writer.writerow(rounded)
            file.flush()


def table(world: str) -> Path:
    """Of a world's borders."""
    return Path(__file__).with_name(f"truth_bounds_{world}.csv")


def borders(world: str, known: list[Border]) -> Iterator[Border]:
    """Of every combination, the known ones as they are."""
    make, plan = WORLDS[world]
    data = make()
    for pair, decay, m, momentum in itertools.product(PAIRS, DECAYS[world], BATCH_SIZES, MOMENTA):
        lmbda = decay * EXAMPLES[world] / 1200
        if found := chosen(known, pair, lmbda > 0, momentum, m):
            yield from found
            continue
        given = TrainingPlan(plan.dataset, plan.validation, epochs=EPOCHS, momentum=momentum, **PAIRS[pair])
        eta, beyond = largest_stable(data, given, lmbda, m)
        yield Border(
            world, pair, lmbda, m, momentum, eta, beyond, *measured(data, given, Hyperparameters(eta, lmbda, m))
        )


def largest_stable(data: Dataset, plan: TrainingPlan, lmbda: float, m: int) -> tuple[float, str]:
    """(the largest eta of the longest row of stable ones, the commonest verdict just above it)."""
    found = [verdicts(data, plan, Hyperparameters(eta, lmbda, m)) for eta in COARSE]
    rows = [0]  # how many stable ones end here
    for words in found:
        rows.append(rows[-1] + 1 if is_stable(words) else 0)
    last = int(np.argmax(rows)) - 1
    low, high, beyond = COARSE[last], COARSE[last + 1], commonest(found[last + 1])
    while high / low > FINE:
        middle = float(np.sqrt(low * high))
        words = verdicts(data, plan, Hyperparameters(middle, lmbda, m))
        if is_stable(words):
            low = middle
        else:
            high, beyond = middle, commonest(words)
    return low, beyond


def commonest(words: list[Verdict]) -> str:
    """Of the starts' verdicts, those that are not stable."""
    return Counter(word for word in words if word not in STABLE).most_common(1)[0][0]


def is_stable(words: list[Verdict]) -> bool:
    """Whether most starts are."""
    return sum(word in STABLE for word in words) > len(words) / 2


def verdicts(data: Dataset, plan: TrainingPlan, given: Hyperparameters) -> list[Verdict]:
    """A start each, by curves alone."""
    found = []
    for start in range(STARTS):
        epochs = list(train(plan, given, data, np.random.default_rng([0, start]), probing=ONLY_CURVES))
        diverged_epoch = None if epochs[-1].finite else epochs[-1].epoch
        known = trial_facts(plan, given, data, State.COMPLETE, diverged_epoch)
        found.append(assess(curves_of(epochs), known).verdict)
    return found


def measured(data: Dataset, plan: TrainingPlan, given: Hyperparameters) -> list[float]:
    """Medians over the starts: sharpness, batch sharpness, noise scale, after the first epoch and over all epochs."""
    names = (metrics.SHARPNESS, metrics.BATCH_SHARPNESS, metrics.NOISE_SCALE)
    runs: list[Curves] = [
        curves_of(list(train(plan, given, data, np.random.default_rng([0, start])))) for start in range(STARTS)
    ]
    first = [float(np.median([run[name][1] for run in runs])) for name in names]
    return [*first, *(float(np.median([np.nanmedian(run[name][1:]) for run in runs])) for name in names)]


def recorded(world: str) -> list[Border]:
    """The rows of a table, none where there is no table."""
    if not table(world).exists():
        return []
    kinds = get_type_hints(Border)
    with table(world).open(encoding="ascii") as file:
        return [Border(**{name: kinds[name](text) for name, text in row.items()}) for row in csv.DictReader(file)]


def chosen(found: list[Border], pair: str, is_decaying: bool, momentum: float, m: int) -> list[Border]:
    """Those of a combination."""
    return [b for b in found if (b.pair, b.lmbda > 0, b.momentum, b.batch_size) == (pair, is_decaying, momentum, m)]


def noise_of(b: Border) -> float:
    """Its share of a mini-batch's squared gradient."""
    return noise_share(b.noise_scale, b.batch_size, EXAMPLES[b.world])


BOUNDS = {  # eta over each at the measured border: 1 where it holds, by medians over the epochs
    "edge": lambda b: edge(b.eta, b.sharpness, b.momentum),
    "batch, 1 + b": lambda b: batch_edge(b.eta, b.batch_sharpness, 0.0, b.momentum),
    "batch, 1 - b": lambda b: batch_edge(b.eta, b.batch_sharpness, 1.0, b.momentum),
    "by regime": lambda b: batch_edge(b.eta, b.batch_sharpness, float(noise_of(b) > 0.5), b.momentum),
    "batch edge": lambda b: batch_edge(b.eta, b.batch_sharpness, noise_of(b), b.momentum),
}
NEAR, FAR = 1.3, 2.0


def lines(found: list[Border]) -> Iterator[str]:
    """The table of docs/bounds.md, in Markdown: a row for each pair, lambda or none, momentum and batch size."""
    yield "| | b | batch | lambda | border in eta | noise scale | just above | " + " | ".join(BOUNDS) + " |"
    yield "| --- " * (7 + len(BOUNDS)) + "|"
    for pair, decay, momentum, m in itertools.product(PAIRS, DECAYS["digits"], MOMENTA, BATCH_SIZES):
        rows = chosen(found, pair, decay > 0, momentum, m)
        etas, noise = (" ".join(f"{getattr(b, name):.2g}" for b in rows) for name in ("eta", "noise_scale"))
        above = " ".join(dict.fromkeys(b.beyond.replace("_", " ") for b in rows))
        values = " | ".join(judged([bound(b) for b in rows]) for bound in BOUNDS.values())
        lmbda = "yes" if decay else "no"
        yield f"| {pair} | {momentum:g} | {m} | {lmbda} | {etas} | {noise} | {above} | {values} |"


def shares(found: list[Border]) -> Iterator[str]:
    """How many borders each bound meets within NEAR and within FAR, in Markdown: by output and momentum."""
    yield "| output | b | borders | " + " | ".join(BOUNDS) + " |"
    yield "| --- " * (3 + len(BOUNDS)) + "|"
    for output, momentum in itertools.product(("softmax", "quadratic"), MOMENTA):
        rows = [b for b in found if b.pair.endswith(output) and b.momentum == momentum]
        off = {name: [apart(bound(b)) for b in rows] for name, bound in BOUNDS.items()}
        cells = [f"{sum(o <= NEAR for o in all_)}, {sum(o <= FAR for o in all_)}" for all_ in off.values()]
        yield f"| {'sigmoid, quadratic' if output == 'quadratic' else output} | {momentum:g} | {len(rows)} | " + (
            " | ".join(cells) + " |"
        )


def apart(value: float) -> float:
    """The factor by which it misses 1."""
    return max(value, 1 / value) if value > 0 else np.inf


def judged(values: list[float]) -> str:
    """The values, in bold where all lie within NEAR of 1, in brackets where one lies beyond FAR."""
    said = " ".join(f"{value:.2f}" for value in values)
    off = max(apart(value) for value in values)
    return f"**{said}**" if off <= NEAR else f"({said})" if off > FAR else said


def draw(found: list[Border]) -> None:
    """A panel a bound: the border that it predicts against the measured one."""
    import matplotlib as mpl

    mpl.use("agg")
    mpl.rcParams |= {"font.size": 8}
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, len(BOUNDS), figsize=(13, 3.1), sharey=True, layout="constrained")
    span = np.array([0.004, 200.0])
    for panel, (name, bound) in zip(panels, BOUNDS.items(), strict=True):
        for factor, shade in ((FAR, "#eeeeee"), (NEAR, "#d5d5d5")):
            panel.fill_between(span, span / factor, span * factor, color=shade, lw=0)
        for (pair, colour), (momentum, marker) in itertools.product(
            zip(PAIRS, ("#0067a8", "#a05a00", "#00705a"), strict=True), zip(MOMENTA, "o^s", strict=True)
        ):
            drawn = [b for b in found if (b.pair, b.momentum) == (pair, momentum) and bound(b) > 0]
            label = f"{pair}, b = {momentum:g}" if panel is panels[0] else None
            panel.plot(
                [b.eta / bound(b) for b in drawn],
                [b.eta for b in drawn],
                marker,
                c=colour,
                ms=4,
                mfc="none",
                label=label,
            )
        panel.set(xscale="log", yscale="log", xlim=span, ylim=span, title=name, xlabel="predicted border in eta")
    panels[0].set_ylabel("measured border in eta")
    figure.legend(loc="outside right center", frameon=False)
    figure.savefig(Path(__file__).parents[2] / "docs" / "bounds.png", dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main()
