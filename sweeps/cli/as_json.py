"""Results as JSON, for scripts: what a command prints with --json, every number in full."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_MISSING = ("NAType", "NaTType")  # pandas' own


def print_json(value: object) -> None:
    """One JSON text on standard output; what is missing, infinite or no number is null."""
    print(json.dumps(_plain(value), indent=1, ensure_ascii=False, allow_nan=False))


def rows_of(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """A table as a list of its rows, missing values as None; to_json would round to 15 digits."""
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def _plain(value: object) -> object:
    """As JSON knows it: numbers of NumPy become Python's."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(inner) for inner in value]
    number = getattr(value, "item", lambda: value)()
    if (isinstance(number, float) and not math.isfinite(number)) or type(number).__name__ in _MISSING:
        return None
    return number if number is None or isinstance(number, bool | int | float) else str(number)
