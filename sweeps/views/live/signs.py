"""Characters and colours of verdicts in a terminal: those of `verdicts.marks`, and what is in progress."""

import os

from rich.text import Text

from sweeps.verdicts.marks import MARKS, RUNNING, mark_of
from sweeps.views.live.sparklines import BLOCKS, NO_NUMBER

EMPTY = "·"
IN_PROGRESS = "▸"
FULL, REST = "█", "░"  # of a bar

_ASCII = {mark.sign: mark.ascii_sign for mark in MARKS.values()}
_ASCII |= dict(zip(BLOCKS, "_..--==#", strict=True)) | {NO_NUMBER: "x", EMPTY: ".", IN_PROGRESS: ">"}
_ASCII |= {FULL: "#", REST: ".", "…": "~"}
_TO_ASCII = str.maketrans(_ASCII)


def sign(word: str) -> str:
    """Of a verdict, or of a training in progress."""
    return IN_PROGRESS if word == RUNNING else mark_of(word).sign


def style(word: str, bright: bool = True) -> str:
    """Of its sign. bright: of trainings in progress, which change between the two."""
    if word == RUNNING:
        return "bold" if bright else "dim"
    mark = mark_of(word)
    return mark.colour if _is_light() else mark.dark_colour


def in_ascii(line: Text) -> Text:
    """A line for a terminal that knows nothing else."""
    plain = line.plain.translate(_TO_ASCII).encode("ascii", "replace").decode()
    return Text(plain, spans=list(line.spans), no_wrap=True, overflow="ignore")


def _is_light() -> bool:
    """Whether the terminal says that its ground is light, as some do: COLORFGBG=0;15."""
    return os.environ.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15")
