"""What the report page shows of a sweep, as plain values: the page draws it in the browser."""

import datetime
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from model import DatasetError, metrics
from model.bounds import decay_bound
from model.metrics import Family
from sweeps.analysis.advice import Advice, SweepTables, advise, decay_cut, fault_sentences
from sweeps.analysis.next_spec import answers, next_spec
from sweeps.analysis.ranking import (
    best_row,
    best_trials,
    in_reading_order,
    times_best,
    times_best_heading,
    went_wrong,
)
from sweeps.analysis.stability_map import Panel, StabilityMap
from sweeps.formatting import count, words
from sweeps.results.comparison import DEFINED_BY, NOTABLE, as_compared, defined_by
from sweeps.results.sweep import Sweep
from sweeps.specification.domains import Domain, Range, encode
from sweeps.specification.spec import SweepSpec
from sweeps.tracking.mlflow_pages.links import complete, experiment_link, is_served, run_link
from sweeps.tracking.shown_uri import shown_uri
from sweeps.tracking.tables import by_training
from sweeps.verdicts.marks import MARKS, RUNNING, kind_of, mark_of
from sweeps.verdicts.tally import what_counts
from sweeps.verdicts.verdict import Assessment

_IN_FULL = 5000  # rows of the epochs table up to which every metric is in the page; beyond, those that are drawn
_DRAWN = (Family.COST, Family.ACCURACY, Family.WEIGHT_NORM)
_EDGES = (metrics.EDGE, metrics.BATCH_EDGE)

_COLUMNS = {  # of the trials table -> heading in the page
    "times_best": "",  # its heading is the objective's
    "eta_lambda_over_n": "η·λ/n",
    metrics.final(metrics.VALIDATION_DATA): "validation data cost",
    metrics.final(metrics.TRAIN_DATA): "training data cost",
    metrics.final(metrics.PENALTY): "penalty",
    metrics.final(metrics.TRAIN_TOTAL): "training total",
    metrics.final(metrics.VALIDATION_ACCURACY): "validation accuracy",
    metrics.TEST_ACCURACY: "test accuracy",
    metrics.final(metrics.EDGE): "edge",
    metrics.final(metrics.BATCH_EDGE): "batch edge",
    metrics.final(metrics.WEIGHT_NORM): "weight norm",
    "best_epoch": "best epoch",
    "seconds": "seconds",
}


def build(sweep: Sweep, drawn: StabilityMap | None, every: float | None = None) -> dict[str, Any]:
    """All that the page shows, as plain values: numbers to six digits, None for what was not measured.

    drawn: what `publishing.mapped` makes of the sweep. every: seconds after which the page is written anew, if it is.
    """
    spec, trials = sweep.spec, in_reading_order(sweep.spec, sweep.trials).reset_index(drop=True)
    trials = trials.assign(times_best=times_best(spec, trials, trials))
    found = tables_of(sweep)
    ids = _ids(trials, spec)
    best = best_row(spec, trials)
    other = went_wrong(spec, trials, best)
    return {
        "sweep": _sweep(sweep, found.n),
        "as_of": None if sweep.state == "finished" else _as_of(sweep, every),
        "verdicts": _verdicts(trials),
        "sides": what_counts(),
        "fields": [_field(name, domain, name in spec.varied) for name, domain in spec.search.items()],
        "columns": [
            [name, times_best_heading(spec) if name == "times_best" else label]
            for name, label in _COLUMNS.items()
            if name in trials and trials[name].notna().any()
        ],
        "trials": _trials(sweep, trials, ids),
        "comparison": _comparison(sweep.epochs),
        "best": None if best is None else ids[best],
        "front": _front(sweep, trials, ids),
        "instructive": None if other is None else ids[other],
        "theory": _borders(found),
        "map": None if drawn is None else _map(drawn),
        "importance": _importance(sweep),
        "advice": [_advice(advice, ids) for advice in advise(found)],
        "answers": answers(found),
        "next_spec": next_spec(found) if len(found.trials) else "",
    }


def _front(sweep: Sweep, trials: pd.DataFrame, ids: Sequence[str]) -> list[dict[str, Any]]:
    """The best trial, or the Pareto front where there are several objectives: means over the starts of each."""
    rows = best_trials(sweep.spec, trials, len(trials) if len(sweep.spec.goals) > 1 else 1)
    first = {trial: place for place, trial in reversed(list(enumerate(trials["trial"])))}
    goals = zip(sweep.spec.objective, sweep.spec.goals, strict=True)
    names = {name: metrics.final(goal.metric) for name, goal in goals}
    return [
        {"id": ids[first[row["trial"]]], "means": {name: number(row[column]) for name, column in names.items()}}
        for row in rows.to_dict("records")
    ]


def tables_of(sweep: Sweep) -> SweepTables:
    """What a sweep's advice is made from: the trials that ended."""
    trials = sweep.ordered.reset_index(drop=True)
    return SweepTables(sweep.spec, trials, sweep.epochs, training_size(trials))


