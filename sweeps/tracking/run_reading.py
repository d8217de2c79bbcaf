"""Runs as a store gives them, read as what they record; what somebody changed there by hand becomes a sentence."""

import contextlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from sweeps.errors import OddSweepError
from sweeps.specification.domains import Domain, Setting, Settings, decode
from sweeps.specification.spec import SweepSpec
from sweeps.tracking.records import DRIVER, SWEEP_RUN, RecordedSweep, RecordedTrial
from sweeps.verdicts.facts import State
from sweeps.worker.task import Key

DEATHS, RETRY = "deaths.", "retry."  # tags of the sweep's run, with the number and replicate of a training
RETRIED = "retried"

_SHOWN = 80  # characters of what stands there


class StoredInfo(Protocol):
    """Of a run: when it was, in milliseconds of Unix time, and how it ended."""

    @property
    def run_id(self) -> str: ...
    @property
    def run_name(self) -> str | None: ...
    @property
    def status(self) -> str: ...
    @property
    def start_time(self) -> int: ...
    @property
    def end_time(self) -> int | None: ...


class StoredData(Protocol):
    """Of a run: what was recorded of it; of a metric its last value."""

    @property
    def tags(self) -> Mapping[str, str]: ...
    @property
    def params(self) -> Mapping[str, str]: ...
    @property
    def metrics(self) -> Mapping[str, float]: ...


class StoredRun(Protocol):
    """A run as MLflow gives it, or as its database holds it."""

    @property
    def info(self) -> StoredInfo: ...
    @property
    def data(self) -> StoredData: ...


@contextlib.contextmanager
def legible(sweep: str, run: StoredRun) -> Iterator[None]:
    """Turns what comes of reading a run that was changed by hand into an OddSweepError of one line."""
    try:
        yield
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        what = f"has no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise OddSweepError(
            f"the sweep {sweep!r} cannot be read: its run {run.info.run_name} ({run.info.run_id}) {_cut(what, 400)}; "
            "change it back in MLflow, or delete a trial's run, so that `sweeps run` trains it again"
        ) from error


@contextlib.contextmanager
def legible_tag(sweep: RecordedSweep, tag: str) -> Iterator[None]:
    """The same for a tag of the sweep's run that a driver reads before it goes on."""
    try:
        yield
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise OddSweepError(
            f"the sweep {sweep.name!r} cannot go on: its run {SWEEP_RUN} ({sweep.run_id}) has the tag {_cut(tag)!r} = "
            f"{_cut(sweep.tags[tag])!r}, which nothing of ours wrote; change it back in MLflow, or delete it"
        ) from error


def noted_deaths(sweep: RecordedSweep) -> dict[Key, int]:
    """How often each training killed its worker so far. Raises OddSweepError."""
    deaths: dict[Key, int] = {}
    for tag in sweep.tags:
        if tag.startswith(DEATHS):
            with legible_tag(sweep, tag):
                deaths[_key(tag.removeprefix(DEATHS))] = _whole(sweep.tags, tag)
    return deaths


def kept_settings(sweep: RecordedSweep) -> dict[int, Settings]:
    """The settings of trials that failed once and were to run again. Raises OddSweepError."""
    kept: dict[int, Settings] = {}
    for tag, text in sweep.tags.items():
        if tag.startswith(RETRY):
            with legible_tag(sweep, tag):
                number, _ = _key(tag.removeprefix(RETRY))
                texts = dict(json.loads(text).items())
                kept[number] = {
                    name: _setting(name, texts[name], domain)
                    for name, domain in sweep.spec.search.items()
                    if name in texts
                }
    return kept


def times_retried(sweep: RecordedSweep) -> int:
    """How many failed trainings were asked for again so far. Raises OddSweepError."""
    if RETRIED not in sweep.tags:
        return 0
    with legible_tag(sweep, RETRIED):
        return _whole(sweep.tags, RETRIED)


def _key(words: str) -> Key:
    """Of a training, as the end of a tag's name."""
    number, replicate = words.split(".")
    return _whole({words: number}, words), _whole({words: replicate}, words)


