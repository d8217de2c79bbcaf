"""The two tables of a sweep: a row per trial run, and a row per trial run and epoch."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from model import metrics
from sweeps.specification.domains import Domain, Setting, encode
from sweeps.specification.spec import SweepSpec
from sweeps.tracking.records import PARTS, RecordedSweep, RecordedTrial
from sweeps.tracking.sweep_reader import SweepReader
from sweeps.verdicts.verdict import is_stable
from sweeps.worker.task import Key, TrialResult

TRIALS, EPOCHS = "trials.parquet", "epochs.parquet"
KEYS = ["trial", "replicate", "epoch"]
SUMMARY = ["diverged", "diverged_epoch", "best_epoch", "eta_lambda_over_n", metrics.TEST_ACCURACY, metrics.TEST_DATA]
WALL_CLOCK = ["seconds", "epoch_seconds", "run_id"]  # differ between two runs of one sweep; nothing else does

_SUM = ".sha256"
_WORDS = ["trial", "replicate", "state", "verdict", "stable", "verdict_reason"]
_WHOLE = {"diverged", "diverged_epoch", "best_epoch"}


def epoch_rows(result: TrialResult) -> pd.DataFrame:
    """The finite records of one trial."""
    rows = [
        {"trial": result.number, "replicate": result.replicate, "epoch": record.epoch, **record.measures}
        for record in result.records
    ]
    return pd.DataFrame(rows, columns=None if rows else KEYS)


def epochs_table(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """All rows, by trial, replicate and epoch, columns in a fixed order whoever wrote the frames."""
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return pd.DataFrame(columns=KEYS)
    table = pd.concat(filled).drop_duplicates(KEYS).sort_values(KEYS, ignore_index=True)
    return table[KEYS + metrics.by_epoch(table.columns)]


def by_training(epochs: pd.DataFrame, columns: Sequence[str]) -> dict[Key, dict[str, list[Any]]]:
    """(trial, replicate) -> column -> a value an epoch, from the epochs table; column by column, for it may be long."""
    values = {name: epochs[name].to_list() for name in columns}
    places: Mapping[Any, Any] = epochs.reset_index(drop=True).groupby(["trial", "replicate"]).indices
    return {
        (int(trial), int(replicate)): {name: [column[row] for row in rows] for name, column in values.items()}
        for (trial, replicate), rows in places.items()
    }


def read_epochs(
    store: SweepReader, sweep: RecordedSweep, trials: Sequence[RecordedTrial]
) -> tuple[list[pd.DataFrame], list[pd.DataFrame]]:
    """The epochs of the trials: (frames from the sweep's Parquet parts, frames of the trials that no part holds).

    The latter come from the runs' metric histories, one call a run and metric, so there should be few of them.
    """
    with store.artifacts(sweep.run_id, PARTS) as paths:
        parts = list(read_tables(paths).values())
    held = {key for frame in parts for key in zip(frame["trial"], frame["replicate"], strict=True)}
    late = []
    for trial in trials:
        if trial.key in held:
            continue
        if names := metrics.by_epoch(trial.metrics):
            late.append(_history_rows(trial, {name: store.history(trial.run_id, name) for name in names}))
    return parts, late


def table_files(tables: Mapping[str, pd.DataFrame]) -> dict[str, bytes]:
    """Tables as Parquet files, each with a file of its checksum, as sha256sum writes it."""
    files = {name: _to_parquet(table) for name, table in tables.items()}
    sums = {f"{name}{_SUM}": f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items()}
    return files | {name: text.encode() for name, text in sums.items()}


def read_tables(paths: Sequence[Path]) -> dict[str, pd.DataFrame]:
    """File name -> table, of the files that are whole. Those of older sweeps have no checksums, and are believed."""
    sums = {path.name: path.read_bytes()[:64] for path in paths if path.suffix == _SUM}
    found = {path.name: _read_table(path, sums.get(f"{path.name}{_SUM}")) for path in paths if path.suffix != _SUM}
    return {name: table for name, table in found.items() if table is not None}


def _to_parquet(table: pd.DataFrame) -> bytes:
    content = io.BytesIO()
    table.to_parquet(content, index=False)
    return content.getvalue()


def _read_table(path: Path, digest: bytes | None) -> pd.DataFrame | None:
    """None for a table cut short or damaged: MLflow still holds its numbers."""
    try:
        content = path.read_bytes()
        if digest is not None and hashlib.sha256(content).hexdigest().encode() != digest:
            return None
        # In this thread: where memory is short, Arrow waits for ever for one that could not be started.
        found = pq.ParquetFile(io.BytesIO(content), pre_buffer=False).read(use_threads=False)
        table: pd.DataFrame = found.to_pandas(use_threads=False)
        return table
    except (pa.ArrowException, OSError, ValueError):
        return None


def made_tables(
    store: SweepReader, sweep: RecordedSweep, spec: SweepSpec, trials: Sequence[RecordedTrial]
) -> dict[str, pd.DataFrame]:
    """File name -> table of a sweep, from its parts and from what MLflow holds of each run."""
    parts, late = read_epochs(store, sweep, trials)
    epochs = epochs_table(parts + late)
    return {TRIALS: trials_table(spec, trials, epochs), EPOCHS: epochs}


def trials_table(spec: SweepSpec, trials: Sequence[RecordedTrial], epochs: pd.DataFrame) -> pd.DataFrame:
    """One row per trial run: settings, state, summary, and each metric at the last (`final.`) and best (`best.`) epoch.

    The best epoch is the one with the best objective (the first, where there are several objectives).
    """
    names = metrics.by_epoch(epochs.columns)
    measured = epochs[names].to_dict("records")
    at_epoch = dict(zip(epochs[KEYS].itertuples(index=False, name=None), measured, strict=True))
    rows = []
    for trial in trials:
        row: dict[str, object] = {"trial": trial.number, "replicate": trial.replicate, "state": trial.state}
        row |= {"verdict": trial.verdict, "verdict_reason": trial.verdict_reason}
        row |= {name: _cell(value) for name, value in trial.settings.items()}
        row |= {name: trial.metrics.get(name) for name in SUMMARY}
        row |= {metrics.final(name): trial.metrics.get(name) for name in names}
        best = (trial.number, trial.replicate, int(trial.metrics.get("best_epoch", -1)))
        values = at_epoch.get(best, {})
        row |= {metrics.best(name): values.get(name) for name in names}
        row |= {"seconds": trial.seconds, "epoch_seconds": trial.metrics.get("epoch_seconds"), "run_id": trial.run_id}
        rows.append(row)
    columns = [*_WORDS, *spec.search, *SUMMARY]
    columns += [metrics.final(name) for name in names] + [metrics.best(name) for name in names] + WALL_CLOCK
    table = with_stable(pd.DataFrame(rows, columns=columns))
    numbers = [name for name in columns if name not in {*_WORDS, "run_id", *spec.search}]
    types = {name: "Int64" if name in _WHOLE else "float64" for name in numbers}
    whole = {  # a trial that is just being written may have no settings yet
        name: domain for name, domain in spec.search.items() if table[name].notna().all()
    }
    return table.astype(types | {name: _type(domain) for name, domain in whole.items()})


def with_stable(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials table with its column `stable`, beside the verdict: True, False, missing where it is neither."""
    stable = pd.array([is_stable(word) for word in trials["verdict"]], dtype="boolean")
    table = trials.assign(stable=stable)
    names = [name for name in table.columns if name != "stable"]
    names.insert(names.index("verdict") + 1, "stable")
    return table[names]


def _history_rows(trial: RecordedTrial, history: Mapping[str, Mapping[int, float]]) -> pd.DataFrame:
    """The rows of one trial from its metric histories: metric -> step -> value."""
    rows = pd.DataFrame(history).rename_axis("epoch").reset_index()
    rows.insert(0, "replicate", trial.replicate)
    rows.insert(0, "trial", trial.number)
    return rows


def _type(domain: Domain) -> str:
    """Of a setting's column, in an empty table too."""
    kinds = {type(value) for value in domain.corners}
    return "float64" if float in kinds else "int64" if kinds == {int} else "str"


def _cell(value: Setting) -> Setting:
    return encode(value) if isinstance(value, tuple) else value
