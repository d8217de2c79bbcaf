"""Parallel coordinates of a sweep: an axis for each varied field and for what counts, a line for each trial."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model import metrics
from sweeps.formatting import drawable, number
from sweeps.specification.domains import Domain, Range, encode
from sweeps.specification.spec import SweepSpec
from sweeps.verdicts.marks import MARKS
from sweeps.views.figures.stability_map import COLOURS

if TYPE_CHECKING:  # importing Matplotlib takes longer than most commands
    from matplotlib.axes import Axes

    from sweeps.views.figures.shown_figure import ShownFigure

_WIDTH, _HEIGHT = 10.0, 4.6  # inches
_TICKS = 5
_BESIDE = (metrics.VALIDATION_DATA, metrics.VALIDATION_ACCURACY, metrics.WEIGHT_NORM)  # what is shown of the result


class _Scale:
    """Of one axis: values -> heights from 0 to 1, and what stands beside it."""

    def __init__(self, values: pd.Series, domain: Domain | None) -> None:
        if domain is not None and not isinstance(domain, Range):
            words = [_word(choice) for choice in domain.corners]
            words += sorted({_word(value) for value in values} - set(words))
            places = {word: at / max(1, len(words) - 1) for at, word in enumerate(words)}
            self.heights: NDArray[np.float64] = np.array([places[_word(value)] for value in values])
            self.marks = [(place, word) for word, place in places.items()]
            return
        numbers = values.to_numpy(float, na_value=np.nan)
        known = numbers[np.isfinite(numbers)]
        is_log = domain.log if isinstance(domain, Range) else len(known) > 0 and 0 < 30 * known.min() < known.max()
        scaled = np.log(numbers) if is_log else numbers
        low, high = (np.nanmin(scaled), np.nanmax(scaled)) if len(known) else (0.0, 1.0)
        self.heights = (scaled - low) / ((high - low) or 1.0)
        steps = np.linspace(low, high, _TICKS if high > low else 1)
        places_of = np.linspace(0, 1, _TICKS) if high > low else np.zeros(1)
        self.marks = [
            (float(at), number(float(np.exp(step) if is_log else step)))
            for at, step in zip(places_of, steps, strict=True)
        ]


def draw(spec: SweepSpec, trials: pd.DataFrame, name: str) -> "ShownFigure":
    """trials: of the sweep's table, in any order; lines are coloured by verdict, and end where nothing was measured."""
    from sweeps.views.figures.shown_figure import ShownFigure

    columns: list[tuple[str, str, Domain | None]] = [(field, field, domain) for field, domain in spec.varied.items()]
    results = dict.fromkeys([*(goal.metric for goal in spec.goals), *_BESIDE])
    columns += [(metrics.final(one), one, None) for one in results if metrics.final(one) in trials]
    scales = [_Scale(trials[column], domain) for column, _, domain in columns]
    figure = ShownFigure(_WIDTH, _HEIGHT, COLOURS["bg"])
    axes = figure.add_axes((0.05, 0.2, 0.9, 0.6))
    axes.axis("off")
    axes.set(xlim=(-0.05, len(columns) - 0.65), ylim=(-0.03, 1.03))
    heights = np.column_stack([scale.heights for scale in scales])
    shown = [verdict for verdict in MARKS if (trials["verdict"] == verdict).any()]
    for verdict in reversed(shown):  # the sound ones on top
        rows = heights[(trials["verdict"] == verdict).to_numpy()]
        axes.plot(range(len(columns)), rows.T, color=MARKS[verdict].colour, linewidth=1.1, alpha=0.75)
    for place, (scale, (_, heading, _)) in enumerate(zip(scales, columns, strict=True)):
        _axis(axes, place, heading, scale.marks)
    _key(figure, shown, [int((trials["verdict"] == verdict).sum()) for verdict in shown])
    title = f"{name}: {len(trials)} trainings, coloured by verdict"
    figure.text(0.012, 0.965, drawable(title), va="top", fontsize=11, fontweight="bold", color=COLOURS["ink"])
    return figure


def _axis(axes: "Axes", place: int, heading: str, marks: Sequence[tuple[float, str]]) -> None:
    axes.plot([place, place], [0, 1], color=COLOURS["ink"], linewidth=0.9)
    axes.text(
        place, 1.06, drawable(heading), ha="center", va="bottom", fontsize=8, fontweight="bold", color=COLOURS["ink"]
    )
    for height, word in marks:
        axes.text(
            place + 0.03, height, drawable(word), va="center", fontsize=7, color=COLOURS["ink"], zorder=5
        ).set_bbox({"facecolor": COLOURS["bg"], "alpha": 0.75, "pad": 0.6, "edgecolor": "none"})


def _key(figure: "ShownFigure", verdicts: Sequence[str], counts: Sequence[int]) -> None:
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], color=MARKS[verdict].colour, linewidth=2) for verdict in MARKS if verdict in verdicts]
    names = [f"{verdict.replace('_', ' ')} ({count})" for verdict, count in zip(verdicts, counts, strict=True)]
    figure.legend(lines, names, loc="lower left", ncols=6, fontsize=8, frameon=False, bbox_to_anchor=(0.01, 0.0))


def _word(value: object) -> str:
    shown = encode(value) if isinstance(value, tuple) else value
    return number(shown) if isinstance(shown, float) else str(shown)
