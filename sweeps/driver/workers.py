"""Where a sweep's trials run: in processes of this machine, or on the workers of a Dask cluster."""

from collections.abc import Callable
from dataclasses import dataclass

from sweeps.errors import InputError
from sweeps.executors.base import ClusterError, Executor
from sweeps.executors.event_channel import Sink
from sweeps.executors.loky import LokyExecutor, default_jobs
from sweeps.specification.requirements import datasets
from sweeps.specification.spec import SweepSpec
from sweeps.user_network.source import source_digest, source_file
from sweeps.worker.trial import run_trial

_EXTRA = "distributed"  # what `numpy-sweeps[cluster]` brings


@dataclass(frozen=True)
class Workers:
    """What was asked for.

    jobs: trials at a time; None for one a core, or one a worker of the cluster. cluster: the address of its scheduler;
    None for this machine. any_worker: whether workers of the cluster may compute otherwise than this machine does.
    """

    jobs: int | None = None
    cluster: str | None = None
    any_worker: bool = False

    def opened(self, spec: SweepSpec, say: Callable[[str], None], sink: Sink | None = None) -> Executor:
        """Workers that begin with importing what they will need. Raises InputError where a cluster can't be used.

        sink: is given what they say while they train.
        """
        preload = run_trial.__module__ if spec.network is None else "sweeps.worker.user_network_trial"
        if self.cluster is None:
            return LokyExecutor(self.jobs or default_jobs(), preload, sink)
        try:
            from sweeps.executors.dask import DaskExecutor
        except ModuleNotFoundError as error:
            if error.name != _EXTRA:
                raise
            raise InputError("cluster: needs Dask; pip install 'numpy-sweeps[cluster]'") from None
        try:
            data, files = datasets(spec), _files(spec)
            return DaskExecutor(self.cluster, preload, say, data, files, sink, lenient=self.any_worker, most=self.jobs)
        except ClusterError as error:
            raise InputError(str(error)) from None


def _files(spec: SweepSpec) -> dict[str, str]:
    """Of somebody's own network: its path, and the SHA-256 of its content."""
    file = None if spec.network is None else source_file(spec.network.target)
    return {} if spec.network is None or file is None else {str(file): source_digest(spec.network.target)}
