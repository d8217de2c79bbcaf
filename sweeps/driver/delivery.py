"""Brings what waits in an outbox to its store, and finishes the record of a sweep that was trained to its end."""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sweeps.driver.loop import Finished, SweepLoop
from sweeps.driver.recording import Recording
from sweeps.driver.schedule import Schedule
from sweeps.errors import OutboxError
from sweeps.events import Progress
from sweeps.executors.loky import LokyExecutor
from sweeps.specification.requirements import datasets
from sweeps.specification.spec import SweepSpec
from sweeps.tracking.location import tracking_uri
from sweeps.tracking.outage import STORE_WAIT
from sweeps.tracking.outbox import Outbox
from sweeps.tracking.outbox_contents import Opening
from sweeps.user_network.source import file_digest, split_target
from sweeps.worker.trial import run_trial

_CLOSING_SECONDS = 30.0  # that the store has to note that the sweep is left


@dataclass(frozen=True)
class Delivered:
    """What was delivered of a sweep. results: how many. finished: None where trainings are left to do."""

    name: str
    results: int
    finished: Finished | None


def deliver(path: Path, progress: Progress, uri: str | None = None, wait: float = STORE_WAIT) -> Delivered | None:
    """Delivers an outbox; None where nothing is in it. Nothing is trained, but a best network that was lost.

    path: of the outbox, which may be a copy from another machine. Raises what `run_sweep` does.
    """
    uri = tracking_uri(uri)
    with contextlib.closing(Outbox(path)) as outbox:
        opening = outbox.opening
        if opening is None or not outbox.keys:
            return None
        with _with_its_code(opening) as spec:
            return _delivered(spec, outbox, progress, uri, wait)


def _delivered(spec: SweepSpec, outbox: Outbox, progress: Progress, uri: str, wait: float) -> Delivered:
    data = datasets(spec)
    known = {} if outbox.opening is None else outbox.opening.digests
    changed = [name for name, one in data.items() if known.get(name, one.digest) != one.digest]
    if changed:
        raise OutboxError(f"{outbox.path}: the dataset {changed[0]} is not the one that was trained on; bring it back")
    waits = outbox.waits
    schedule, recording = Schedule(spec), Recording(spec, data, uri, outbox, progress, wait)
    with contextlib.closing(LokyExecutor(1, run_trial.__module__)) as executor:
        loop = SweepLoop(schedule, data, executor, recording, progress, run_trial)
        try:
            was_finished = loop.recall(outbox, needs_store=True)
            if was_finished:
                outbox.finished()
            elif not schedule.open:
                loop.finish()
            else:
                recording.deliver()
                recording.interrupt(_CLOSING_SECONDS)
        except KeyboardInterrupt:
            raise loop.interrupted(uri) from None
        finally:
            recording.close(_CLOSING_SECONDS)
    finished = None if schedule.open else Finished(schedule.spec, uri, schedule.failed, was_finished)
    return Delivered(spec.name, waits, finished)


@contextlib.contextmanager
def _with_its_code(opening: Opening) -> Iterator[SweepSpec]:
    """The spec, with the file of its own network as it was, which may be on another machine, or changed since."""
    source, code = opening.spec.network, opening.code.tobytes()
    if source is None or not source.file or file_digest(Path(source.file)) == source.digest:
        yield opening.spec
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, Path(source.file).name)
        file.write_bytes(code)
        name = split_target(source.target)[1]
        target = f"{file}:{name}" if name else str(file)
        yield replace(opening.spec, network=replace(source, target=target, file=str(file)))
