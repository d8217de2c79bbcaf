"""A network that somebody wrote as plain functions on parameters that are handed around: made into a class.

Its parameters are what an initial function returns (a dict, or W1, b1, W2, b2), else arrays of the module that its
functions share. Arguments that bear a parameter's name get it, those that bear the name of what another function
returned get that, and a number that the functions take from the module (m, learning_rate) becomes an argument.
"""

import dis
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from sweeps.errors import UserNetworkError
from sweeps.user_network.readings import state
from sweeps.user_network.readings.construction import made_by_name
from sweeps.user_network.readings.naming import Role, named_like, role_of
from sweeps.user_network.readings.reading import quietly
from sweeps.user_network.whole_one_hot import whole_one_hot

_INITIAL = r"(random_|he_|xavier_)?(init\w*|(make|create|build|new|get|random)\w*(param|weight|net)\w*|random_params)"
_KINDS = ("outputs", "step", "back", "update", "cost")
_OWN = (Role.X, Role.Y, Role.PAIRS, Role.ETA, Role.LMBDA, Role.EPOCHS, Role.PARAMETERS)
_NUMBERS = (Role.ETA, Role.LMBDA, Role.N, Role.M)
_NOTHING, _NAMED = inspect.Parameter.empty, inspect.Parameter.POSITIONAL_OR_KEYWORD


@dataclass(frozen=True)
class _Program:
    """functions: by name. parameters: names of arrays that are handed around one by one, () for a whole dict of them.
    shared: arrays of the module that are the parameters. results: names of what functions return besides parameters.
    """

    module: ModuleType
    functions: Mapping[str, Callable[..., Any]]
    returned: Mapping[str, tuple[str, ...]]
    parameters: tuple[str, ...]
    shared: tuple[str, ...]

    @property
    def results(self) -> frozenset[str]:
        names = {name for function in self.functions for name in self.returned.get(function, ())}
        return frozenset(n for n in names if role_of(n) not in _OWN and self.parameter(n) is None)

    def parameter(self, name: str) -> str | None:
        """The parameter of this name, in whatever case."""
        return next((known for known in self.parameters if known.lower() == name.lower()), None)

    def numbers(self, function: Callable[..., Any]) -> dict[str, Any]:
        """Numbers of the module that the function uses, with their values; _NOTHING where the module has none."""
        known = vars(self.module)
        found = {name: known.get(name, _NOTHING) for name in _globals_of(function, self.module)}
        return {
            name: value
            for name, value in found.items()
            if role_of(name) in _NUMBERS and (value is _NOTHING or type(value) in (int, float))
        }


def functions_network(module: ModuleType) -> type | None:
    """A class whose methods are the module's functions, its parameters kept in `params`; None where there are none."""
    functions = {
        name: found
        for name, found in vars(module).items()
        if isinstance(found, FunctionType) and found.__module__ == module.__name__
    }
    return _network(module, functions, getattr(module, "__returned__", {}))


def stateless_network(network: type, module: ModuleType | None) -> type | None:
    """The same of a class whose methods are such functions, `forward(X, parameters)`; None for others."""
    methods = {name: found for name, found in vars(network).items() if isinstance(found, FunctionType)}
    words = [w for o in named_like(list(methods), "outputs") for w in inspect.signature(methods[o]).parameters]
    if module is None or not any(role_of(word) is Role.PARAMETERS for word in words):
        return None
    try:
        with quietly(None, f"{network.__name__}()"):
            made = network()
    except UserNetworkError:
        return None
    functions = {name: getattr(made, name) for name in methods if not name.startswith("__")}
    prefix = f"{network.__name__}."
    returned = getattr(module, "__returned__", {})
    found = _network(module, functions, {name: returned.get(prefix + name, ()) for name in functions})
    if found is not None:
        found.__name__ = network.__name__
    return found


def _network(
    module: ModuleType, functions: Mapping[str, Callable[..., Any]], returned: Mapping[str, tuple[str, ...]]
) -> type | None:
    initial = next((found for name, found in functions.items() if re.fullmatch(_INITIAL, name.lower())), None)
    others = {name: found for name, found in functions.items() if found is not initial}
    chosen = {name for kind in _KINDS for name in named_like(list(others), kind)}
    if not named_like(list(others), "outputs"):
        return None
    shared = () if initial is not None else _shared_arrays(module, others)
    if initial is None and not shared:
        return None
    parameters = shared or returned.get(_name_of(initial, functions), ())
    program = _Program(module, others, returned, parameters if len(parameters) > 1 else (), shared)

    def __init__(self: Any, sizes: Any) -> None:  # noqa: N807
        if initial is None:
            made: Any = tuple(np.array(vars(module)[name]) for name in shared)
        else:
            made = made_by_name(initial, list(sizes), _file_of(module), module)  # type: ignore[arg-type]
        named = program.parameters and isinstance(made, tuple | list) and len(made) == len(program.parameters)
        self.params = dict(zip(program.parameters, made, strict=True)) if named else made
        self.found = {}
        self.whole = whole_one_hot(module, _outputs_of(self.params))

    members: dict[str, Any] = {name: _method(program, name) for name in others if name in chosen}
    return type("Functions", (), {"__init__": __init__, "__module__": module.__name__, **members})


