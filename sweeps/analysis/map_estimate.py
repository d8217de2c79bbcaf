"""The estimate behind the stability map: P(stable) over a grid, its contours, and the borders that theory predicts."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import contourpy
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model import load as load_data
from model import metrics
from model.bounds import decay_bound
from sweeps.analysis.stable_trials import told
from sweeps.sampling.border_model import Border, Space, ends, fit_border, is_logarithmic
from sweeps.specification.domains import Domain, Setting, Settings
from sweeps.specification.spec import SweepSpec
from sweeps.verdicts.verdict import STABLE

Array = NDArray[np.float64]
Polyline = tuple[tuple[float, float], ...]  # (x, y) after (x, y), in the fields' own units

LEVELS = (0.1, 0.5, 0.9)  # of P(stable): the measured border, and the band in which it is not certain
_GRID = 61  # points a side at which P(stable) is given
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
class MapEstimate:
    """P(stable) over two axes, and at a value of a third field where one varies. grid: where P is given, along x and y.

    trials, unknown, n, is_two_sided: as in `StabilityMap`.
    """

    spec: SweepSpec
    axes: tuple[Axis, Axis]
    third: str | None
    grid: tuple[Array, Array]
    border: Border
    trials: int
    unknown: int
    n: int | None
    is_two_sided: bool

    def probability(self, value: Setting | None) -> Array:
        """P(stable), [y][x]. value: of the third field."""
        x, y = (axis.field for axis in self.axes)
        grid_x, grid_y = self.grid
        given: Settings = {} if self.third is None or value is None else {self.third: value}
        settings = [{x: u, y: v, **given} for v in grid_y.tolist() for u in grid_x.tolist()]
        flat = self.border.probability(self.border.space.points(settings))
        return flat.reshape(len(grid_y), len(grid_x))

    def contours(self, probability: Array) -> tuple[Contour, ...]:
        """Of P(stable), one for each of LEVELS; none where only one side of the border was seen."""
        levels = LEVELS if self.is_two_sided else ()
        return tuple(Contour(level, self._lines(probability, level)) for level in levels)

    def curvature(self, rows: pd.DataFrame) -> Curvature | None:
        """Measured in these trainings; None where no stable one has it recorded."""
        name = metrics.final(metrics.SHARPNESS)
        if name not in rows or self.n is None:
            return None
        stable = rows[rows["verdict"].isin(list(STABLE))]
        h = (stable[name] - stable["lambda"].astype(float) / self.n).dropna().to_numpy(float)
        if len(h) == 0:
            return None
        lower, median, upper = np.quantile(h, [0.25, 0.5, 0.75]).tolist()
        return Curvature(median, lower, upper, len(h))

    def theory(self, value: Setting | None, curvature: Curvature | None) -> Iterator[Theory]:
        """The borders that can be drawn: all that they depend on is on an axis, fixed, or the panel's."""
        known = self._known(value)
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

    def _known(self, value: Setting | None) -> dict[str, Array] | None:
        """eta, lambda and momentum over the grid; None where one of them is something else in every trial."""
        x, y = np.meshgrid(*self.grid)
        given: dict[str, Any] = {"momentum": self.spec.plan.momentum} | self.spec.fixed
        given |= {self.axes[0].field: x, self.axes[1].field: y}
        if self.third is not None:
            given[self.third] = value
        names = ("eta", "lambda", "momentum")
        if any(name not in given or (name in self.spec.varied and name not in self._shown) for name in names):
            return None
        return {name: np.broadcast_to(np.asarray(given[name], dtype=np.float64), x.shape) for name in names}

    @property
    def _shown(self) -> set[str | None]:
        return {self.axes[0].field, self.axes[1].field, self.third}

    def _lines(self, heights: Array, level: float) -> tuple[Polyline, ...]:
        """Where heights over the grid are `level`. Interpolated on the drawn axes, where power laws are straight."""
        x, y = (np.log(values) if axis.log else values for axis, values in zip(self.axes, self.grid, strict=True))
        lines = contourpy.contour_generator(x, y, heights).lines(level)
        return tuple(self._in_units(np.asarray(line)) for line in lines)

    def _in_units(self, line: Array) -> Polyline:
        x, y = (np.exp(line[:, i]) if axis.log else line[:, i] for i, axis in enumerate(self.axes))
        return tuple(zip(x.tolist(), y.tolist(), strict=True))


def estimate(
    spec: SweepSpec, trials: pd.DataFrame, x: str, y: str, third: str | None = None, n: int | None = None
) -> MapEstimate:
    """From a sweep's trials table. x, y, third: fields that vary. n: training examples, None to count them."""
    fields = {name: spec.varied[name] for name in (x, y, *([third] if third else []))}
    settings, stable, unknown = told(trials, fields)
    axes = _axis(x, fields[x]), _axis(y, fields[y])
    space = Space(fields)
    return MapEstimate(
        spec=spec,
        axes=axes,
        third=third,
        grid=(axes[0].values(_GRID), axes[1].values(_GRID)),
        border=fit_border(space, space.points(settings), stable),
        trials=len(settings),
        unknown=unknown,
        n=n or _training_examples(spec),
        is_two_sided=_is_two_sided(stable),
    )


def _axis(name: str, domain: Domain) -> Axis:
    low, high = ends(domain)
    log = is_logarithmic(domain)
    if log:
        margin = (high / low) ** _MARGIN
        return Axis(name, True, low / margin, high * margin)
    margin = _MARGIN * (high - low)
    return Axis(name, False, low - margin, high + margin)


def _is_two_sided(stable: NDArray[np.bool_]) -> bool:
    return bool(stable.any() and not stable.all())


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
