"""Proposals of Optuna's samplers, and a sweep as an Optuna study. The only importer of Optuna."""

import importlib
import warnings
from collections.abc import Sequence

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

from sweeps.sampling.outcomes import FinishedTrial, Outcome
from sweeps.specification.domains import Choices, Domain, Setting, Settings, encode
from sweeps.specification.spec import SweepSpec
from sweeps.verdicts.facts import State

optuna.logging.set_verbosity(optuna.logging.WARNING)

_TREES = 16  # of the importances' forest: Optuna's 64 take four times as long for the same shares to a few per cent
_LOOKED_AT = 500  # trials that importances are made from: Optuna's forest takes minutes for thousands
_SOUND = 8  # trials with a finite result, below which importances say nothing


class OptunaProposer:
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


def rebuilt_study(spec: SweepSpec, trials: Sequence[FinishedTrial]) -> optuna.Study:
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

    Of thousands of trials, some hundreds are looked at, evenly from the first to the last. Raises ValueError where that
    cannot be said: fewer than two varied parameters, or too few finite results.
    """
    from optuna.importance import FanovaImportanceEvaluator  # and with it scikit-learn, which proposals do without

    evaluator = FanovaImportanceEvaluator(n_trees=_TREES, seed=0)
    sound = [t for t in finished.trials if t.state is TrialState.COMPLETE and np.isfinite(t.values).all()]
    varied = {name for trial in sound for name in trial.params}
    if len(sound) < _SOUND:
        raise ValueError(f"it takes {_SOUND} trials with a finite result, and there are {len(sound)}")
    if len(varied) < 2:
        raise ValueError("fewer than two fields were varied")
    sound = sound[:: 1 + (len(sound) - 1) // _LOOKED_AT]
    looked_at = optuna.create_study(directions=finished.directions, sampler=RandomSampler(seed=0))
    looked_at.add_trials(sound)
    found = {}
    for place, objective in enumerate(finished.metric_names or []):
        values = [trial.values[place] for trial in sound]
        if min(values) < max(values):
            found[objective] = evaluator.evaluate(looked_at, target=lambda trial: float(trial.values[place]))  # noqa: B023
    if not found:
        raise ValueError("all trials have the same result")
    return found


def _new_study(spec: SweepSpec) -> optuna.Study:
    signs = [goal.sign for goal in spec.goals]
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
