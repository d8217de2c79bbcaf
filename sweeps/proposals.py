"""Which settings a trial gets: a pure function of the spec, its number, and the results it may know. Imports Optuna."""

import importlib
import itertools
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

from sweeps.domains import Choices, Domain, Setting, Settings, encode
from sweeps.spec import OBJECTIVES, SweepSpec
from sweeps.trial import State

optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True)
class Outcome:
    """What is told of a trial: a value for each objective (none when it failed), and its last epoch."""

    state: State
    values: tuple[float, ...] = ()
    epoch: int = 0


def worst(objective: str) -> float:
    """What a diverged trial is told to be worth. Infinity teaches the sampler; NaN or a failure would not."""
    return math.inf if OBJECTIVES[objective][1] > 0 else 0.0


class Proposer(Protocol):
    """Proposes trial 0, 1, 2, ... in turn; knows the settings of all before, and the results it was told."""

    def propose(self) -> Settings:
        """Settings of the next trial."""

    def adopt(self, settings: Settings) -> None:
        """Takes the next trial's settings from the record instead of proposing them."""

    def tell(self, outcome: Outcome) -> None:
        """The result of the next trial of which none was told yet."""


def proposer(spec: SweepSpec) -> Proposer:
    """The one that the spec asks for."""
    match spec.sampler:
        case "grid":
            return _Sequence(spec, _grid(spec))
        case "qmc":
            return _Sequence(spec, _sobol(spec))
        case _:
            return _Study(spec)


class _Sequence:
    """Proposals that depend on their number only."""

    def __init__(self, spec: SweepSpec, points: Sequence[Settings]) -> None:
        self._fixed, self._points, self._next = spec.fixed, points, 0

    def propose(self) -> Settings:
        self._next += 1
        return self._fixed | self._points[self._next - 1]

    def adopt(self, settings: Settings) -> None:
        del settings
        self._next += 1

    def tell(self, outcome: Outcome) -> None:
        del outcome


def _grid(spec: SweepSpec) -> list[Settings]:
    """Every combination once, shuffled by the seed: an interrupted grid has seen a bit of everything."""
    choices = {name: domain.values for name, domain in spec.varied.items() if isinstance(domain, Choices)}
    points = [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]
    order = np.random.default_rng(spec.seed).permutation(len(points))
    return [points[i] for i in order]


def _sobol(spec: SweepSpec) -> list[Settings]:
    """A scrambled Sobol sequence over the varied fields, the same for any number of trials."""
    from scipy.stats import qmc  # takes seconds to import, and few sweeps need it

    if not spec.varied:
        return [{}] * spec.trials
    engine = qmc.Sobol(len(spec.varied), scramble=True, rng=spec.seed)
    points = engine.random_base2(max(0, math.ceil(math.log2(spec.trials))))
    return [
        {name: domain.at(u) for u, (name, domain) in zip(row, spec.varied.items(), strict=True)}
        for row in points.tolist()
    ]


class _Study:
    """Proposals of an Optuna sampler that is made anew for each trial, seeded by the sweep's seed and its number."""

    def __init__(self, spec: SweepSpec) -> None:
        self._spec, self._trials, self._told = spec, list[optuna.Trial](), 0
        self._study = _new_study(spec)
        self._distributions = _distributions(spec)

    def propose(self) -> Settings:
        seed = np.random.SeedSequence([self._spec.seed, len(self._trials)]).generate_state(1)[0]
        self._study.sampler = _sampler(self._spec, int(seed))
        with warnings.catch_warnings():  # a diverged trial is infinitely bad, which gp takes for the worst finite value
            warnings.filterwarnings("ignore", "Clip non-finite values", UserWarning)
            trial = self._study.ask(self._distributions)
        self._trials.append(trial)
        return self._spec.fixed | {
            name: _from_optuna(self._spec, name, trial.params[name]) for name in self._spec.varied
        }

    def adopt(self, settings: Settings) -> None:
        self._study.sampler = RandomSampler(seed=0)  # is not asked: the trial's values are given
        self._study.enqueue_trial(_to_optuna(self._spec, settings))
        self._trials.append(self._study.ask(self._distributions))

    def tell(self, outcome: Outcome) -> None:
        trial = self._trials[self._told]
        self._told += 1
        if outcome.state is State.COMPLETE:
            self._study.tell(trial, outcome.values)
        elif outcome.state is State.PRUNED:
            trial.report(outcome.values[0], outcome.epoch)  # becomes the trial's value
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, state=TrialState.FAIL)


def _sampler(spec: SweepSpec, seed: int) -> BaseSampler:
    match spec.sampler:
        case "random":
            return RandomSampler(seed=seed)
        case "gp":
            importlib.import_module("torch").set_num_threads(1)  # sums in one order, whatever the machine
            return GPSampler(seed=seed)
        case _:
            return TPESampler(seed=seed, multivariate=True, constant_liar=True)


@dataclass(frozen=True)
class FinishedTrial:
    """A trial for `study`: its settings, what is told of it, and, for each epoch, the first objective."""

    settings: Settings
    outcome: Outcome
    curve: Mapping[int, float]


def study(spec: SweepSpec, trials: Sequence[FinishedTrial]) -> optuna.Study:
    """The sweep as an in-memory Optuna study, for optuna.visualization and optuna.importance."""
    rebuilt = _new_study(spec)
    states = {State.COMPLETE: TrialState.COMPLETE, State.PRUNED: TrialState.PRUNED, State.FAILED: TrialState.FAIL}
    for trial in trials:
        values = trial.outcome.values or None
        single = len(spec.objective) == 1
        rebuilt.add_trial(
            create_trial(
                state=states[trial.outcome.state],
                values=values,
                params=_to_optuna(spec, trial.settings),
                distributions=_distributions(spec),
                intermediate_values=dict(trial.curve) if single else None,
            )
        )
    return rebuilt


def _new_study(spec: SweepSpec) -> optuna.Study:
    signs = [OBJECTIVES[objective][1] for objective in spec.objective]
    directions = [StudyDirection.MINIMIZE if sign > 0 else StudyDirection.MAXIMIZE for sign in signs]
    created = optuna.create_study(study_name=spec.name, directions=directions, sampler=RandomSampler(seed=0))
    with warnings.catch_warnings():  # experimental since 2023, and needed only for the labels of plots
        warnings.simplefilter("ignore", ExperimentalWarning)
        created.set_metric_names(list(spec.objective))
    return created


def _distributions(spec: SweepSpec) -> dict[str, BaseDistribution]:
    return {name: _distribution(domain) for name, domain in spec.varied.items()}


def _distribution(domain: Domain) -> BaseDistribution:
    if isinstance(domain, Choices):
        return CategoricalDistribution([_plain(value) for value in domain.values])
    if domain.integer:
        return IntDistribution(int(domain.low), int(domain.high), log=domain.log)
    return FloatDistribution(domain.low, domain.high, log=domain.log)


def _to_optuna(spec: SweepSpec, settings: Settings) -> dict[str, float | int | str]:
    return {name: _plain(settings[name]) for name in spec.varied}


def _plain(value: Setting) -> float | int | str:
    """Optuna's categories are scalars: a list becomes its text."""
    return encode(value) if isinstance(value, tuple) else value


def _from_optuna(spec: SweepSpec, name: str, value: float | int | str) -> Setting:
    domain = spec.varied[name]
    if isinstance(domain, Choices):
        return next(choice for choice in domain.values if _plain(choice) == value)
    return value
