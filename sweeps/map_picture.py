"""The stability map as a static picture: a PNG file, WIDTH pixels wide."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sweeps.evidence import Verdict
from sweeps.stability_map import Panel, Polyline, StabilityMap, Theory

if TYPE_CHECKING:  # importing Matplotlib takes longer than most commands
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

WIDTH = 1440  # pixels
_DPI = 120
_COLUMNS = 4
_ROW_INCHES = 4.0
_LEGEND_INCHES = 1.35

# (colour, marker) by verdict. Colours by Okabe and Ito, told apart with any colour vision; crosses and triangles
# pointing down where training does not work.
STYLES = {
    Verdict.CONVERGED: ("#0072B2", "o"),
    Verdict.SLOW: ("#56B4E9", "o"),
    Verdict.SPIKED: ("#009E73", "^"),
    Verdict.PENALTY_GROWTH: ("#009E73", "D"),
    Verdict.OVERFITTING: ("#F0E442", "s"),
    Verdict.OSCILLATING: ("#CC79A7", "X"),
    Verdict.STALLED: ("#E69F00", "v"),
    Verdict.COLLAPSED: ("#000000", "P"),
    Verdict.DIVERGED: ("#D55E00", "X"),
    Verdict.PRUNED: ("#999999", "."),
    Verdict.FAILED: ("#999999", "+"),
}
_THEORY_STYLES = {"decay": ("#444444", (0, (1, 1.5))), "curvature": ("#7B3294", (0, (5, 2)))}
_NAMES = {"eta": "eta (learning rate)", "lambda": "lambda (L2 penalty)", "batch_size": "batch size"}


def write_picture(stability: StabilityMap, path: Path, title: str = "") -> None:
    """Writes the map to a PNG file: panels side by side, legends below them."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = min(_COLUMNS, len(stability.panels))
    rows = math.ceil(len(stability.panels) / columns)
    height = rows * _ROW_INCHES + _LEGEND_INCHES
    figure = Figure(figsize=(WIDTH / _DPI, height), dpi=_DPI)
    FigureCanvasAgg(figure)
    figure.suptitle(_title(stability, title), x=0.012, y=1 - 0.12 / height, ha="left", va="top", fontsize=10)
    grid = figure.add_gridspec(
        rows,
        columns,
        left=0.065,
        right=0.99,
        top=1 - 0.62 / height,
        bottom=(_LEGEND_INCHES + 0.5) / height,
        wspace=0.07,
    )
    for number, panel in enumerate(stability.panels):
        axes = figure.add_subplot(grid[number // columns, number % columns])
        _draw(axes, stability, panel)
        axes.label_outer()
    _legends(figure, stability, height)
    figure.savefig(path, format="png", dpi=_DPI)


def _title(stability: StabilityMap, title: str) -> str:
    left_out = f", {stability.unknown} without a verdict on stability left out" if stability.unknown else ""
    averaged = f", averaged over {', '.join(stability.averaged)}" if stability.averaged else ""
    one_sided = "" if stability.is_two_sided else "; no border: all trials are on one side of it"
    known = f"estimated from {stability.trials} trials{left_out}{averaged}{one_sided}"
    return f"{title + ': s' if title else 'S'}tability by {stability.x.field} and {stability.y.field}, {known}"


def _draw(axes: "Axes", stability: StabilityMap, panel: Panel) -> None:
    x, y = stability.x, stability.y
    axes.set_xscale("log" if x.log else "linear")
    axes.set_yscale("log" if y.log else "linear")
    grid_x, grid_y = np.array(stability.grid_x), np.array(stability.grid_y)
    probability = np.array(panel.probability)
    axes.pcolormesh(grid_x, grid_y, probability, vmin=0, vmax=1, cmap=_pale("RdBu"), shading="gouraud")
    for contour in panel.contours:
        is_border = contour.level == 0.5
        _lines(axes, contour.paths, color="black", linewidth=2.0 if is_border else 0.8, linestyle="-")
    for theory in panel.theory:
        _draw_theory(axes, theory)
    for verdict, (colour, marker) in STYLES.items():
        points = [point for point in panel.points if point.verdict == verdict]
        thin = marker in "+."
        axes.scatter(
            [point.x for point in points],
            [point.y for point in points],
            s=26,
            marker=marker,
            color=colour,
            edgecolors=None if thin else "white",
            linewidths=0.8 if thin else 0.5,
            zorder=3,
        )
    axes.set(xlim=(x.low, x.high), ylim=(y.low, y.high))
    axes.set_xlabel(_name(x.field), fontsize=9)
    axes.set_ylabel(_name(y.field), fontsize=9)
    axes.set_title(f"{panel.title} ({len(panel.points)} trials)".strip(), fontsize=9)
    axes.tick_params(labelsize=8)


def _pale(name: str) -> "Colormap":
    """A colour map half way to white: a ground on which points and lines stand out."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return ListedColormap(0.5 + colormaps[name](np.linspace(0, 1, 256)) / 2)


def _draw_theory(axes: "Axes", theory: Theory) -> None:
    colour, dashes = _THEORY_STYLES[theory.kind]
    width = 1.1 if theory.kind == "decay" and theory.bound == 1 else 1.7
    _lines(axes, theory.paths, color=colour, linewidth=width, linestyle=dashes)
    for quartile in (theory.low, theory.high):
        _lines(axes, quartile, color=colour, linewidth=0.7, linestyle=dashes)


def _lines(axes: "Axes", paths: tuple[Polyline, ...], **style: Any) -> None:
    for path in paths:
        axes.plot([x for x, _ in path], [y for _, y in path], zorder=2, **style)


def _legends(figure: "Figure", stability: StabilityMap, height: float) -> None:
    """Verdicts that occur, with their numbers, on the left; lines on the right."""
    top = (_LEGEND_INCHES - 0.05) / height
    for title, handles, columns, left in (
        ("Trials, by verdict", _verdict_handles(stability), 3, 0.06),
        ("Borders", _line_handles(stability), 2, 0.46),
    ):
        figure.legend(
            handles=handles,
            title=title,
            ncols=columns,
            loc="upper left",
            bbox_to_anchor=(left, top),
            alignment="left",
            frameon=False,
            fontsize=8,
            title_fontsize=9,
            borderaxespad=0.0,
            handlelength=2.6,
        )


def _verdict_handles(stability: StabilityMap) -> "list[Artist]":
    from matplotlib.lines import Line2D

    handles: list[Artist] = []
    for verdict, (colour, marker) in STYLES.items():
        count = sum(point.verdict == verdict for panel in stability.panels for point in panel.points)
        if count:
            label = f"{verdict.replace('_', ' ')} ({count})"
            handles.append(Line2D([], [], color=colour, marker=marker, linestyle="none", markersize=5.5, label=label))
    return handles


def _line_handles(stability: StabilityMap) -> "list[Artist]":
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Artist] = [
        Patch(facecolor="#67a9cf", alpha=0.6, label="blue: probably stable"),
        Patch(facecolor="#ef8a62", alpha=0.6, label="red: probably unstable"),
    ]
    if stability.is_two_sided:
        handles.append(Line2D([], [], color="black", linewidth=2, label="measured border: P(stable) = 0.5"))
        handles.append(Line2D([], [], color="black", linewidth=0.8, label="its uncertainty: P = 0.1 and 0.9"))
    drawn = {(t.kind, t.bound): t for panel in stability.panels for t in panel.theory if t.paths}
    for (kind, bound), theory in drawn.items():
        colour, dashes = _THEORY_STYLES[kind]
        label = theory.label
        if kind == "curvature":
            label = f"eta (h + lambda / n) = {bound:g}, measured h; thin: quartiles"
        width = 1.1 if kind == "decay" and bound == 1 else 1.7
        handles.append(Line2D([], [], color=colour, linestyle=dashes, linewidth=width, label=label))
    return handles


def _name(field: str) -> str:
    return _NAMES.get(field, field)
