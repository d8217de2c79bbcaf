"""Reads a spec; reports every mistake in it at once, each with its key, value and remedy."""

import difflib
import importlib.util
import itertools
import json
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

from model import Dataset, DatasetError, Hyperparameters, Probing, TrainingPlan, load
from sweeps.errors import InputError, SpecError
from sweeps.specification.domains import Choices, Domain, Range, Setting, encode
from sweeps.specification.spec import (
    BUILTIN_PLAN_FIELDS,
    HYPERPARAMETERS,
    NAME,
    OBJECTIVES,
    PLAN_FIELDS,
    SPEC_FIELDS,
    USER_NETWORK_FIELDS,
    NetworkSource,
    Pruner,
    Sampler,
    Stopping,
    SweepSpec,
)
from sweeps.user_network.loading import absolute, source_file, split_target

DEFAULT_SPEC = Path(__file__).parents[1] / "specs" / "default.toml"

_INTEGERS = {"batch_size", "validation", "epochs"}
_FLOATS = {"eta", "lambda", "momentum"}
_LARGEST = 2**63 - 1  # TOML's integers have 64 bits
_MOST = dict.fromkeys(("trials", "replicates", "epochs", "hidden"), 1_000_000)  # what is listed or allocated
_MOST_WEIGHTS = 100_000_000  # of a network
_MEASURES = tuple(field.name for field in fields(Probing))
_LONGEST = 10_000_000  # seconds that a trial may take
_LONGEST_PATH = 1000  # characters of a network's name
_SHOWN = 120  # characters of a value in a message
_NEIGHBOURS = {"eta": 1.0, "lambda": 0.0, "batch_size": 1}  # legal company for a hyperparameter that is being checked


