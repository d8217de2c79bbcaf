"""A training's result as what MLflow holds of it: params, metrics, tags, inputs."""

import getpass
import math
from collections.abc import Iterable

from mlflow.entities import Dataset as LoggedDataset
from mlflow.entities import DatasetInput, InputTag, Metric, Param

from model import Dataset, EpochRecord
from sweeps.specification.domains import Settings, encode
from sweeps.specification.spec import HYPERPARAMETERS, SweepSpec
from sweeps.tracking.mlflow_pages.descriptions import NOTE, describe_trial
from sweeps.verdicts.marks import mark_of
from sweeps.verdicts.verdict import Assessment
from sweeps.worker.task import Key, TrialResult
from sweeps.worker.watched_training import best_epoch

_COLOUR = "mlflow.runColor"  # in which MLflow's charts draw a run
SOURCE = {"mlflow.source.name": "sweeps", "mlflow.source.type": "LOCAL", "mlflow.user": getpass.getuser()}


def run_name(spec: SweepSpec, key: Key) -> str:
    """Of a trial's run."""
    number, replicate = key
    return f"trial-{number:04}" + (f"-r{replicate}" if spec.replicates > 1 else "")


def begun_tags(spec: SweepSpec, key: Key) -> dict[str, str]:
    """What a trial is."""
    number, replicate = key
    return {**SOURCE, "kind": "trial", "sweep": spec.name, "trial": str(number), "replicate": str(replicate)}


def ended_tags(result: TrialResult) -> dict[str, str]:
    """How a trial ended, and its verdict."""
    state = {"state": result.state.value}
    return state if result.assessment is None else state | _verdict_tags(result.assessment)


def trial_params(spec: SweepSpec, settings: Settings) -> list[Param]:
    """eta, lambda and batch_size, and every field of the plan that says something of the trial."""
    plan, _ = spec.training(settings)
    params = {name: settings[name] for name in HYPERPARAMETERS} | {
        field: getattr(plan, field) for field in spec.plan_fields
    }
    params |= {} if spec.network is None else {"network": spec.network.named}
    return [Param(key, encode(value)) for key, value in params.items()]


def _verdict_tags(assessment: Assessment) -> dict[str, str]:
    """The verdict as tags, and as the description that MLflow shows on the run's page."""
    tags = {
        "verdict": assessment.verdict.value,
        "verdict.reason": assessment.sentence,
        _COLOUR: mark_of(assessment.verdict).colour,
        NOTE: describe_trial(assessment),
    }
    return tags | ({"verdict.cause": assessment.cause.value} if assessment.cause else {})


def data_input(data: Dataset) -> DatasetInput:
    """A dataset as an input of a run."""
    logged = LoggedDataset(name=data.name, digest=data.digest, source_type="local", source=data.name)
    return DatasetInput(logged, [InputTag("mlflow.data.context", "training")])


def milliseconds(seconds: float) -> int:
    """As MLflow keeps times."""
    return int(seconds * 1000)


def trial_metrics(spec: SweepSpec, result: TrialResult, settings: Settings, n: int, shown: int = 0) -> list[Metric]:
    """Every value of every epoch but the first ones that are shown already, then the summary.

    n: number of training examples. shown: how many epochs, epoch 0 among them.
    """
    epochs = zip(result.records, result.epoch_ends, strict=False)
    return epoch_metrics(list(epochs)[shown:]) + _summary_metrics(spec, result, settings, n)


def epoch_metrics(epochs: Iterable[tuple[EpochRecord, float]]) -> list[Metric]:
    """Every value of these epochs, each given with the Unix time of its end."""
    return [
        Metric(name, value, milliseconds(ended), record.epoch)
        for record, ended in epochs
        for name, value in record.measures.items()
    ]


def _summary_metrics(spec: SweepSpec, result: TrialResult, settings: Settings, n: int) -> list[Metric]:
    last = result.records[-1].epoch if result.records else 0
    summary = {name: float(settings[name]) for name in HYPERPARAMETERS}  # type: ignore[arg-type]  # numbers, all three
    summary["eta_lambda_over_n"] = summary["eta"] * summary["lambda"] / n
    summary |= {f"log10_{name}": math.log10(summary[name]) for name in ("eta", "lambda") if summary[name] > 0}
    summary["diverged"] = float(result.diverged)
    if result.diverged_epoch is not None:
        summary["diverged_epoch"] = float(result.diverged_epoch)
    if result.records:
        summary["best_epoch"] = float(best_epoch(result.records, spec.goals[0]))
        summary["epoch_seconds"] = result.seconds / max(1, last)
    summary |= result.test or {}
    return [Metric(name, value, milliseconds(result.finished), last) for name, value in summary.items()]
