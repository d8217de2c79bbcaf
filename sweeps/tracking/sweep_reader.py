"""Reading sweeps from a tracking store, however it is asked: what a subclass fetches, made into sweeps and trials."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sweeps.errors import TrackingError, UnknownSweepError
from sweeps.formatting import is_text
from sweeps.tracking.artifact_files import files_in, run_folder, write_whole
from sweeps.tracking.records import RecordedSweep, RecordedTrial
from sweeps.tracking.run_reading import StoredRun, drivers, legible, recorded_trials
from sweeps.tracking.shown_uri import shown_uri
from sweeps.tracking.spec_params import spec_from_run


@dataclass(frozen=True)
class FoundExperiment:
    """An experiment of a store."""

    experiment_id: str
    name: str
    is_deleted: bool = False


class SweepReader(ABC):
    """The sweeps of one tracking store, to be read, with their artifacts; a TrackingError where it does not answer.

    uri: of the store. file: the SQLite file behind it, None for a server.
    """

    uri: str
    file: Path | None

    @abstractmethod
    def experiments(self) -> list[FoundExperiment]:
        """All that were not deleted, oldest first."""

    @abstractmethod
    def find_experiment(self, name: str) -> FoundExperiment | None:
        """The one of that name, deleted or not; None when there is none."""

    @abstractmethod
    def runs_of_kind(self, experiment_id: str, kind: str) -> Iterable[StoredRun]:
        """The runs of an experiment with that tag `kind` that were not deleted."""

    @abstractmethod
    def history(self, run_id: str, metric: str) -> dict[int, float]:
        """step -> value. One call to a server; for many runs read the tables instead."""

    @abstractmethod
    def artifact_uri(self, run_id: str) -> str:
        """Of a run's artifacts, as it is recorded."""

    @abstractmethod
    def served_files(self, run_id: str, folder: str) -> contextlib.AbstractContextManager[list[Path]]:
        """The files of an artifact folder that a server keeps, fetched for the duration."""

    @abstractmethod
    def served_names(self, run_id: str, folder: str) -> list[str]:
        """The names of the files of an artifact folder that a server keeps."""

    @abstractmethod
    def send_files(self, run_id: str, folder: str, files: Mapping[str, bytes]) -> None:
        """Has a server write contents, by file name, into an artifact folder of a run."""

    def names(self) -> list[str]:
        """Names of all sweeps, oldest first."""
        found = self.experiments()
        return [one.name for one in found if self.sweep_run(one.experiment_id) is not None]

    def sweep(self, name: str) -> RecordedSweep | None:
        """The sweep of that name, None when there is none."""
        experiment_id = self.experiment_id(name)
        run = None if experiment_id is None else self.sweep_run(experiment_id)
        if experiment_id is None or run is None:
            return None
        with legible(name, run):
            spec = spec_from_run(run)
        return RecordedSweep(
            name=name,
            experiment_id=experiment_id,
            run_id=run.info.run_id,
            status=run.info.status,
            tags=dict(run.data.tags),
            spec=spec,
            drivers=drivers(run),
            ended=run.info.end_time / 1000 if run.info.end_time else None,
        )

    def known_sweep(self, name: str) -> RecordedSweep:
        """The sweep of that name. Raises UnknownSweepError, which names those that there are."""
        recorded = self.sweep(name) if is_text(name) else None
        if recorded is None:
            known = ", ".join(self.names()) or "none yet; make one with `sweeps run`"
            raise UnknownSweepError(f"there is no sweep {name!r} in {shown_uri(self.uri)}; sweeps there: {known}")
        return recorded

    def experiment_id(self, name: str) -> str | None:
        """Of the experiment of that name, unless there is none. Raises TrackingError where it was deleted."""
        found = self.find_experiment(name)
        if found is not None and found.is_deleted:
            raise TrackingError(
                f"the experiment {name!r} was deleted, and MLflow keeps its name: restore it with `mlflow experiments "
                f"restore --experiment-id {found.experiment_id}`, or give the sweep another --name"
            )
        return None if found is None else found.experiment_id

    def trials(self, sweep: RecordedSweep) -> list[RecordedTrial]:
        """Every trial run that counts, by number and replicate."""
        return recorded_trials(self.runs_of_kind(sweep.experiment_id, "trial"), sweep)

    def sweep_run(self, experiment_id: str) -> StoredRun | None:
        """The run of the whole sweep; the oldest, where an earlier version of ours made two."""
        found = self.runs_of_kind(experiment_id, "sweep")
        return min(found, key=lambda run: (run.info.start_time, run.info.run_id), default=None)

    @contextlib.contextmanager
    def artifacts(self, run_id: str, folder: str) -> Iterator[list[Path]]:
        """The files of one artifact folder, on this machine for the duration."""
        here = self.folder(run_id)
        if here is not None:
            yield files_in(here / folder)
            return
        with self.served_files(run_id, folder) as paths:
            yield paths

    def holds(self, run_id: str, folder: str, name: str) -> bool:
        """Whether there is such a file in an artifact folder of a run."""
        here = self.folder(run_id)
        return name in self.served_names(run_id, folder) if here is None else (here / folder / name).is_file()

    def local_path(self, run_id: str, artifact: str) -> Path | None:
        """Where an artifact is on this machine; None where a server keeps it."""
        here = self.folder(run_id)
        return None if here is None else here / artifact

    def write_files(self, run_id: str, folder: str, files: Mapping[str, bytes]) -> None:
        """Writes contents, by file name, into an artifact folder of a run, over what is there; each whole or not.

        Raises OSError too, where the folder is on this machine.
        """
        here = self.folder(run_id)
        if here is None:
            self.send_files(run_id, folder, files)
            return
        for name, content in files.items():
            write_whole(here / folder / name, content)

    def folder(self, run_id: str) -> Path | None:
        """Of a run's artifacts on this machine; None where a server keeps them."""
        return run_folder(self.artifact_uri(run_id), self.file)
