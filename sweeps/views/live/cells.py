"""Lines that fit: text, tables and bars measured in the columns of a terminal, where some characters take two."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from sweeps.formatting import printable

_GAP = 1  # columns between two of a table


@dataclass(frozen=True)
class Column:
    """Of a table. least: columns below which it is of no use. most: beyond which it is not widened. rank: the lowest
    stay longest where there is no room.
    """

    heading: str
    cells: Sequence[Text]
    rank: int
    least: int
    most: int
    is_number: bool = False

    @property
    def width(self) -> int:
        """That it asks for."""
        longest = max((cell.cell_len for cell in self.cells), default=0)
        return min(self.most, max(self.least, longest, cell_len(self.heading)))


def plain(text: str) -> str:
    """Words from elsewhere on one line: neither control characters nor line ends."""
    return printable(" ".join(text.split()))


def cut(line: Text, width: int) -> Text:
    """A line no wider than that."""
    short = line.copy()
    short.no_wrap, short.overflow = True, "ignore"
    short.truncate(max(0, width), overflow="ellipsis")
    return short


def wrapped(parts: Sequence[Text], width: int, most: int, gap: str = " ") -> list[Text]:
    """Parts, none of them broken, on as many lines as they take, at most so many; the last is cut."""
    lines: list[Text] = []
    for part in parts:
        if lines and (len(lines) == most or lines[-1].cell_len + len(gap) + part.cell_len <= width):
            lines[-1] = Text.assemble(lines[-1], gap, part)
        else:
            lines.append(part)
    return [cut(line, width) for line in lines]


def words(text: str, style: str = "") -> list[Text]:
    """A sentence as parts to be wrapped."""
    return [Text(word, style) for word in plain(text).split()]


def table(columns: Sequence[Column], width: int) -> list[Text]:
    """Headings and rows; columns for which there is no room are left out, those of the highest rank first."""
    shown = list(columns)
    while len(shown) > 1 and sum(column.least + _GAP for column in shown) - _GAP > width:
        shown.remove(max(shown, key=lambda column: column.rank))
    widths = _widths(shown, width)
    rows = zip(*(column.cells for column in shown), strict=True)
    heading = [Text(column.heading, "dim") for column in shown]
    return [cut(_row(row, shown, widths), width) for row in [heading, *rows]]


def _widths(shown: Sequence[Column], width: int) -> list[int]:
    """What each gets: its least, and then, by rank, what it asks for."""
    widths = [column.least for column in shown]
    free = width - sum(widths) - _GAP * (len(shown) - 1)
    for place in sorted(range(len(shown)), key=lambda place: shown[place].rank):
        more = max(0, min(free, shown[place].width - widths[place]))
        widths[place] += more
        free -= more
    return widths


def _row(cells: Sequence[Text], columns: Sequence[Column], widths: Sequence[int]) -> Text:
    line = Text()
    for place, (cell, column, width) in enumerate(zip(cells, columns, widths, strict=True)):
        short = cut(cell, width)
        padding = " " * (width - short.cell_len)
        line.append_text(Text.assemble(padding, short) if column.is_number else Text.assemble(short, padding))
        line.append(" " * _GAP if place < len(columns) - 1 else "")
    return line
