"""The stability map of a sweep: where training works, over two searched fields. Data only: pictures are drawn of it.

How P(stable) is estimated, and what theory predicts, is `map_estimate`; here is what the panels show.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from model import metrics
from sweeps.analysis.map_estimate import Axis, Contour, Curvature, MapEstimate, Theory, estimate
from sweeps.sampling.border_model import is_numeric
from sweeps.specification.domains import Choices, Range, Setting, encode
from sweeps.specification.spec import HYPERPARAMETERS, SweepSpec
from sweeps.verdicts.verdict import is_stable

_BINS = 4  # panels that a range is cut into at most


@dataclass(frozen=True)
class MapPoint:
    """A training. data_cost, accuracy: on the validation set, after the last epoch; None where there is none.

    verdict: its word, "" where none was recorded. stable: None where the verdict does not say.
    """

    x: float
    y: float
    trial: int
    replicate: int
    run_id: str
    verdict: str
    stable: bool | None
    data_cost: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Panel:
    """The map at one value, or in one bin, of the third field.

    title: such as "batch_size = 10"; "" where no third field varies. value: of the third field, at which P was taken
    (the middle of a bin), None where none varies. low, high: of the bin, None where it is none. points: its trainings.
    probability: P(stable), [y][x], at the map's grid. contours: of it, one for each of LEVELS, none where the map is
    not two-sided. theory: predicted borders. curvature: None where no stable training has it recorded.
    """

    title: str
    value: Setting | None
    low: float | None
    high: float | None
    points: tuple[MapPoint, ...]
    probability: tuple[tuple[float, ...], ...]
    contours: tuple[Contour, ...]
    theory: tuple[Theory, ...]
    curvature: Curvature | None


@dataclass(frozen=True)
class StabilityMap:
    """P(stable) over two fields, estimated from all trainings of a sweep, with the trainings and predicted borders.

    x, y: the axes. third: the field by which panels differ, None where no other varies. averaged: other fields that
    vary, over which P is an average. grid_x, grid_y: where P is given. trials: number of trials behind P; one with
    replicates counts once, as stable if all are. unknown: trials left out, which underfitted, failed, were pruned or
    still run. n: number of training examples, None where it differs among trials. is_two_sided: whether stable and
    unstable trials were both seen; else there is no measured border.
    """

    x: Axis
    y: Axis
    third: str | None
    averaged: tuple[str, ...]
    grid_x: tuple[float, ...]
    grid_y: tuple[float, ...]
    trials: int
    unknown: int
    n: int | None
    is_two_sided: bool
    panels: tuple[Panel, ...]

    def to_dict(self) -> dict[str, Any]:
        """The fields, and those of what they hold, by name: dicts, lists, numbers, text and None, ready for JSON."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def stability_map(
    spec: SweepSpec, trials: pd.DataFrame, x: str = "eta", y: str = "lambda", n: int | None = None
) -> StabilityMap:
    """The map of a sweep over two of its searched numeric fields.

    trials: a sweep's trials table. n: training examples, None to count them. Raises ValueError for a field that is not
    searched, or has no numbers.
    """
    _check(spec, x, y)
    third = _third(spec, x, y)
    with threadpool_limits(limits=1, user_api="blas"):  # more threads would sum in another order
        made = estimate(spec, trials, x, y, third, n)
        panels = tuple(_panel(made, trials, piece) for piece in _pieces(spec, third))
    grid_x, grid_y = (tuple(grid.tolist()) for grid in made.grid)
    return StabilityMap(
        x=made.axes[0],
        y=made.axes[1],
        third=third,
        averaged=tuple(name for name in spec.varied if name not in (x, y, third)),
        grid_x=grid_x,
        grid_y=grid_y,
        trials=made.trials,
        unknown=made.unknown,
        n=made.n,
        is_two_sided=made.is_two_sided,
        panels=panels,
    )


@dataclass(frozen=True)
class _Piece:
    """What one panel shows of the third field: one value, or the values from low to high."""

    title: str = ""
    value: Setting | None = None
    low: float | None = None
    high: float | None = None
    is_last: bool = False

    def rows(self, trials: pd.DataFrame, third: str | None) -> pd.DataFrame:
        """Of the trials table, those that belong here."""
        if third is None:
            return trials
        if self.low is None or self.high is None:
            value = encode(self.value) if isinstance(self.value, tuple) else self.value
            return trials[trials[third] == value]
        below = trials[third] <= self.high if self.is_last else trials[third] < self.high
        return trials[(trials[third] >= self.low) & below]


def _check(spec: SweepSpec, x: str, y: str) -> None:
    numeric = [name for name, domain in spec.varied.items() if is_numeric(domain)]
    for name in (x, y):
        if name not in numeric:
            known = ", ".join(numeric) or "none"
            raise ValueError(f"a map needs two searched numeric fields, got {name!r}; numeric and searched: {known}")
    if x == y:
        raise ValueError(f"a map needs two different fields, got {x!r} twice")


def _third(spec: SweepSpec, x: str, y: str) -> str | None:
    """The field of the panels: the hyperparameter that is left, or else the first other field that varies."""
    others = [name for name in spec.varied if name not in (x, y)]
    return next((name for name in HYPERPARAMETERS if name in others), others[0] if others else None)


def _pieces(spec: SweepSpec, third: str | None) -> list[_Piece]:
    if third is None:
        return [_Piece()]
    domain = spec.varied[third]
    if isinstance(domain, Choices):
        return [_Piece(f"{third} = {encode(value)}", value) for value in domain.values]
    return _bins(third, domain)


def _bins(name: str, domain: Range) -> list[_Piece]:
    """At most _BINS even bins of a range, on its scale; fewer where whole numbers are fewer."""
    count = min(_BINS, int(domain.high - domain.low) + 1) if domain.integer else _BINS
    spaced = np.geomspace if domain.log else np.linspace
    edges = [float(edge) for edge in spaced(domain.low, domain.high, count + 1)]
    edges[0], edges[-1] = domain.low, domain.high
    pieces = []
    for low, high in itertools.pairwise(edges):
        middle = math.sqrt(low * high) if domain.log else (low + high) / 2
        title = f"{name} {low:.3g} to {high:.3g}"
        pieces.append(_Piece(title, middle, low, high, is_last=high == edges[-1]))
    return pieces


def _panel(made: MapEstimate, trials: pd.DataFrame, piece: _Piece) -> Panel:
    rows = piece.rows(trials, made.third)
    curvature = made.curvature(rows)
    probability = made.probability(piece.value)
    return Panel(
        title=piece.title,
        value=piece.value,
        low=piece.low,
        high=piece.high,
        points=tuple(_points(rows, made.axes[0].field, made.axes[1].field)),
        probability=tuple(map(tuple, probability.tolist())),
        contours=made.contours(probability),
        theory=tuple(made.theory(piece.value, curvature)),
        curvature=curvature,
    )


def _points(rows: pd.DataFrame, x: str, y: str) -> Iterator[MapPoint]:
    for row in rows.to_dict("records"):
        verdict = row["verdict"] if isinstance(row["verdict"], str) else ""
        yield MapPoint(
            x=float(row[x]),
            y=float(row[y]),
            trial=int(row["trial"]),
            replicate=int(row["replicate"]),
            run_id=str(row["run_id"]),
            verdict=verdict,
            stable=is_stable(verdict),
            data_cost=_number(row.get(metrics.final(metrics.VALIDATION_DATA))),
            accuracy=_number(row.get(metrics.final(metrics.VALIDATION_ACCURACY))),
        )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(inner) for inner in value]
    return value
