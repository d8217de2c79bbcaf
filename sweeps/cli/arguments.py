"""What the command line understands."""

import argparse
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from sweeps.cli import adapting, browsing, completing, diagnosing, running, serving, watching
from sweeps.tracking.mlflow_pages.links import HOST, PORT
from sweeps.tracking.outage import STORE_WAIT

Command = Callable[[argparse.Namespace], int]


class Add(Protocol):
    """Adds a command. reads_store: whether it is nothing without a store. json: whether it can print JSON."""

    def __call__(
        self, name: str, command: Command, what: str, reads_store: bool = False, json: bool = False
    ) -> argparse.ArgumentParser: ...


def parser() -> argparse.ArgumentParser:
    """Of all commands; each puts what carries it out into `command`, and whether it is nothing without a store."""
    parser = argparse.ArgumentParser(prog="sweeps", description="Stability-first sweeps of NumPy networks.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version, and end")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        name: str, command: Command, what: str, reads_store: bool = False, json: bool = False
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=what, description=what)
        added.set_defaults(command=command, reads_store=reads_store)
        added.add_argument(
            "--tracking-uri", metavar="URI", help="MLflow store (default: $MLFLOW_TRACKING_URI, mlruns/)"
        )
        if json:
            added.add_argument("--json", action="store_true", help="print JSON, every number in full")
        return added

    for group in (_run, _browse, _train_again, _lay_beside, _diagnose, _adapt, _serve):
        group(add)
    for_shells = 'print what completes commands in a shell, as in: eval "$(sweeps complete bash)"'
    completion = commands.add_parser("complete", help=for_shells, description=for_shells)
    completion.set_defaults(command=partial(completing.completion, parser), reads_store=False, tracking_uri=None)
    completion.add_argument("shell", choices=completing.SHELLS)
    return parser


