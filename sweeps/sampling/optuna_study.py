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

_KNOWN = 500  # results that a sampler knows at the most
_TREES = 16  # of the importances' forest: Optuna's 64 take four times as long for the same shares to a few per cent
_LOOKED_AT = 500  # trials that importances are made from: Optuna's forest takes minutes for thousands
_SOUND = 8  # trials with a finite result, below which importances say nothing


class OptunaProposer:
    """Proposals of an Optuna sampler that is made anew for each trial, seeded by the sweep's seed and its number.

    The sampler knows every result, up to `_KNOWN` of them. Then it goes on with the best and the newest, and with what
    comes: what a proposal costs grows with what is known. Of 1,600 trials on a bowl the best was as good as where all
    was known; proposals lay further around it (the last 200 were worth .19 in the median, not .08).
    """

    def __init__(self, spec: SweepSpec) -> None:
        self._spec, self._distributions = spec, _distributions(spec)
        self._settings, self._outcomes = list[Settings](), list[Outcome]()  # by number, as far as known
        self._kept, self._since = list[int](), 0  # numbers of older trials that are known; from which on all are
        self._study: optuna.Study | None = None
        self._next = 0  # the first number that the study does not hold
        self._under_way: dict[int, optuna.Trial] = {}

    def propose(self) -> Settings:
        study, number = self._informed(), len(self._settings)
        seed = np.random.SeedSequence([self._spec.seed, number]).generate_state(1)[0]
        study.sampler = _sampler(self._spec, int(seed))
        with warnings.catch_warnings():  # a diverged trial is infinitely bad, which gp takes for the worst finite value
            warnings.filterwarnings("ignore", "Clip non-finite values", UserWarning)
            trial = study.ask(self._distributions)
        self._under_way[number], self._next = trial, number + 1
        proposed = {name: _from_optuna(self._spec, name, trial.params[name]) for name in self._spec.varied}
        self._settings.append(self._spec.fixed | proposed)
        return self._settings[-1]

    def adopt(self, settings: Settings) -> None:
        self._settings.append(settings)

    def tell(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        told = len(self._outcomes)
        if len(self._kept) + told - self._since > _KNOWN:
            self._kept, self._since = self._worth_keeping([*self._kept, *range(self._since, told)]), told
            self._study = None

    def _informed(self) -> optuna.Study:
        """The study, told what is known, in the order of the trials' numbers, whoever proposed them."""
        if self._study is None:
            self._study, self._next = _new_study(self._spec), self._since
            self._under_way.clear()
            for number in self._kept:
                self._add(self._study, number)
        for number in [number for number in self._under_way if number < len(self._outcomes)]:
            _tell(self._study, self._under_way.pop(number), self._outcomes[number])
        for number in range(self._next, len(self._settings)):
            self._add(self._study, number)
        self._next = len(self._settings)
        return self._study

    def _add(self, study: optuna.Study, number: int) -> None:
        """A trial that another proposed, or another study."""
        study.sampler = RandomSampler(seed=0)  # is not asked: the trial's values are given
        study.enqueue_trial(_to_optuna(self._spec, self._settings[number]))
        trial = study.ask(self._distributions)
        if number < len(self._outcomes):
            _tell(study, trial, self._outcomes[number])
        else:
            self._under_way[number] = trial

    def _worth_keeping(self, numbers: Sequence[int]) -> list[int]:
        """A quarter of `_KNOWN` of the best, in each objective in turn, and a quarter of the newest; ascending."""
        sound = [number for number in numbers if self._outcomes[number].state is State.COMPLETE]
        rankings = []
        for place, goal in enumerate(self._spec.goals):
            losses = {number: goal.sign * self._outcomes[number].values[place] for number in sound}
            rankings.append(sorted(sound, key=losses.__getitem__))
        best = dict.fromkeys(number for row in zip(*rankings, strict=True) for number in row)
        return sorted({*list(best)[: _KNOWN // 4], *numbers[-(_KNOWN // 4) :]})


def _tell(study: optuna.Study, trial: optuna.Trial, outcome: Outcome) -> None:
    if outcome.state is State.COMPLETE:
        study.tell(trial, outcome.values)
    elif outcome.state is State.PRUNED:
        trial.report(outcome.values[0], outcome.epoch)  # becomes the trial's value
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, state=TrialState.FAIL)


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
    rebuilt, distributions = _new_study(spec), _distributions(spec)
    states = {State.COMPLETE: TrialState.COMPLETE, State.PRUNED: TrialState.PRUNED, State.FAILED: TrialState.FAIL}
    single = len(spec.objective) == 1
    for trial in trials:
        rebuilt.add_trial(
            create_trial(
                state=states[trial.outcome.state],
                values=trial.outcome.values or None,
                params=_to_optuna(spec, trial.settings),
                distributions=distributions,
                intermediate_values=dict(trial.curve) if single else None,
            )
        )
    return rebuilt


def importances(finished: optuna.Study) -> dict[str, dict[str, float]]:
    """Objective -> parameter -> its share in the variance of the objective, by fANOVA with a fixed seed.

    Of thousands of trials, some hundreds are looked at, evenly from the first to the last. Raises ValueError where that
    cannot be said: fewer than two varied parameters, or too few finite results.
    """
    sound = [t for t in finished.trials if t.state is TrialState.COMPLETE and np.isfinite(t.values).all()]
    varied = {name for trial in sound for name in trial.params}
    if len(sound) < _SOUND:
        raise ValueError(f"it takes {_SOUND} trials with a finite result, and there are {len(sound)}")
    if len(varied) < 2:
        raise ValueError("fewer than two fields were varied")
    from optuna.importance import FanovaImportanceEvaluator  # and with it scikit-learn, which takes a second

    evaluator = FanovaImportanceEvaluator(n_trees=_TREES, seed=0)
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
