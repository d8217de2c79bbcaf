"""What an object holds, without running its code: the arrays and numbers in its attributes, lists and dicts."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from sweeps.user_network.readings.reading import Array

_DEEP = 6  # attributes of attributes that are looked into
_LONG = 64  # of a list: a longer one holds data
_CLOSED = (str, bytes, type, ModuleType, FunctionType, MethodType, np.random.Generator, np.random.RandomState)


@dataclass(frozen=True)
class Place:
    """Where something lies in an object: steps of ("." attribute), ("[" key), or ("(" method) for what one returns."""

    steps: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        parts = [{".": f".{key}", "[": f"[{key!r}]", "(": f".{key}()"}[kind] for kind, key in self.steps]
        return "".join(parts).removeprefix(".")

    @property
    def name(self) -> str:
        """The last word on the way: `W` of layers[0].W, `weights` of weights[0]."""
        words = [key for _, key in self.steps if isinstance(key, str)]
        return words[-1] if words else ""

    def within(self, kind: str, key: Any) -> "Place":
        return Place((*self.steps, (kind, key)))

    def get(self, root: Any) -> Any:
        for kind, key in self.steps:
            found = root[key] if kind == "[" else getattr(root, key)
            root = found() if kind == "(" else found
        return root

    def put(self, root: Any, value: Any) -> None:
        """In place of what is there; written into it where it cannot be replaced."""
        *way, (kind, key) = self.steps
        if any(kind == "(" for kind, _ in way):
            self.get(root)[...] = value
            return
        parent = Place(tuple(way)).get(root)
        try:
            if kind == ".":
                setattr(parent, key, value)
            else:
                parent[key] = value
        except (AttributeError, TypeError):  # a tuple, or frozen
            self.get(root)[...] = value


def arrays(root: Any) -> list[tuple[Place, Array]]:
    """Every array of floats, in the order in which the object got them; one under two names twice."""
    return [(place, found) for place, found in _walk(root) if isinstance(found, np.ndarray) and found.dtype.kind == "f"]


def numbers(root: Any) -> list[tuple[Place, float]]:
    """Every number that is no array."""
    return [
        (place, float(found))
        for place, found in _walk(root)
        if isinstance(found, int | float | np.floating) and not isinstance(found, bool)
    ]


def _walk(root: Any) -> Iterator[tuple[Place, Any]]:
    seen: set[int] = set()

    def visit(place: Place, thing: Any) -> Iterator[tuple[Place, Any]]:
        is_array = isinstance(thing, np.ndarray) and thing.dtype != object
        if is_array or isinstance(thing, int | float | np.number):
            yield place, thing
        elif id(thing) not in seen and len(place.steps) < _DEEP and not isinstance(thing, _CLOSED):
            seen.add(id(thing))
            for kind, key, inner in _contents(thing):
                yield from visit(place.within(kind, key), inner)

    yield from visit(Place(), root)


def _contents(thing: Any) -> list[tuple[str, Any, Any]]:
    if isinstance(thing, Mapping):
        return [("[", key, value) for key, value in list(thing.items()) if isinstance(key, str | int)]
    if isinstance(thing, list | tuple) or (isinstance(thing, np.ndarray) and thing.ndim == 1):
        return [("[", k, value) for k, value in enumerate(thing)] if len(thing) <= _LONG else []
    found: list[tuple[str, Any, Any]] = []
    with contextlib.suppress(AttributeError):
        found += [(".", key, value) for key, value in object.__getattribute__(thing, "__dict__").items()]
    for owner in type(thing).__mro__:
        slots = owner.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            with contextlib.suppress(AttributeError):
                found.append((".", slot, object.__getattribute__(thing, slot)))
    return found
