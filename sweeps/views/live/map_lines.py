"""The stability map as it fills, in characters: eta across, lambda up, as on the report page."""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from sweeps.formatting import setting, words
from sweeps.specification.domains import Choices, Domain, Range, Setting
from sweeps.specification.spec import HYPERPARAMETERS
from sweeps.verdicts.marks import RUNNING
from sweeps.views.live.cells import cut, plain
from sweeps.views.live.signs import EMPTY, sign, style
from sweeps.views.live.state import Outcome

LEAST_ROWS = 4  # of a map that is worth its place: a heading, two rows, what stands below
_ROWS, _ACROSS = 16, 48  # bins at most
_LABEL = 8  # columns left of the map
_CELL = 3  # columns of a bin: two signs and a gap


@dataclass(frozen=True)
class Axis:
    """A searched field and into how many bins it is cut; a list of choices has one for each where there is room."""

    name: str
    domain: Domain
    bins: int

    def place(self, value: Setting) -> int | None:
        """The bin of a value; None for one that was never searched."""
        try:
            share = self.domain.position(value)
        except ValueError:  # somebody changed it by hand
            return None
        if isinstance(self.domain, Choices):
            return round(share * (self.bins - 1))
        return min(self.bins - 1, int(share * self.bins)) if 0 <= share <= 1 else None

    def labels(self) -> dict[int, str]:
        """What stands at which bin."""
        if isinstance(self.domain, Choices) and self.bins == len(self.domain.values):
            return {place: _label(value) for place, value in enumerate(self.domain.values)}
        low, *_, high = self.domain.corners
        return {0: _label(low), self.bins - 1: _label(high)}


def axes_of(varied: Mapping[str, Domain], across: int, rows: int) -> tuple[Axis, Axis | None] | None:
    """The two fields that are shown; the second None where one is searched, all None where none is.

    eta and lambda where they are searched, else those that are most spread out. across, rows: bins at most.
    """
    first = [name for name in HYPERPARAMETERS[:2] if name in varied]
    others = sorted((name for name in varied if name not in first), key=lambda name: -_spread(varied[name]))
    names = [*first, *others]
    if not names:
        return None
    x = Axis(names[0], varied[names[0]], _bins(varied[names[0]], min(across, _ACROSS)))
    if len(names) == 1:
        return x, None
    return x, Axis(names[1], varied[names[1]], _bins(varied[names[1]], min(rows, _ROWS)))


def map_lines(
    varied: Mapping[str, Domain], outcomes: Sequence[Outcome], width: int, height: int, bright: bool
) -> list[Text]:
    """The map in at most so many lines; none where no field is searched, or there is no room.

    bright: whether trainings in progress are bright or dim at this moment.
    """
    found = axes_of(varied, (width - _LABEL - 1) // _CELL, height - 2)
    if found is None or height < LEAST_ROWS or width < _LABEL + 4 * _CELL:
        return []
    x, y = found
    inside = defaultdict[tuple[int, int], Counter[str]](Counter)
    for outcome in outcomes:
        place = _place(outcome, x, y)
        if place is not None:
            inside[place][outcome.word] += 1
    lines = [cut(Text(_heading(x, y), "dim"), width)]
    labels = y.labels() if y else {}
    for row in reversed(range(y.bins if y else 1)):
        line = cut(Text(f"{labels.get(row, ''):>{_LABEL}} "), _LABEL + 1)
        for column in range(x.bins):
            line.append_text(_cell(inside.get((column, row), Counter()), bright))
        lines.append(cut(line, width))
    return [*lines, cut(_below(x), width)]


def _heading(x: Axis, y: Axis | None) -> str:
    up = f", {words(y.name)} {_scale(y)}up" if y else ""
    return plain(f"map: {words(x.name)} {_scale(x)}across{up}")


def _scale(axis: Axis) -> str:
    return "(log) " if isinstance(axis.domain, Range) and axis.domain.log else ""


def _place(outcome: Outcome, x: Axis, y: Axis | None) -> tuple[int, int] | None:
    if x.name not in outcome.settings or (y and y.name not in outcome.settings):
        return None  # a run that is just being written
    column = x.place(outcome.settings[x.name])
    row = y.place(outcome.settings[y.name]) if y else 0
    return None if column is None or row is None else (column, row)


def _cell(words_here: Counter[str], bright: bool) -> Text:
    """The two verdicts that are most frequent in a bin; where something is in progress, that and the most frequent."""
    ended = [word for word, _ in words_here.most_common() if word != RUNNING]
    shown = ([RUNNING] if words_here[RUNNING] else []) + ended
    if not shown:
        return Text(f"{EMPTY}  ", "dim")
    cell = Text()
    for word in shown[: _CELL - 1]:
        cell.append(sign(word), style(word, bright))
    return cell.append(" " * (_CELL - cell.cell_len))


def _below(x: Axis) -> Text:
    """Labels under their bins, as many as there is room for; the last one always."""
    line, last = " " * (_LABEL + 1), x.bins - 1
    labels = x.labels()
    end = _LABEL + 1 + last * _CELL
    for place, label in labels.items():
        start = _LABEL + 1 + place * _CELL
        if place == last:
            start = max(len(line), end + _CELL - 1 - cell_len(label)) if x.bins > 1 else start
        elif cell_len(line) > start or start + cell_len(label) >= end - cell_len(labels[last]):
            continue
        line = f"{line}{' ' * max(0, start - cell_len(line))}{label} "
    return Text(line.rstrip(), "dim")


def _bins(domain: Domain, most: int) -> int:
    if isinstance(domain, Choices):
        return max(1, min(most, len(domain.values)))
    whole = int(domain.high - domain.low) + 1 if domain.integer else most
    return max(1, min(most, whole))


def _spread(domain: Domain) -> float:
    """By which fields are ordered: how many times its smallest value the largest is, or how many choices there are."""
    if isinstance(domain, Choices):
        return math.log(len(domain.values))
    return math.log(domain.high / domain.low) if domain.low > 0 else math.log1p(domain.high - domain.low)


def _label(value: Setting) -> str:
    return plain(setting(value))
