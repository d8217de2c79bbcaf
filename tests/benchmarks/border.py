"""How many trials each sampler needs to locate the border between stable and unstable settings.

The error is the share of the searched area on the wrong side of the estimated border (P(stable) = 1/2), by the same
estimator for all samplers, averaged over seeds. Run: python tests/benchmarks/border.py [--seeds 5] [--trials 160]
"""

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps.border import Space, fit_border
from sweeps.domains import Settings
from sweeps.parsing import parse_spec
from sweeps.proposals import Outcome, proposer
from sweeps.spec import SweepSpec
from sweeps.trial import State

SAMPLERS = ("border", "random", "qmc")
NOISE = 0.02  # of the trials, told on the wrong side
FRACTIONS = (0.25, 0.5, 0.75, 1.0)  # of the trials, at which the error is taken
_GRID = 60  # a side, of the points on which the error is measured

Truth = Callable[[Settings], bool]


def edge(settings: Settings) -> bool:
    """eta (h + lambda / n) < 2, with h = 1.5 and n = 1,500: flat where lambda is small, then a slope of -1."""
    return settings["eta"] * (1.5 + settings["lambda"] / 1500) < 2


def curved(settings: Settings) -> bool:
    """A bay: unstable at large eta, at large lambda, and less far out in the middle."""
    u, v = np.log10(settings["eta"] / 0.01) / 4, np.log10(settings["lambda"] / 0.01) / 6
    return bool(u + 0.15 * np.sin(2 * np.pi * v) < 0.6 and v < 0.9 - 0.3 * u**2)


def spec_of(sampler: str, seed: int, trials: int, lag: int) -> SweepSpec:
    search: dict[str, Any] = {
        "eta": {"low": 0.01, "high": 100.0, "log": True},
        "lambda": {"low": 0.01, "high": 10000.0, "log": True},
        "batch_size": 10,
    }
    table = {"name": "border", "sampler": sampler, "seed": seed, "trials": trials, "lag": lag, "search": search}
    return parse_spec(table, check_data=False)


def sample(spec: SweepSpec, truth: Truth) -> tuple[list[Settings], NDArray[np.bool_]]:
    """The settings that a sampler asks for, and what it is told of them, noise and all."""
    flips = np.random.default_rng([spec.seed, 1]).random(spec.trials) < NOISE
    source, told = proposer(spec), 0
    settings: list[Settings] = []
    stable: list[bool] = []
    for number in range(spec.trials):
        while told <= number - spec.lag:
            source.tell(Outcome(State.COMPLETE, (0.0,), 1, stable[told]))
            told += 1
        settings.append(source.propose())
        stable.append(truth(settings[-1]) ^ bool(flips[number]))
    return settings, np.array(stable)


def error(spec: SweepSpec, settings: list[Settings], stable: NDArray[np.bool_], truth: Truth) -> float:
    """The share of the searched area that the estimate puts on the wrong side."""
    space, at = Space(spec.varied), (np.arange(_GRID) + 0.5) / _GRID
    eta, lmbda = spec.varied["eta"], spec.varied["lambda"]
    grid: list[Settings] = [{"eta": eta.at(u), "lambda": lmbda.at(v)} for u in at for v in at]
    estimate = fit_border(space, space.points(settings), stable).probability(space.points(grid)) > 0.5
    return float(np.mean(estimate != np.array([truth(one) for one in grid])))


def errors(sampler: str, seed: int, truth: Truth, trials: int, lag: int, counts: list[int]) -> list[float]:
    """The error after each of `counts` trials."""
    spec = spec_of(sampler, seed, trials, lag)
    settings, stable = sample(spec, truth)
    return [error(spec, settings[:count], stable[:count], truth) for count in counts]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=160)
    parser.add_argument("--lag", type=int, default=16)
    given = parser.parse_args()
    counts = [int(fraction * given.trials) for fraction in FRACTIONS]
    for truth in (edge, curved):
        print(f"{truth.__name__}: error in % of the area, mean of {given.seeds} seeds, lag {given.lag}")
        print(f"{'trials':>8}", *(f"{count:>7}" for count in counts))
        for sampler in SAMPLERS:
            run = partial(errors, sampler, truth=truth, trials=given.trials, lag=given.lag, counts=counts)
            means = np.mean([run(seed=seed) for seed in range(given.seeds)], axis=0)
            print(f"{sampler:>8}", *(f"{100 * mean:7.2f}" for mean in means), flush=True)


if __name__ == "__main__":
    main()
