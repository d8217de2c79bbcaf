"""Commands that follow a sweep while it runs, here or elsewhere: watch, and report --watch."""

import argparse
import shlex
import shutil
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sweeps.cli.as_json import print_json
from sweeps.cli.exit_codes import DONE, complain
from sweeps.errors import InputError, TrackingError
from sweeps.formatting import printable

if TYPE_CHECKING:
    from sweeps.views.report.publishing import Published

_SIZE = (80, 24)  # of a screen where there is no terminal
_PAGE_SECONDS = 5.0  # between two pages, or more where making one takes long
_REST = 4.0  # times as long as a page took is rested: trainings may run on the same processors


def watch(arguments: argparse.Namespace) -> int:
    from sweeps.views.live.reading import SweepReading
    from sweeps.views.live.watching import first_heard, print_screen
    from sweeps.views.live.watching import watch as watched

    if arguments.json and not arguments.once:
        raise InputError("--json: goes with --once, which prints the state of the sweep now")
    reading = SweepReading(arguments.name, arguments.tracking_uri)
    if arguments.once:
        heard = first_heard(reading)
        if arguments.json:
            print_json(heard.state.to_table())
        else:
            print_screen(heard, *shutil.get_terminal_size(_SIZE))
        return DONE
    last = watched(reading)
    if last is not None and last.why is None and last.state.state == "finished":
        name = shlex.quote(arguments.name)
        print(printable(f"{arguments.name} is finished: `sweeps show {name}`, `sweeps report {name} --open`"))
    return DONE


def kept_fresh(arguments: argparse.Namespace, then: "Callable[[Published], None]") -> "Published":
    """Writes a sweep's page again and again until the sweep is finished, or Ctrl-C is pressed.

    then: called with the first page, where the sweep is not finished. Raises what kept the first page away; later, a
    store that does not answer is said, and waited for.
    """
    from sweeps.results.sweep import load
    from sweeps.views.report.publishing import publish

    published: Published | None = None
    said = ""
    try:
        while True:
            began = time.monotonic()
            try:
                sweep = load(arguments.name, arguments.tracking_uri)
                is_over, is_first = sweep.state == "finished", published is None
                published = publish(sweep, None if is_over else _PAGE_SECONDS)
                if is_over:
                    return published
                if is_first:
                    then(published)
            except TrackingError as error:
                if published is None:
                    raise
                said = _say_once(str(error), said)
            time.sleep(max(_PAGE_SECONDS, _REST * (time.monotonic() - began)))
    except KeyboardInterrupt:
        if published is None:
            raise
        return published


def _say_once(said: str, before: str) -> str:
    if said != before:
        complain(said, DONE)
    return said
