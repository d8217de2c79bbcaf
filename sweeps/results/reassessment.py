"""Verdicts made anew from what was recorded, by the rules of this version."""

import functools
from collections.abc import Callable, Sequence

import pandas as pd

from model import Dataset, metrics
from model import load as load_data
from sweeps.specification.spec import SweepSpec
from sweeps.tracking.records import RecordedTrial
from sweeps.tracking.tables import by_training
from sweeps.verdicts.curves import Curves
from sweeps.verdicts.facts import State
from sweeps.verdicts.rules import assess
from sweeps.verdicts.verdict import Assessment
from sweeps.worker.facts import trial_facts, user_network_facts
from sweeps.worker.task import Key


def assessments(spec: SweepSpec, trials: Sequence[RecordedTrial], epochs: pd.DataFrame) -> dict[Key, Assessment]:
    """The verdict on each trial with its evidence; running ones have none. epochs: the epochs table.

    Raises DatasetError when the data that was trained on is not there any more.
    """
    curves = by_training(epochs, metrics.by_epoch(epochs.columns))
    data = functools.cache(load_data)
    return {
        trial.key: _assessment(spec, trial, Curves(curves.get(trial.key, {})), data)
        for trial in trials
        if trial.state != "running"
    }


def _assessment(spec: SweepSpec, trial: RecordedTrial, curves: Curves, data: Callable[[str], Dataset]) -> Assessment:
    plan, hyperparameters = spec.training(trial.settings)
    diverged = trial.metrics.get("diverged_epoch")
    diverged_epoch = None if diverged is None else int(diverged)
    known = trial_facts(plan, hyperparameters, data(plan.dataset), State(trial.state), diverged_epoch)
    if spec.network is not None:
        known = user_network_facts(known, spec.network, next(iter(curves[metrics.CONSTANT_ANSWER].tolist()), None))
    return assess(curves, known)
