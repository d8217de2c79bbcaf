"""Reads a spec; reports every mistake in it at once, each with its key, value and remedy."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

from model import Probing, TrainingPlan
from model.files import read_file
from sweeps.errors import InputError, SpecError
from sweeps.specification.conflicts import conflicts, grid_size
from sweeps.specification.domains import Choices, Domain
from sweeps.specification.problems import Problems, shown
from sweeps.specification.requirements import missing_requirements
from sweeps.specification.search_section import read_search, read_value
from sweeps.specification.spec import (
    BUILTIN_PLAN_FIELDS,
    NAME,
    OBJECTIVES,
    PLAN_FIELDS,
    SPEC_FIELDS,
    USER_NETWORK_FIELDS,
    Pruner,
    Sampler,
    Stopping,
    SweepSpec,
)
from sweeps.user_network.source import NetworkSource, absolute, split_target

DEFAULT_SPEC = Path(__file__).parents[1] / "specs" / "default.toml"

_MEASURES = tuple(field.name for field in fields(Probing))
_LONGEST = 10_000_000  # seconds that a trial may take
_LARGEST_FILE = 10_000_000  # bytes of a spec
_MOST_PARTS = 32  # of a dotted key; Python reads a longer one in a time that grows with its square
_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')[ \t]*"""
_DEEP = re.compile(rf"(?<![A-Za-z0-9_-]){_PART}(?:\.[ \t]*{_PART}){{{_MOST_PARTS}}}")
_LONGEST_PATH = 1000  # characters of a network's name


def read_spec(path: str | Path, **overrides: Any) -> SweepSpec:
    """The spec in a TOML file, with top-level keys overridden (None: not). Loads the data to check sizes against.

    Raises SpecError, which lists every mistake.
    """
    try:
        text = read_file(Path(path), _LARGEST_FILE).decode("utf-8").replace("\r\n", "\n")
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise SpecError(str(path), [f"is not UTF-8 text: {error.reason} at byte {error.start}"]) from error
        why = getattr(error, "strerror", None) or error
        raise SpecError(str(path), [f"cannot be read: {why}; give the path of a TOML spec"]) from error
    if _DEEP.search(text):
        raise SpecError(str(path), [f"holds a key of more than {_MOST_PARTS} parts; a spec's have three at the most"])
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
    problems = Problems()
    spec = _Reader(table, folder or Path(), problems).spec()
    if not problems.lines:
        problems.lines += conflicts(spec)
    if not problems.lines and check_data:
        problems.lines += missing_requirements(spec)
    if problems.lines:
        raise SpecError(source, problems.lines)
    return spec