def read_spec(path: str | Path, **overrides: Any) -> SweepSpec:
    """The spec in a TOML file, with top-level keys overridden (None: not). Loads the data to check sizes against.

    Raises SpecError, which lists every mistake.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise SpecError(str(path), [f"cannot be read: {error.strerror}; give the path of a TOML spec"]) from error
    except UnicodeDecodeError as error:
        raise SpecError(str(path), [f"is not UTF-8 text: {error.reason} at byte {error.start}"]) from error
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError also of an integer of thousands of digits
        raise SpecError(str(path), [f"is not TOML: {error}"]) from error
    given = {key: value for key, value in overrides.items() if value is not None}
    return parse_spec(table | given, str(path), folder=Path(path).parent)


def parse_spec(
    table: Mapping[str, Any], source: str = "spec", check_data: bool = True, folder: Path | None = None
) -> SweepSpec:
    """The spec in a table. Raises SpecError.

    check_data: load the datasets, check sizes against them, and look for the packages that the spec needs.
    folder: where a network's file is relative to (None: the working folder).
    """
    parser = _Parser(table, folder or Path())
    spec = parser.spec()
    if spec is not None and check_data:
        parser.problems += _surroundings(spec)
    if spec is None or parser.problems:
        raise SpecError(source, parser.problems)
    return spec


class _Parser:
    """Walks a table, collecting problems."""

    def __init__(self, table: Mapping[str, Any], folder: Path) -> None:
        self.table = table
        self._folder = folder
        self.problems: list[str] = []

    def spec(self) -> SweepSpec | None:
        """The spec, or None where there were problems."""
        self._known_keys("", self.table, (*SPEC_FIELDS, *USER_NETWORK_FIELDS, "search", "plan", "stopping", "measures"))
        top = self._top() | self._own()
        search = self._search(self._section("search"))
        plan = self._plan(self._section("plan"), search)
        stopping = self._stopping(self._section("stopping"))
        measures = self._measures(self._section("measures"))
        if self.problems:
            return None
        spec = SweepSpec(**top, search=search, plan=plan, stopping=stopping, measures=measures)
        if "trials" not in self.table and spec.sampler == "grid":
            spec = replace(spec, trials=_grid_size(spec))
        self.problems += _conflicts(spec)
        return None if self.problems else spec

    def _say(self, key: str, message: str) -> None:
        self.problems.append(f"{key}: {message}")

    def _known_keys(self, prefix: str, table: Mapping[str, Any], known: Iterable[str]) -> None:
        known = tuple(known)
        for key in table:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
                hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
                self._say(f"{prefix}{_quoted(key)}", f"unknown key; {hint}")

    def _section(self, name: str) -> Mapping[str, Any]:
        section = self.table.get(name, {})
        if isinstance(section, Mapping):
            return section
        self._say(name, f"must be a table, got {_shown(section)}; write it as [{name}]")
        return {}

    def _top(self) -> dict[str, Any]:
        top: dict[str, Any] = {}
        name = self.table.get("name")
        if not (isinstance(name, str) and NAME.fullmatch(name)):
            given = "is missing" if name is None else f"{_shown(name)} is not a name"
            self._say("name", f"{given}; use 1 to 64 letters, digits, dots, dashes, underscores, not first a sign")
        top["name"] = name
        for key, least in (("seed", 0), ("trials", 1), ("lag", 1), ("replicates", 1)):
            if key in self.table:
                top[key] = self._whole(key, self.table[key], least)
        if "sampler" in self.table:
            top["sampler"] = self._one_of("sampler", self.table["sampler"], get_args(Sampler))
        if "objective" in self.table:
            given = self.table["objective"]
            objectives = given if isinstance(given, list) else [given]
            top["objective"] = tuple(self._one_of("objective", one, OBJECTIVES) for one in objectives)
            words = [one for one in objectives if isinstance(one, str)]
            if not objectives or len(set(words)) < len(words):
                known = ", ".join(OBJECTIVES)
                self._say("objective", f"must be one or several different of {known}, got {_shown(given)}")
        return top

    def _own(self) -> dict[str, Any]:
        """The network of one's own, and what may not stand beside it."""
        if "network" not in self.table:
            if "time_limit" in self.table:
                self._say("time_limit", 'is for a network of your own; remove it, or give network = "mynet.py:Network"')
            return {}
        for section, names in (("plan", BUILTIN_PLAN_FIELDS), ("search", BUILTIN_PLAN_FIELDS), ("measures", _MEASURES)):
            for name in names:
                if name in self._section(section):
                    whose = "needs the built-in network" if section == "measures" else "belongs to your class"
                    self._say(f"{section}.{name}", f"{whose}, which network names; remove it")
        limit = self.table.get("time_limit", SweepSpec.time_limit)
        if not isinstance(limit, int | float) or isinstance(limit, bool) or not 0 < limit <= _LONGEST:
            self._say("time_limit", f"must be a number of seconds, up to {_LONGEST}, got {_shown(limit)}")
            limit = 1
        return {"network": self._network(self.table["network"]), "time_limit": float(limit)}

    def _network(self, named: Any) -> NetworkSource | None:
        if not isinstance(named, str) or len(named) > _LONGEST_PATH or not named.isprintable():
            self._say("network", f'must name a class, as in "mynet.py:Network", got {_shown(named)}')
            return None
        try:
            split_target(named)
            return NetworkSource(named, absolute(named, self._folder))
        except InputError as error:
            self._say("network", str(error))
            return None

    def _whole(self, key: str, value: Any, least: int) -> int:
        most = _MOST.get(key, _LARGEST)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self._say(key, f"must be a whole number from {least} to {most}, got {_shown(value)}")
            return least
        return value

    def _one_of(self, key: str, value: Any, known: Iterable[str]) -> str:
        known = tuple(known)
        if isinstance(value, str) and value in known:
            return value
        near = difflib.get_close_matches(value, known, n=1, cutoff=0.5) if isinstance(value, str) else []
        hint = f"; did you mean {near[0]!r}?" if near else ""
        self._say(key, f"must be one of {', '.join(known)}, got {_shown(value)}{hint}")
        return known[0]

    def _search(self, section: Mapping[str, Any]) -> dict[str, Domain]:
        self._known_keys("search.", section, (*HYPERPARAMETERS, *PLAN_FIELDS))
        for name in HYPERPARAMETERS:
            if name not in section:
                self._say(f"search.{name}", "is missing; give a value, { choices = [...] } or { low = .., high = .. }")
        fields = [name for name in (*HYPERPARAMETERS, *PLAN_FIELDS) if name in section]  # proposals follow this order
        domains = {name: self._domain(name, section[name]) for name in fields}
        return {name: domain for name, domain in domains.items() if domain is not None}

    def _domain(self, name: str, given: Any) -> Domain | None:
        key = f"search.{name}"
        if not isinstance(given, Mapping):
            value = self._value(key, name, given)
            return None if value is None else Choices((value,))
        if "choices" in given:
            self._known_keys(f"{key}.", given, ("choices",))
            choices = given["choices"]
            if not isinstance(choices, list):
                self._say(f"{key}.choices", f"must be a list, got {_shown(choices)}")
                return None
            values = [self._value(f"{key}.choices", name, value) for value in choices]
            legal = tuple(value for value in values if value is not None)
            return self._made(key, lambda: Choices(legal)) if len(legal) == len(choices) else None
        self._known_keys(f"{key}.", given, ("low", "high", "log", "choices"))
        if name not in _INTEGERS | _FLOATS:
            self._say(key, f"is not a number and cannot be a range; use {{ choices = [...] }}, got {_shown(given)}")
            return None
        log = given.get("log", False)
        if not isinstance(log, bool):
            self._say(f"{key}.log", f"must be true or false, got {_shown(log)}")
            return None
        ends: list[Any] = []
        for end in ("low", "high"):
            if end not in given:
                self._say(f"{key}.{end}", "is missing; a range needs low and high")
            else:
                ends.append(self._value(f"{key}.{end}", name, given[end]))
        if len(ends) < 2 or None in ends:
            return None
        return self._made(key, lambda: Range(ends[0], ends[1], log, integer=name in _INTEGERS))

    def _made(self, key: str, make: Any) -> Domain | None:
        try:
            domain: Domain = make()
        except ValueError as error:
            self._say(key, str(error))
            return None
        return domain

    def _value(self, key: str, name: str, value: Any) -> Setting | None:
        """A legal value of a field, or None after saying what is wrong with it."""
        most = _MOST.get(name, _LARGEST)
        if any(isinstance(one, int) and abs(one) > most for one in (value if isinstance(value, list) else [value])):
            self._say(key, f"must hold no number above {most}, got {_shown(value)}")
            return None
        if name in _FLOATS:
            if not isinstance(value, int | float) or isinstance(value, bool):
                self._say(key, f"must be a number, got {_shown(value)}")
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
            self._say(key, str(error).removeprefix(f"{name} "))
            return None
        legal: Setting = value
        return legal

    def _plan(self, section: Mapping[str, Any], search: Mapping[str, Domain]) -> TrainingPlan:
        self._known_keys("plan.", section, PLAN_FIELDS)
        plan: dict[str, Any] = {}
        for name in PLAN_FIELDS:
            if name not in section:
                continue
            if name in self._section("search"):
                self._say(
                    f"plan.{name}", f"is searched too; keep it in [search] or in [plan], got {_shown(section[name])}"
                )
            value = self._value(f"plan.{name}", name, section[name])
            if value is not None:
                plan[name] = value
        for name in ("output", "cost"):
            domain = search.get(name)
            if isinstance(domain, Choices):  # so that the plan itself is legal; every pair is checked later
                plan[name] = domain.values[0]
        try:
            return TrainingPlan(**plan)
        except ValueError as error:
            self._say("plan", str(error))
            return TrainingPlan()

    def _stopping(self, section: Mapping[str, Any]) -> Stopping:
        self._known_keys("stopping.", section, ("pruner", "patience", "verdict"))
        stopping: dict[str, Any] = {}
        if "pruner" in section:
            stopping["pruner"] = self._one_of("stopping.pruner", section["pruner"], get_args(Pruner))
        if "patience" in section:
            stopping["patience"] = self._whole("stopping.patience", section["patience"], 0)
        if "verdict" in section:
            stopping["verdict"] = section["verdict"]
            if not isinstance(section["verdict"], bool):
                self._say("stopping.verdict", f"must be true or false, got {_shown(section['verdict'])}")
        return Stopping(**stopping)

    def _measures(self, section: Mapping[str, Any]) -> Probing:
        known = [field.name for field in fields(Probing)]
        self._known_keys("measures.", section, known)
        given: dict[str, int] = {}
        for name in known:
            if name in section:
                try:
                    given[name] = getattr(Probing(**{name: section[name]}), name)
                except ValueError as error:
                    self._say(f"measures.{name}", str(error).removeprefix(f"{name} "))
        return Probing(**given)


