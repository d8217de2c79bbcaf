"""Commands that look at what was recorded: list, show, compare, report, export, beside."""

import argparse
import json
import webbrowser
from typing import TYPE_CHECKING

from model.files import check_target
from sweeps.cli.as_json import print_json, rows_of
from sweeps.cli.exit_codes import BAD_INPUT, DONE, FAILED, complain
from sweeps.errors import InputError, OddSweepError, OutboxError, UnknownSweepError
from sweeps.formatting import count
from sweeps.tracking.location import tracking_uri
from sweeps.tracking.outbox_places import outboxes
from sweeps.tracking.shown_uri import shown_uri

if TYPE_CHECKING:
    from sweeps.results.sweep import Sweep
    from sweeps.views.report.publishing import Published


FORMATS = ("parquet", "csv", "json")
TOP = 20  # trials that `show` prints unless told


def list_sweeps(arguments: argparse.Namespace) -> int:
    import pandas as pd

    from sweeps.results.sweep import load
    from sweeps.tracking.readers import open_reader
    from sweeps.views import terminal_tables

    rows: list[dict[str, object]] = []
    odd: list[Exception] = []
    for name in open_reader(arguments.tracking_uri).names():
        try:
            rows.append(_listed(load(name, arguments.tracking_uri)))
        except (OddSweepError, UnknownSweepError) as error:  # one hides none of the others
            rows.append({"sweep": name, "state": "cannot be read"})
            odd.append(error)
    for said in odd:
        complain(said, DONE)
    _say_what_waits(tracking_uri(arguments.tracking_uri))
    if arguments.json:
        print_json(rows)
        return DONE
    if not rows:
        where = shown_uri(tracking_uri(arguments.tracking_uri))
        return complain(f"no sweeps in {where} yet; make one with `sweeps run`", DONE)
    terminal_tables.print_table("Sweeps", pd.DataFrame(rows))
    terminal_tables.print_what_counts()
    return DONE


def _say_what_waits(uri: str, name: str | None = None) -> None:
    """Of results that a sweep's outbox here keeps for the store; of all sweeps where none is named."""
    from sweeps.tracking.outbox_contents import contents_of

    for path in outboxes(uri):
        if name not in (None, path.stem):
            continue
        try:
            waits = len(contents_of(path).left)
        except OutboxError as error:  # what is recorded can be shown all the same
            complain(error, DONE)
            continue
        if waits:
            said = f"{count(waits, 'result')} of {path.stem} wait in {path}"
            complain(f"{said}; `sweeps deliver {path.stem}` brings them to the store", DONE)


def _listed(sweep: "Sweep") -> dict[str, object]:
    """A sweep's line in the list. Raises OddSweepError."""
    from model import metrics
    from sweeps.verdicts.tally import tally

    best = sweep.best(1)
    return (
        {"sweep": sweep.name, "state": sweep.state, "asked for": sweep.spec.trials * sweep.spec.replicates}
        | {state: int((sweep.trials["state"] == state).sum()) for state in ("complete", "pruned", "failed", "running")}
        | {"stable": tally(sweep.trials["verdict"])}
        | {"best trial": int(best["trial"].iloc[0]) if len(best) else None, "objective": sweep.spec.objective[0]}
        | {"best": best[metrics.final(sweep.spec.goals[0].metric)].iloc[0] if len(best) else None}
        | {"verdicts": ", ".join(f"{n} {word}" for word, n in sweep.trials["verdict"].value_counts().items())}
    )


def show(arguments: argparse.Namespace) -> int:
    from sweeps.analysis.ranking import in_reading_order
    from sweeps.results.sweep import load
    from sweeps.results.table_choice import chosen_columns, sorted_by
    from sweeps.results.where_clause import select
    from sweeps.views import terminal_tables

    sweep = load(arguments.name, arguments.tracking_uri)
    _say_what_waits(sweep.uri, sweep.name)
    trials = sweep.reassessed() if arguments.reassess else sweep.trials
    ordered = in_reading_order(sweep.spec, trials)
    table = select(ordered, arguments.where) if arguments.where else ordered
    table = sorted_by(table, arguments.sort) if arguments.sort else table
    columns = chosen_columns(table, arguments.columns) if arguments.columns else None
    if arguments.json:
        print_json(rows_of(table.head(arguments.top) if columns is None else table.head(arguments.top)[columns]))
        return DONE
    if columns is not None:
        terminal_tables.print_table(f"{sweep.name}: {len(table)} trials", table.head(arguments.top)[columns])
    else:
        terminal_tables.print_trials(
            f"{sweep.name}: {len(table)} trials", table.head(arguments.top), sweep.spec, trials
        )
    if len(table) > arguments.top:
        print(f"{arguments.top} of {len(table)} shown; all: --top {len(table)}")
    return DONE


