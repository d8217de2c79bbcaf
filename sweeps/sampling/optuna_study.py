"""Which settings a trial gets: a pure function of the spec, its number, and the results it may know. Imports Optuna."""

import importlib
import itertools
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.importance import FanovaImportanceEvaluator
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial
from threadpoolctl import threadpool_limits

from sweeps.specification.domains import Choices, Domain, Setting, Settings, encode
from sweeps.specification.spec import OBJECTIVES, SweepSpec
from sweeps.worker.trial import State

if TYPE_CHECKING:  # SciPy's optimiser takes long to import, and few sweeps need it
    from sweeps.sampling.border_model import Kernel

optuna.logging.set_verbosity(optuna.logging.WARNING)

_TREES = 16  # of the importances' forest: Optuna's 64 take four times as long for the same shares to a few per cent
_SOUND = 8  # trials with a finite result, below which importances say nothing

_CANDIDATES = 256  # of which the border sampler takes one; other ones for each trial
_FIRST_FIT = 8  # trials told before the border's kernel is fitted, and the share of them after which it is fitted anew


@dataclass(frozen=True)
class Outcome:
    """What is told of a trial: a value for each objective (none when it failed), and its last epoch.

    stable: whether training works with its settings, None where its verdicts do not say.
    """

    state: State
    values: tuple[float, ...] = ()
    epoch: int = 0
    stable: bool | None = None


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
            return _Sequence(spec, _sobol(spec, spec.trials))
        case "border":
            return BorderSampler(spec)
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


def _sobol(spec: SweepSpec, count: int, *stream: int) -> list[Settings]:
    """At least `count` points of a scrambled Sobol sequence over the varied fields, the same for any count.

    stream: numbers that, with the spec's seed, make it another sequence.
    """
    from scipy.stats import qmc  # takes seconds to import, and few sweeps need it

    if not spec.varied:
        return [{}] * count
    seed = np.random.default_rng([spec.seed, *stream]) if stream else spec.seed
    engine = qmc.Sobol(len(spec.varied), scramble=True, rng=seed)
    points = engine.random_base2(max(0, math.ceil(math.log2(count))))
    return [
        {name: domain.at(u) for u, (name, domain) in zip(row, spec.varied.items(), strict=True)}
        for row in points.tolist()
    ]


class BorderSampler:
    """Proposals where the border between stable and unstable settings is least certain; until it has two sides, Sobol.

    Trials without a verdict, running ones among them, count as if they were to end as expected: so the trials of one
    moment spread out, and a setting that always fails is not asked for again and again.
    """

    def __init__(self, spec: SweepSpec) -> None:
        from sweeps.sampling.border_model import Space

        self._spec, self._space = spec, Space(spec.varied)
        self._first = _sobol(spec, spec.trials)
        self._settings: list[Settings] = []
        self._stable: list[bool | None] = []
        self._kernels: dict[int, Kernel] = {}  # by the number of trials told that it was fitted to

    def propose(self) -> Settings:
        number = len(self._settings)
        if {True, False} <= set(self._stable):
            proposed = self._most_telling(_sobol(self._spec, _CANDIDATES, number))
        else:
            proposed = self._first[number]
        self._settings.append(self._spec.fixed | proposed)
        return self._settings[-1]

    def adopt(self, settings: Settings) -> None:
        self._settings.append(settings)

    def tell(self, outcome: Outcome) -> None:
        self._stable.append(outcome.stable)

    def _most_telling(self, candidates: list[Settings]) -> Settings:
        from sweeps.sampling.border_model import border_with

        with threadpool_limits(limits=1, user_api="blas"):  # more threads would sum in another order
            border = border_with(self._kernel(), self._space, *self._known(len(self._stable)))
            padded = [*self._stable, *[None] * (len(self._settings) - len(self._stable))]
            silent = [one for one, stable in zip(self._settings, padded, strict=True) if stable is None]
            border = border.assuming(self._space.points(silent))
            return candidates[border.most_telling(self._space.points(candidates))]

    def _kernel(self) -> "Kernel":
        """Fitted to the trials told up to the last milestone, from where the fit at the one before it ended.

        Fitting takes longer than proposing, and its result changes little. Milestones are numbers of trials, so a
        resumed sweep passes the same ones.
        """
        from sweeps.sampling.border_model import Kernel, fitted_kernel

        kernel, milestone = Kernel.prior(self._space.fields), _FIRST_FIT
        while milestone <= len(self._stable):
            if milestone not in self._kernels:
                self._kernels[milestone] = fitted_kernel(self._space, *self._known(milestone), kernel)
            kernel = self._kernels[milestone]
            milestone += max(1, milestone // _FIRST_FIT)
        return kernel

    def _known(self, count: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Points and whether they are stable, of the first `count` trials told, where that is known."""
        told = zip(self._settings, self._stable[:count], strict=False)
        known = [(settings, stable) for settings, stable in told if stable is not None]
        return self._space.points([one for one, _ in known]), np.array([stable for _, stable in known], dtype=np.bool_)


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


def importances(finished: optuna.Study) -> dict[str, dict[str, float]]:
    """Objective -> parameter -> its share in the variance of the objective, by fANOVA with a fixed seed.

    Raises ValueError where that cannot be said: fewer than two varied parameters, or too few finite results.
    """
    evaluator = FanovaImportanceEvaluator(n_trees=_TREES, seed=0)
    sound = [t for t in finished.trials if t.state is TrialState.COMPLETE and np.isfinite(t.values).all()]
    varied = {name for trial in sound for name in trial.params}
    if len(sound) < _SOUND:
        raise ValueError(f"it takes {_SOUND} trials with a finite result, and there are {len(sound)}")
    if len(varied) < 2:
        raise ValueError("fewer than two fields were varied")
    found = {}
    for place, objective in enumerate(finished.metric_names or []):
        values = [trial.values[place] for trial in sound]
        if min(values) < max(values):
            found[objective] = evaluator.evaluate(finished, target=lambda trial: float(trial.values[place]))  # noqa: B023
    if not found:
        raise ValueError("all trials have the same result")
    return found


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