def _file_of(module: ModuleType) -> Path | None:
    return Path(module.__file__) if module.__file__ else None


def _name_of(function: Any, functions: Mapping[str, Any]) -> str:
    return next(name for name, found in functions.items() if found is function)


def _outputs_of(params: Any) -> int:
    """Units of the last layer: as many as the last bias has numbers; 0 where the last array is none."""
    arrays = [found for _, found in state.arrays(params)]
    return arrays[-1].size if arrays and (arrays[-1].ndim == 1 or min(arrays[-1].shape) == 1) else 0


def _shared_arrays(module: ModuleType, functions: Mapping[str, Callable[..., Any]]) -> tuple[str, ...]:
    """Names of the module's arrays of floats that the functions that give outputs use."""
    used = [name for o in named_like(list(functions), "outputs") for name in _globals_of(functions[o], module)]
    arrays = {name: vars(module).get(name) for name in used}
    return tuple(n for n, found in arrays.items() if isinstance(found, np.ndarray) and found.dtype.kind == "f")


def _globals_of(function: Callable[..., Any], module: ModuleType) -> list[str]:
    """Names of the module that a function uses, itself or by functions that it calls."""
    names: dict[str, None] = {}
    left, seen = [function], set[Any]()
    while left:
        code = getattr(left.pop(), "__code__", None)
        if code is None or code in seen:
            continue
        seen.add(code)
        for instruction in dis.get_instructions(code):
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL"):
                names[instruction.argval] = None
                called = vars(module).get(instruction.argval)
                left += [called] if isinstance(called, FunctionType) else []
    return list(names)


def _method(program: _Program, name: str) -> Callable[..., Any]:
    """The function with the parameters given; what it returns in their place takes their place."""
    function = program.functions[name]
    wanted = [p for p in inspect.signature(function).parameters.values() if p.kind is not p.VAR_POSITIONAL]
    held = None if program.parameters else next((p.name for p in wanted if role_of(p.name) is Role.PARAMETERS), None)
    is_cost = name in named_like([name], "cost")
    by_name = {p.name: known for p in wanted if (known := program.parameter(p.name)) is not None}
    results = {
        p.name for p in wanted if p.name in program.results and not (is_cost and role_of(p.name) is Role.OUTPUTS)
    } - by_name.keys()
    numbers = program.numbers(function)

    def method(self: Any, **arguments: Any) -> Any:
        of_module = {word: arguments.pop(word) for word in numbers if word in arguments}
        arguments |= {word: self.params[known] for word, known in by_name.items()}
        arguments |= {word: self.found[word] for word in results if word in self.found}
        missing = [word for word in results if word not in arguments]
        if missing:
            raise UserNetworkError(f"{name} wants {', '.join(missing)}, which nothing before it has returned")
        if held is not None:
            arguments[held] = self.params
        with _in_module(program.module, of_module | self.whole | _shared(self, program)) as now:
            returned = function(**arguments)
            for word in program.shared:
                self.params[word] = now[word]
        _keep(self, returned, program.returned.get(name, ()), program, held is not None)
        return returned

    own = [inspect.Parameter("self", _NAMED)]
    own += [
        p.replace(default=None) if p.name in results else p  # which may be found
        for p in wanted
        if p.name != held and p.name not in by_name and p.kind is not p.VAR_KEYWORD
    ]
    own += [inspect.Parameter(word, _NAMED, default=value) for word, value in numbers.items()]
    ordered = sorted(own, key=lambda p: (p.kind, p.default is not _NOTHING))
    method.__signature__ = inspect.Signature(ordered)  # type: ignore[attr-defined]
    method.__name__ = name
    method.returns = program.returned.get(name, ())  # type: ignore[attr-defined]
    return method


@contextmanager
def _in_module(module: ModuleType, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """While it lasts the module has these values."""
    now = vars(module)
    before = {name: now[name] for name in values if name in now}
    now.update(values)
    try:
        yield now
    finally:
        for name in values:
            if name in before:
                now[name] = before[name]
            else:
                now.pop(name, None)


def _shared(self: Any, program: _Program) -> dict[str, Any]:
    return {word: self.params[word] for word in program.shared}


def _keep(self: Any, returned: Any, names: tuple[str, ...], program: _Program, is_whole: bool) -> None:
    """What a function returned: in place of parameters, and for those that ask for it by its name."""
    if is_whole:
        for candidate in (returned, returned[0] if isinstance(returned, tuple) and returned else None):
            if _is_alike(candidate, self.params):
                self.params = candidate
                break
    parts = returned if isinstance(returned, tuple | list) and len(names) > 1 else (returned,)
    if len(parts) != len(names):
        return
    for name, part in zip(names, parts, strict=True):
        known = program.parameter(name)
        if known is not None and isinstance(part, type(self.params[known])):
            self.params[known] = part
        elif known is None:
            self.found[name] = part


def _is_alike(candidate: Any, params: Any) -> bool:
    """Whether it holds arrays of the same names and shapes."""
    if type(candidate) is not type(params):
        return False
    return [(p, a.shape) for p, a in state.arrays(candidate)] == [(p, a.shape) for p, a in state.arrays(params)]
