"""Numbers and words as they stand in sentences."""

import json
from collections.abc import Sequence


def words(name: str) -> str:
    """A stored word as people write it: without underscores."""
    return str(name).replace("_", " ")


def count(number: int, noun: str) -> str:
    """1 trial, 2 trials."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(parts: Sequence[str], last: str = "and") -> str:
    """a; a and b; a, b and c."""
    return f" {last} ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def setting(value: float | str | Sequence[int]) -> str:
    """A setting's value: four significant digits, names as they are, layers as a list."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value)


def threshold(value: float) -> str:
    """A number that is to be kept in mind: three significant digits, thousands in full."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
