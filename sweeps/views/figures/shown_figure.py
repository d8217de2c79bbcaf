"""A Matplotlib figure that a notebook shows as it is. Importing this module loads Matplotlib."""

import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DPI = 144


class ShownFigure(Figure):
    """A figure without a window: `savefig` writes it, a notebook draws it."""

    def __init__(self, width: float, height: float, ground: str = "white") -> None:
        """width, height: in inches. ground: the colour behind everything."""
        super().__init__(figsize=(width, height), dpi=DPI, facecolor=ground)
        FigureCanvasAgg(self)

    def png(self) -> bytes:
        """The picture as a file, DPI pixels an inch."""
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=DPI)
        return file.getvalue()

    def _repr_png_(self) -> bytes:
        return self.png()
