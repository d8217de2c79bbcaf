"""Specs drawn by hypothesis: valid ones, junk, and valid ones with something broken; and a writer of TOML."""

import copy
import datetime
import json
import math
from typing import Any

from hypothesis import strategies as st

from sweeps.specification.spec import PLAN_FIELDS, SPEC_FIELDS, USER_NETWORK_FIELDS

Table = dict[str, Any]
Values = st.SearchStrategy[Any]

_POSITIVE = st.floats(1e-300, 1e300)
_NUMBERS: dict[str, Values] = {
    "eta": _POSITIVE,
    "lambda": st.just(0.0) | _POSITIVE,
    "batch_size": st.integers(1, 200),
    "validation": st.integers(1, 1000),
    "momentum": st.floats(0, 1, exclude_max=True),
    "epochs": st.integers(1, 1000),
}
_WORDS: dict[str, Values] = {
    "hidden": st.lists(st.integers(1, 300), max_size=3),
    "activation": st.sampled_from(["sigmoid", "tanh", "relu"]),
    "output": st.sampled_from(["sigmoid", "softmax"]),
    "cost": st.sampled_from(["quadratic", "cross_entropy"]),
    "initialisation": st.sampled_from(["scaled", "standard"]),
    "penalty_n": st.sampled_from(["training", "evaluated"]),
    "dtype": st.sampled_from(["float32", "float64"]),
}
_FIELDS = _NUMBERS | _WORDS
_KEYS = [
    *SPEC_FIELDS,
    *USER_NETWORK_FIELDS,
    *PLAN_FIELDS,
    "search",
    "plan",
    "stopping",
    "eta",
    "lambda",
    "batch_size",
    "choices",
    "low",
]


def _choices(name: str) -> Values:
    return st.lists(_FIELDS[name], min_size=1, max_size=4, unique_by=repr).map(lambda some: {"choices": some})


@st.composite
def _ranges(draw: st.DrawFn, name: str) -> Table:
    low, high = sorted(draw(st.lists(_NUMBERS[name], min_size=2, max_size=2, unique=True)))
    return {"low": low, "high": high} | ({"log": draw(st.booleans())} if low > 0 and draw(st.booleans()) else {})


@st.composite
def valid_tables(draw: st.DrawFn) -> Table:
    """Tables of specs over the digits in which everything that may be given is, now and then."""
    sampler = draw(st.sampled_from(["tpe", "random", "qmc", "grid"]))
    search: Table = {}
    plan: Table = {"dataset": "digits", "validation": 500}
    for name in _FIELDS:
        value = _FIELDS[name]
        domains = [value, _choices(name)] + ([_ranges(name)] if name in _NUMBERS and sampler != "grid" else [])
        if name in {"eta", "lambda", "batch_size"} or draw(st.integers(0, 3)) == 0:
            search[name] = draw(st.one_of(domains))
            plan.pop(name, None)
        elif draw(st.booleans()):
            plan[name] = draw(value)
    table: Table = {"name": draw(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)), "sampler": sampler}
    table |= {"search": search, "plan": plan}
    single = st.sampled_from(["validation_accuracy", ["validation_accuracy"]])
    if not {"cost", "output"} & set(search):
        single |= st.just("validation_data_cost") | st.just(["validation_data_cost", "validation_accuracy"])
    table["objective"] = draw(single)
    counts = {"seed": st.integers(0, 2**63 - 1), "lag": st.integers(1, 2**63 - 1), "replicates": st.integers(1, 5)}
    counts |= {} if sampler == "grid" else {"trials": st.integers(1, 1_000_000)}
    table |= {name: draw(count) for name, count in counts.items() if draw(st.booleans())}
    if table["objective"] != ["validation_data_cost", "validation_accuracy"] and draw(st.booleans()):
        pruners = ["none", "median", "halving"] if table.get("replicates", 1) == 1 else ["none"]
        table["stopping"] = {"pruner": draw(st.sampled_from(pruners)), "patience": draw(st.integers(0, 10))}
    return table


_SCALARS = (
    st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from([10**400, -(10**400), 0, -1])
    | st.floats()
    | st.text(st.characters(codec="utf-8"), max_size=8)
    | st.sampled_from([*_KEYS, "tpe", "grid", "median", "sigmoid", "npz:nowhere.npz", "idx:nowhere"])
    | st.dates()
    | st.times()
    | st.datetimes()
)
_NAMES = st.sampled_from(_KEYS) | st.text(st.characters(codec="utf-8"), max_size=8)

junk: Values = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=6,
)
junk_tables = st.dictionaries(_NAMES, junk | st.dictionaries(_NAMES, junk, max_size=5), max_size=6)


@st.composite
def broken_tables(draw: st.DrawFn) -> Table:
    """Valid tables in which one to three keys were deleted, replaced by junk, or added."""
    table = copy.deepcopy(draw(valid_tables()))
    for _ in range(draw(st.integers(1, 3))):
        place = table
        while (inner := [key for key in place if isinstance(place[key], dict)]) and draw(st.booleans()):
            place = place[draw(st.sampled_from(inner))]
        keys = sorted(key for key in place if key not in {"dataset", "plan"})  # without them MNIST would be loaded
        match draw(st.sampled_from(["delete", "replace", "add"])) if keys else "add":
            case "delete":
                del place[draw(st.sampled_from(keys))]
            case "replace":
                place[draw(st.sampled_from(keys))] = draw(junk)
            case _:
                place[draw(_NAMES)] = draw(junk)
    return table


def to_toml(table: Table) -> str:
    """The table as TOML 1.0, its tables inline."""
    return "\n".join(f"{_string(key)} = {_toml(value)}" for key, value in table.items())


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _toml(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float() if not math.isfinite(value):
            return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
        case str():
            return _string(value)
        case datetime.date() | datetime.time():  # a datetime is a date
            return value.isoformat()
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            return f"{{{', '.join(f'{_string(key)} = {_toml(inner)}' for key, inner in value.items())}}}"
        case _:
            return repr(value)
