"""Curves to be laid side by side: of trials of any sweeps, and of runs recorded elsewhere."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from model import metrics
from sweeps.diagnosis.curves.readers.csv_file import read_run
from sweeps.diagnosis.curves.recorded_run import RecordedRun
from sweeps.errors import InputError
from sweeps.results.sweep import Sweep, load
from sweeps.verdicts.curves import Curve
from sweeps.views.figures.side_by_side import DrawnTraining

_METRICS = {  # panel -> metric of a trial
    "total": metrics.VALIDATION_TOTAL,
    "data": metrics.VALIDATION_DATA,
    "penalty": metrics.PENALTY,
    "accuracy": metrics.VALIDATION_ACCURACY,
    "weights": metrics.WEIGHT_NORM,
}


def trainings_of(
    names: Sequence[str], uri: str | None = None, evaluated_size: int | None = None
) -> list[DrawnTraining]:
    """names: SWEEP:TRIAL, or a CSV file of a recorded run, whose epochs are counted from 1, as a sweep's are.

    evaluated_size: examples that a recorded cost and count of right answers are of. Raises InputError.
    """
    return [_training(name, uri, evaluated_size) for name in names]


def _training(name: str, uri: str | None, evaluated_size: int | None) -> DrawnTraining:
    if name.lower().endswith(".csv"):
        return _recorded(name, read_run(name), evaluated_size)
    sweep_name, _, number = name.rpartition(":")
    if not sweep_name or not number.isdecimal():
        raise InputError(f"{name}: is neither SWEEP:TRIAL nor a CSV file; write as in mnist:17 or run.csv")
    return training_of(load(sweep_name, uri), int(number))


def training_of(sweep: Sweep, number: int) -> DrawnTraining:
    """A trial of a sweep, of its replicates the first. Raises InputError."""
    name = f"{sweep.name}:{number}"
    trials = sweep.trials[sweep.trials["trial"] == number]
    if trials.empty:
        raise InputError(f"{name}: sweep {sweep.name} has no trial {number}; `sweeps show {sweep.name}` lists them")
    trial = trials.iloc[0]
    epochs = sweep.epochs
    rows = epochs[(epochs["trial"] == number) & (epochs["replicate"] == trial["replicate"]) & (epochs["epoch"] > 0)]
    if rows.empty:
        raise InputError(f"{name}: it ended in its first epoch, and has no curve; lay another trial beside")
    curves = {panel: rows[metric].to_numpy(float) for panel, metric in _METRICS.items() if metric in rows}
    if "total" in curves and "data" in curves:
        curves["penalty"] = curves["total"] - curves["data"]  # as reported: with the evaluated set's size, if so
    settings = ", ".join(f"{field} {trial[field]:.4g}" for field in ("eta", "lambda", "batch_size") if field in trial)
    said = f"{settings}. {trial['verdict']}: {trial['verdict_reason']}"
    return DrawnTraining(f"{sweep.name} trial {number}", rows["epoch"].to_numpy(float), curves, said)


def _recorded(name: str, run: RecordedRun, evaluated_size: int | None) -> DrawnTraining:
    accuracy: Curve | None = run.accuracy
    if accuracy is None and run.correct is not None and evaluated_size is not None:
        accuracy = np.asarray(run.correct) / evaluated_size
    known = {"total": run.cost, "data": run.data_cost, "penalty": run.penalty, "accuracy": accuracy}
    curves = {panel: np.asarray(curve, float) for panel, curve in known.items() if curve is not None}
    epochs = np.asarray(run.epochs, float)
    return DrawnTraining(f"{Path(name).stem}, as recorded", epochs - epochs[0] + 1, curves)
