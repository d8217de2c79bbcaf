"""The stability map as a static picture, WIDTH pixels wide: the report page's map in its colours and marks."""

import logging
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from sweeps.analysis.map_estimate import Axis, Polyline, Theory
from sweeps.analysis.stability_map import Panel, StabilityMap
from sweeps.formatting import drawable, words
from sweeps.verdicts.marks import MARKS, Mark
from sweeps.verdicts.verdict import Verdict

if TYPE_CHECKING:  # importing Matplotlib takes longer than most commands
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from sweeps.views.figures.shown_figure import ShownFigure

WIDTH = 1440  # pixels
_COLUMNS = 3  # of panels, at most
_HEIGHTS = {1: 5.6, 2: 3.5, 3: 2.75}  # inches of a row, by the number of columns
_HEAD, _FOOT, _GAP = 0.62, 1.6, 0.36  # inches: above the panels, below them, between two rows


# As on the page: of its light theme, in views/report/page/page.css.
COLOURS = {"ink": "#1b1d20", "muted": "#5a6068", "rule": "#d9dad5", "faint": "#ecece8", "accent": "#0a5599"}
COLOURS |= {"bg": "#fcfcfa", "panel": "#ffffff", "s3": "#8b3fa8"}
_SHAPES = {"circle": "o", "square": "s", "diamond": "D", "up": "^", "down": "v", "cross": "x", "plus": "+", "bar": "_"}
_SIZES = {"circle": 5.6, "square": 5.0, "diamond": 4.8, "up": 6.0, "down": 6.0, "cross": 5.4, "plus": 6.0, "bar": 6.0}
_TINT = 0.24  # of the colour of converged, where P(stable) = 1
_SHADES = 10  # from there to P(stable) = 0
_THEORY = {  # (kind, whether it is a bound) -> line
    ("decay", False): {"color": COLOURS["ink"], "linewidth": 1.0, "linestyle": (0, (2, 3))},
    ("decay", True): {"color": COLOURS["ink"], "linewidth": 1.4, "linestyle": "-"},
    ("curvature", True): {"color": COLOURS["s3"], "linewidth": 1.5, "linestyle": (0, (6, 2, 1, 2))},
}
_BORDER = {"color": COLOURS["accent"], "linewidth": 2.0, "linestyle": "-"}
_BAND = {"color": COLOURS["accent"], "linewidth": 1.1, "linestyle": (0, (5, 3))}
_GREEK = {"eta": "η", "lambda": "λ"}
_NAMES = {"eta": "η, learning rate", "lambda": "λ, L2 strength"}


