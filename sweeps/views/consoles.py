"""Consoles that no text steers: control characters are written out, and nothing is taken for markup or an emoji."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from sweeps.formatting import printable

_WIDE = 1000  # columns of a file or pipe: nothing is cut off there


class TextConsole(Console):
    """Whatever is printed, in tables and titles, too, is text."""

    def __init__(self, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, width=width, markup=False, emoji=False, highlight=False, soft_wrap=False)

    @contextmanager
    def of_one_size(self) -> Iterator[None]:
        """Its size is asked for once: rich asks often, and a window may be resized while a screen is drawn."""
        self.size = self.size
        try:
            yield
        finally:
            self._width = self._height = None

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


def standard_output() -> TextConsole:
    """As wide as the terminal, or as wide as it takes where there is none."""
    return TextConsole(width=None if sys.stdout.isatty() else _WIDE)
