"""The border that a spec's trials would meet, predicted from a few short trainings and checked by some more.

Nothing is recorded: it is a look ahead, as `sweeps check` is.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from model import Dataset, Probing, metrics
from sweeps.driver.workers import Workers
from sweeps.errors import InputError
from sweeps.executors.base import Executor, outcomes
from sweeps.sampling.prediction import Conditions, Measured, PredictedBorder, predicted_border
from sweeps.specification.domains import Choices, Domain, Setting, Settings
from sweeps.specification.spec import Stopping, SweepSpec
from sweeps.verdicts.verdict import is_stable
from sweeps.worker.task import TrialResult, task_of
from sweeps.worker.trial import run_trial

_EPOCHS = 2  # that a trial which measures is trained
_ETAS = (0.25, 0.5)  # of the searched range, where such trials are
_SHOWN = 3  # values of a field, at most, at which the border is predicted
_CHECKED = 5  # borders, by two trainings each
_MEASURES = Probing(0, 0, 0, batch_sharpness=1)
_ONLY_CURVES = Probing(0, 0, 0, batch_sharpness=0)  # what checks a prediction must not know it


@dataclass(frozen=True)
class CheckedBorder:
    """A predicted border. stable_at_low, stable_at_high: what trainings at both ends of the band became; None where
    it was not checked.
    """

    border: PredictedBorder
    stable_at_low: bool | None = None
    stable_at_high: bool | None = None

    @property
    def is_inside(self) -> bool | None:
        """Whether the measured border lies in the band: stable at its low end, not so at its high end."""
        if self.stable_at_low is None or self.stable_at_high is None:
            return None
        return self.stable_at_low and not self.stable_at_high

    @property
    def in_words(self) -> str:
        """Where the measured border lies."""
        if self.is_inside is None:
            return "not checked"
        return "inside" if self.is_inside else "above" if self.stable_at_low else "below"


def predict(
    spec: SweepSpec,
    data: Mapping[str, Dataset],
    workers: Workers,
    say: Callable[[str], None] = lambda message: None,
) -> list[CheckedBorder]:
    """Borders in eta at values of batch size, momentum and lambda, some of them checked; other fields at mid-range.

    say: told what a person should know of the workers.
    Raises InputError where there is nothing to predict from: an own network, or no curvature that was measured.
    """
    if spec.network is not None:
        raise InputError("network: curvature is measured of the built-in network only, so there is no prediction")
    digests = {name: one.digest for name, one in data.items()}
    with contextlib.closing(workers.opened(spec, say)) as executor:
        plan, _ = spec.training(_middle(spec))
        n = len(data[plan.dataset].train) - plan.validation
        measured = _measured(spec, executor, digests, n)
        found = [predicted_border(measured, at) for at in _conditions(spec, n)]
        borders = [border for border in found if border is not None]
        if not borders:
            raise InputError(
                "no trial measured a curvature that would end stability: units are saturated, or eta large"
            )
        places = {round(k) for k in np.linspace(0, len(borders) - 1, min(_CHECKED, len(borders)))}
        checked = _checked(spec, executor, digests, [borders[place] for place in sorted(places)])
    by_place = dict(zip(sorted(places), checked, strict=True))
    return [by_place.get(place, CheckedBorder(border)) for place, border in enumerate(borders)]


def _measured(spec: SweepSpec, executor: Executor, digests: Mapping[str, str], n: int) -> list[Measured]:
    """By trials at two etas and at the smallest and largest batch size; those beyond the border are left out."""
    sizes = [int(str(value)) for value in (min(spec.corners("batch_size")), max(spec.corners("batch_size")))]
    middle = _middle(spec) | {
        name: spec.search[name].corners[0] for name in ("lambda", "momentum") if name in spec.search
    }
    settings = [
        middle | {"batch_size": size, "eta": eta}
        for size in dict.fromkeys(sizes)
        for eta in dict.fromkeys(spec.search["eta"].at(u) for u in _ETAS)
    ]
    measuring = replace(spec, measures=_MEASURES, stopping=Stopping())
    found = []
    for given, result in zip(settings, _trained(measuring, executor, digests, settings, _EPOCHS), strict=True):
        last = result.records[-1].measures if result.records and not result.diverged else {}
        if last.get(metrics.BATCH_EDGE, 2.0) < 1:
            found.append(
                Measured(_conditions_of(spec, given, n), last[metrics.BATCH_SHARPNESS], last[metrics.NOISE_SCALE])
            )
    return found


def _checked(
    spec: SweepSpec, executor: Executor, digests: Mapping[str, str], borders: Sequence[PredictedBorder]
) -> list[CheckedBorder]:
    """By a training at each end of each band, judged by its curves alone."""
    settings = [_settings(spec, border, eta) for border in borders for eta in (border.low, border.high)]
    judging = replace(spec, measures=_ONLY_CURVES, stopping=Stopping())
    results = _trained(judging, executor, digests, settings)
    stable = [is_stable(one.assessment.verdict if one.assessment else None) is True for one in results]
    return [
        CheckedBorder(border, low, high) for border, low, high in zip(borders, stable[::2], stable[1::2], strict=True)
    ]


def _trained(
    spec: SweepSpec,
    executor: Executor,
    digests: Mapping[str, str],
    settings: Iterable[Settings],
    epochs: int | None = None,
) -> list[TrialResult]:
    tasks = [task_of(spec, (number, 0), one, digests, epochs=epochs) for number, one in enumerate(settings)]
    return outcomes(executor, run_trial, tasks)


def _settings(spec: SweepSpec, border: PredictedBorder, eta: float) -> Settings:
    at = border.at
    given: Settings = {"eta": eta, "batch_size": at.batch_size, "lambda": at.lmbda, "momentum": at.momentum}
    return _middle(spec) | {name: value for name, value in given.items() if name in spec.search}


def _middle(spec: SweepSpec) -> Settings:
    return {name: domain.at(0.5) for name, domain in spec.search.items()}


def _conditions(spec: SweepSpec, n: int) -> list[Conditions]:
    """At which the border is predicted."""
    names = [name for name in ("batch_size", "momentum", "lambda") if name in spec.search]
    values = [_some(spec.search[name]) for name in names]
    middle = _middle(spec)
    return [
        _conditions_of(spec, middle | dict(zip(names, combined, strict=True)), n)
        for combined in itertools.product(*values)
    ]


def _conditions_of(spec: SweepSpec, settings: Settings, n: int) -> Conditions:
    plan, given = spec.training(settings)
    return Conditions(given.batch_size, plan.momentum, given.lmbda, n)


def _some(domain: Domain) -> list[Setting]:
    """Values of a field, its ends among them."""
    if isinstance(domain, Choices):
        places = np.linspace(0, len(domain.values) - 1, min(_SHOWN, len(domain.values)))
        return [domain.values[round(place)] for place in places]
    return list(dict.fromkeys([domain.corners[0], domain.at(0.5), domain.corners[1]]))
