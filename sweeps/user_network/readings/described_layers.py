"""Layers that a constructor wants described one by one: {"input_dim": 4, "nodes": 3, "activation": "sigmoid"}."""

import ast
import inspect
import textwrap
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from sweeps.user_network.readings.naming import Role, constructor_role, plain

_OUT = (Role.N_OUT, Role.N_HIDDEN, Role.SIZES)  # nodes, units: of this layer


class DescribedLayers(list[dict[str, Any]]):
    """A dict for each layer. python: what makes it of any sizes."""

    python: str = ""


def described_layers(network: Any, sizes: Sequence[int]) -> DescribedLayers | None:
    """A dict for each layer, with the keys that the class looks up; None where those do not say what is in and out."""
    keys = _keys(network)
    ins = [key for key in keys if constructor_role(key) is Role.N_IN]
    outs = [key for key in keys if constructor_role(key) in _OUT]
    if not ins or not outs:
        return None
    words = {key: "sigmoid" for key in keys if plain(key).startswith("activation")}
    found = DescribedLayers({ins[0]: a, outs[0]: b, **words} for a, b in pairwise(sizes))
    parts = [f"{ins[0]!r}: a", f"{outs[0]!r}: b", *(f"{key!r}: {word!r}" for key, word in words.items())]
    found.python = f"[{{{', '.join(parts)}}} for a, b in zip(sizes, sizes[1:])]"
    return found


def _keys(network: Any) -> list[str]:
    """Words in brackets that its code looks up, layer["nodes"], in order."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(network)))
    except (OSError, TypeError, SyntaxError):
        return []
    found = [
        node.slice.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.ctx, ast.Load)
    ]
    return list(dict.fromkeys(key for key in found if isinstance(key, str)))