def _shown(value: Any) -> str:
    """A value in a message, cut where it is long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # Python does not print integers of thousands of digits
        return "a value too long to show"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _quoted(key: str) -> str:
    """A key as TOML writes it: one line, whatever is in it."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def _grid_size(spec: SweepSpec) -> int:
    return math.prod(len(domain.values) for domain in spec.search.values() if isinstance(domain, Choices))


def _conflicts(spec: SweepSpec) -> list[str]:
    """What is wrong although every key is right by itself."""
    problems = []
    outputs, costs = _values(spec, "output"), _values(spec, "cost")
    for output, cost in itertools.product(outputs, costs):
        try:
            replace(spec.plan, output=output, cost=cost)
        except ValueError as error:
            problems.append(f"search: {error}")
    problems += _grid_conflicts(spec) if spec.sampler == "grid" else []
    problems += _border_conflicts(spec) if spec.sampler == "border" else []
    if spec.objective != ("validation_accuracy",):
        problems += [
            f'search.{name}: data costs of different {name}s do not compare; set objective = "validation_accuracy"'
            for name in ("cost", "output", "dataset")
            if name in spec.varied
        ]
    if spec.stopping.pruner != "none":
        if len(spec.objective) > 1:
            problems.append(f'stopping.pruner: pruning needs one objective, got {len(spec.objective)}; use "none"')
        if spec.replicates > 1:
            problems.append(f'stopping.pruner: pruning needs replicates = 1, got {spec.replicates}; use "none"')
    if spec.stopping.patience and len(spec.objective) > 1:
        problems.append(f"stopping.patience: needs one objective, got {len(spec.objective)}; use 0")
    return problems


