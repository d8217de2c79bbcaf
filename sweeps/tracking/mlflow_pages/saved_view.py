"""The saved view of a sweep in MLflow's runs page: which columns and charts its link opens. As of MLflow 3.17."""

import base64
import json
import time
import zlib
from collections.abc import Sequence
from typing import Any

from model import metrics
from model.metrics import Family
from sweeps.specification.spec import Goal, SweepSpec
from sweeps.tracking.mlflow_pages.links import VIEW

TAG = f"mlflow.sharedViewState.{VIEW}"
NAME = "Stability"

_RUNS = 50  # lines in one chart that can still be told apart, and that the page draws at once
_POINTS = 500  # runs in a chart of points: the most that the page fetches
_LIMIT = 20_000  # characters that MLflow accepts of a view
_SEARCHED = ("eta", "lambda", "batch_size")
_COLUMNS = {
    "params": _SEARCHED,
    "tags": ("verdict",),
    "metrics": (
        metrics.VALIDATION_DATA,
        metrics.PENALTY,
        metrics.VALIDATION_TOTAL,
        metrics.VALIDATION_ACCURACY,
        metrics.WEIGHT_NORM,
        metrics.EDGE,
    ),
}
_COSTS = (metrics.VALIDATION_DATA, metrics.PENALTY, metrics.TRAIN_TOTAL, metrics.VALIDATION_TOTAL)
_LOG = ("log10_eta", "log10_lambda")  # these charts know no log axes
_CHARTS_IN_A_ROW = 2  # their titles can be read beside MLflow's panels, 1440 pixels wide
_SECTIONS = ("Cost", "Norms", "Stability", "Search")


def view_tag(spec: SweepSpec) -> dict[str, str]:
    """The experiment tag that holds the view. Needs no results; nothing when MLflow would refuse its length."""
    searched = spec.search.get("hidden")
    hidden = [len(value) for value in searched.corners if isinstance(value, tuple)] if searched else []
    state = _state(spec.goals[0], layers=1 + max(hidden, default=len(spec.plan.hidden)))
    packed = base64.b64encode(zlib.compress(json.dumps(state, separators=(",", ":")).encode(), 9)).decode()
    value = json.dumps({"name": NAME, "createdAt": int(time.time() * 1000), "state": f"deflate;{packed}"})
    return {TAG: value} if len(value) <= _LIMIT else {}


def _state(goal: Goal, layers: int) -> dict[str, Any]:
    charts = [_line("Cost", metric, log=True) for metric in _COSTS]
    charts.append(_line("Cost", metrics.VALIDATION_ACCURACY))
    charts.append(_line("Norms", metrics.WEIGHT_NORM, log=True))
    charts += [_line("Norms", metric, log=True) for metric in _by_layer(Family.WEIGHT_NORM, layers)]
    charts += [_line("Stability", metric, log=True) for metric in (metrics.EDGE, metrics.BATCH_EDGE)]
    charts += [_line("Stability", metric, log=True) for metric in _by_layer(Family.UPDATE_RATIO, layers)]
    charts += [_line("Stability", metric) for metric in _by_layer(Family.SATURATION, layers)]
    charts.append(
        _chart("PARALLEL", "Search", "parallel", _POINTS)
        | {"selectedParams": ["batch_size"], "selectedMetrics": [*_LOG, metrics.VALIDATION_ACCURACY]}
        | {"showAllRuns": True}
    )
    charts += [_scatter(field, metrics.VALIDATION_DATA) for field in _LOG]
    charts.append(_scatter(*_LOG))
    return {
        "orderByKey": f"metrics.`{goal.metric}`",
        "orderByAsc": goal.sign > 0,
        "selectedColumns": [f"{kind}.`{name}`" for kind, names in _COLUMNS.items() for name in names],
        "columnOrder": ["tags.`verdict`", *(f"params.`{name}`" for name in _SEARCHED)],
        "runsHiddenMode": "SHOW_ALL",
        "hideEmptyCharts": True,
        "isAccordionReordered": True,
        "compareRunSections": [
            {"uuid": name, "name": name, "display": True, "isReordered": True, "deleted": False, "isGenerated": False}
            | {"columns": _CHARTS_IN_A_ROW}
            for name in _SECTIONS
        ],
        "compareRunCharts": charts,
        "globalLineChartConfig": {"xAxisKey": "step", "lineSmoothness": 0, "selectedXAxisMetricKey": ""},
    }


def _by_layer(family: Family, layers: int) -> Sequence[str]:
    return [metrics.by_layer(family, layer) for layer in range(1, layers + 1)]


def _chart(kind: str, section: str, uuid: str, runs: int) -> dict[str, Any]:
    return {
        "uuid": f"{section}-{uuid}",
        "type": kind,
        "metricSectionId": section,
        "runsCountToCompare": runs,
        "deleted": False,
        "isGenerated": False,
    }


def _line(section: str, metric: str, log: bool = False) -> dict[str, Any]:
    return _chart("LINE", section, metric, _RUNS) | {
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "scaleType": "log" if log else "linear",
        "xAxisKey": "step",
        "xAxisScaleType": "linear",
        "yAxisKey": "metric",
        "lineSmoothness": 0,
        "displayPoints": False,
        "useGlobalXaxisKey": True,
        "useGlobalLineSmoothing": True,
        "ignoreOutliers": False,
        "range": {},
    }


def _scatter(x: str, y: str) -> dict[str, Any]:
    axes = {"xaxis": {"key": x, "type": "METRIC"}, "yaxis": {"key": y, "type": "METRIC"}}
    return _chart("SCATTER", "Search", f"{x}-{y}", _POINTS) | axes
