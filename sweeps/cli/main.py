"""The command line: parse, wire, exit code. Results go to stdout, everything else to stderr."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from sweeps.cli.arguments import parser
from sweeps.cli.exit_codes import BAD_INPUT, DONE, FAILED, INTERRUPTED, complain
from sweeps.errors import OUT_OF_MEMORY, BusyError, InputError, Interrupted, TrackingError
from sweeps.formatting import count, is_text
from sweeps.tracking.address import check_address
from sweeps.tracking.location import tracking_uri
from sweeps.tracking.shown_uri import has_secrets, shown_uri

_NO_THREAD = "can't start new thread"  # as Python says it
_IN_SIGHT = "everybody on this machine can read a password in --tracking-uri; MLFLOW_TRACKING_URI keeps it to yourself"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns its exit code: 0 done, 1 failed, 2 bad input, 130 interrupted."""
    _open_what_is_closed()
    try:
        logging.basicConfig(format="sweeps: %(message)s")
        parsed = parser().parse_args(arguments)
        _check_text(parsed)
        command: Callable[[argparse.Namespace], int] = parsed.command
        if parsed.tracking_uri is not None and has_secrets(parsed.tracking_uri):
            complain(_IN_SIGHT, DONE)
        if parsed.reads_store:
            check_address(tracking_uri(parsed.tracking_uri))  # before imports that take seconds
        return command(parsed)
    except (ValueError, RuntimeError, *OUT_OF_MEMORY) as error:
        code = _exit_code(error)
        if code is None:
            raise
        return complain(_failure(error), code)
    except Interrupted as stop:
        return complain(_left(stop), INTERRUPTED)
    except BrokenPipeError:  # the reader has seen enough, as in `sweeps show mnist | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        return _of_a_place(error)
    except KeyboardInterrupt:
        return complain("interrupted", INTERRUPTED)


def _open_what_is_closed() -> None:
    """Standard streams that a shell closed lead nowhere, and files that are opened later do not take their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for as long as the process
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _check_text(parsed: argparse.Namespace) -> None:
    """Raises InputError for an argument that is no text: neither a database nor a page can hold it."""
    for given in vars(parsed).values():
        for one in given if isinstance(given, list) else [given]:
            if isinstance(one, str | Path) and not is_text(str(one)):
                raise InputError(f"{shown_uri(str(one))!r}: is no UTF-8 text; give another name to what it names")


def _of_a_place(error: OSError) -> int:
    """Says what is wrong with a file or folder; returns the exit code."""
    if _is_homeless():
        return complain("the working folder is gone; change to one that is there, and try again", BAD_INPUT)
    where = f"{error.filename}: " if error.filename else ""
    remedy = "is a disk full, or a folder read-only? TMPDIR and SWEEPS_CACHE can be moved"
    return complain(f"{where}{error.strerror or error}; {remedy}", FAILED)


def _is_homeless() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 - the folder itself, not its name
    except FileNotFoundError:
        return True
    return False


def _failure(error: Exception) -> str:
    if isinstance(error, ImportError):
        return (
            f"{error}: out of memory, or not all is installed; what was recorded stands, and the same command goes on"
        )
    if isinstance(error, MemoryError) or _NO_THREAD in str(error):
        return "out of memory; what was recorded stands, and the same command goes on"
    return str(error)


def _exit_code(error: Exception) -> int | None:
    """None for a mistake of ours: no bad input, no store or other driver in the way, no want of memory or threads."""
    if isinstance(error, ValueError) and _is_bad_input(error):
        return BAD_INPUT
    failed = isinstance(error, (TrackingError, BusyError, *OUT_OF_MEMORY)) or _NO_THREAD in str(error)
    return FAILED if failed else None


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
