"""Searched ranges, made wider or narrower, and as they stand in a spec."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sweeps.specification.domains import Choices, Domain, Range


def widened(domain: Range, upwards: bool) -> Range:
    """A decade further on a log scale, half as far again on another; a whole-number range stays above 0."""
    if domain.log:
        low, high = (domain.low, domain.high * 10) if upwards else (domain.low / 10, domain.high)
    else:
        step = (domain.high - domain.low) / 2
        low, high = (domain.low, domain.high + step) if upwards else (domain.low - step, domain.high)
    return (
        Range(max(1, math.floor(low)), math.ceil(high), domain.log, True)
        if domain.integer
        else Range(low, high, domain.log)
    )


def narrowed(domain: Range, values: NDArray[np.float64]) -> Range:
    """The values and some of their own span on both sides (at least a factor of 1.5 if log), within the domain."""
    low, high = float(values.min()), float(values.max())
    if domain.log:
        spare = max(1.5, (high / low) ** 0.25)
        low, high = low / spare, high * spare
    else:
        spare = max((high - low) / 2, (domain.high - domain.low) / 20)
        low, high = low - spare, high + spare
    low, high = max(domain.low, _rounded(low, math.floor)), min(domain.high, _rounded(high, math.ceil))
    return Range(math.floor(low), math.ceil(high), domain.log, True) if domain.integer else Range(low, high, domain.log)


def _rounded(value: float, direction: Callable[[float], int]) -> float:
    """To two digits, up or down."""
    if value == 0:
        return 0.0
    digits = 1 - math.floor(math.log10(abs(value)))
    return float(f"{direction(value * 10.0**digits) / 10.0**digits:.6g}")


def toml(domain: Domain) -> str:
    """As it would stand in a spec."""
    if isinstance(domain, Choices):
        return f"{{ choices = [{', '.join(_quoted(value) for value in domain.values)}] }}"
    log = ", log = true" if domain.log else ""
    return f"{{ low = {domain.low:.6g}, high = {domain.high:.6g}{log} }}"


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(list(value) if isinstance(value, tuple) else value)
