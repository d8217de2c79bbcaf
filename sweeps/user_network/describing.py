"""What somebody's code raised, in a sentence with its file and line."""

import traceback
from pathlib import Path

from sweeps.user_network.executing import left_out


def describe(error: BaseException, file: Path | None) -> str:
    """An exception in somebody's code: what it says, and the last line of theirs that was running.

    file: where their code is, else the last frame outside this package counts.
    """
    said = f"{type(error).__name__}: {error}{_remedy(error, file)}" if str(error) else type(error).__name__
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}, line {error.lineno}: {said}"
    frames = traceback.extract_tb(error.__traceback__)
    ours = str(Path(__file__).parent.parent)
    theirs = [
        frame
        for frame in frames
        if (Path(frame.filename) == file if file else not frame.filename.startswith((ours, "<frozen")))
    ]
    if not theirs:
        return said
    frame = theirs[-1]
    return f"{frame.filename}, line {frame.lineno}, in {frame.name}: {said}"


def _remedy(error: BaseException, file: Path | None) -> str:
    """What to do, where the exception says what is missing."""
    name = error.name or "" if isinstance(error, NameError) else ""
    line = left_out(file).get(name)
    if line is not None:
        return (
            f" (it gets its value in line {line}, which was left out: of a script that trains only functions, classes "
            f"and constants are taken; give {name} a value of its own, or hand it to the function)"
        )
    if isinstance(error, ModuleNotFoundError):
        return f" (install {str(error.name).partition('.')[0]}, or take away what needs it)"
    if isinstance(error, SyntaxError) and "'print'" in str(error):
        return " (this file is written for Python 2: put what it prints into parentheses, and range for xrange)"
    return ""
