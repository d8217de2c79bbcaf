"""How many trials each sampler needs to locate the border between stable and unstable settings.

The borders are two formulas, with 2 % of the trials told on the wrong side, and two of real trainings: truth.py. The
error is the share of the searched area on the wrong side of the estimated border (P(stable) = 1/2), by the same
estimator for all samplers, averaged over seeds.

Run: python tests/benchmarks/border.py [--seeds 5] [--lag 8] [--trials 20 40 80 160] [--borders edge digits]
"""

import argparse
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from truth import WORLDS, looked_up, middles, table

from sweeps.sampling.border_model import Space, fit_border
from sweeps.sampling.outcomes import Outcome
from sweeps.sampling.proposer import proposer
from sweeps.specification.domains import Settings
from sweeps.specification.reading import parse_spec
from sweeps.specification.spec import SweepSpec
from sweeps.verdicts.facts import State

SAMPLERS = ("border", "random", "qmc")
NOISE = 0.02  # of the trials, told on the wrong side
TRIALS = (20, 40, 80, 160)  # after which the error is taken


@dataclass(frozen=True)
class Truth:
    """Whether a setting is stable. side: of the grid of middles on which the error is measured.

    noise: share of the trials that are told on the wrong side; real ones have their own.
    """

    stable: Callable[[Settings], bool]
    noise: float = NOISE
    side: int = 60


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
    flips = np.random.default_rng([spec.seed, 1]).random(spec.trials) < truth.noise
    source, told = proposer(spec), 0
    settings: list[Settings] = []
    stable: list[bool] = []
    for number in range(spec.trials):
        while told <= number - spec.lag:
            source.tell(Outcome(State.COMPLETE, (0.0,), 1, stable[told]))
            told += 1
        settings.append(source.propose())
        stable.append(truth.stable(settings[-1]) ^ bool(flips[number]))
    return settings, np.array(stable)


def error(spec: SweepSpec, settings: list[Settings], stable: NDArray[np.bool_], truth: Truth) -> float:
    """The share of the searched area that the estimate puts on the wrong side."""
    space, at = Space(spec.varied), middles(truth.side)
    eta, lmbda = spec.varied["eta"], spec.varied["lambda"]
    grid: list[Settings] = [{"eta": eta.at(u), "lambda": lmbda.at(v)} for u in at for v in at]
    estimate = fit_border(space, space.points(settings), stable).probability(space.points(grid)) > 0.5
    return float(np.mean(estimate != np.array([truth.stable(one) for one in grid])))


def errors(sampler: str, seed: int, truth: Truth, counts: Sequence[int], lag: int) -> list[float]:
    """The error after each of `counts` trials."""
    spec = spec_of(sampler, seed, max(counts), lag)
    settings, stable = sample(spec, truth)
    return [error(spec, settings[:count], stable[:count], truth) for count in counts]


def truths() -> dict[str, Truth]:
    """By name."""
    made = {"edge": Truth(edge), "curved": Truth(curved)}
    for world in WORLDS:
        stable = table(world)
        made[world] = Truth(partial(looked_up, stable), 0.0, len(stable))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--lag", type=int, default=8)
    parser.add_argument("--trials", type=int, nargs="+", default=TRIALS)
    parser.add_argument("--borders", nargs="+", default=["edge", "curved", *WORLDS])
    given = parser.parse_args()
    for name in given.borders:
        print(f"{name}: error in % of the area, mean of {given.seeds} seeds, lag {given.lag}")
        print(f"{'trials':>8}", *(f"{count:>7}" for count in given.trials))
        found = {}
        for sampler in SAMPLERS:
            run = partial(errors, sampler, truth=truths()[name], counts=given.trials, lag=given.lag)
            found[sampler] = np.mean([run(seed=seed) for seed in range(given.seeds)], axis=0)
            print(f"{sampler:>8}", *(f"{100 * mean:7.2f}" for mean in found[sampler]), flush=True)
        for few, many in itertools.combinations(range(len(given.trials)), 2):
            if 2 * given.trials[few] == given.trials[many]:
                ahead = [other for other in SAMPLERS[1:] if found["border"][few] <= found[other][many]]
                print(
                    f"  with {given.trials[few]} trials as good as {' and '.join(ahead) or 'none'} with twice as many"
                )


if __name__ == "__main__":
    main()
