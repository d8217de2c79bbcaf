"""Verdicts made anew from what was recorded, by the rules of this version."""

from collections.abc import Sequence

import pandas as pd

from model import load as load_data
from model import metrics
from sweeps.specification.spec import SweepSpec
from sweeps.tracking.records import RecordedTrial
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
    groups = dict(list(epochs.groupby(["trial", "replicate"])))
    return {
        trial.key: _assessment(spec, trial, groups.get(trial.key, epochs.iloc[:0]))
        for trial in trials
        if trial.state != "running"
    }


def _assessment(spec: SweepSpec, trial: RecordedTrial, rows: pd.DataFrame) -> Assessment:
    curves = Curves({name: rows[name].to_list() for name in metrics.by_epoch(rows.columns)})
    plan, hyperparameters = spec.training(trial.settings)
    diverged = trial.metrics.get("diverged_epoch")
    diverged_epoch = None if diverged is None else int(diverged)
    known = trial_facts(plan, hyperparameters, load_data(plan.dataset), State(trial.state), diverged_epoch)
    if spec.network is not None:
        known = user_network_facts(known, spec.network, next(iter(curves[metrics.CONSTANT_ANSWER].tolist()), None))
    return assess(curves, known)
