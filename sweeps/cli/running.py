"""Commands that train: run, check, predict, replay; and those that bring results to a store, or say where it is now."""

import argparse
import contextlib
import shlex
import shutil
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweeps.cli.as_json import print_json
from sweeps.cli.browsing import say_what_is_missing
from sweeps.cli.exit_codes import BAD_INPUT, DONE, FAILED, complain
from sweeps.cli.interrupts import heed
from sweeps.errors import OUT_OF_MEMORY, BusyError, InputError, TrackingError, UnknownSweepError
from sweeps.formatting import count, printable
from sweeps.tracking.address import check_spelling
from sweeps.tracking.location import sqlite_file, tracking_uri
from sweeps.tracking.outbox_places import SUFFIX, outbox_folder, outboxes
from sweeps.tracking.shown_uri import has_secrets

if TYPE_CHECKING:
    from sweeps.driver.loop import Finished
    from sweeps.results.sweep import Sweep
    from sweeps.specification.spec import SweepSpec


_BEST = 8  # trials that `run` prints
_WHERE_SECRETS_BELONG = "What next, with the store's address in MLFLOW_TRACKING_URI, as it holds a secret:"


def run(arguments: argparse.Namespace) -> int:
    try:
        return _run(arguments)
    finally:
        if arguments.bell and sys.stderr.isatty():
            with contextlib.suppress(OSError):  # the terminal has gone away
                sys.stderr.write("\a")
                sys.stderr.flush()


def _run(arguments: argparse.Namespace) -> int:
    heed(signal.SIGINT, signal.SIGTERM)  # a shell script's background jobs start with SIGINT ignored
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup asks for that
        heed(signal.SIGHUP)
    given = {"name": arguments.name, "trials": arguments.trials, "seed": arguments.seed}
    spec = _read(arguments.spec, **given)
    check_spelling(tracking_uri(arguments.tracking_uri))
    from sweeps.driver.loop import run_sweep  # and with it Optuna, which a mistake in the spec need not wait for
    from sweeps.views.terminal_progress import progress_of

    with progress_of(spec.name, arguments.quiet) as progress:
        finished = run_sweep(
            spec,
            progress,
            arguments.jobs,
            arguments.tracking_uri,
            retry_failed=arguments.retry_failed,
            wait=arguments.store_wait,
            cluster=arguments.cluster,
            any_worker=arguments.any_worker,
        )
    return _concluded(finished, arguments.tracking_uri)


def deliver(arguments: argparse.Namespace) -> int:
    heed(signal.SIGINT, signal.SIGTERM)
    from sweeps.driver.delivery import deliver as delivered
    from sweeps.views.terminal_progress import progress_of

    paths = _outboxes(arguments.sweep, tracking_uri(arguments.tracking_uri))
    codes = [DONE]
    for path in paths:
        try:
            with progress_of(path.stem, arguments.quiet) as progress:
                done = delivered(path, progress, arguments.tracking_uri, arguments.store_wait)
        except (TrackingError, BusyError, InputError) as error:  # one keeps none of the others from their store
            codes.append(complain(error, FAILED))
            continue
        if done is None:
            complain(f"{path.stem}: nothing waits", DONE)
        elif done.finished is None:
            said = f"{count(done.results, 'result')} delivered, and trainings are left to do"
            complain(f"{done.name}: {said}: `sweeps run` with its spec goes on", DONE)
        else:
            complain(f"{done.name}: {count(done.results, 'result')} delivered, and its record is finished", DONE)
            codes.append(_concluded(done.finished, arguments.tracking_uri))
    if not paths:
        complain("nothing waits for this store", DONE)
    return max(codes)


def _outboxes(sweep: str | None, uri: str) -> list[Path]:
    """The outbox of a sweep, by its name or its file; without either all that the store has."""
    known = outboxes(uri)
    if sweep is None:
        return known
    path = Path(sweep) if sweep.endswith(SUFFIX) else next((one for one in known if one.stem == sweep), None)
    if path is None or not path.is_file():
        held = ", ".join(one.stem for one in known) or "none"
        raise UnknownSweepError(f"there is no outbox {sweep!r} in {outbox_folder(uri)}; sweeps with one: {held}")
    return [path]


