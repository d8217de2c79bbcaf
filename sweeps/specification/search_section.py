"""Reads [search]: a value, a list of choices or a range for each field; and single values, for [plan] too."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from model import Hyperparameters, TrainingPlan
from sweeps.specification.domains import Choices, Domain, Range, Setting
from sweeps.specification.problems import Problems, most, shown
from sweeps.specification.spec import HYPERPARAMETERS, PLAN_FIELDS

_INTEGERS = {"batch_size", "validation", "epochs"}
_FLOATS = {"eta", "lambda", "momentum"}
_MOST_LAYERS = 100
_NEIGHBOURS = {"eta": 1.0, "lambda": 0.0, "batch_size": 1}  # legal company for a hyperparameter that is being checked


def read_search(section: Mapping[str, Any], problems: Problems) -> dict[str, Domain]:
    """What is searched, in the order in which proposals are drawn."""
    problems.known_keys("search.", section, (*HYPERPARAMETERS, *PLAN_FIELDS))
    for name in HYPERPARAMETERS:
        if name not in section:
            problems.say(f"search.{name}", "is missing; give a value, { choices = [...] } or { low = .., high = .. }")
    fields = [name for name in (*HYPERPARAMETERS, *PLAN_FIELDS) if name in section]  # proposals follow this order
    domains = {name: _domain(name, section[name], problems) for name in fields}
    return {name: domain for name, domain in domains.items() if domain is not None}


def read_value(key: str, name: str, value: Any, problems: Problems) -> Setting | None:
    """A legal value of a field, or None after saying what is wrong with it."""
    limit = most(name)
    if any(isinstance(one, int) and abs(one) > limit for one in (value if isinstance(value, list) else [value])):
        problems.say(key, f"must hold no number above {limit}, got {shown(value)}")
        return None
    if name == "hidden" and isinstance(value, list) and len(value) > _MOST_LAYERS:
        problems.say(key, f"must name {_MOST_LAYERS} layers at the most, got {len(value)}")
        return None
    if name in _FLOATS:
        if not isinstance(value, int | float) or isinstance(value, bool):
            problems.say(key, f"must be a number, got {shown(value)}")
            return None
        value = float(value)
    if name == "hidden" and isinstance(value, list):
        value = tuple(value)
    try:
        if name in HYPERPARAMETERS:
            eta, lmbda, batch_size = (_NEIGHBOURS | {name: value}).values()
            Hyperparameters(eta, lmbda, batch_size)
        else:
            replace(TrainingPlan(), **{name: value})
    except (ValueError, RecursionError) as error:  # the latter of showing a table in a table in a table ...
        problems.say(key, str(error).removeprefix(f"{name} "))
        return None
    legal: Setting = value
    return legal


def _domain(name: str, given: Any, problems: Problems) -> Domain | None:
    key = f"search.{name}"
    if not isinstance(given, Mapping):
        value = read_value(key, name, given, problems)
        return None if value is None else Choices((value,))
    if "choices" in given:
        return _choices(key, name, given, problems)
    return _range(key, name, given, problems)


def _choices(key: str, name: str, given: Mapping[str, Any], problems: Problems) -> Domain | None:
    problems.known_keys(f"{key}.", given, ("choices",))
    choices = given["choices"]
    if not isinstance(choices, list):
        problems.say(f"{key}.choices", f"must be a list, got {shown(choices)}")
        return None
    values = [read_value(f"{key}.choices", name, value, problems) for value in choices]
    legal = tuple(value for value in values if value is not None)
    return _made(key, lambda: Choices(legal), problems) if len(legal) == len(choices) else None


def _range(key: str, name: str, given: Mapping[str, Any], problems: Problems) -> Domain | None:
    problems.known_keys(f"{key}.", given, ("low", "high", "log", "choices"))
    if name not in _INTEGERS | _FLOATS:
        problems.say(key, f"is not a number and cannot be a range; use {{ choices = [...] }}, got {shown(given)}")
        return None
    log = given.get("log", False)
    if not isinstance(log, bool):
        problems.say(f"{key}.log", f"must be true or false, got {shown(log)}")
        return None
    ends: list[Any] = []
    for end in ("low", "high"):
        if end not in given:
            problems.say(f"{key}.{end}", "is missing; a range needs low and high")
        else:
            ends.append(read_value(f"{key}.{end}", name, given[end], problems))
    if len(ends) < 2 or None in ends:
        return None
    return _made(key, lambda: Range(ends[0], ends[1], log, integer=name in _INTEGERS), problems)


def _made(key: str, make: Callable[[], Domain], problems: Problems) -> Domain | None:
    try:
        return make()
    except ValueError as error:
        problems.say(key, str(error))
        return None
