"""The stability map of a sweep: where training works, over two searched fields. Data only: pictures are drawn of it."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import contourpy
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from model import load as load_data
from model import metrics
from model.bounds import decay_bound
from sweeps.sampling.border_model import Border, Space, ends, fit_border, is_logarithmic, is_numeric
from sweeps.specification.domains import Choices, Domain, Range, Setting, Settings, encode
from sweeps.specification.spec import HYPERPARAMETERS, SweepSpec
from sweeps.verdicts.verdict import STABLE, UNSTABLE

Array = NDArray[np.float64]
Polyline = tuple[tuple[float, float], ...]  # (x, y) after (x, y), in the fields' own units

LEVELS = (0.1, 0.5, 0.9)  # of P(stable): the measured border, and the band in which it is not certain
_GRID = 61  # points a side at which P(stable) is given
_BINS = 4  # panels that a range is cut into at most
_MARGIN = 0.04  # of an axis, left free at both ends


@dataclass(frozen=True)
class Axis:
    """A field along an axis. log: whether it is drawn by its logarithm. low, high: ends of the drawn axis."""

    field: str
    log: bool
    low: float
    high: float

    def values(self, count: int) -> Array:
        """Evenly spaced on the drawn axis, both ends included."""
        return np.geomspace(self.low, self.high, count) if self.log else np.linspace(self.low, self.high, count)


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
class Contour:
    """Where P(stable) is `level`: any number of lines."""

    level: float
    paths: tuple[Polyline, ...]


@dataclass(frozen=True)
class Theory:
    """A border that theory predicts.

    kind: "decay", where eta lambda / n is `bound`, or "curvature", where eta (h + lambda / n) is. label: the formula
    with its numbers. paths: the line. low, high: the same for the first and third quartile of h; empty for decay.
    """

    kind: str
    bound: float
    label: str
    paths: tuple[Polyline, ...]
    low: tuple[Polyline, ...] = ()
    high: tuple[Polyline, ...] = ()


@dataclass(frozen=True)
class Curvature:
    """h, the largest eigenvalue of the data cost's Hessian after the last epoch, over the stable trainings of a panel.

    It is what was recorded as `stability/sharpness` less the penalty's part, lambda / n. trainings: how many they are.
    """

    median: float
    lower_quartile: float
    upper_quartile: float
    trainings: int


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
    replicates counts once, as stable if all are. unknown: trials left out, which failed, were pruned or still run.
    n: number of training examples, None where it differs among trials. is_two_sided: whether stable and unstable trials
    were both seen; else there is no measured border.
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
    fields = {name: spec.varied[name] for name in (x, y, *([third] if third else []))}
    settings, stable, unknown = _told(trials, fields)
    axes = _axis(x, fields[x]), _axis(y, fields[y])
    grid_x, grid_y = (axis.values(_GRID) for axis in axes)
    space = Space(fields)
    with threadpool_limits(limits=1, user_api="blas"):  # more threads would sum in another order
        border = fit_border(space, space.points(settings), stable)
        cut = _Cut(spec, axes, third, grid_x, grid_y, border, n or _training_examples(spec), _is_two_sided(stable))
        panels = tuple(cut.panel(trials, piece) for piece in _pieces(third, fields))
    return StabilityMap(
        x=axes[0],
        y=axes[1],
        third=third,
        averaged=tuple(name for name in spec.varied if name not in fields),
        grid_x=tuple(grid_x.tolist()),
        grid_y=tuple(grid_y.tolist()),
        trials=len(settings),
        unknown=unknown,
        n=cut.n,
        is_two_sided=cut.is_two_sided,
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


@dataclass(frozen=True)
class _Cut:
    """What all panels of a map share."""

    spec: SweepSpec
    axes: tuple[Axis, Axis]
    third: str | None
    grid_x: Array
    grid_y: Array
    border: Border
    n: int | None
    is_two_sided: bool

    def panel(self, trials: pd.DataFrame, piece: _Piece) -> Panel:
        """One panel."""
        rows = piece.rows(trials, self.third)
        curvature = _curvature(rows, self.n)
        probability = self._probability(piece)
        levels = LEVELS if self.is_two_sided else ()
        return Panel(
            title=piece.title,
            value=piece.value,
            low=piece.low,
            high=piece.high,
            points=tuple(_points(rows, self.axes[0].field, self.axes[1].field)),
            probability=tuple(map(tuple, probability.tolist())),
            contours=tuple(Contour(level, self._lines(probability, level)) for level in levels),
            theory=tuple(self._theory(piece, curvature)),
            curvature=curvature,
        )

    def _probability(self, piece: _Piece) -> Array:
        x, y = (axis.field for axis in self.axes)
        given: Settings = {} if self.third is None or piece.value is None else {self.third: piece.value}
        settings = [{x: u, y: v, **given} for v in self.grid_y.tolist() for u in self.grid_x.tolist()]
        flat = self.border.probability(self.border.space.points(settings))
        return flat.reshape(len(self.grid_y), len(self.grid_x))

    def _theory(self, piece: _Piece, curvature: Curvature | None) -> Iterator[Theory]:
        """The borders that can be drawn: all that they depend on is on an axis, fixed, or the panel's."""
        known = self._known(piece)
        if self.n is None or known is None:
            return
        eta, decay, momentum = known["eta"], known["lambda"] / self.n, known["momentum"]
        if not np.all(momentum == momentum.flat[0]):
            return
        bound = decay_bound(float(momentum.flat[0]))
        for level in (1.0, bound):
            yield Theory("decay", level, f"eta lambda / n = {level:g}", self._lines(_log(eta * decay), math.log(level)))
        if curvature is not None:
            of = [curvature.median, curvature.lower_quartile, curvature.upper_quartile]
            line, low, high = (self._lines(_log(eta * (h + decay)), math.log(bound)) for h in of)
            label = f"eta (h + lambda / n) = {bound:g}, h = {curvature.median:.3g}"
            yield Theory("curvature", bound, label, line, low, high)

    def _known(self, piece: _Piece) -> dict[str, Array] | None:
        """eta, lambda and momentum over the grid; None where one of them is something else in every trial."""
        x, y = np.meshgrid(self.grid_x, self.grid_y)
        given: dict[str, Any] = {"momentum": self.spec.plan.momentum} | self.spec.fixed
        given |= {self.axes[0].field: x, self.axes[1].field: y}
        if self.third is not None:
            given[self.third] = piece.value
        names = ("eta", "lambda", "momentum")
        if any(name not in given or (name in self.spec.varied and name not in self._shown) for name in names):
            return None
        return {name: np.broadcast_to(np.asarray(given[name], dtype=np.float64), x.shape) for name in names}

    @property
    def _shown(self) -> set[str | None]:
        return {self.axes[0].field, self.axes[1].field, self.third}

    def _lines(self, heights: Array, level: float) -> tuple[Polyline, ...]:
        """Where heights over the grid are `level`. Interpolated on the drawn axes, where power laws are straight."""
        x, y = (np.log(values) if axis.log else values for axis, values in zip(self.axes, self._grid, strict=True))
        lines = contourpy.contour_generator(x, y, heights).lines(level)
        return tuple(self._in_units(np.asarray(line)) for line in lines)

    @property
    def _grid(self) -> tuple[Array, Array]:
        return self.grid_x, self.grid_y

    def _in_units(self, line: Array) -> Polyline:
        x, y = (np.exp(line[:, i]) if axis.log else line[:, i] for i, axis in enumerate(self.axes))
        return tuple(zip(x.tolist(), y.tolist(), strict=True))


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