def drivers(run: StoredRun) -> int:
    """How many have driven a sweep so far, by its run."""
    numbers = [key.removeprefix(f"{DRIVER}.") for key in run.data.params]
    return max((int(number) for number in numbers if re.fullmatch("[0-9]{1,9}", number)), default=0)


def written_by(run: StoredRun) -> int:
    """Which of a sweep's drivers wrote a trial's run; 0 where it says nothing, as before this was told."""
    number = run.data.tags.get(DRIVER, "")
    return int(number) if re.fullmatch("[0-9]{1,9}", number) else 0


def recorded_trials(runs: Iterable[StoredRun], sweep: RecordedSweep) -> list[RecordedTrial]:
    """Of these runs of trials those that count, by number and replicate. Raises OddSweepError."""
    counted = _without_late_ones(runs, sweep.drivers)
    recorded = [_recorded_trial(run, sweep.spec) for run in counted]
    return sorted(recorded, key=lambda trial: (trial.number, trial.replicate))


def _without_late_ones(trials: Iterable[StoredRun], drivers: int) -> list[StoredRun]:
    """Trial runs without what a driver wrote after another had taken over: that one's run of a training counts.

    drivers: how many have driven the sweep; what an earlier one left unfinished is never ended. What is in progress
    does not count beside what came of the same training: the store has not been told yet that it is over.
    """
    runs, newest = list(trials), dict[tuple[str, str], int]()
    for run in runs:
        if run.info.status != "RUNNING":
            newest[training_of(run)] = max(written_by(run), newest.get(training_of(run), 0))

    def counts(run: StoredRun) -> bool:
        number = written_by(run)
        if run.info.status == "RUNNING":
            return training_of(run) not in newest and (number == 0 or number >= drivers)
        return number >= newest[training_of(run)]

    return list(filter(counts, runs))


def training_of(trial: StoredRun) -> tuple[str, str]:
    """The tags that say of which training a run is; empty where somebody took them away."""
    return trial.data.tags.get("trial", ""), trial.data.tags.get("replicate", "")


def _recorded_trial(run: StoredRun, spec: SweepSpec) -> RecordedTrial:
    tags, info = run.data.tags, run.info
    with legible(spec.name, run):
        state = "running" if info.status == "RUNNING" else _text(tags, "state")
        if state != "running" and state not in [one.value for one in State]:
            raise ValueError(f"has the tag state = {_cut(state)!r}, which no trial can have")
        return RecordedTrial(
            number=_whole(tags, "trial"),
            replicate=_whole(tags, "replicate"),
            state=state,
            settings={
                name: _setting(name, run.data.params[name], domain)
                for name, domain in spec.search.items()
                if name in run.data.params
            },
            metrics=_metrics(run.data.metrics),
            verdict=tags.get("verdict"),
            verdict_reason=tags.get("verdict.reason"),
            run_id=info.run_id,
            seconds=((info.end_time or info.start_time) - info.start_time) / 1000,
        )


def _text(tags: Mapping[str, str], name: str) -> str:
    if name not in tags:
        raise ValueError(f"has no tag {name}")
    return str(tags[name])


def _whole(tags: Mapping[str, str], name: str) -> int:
    text = _text(tags, name)
    if not re.fullmatch("[0-9]{1,9}", text):
        raise ValueError(f"has the tag {name} = {_cut(text)!r}, which is no whole number")
    return int(text)


def _setting(name: str, text: str, domain: Domain) -> Setting:
    value = decode(text)
    kinds = {type(corner) for corner in domain.corners}
    kinds |= {int} if float in kinds else set()
    if type(value) not in kinds or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError(f"has the param {name} = {_cut(text)!r}, which is none of {domain.in_words}")
    return value


def _metrics(metrics: Mapping[str, float]) -> dict[str, float]:
    """As recorded, once those that count something are whole numbers."""
    for name in ("best_epoch", "diverged_epoch"):
        if name in metrics and not float(metrics[name]).is_integer():
            raise ValueError(f"has the metric {name} = {metrics[name]!r}, which is no epoch")
    return dict(metrics)


def _cut(text: str, most: int = _SHOWN) -> str:
    return text if len(text) <= most else f"{text[:most]}..."
