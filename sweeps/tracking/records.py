"""Sweeps and trials as they stand in MLflow; made without importing it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sweeps.sampling.outcomes import Ended
from sweeps.specification.domains import Settings
from sweeps.specification.spec import Goal, SweepSpec
from sweeps.verdicts.facts import State
from sweeps.verdicts.verdict import Verdict
from sweeps.worker.task import Key

SWEEP_RUN = "sweep"
TABLES = "tables"  # artifact folders of the sweep run
PARTS = "epochs"
NETWORK = "network"
DRIVER = "driver"  # params of the sweep run: `driver.<n>`, who was the n-th to drive it; tag of a trial run: n
REPORT, REPORT_FILE, REPORT_PICTURE = "report", "index.html", "map.png"


@dataclass(frozen=True)
class RecordedTrial:
    """A trial run as it stands in MLflow.

    state: complete, pruned, failed or running. metrics: last value of each. seconds: from start to end of the trial.
    """

    number: int
    replicate: int
    state: str
    settings: Settings
    metrics: dict[str, float]
    verdict: str | None
    verdict_reason: str | None
    run_id: str
    seconds: float

    @property
    def key(self) -> Key:
        """Of the training: number, replicate."""
        return self.number, self.replicate

    @property
    def diverged(self) -> bool:
        """Whether its records stopped being finite."""
        return bool(self.metrics.get("diverged"))

    def ended(self, goals: Sequence[Goal], curve: Mapping[int, float]) -> Ended:
        """How it ended, for a sampler. curve: epoch -> its first objective as a loss."""
        values = tuple(self.metrics[goal.metric] for goal in goals if goal.metric in self.metrics)
        verdict = Verdict(self.verdict) if self.verdict in [one.value for one in Verdict] else None
        return Ended(State(self.state), self.diverged, values, curve, verdict)


@dataclass(frozen=True)
class RecordedSweep:
    """A sweep's experiment and its own run, as they stand in MLflow.

    drivers: how many have driven it so far. ended: Unix time at which its run was closed last; None before that.
    """

    name: str
    experiment_id: str
    run_id: str
    status: str
    tags: dict[str, str]
    spec: SweepSpec
    drivers: int = 0
    ended: float | None = None