def compare(arguments: argparse.Namespace) -> int:
    from sweeps.results.sweep import load
    from sweeps.views import terminal_tables

    sweep = load(arguments.name, arguments.tracking_uri)
    if arguments.json:
        print_json(_compared(sweep, arguments.trials))
        return DONE
    terminal_tables.print_comparison(sweep.compare(arguments.trials))
    first, *others = arguments.trials
    for other in others:
        terminal_tables.print_effect(first, other, sweep.effect(first, other), sweep.differences(first, other))
    return DONE


def _compared(sweep: "Sweep", trials: list[int]) -> dict[str, object]:
    """What `compare` prints, for scripts: the trials, and the first against each of the others."""
    table = sweep.compare(trials)
    first, *others = trials
    effects = [
        {
            "one": first,
            "other": other,
            "sentences": sweep.effect(first, other),
            "differences": rows_of(sweep.differences(first, other).reset_index()),
        }
        for other in others
    ]
    shown = [{"trial": name} | dict(zip(table.index, table[name], strict=True)) for name in table.columns]
    return {"trials": shown, "effects": effects}


def next_sweep(arguments: argparse.Namespace) -> int:
    from sweeps.analysis.next_spec import next_spec
    from sweeps.results.sweep import load
    from sweeps.views.report.page_data import tables_of

    print(next_spec(tables_of(load(arguments.name, arguments.tracking_uri))), end="")
    return DONE


def report(arguments: argparse.Namespace) -> int:
    from sweeps.cli.watching import kept_fresh
    from sweeps.results.sweep import load
    from sweeps.views.report.publishing import publish

    if not arguments.watch:
        return _published(publish(load(arguments.name, arguments.tracking_uri)), arguments)
    codes: list[int] = []
    last = kept_fresh(arguments, lambda first: codes.append(_published(first, arguments)))
    return codes[0] if codes else _published(last, arguments)


def _published(published: "Published", arguments: argparse.Namespace) -> int:
    """Says where the page is, and opens it where that is asked for."""
    if arguments.json:
        print_json({"page": published.page, "picture": published.picture})
    else:
        print(published.page, *([published.picture] if published.picture else []), sep="\n", flush=True)
    say_what_is_missing(published)
    if arguments.open and not webbrowser.open(published.page.as_uri()):
        return complain("no browser could be started; open the file above in one", FAILED)
    return DONE


def say_what_is_missing(published: "Published") -> None:
    if published.trouble is not None:
        complain(f"the picture of the map could not be drawn ({published.trouble})", DONE)


def export(arguments: argparse.Namespace) -> int:
    from sweeps.results.sweep import load

    sweep = load(arguments.name, arguments.tracking_uri)
    tables = {
        arguments.folder / f"{name}.{arguments.format}": table
        for name, table in {"trials": sweep.trials, "epochs": sweep.epochs}.items()
    }
    try:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        for path in tables:
            check_target(path)
        for path, table in tables.items():
            if arguments.format == "parquet":
                table.to_parquet(path, index=False)
            elif arguments.format == "csv":
                table.to_csv(path, index=False)
            else:
                path.write_text(json.dumps(rows_of(table), indent=1), encoding="utf-8")
    except OSError as error:
        where = error.filename or arguments.folder
        return complain(f"{where} cannot be written: {error.strerror}; give another folder", BAD_INPUT)
    if arguments.json:
        print_json(list(tables))
    else:
        print(*tables, sep="\n")
    return DONE


def beside(arguments: argparse.Namespace) -> int:
    from sweeps.views.figures.side_by_side import page, picture
    from sweeps.views.figures.side_by_side_curves import trainings_of

    if not arguments.out.name or arguments.out.suffix.lower() == ".png":
        raise InputError(f"--out: names the page, as in beside.html; a PNG goes beside it; got {str(arguments.out)!r}")
    found = trainings_of(arguments.trainings, arguments.tracking_uri, arguments.evaluated_size)
    png = arguments.out.with_suffix(".png")
    try:
        for path in (arguments.out, png):
            check_target(path)
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(page(found, arguments.title), encoding="utf-8")
        png.write_bytes(picture(found, arguments.title).png())
    except OSError as error:
        where = error.filename or arguments.out
        return complain(f"{where} cannot be written: {error.strerror}; give another --out", BAD_INPUT)
    print(arguments.out, png, sep="\n")
    return DONE
