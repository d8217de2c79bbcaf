"""Curves of several trainings in the same panels: trials of any sweeps, and runs recorded elsewhere."""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sweeps.formatting import drawable, in_html

if TYPE_CHECKING:  # importing Matplotlib takes longer than most commands
    from matplotlib.axes import Axes

    from sweeps.views.figures.shown_figure import ShownFigure

Curve = NDArray[np.float64]

# What is drawn, where at least one training recorded it. All but accuracy get logarithmic scales where they span much.
PANELS = {
    "total": "reported total cost",
    "data": "data cost",
    "penalty": "penalty, as reported",
    "accuracy": "accuracy",
    "weights": "norm of the weights",
}
_COLOURS = ("#1b1d20", "#c2330f", "#0067a8", "#8a6400", "#6a3fb5", "#00705a", "#a3358a", "#676c73")
_DASHES: tuple[tuple[int, tuple[float, ...]], ...] = ((0, ()), (0, (5, 2)), (0, (1, 1.6)), (0, (6, 2, 1, 2)))
_MARKERS = "os^Dvx+P"
_INK, _RULE = "#1b1d20", "#d9dad5"
_FARTHEST = 1e250  # at which larger numbers are drawn, and said to be: Matplotlib's axes would overflow
_SPAN = 30.0  # largest / smallest above which a scale is logarithmic

_STYLE = """
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 1380px; padding: 1.5rem clamp(.9rem, 2.5vw, 2.2rem) 3rem; background: #fcfcfa;
       color: #1b1d20; font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.35rem; margin: 0 0 .8rem; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1rem; }
figure { margin: 0; background: #fff; border: 1px solid #d9dad5; border-radius: 6px; padding: .6rem; }
figure svg { width: 100%; height: auto; display: block; }
ul { list-style: none; margin: 0 0 1rem; padding: 0; }
li { margin: .25rem 0; }
.table { overflow-x: auto; margin-top: 1.2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid #d9dad5; vertical-align: top; }
.number { text-align: right; white-space: nowrap; }
.swatch { display: inline-block; width: 1.6rem; border-top: 3px solid; vertical-align: middle; margin-right: .5rem; }
"""


@dataclass(frozen=True)
class DrawnTraining:
    """A training's curves. curves: key of PANELS -> a value an epoch, NaN: not recorded. said: a sentence on it."""

    name: str
    epochs: Curve
    curves: Mapping[str, Curve]
    said: str = ""

    def last(self, panel: str) -> float:
        """The last recorded value, NaN where there is none."""
        curve = self.curves.get(panel, np.empty(0))
        known = curve[np.isfinite(curve)]
        return float(known[-1]) if len(known) else math.nan


_OF_TRIALS = "Costs and accuracies of trials are those of the examples that were held back from training."


def page(trainings: Sequence[DrawnTraining], title: str, note: str = _OF_TRIALS) -> str:
    """A self-contained HTML page: a panel for each measure, a legend with the last values, what there is to say.

    note: a paragraph under the title.
    """
    figures = [
        f'<figure role="img" aria-label="{in_html(_described(trainings, panel))}">{_svg(trainings, panel)}</figure>'
        for panel in _shown(trainings)
    ]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{in_html(title)}</title><style>{_STYLE}</style></head><body>",
            f"<h1>{in_html(title)}</h1>",
            f"<p>{in_html(note)}</p>",
            _legend(trainings),
            f'<div class="panels">{"".join(figures)}</div>',
            _table(trainings),
            "</body></html>\n",
        ]
    )


