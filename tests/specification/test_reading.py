"""A spec is read as it was written, and everything wrong with it is said at once: key, value, remedy."""

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from support.spec_strategies import Table, to_toml, valid_tables

from sweeps.errors import SpecError
from sweeps.specification.reading import DEFAULT_SPEC, parse_spec, read_spec

VALID: Table = {
    "name": "some",
    "search": {"eta": {"low": 0.1, "high": 10.0, "log": True}, "lambda": 1.0, "batch_size": {"choices": [5, 10]}},
    "plan": {"dataset": "digits", "validation": 300},
    "stopping": {},
}
DELETED = object()
GRID: Table = {"sampler": "grid", "search.eta": {"choices": [0.1, 1.0, 10.0]}}
ACCURACY: Table = {"objective": "validation_accuracy"}
BOTH: Table = {"objective": ["validation_data_cost", "validation_accuracy"]}


def changed(changes: Table) -> Table:
    """VALID with values at dotted keys."""
    table = copy.deepcopy(VALID)
    for key, value in changes.items():
        section, dotted, name = key.partition(".")
        place, name = (table[section], name) if dotted else (table, section)
        if value is DELETED:
            del place[name]
        else:
            place[name] = value
    return table


def problems(changes: Table) -> list[str]:
    with pytest.raises(SpecError) as refused:
        parse_spec(changed(changes))
    assert all(f"  {problem}" in str(refused.value).splitlines() for problem in refused.value.problems)
    return refused.value.problems


@settings(deadline=None, max_examples=60)
@given(table=valid_tables())
def test_a_spec_survives_the_way_to_a_table_and_back(table: Table) -> None:
    spec = parse_spec(table)
    assert parse_spec(spec.to_table(), check_data=False) == spec
    assert parse_spec(tomllib.loads(to_toml(spec.to_table())), check_data=False) == spec


@settings(deadline=None, max_examples=40)
@given(table=valid_tables())
def test_what_is_given_is_what_the_spec_holds(table: Table) -> None:
    spec = parse_spec(table)
    for name in ("name", "sampler", "seed", "lag", "replicates", "trials"):
        assert name not in table or getattr(spec, name) == table[name]
    for name, value in table["plan"].items():
        assert getattr(spec.plan, name) == (tuple(value) if isinstance(value, list) else value)
    for name, given_domain in table["search"].items():
        domain = spec.search[name]
        if isinstance(given_domain, dict) and "low" in given_domain:
            assert (domain.low, domain.high) == (given_domain["low"], given_domain["high"])
            assert domain.log is given_domain.get("log", False)
        else:
            values = given_domain["choices"] if isinstance(given_domain, dict) else [given_domain]
            assert domain.values == tuple(tuple(value) if isinstance(value, list) else value for value in values)


@pytest.mark.parametrize("path", sorted(DEFAULT_SPEC.parent.glob("*.toml")), ids=lambda path: path.stem)
def test_specs_that_come_with_the_package_are_valid(path: Path) -> None:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    assert parse_spec(table, check_data=False).name == table["name"]


