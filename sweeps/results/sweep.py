"""The query interface: a sweep's tables, its best trials, comparisons, replays."""

import contextlib
import functools
import itertools
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, overload

import pandas as pd

from model import metrics
from sweeps.analysis.ranking import best_trials, ordered
from sweeps.errors import InputError, TrackingError, UnknownSweepError
from sweeps.results.comparison import Side, divergence, sentences
from sweeps.sampling.outcomes import FinishedTrial, combined
from sweeps.specification.spec import SweepSpec
from sweeps.tracking.readers import open_reader
from sweeps.tracking.records import TABLES, RecordedSweep, RecordedTrial
from sweeps.tracking.sweep_reader import SweepReader
from sweeps.tracking.tables import (
    EPOCHS,
    TRIALS,
    epochs_table,
    made_tables,
    read_epochs,
    read_tables,
    table_files,
    trials_table,
    with_stable,
)
from sweeps.verdicts.marks import RUNNING
from sweeps.verdicts.tally import tally
from sweeps.verdicts.verdict import Assessment
from sweeps.worker.task import Key

if TYPE_CHECKING:  # what only some methods need is imported there: a table is shown before Optuna is loaded
    import optuna

    from sweeps.results.replay import Replay


_LOG = logging.getLogger(__name__)

S = TypeVar("S", bound="Sweep")


@overload
def load(name: str, tracking_uri: str | None = None) -> "Sweep": ...
@overload
def load(name: str, tracking_uri: str | None, kind: type[S]) -> S: ...
def load(name: str, tracking_uri: str | None = None, kind: type["Sweep"] | None = None) -> "Sweep":
    """The sweep of that name, finished or running. Raises UnknownSweepError, TrackingError.

    tracking_uri: None for $MLFLOW_TRACKING_URI, or else ./mlruns/mlflow.db. kind: what it is given as.
    """
    reader = open_reader(tracking_uri)
    return (kind or Sweep)(reader, reader.known_sweep(name))


