"""The command line: parse, wire, print, exit code. Results go to stdout, everything else to stderr."""

import argparse
import json
import os
import signal
import sys
import webbrowser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from model import DatasetError
from sweeps.errors import BusyError, InputError, Interrupted, TrackingError
from sweeps.parsing import DEFAULT_SPEC, datasets, read_spec
from sweeps.spec import OBJECTIVES, SweepSpec
from sweeps.tracking.location import sqlite_file, tracking_uri

if TYPE_CHECKING:
    from sweeps.diagnosis.findings import Finding
    from sweeps.diagnosis.settings import Settings
    from sweeps.report import Published
    from sweeps.results import Sweep

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

_FORMATS = ("parquet", "csv", "json")
_TOP = 20  # trials that `show` prints unless told
_BEST = 8  # trials that `run` prints


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns its exit code: 0 done, 1 failed, 2 bad input, 130 interrupted."""
    parsed = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
        return command(parsed)
    except (InputError, DatasetError) as error:
        return _complain(error, BAD_INPUT)
    except (TrackingError, BusyError) as error:
        return _complain(error, FAILED)
    except Interrupted as stop:
        lost = (
            f"; {stop.unrecorded} finished trials could not be recorded and will run again" if stop.unrecorded else ""
        )
        return _complain(f"interrupted{lost}; the same command goes on from here", INTERRUPTED)
    except BrokenPipeError:  # the reader has seen enough, as in `sweeps show mnist | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sweeps", description="Stability-first sweeps of NumPy networks.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], int], what: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=what, description=what)
        added.set_defaults(command=command)
        added.add_argument(
            "--tracking-uri", metavar="URI", help="MLflow store (default: $MLFLOW_TRACKING_URI, mlruns/)"
        )
        return added

    run = add("run", _run, "run a sweep, or go on with the one of that name")
    run.add_argument("spec", nargs="?", type=Path, default=DEFAULT_SPEC, help="TOML file (default: the MNIST sweep)")
    run.add_argument("--name", help="in place of the spec's")
    run.add_argument("--trials", type=int, metavar="N", help="in place of the spec's; a larger number extends a sweep")
    run.add_argument("--seed", type=int, metavar="N", help="in place of the spec's")
    run.add_argument("--jobs", type=_positive, metavar="N", help="worker processes (default: one a core)")
    run.add_argument("--quiet", action="store_true", help="no progress")

    add("list", _list, "every sweep: trials by state, best")

    show = add("show", _show, "a sweep's trials as a table, best first")
    show.add_argument("name")
    show.add_argument("--top", type=_positive, metavar="N", default=_TOP, help=f"how many (default: {_TOP})")
    show.add_argument("--reassess", action="store_true", help="verdicts made anew from the recorded epochs")
    show.add_argument("--where", metavar="EXPR", help='as in: eta < 1 and lambda <= 5 and state == "complete"')

    compare = add("compare", _compare, "trials side by side")
    compare.add_argument("name")
    compare.add_argument("trials", nargs="+", type=int, metavar="TRIAL")

    report = add("report", _report, "(re)build a sweep's report page and the picture of its map, and print their paths")
    report.add_argument("name")
    report.add_argument("--open", action="store_true", help="in the browser, too")

    export = add("export", _export, "write the trials and epochs tables into a folder")
    export.add_argument("name")
    export.add_argument("folder", type=Path, metavar="DIR")
    export.add_argument("--format", choices=_FORMATS, default="parquet")

    replay = add("replay", _replay, "train a trial again; say whether every recorded number comes back, bit for bit")
    replay.add_argument("name")
    replay.add_argument("trial", type=int)
    replay.add_argument("--replicate", type=int, default=0, metavar="N", help="which start (default: 0)")

    check = add("check", _check, "validate a spec and print what it would run")
    check.add_argument("spec", type=Path)
    check.add_argument("--jobs", type=_positive, metavar="N", help="worker processes (default: one a core)")

    beside = add("beside", _beside, "curves of several trainings in the same panels: a page and a picture")
    beside.add_argument("trainings", nargs="+", metavar="TRAINING", help="SWEEP:TRIAL, or a CSV of a recorded run")
    beside.add_argument("--out", type=Path, metavar="FILE", default=Path("beside.html"), help="default: beside.html")
    beside.add_argument("--title", default="Side by side")
    beside.add_argument("--evaluated-size", type=_positive, metavar="N", help="examples that a CSV's cost is of")

    diagnose = add("diagnose", _diagnose, "find the fault in a network class, or in the curve of a recorded run")
    diagnose.add_argument("target", help="path/to/file.py:Class or package.module:Class; or a CSV with epoch and cost")
    diagnose.add_argument("--data", help="mnist, digits, idx:FOLDER or npz:FILE, for a class: its gradient on them")
    diagnose.add_argument("--sizes", type=_sizes, help="units of every layer, inputs first, as in 784,30,10")
    diagnose.add_argument("--training-size", type=_positive, metavar="N", help="n of the penalty in the update")
    diagnose.add_argument(
        "--evaluated-size", type=_positive, metavar="N", help="n of the penalty in the cost, of a CSV"
    )
    diagnose.add_argument("--eta", type=float, help="with --lambda, --batch-size, --training-size: are they stable")
    diagnose.add_argument("--lambda", type=float, dest="lmbda")
    diagnose.add_argument("--batch-size", type=_positive, metavar="M")
    diagnose.add_argument("--momentum", type=float, default=0.0, help="of a CSV's run (default: 0)")
    diagnose.add_argument("--cost", choices=("quadratic", "cross_entropy"), help="of a CSV's run (default: quadratic)")
    diagnose.add_argument(
        "--output", choices=("sigmoid", "softmax", "linear"), help="of a CSV's run (default: sigmoid)"
    )
    diagnose.add_argument("--sweep", metavar="NAME", help="name the nearest stable setting that this sweep measured")
    diagnose.add_argument("--time-limit", type=float, metavar="SECONDS", help="for a class (default: 600)")
    diagnose.add_argument("--json", action="store_true", help="a list of findings")

    ui = add("ui", _ui, "the MLflow UI on the sweeps' store")
    ui.add_argument("--host", default="127.0.0.1")
    ui.add_argument("--port", type=_positive, default=5000)
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return int(text)


def _sizes(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if len(parts) < 2 or not all(part.strip().isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"must be two or more whole numbers, as in 784,30,10, got {text!r}")
    return tuple(map(int, parts))


def _complain(error: object, code: int) -> int:
    print(f"sweeps: {error}", file=sys.stderr)
    return code


def _run(arguments: argparse.Namespace) -> int:
    for ending in (signal.SIGINT, signal.SIGTERM):  # a shell script's background jobs start with SIGINT ignored
        signal.signal(ending, _interrupt)
    given = {"name": arguments.name, "trials": arguments.trials, "seed": arguments.seed}
    spec = _read(arguments.spec, **given)
    from sweeps.driver import run_sweep  # and with it Optuna, which a mistake in the spec need not wait for
    from sweeps.progress import progress_of

    with progress_of(spec.name, arguments.quiet) as progress:
        finished = run_sweep(spec, progress, arguments.jobs, arguments.tracking_uri)
    from sweeps import display  # and with it pandas, which training need not wait for
    from sweeps.results import load

    sweep = load(finished.spec.name, finished.uri)
    display.print_trials(f"Best trials of {sweep.name}", sweep.best(_BEST), sweep.spec)
    display.print_verdicts(sweep.ordered)
    report = None if finished.was_finished else _reported(sweep)
    print(_next_steps(sweep, arguments.tracking_uri, report))
    if finished.was_finished:
        _complain(f"{sweep.name} was finished already; nothing was run. More: --trials N, or another --name", DONE)
    if finished.failed:
        failed = ", ".join(f"{number}-r{r}" if spec.replicates > 1 else str(number) for number, r in finished.failed)
        return _complain(f"failed: trial {failed}; the error of each is the artifact error.txt of its run", FAILED)
    return DONE


def _read(path: Path, **given: Any) -> SweepSpec:
    spec = read_spec(path, **given)
    if spec.network is not None:
        _complain(
            f"executes {spec.network.target} in worker processes, {spec.time_limit:g} s a trial at the most", DONE
        )
    return spec


def _interrupt(signum: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _reported(sweep: "Sweep") -> Path | None:
    """The report page; a sweep stands without it, so what keeps it from being written is only said."""
    from sweeps.report import publish

    try:
        published = publish(sweep)
    except (TrackingError, OSError) as error:
        _complain(f"the report was not written ({error}); `sweeps report {sweep.name}` writes it", DONE)
        return None
    _say_what_is_missing(published)
    return published.page


def _say_what_is_missing(published: "Published") -> None:
    if published.trouble is not None:
        _complain(f"the picture of the map could not be drawn ({published.trouble})", DONE)


def _next_steps(sweep: "Sweep", uri: str | None, report: Path | None) -> str:
    from sweeps.tracking.views import view_link

    name = sweep.name
    store = f" --tracking-uri {uri}" if uri else ""
    is_server = urlsplit(sweep.uri).scheme in ("http", "https")
    server = sweep.uri.rstrip("/") if is_server else "http://127.0.0.1:5000"
    opened = "open" if is_server else f"sweeps ui{store}  then open"
    worst, best = _instructive(sweep)
    return "\n".join(
        [
            "What next:",
            f"  {report or f'sweeps report {name}{store}'}  what is stable, where the border runs, what to try",
            f"  {opened} {server}/{view_link(sweep.experiment_id)}  every trial's curves, side by side",
            f"  sweeps show {name}{store} --where 'diverged == 1'",
            f"  sweeps compare {name}{store} {best} {worst}",
            f"  sweeps replay {name}{store} {best}",
            f"  python: import sweeps; sweeps.load({name!r}{f', {uri!r}' if uri else ''}).trials",
        ]
    )


def _instructive(sweep: "Sweep") -> tuple[int, int]:
    """(the first trial that went wrong, or the worst; the best trial): a pair that is worth comparing."""
    numbers = list(sweep.ordered["trial"].astype(int))
    wrong = sweep.ordered[~sweep.ordered["verdict"].isin(["converged", "slow"])]["trial"]
    return (int(wrong.iloc[0]) if len(wrong) else numbers[-1]), numbers[0]


def _list(arguments: argparse.Namespace) -> int:
    import pandas as pd

    from sweeps import display
    from sweeps.results import load
    from sweeps.tracking.store import Store

    rows = []
    for name in Store(arguments.tracking_uri).names():
        sweep = load(name, arguments.tracking_uri)
        best = sweep.best(1)
        objective = sweep.spec.objective[0]
        rows.append(
            {"sweep": name, "state": sweep.state, "asked for": sweep.spec.trials * sweep.spec.replicates}
            | {state: int((sweep.trials["state"] == state).sum()) for state in ("complete", "pruned", "failed")}
            | {"verdicts": ", ".join(f"{n} {word}" for word, n in sweep.trials["verdict"].value_counts().items())}
            | {"best trial": int(best["trial"].iloc[0]) if len(best) else None, "objective": objective}
            | {"best": best[f"final.{OBJECTIVES[objective][0]}"].iloc[0] if len(best) else None}
        )
    if not rows:
        return _complain(f"no sweeps in {tracking_uri(arguments.tracking_uri)} yet; make one with `sweeps run`", DONE)
    display.print_table("Sweeps", pd.DataFrame(rows))
    return DONE


def _show(arguments: argparse.Namespace) -> int:
    from sweeps import display
    from sweeps.results import load
    from sweeps.where import select

    sweep = load(arguments.name, arguments.tracking_uri)
    trials = sweep.reassessed() if arguments.reassess else sweep.trials
    ordered = trials.loc[sweep.ordered.index]
    table = select(ordered, arguments.where) if arguments.where else ordered
    display.print_trials(f"{sweep.name}: {len(table)} trials", table.head(arguments.top), sweep.spec)
    if len(table) > arguments.top:
        print(f"{arguments.top} of {len(table)} shown; all: --top {len(table)}")
    return DONE


def _compare(arguments: argparse.Namespace) -> int:
    from sweeps import display
    from sweeps.results import load

    sweep = load(arguments.name, arguments.tracking_uri)
    display.print_comparison(sweep.compare(arguments.trials))
    first, *others = arguments.trials
    for other in others:
        display.print_effect(first, other, sweep.effect(first, other), sweep.differences(first, other))
    return DONE


def _report(arguments: argparse.Namespace) -> int:
    from sweeps.report import publish
    from sweeps.results import load

    published = publish(load(arguments.name, arguments.tracking_uri))
    print(published.page)
    if published.picture is not None:
        print(published.picture)
    _say_what_is_missing(published)
    if arguments.open and not webbrowser.open(published.page.as_uri()):
        return _complain("no browser could be started; open the file above in one", FAILED)
    return DONE


def _export(arguments: argparse.Namespace) -> int:
    from sweeps.results import load

    sweep = load(arguments.name, arguments.tracking_uri)
    try:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        for name, table in {"trials": sweep.trials, "epochs": sweep.epochs}.items():
            path = arguments.folder / f"{name}.{arguments.format}"
            if arguments.format == "parquet":
                table.to_parquet(path, index=False)
            elif arguments.format == "csv":
                table.to_csv(path, index=False)
            else:
                known = table.astype(object).where(table.notna(), None)  # to_json would round to 15 digits
                path.write_text(json.dumps(known.to_dict("records"), indent=1), encoding="utf-8")
            print(path)
    except OSError as error:
        return _complain(f"{arguments.folder} cannot be written: {error.strerror}; give another folder", BAD_INPUT)
    return DONE


def _replay(arguments: argparse.Namespace) -> int:
    from sweeps.results import load

    replay = load(arguments.name, arguments.tracking_uri).replay(arguments.trial, arguments.replicate)
    if replay.identical:
        print(f"trial {replay.trial}: all {replay.compared} recorded numbers came back, bit for bit")
        return DONE
    if replay.error is not None:
        return _complain(f"trial {replay.trial} raised:\n{replay.error}", FAILED)
    print(f"trial {replay.trial}: {len(replay.differences)} of {replay.compared} recorded numbers did not come back")
    first = replay.differences[0]
    print(f"first: epoch {first.epoch}, {first.metric}: recorded {first.recorded!r}, now {first.now!r}")
    return FAILED


def _check(arguments: argparse.Namespace) -> int:
    spec = _read(arguments.spec)  # before the imports that take seconds

    from sweeps import display
    from sweeps.estimate import sweep_seconds
    from sweeps.workers import default_jobs

    jobs = arguments.jobs or default_jobs()
    seconds = sweep_seconds(spec, datasets(spec), jobs)
    display.print_spec(spec)
    trainings = spec.trials * spec.replicates
    print(f"{trainings} trainings on {jobs} workers: about {display.duration(seconds)} on this machine")
    return DONE


def _diagnose(arguments: argparse.Namespace) -> int:
    is_curve = arguments.target.lower().endswith((".csv", ".tsv", ".txt"))
    findings = _of_curve(arguments) if is_curve else _of_class(arguments)
    if arguments.json:
        print(json.dumps([finding.to_table() for finding in findings], indent=1))
        return DONE
    from sweeps import display

    display.print_findings(arguments.target, findings)
    return DONE


def _of_curve(arguments: argparse.Namespace) -> "list[Finding]":
    from sweeps.diagnosis.curves.judging import diagnose_run
    from sweeps.diagnosis.curves.recorded_run import read_run
    from sweeps.diagnosis.curves.run_facts import RunFacts

    if arguments.data is not None:
        raise InputError("--data: belongs to a class; a recorded run has its curves alone")
    facts = RunFacts(
        sizes=arguments.sizes,
        n=arguments.training_size,
        evaluated_n=arguments.evaluated_size,
        eta=arguments.eta,
        lmbda=arguments.lmbda,
        batch_size=arguments.batch_size,
        output=arguments.output,
        cost=arguments.cost,
        momentum=arguments.momentum,
    )
    near = [_nearby(arguments, _settings(arguments))] if arguments.sweep is not None else []
    return diagnose_run(read_run(arguments.target), facts) + near


def _of_class(arguments: argparse.Namespace) -> "list[Finding]":
    from sweeps.diagnosis.running import TIME_LIMIT, diagnose

    given = [arguments.eta, arguments.lmbda, arguments.batch_size, arguments.sweep]
    settings = _settings(arguments) if any(value is not None for value in given) else None
    near = [_nearby(arguments, settings)] if arguments.sweep is not None and settings is not None else []
    _complain(f"executes {arguments.target} in a worker process, with a time limit", DONE)
    limit = TIME_LIMIT if arguments.time_limit is None else arguments.time_limit
    return diagnose(arguments.target, arguments.data, arguments.sizes, settings, limit) + near


def _settings(arguments: argparse.Namespace) -> "Settings":
    """What somebody trains with. Raises InputError where they do not say all of it."""
    from sweeps.diagnosis.settings import Settings

    given = {"--eta": arguments.eta, "--lambda": arguments.lmbda}
    given |= {"--batch-size": arguments.batch_size, "--training-size": arguments.training_size}
    missing = [flag for flag, value in given.items() if value is None]
    if missing:
        raise InputError(f"settings are judged all together: give {', '.join(missing)}, too")
    return Settings(arguments.eta, arguments.lmbda, arguments.batch_size, arguments.training_size)


def _beside(arguments: argparse.Namespace) -> int:
    from sweeps.side_by_side import page, picture
    from sweeps.trainings import trainings_of

    found = trainings_of(arguments.trainings, arguments.tracking_uri, arguments.evaluated_size)
    png = arguments.out.with_suffix(".png")
    try:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(page(found, arguments.title), encoding="utf-8")
        png.write_bytes(picture(found, arguments.title))
    except OSError as error:
        return _complain(f"{arguments.out} cannot be written: {error.strerror}; give another --out", BAD_INPUT)
    print(arguments.out, png, sep="\n")
    return DONE


def _nearby(arguments: argparse.Namespace, settings: "Settings") -> "Finding":
    from sweeps.diagnosis.nearby import nearest_stable
    from sweeps.results import load

    sweep = load(arguments.sweep, arguments.tracking_uri)
    return nearest_stable(settings, sweep.trials, sweep.name)


def _ui(arguments: argparse.Namespace) -> int:
    uri = tracking_uri(arguments.tracking_uri)
    if not uri.startswith(("sqlite", "postgresql", "mysql", "mssql")):
        return _complain(f"{uri} is a server with a UI of its own: open it in a browser", BAD_INPUT)
    file = sqlite_file(uri)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false")  # five processes for language-model jobs
    server = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri]
    server += ["--host", arguments.host, "--port", str(arguments.port), "--workers", "1"]
    _complain(f"the MLflow UI will be at http://{arguments.host}:{arguments.port} (Ctrl-C stops it)", DONE)
    sys.stderr.flush()
    return os.execv(server[0], server)
