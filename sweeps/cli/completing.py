"""`sweeps complete`: the script by which a shell completes commands, options and the names of files."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from sweeps.cli.exit_codes import DONE

SHELLS = ("bash", "zsh", "tcsh")
_OF_FILES = {"target"}  # arguments that begin with the path of a file


def completion(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    """parser: of all that can be typed."""
    import shtab

    for action in _actions(parser):
        if action.type is Path or action.dest in _OF_FILES:
            kind = shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE
            action.complete = kind  # type: ignore[attr-defined]  # shtab looks for it
    print(shtab.complete(parser, arguments.shell))
    return DONE


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Of a parser and of its commands'."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
