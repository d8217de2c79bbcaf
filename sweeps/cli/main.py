"""The command line: parse, wire, exit code. Results go to stdout, everything else to stderr."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence

from sweeps.cli.arguments import parser
from sweeps.cli.exit_codes import BAD_INPUT, DONE, FAILED, INTERRUPTED, complain
from sweeps.errors import OUT_OF_MEMORY, BusyError, InputError, Interrupted, TrackingError
from sweeps.formatting import count
from sweeps.tracking.address import check_address
from sweeps.tracking.location import tracking_uri
from sweeps.tracking.shown_uri import has_secrets

_IN_SIGHT = "everybody on this machine can read a password in --tracking-uri; MLFLOW_TRACKING_URI keeps it to yourself"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns its exit code: 0 done, 1 failed, 2 bad input, 130 interrupted."""
    try:
        logging.basicConfig(format="sweeps: %(message)s")
        parsed = parser().parse_args(arguments)
        command: Callable[[argparse.Namespace], int] = parsed.command
        if parsed.tracking_uri is not None and has_secrets(parsed.tracking_uri):
            complain(_IN_SIGHT, DONE)
        if parsed.reads_store:
            check_address(tracking_uri(parsed.tracking_uri))  # before imports that take seconds
        return command(parsed)
    except ValueError as error:
        if not _is_bad_input(error):
            raise
        return complain(error, BAD_INPUT)
    except (TrackingError, BusyError, *OUT_OF_MEMORY) as error:
        return complain(_failure(error), FAILED)
    except Interrupted as stop:
        return complain(_left(stop), INTERRUPTED)
    except BrokenPipeError:  # the reader has seen enough, as in `sweeps show mnist | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        remedy = "is a disk full, or a folder read-only? TMPDIR and SWEEPS_CACHE can be moved"
        return complain(f"{where}{error.strerror or error}; {remedy}", FAILED)
    except KeyboardInterrupt:
        return complain("interrupted", INTERRUPTED)


def _failure(error: Exception) -> str:
    if isinstance(error, ImportError):
        return (
            f"{error}: out of memory, or not all is installed; what was recorded stands, and the same command goes on"
        )
    if isinstance(error, MemoryError):
        return "out of memory; what was recorded stands, and the same command goes on"
    return str(error)


def _left(stop: Interrupted) -> str:
    """What an interrupted sweep leaves, in words."""
    if stop.finished:
        return "interrupted when the sweep was finished and recorded; the same command shows it"
    lost = f"; {count(stop.unrecorded, 'finished trial')} not recorded, to run again" if stop.unrecorded else ""
    lost = f"; {stop.kept}" if stop.kept else lost
    return f"interrupted{lost}; the same command goes on from here"


def _is_bad_input(error: ValueError) -> bool:
    from model import DatasetError  # and with it NumPy and SciPy, which no help text needs

    return isinstance(error, InputError | DatasetError)