class _Version(argparse.Action):
    """Asked for only when it is wanted: what is installed is looked up in files."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"sweeps {version('numpy-sweeps')}")
        parser.exit()


def _run(add: Add) -> None:
    run = add("run", running.run, "run a sweep, or go on with the one of that name")
    run.add_argument("spec", nargs="?", type=Path, help="TOML file (default: the MNIST sweep)")
    run.add_argument("--name", help="in place of the spec's")
    run.add_argument("--trials", type=int, metavar="N", help="in place of the spec's; a larger number extends a sweep")
    run.add_argument("--seed", type=int, metavar="N", help="in place of the spec's")
    run.add_argument("--jobs", type=_positive, metavar="N", help="worker processes (default: one a core)")
    _cluster(run)
    run.add_argument("--retry-failed", action="store_true", help="run failed trials again, with the settings they had")
    run.add_argument("--quiet", action="store_true", help="no progress")
    run.add_argument("--bell", action="store_true", help="ring the terminal's bell at the end, whatever it is")
    _waits(run)

    deliver = add(
        "deliver",
        running.deliver,
        "bring results that wait for their store to it, and finish its record",
        reads_store=True,
    )
    deliver.add_argument("sweep", nargs="?", metavar="NAME", help="of a sweep, or its outbox file (default: all)")
    deliver.add_argument("--quiet", action="store_true", help="no progress")
    _waits(deliver)


def _waits(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--store-wait",
        type=_seconds,
        metavar="SECONDS",
        default=STORE_WAIT,
        help=f"for a store that is away, once nothing else is to be done (default: {STORE_WAIT:g})",
    )


def _cluster(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--cluster", metavar="ADDRESS", help="a Dask scheduler, tcp://HOST:PORT: train on its workers, --jobs at a time"
    )
    command.add_argument(
        "--any-worker", action="store_true", help="also on workers that compute otherwise: the last bits may differ"
    )


def _browse(add: Add) -> None:
    add("list", browsing.list_sweeps, "every sweep: trials by state, best", reads_store=True, json=True)

    show = add("show", browsing.show, "a sweep's trials as a table, best first", reads_store=True, json=True)
    show.add_argument("name")
    show.add_argument(
        "--top", type=_positive, metavar="N", default=browsing.TOP, help=f"how many (default: {browsing.TOP})"
    )
    show.add_argument("--reassess", action="store_true", help="verdicts made anew from the recorded epochs")
    show.add_argument("--columns", metavar="NAMES", help="as in: trial,verdict,eta")
    show.add_argument("--sort", metavar="NAME", help='a column, as in: eta, or "lambda desc"')
    show.add_argument("--where", metavar="EXPR", help='as in: eta < 1 and lambda <= 5 and state == "complete"')

    watch = add("watch", watching.watch, "a sweep while it runs, here or elsewhere", reads_store=True, json=True)
    watch.add_argument("name")
    watch.add_argument("--once", action="store_true", help="print one screen (with --json: the state), and end")

    compare = add("compare", browsing.compare, "trials side by side", reads_store=True, json=True)
    compare.add_argument("name")
    compare.add_argument("trials", nargs="+", type=int, metavar="TRIAL")

    following = add("next", browsing.next_sweep, "print the spec of the sweep that follows from a sweep, as TOML")
    following.add_argument("name")

    report = add(
        "report",
        browsing.report,
        "(re)build a sweep's report page and the picture of its map, and print their paths",
        reads_store=True,
        json=True,
    )
    report.add_argument("name")
    report.add_argument("--open", action="store_true", help="in the browser, too")
    report.add_argument(
        "--watch", action="store_true", help="until the sweep is finished: written anew, and fresh in an open browser"
    )

    export = add(
        "export", browsing.export, "write the trials and epochs tables into a folder", reads_store=True, json=True
    )
    export.add_argument("name")
    export.add_argument("folder", type=Path, metavar="DIR")
    export.add_argument("--format", choices=browsing.FORMATS, default="parquet")


def _train_again(add: Add) -> None:
    replay = add(
        "replay",
        running.replay,
        "train a trial again; say whether every recorded number comes back, bit for bit",
        reads_store=True,
        json=True,
    )
    replay.add_argument("name")
    replay.add_argument("trial", type=int)
    replay.add_argument("--replicate", type=int, default=0, metavar="N", help="which start (default: 0)")

    check = add("check", running.check, "validate a spec and print what it would run", json=True)
    check.add_argument("spec", type=Path)
    check.add_argument("--jobs", type=_positive, metavar="N", help="worker processes (default: one a core)")

    predict = add(
        "predict",
        running.predict,
        "from a few short trainings, the eta at which each batch size, momentum and lambda stops being stable",
        json=True,
    )
    predict.add_argument("spec", type=Path)
    predict.add_argument("--jobs", type=_positive, metavar="N", help="worker processes (default: one a core)")
    _cluster(predict)


def _lay_beside(add: Add) -> None:
    beside = add("beside", browsing.beside, "curves of several trainings in the same panels: a page and a picture")
    beside.add_argument("trainings", nargs="+", metavar="TRAINING", help="SWEEP:TRIAL, or a CSV of a recorded run")
    beside.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        default=Path("beside.html"),
        help="default: beside.html; a PNG goes beside it",
    )
    beside.add_argument("--title", default="Side by side")
    beside.add_argument("--evaluated-size", type=_positive, metavar="N", help="examples that a CSV's cost is of")


def _diagnose(add: Add) -> None:
    diagnose = add(
        "diagnose", diagnosing.diagnose, "find the fault in a network class, or in the curve of a recorded run"
    )
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
    diagnose.add_argument(
        "--prove", action="store_true", help="train a faulty class as it is and with its step corrected, and show both"
    )
    diagnose.add_argument("--save", type=Path, metavar="FILE", help="the curves of --prove, as .html or .png")
    diagnose.add_argument("--json", action="store_true", help="a list of findings")


def _adapt(add: Add) -> None:
    adapt = add("adapt", adapting.adapt, "say what is understood of a network class, and write an adapter of it")
    adapt.add_argument("target", help="path/to/file.py:Class, package.module:Class, or a file with one network")
    adapt.add_argument("--sizes", type=_sizes, help="units of every layer, inputs first, as in 784,30,10")
    adapt.add_argument("--out", type=Path, metavar="FILE", help="the adapter, to edit")


def _serve(add: Add) -> None:
    add("relocate", running.relocate, "after a store was moved: record where its artifacts are now, and keep a backup")

    ui = add("ui", serving.ui, "the MLflow UI on the sweeps' store, and a front page of all sweeps")
    ui.add_argument("--host", default=HOST)
    ui.add_argument("--port", type=_port, default=PORT, help=f"or the next one that is free (default: {PORT})")
    ui.add_argument("--no-open", action="store_true", help="print the address, and open no browser")
    ui.add_argument("--app-name", choices=(serving.GUARD,), help="ask for a name and password, as others can reach it")
    ui.add_argument("--allowed-hosts", metavar="HOSTS", help="names by which others reach it, with commas")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of seconds, got {text[:20]!r}")
    return seconds


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and 1 <= int(text) <= serving.LARGEST_PORT):
        shown = text if len(text) <= 20 else f"{text[:20]}..."
        raise argparse.ArgumentTypeError(f"must be a port from 1 to {serving.LARGEST_PORT}, got {shown!r}")
    return int(text)


def _sizes(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if len(parts) < 2 or not all(part.strip().isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"must be two or more whole numbers, as in 784,30,10, got {text!r}")
    return tuple(map(int, parts))