_LARGE_GRID = ("search", "6000000 points", "fewer choices")
# Changes to a valid spec, and the key, the value and the remedy that the one problem names.
MISTAKES: list[tuple[Table, str, str, str]] = [
    ({"lags": 3}, "lags", "unknown key", "did you mean 'lag'?"),
    ({"search.batchsize": 3}, "search.batchsize", "unknown key", "did you mean 'batch_size'?"),
    ({"search.eta": {"low": 1, "high": 2, "logs": True}}, "search.eta.logs", "unknown key", "did you mean 'log'?"),
    ({"plan.epoch": 3}, "plan.epoch", "unknown key", "did you mean 'epochs'?"),
    ({"stopping.patients": 3}, "stopping.patients", "unknown key", "did you mean 'patience'?"),
    ({"zzzz": 3}, "zzzz", "unknown key", "known here: name, seed,"),
    ({"line\nbreak": 3}, '"line\\nbreak"', "unknown key", "known here: name, seed,"),
    ({"name": DELETED}, "name", "is missing", "use 1 to 64 letters"),
    ({"name": "../up"}, "name", "'../up'", "use 1 to 64 letters"),
    ({"name": "a" * 65}, "name", "a" * 65, "use 1 to 64 letters"),
    ({"name": ""}, "name", "''", "use 1 to 64 letters"),
    ({"name": 3}, "name", "3", "use 1 to 64 letters"),
    ({"trials": 0}, "trials", "got 0", "from 1"),
    ({"trials": True}, "trials", "got True", "a whole number"),
    ({"trials": 2.5}, "trials", "got 2.5", "a whole number"),
    ({"trials": "64"}, "trials", "got '64'", "a whole number"),
    ({"trials": 10**400}, "trials", "got 1000000", "to 1000000"),
    ({"seed": -1}, "seed", "got -1", "from 0"),
    ({"seed": 16**5000}, "seed", "too long to show", "a whole number from 0"),
    ({"lag": 0}, "lag", "got 0", "from 1"),
    ({"replicates": {}}, "replicates", "got {}", "a whole number"),
    ({"sampler": "tpes"}, "sampler", "'tpes'", "did you mean 'tpe'?"),
    ({"sampler": ["tpe"]}, "sampler", "['tpe']", "must be one of tpe, random, qmc, grid, gp"),
    ({"objective": "accuracy"}, "objective", "'accuracy'", "did you mean 'validation_accuracy'?"),
    ({"objective": []}, "objective", "[]", "one or several"),
    ({"objective": ["validation_accuracy"] * 2}, "objective", "['validation_accuracy', ", "different"),
    ({"plan": 3}, "plan", "got 3", "[plan]"),
    ({"stopping": "none"}, "stopping", "'none'", "[stopping]"),
    ({"search.eta": DELETED}, "search.eta", "is missing", "choices"),
    ({"search.eta": True}, "search.eta", "got True", "a number"),
    ({"search.eta": "1"}, "search.eta", "got '1'", "a number"),
    ({"search.eta": [1]}, "search.eta", "got [1]", "a number"),
    ({"search.eta": 0}, "search.eta", "got 0", "positive"),
    ({"search.eta": float("nan")}, "search.eta", "got nan", "finite"),
    ({"search.eta": float("inf")}, "search.eta", "got inf", "finite"),
    ({"search.eta": 10**400}, "search.eta", "got 1000000", "no number above"),
    ({"search.lambda": -1.5}, "search.lambda", "got -1.5", "not negative"),
    ({"search.lambda": 16**5000}, "search.lambda", "too long to show", "no number above"),
    ({"search.eta": {"low": 5.0, "high": 1.0}}, "search.eta", "5.0 and 1.0", "low must be below high"),
    ({"search.eta": {"low": 5.0, "high": 5}}, "search.eta", "5.0 and 5.0", "low must be below high"),
    ({"search.eta": {"low": 5.0}}, "search.eta.high", "is missing", "low and high"),
    ({"search.eta": {"low": "a", "high": 1}}, "search.eta.low", "'a'", "a number"),
    ({"search.eta": {"low": 1, "high": float("inf")}}, "search.eta.high", "inf", "finite"),
    ({"search.eta": {"low": 1, "high": 2, "log": 1}}, "search.eta.log", "got 1", "true or false"),
    ({"search.eta": {"low": 0, "high": 1, "log": True}}, "search.eta.low", "0", "positive"),
    ({"search.lambda": {"low": 0, "high": 1, "log": True}}, "search.lambda", "0", "for 0 use choices"),
    ({"search.eta": {"choices": []}}, "search.eta", "choices", "must not be empty"),
    ({"search.eta": {"choices": 1.0}}, "search.eta.choices", "got 1.0", "must be a list"),
    ({"search.eta": {"choices": [1, 2, 1.0]}}, "search.eta", "got 1.0 twice", "must differ"),
    ({"search.eta": {"choices": [-2]}}, "search.eta.choices", "got -2", "positive"),
    ({"search.eta": {"choices": [1], "low": 0.1}}, "search.eta.low", "unknown key", "choices"),
    ({"search.hidden": {"choices": [[10], [10]]}}, "search.hidden", "got [10] twice", "must differ"),
    ({"search.hidden": {"low": 1, "high": 2}}, "search.hidden", "{'low': 1", "choices"),
    ({"search.batch_size": 1.0}, "search.batch_size", "got 1.0", "a whole number"),
    ({"search.batch_size": {"low": 1, "high": 2.5}}, "search.batch_size.high", "got 2.5", "a whole number"),
    ({"search.batch_size": 1201}, "search.batch_size", "got 1201", "at most 1200"),
    ({"search.batch_size": {"low": 1, "high": 1300}}, "search.batch_size", "got 1300", "at most 1200"),
    ({"search.epochs": 5, "plan.epochs": 7}, "plan.epochs", "got 7", "keep it in [search] or in [plan]"),
    ({"plan.validation": 1500}, "plan.validation", "got 1500", "below the 1500"),
    ({"plan.validation": DELETED}, "plan.validation", "got 10000", "below the 1500"),
    ({"plan.validation": 0}, "plan.validation", "got 0", "at least 1"),
    ({"plan.dataset": "mnits"}, "plan.dataset", "'mnits'", "did you mean mnist?"),
    ({"plan.dataset": 3}, "plan.dataset", "got 3", "a name"),
    ({"plan.dataset": "npz:/no/where.npz"}, "plan.dataset", "/no/where.npz", "name an npz file"),
    ({"plan.activation": "rely"}, "plan.activation", "'rely'", "sigmoid, tanh, relu"),
    ({"plan.hidden": [30, 0]}, "plan.hidden", "(30, 0)", "at least 1"),
    ({"plan.hidden": 30}, "plan.hidden", "got 30", "a list"),
    ({"plan.hidden": [True]}, "plan.hidden", "True", "of layer sizes"),
    ({"plan.hidden": [10**400]}, "plan.hidden", "got [1000000", "no number above 1000000"),
    ({"plan.hidden": [10**6, 10**6]}, "plan.hidden", "[1000000, 1000000]", "at most 100000000 weights"),
    ({"plan.momentum": 1}, "plan.momentum", "got 1", "below 1"),
    ({"plan.momentum": "0.5"}, "plan.momentum", "'0.5'", "a number"),
    ({"plan.epochs": 10**9}, "plan.epochs", "got 1000000000", "no number above 1000000"),
    ({"plan.output": "linear", "plan.cost": "cross_entropy"}, "plan", "'linear'", "cost 'quadratic'"),
    (
        ACCURACY | {"search.output": {"choices": ["softmax", "linear"]}, "plan.cost": "cross_entropy"},
        "search",
        "'linear'",
        "cost 'quadratic'",
    ),
    ({"search.cost": {"choices": ["quadratic", "cross_entropy"]}}, "search.cost", "cost", "validation_accuracy"),
    ({"search.output": {"choices": ["sigmoid", "softmax"]}}, "search.output", "output", "validation_accuracy"),
    (BOTH | {"search.cost": {"choices": ["quadratic", "cross_entropy"]}}, "search.cost", "", "validation_accuracy"),
    ({"sampler": "grid"}, "search.eta", "a range", "needs choices"),
    (GRID | {"trials": 7}, "trials", "got 7", "6 points"),
    (GRID | {name: {"choices": [*range(1, 1001)]} for name in ("search.lambda", "search.epochs")}, *_LARGE_GRID),
    ({"stopping.pruner": "medium"}, "stopping.pruner", "'medium'", "did you mean 'median'?"),
    ({"stopping.patience": -1}, "stopping.patience", "got -1", "from 0"),
    (BOTH | {"stopping.pruner": "median"}, "stopping.pruner", "got 2", 'use "none"'),
    ({"replicates": 3, "stopping.pruner": "halving"}, "stopping.pruner", "got 3", 'use "none"'),
    (BOTH | {"stopping.patience": 2}, "stopping.patience", "got 2", "use 0"),
]


