"""A curve in one line of blocks, whatever numbers it is made of."""

import itertools
import math
from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
NO_NUMBER = "✕"  # stands for what is infinite or no number

_RISES = 3  # in a row that tell a cost that grows from one that jitters


def sparkline(values: Sequence[float], width: int) -> str:
    """A block for each value, at most `width`: then each stands for several, as high as the highest of them.

    Logarithmic where all that is finite is positive, as costs mostly are.
    """
    finite = [value for value in values if math.isfinite(value)]
    scale = _Scale(finite)
    return "".join(
        NO_NUMBER if not all(map(math.isfinite, part)) else BLOCKS[scale(max(part))] for part in _parts(values, width)
    )


def is_growing(costs: Sequence[float]) -> bool:
    """Whether a cost is no number any more, lies above its first value, or rose three times in a row."""
    if not costs:
        return False
    if not math.isfinite(costs[-1]) or costs[-1] > costs[0]:
        return True
    last = costs[-_RISES - 1 :]
    return len(last) > _RISES and all(one < other for one, other in itertools.pairwise(last))


def _parts(values: Sequence[float], width: int) -> list[Sequence[float]]:
    """All values in order, in at most `width` parts, none of them empty."""
    count = min(len(values), max(0, width))
    edges = [place * len(values) // count for place in range(count + 1)] if count else []
    return [values[start:end] for start, end in itertools.pairwise(edges)]


class _Scale:
    """From a value to the number of its block, the larger the higher."""

    def __init__(self, finite: Sequence[float]) -> None:
        self._is_log = all(value > 0 for value in finite)
        self._largest = max(map(abs, finite), default=1.0) or 1.0
        heights = [self._height(value) for value in finite]
        self._low = min(heights, default=0.0)
        self._span = (max(heights, default=0.0) - self._low) or 1.0

    def _height(self, value: float) -> float:
        return math.log(value) if self._is_log else value / self._largest  # so that no difference overflows

    def __call__(self, value: float) -> int:
        share = (self._height(value) - self._low) / self._span
        return min(len(BLOCKS) - 1, int(share * len(BLOCKS)))
