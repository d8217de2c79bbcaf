"""One call of a method of theirs, its arguments bound by name."""

import inspect
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sweeps.user_network.readings.naming import NEUTRAL, Role, is_set_anyway, plain, role_of

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True)
class Call:
    """method: its name. given: (argument, role) pairs. fixed: (argument, value) pairs. rest: arguments that get what
    the call before returned, one each.
    """

    method: str
    given: tuple[tuple[str, Role], ...]
    fixed: tuple[tuple[str, Any], ...] = ()
    rest: tuple[str, ...] = ()

    def __call__(self, network: Any, values: Mapping[Role, Any], returned: Any = None) -> Any:
        arguments = {name: values[role] for name, role in self.given} | dict(self.fixed)
        if self.rest:
            parts = returned if isinstance(returned, tuple | list) else (returned,)
            if len(parts) != len(self.rest):
                raise TypeError(
                    f"{self.method} wants {', '.join(self.rest)}, which are not what the call before returns"
                )
            arguments |= dict(zip(self.rest, parts, strict=True))
        return getattr(network, self.method)(**arguments)

    def __str__(self) -> str:
        shown = {name: name if plain(name) == plain(role) else f"{name}: {role}" for name, role in self.given}
        shown |= {name: f"{name}={value!r}" for name, value in self.fixed} | {name: name for name in self.rest}
        return f"{self.method}({', '.join(shown.values())})"

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset(role for _, role in self.given)


def methods(network: Any) -> list[str]:
    """What can be called on it, or on networks of the class, in the order it has them; properties are not run."""
    names: dict[str, None] = {}
    for owner in (network if isinstance(network, type) else type(network)).__mro__[:-1]:
        for name, value in owner.__dict__.items():
            called = isinstance(value, staticmethod | classmethod) or inspect.isfunction(value)
            if called and (name == "__call__" or not name.startswith("__")):
                names[name] = None
    return list(names)


def bound(
    network: Any,
    method: str,
    available: Collection[Role],
    in_cost: bool = False,
    training: bool = True,
    chained: bool = False,
) -> Call | None:
    """How to call the method with what is available; None where it wants something else.

    training: what a flag of that name gets. chained: what no name tells gets what the call before returned.
    """
    try:
        parameters = inspect.signature(getattr(network, method)).parameters.values()
    except (TypeError, ValueError, AttributeError):
        return None
    given: list[tuple[str, Role]] = []
    fixed: list[tuple[str, Any]] = []
    unknown: list[str] = []
    roles = [role_of(parameter.name, in_cost) for parameter in parameters]
    for parameter, named in zip(parameters, roles, strict=True):
        if parameter.kind not in _NAMED:
            continue
        name, needed, word = parameter.name, parameter.default is inspect.Parameter.empty, plain(parameter.name)
        role = Role.X if named is Role.PAIRS and Role.Y in roles else named
        taken = [known for _, known in given]
        if role in available and role not in taken and (needed or role not in (Role.X_VAL, Role.Y_VAL)):
            assert role is not None
            given.append((name, role))
        elif word in NEUTRAL and (needed or is_set_anyway(name) or word in ("training", "train", "istraining")):
            value = NEUTRAL[word]
            fixed.append((name, training if value is True else value))
        elif needed:
            unknown.append(name)
    if chained and unknown:
        return Call(method, tuple(given), tuple(fixed), tuple(unknown))
    for name in unknown:
        taken = [known for _, known in given]
        role = next(
            (r for r in (Role.X, Role.Y) if r in available and r not in taken and Role.PAIRS not in taken), None
        )
        if role is None:
            return None
        given.append((name, role))
    return Call(method, tuple(given), tuple(fixed))


def by_place(network: Any, method: str) -> Call | None:
    """A call of a method of three arguments whose names tell nothing: inputs, targets, eta; None for other methods."""
    try:
        parameters = list(inspect.signature(getattr(network, method)).parameters.values())
    except (TypeError, ValueError, AttributeError):
        return None
    telling = [role_of(parameter.name) for parameter in parameters]
    plainly = all(p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD and p.default is p.empty for p in parameters)
    if len(parameters) != 3 or any(telling) or not plainly or method.startswith("_"):
        return None
    return Call(method, tuple(zip((p.name for p in parameters), (Role.X, Role.Y, Role.ETA), strict=True)))
