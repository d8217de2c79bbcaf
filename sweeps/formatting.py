"""Numbers and words as they stand in sentences."""

import html
import json
import math
from collections.abc import Sequence


def words(name: str) -> str:
    """A stored word as people write it: without underscores."""
    return str(name).replace("_", " ")


def count(number: int, noun: str) -> str:
    """1 trial, 2 trials, 3,000 trials."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


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


def number(value: float) -> str:
    """A number that was measured or counted: four significant digits, whole numbers in full. 162.8, 23,820, 1.2e-05."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e7):
        return f"{int(value):,}"
    if 1e3 <= abs(value) < 1e7:
        return f"{round(value, 3 - math.floor(math.log10(abs(value)))):,.0f}"
    return f"{value:.4g}"


def percent(fraction: float) -> str:
    """73.4 %: three significant digits."""
    return f"{100 * fraction:.3g} %"


def printable(text: str) -> str:
    """Text for a terminal: control characters, which could move its cursor or hide words, are written out."""
    return "".join(one if one.isprintable() or one in "\n\t" else repr(one)[1:-1] for one in text)


def storable(text: str) -> str:
    """Text that UTF-8 can hold: lone surrogates, as in a name made of odd bytes, become what they are called."""
    return text.encode(errors="backslashreplace").decode()


def is_text(text: str) -> bool:
    """Whether all of it are characters. What a shell hands over may hold bytes that are none: surrogates in Python."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def in_html(text: str) -> str:
    """Text for a page: neither tags nor control characters come of it."""
    return html.escape(printable(text))


def drawable(text: str) -> str:
    """Text for a figure: Matplotlib would take what stands between dollars for a formula, or fail at it."""
    return printable(text).replace("$", r"\$")
