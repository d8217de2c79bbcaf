"""How numbers stand in a message."""

import math


def number(value: float) -> str:
    """Four significant digits: 162.8, 23,820, 1.2e-05; whole numbers in full."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e7):
        return f"{int(value):,}"
    if 1e3 <= abs(value) < 1e7:
        return f"{round(value, 3 - math.floor(math.log10(abs(value)))):,.0f}"
    return f"{value:.4g}"


def percent(fraction: float) -> str:
    return f"{100 * fraction:.3g} %"
