"""What a sweep measured around somebody's settings: the measured border in place of theory."""

import numpy as np
import pandas as pd

from sweeps.diagnosis.findings import Code, Evidence, Finding, Severity
from sweeps.diagnosis.network.settings_check import TrainingSettings
from sweeps.diagnosis.network.subject import Array
from sweeps.errors import InputError
from sweeps.verdicts.verdict import STABLE, UNSTABLE

_NEIGHBOURS = 5  # trials around a setting that are counted


def nearest_stable(settings: TrainingSettings, trials: pd.DataFrame, sweep: str) -> Finding:
    """What a sweep measured around the settings. trials: its trials table, with eta, lambda, batch_size and verdict.

    Distances are between logarithms, a factor of ten in any of the three being 1. Raises InputError where no trial
    has a verdict that tells stable from unstable.
    """
    told = trials[trials["verdict"].isin(STABLE | UNSTABLE)]
    if told.empty:
        raise InputError(f"{sweep}: has no trial with a verdict yet; run it, or leave --sweep out")
    columns = ["eta", "lambda", "batch_size"]
    apart = _logs(told[columns].to_numpy(float)) - _logs(
        np.array([[settings.eta, settings.lmbda, settings.batch_size]])
    )
    told = told.assign(apart=np.linalg.norm(apart, axis=1)).sort_values("apart", kind="stable")
    near = told.head(_NEIGHBOURS)
    stable = told[told["verdict"].isin(STABLE)]
    count = int(near["verdict"].isin(STABLE).sum())
    evidence: dict[str, Evidence] = {
        "sweep": sweep,
        "stable_among_nearest": count,
        "nearest": [int(number) for number in near["trial"]],
    }
    message = (
        f"In sweep {sweep}, {count} of the {len(near)} trials nearest to these settings are stable "
        f"(the nearest, trial {near['trial'].iloc[0]}, is {near['verdict'].iloc[0]})."
    )
    if stable.empty:
        return Finding(Code.SWEEP_NEARBY, Severity.INFO, f"{message} None of its trials is stable.", evidence)
    best = stable.iloc[0]
    advised: dict[str, Evidence] = {name: float(best[name]) for name in columns}
    remedy = (
        f"the nearest stable setting of the sweep: trial {best['trial']}, eta = {best['eta']:.3g}, lambda = "
        f"{best['lambda']:.4g}, batch size {int(best['batch_size'])} ({best['verdict']})"
    )
    return Finding(Code.SWEEP_NEARBY, Severity.INFO, message, evidence | {"advised": advised}, remedy)


def _logs(settings: Array) -> Array:
    """Powers of ten; a lambda of 0 stands a factor of ten below .001, about where it stops to matter."""
    logs: Array = np.log10(np.maximum(settings, 1e-4))
    return logs