def _concluded(finished: "Finished", uri: str | None) -> int:
    """Prints what came of a sweep, once its report is written."""
    from sweeps.analysis.next_spec import answers
    from sweeps.results.sweep import load
    from sweeps.tracking.records import REPORT, REPORT_FILE
    from sweeps.views import terminal_tables  # and with it pandas, which training need not wait for
    from sweeps.views.report.page_data import tables_of

    sweep = load(finished.spec.name, finished.uri)
    title = "Pareto front" if len(sweep.spec.goals) > 1 else "Best trials"
    terminal_tables.print_trials(f"{title} of {sweep.name}", sweep.best(_BEST), sweep.spec, sweep.trials)
    terminal_tables.print_verdicts(sweep.ordered)
    terminal_tables.print_answers(answers(tables_of(sweep)))
    report = None if finished.was_finished and sweep.holds(REPORT, REPORT_FILE) else _reported(sweep)
    print(printable(next_steps(sweep, uri, report)))
    if finished.was_finished:
        complain(f"{sweep.name} was finished already; nothing was run. More: --trials N, or another --name", DONE)
    if finished.failed:
        several = finished.spec.replicates > 1
        failed = ", ".join(f"{number}-r{r}" if several else str(number) for number, r in finished.failed)
        return complain(f"failed: trial {failed}; the error of each is the artifact error.txt of its run", FAILED)
    return DONE


def relocate(arguments: argparse.Namespace) -> int:
    from sweeps.tracking.relocation import relocate as rewritten

    file = sqlite_file(tracking_uri(arguments.tracking_uri))
    if file is None:
        return complain("a server knows its own places; relocate is for a SQLite file and its artifacts", BAD_INPUT)
    moved, backup = rewritten(file)
    if backup is None:
        return complain(f"{file}: every artifact is recorded where it is; nothing was changed", DONE)
    print(f"{moved} places rewritten in {file}; as it was: {backup}")
    return DONE


def _read(path: Path | None, **given: Any) -> "SweepSpec":
    from sweeps.specification.reading import DEFAULT_SPEC, read_spec

    spec = read_spec(path or DEFAULT_SPEC, **given)
    if spec.network is not None:
        complain(f"executes {spec.network.target} in worker processes, {spec.time_limit:g} s a trial at the most", DONE)
    return spec


def _note(message: str) -> None:
    complain(message, DONE)


def _reported(sweep: "Sweep") -> Path | None:
    """The report page; a sweep stands without it, so what keeps it from being written is only said."""
    from sweeps.views.report.publishing import publish

    try:
        published = publish(sweep)
    except (TrackingError, OSError, *OUT_OF_MEMORY) as error:
        why = str(error) or "out of memory"
        complain(f"the report was not written ({why}); `sweeps report {sweep.name}` writes it", DONE)
        return None
    say_what_is_missing(published)
    return published.page


