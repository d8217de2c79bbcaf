"""Curves of a few trainings in the terminal: a line of blocks each, and a table of costs and right answers by epoch."""

import math
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from sweeps.diagnosis.findings import Finding
from sweeps.formatting import number

_BLOCKS = "▁▂▃▄▅▆▇█"
_INDENT = "  "


def curve_lines(proof: Finding) -> list[str]:
    """Of the finding `proof`; none where nothing was trained."""
    trainings: Any = proof.evidence.get("trainings", [])
    if not trainings:
        return []
    costs = [value for one in trainings for value in one["total"]]
    lines = ["", f"{_INDENT}cost by epoch, logarithmic, all on one scale"]
    longest = max(len(one["total"]) for one in trainings)
    for place, one in enumerate(trainings, 1):
        lines.append(f"{_INDENT}{place}  {_blocks(one['total'], costs):<{longest}}  {one['name']}")
    lines += ["", f"{_INDENT}epoch" + "".join(f"{place:>24}" for place in range(1, len(trainings) + 1))]
    columns = [list(zip(one["total"], one["accuracy"], strict=True)) for one in trainings]
    for epoch, row in enumerate(zip_longest(*columns)):
        lines.append(f"{_INDENT}{epoch:>5}" + "".join(f"{_cell(value):>24}" for value in row))
    return lines


def _cell(value: "tuple[float, float] | None") -> str:
    return "no number" if value is None else f"{number(value[0])}  {value[1]:>4.0%} right"


def _blocks(curve: Sequence[float], every: Sequence[float]) -> str:
    """A block an epoch. every: all values that share the scale."""
    heights = [math.log(value) for value in every if value > 0]
    if len(heights) < len(every):  # a cost that may be negative
        heights, curve = list(every), list(curve)
    else:
        curve = [math.log(value) for value in curve]
    low, span = min(heights), (max(heights) - min(heights)) or 1.0
    return "".join(_BLOCKS[min(len(_BLOCKS) - 1, int((value - low) / span * len(_BLOCKS)))] for value in curve)
