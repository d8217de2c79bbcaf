"""Where trainings on real data are stable: verdicts on a dense grid over eta and lambda, half an hour of training.

The tables are beside this file, one character a verdict (its first letter, see LETTERS), a line for each lambda, the
lowest first, and in it a character for each eta, the lowest first; the settings are the middles of even steps of the
logarithmic ranges. Run, to make them anew: python tests/benchmarks/truth.py digits|mnist
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from model import Dataset, Hyperparameters, TrainingPlan, digits, mnist, train
from sweeps.specification.domains import Range, Settings
from sweeps.verdicts.curves import curves_of
from sweeps.verdicts.facts import State
from sweeps.verdicts.rules import assess, is_certain
from sweeps.verdicts.verdict import STABLE, Verdict
from sweeps.worker.facts import trial_facts

SIDES = {"digits": 48, "mnist": 32}
ETA = Range(0.01, 100.0, log=True)
LAMBDA = Range(0.01, 10000.0, log=True)
LETTERS = {
    "c": Verdict.CONVERGED,
    "s": Verdict.SLOW,
    "^": Verdict.SPIKED,
    "p": Verdict.PENALTY_GROWTH,
    "f": Verdict.OVERFITTING,
    "u": Verdict.UNDERFITTED,
    "o": Verdict.OSCILLATING,
    "t": Verdict.STALLED,
    "v": Verdict.COLLAPSED,
    "x": Verdict.DIVERGED,
}


def _few_of_mnist() -> Dataset:
    """The first 3,000 training examples: 500 of them are held back, and a training takes a quarter of a second."""
    data = mnist()
    return replace(data, train=data.train[:3000])


WORLDS: dict[str, tuple[Callable[[], Dataset], TrainingPlan]] = {
    "digits": (digits, TrainingPlan(dataset="digits", validation=300, epochs=10)),
    "mnist": (_few_of_mnist, TrainingPlan(dataset="mnist", validation=500, epochs=8)),
}
BATCH_SIZE = 10


def verdict(world: str, eta: float, lmbda: float) -> Verdict:
    """Of a training with the default network, ended once its verdict is certain."""
    make, plan = WORLDS[world]
    data, hyperparameters = make(), Hyperparameters(eta, lmbda, BATCH_SIZE)
    known = partial(trial_facts, plan, hyperparameters, data, State.COMPLETE)
    epochs = []
    with threadpool_limits(limits=1, user_api="blas"):
        for record in train(plan, hyperparameters, data, np.random.default_rng([0, 0])):
            epochs.append(record)
            if record.finite and is_certain(curves_of(epochs), known(None)):
                break
    diverged_epoch = None if epochs[-1].finite else epochs[-1].epoch
    return assess(curves_of(epochs), known(diverged_epoch)).verdict


def table(world: str) -> NDArray[np.bool_]:
    """(lambda, eta): whether the verdict counts as stable."""
    lines = Path(__file__).with_name(f"truth_{world}.txt").read_text(encoding="ascii").splitlines()
    return np.array([[LETTERS[letter] in STABLE for letter in line] for line in lines if not line.startswith("#")])


def looked_up(stable: NDArray[np.bool_], settings: Settings) -> bool:
    """Of the nearest setting in the table."""
    places = []
    for domain, value in ((LAMBDA, settings["lambda"]), (ETA, settings["eta"])):
        u = np.log(float(str(value)) / domain.low) / np.log(domain.high / domain.low)
        places.append(min(len(stable) - 1, max(0, int(u * len(stable)))))
    return bool(stable[tuple(places)])


def middles(side: int) -> NDArray[np.float64]:
    """Of even steps from 0 to 1."""
    return (np.arange(side) + 0.5) / side


def _row(world: str, v: float) -> str:
    letter = {verdict: letter for letter, verdict in LETTERS.items()}
    return "".join(letter[verdict(world, float(ETA.at(u)), float(LAMBDA.at(v)))] for u in middles(SIDES[world]))


def main() -> None:
    (world,) = sys.argv[1:]
    _, plan = WORLDS[world]
    with Path(__file__).with_name(f"truth_{world}.txt").open("w", encoding="ascii") as file:
        print(f"# {plan}", file=file)
        print(
            f"# batch size {BATCH_SIZE}, eta {ETA.low:g} to {ETA.high:g}, lambda {LAMBDA.low:g} to {LAMBDA.high:g}",
            file=file,
        )
        for v in middles(SIDES[world]):
            print(_row(world, v), file=file, flush=True)


if __name__ == "__main__":
    main()