def next_steps(sweep: "Sweep", uri: str | None, report: Path | None) -> str:
    from sweeps.analysis.ranking import pair_to_compare
    from sweeps.tracking.mlflow_pages.links import complete, is_served, view_link

    name = shlex.quote(sweep.name)  # MLflow lets people rename it to anything
    uri = None if uri and has_secrets(uri) else uri  # then the commands are for where $MLFLOW_TRACKING_URI holds it
    store, sweeps = f" --tracking-uri {shlex.quote(uri)}" if uri else "", _as_called()
    opened = "open" if is_served(sweep.uri) else f"{sweeps} ui{store}  then open"
    pair = pair_to_compare(sweep.spec, sweep.trials)
    best = sweep.best(1)["trial"].astype(int)
    return "\n".join(
        [
            "What next:" if uri or not has_secrets(sweep.uri) else _WHERE_SECRETS_BELONG,
            f"  {report or f'{sweeps} report {name}{store}'}  what is stable, where the border runs, what to try",
            f"  {opened} {complete(sweep.uri, view_link(sweep.experiment_id))}  every trial's curves, side by side",
            f"  {sweeps} next {name}{store} > {name}-next.toml  the spec of the sweep that follows",
            f"  {sweeps} show {name}{store} --where 'diverged == 1'",
            *([f"  {sweeps} compare {name}{store} {pair[0]} {pair[1]}"] if pair else []),
            *(f"  {sweeps} replay {name}{store} {number}" for number in best),
            f"  python: import sweeps; sweeps.load({sweep.name!r}{f', {uri!r}' if uri else ''}).trials",
        ]
    )


def _as_called() -> str:
    """This program as it can be typed again: by its name where the shell finds it, else by its path."""
    called, found = Path(sys.argv[0]), shutil.which("sweeps")
    if called.name != "sweeps" or not called.is_file() or (found is not None and called.samefile(found)):
        return "sweeps"
    called = called.absolute()
    return shlex.quote(str(called.relative_to(Path.cwd()) if called.is_relative_to(Path.cwd()) else called))


def check(arguments: argparse.Namespace) -> int:
    spec = _read(arguments.spec)  # before the imports that take seconds

    from sweeps.driver.estimate import sweep_seconds
    from sweeps.executors.loky import default_jobs
    from sweeps.specification.requirements import datasets
    from sweeps.views import terminal_tables

    jobs = arguments.jobs or default_jobs()
    seconds = sweep_seconds(spec, datasets(spec), jobs)
    trainings = spec.trials * spec.replicates
    if arguments.json:
        print_json({"spec": spec.to_table(), "trainings": trainings, "jobs": jobs, "seconds": seconds})
        return DONE
    terminal_tables.print_spec(spec)
    print(f"{trainings} trainings on {jobs} workers: about {terminal_tables.duration(seconds)} on this machine")
    return DONE


def predict(arguments: argparse.Namespace) -> int:
    heed(signal.SIGINT, signal.SIGTERM)
    spec = _read(arguments.spec)  # before the imports that take seconds

    from sweeps.driver.predicting import predict as predicted
    from sweeps.driver.workers import Workers
    from sweeps.specification.requirements import datasets
    from sweeps.views import terminal_tables

    workers = Workers(arguments.jobs, arguments.cluster, arguments.any_worker)
    found = predicted(spec, datasets(spec), workers, _note)
    checked = [one for one in found if one.is_inside is not None]
    inside = sum(one.is_inside is True for one in checked)
    if arguments.json:
        borders = [asdict(one.border.at) | asdict(one) | {"measured": one.in_words} for one in found]
        print_json({"borders": borders, "checked": len(checked), "inside": inside})
        return DONE
    terminal_tables.print_predicted(spec.name, found)
    print(
        f"{inside} of {count(len(checked), 'checked border')} inside the band: stable at its low end, not at its high"
    )
    return DONE


def replay(arguments: argparse.Namespace) -> int:
    from sweeps.results.sweep import load

    replay = load(arguments.name, arguments.tracking_uri).replay(arguments.trial, arguments.replicate)
    if arguments.json:
        print_json(asdict(replay) | {"identical": replay.identical})
        return DONE if replay.identical else FAILED
    if replay.identical:
        print(f"trial {replay.trial}: all {replay.compared} recorded numbers came back, bit for bit")
        return DONE
    if replay.error is not None:
        return complain(f"trial {replay.trial} raised:\n{replay.error}", FAILED)
    print(f"trial {replay.trial}: {len(replay.differences)} of {replay.compared} recorded numbers did not come back")
    first = replay.differences[0]
    print(f"first: epoch {first.epoch}, {first.metric}: recorded {first.recorded!r}, now {first.now!r}")
    return FAILED