def _axis(name: str, domain: Domain) -> Axis:
    low, high = ends(domain)
    log = is_logarithmic(domain)
    if log:
        margin = (high / low) ** _MARGIN
        return Axis(name, True, low / margin, high * margin)
    margin = _MARGIN * (high - low)
    return Axis(name, False, low - margin, high + margin)


def _pieces(third: str | None, fields: Mapping[str, Domain]) -> list[_Piece]:
    if third is None:
        return [_Piece()]
    domain = fields[third]
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


def _told(trials: pd.DataFrame, fields: Mapping[str, Domain]) -> tuple[list[Settings], NDArray[np.bool_], int]:
    """Settings of the trials whose verdicts say whether they are stable, whether they are, and how many do not say."""
    settings: list[Settings] = []
    stable: list[bool] = []
    unknown = 0
    for _, rows in trials.groupby("trial"):
        verdicts = set(rows["verdict"])
        if verdicts & UNSTABLE or verdicts <= STABLE:
            first = rows.iloc[0]
            settings.append({name: _setting(domain, first[name]) for name, domain in fields.items()})
            stable.append(not verdicts & UNSTABLE)
        else:
            unknown += 1
    return settings, np.array(stable, dtype=np.bool_), unknown


def _setting(domain: Domain, cell: Any) -> Setting:
    """A cell of the trials table as the value it stands for."""
    if isinstance(domain, Choices) and not is_numeric(domain):
        return next(value for value in domain.values if cell in (value, encode(value)))
    return float(cell)


def _is_two_sided(stable: NDArray[np.bool_]) -> bool:
    return bool(stable.any() and not stable.all())


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
            stable=True if verdict in STABLE else False if verdict in UNSTABLE else None,
            data_cost=_number(row.get(metrics.final(metrics.VALIDATION_DATA))),
            accuracy=_number(row.get(metrics.final(metrics.VALIDATION_ACCURACY))),
        )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _curvature(rows: pd.DataFrame, n: int | None) -> Curvature | None:
    name = metrics.final(metrics.SHARPNESS)
    if name not in rows or n is None:
        return None
    stable = rows[rows["verdict"].isin(list(STABLE))]
    h = (stable[name] - stable["lambda"].astype(float) / n).dropna().to_numpy(float)
    if len(h) == 0:
        return None
    lower, median, upper = np.quantile(h, [0.25, 0.5, 0.75]).tolist()
    return Curvature(median, lower, upper, len(h))


def _training_examples(spec: SweepSpec) -> int | None:
    """None where trials have different numbers of them."""
    if {"dataset", "validation"} & set(spec.varied):
        return None
    plan, _ = spec.training({name: domain.corners[0] for name, domain in spec.search.items()})
    return len(load_data(plan.dataset).train) - plan.validation


def _log(values: Array) -> Array:
    """-inf for 0 would break contours; the smallest number there is does as well."""
    logs: Array = np.log(np.maximum(values, np.finfo(np.float64).tiny))
    return logs


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(inner) for inner in value]
    return value
