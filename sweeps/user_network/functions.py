"""A network that somebody wrote as plain functions on parameters that are handed around: made into a class."""

import inspect
import re
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

from sweeps.user_network.readings import state
from sweeps.user_network.readings.construction import made_by_name
from sweeps.user_network.readings.naming import Role, named_like, role_of

_INITIAL = r"(random_|he_|xavier_)?(init\w*|(make|create|build|new|get|random)\w*(param|weight|net)\w*|random_params)"
_KINDS = ("outputs", "step", "back", "update", "cost")


def functions_network(module: ModuleType) -> type | None:
    """A class whose methods are the module's functions, its parameters kept in `params`; None where there are none."""
    functions = {
        name: found
        for name, found in vars(module).items()
        if isinstance(found, FunctionType) and found.__module__ == module.__name__
    }
    initial = next((found for name, found in functions.items() if re.fullmatch(_INITIAL, name.lower())), None)
    names = [name for name in functions if functions[name] is not initial]
    chosen = {name for kind in _KINDS for name in named_like(names, kind)}
    if initial is None or not named_like(names, "outputs"):
        return None

    def __init__(self: Any, sizes: Any) -> None:  # noqa: N807
        self.params = made_by_name(initial, list(sizes), None, module)  # type: ignore[arg-type]

    members: dict[str, Any] = {name: _method(functions[name]) for name in names if name in chosen}
    return type("Functions", (), {"__init__": __init__, "__module__": module.__name__, **members})


def _method(function: FunctionType) -> Callable[..., Any]:
    """The function with the parameters given; what it returns in their place takes their place."""
    parameters = inspect.signature(function).parameters.values()
    held = next((p.name for p in parameters if role_of(p.name) is Role.PARAMETERS), None)

    def method(self: Any, **arguments: Any) -> Any:
        if held is not None:
            arguments[held] = self.params
        returned = function(**arguments)
        for candidate in (returned, returned[0] if isinstance(returned, tuple) and returned else None):
            if held is not None and _is_alike(candidate, self.params):
                self.params = candidate
                break
        return returned

    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    method.__signature__ = inspect.Signature([own, *(p for p in parameters if p.name != held)])  # type: ignore[attr-defined]
    method.__name__ = function.__name__
    return method


def _is_alike(candidate: Any, params: Any) -> bool:
    """Whether it holds arrays of the same names and shapes."""
    if type(candidate) is not type(params):
        return False
    return [(p, a.shape) for p, a in state.arrays(candidate)] == [(p, a.shape) for p, a in state.arrays(params)]