class Sweep:
    """A sweep as it stood when it was loaded. Tables are read when they are asked for first."""

    def __init__(self, reader: SweepReader, recorded: RecordedSweep) -> None:
        self._reader, self._recorded = reader, recorded

    @property
    def name(self) -> str:
        """Of the sweep and its experiment."""
        return self._recorded.name

    @property
    def spec(self) -> SweepSpec:
        """What it was asked to do."""
        return self._recorded.spec

    @property
    def uri(self) -> str:
        """Of the tracking store it is in."""
        return self._reader.uri

    @property
    def run_id(self) -> str:
        """Of the run named `sweep`, which holds what belongs to the whole."""
        return self._recorded.run_id

    @property
    def state(self) -> str:
        """running, interrupted or finished."""
        return self._recorded.tags.get("state", "running")

    @property
    def experiment_id(self) -> str:
        """Of the sweep's MLflow experiment."""
        return self._recorded.experiment_id

    @functools.cached_property
    def trials(self) -> pd.DataFrame:
        """A row per run: trial, replicate, state, verdict, stable (True, False, missing where the verdict is neither),
        the settings, diverged, `final.` and `best.` of every metric, ...

        `best.` values are those at the epoch with the best objective.

            sweep.trials.groupby("batch_size")["stable"].sum()
        """
        if self.state == "finished":
            return with_stable(self._tables[TRIALS])  # older sweeps recorded none, or by other rules
        return trials_table(self.spec, self._live, self.epochs)

    @functools.cached_property
    def epochs(self) -> pd.DataFrame:
        """A row per run and epoch (0: before training): trial, replicate, epoch, a column per metric.

        Raises TrackingError where the store does not answer.

            sweep.epochs[sweep.epochs["trial"] == 0].set_index("epoch")
        """
        if self.state == "finished":
            return self._tables[EPOCHS]
        parts, late = read_epochs(self._reader, self._recorded, self._live)
        return epochs_table(parts + late)

    def __repr__(self) -> str:
        words, best = self.trials["verdict"], self.best(1)
        goal = self.spec.goals[0].metric
        told = (
            ""
            if best.empty
            else f"; best trial {best['trial'].iloc[0]}: {goal} {best.iloc[0][metrics.final(goal)]:.4g}"
        )
        asked = self.spec.trials * self.spec.replicates
        ended = int((self.trials["state"] != RUNNING).sum())
        return f"<Sweep {self.name}, {self.state}: {ended} of {asked} trainings, {tally(words)}{told}>"

    def best(self, n: int = 1) -> pd.DataFrame:
        """The n best trials, best first: a row each, means over replicates; diverged and failed ones never are.

        The columns begin with what is decided by: trial, objective, verdict.

        With several objectives: the Pareto front, at most n of it, by the first objective.

            sweep.best(5)[["trial", "eta", "lambda", "verdict"]]
        """
        found = best_trials(self.spec, self.trials, n)
        first = ["trial", *(metrics.final(goal.metric) for goal in self.spec.goals), "verdict"]
        first = [name for name in first if name in found]
        return found[first + [name for name in found.columns if name not in first]]

    @property
    def ordered(self) -> pd.DataFrame:
        """The trials that ended, best first by the first objective; then those without a sound result."""
        return ordered(self.spec, self.trials)

    def compare(self, trials: Sequence[int]) -> pd.DataFrame:
        """The trials side by side: a row per setting and measurement, a column per trial (`17`, or `17-r1`).

        Raises UnknownSweepError for a trial that is not there.

            sweep.compare([0, 1]).loc[["eta", "verdict"]]
        """
        rows = self._rows(trials)
        several = self.spec.replicates > 1
        names = [f"{t}-r{r}" if several else str(t) for t, r in zip(rows["trial"], rows["replicate"], strict=True)]
        return rows.drop(columns=["trial", "replicate", "run_id"]).set_axis(names, axis=0).T

    def differences(self, one: int, other: int, replicate: int = 0) -> pd.DataFrame:
        """What differs between two trials, from which epoch on, in which component first; see `divergence`.

        Raises UnknownSweepError for a trial that is not there.

            sweep.differences(0, 1)
        """
        return divergence(self._side(one, replicate), self._side(other, replicate))

    def effect(self, one: int, other: int, replicate: int = 0) -> list[str]:
        """The same in sentences, first what the change of settings did.

        Raises UnknownSweepError for a trial that is not there.

            sweep.effect(0, 1)[0]
        """
        return sentences(self._side(one, replicate), self._side(other, replicate))

    def _side(self, number: int, replicate: int) -> Side:
        rows = self._rows([number])
        rows = rows[rows["replicate"] == replicate]
        if not len(rows):
            raise UnknownSweepError(f"trial {number} of sweep {self.name!r} has no replicate {replicate}")
        row = rows.iloc[0]
        epochs = self.epochs[(self.epochs["trial"] == number) & (self.epochs["replicate"] == replicate)]
        return Side(
            name=f"{number}-r{replicate}" if self.spec.replicates > 1 else str(number),
            settings={name: getattr(row[name], "item", lambda value=row[name]: value)() for name in self.spec.search},
            verdict=row["verdict"] if isinstance(row["verdict"], str) else "",
            epochs=epochs.set_index("epoch")[metrics.by_epoch(epochs.columns)],
        )

    @functools.cached_property
    def assessments(self) -> dict[Key, Assessment]:
        """(trial, replicate) -> its verdict with its evidence, made anew from the recorded epochs by this version.

        Running trials have none. Raises DatasetError when the data that was trained on is not there any more.
        """
        from sweeps.results.reassessment import assessments

        return assessments(self.spec, self._live, self.epochs)

    def reassessed(self) -> pd.DataFrame:
        """The trials table with verdicts made anew from the recorded epochs, by the rules of this version.

        Raises DatasetError when the data that was trained on is not there any more.

            sweep.reassessed()["verdict"].value_counts()
        """
        keys = zip(self.trials["trial"], self.trials["replicate"], strict=True)
        made = [self.assessments.get(key) for key in keys]
        words = pd.array([one.verdict.value if one else None for one in made], dtype="str")
        sentences = pd.array([one.sentence if one else None for one in made], dtype="str")
        return with_stable(self.trials.assign(verdict=words, verdict_reason=sentences))

    def study(self) -> "optuna.Study":
        """The sweep as an Optuna study in memory, for optuna.visualization and optuna.importance.

        Running trials are left out.

            sweep.study().trials_dataframe()
        """
        from sweeps.sampling.optuna_study import rebuilt_study

        ended = [trial for trial in self._live if trial.state != RUNNING]
        numbers = itertools.groupby(ended, key=lambda trial: trial.number)
        curves = self._mean_curves()
        return rebuilt_study(
            self.spec, [self._finished_trial(curves.get(number, {}), list(alike)) for number, alike in numbers]
        )

    def importances(self) -> dict[str, dict[str, float]]:
        """Objective -> varied field -> its share, by fANOVA, in the variance of the objective.

        These are the shares of single fields: what is missing to 1 is what fields do together. They are made from some
        hundreds of trials where there are thousands. "stable" -> the same for whether training is stable, fields that
        act together included (`eta & lambda`): those sum to 1. What cannot be said is left out; raises ValueError where
        nothing can: fewer than two varied fields, or too few trials.

            sweep.importances()["stable"]
        """
        from sweeps.analysis.stable_trials import stability_shares
        from sweeps.sampling.optuna_study import importances

        found: dict[str, dict[str, float]] = {}
        with contextlib.suppress(ValueError):
            found = {"stable": stability_shares(self.spec.varied, self.trials)}
        try:
            return importances(self.study()) | found
        except (ValueError, RuntimeError):
            if not found:
                raise
        return found

    def holds(self, folder: str, name: str) -> bool:
        """Whether a file is among the sweep run's artifacts."""
        return self._reader.holds(self.run_id, folder, name)

    def file(self, folder: str, name: str) -> Path | None:
        """Where one of the sweep run's artifacts is on this machine; None where it is not, or a server keeps it."""
        path = self._reader.local_path(self.run_id, f"{folder}/{name}")
        return path if path is not None and path.is_file() else None

    def attach(self, folder: str, files: Mapping[str, bytes]) -> dict[str, Path | None]:
        """Writes files into a folder of the sweep run's artifacts, over what is there.

        Returns where each is on this machine, by name; None where a server keeps it. Raises TrackingError, OSError.
        """
        self._reader.write_files(self.run_id, folder, files)
        return {name: self._reader.local_path(self.run_id, f"{folder}/{name}") for name in files}

    def replay(self, trial: int, replicate: int = 0) -> "Replay":
        """Trains a trial again, in this process, and compares every recorded number to the last bit.

        Somebody's own network is trained in a worker process; InputError where its file is not what it was.

        Raises UnknownSweepError for a trial that is not there, InputError for one that still runs; a failed trial has
        nothing to compare.

            sweep.replay(0).identical
        """
        from sweeps.results.replay import replay as replayed

        self._rows([trial])
        recorded = next((t for t in self._live if (t.number, t.replicate) == (trial, replicate)), None)
        if recorded is None:
            raise UnknownSweepError(f"trial {trial} of sweep {self.name!r} has no replicate {replicate}")
        if recorded.state == RUNNING:
            raise InputError(f"trial {trial} of sweep {self.name!r} is still running; replay it once it has ended")
        known = self.epochs[(self.epochs["trial"] == trial) & (self.epochs["replicate"] == replicate)]
        return replayed(self.spec, recorded, known)

    @functools.cached_property
    def _tables(self) -> dict[str, pd.DataFrame]:
        """The tables of a finished sweep; made anew, to the same bits, where a file is missing or damaged."""
        with self._reader.artifacts(self._recorded.run_id, TABLES) as paths:
            tables = read_tables(paths)
        if len(tables.get(TRIALS, ())) == self.spec.trials * self.spec.replicates and EPOCHS in tables:
            return tables
        made = made_tables(self._reader, self._recorded, self.spec, self._live)
        healed = f"{self.name}: its tables were missing or damaged, and are made anew from MLflow's numbers"
        try:
            self._reader.write_files(self.run_id, TABLES, table_files(made))
        except (TrackingError, OSError) as error:
            healed += f" (but not written: {error})"
        _LOG.warning(healed)
        return made

    @functools.cached_property
    def _live(self) -> list[RecordedTrial]:
        return self._reader.trials(self._recorded)

    def _rows(self, trials: Sequence[int]) -> pd.DataFrame:
        """The rows of these trials, in this order."""
        missing = [str(number) for number in trials if number not in set(self.trials["trial"])]
        if missing:
            known = f"0 to {self.trials['trial'].max()}" if len(self.trials) else "none yet"
            raise UnknownSweepError(f"sweep {self.name!r} has no trial {', '.join(missing)}; it has {known}")
        return pd.concat([self.trials[self.trials["trial"] == number] for number in trials])

    def _mean_curves(self) -> dict[int, dict[int, float]]:
        """Trial -> epoch, but for the one before training -> the first objective, a mean over replicates."""
        trained = self.epochs[self.epochs["epoch"] > 0]
        means = trained.groupby(["trial", "epoch"])[self.spec.goals[0].metric].mean()
        found: dict[int, dict[int, float]] = {}
        for trial, epoch, value in means.reset_index().itertuples(index=False):
            found.setdefault(int(trial), {})[int(epoch)] = float(value)
        return found

    def _finished_trial(self, curve: Mapping[int, float], replicates: list[RecordedTrial]) -> FinishedTrial:
        """curve: epoch -> the first objective."""
        goals = self.spec.goals
        losses = {epoch: goals[0].sign * value for epoch, value in curve.items()}
        ended = [trial.ended(goals, losses) for trial in replicates]
        return FinishedTrial(replicates[0].settings, combined(self.spec, ended), curve)