def picture(trainings: Sequence[DrawnTraining], title: str) -> "ShownFigure":
    """The same panels as one figure, 1440 pixels wide."""
    panels = _shown(trainings)
    columns = min(3, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure = _figure(10.0, 0.9 + 2.9 * rows)
    figure.suptitle(drawable(title), x=0.01, ha="left", fontsize=11, fontweight="bold")
    for place, panel in enumerate(panels, 1):
        _draw(figure.add_subplot(rows, columns, place), trainings, panel)
    lines, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(lines, names, loc="lower left", ncols=min(3, len(names)), fontsize=8, frameon=False)
    figure.subplots_adjust(left=0.06, right=0.99, top=1 - 0.75 / figure.get_figheight(), wspace=0.24, hspace=0.4)
    figure.subplots_adjust(bottom=(0.5 + 0.2 * math.ceil(len(names) / 3)) / figure.get_figheight())
    return figure


def _shown(trainings: Sequence[DrawnTraining]) -> list[str]:
    """The panels that have anything to show."""
    return [panel for panel in PANELS if any(math.isfinite(training.last(panel)) for training in trainings)]


def _figure(width: float, height: float) -> "ShownFigure":
    from sweeps.views.figures.shown_figure import ShownFigure

    return ShownFigure(width, height)


def _svg(trainings: Sequence[DrawnTraining], panel: str) -> str:
    from matplotlib import rc_context

    figure = _figure(5.4, 3.3)
    _draw(figure.add_subplot(), trainings, panel)
    figure.tight_layout()
    file = io.StringIO()
    with rc_context({"svg.hashsalt": "numpy-sweeps", "svg.fonttype": "path"}):  # the same bytes each time
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue().partition("<svg")[2].join(("<svg", ""))


def _label(name: str) -> str:
    """Matplotlib leaves out what begins with an underscore."""
    return drawable(f" {name}" if name.startswith("_") else name)


def _draw(axes: "Axes", trainings: Sequence[DrawnTraining], panel: str) -> None:
    for k, training in enumerate(trainings):
        curve = training.curves.get(panel)
        if curve is None or not np.any(np.isfinite(curve)):
            continue
        axes.plot(
            training.epochs,
            np.clip(curve, -_FARTHEST, _FARTHEST),
            color=_COLOURS[k % len(_COLOURS)],
            linestyle=_DASHES[k % len(_DASHES)],
            marker=_MARKERS[k % len(_MARKERS)],
            markersize=4,
            linewidth=1.6,
            label=_label(training.name),
        )
    known = np.concatenate([training.curves.get(panel, np.empty(0)) for training in trainings])
    known = known[np.isfinite(known)]
    is_cut = bool(np.any(np.abs(known) > _FARTHEST))
    known = np.clip(known, -_FARTHEST, _FARTHEST)
    if panel != "accuracy" and known.min() > 0 and known.max() > _SPAN * known.min():
        axes.set_yscale("log")
    axes.set_title(PANELS[panel] + f", drawn up to {_FARTHEST:g}" * is_cut, fontsize=9.5, loc="left", color=_INK)
    axes.set_xlabel("epoch", fontsize=8.5, color=_INK)
    axes.locator_params(axis="x", integer=True)
    axes.tick_params(labelsize=8, colors=_INK)
    axes.grid(color=_RULE, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _described(trainings: Sequence[DrawnTraining], panel: str) -> str:
    ends = [
        f"{training.name} ends at {training.last(panel):.4g}"
        for training in trainings
        if math.isfinite(training.last(panel))
    ]
    return f"{PANELS[panel]} by epoch: {'; '.join(ends)}"


def _legend(trainings: Sequence[DrawnTraining]) -> str:
    items = [
        f"<li>{_swatch(k)}<b>{in_html(training.name)}</b>{training.said and ': '}{in_html(training.said)}</li>"
        for k, training in enumerate(trainings)
    ]
    return f"<ul>{''.join(items)}</ul>"


def _swatch(k: int) -> str:
    return f'<span class="swatch" style="border-color:{_COLOURS[k % len(_COLOURS)]}"></span>'


def _table(trainings: Sequence[DrawnTraining]) -> str:
    panels = _shown(trainings)
    head = "".join(f'<th class="number">{in_html(PANELS[panel])}</th>' for panel in panels)
    rows = []
    for k, training in enumerate(trainings):
        cells = "".join(f'<td class="number">{_number(training.last(panel))}</td>' for panel in panels)
        rows.append(f"<tr><th>{_swatch(k)}{in_html(training.name)}</th>{cells}</tr>")
    return f'<div class="table"><table><tr><th>last value</th>{head}</tr>{"".join(rows)}</table></div>'


def _number(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else "not recorded"