@pytest.mark.parametrize(("changes", "key", "value", "remedy"), MISTAKES, ids=[str(i) for i in range(len(MISTAKES))])
def test_a_mistake_is_one_line_with_its_key_value_and_remedy(changes: Table, key: str, value: str, remedy: str) -> None:
    (problem,) = problems(changes)
    assert problem.startswith(f"{key}: ")
    assert value in problem.removeprefix(key)
    assert remedy in problem


def test_all_mistakes_are_reported_at_once() -> None:
    """Those that can be seen without a legal spec: each of these keys has its own line."""
    mistakes = {
        "trails": 3, "name": "a/b", "lag": 0, "sampler": "bayes", "search.eta": {"low": 2, "high": 1},
        "search.lambda": "five", "search.batch_size": {"choices": [0]}, "search.colour": 1, "plan.hidden": [-1],
        "plan.cost": "cubic", "stopping.pruner": 3, "stopping.patience": True,
    }  # fmt: skip
    keys = [problem.partition(": ")[0] for problem in problems(mistakes)]
    expected = {*mistakes, "search.batch_size.choices"} - {"search.batch_size"}
    assert sorted(keys) == sorted(expected)


def test_a_grid_without_trials_takes_the_size_of_the_grid() -> None:
    assert parse_spec(changed(GRID)).trials == 6
    assert parse_spec(changed(GRID | {"search.hidden": {"choices": [[], [5]]}})).trials == 12
    assert parse_spec(changed(GRID | {"trials": 5})).trials == 5


def test_cost_may_be_searched_by_accuracy_and_fixed_by_any_objective() -> None:
    searched = ACCURACY | {"search.cost": {"choices": ["quadratic", "cross_entropy"]}}
    assert parse_spec(changed(searched)).search["cost"].corners == ("quadratic", "cross_entropy")
    assert parse_spec(changed({"search.cost": "cross_entropy"})).plan.cost == "cross_entropy"


def test_overrides_replace_what_the_file_says_and_none_does_not(tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    path.write_text(to_toml(VALID | {"trials": 5, "seed": 1}), encoding="utf-8")
    spec = read_spec(path, name="other", trials=7, seed=None)
    assert (spec.name, spec.trials, spec.seed) == ("other", 7, 1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file"),
        (b'name = "\xff"', "not UTF-8"),
        (b"name = ", "not TOML"),
        (b"name = 1\nname = 2", "not TOML"),
        (b"name = " + b"[" * 5000, "not TOML"),
        (b"name = " + b"9" * 5000, "not TOML"),
        (b"name" + b".a" * 5000 + b" = 1", "a key of more than 32 parts"),
        (b"", "name: is missing"),
    ],
)
def test_a_file_that_is_no_spec_is_refused_by_its_name(content: bytes | None, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SpecError) as refused:
        read_spec(path)
    assert str(refused.value).startswith(f"{path}:\n")
    assert reason in refused.value.problems[0]


def test_a_folder_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="Is a directory") as refused:
        read_spec(tmp_path)
    assert str(tmp_path) in str(refused.value)


@pytest.mark.parametrize("value", [1, 1.5, True, "word", [1]])
def test_sections_must_be_tables(value: Any) -> None:
    assert all(problems({name: value})[0].startswith(f"{name}: must be a table") for name in ("search", "plan"))