def _grid_conflicts(spec: SweepSpec) -> list[str]:
    ranges = [name for name, domain in spec.search.items() if isinstance(domain, Range)]
    size, most = _grid_size(spec), _MOST["trials"]
    if ranges:
        return [f"search.{name}: the grid sampler needs choices or a value, got a range" for name in ranges]
    if size > most:
        return [f"search: the grid has {size} points; at most {most} can be listed, use fewer choices"]
    if spec.trials > size:
        return [f"trials: the grid has {size} points, got {spec.trials}; ask for no more"]
    return []


def _border_conflicts(spec: SweepSpec) -> list[str]:
    problems = []
    if not spec.varied:
        problems.append("search: the border sampler needs a field that varies; give eta or lambda a range or choices")
    if spec.stopping.pruner != "none":
        problems.append(
            f"stopping.pruner: a pruned trial does not show whether it is stable, which the border sampler asks; "
            f'use "none", got {_shown(spec.stopping.pruner)}'
        )
    return problems


def _values(spec: SweepSpec, name: str) -> tuple[Any, ...]:
    """The corner values that a field of the spec takes."""
    return spec.search[name].corners if name in spec.search else (getattr(spec.plan, name),)


def datasets(spec: SweepSpec) -> dict[str, Dataset]:
    """Every dataset that the spec's trials train on, by name. Raises DatasetError."""
    return {name: load(name) for name in _values(spec, "dataset")}


def _surroundings(spec: SweepSpec) -> list[str]:
    """What this machine lacks for the sweep: data that load and are large enough, packages, a network's file."""
    problems = []
    if spec.network is not None:
        try:
            source_file(spec.network.target)
        except InputError as error:
            problems.append(f"network: {error}")
    if spec.sampler == "gp" and importlib.util.find_spec("torch") is None:
        problems.append("sampler: 'gp' needs PyTorch; pip install 'numpy-sweeps[gp]', or use 'tpe'")
    batch_key = "search.batch_size"
    validation_key = "search.validation" if "validation" in spec.search else "plan.validation"
    largest_batch, largest_validation = max(_values(spec, "batch_size")), max(_values(spec, "validation"))
    for name in _values(spec, "dataset"):
        try:
            data = load(name)
        except DatasetError as error:
            problems.append(f"{'search' if 'dataset' in spec.search else 'plan'}.dataset: {error}")
            continue
        for hidden in _values(spec, "hidden"):
            weights = sum(map(math.prod, itertools.pairwise((data.train.features, *hidden, data.train.classes))))
            if weights > _MOST_WEIGHTS:
                problems.append(
                    f"{'search' if 'hidden' in spec.search else 'plan'}.hidden: must make a network of at most "
                    f"{_MOST_WEIGHTS} weights, got {weights} with {_shown(list(hidden))}"
                )
        n = len(data.train) - largest_validation
        if n < 1:
            problems.append(
                f"{validation_key}: must be below the {len(data.train)} training examples of {name}, "
                f"got {largest_validation}"
            )
        elif largest_batch > n:
            problems.append(
                f"{batch_key}: must be at most {n}, the training examples of {name} without the "
                f"{largest_validation} held back, got {encode(largest_batch)}"
            )
    return problems
