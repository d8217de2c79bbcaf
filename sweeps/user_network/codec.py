"""What may come back from a process that ran somebody's code: numbers, words, arrays, lists of them; never an object.

Pickle executes what the sender chose. Here the sender writes JSON and arrays in NumPy's own format, the receiver makes
its own objects of them, and whatever is something else is refused.
"""

import base64
import binascii
import dataclasses
import io
import json
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar

import numpy as np

from sweeps.errors import UserNetworkError
from sweeps.formatting import storable

T = TypeVar("T")

_PLAIN = (bool, int, float, str, type(None))
_LIST, _TUPLE, _TABLE, _ARRAY = "list", "tuple", "table", "array"  # every container is [its kind, its content]


def encode(value: object) -> bytes:
    """Data as bytes. Objects of our own data classes become tables. Raises UserNetworkError for anything else."""
    return json.dumps(_flat(value)).encode()


def decode(content: bytes) -> Any:
    """The data. Raises UserNetworkError for bytes that `encode` does not write."""
    try:
        return _raised(json.loads(content))
    except (ValueError, TypeError, KeyError, RecursionError, EOFError) as error:
        raise UserNetworkError(f"sent back {content[:40]!r}, which is no data: {error}") from None


def rebuilt(kind: type[T], data: Any) -> T:
    """An object of one of our data classes, made of the table that it was sent as. Raises UserNetworkError."""
    found = _fitted(kind, data)
    if not isinstance(found, kind):
        raise UserNetworkError(f"sent back a {type(data).__name__} in place of a {kind.__name__}")
    return found


def _flat(value: Any) -> Any:
    """As JSON holds it. Only exact types: a subclass is somebody's, and may say anything of itself."""
    if type(value) is str:
        return storable(value)
    if type(value) in _PLAIN:
        return value
    if type(value) is list or type(value) is tuple:
        return [_TUPLE if type(value) is tuple else _LIST, [_flat(one) for one in value]]
    if isinstance(value, Enum) and type(value).__module__.startswith("sweeps."):
        return _flat(str.__str__(value.value))
    if isinstance(value, dict | types.MappingProxyType):
        return [_TABLE, [[_flat(key), _flat(one)] for key, one in value.items()]]
    if isinstance(value, np.generic) and type(value).__module__ == "numpy" and value.dtype.kind in "biuf":
        return value.item()
    if type(value) is np.ndarray and value.dtype.kind in "biuf":
        written = io.BytesIO()
        np.lib.format.write_array(written, value, allow_pickle=False)
        return [_ARRAY, base64.b64encode(written.getvalue()).decode()]
    if dataclasses.is_dataclass(value) and type(value).__module__.startswith(("sweeps.", "model.")):
        return _flat({field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
    named = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else f"a {type(value).__qualname__}"
    raise UserNetworkError(f"left {named} where a number, or an array of numbers, is recorded")


def _raised(flat: Any) -> Any:
    if not isinstance(flat, list):
        return flat
    kind, content = flat
    if kind == _ARRAY:
        try:
            written = io.BytesIO(base64.b64decode(content, validate=True))
        except binascii.Error as error:
            raise ValueError(str(error)) from None
        return np.lib.format.read_array(written, allow_pickle=False)
    if kind == _TABLE:
        return {_raised(key): _raised(one) for key, one in content}
    if kind == _LIST:
        return [_raised(one) for one in content]
    if kind == _TUPLE:
        return tuple(_raised(one) for one in content)
    raise ValueError(f"{kind!r} is no kind of data")


def _fitted(hint: Any, data: Any) -> Any:
    """The data as what a type hint of ours names; refused where it is something else."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _first_fit(inner, data)
    if origin is tuple and isinstance(data, tuple):
        hints = [inner[0]] * len(data) if inner[-1:] == (...,) else list(inner)
        if len(hints) == len(data):
            return tuple(_fitted(one, value) for one, value in zip(hints, data, strict=True))
    elif origin in (dict, Mapping) and isinstance(data, dict):
        return {_fitted(inner[0], key): _fitted(inner[1], value) for key, value in data.items()}
    elif origin is np.ndarray and isinstance(data, np.ndarray):
        return data
    elif hint is float and type(data) is int:
        return float(data)
    elif isinstance(hint, type):
        return _of_class(hint, data)
    raise UserNetworkError(f"sent back a {type(data).__name__} where {hint} is recorded")


def _first_fit(hints: tuple[Any, ...], data: Any) -> Any:
    for hint in hints:
        try:
            return _fitted(hint, data)
        except UserNetworkError as error:
            refusal = error
    raise refusal


def _of_class(kind: type, data: Any) -> Any:
    if kind in _PLAIN and type(data) is kind:
        return data
    try:
        if issubclass(kind, Enum) and isinstance(data, str):
            return kind(data)
        if dataclasses.is_dataclass(kind) and isinstance(data, dict):
            hints = typing.get_type_hints(kind)
            return kind(**{name: _fitted(hints[name], value) for name, value in data.items()})
    except (ValueError, TypeError, KeyError) as error:
        raise UserNetworkError(f"sent back something else than a {kind.__name__}: {error}") from None
    raise UserNetworkError(f"sent back a {type(data).__name__} where a {kind.__name__} is recorded")
