"""The command that finds the fault in a network class, or in a recorded run."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from model.files import check_target
from sweeps.cli.exit_codes import DONE, complain
from sweeps.errors import InputError

if TYPE_CHECKING:
    from sweeps.diagnosis.findings import Finding
    from sweeps.diagnosis.network.settings_check import TrainingSettings


def diagnose(arguments: argparse.Namespace) -> int:
    if arguments.save is not None:
        if not arguments.prove:
            raise InputError("--save: draws the curves of --prove; give that, too")
        if arguments.save.suffix.lower() not in (".html", ".png"):
            raise InputError(f"--save: must end in .html or .png, got {arguments.save}")
        if not arguments.save.absolute().parent.is_dir():  # else what was found would be lost
            raise InputError(f"--save: there is no folder {arguments.save.parent}")
        try:
            check_target(arguments.save)
        except OSError as error:
            raise _unsaved(arguments.save, error) from error
    is_curve = arguments.target.lower().endswith((".csv", ".tsv", ".txt"))
    findings = _of_curve(arguments) if is_curve else _of_class(arguments)
    if arguments.save is not None:
        _save_proof(arguments, findings)
    if arguments.json:
        print(json.dumps([finding.to_table() for finding in findings], indent=1))
        return DONE
    from sweeps.views import terminal_tables

    terminal_tables.print_findings(arguments.target, findings)
    return DONE


def _of_curve(arguments: argparse.Namespace) -> "list[Finding]":
    from sweeps.diagnosis.curves.readers.csv_file import read_run
    from sweeps.diagnosis.curves.run_facts import RunFacts
    from sweeps.diagnosis.diagnose_run import diagnose_run

    if arguments.data is not None or arguments.prove:
        flag = "--prove" if arguments.prove else "--data"
        raise InputError(f"{flag}: belongs to a class; a recorded run has its curves alone")
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
    from sweeps.diagnosis.diagnose_network import TIME_LIMIT, diagnose

    given = [arguments.eta, arguments.lmbda, arguments.batch_size, arguments.sweep]
    settings = _settings(arguments) if any(value is not None for value in given) else None
    near = [_nearby(arguments, settings)] if arguments.sweep is not None and settings is not None else []
    complain(f"executes {arguments.target} in a worker process, with a time limit", DONE)
    limit = TIME_LIMIT if arguments.time_limit is None else arguments.time_limit
    return diagnose(arguments.target, arguments.data, arguments.sizes, settings, limit, arguments.prove) + near


def _save_proof(arguments: argparse.Namespace, findings: "list[Finding]") -> None:
    from sweeps.diagnosis.findings import Code
    from sweeps.views.figures.proof_curves import drawn
    from sweeps.views.figures.side_by_side import page, picture

    proof = next(finding for finding in findings if finding.code is Code.PROOF)
    trainings = drawn(proof)
    if not trainings:
        complain(f"{arguments.save} was not written: {proof.message}", DONE)
        return
    try:
        if arguments.save.suffix.lower() == ".png":
            arguments.save.write_bytes(picture(trainings, arguments.target).png())
        else:
            arguments.save.write_text(page(trainings, arguments.target, proof.message), encoding="utf-8")
    except OSError as error:
        raise _unsaved(arguments.save, error) from error
    complain(f"wrote {arguments.save}", DONE)


def _unsaved(path: Path, error: OSError) -> InputError:
    return InputError(f"--save: {path} cannot be written: {error.strerror}; name another file")


def _settings(arguments: argparse.Namespace) -> "TrainingSettings":
    """What somebody trains with. Raises InputError where they do not say all of it."""
    from sweeps.diagnosis.network.settings_check import TrainingSettings

    given = {"--eta": arguments.eta, "--lambda": arguments.lmbda}
    given |= {"--batch-size": arguments.batch_size, "--training-size": arguments.training_size}
    missing = [flag for flag, value in given.items() if value is None]
    if missing:
        raise InputError(f"settings are judged all together: give {', '.join(missing)}, too")
    return TrainingSettings(arguments.eta, arguments.lmbda, arguments.batch_size, arguments.training_size)


def _nearby(arguments: argparse.Namespace, settings: "TrainingSettings") -> "Finding":
    from sweeps.diagnosis.sweep_neighbours import nearest_stable
    from sweeps.results.sweep import load

    sweep = load(arguments.sweep, arguments.tracking_uri)
    return nearest_stable(settings, sweep.trials, sweep.name)