def training_size(trials: pd.DataFrame) -> int | None:
    """n, from eta * lambda / n; None when trials have several, or lambda was 0 throughout."""
    rows = trials[(trials["lambda"] > 0) & (trials["eta_lambda_over_n"] > 0)]
    sizes = {round(float(value)) for value in rows["eta"] * rows["lambda"] / rows["eta_lambda_over_n"]}
    return sizes.pop() if len(sizes) == 1 else None


def number(value: Any) -> float | int | str | bool | None:
    """A cell for JSON: text as it is, None for NaN, infinity and what is missing."""
    if value is None or value is pd.NA or isinstance(value, str):
        return value if isinstance(value, str) else None
    real = as_compared(float(value))
    if math.isnan(real):
        return None
    return int(real) if real.is_integer() and abs(real) < 1e15 else real


def _ids(trials: pd.DataFrame, spec: SweepSpec) -> list[str]:
    keys = zip(trials["trial"], trials["replicate"], strict=True)
    return [f"{trial}-r{replicate}" if spec.replicates > 1 else str(trial) for trial, replicate in keys]


def _sweep(sweep: Sweep, n: int | None) -> dict[str, Any]:
    spec = sweep.spec
    return {
        "name": sweep.name,
        "state": sweep.state,
        "faults": fault_sentences(spec),
        "said": in_words(spec, n),
        "objectives": [
            {"name": name, "metric": goal.metric, "sign": goal.sign}
            for name, goal in zip(spec.objective, spec.goals, strict=True)
        ],
        "n": n,
        "epochs": spec.plan.epochs,
        "replicates": spec.replicates,
        "lambda_reported": spec.plan.penalty_n,
        "uri": shown_uri(sweep.uri),
        "experiment": complete(sweep.uri, experiment_link(sweep.experiment_id)),
        "run_id": sweep.run_id,
        "served": is_served(sweep.uri),
        "made": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _as_of(sweep: Sweep, every: float | None) -> dict[str, Any]:
    """How far a sweep was that was not finished. at: Unix time; every: as in `build`."""
    now = datetime.datetime.now(datetime.UTC)
    running = int((sweep.trials["state"] == RUNNING).sum())
    return {
        "at": now.timestamp(),
        "time": now.strftime("%Y-%m-%d %H:%M:%S UTC"),
        "ended": len(sweep.trials) - running,
        "running": running,
        "of": sweep.spec.trials * sweep.spec.replicates,
        "every": every,
    }


def in_words(spec: SweepSpec, n: int | None) -> list[str]:
    """The spec in sentences."""
    plan = spec.plan
    hidden = "searched" if "hidden" in spec.search else "-".join(map(str, plan.hidden)) or "none"
    starts = f", each started {spec.replicates} times" if spec.replicates > 1 else ""
    momentum = f", momentum {plan.momentum:g}" if plan.momentum else ""
    size = f"{n:,} examples" if n else "the rest"
    samplers = {"tpe": "TPE", "random": "random", "qmc": "Sobol", "grid": "grid", "gp": "Gaussian-process"}
    samplers["border"] = "stability-border"
    goals = " and ".join(words(objective) for objective in spec.objective)
    cost = plan.cost.replace("_", "-")
    what = f"{plan.activation}, {plan.output} output, {cost} cost{momentum}"
    if spec.network is not None:
        what = f"network {spec.network.named}, its costs as it reports them"
    data = f"on {plan.dataset}: {size} to train on, {plan.validation:,} held back."
    return [
        f"{count(spec.trials, 'trial')}{starts} of {count(plan.epochs, 'epoch')} {data}",
        f"Hidden layers {hidden}, {what}.",
        "; ".join(f"{words(name)} {domain.in_words}" for name, domain in spec.search.items())
        + f". Drawn by {samplers.get(spec.sampler, spec.sampler)} sampling, seed {spec.seed}; best by {goals}.",
    ]


def _verdicts(trials: pd.DataFrame) -> list[dict[str, Any]]:
    """Every verdict with its count, its kind (stable, unstable, neither), its meaning and its look."""
    counts = trials["verdict"].map(_word).value_counts()
    known = dict.fromkeys([*(verdict.value for verdict in MARKS), *map(str, counts.index)])
    return [
        {"word": word, "count": int(counts.get(word, 0)), "kind": kind_of(word)} | asdict(mark_of(word))
        for word in known
    ]


def _field(name: str, domain: Domain, varied: bool) -> dict[str, Any]:
    field: dict[str, Any] = {"name": name, "varied": varied, "searched": domain.in_words}
    if isinstance(domain, Range):
        return field | {"low": number(domain.low), "high": number(domain.high), "log": domain.log}
    cells = [list(value) if isinstance(value, tuple) else value for value in domain.values]
    return field | {"choices": [json.dumps(c) if isinstance(c, list) else number(c) for c in cells]}


def _trials(sweep: Sweep, trials: pd.DataFrame, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Each trial with its settings, verdict, evidence, numbers and epochs, best first."""
    try:
        evidence = sweep.assessments
    except DatasetError:  # the data are gone: the recorded verdicts stand, without their rules
        evidence = {}
    curves = _curves(sweep.epochs)
    return [
        {
            "id": ids[place],
            "state": row["state"],
            "verdict": _word(row["verdict"]),
            "sentence": _text(row["verdict_reason"]),
            "run_id": row["run_id"],
            "link": complete(sweep.uri, run_link(sweep.experiment_id, row["run_id"])),
            "settings": {name: number(row[name]) for name in sweep.spec.search},
            "values": {name: number(row[name]) for name in _COLUMNS if name in row},
            "diverged_epoch": number(row["diverged_epoch"]),
            "epochs": curves.get((row["trial"], row["replicate"]), {}),
            **_evidence(row, evidence.get((row["trial"], row["replicate"]))),
        }
        for place, row in enumerate(trials.to_dict("records"))
    ]


def _evidence(row: Mapping[Any, Any], made: Assessment | None) -> dict[str, Any]:
    """Rule and numbers, when the recorded verdict is the one that this version's rules give."""
    if made is None or made.verdict.value != row["verdict"]:
        return {}
    return {
        "cause": made.cause.value if made.cause else None,
        "rule": made.rule,
        "seen": made.epoch,
        "numbers": [[name, number(value)] for name, value in made.numbers.items()],
    }


def _curves(epochs: pd.DataFrame) -> dict[tuple[int, int], dict[str, list[Any]]]:
    """(trial, replicate) -> metric -> a value an epoch."""
    found = {}
    for key, columns in by_training(epochs, ["epoch", *_metrics(epochs)]).items():
        numbers = {name: [number(value) for value in values] for name, values in columns.items()}
        found[key] = {name: values for name, values in numbers.items() if any(v is not None for v in values)}
    return found


def _metrics(epochs: pd.DataFrame) -> list[str]:
    """Those of the page."""
    names = metrics.by_epoch(epochs.columns)
    if len(epochs) <= _IN_FULL:
        return names
    return [name for name in names if metrics.is_of(name, *_DRAWN) or name in _EDGES]


def _comparison(epochs: pd.DataFrame) -> dict[str, Any]:
    """What the page needs to say where two trials first differ, as `comparison.sentences` does."""
    names = _metrics(epochs)
    return {
        "notable": NOTABLE,
        "in_full": len(epochs) <= _IN_FULL,
        "shares": [name for name in names if metrics.is_share(name)],
        "defined_by": {setting: defined_by(setting, names) for setting in DEFINED_BY},
    }


def _borders(found: SweepTables) -> list[dict[str, Any]]:
    """Lines on which eta * lambda is constant, when the trials share n and momentum: two from theory, one measured."""
    if found.n is None or "momentum" in found.spec.varied:
        return []
    bound = decay_bound(found.spec.plan.momentum)
    lines = [
        ("decay", 1.0, "decay alone takes a weight to 0 in one step"),
        ("bound", bound, "beyond, decay alone makes weights grow without end"),
    ]
    cut = decay_cut(found)
    if cut is not None:
        lines.append(("measured", cut, "beyond, most of these trials collapsed or diverged by decay"))
    return [
        {"kind": kind, "label": f"η·λ/n = {value:.2g}", "product": number(value * found.n), "meaning": meaning}
        for kind, value, meaning in lines
    ]


def _map(drawn: StabilityMap) -> dict[str, Any]:
    """The stability map without its points, P(stable) in per cent."""
    return {
        "third": drawn.third,
        "two_sided": drawn.is_two_sided,
        "grid": [[number(value) for value in grid] for grid in (drawn.grid_x, drawn.grid_y)],
        "panels": [_panel(panel) for panel in drawn.panels],
    }


def _panel(panel: Panel) -> dict[str, Any]:
    value = encode(panel.value) if isinstance(panel.value, tuple) else number(panel.value)
    curvature = [theory for theory in panel.theory if theory.kind == "curvature"]
    return {
        "value": value,
        "low": number(panel.low),
        "high": number(panel.high),
        "probability": [[round(100 * p) for p in row] for row in panel.probability],
        "contours": [[contour.level, _paths(contour.paths)] for contour in panel.contours],
        "curvature": [[theory.label, _paths(theory.paths)] for theory in curvature],
    }


def _paths(paths: Sequence[Sequence[tuple[float, float]]]) -> list[list[list[float]]]:
    return [[[float(f"{x:.4g}"), float(f"{y:.4g}")] for x, y in path] for path in paths]


def _importance(sweep: Sweep) -> dict[str, Any]:
    try:
        found = sweep.importances()
    except (ValueError, RuntimeError) as error:
        return {"missing": str(error)}
    return {"shares": {goal: {name: number(share) for name, share in shares.items()} for goal, shares in found.items()}}


def _advice(advice: Advice, ids: Sequence[str]) -> dict[str, Any]:
    return {
        "text": advice.text,
        "numbers": [[name, number(value)] for name, value in advice.numbers.items()],
        "trials": [ids[row] for row in advice.trials],
        "change": advice.change,
    }


def _word(verdict: object) -> str:
    """A cell of the verdicts' column."""
    return _text(verdict) or RUNNING


def _text(value: object) -> str:
    """A cell of words; empty where there is none, which pandas may hold as None or NaN."""
    return value if isinstance(value, str) else ""
