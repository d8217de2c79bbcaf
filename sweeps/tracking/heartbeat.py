"""What a driver says of itself while it runs, in the tag `live` of its sweep's run, for whoever watches elsewhere."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

LIVE = "live"  # tag of the sweep's run; gone once nothing runs
_MOST_RUNNING = 40  # that are told one by one: MLflow keeps 5,000 characters of a tag


@dataclass(frozen=True)
class RunningTraining:
    """A training in progress. epoch: the last that was heard of. started: Unix time. worker: its machine and process.

    epoch -1, worker "" and started 0: nothing was heard of it yet.
    """

    number: int
    replicate: int
    epochs: int
    epoch: int = -1
    started: float = 0.0
    worker: str = ""


@dataclass(frozen=True)
class Heartbeat:
    """How a sweep was at a moment (Unix time). total, ended, waiting: trainings; waiting for the store.

    workers: how many there are. running: what they do; more: how many run that are not in there.
    """

    at: float
    total: int
    ended: int
    waiting: int
    workers: int
    running: tuple[RunningTraining, ...]
    more: int = 0

    @property
    def text(self) -> str:
        """As it stands in the tag."""
        told = self.running[:_MOST_RUNNING]
        rows = [list(asdict(one).values()) for one in told]
        table = asdict(self) | {"running": rows, "more": self.more + len(self.running) - len(told)}
        return json.dumps(table, separators=(",", ":"))


def read_heartbeat(tags: Mapping[str, str]) -> Heartbeat | None:
    """What the tags of a sweep's run say; None where nothing runs, or the tag is none of ours."""
    try:
        table: dict[str, Any] = json.loads(tags[LIVE])
        running = tuple(RunningTraining(*_row(row)) for row in table.pop("running"))
        numbers = {name: table[name] for name in ("total", "ended", "waiting", "workers", "more")}
        if not all(isinstance(value, int) for value in numbers.values()):
            return None
        return Heartbeat(at=float(table["at"]), running=running, **numbers)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
        return None


def _row(row: list[Any]) -> tuple[Any, ...]:
    number, replicate, epochs, epoch, started, worker = row
    return int(number), int(replicate), int(epochs), int(epoch), float(started), str(worker)
