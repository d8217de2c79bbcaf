"""Which columns of a table are shown, and in which order its rows are: `--columns` and `--sort`."""

import difflib

import pandas as pd

from sweeps.errors import WhereError

_WAYS = {"asc": True, "desc": False}


def chosen_columns(table: pd.DataFrame, text: str) -> list[str]:
    """The columns that a text with commas names, in its order. Raises WhereError."""
    return [_known(table, name.strip(), "--columns") for name in text.split(",")]


def sorted_by(table: pd.DataFrame, text: str) -> pd.DataFrame:
    """The rows by a column, `eta`, or `eta desc`: the largest first; rows without a value last. Raises WhereError."""
    name, _, way = text.strip().rpartition(" ")
    if way.lower() not in _WAYS:
        name, way = text.strip(), "asc"
    column = _known(table, name.strip(), "--sort")
    return table.sort_values(column, ascending=_WAYS[way.lower()], kind="stable", na_position="last")


def _known(table: pd.DataFrame, name: str, option: str) -> str:
    if name in table:
        return name
    near = difflib.get_close_matches(name, table.columns, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are: {', '.join(table.columns)}"
    raise WhereError(f"{option}: there is no column {name!r}; {hint}")