def draw(stability: StabilityMap, name: str) -> "ShownFigure":
    """The map of the sweep of that name: panels side by side, below them what the marks mean."""
    from matplotlib import rc_context

    from sweeps.views.figures.shown_figure import DPI, ShownFigure

    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # else it tells of its font cache, once a machine
    rows = math.ceil(len(stability.panels) / _COLUMNS)
    columns = math.ceil(len(stability.panels) / rows)
    height = _HEAD + rows * (_HEIGHTS[columns] + _GAP) + _FOOT
    with rc_context({"font.family": "DejaVu Sans", "text.color": COLOURS["ink"], "axes.linewidth": 0.8}):
        figure = ShownFigure(WIDTH / DPI, height, COLOURS["bg"])
        figure.text(0.012, 1 - 0.1 / height, drawable(name), va="top", fontsize=11, fontweight="bold")
        figure.text(0.012, 1 - 0.33 / height, _subtitle(stability), va="top", fontsize=7.5, color=COLOURS["muted"])
        grid = figure.add_gridspec(
            rows,
            columns,
            left=0.062,
            right=0.988,
            top=1 - (_HEAD + 0.18) / height,
            bottom=_FOOT / height,
            wspace=0.06,
            hspace=_GAP / _HEIGHTS[columns],
        )
        for number, panel in enumerate(stability.panels):
            axes = figure.add_subplot(grid[number // columns, number % columns])
            _draw(axes, stability, panel, is_last_row=number + columns >= len(stability.panels))
            axes.yaxis.set_tick_params(labelleft=number % columns == 0)
        _legends(figure, stability, height)
    return figure


def _subtitle(stability: StabilityMap) -> str:
    left_out = f"; {stability.unknown} without a verdict on stability left out" if stability.unknown else ""
    averaged = f"; averaged over {', '.join(stability.averaged)}" if stability.averaged else ""
    one_sided = "" if stability.is_two_sided else "; no border: all trials are on one side of it"
    what = f"Stability over {_word(stability.x.field)} and {_word(stability.y.field)}"
    return f"{what}, estimated from {stability.trials} trials{left_out}{averaged}{one_sided}"


def _draw(axes: "Axes", stability: StabilityMap, panel: Panel, is_last_row: bool) -> None:
    x, y = stability.x, stability.y
    axes.set_facecolor(COLOURS["panel"])
    axes.set_xscale("log" if x.log else "linear")
    axes.set_yscale("log" if y.log else "linear")
    if stability.is_two_sided:
        probability = np.array(panel.probability)
        grid = np.array(stability.grid_x), np.array(stability.grid_y)
        axes.contourf(*grid, probability, levels=np.linspace(0, 1, _SHADES + 1), cmap=_tint(), zorder=0)
    axes.grid(color=COLOURS["faint"], linewidth=0.6, zorder=0.5)
    for contour in panel.contours:
        _lines(axes, contour.paths, **(_BORDER if contour.level == 0.5 else _BAND))
    for theory in panel.theory:
        _lines(axes, theory.paths, **_THEORY[_kind(theory)])
    for verdict, mark in MARKS.items():
        points = [point for point in panel.points if point.verdict == verdict]
        axes.plot([point.x for point in points], [point.y for point in points], zorder=3, **_look(mark))
    axes.set(xlim=(x.low, x.high), ylim=(y.low, y.high))
    if is_last_row:
        axes.set_xlabel(_name(x), fontsize=8, labelpad=1.5)
    if axes.get_subplotspec().is_first_col():  # type: ignore[union-attr]
        axes.set_ylabel(_name(y), fontsize=8, labelpad=1.5)
    stable = sum(point.stable is True for point in panel.points)
    title = panel.title.replace("_", " ").replace(" = ", " ") or "all trials"
    axes.set_title(drawable(title), fontsize=8.5, loc="left", pad=4, fontweight="bold")
    count = f"{stable} of {len(panel.points)} stable"
    axes.set_title(count, fontsize=7.5, loc="right", pad=4, color=COLOURS["muted"])
    axes.minorticks_off()
    axes.tick_params(labelsize=7, length=0, labelcolor=COLOURS["muted"])
    for spine in axes.spines.values():
        spine.set_color(COLOURS["rule"])


def _tint() -> "Colormap":
    """From the panel's white to a tint of what is stable, as on the page."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    red, green, blue = (1 - _TINT + _TINT * part for part in to_rgb(MARKS[Verdict.CONVERGED].colour))
    white = to_rgb(COLOURS["panel"])
    return LinearSegmentedColormap.from_list("stable", [white, (red, green, blue)])


def _look(mark: Mark) -> dict[str, Any]:
    """Keywords of Matplotlib's lines."""
    looks = {
        "filled": {"markerfacecolor": mark.colour, "markeredgecolor": "white", "markeredgewidth": 0.6},
        "hollow": {"markerfacecolor": "white", "markeredgecolor": mark.colour, "markeredgewidth": 1.2},
        "stroke": {"markeredgecolor": mark.colour, "markeredgewidth": 1.5},
    }
    shape = {"marker": _SHAPES[mark.shape], "markersize": _SIZES[mark.shape], "linestyle": "none"}
    return shape | looks[mark.fill]


def _kind(theory: Theory) -> tuple[str, bool]:
    return theory.kind, theory.bound != 1


def _lines(axes: "Axes", paths: tuple[Polyline, ...], **style: Any) -> None:
    for path in paths:
        axes.plot([x for x, _ in path], [y for _, y in path], zorder=2, **style)


def _legends(figure: "Figure", stability: StabilityMap, height: float) -> None:
    """Verdicts that occur, with their numbers, above; lines below."""
    for title, handles, columns, inches in (
        ("Trials", _verdict_handles(stability), 6, _FOOT - 0.4),
        ("Lines", _line_handles(stability), 2, _FOOT - 0.82),
    ):
        figure.legend(
            handles=handles,
            title=title,
            ncols=columns,
            loc="upper left",
            bbox_to_anchor=(0.058, inches / height),
            alignment="left",
            frameon=False,
            fontsize=7.5,
            title_fontproperties={"size": 7.5, "weight": "bold"},
            borderaxespad=0.0,
            borderpad=0.0,
            labelspacing=0.35,
            columnspacing=1.6,
            handlelength=2.4,
        )


def _verdict_handles(stability: StabilityMap) -> "list[Artist]":
    handles: list[Artist] = []
    for verdict, mark in MARKS.items():
        count = sum(point.verdict == verdict for panel in stability.panels for point in panel.points)
        if count:
            handles.append(_sample(f"{verdict.replace('_', ' ')} ({count})", _look(mark)))
    return handles


def _line_handles(stability: StabilityMap) -> "list[Artist]":
    from matplotlib.patches import Patch

    handles: list[Artist] = []
    if stability.is_two_sided:
        handles.append(_sample("measured border: as likely stable as not", _BORDER))
        handles.append(_sample("90 % and 10 % stable: between them it is uncertain", _BAND))
        handles.append(Patch(facecolor=_tint()(1.0), label="tinted where stable"))
    drawn = {_kind(theory): theory for panel in stability.panels for theory in panel.theory if theory.paths}
    for kind, theory in drawn.items():
        of_decay = (
            "decay alone makes weights grow without end" if kind[1] else "decay alone takes a weight to 0 in a step"
        )
        words = {"decay": f"η·λ/n = {theory.bound:g}: {of_decay}"}
        words["curvature"] = f"η·(h + λ/n) = {theory.bound:g}, h the curvature measured in stable trials"
        handles.append(_sample(words[theory.kind], _THEORY[kind]))
    return handles


def _sample(label: str, style: dict[str, Any]) -> "Line2D":
    from matplotlib.lines import Line2D

    return Line2D([], [], label=label, **style)


def _word(field: str) -> str:
    return _GREEK.get(field, words(field))


def _name(axis: Axis) -> str:
    return _NAMES.get(axis.field, words(axis.field))