class _Reader:
    """Walks a table, section by section. What is wrong goes to the problems; then the spec means nothing."""

    def __init__(self, table: Mapping[str, Any], folder: Path, problems: Problems) -> None:
        self._table, self._folder, self._problems = table, folder, problems
        self._sections = {name: problems.section(table, name) for name in ("search", "plan", "stopping", "measures")}

    def spec(self) -> SweepSpec:
        """The spec."""
        self._problems.known_keys("", self._table, (*SPEC_FIELDS, *USER_NETWORK_FIELDS, *self._sections))
        top = self._top() | self._user_network()
        search = read_search(self._sections["search"], self._problems)
        plan = self._plan(search)
        spec = SweepSpec(**top, search=search, plan=plan, stopping=self._stopping(), measures=self._measures())
        if "trials" not in self._table and spec.sampler == "grid":
            spec = replace(spec, trials=grid_size(spec))
        return spec

    def _top(self) -> dict[str, Any]:
        problems, table = self._problems, self._table
        top: dict[str, Any] = {}
        name = table.get("name")
        if not (isinstance(name, str) and NAME.fullmatch(name)):
            given = "is missing" if name is None else f"{shown(name)} is not a name"
            problems.say("name", f"{given}; use 1 to 64 letters, digits, dots, dashes, underscores, not first a sign")
        top["name"] = name
        for key, least in (("seed", 0), ("trials", 1), ("lag", 1), ("replicates", 1)):
            if key in table:
                top[key] = problems.whole(key, table[key], least)
        if "sampler" in table:
            top["sampler"] = problems.one_of("sampler", table["sampler"], get_args(Sampler))
        if "objective" in table:
            given = table["objective"]
            objectives = given if isinstance(given, list) else [given]
            top["objective"] = tuple(problems.one_of("objective", one, OBJECTIVES) for one in objectives)
            words = [one for one in objectives if isinstance(one, str)]
            if not objectives or len(set(words)) < len(words):
                known = ", ".join(OBJECTIVES)
                problems.say("objective", f"must be one or several different of {known}, got {shown(given)}")
        return top

    def _user_network(self) -> dict[str, Any]:
        """The network of somebody's own, and what may not stand beside it."""
        say, table = self._problems.say, self._table
        if "network" not in table:
            if "time_limit" in table:
                say("time_limit", 'is for a network of your own; remove it, or give network = "mynet.py:Network"')
            return {}
        for section, names in (("plan", BUILTIN_PLAN_FIELDS), ("search", BUILTIN_PLAN_FIELDS), ("measures", _MEASURES)):
            for name in names:
                if name in self._sections[section]:
                    whose = "needs the built-in network" if section == "measures" else "belongs to your class"
                    say(f"{section}.{name}", f"{whose}, which network names; remove it")
        limit = table.get("time_limit", SweepSpec.time_limit)
        if not isinstance(limit, int | float) or isinstance(limit, bool) or not 0 < limit <= _LONGEST:
            say("time_limit", f"must be a number of seconds, up to {_LONGEST}, got {shown(limit)}")
            limit = 1
        return {"network": self._source(table["network"]), "time_limit": float(limit)}

    def _source(self, named: Any) -> NetworkSource | None:
        if not isinstance(named, str) or len(named) > _LONGEST_PATH or not named.isprintable():
            self._problems.say("network", f'must name a class, as in "mynet.py:Network", got {shown(named)}')
            return None
        try:
            split_target(named)
            return NetworkSource(named, absolute(named, self._folder))
        except InputError as error:
            self._problems.say("network", str(error))
            return None

    def _plan(self, search: Mapping[str, Domain]) -> TrainingPlan:
        problems, section = self._problems, self._sections["plan"]
        problems.known_keys("plan.", section, PLAN_FIELDS)
        plan: dict[str, Any] = {}
        for name in PLAN_FIELDS:
            if name not in section:
                continue
            if name in self._sections["search"]:
                given = shown(section[name])
                problems.say(f"plan.{name}", f"is searched too; keep it in [search] or in [plan], got {given}")
            value = read_value(f"plan.{name}", name, section[name], problems)
            if value is not None:
                plan[name] = value
        for name in ("output", "cost"):
            domain = search.get(name)
            if isinstance(domain, Choices):  # so that the plan itself is legal; every pair is checked later
                plan[name] = domain.values[0]
        try:
            return TrainingPlan(**plan)
        except ValueError as error:
            problems.say("plan", str(error))
            return TrainingPlan()

    def _stopping(self) -> Stopping:
        problems, section = self._problems, self._sections["stopping"]
        problems.known_keys("stopping.", section, tuple(field.name for field in fields(Stopping)))
        stopping: dict[str, Any] = {}
        if "pruner" in section:
            stopping["pruner"] = problems.one_of("stopping.pruner", section["pruner"], get_args(Pruner))
        if "patience" in section:
            stopping["patience"] = problems.whole("stopping.patience", section["patience"], 0)
        if "verdict" in section:
            stopping["verdict"] = section["verdict"]
            if not isinstance(section["verdict"], bool):
                problems.say("stopping.verdict", f"must be true or false, got {shown(section['verdict'])}")
        return Stopping(**stopping)

    def _measures(self) -> Probing:
        section = self._sections["measures"]
        self._problems.known_keys("measures.", section, _MEASURES)
        given: dict[str, int] = {}
        for name in _MEASURES:
            if name in section:
                try:
                    given[name] = getattr(Probing(**{name: section[name]}), name)
                except ValueError as error:
                    self._problems.say(f"measures.{name}", str(error).removeprefix(f"{name} "))
        return Probing(**given)
