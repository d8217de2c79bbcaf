"""Conditions select what Python would, say what they cannot read, and execute nothing."""

import math
import operator
import string
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sweeps.errors import WhereError
from sweeps.results.where_clause import select

NUMBERS = ["eta", "lambda", "trial", "diverged", "final.accuracy/validation", "odd name-1"]
WORDS = ["state", "hidden"]
OPERATORS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
Row = dict[str, Any]

numbers = st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0]) | st.floats(allow_nan=False, allow_infinity=False)
words = st.sampled_from(["complete", "failed", "[30, 10]", "it's", ""])
cells: dict[str, st.SearchStrategy[Any]] = {
    "trial": st.integers(-2, 2),
    "diverged": st.none() | st.integers(0, 1),
    **{name: st.none() | numbers for name in NUMBERS if name not in {"trial", "diverged"}},
    **{name: st.none() | words for name in WORDS},
}
rows = st.lists(st.fixed_dictionaries(cells), min_size=1, max_size=8)


def frame(rows: list[Row]) -> pd.DataFrame:
    kinds = dict.fromkeys(NUMBERS, "float64") | {"trial": "int64", "diverged": "Int64", "state": "str"}
    return pd.DataFrame(rows, columns=[*NUMBERS, *WORDS]).astype(kinds)


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[Any, ...]:
    column, symbol = draw(st.sampled_from([*NUMBERS, *WORDS])), draw(st.sampled_from(sorted(OPERATORS)))
    return ("compare", column, symbol, draw(numbers | st.integers(-2, 2) if column in NUMBERS else words))


conditions = st.recursive(
    comparisons(),
    lambda inner: st.tuples(st.just("not"), inner) | st.tuples(st.sampled_from(["and", "or"]), inner, inner),
    max_leaves=6,
)


def holds(condition: tuple[Any, ...], row: Row) -> bool:
    match condition:
        case ("compare", column, symbol, literal):
            return row[column] is not None and OPERATORS[symbol](row[column], literal)
        case ("not", inner):
            return not holds(inner, row)
        case ("and", left, right):
            return holds(left, row) and holds(right, row)
        case (_, left, right):
            return holds(left, row) or holds(right, row)


class Writer:
    """Writes a condition, choosing spaces, sides, backticks and brackets that are not needed."""

    def __init__(self, data: st.DataObject) -> None:
        self._coin = lambda: data.draw(st.booleans())

    def text(self, condition: tuple[Any, ...], binding: int = 0) -> str:
        """binding: of the surroundings; 1 in an or, 2 in an and, 3 in a not."""
        match condition:
            case ("compare", column, symbol, literal):
                return self._comparison(column, symbol, literal)
            case ("not", inner):
                own, text = 3, f"not {self.text(inner, 3)}"
            case (word, left, right):
                own = 1 if word == "or" else 2
                text = f"{self.text(left, own)} {word} {self.text(right, own)}"
        return f"({text})" if own < binding or self._coin() else text

    def _comparison(self, column: str, symbol: str, literal: float | str) -> str:
        plain = set(column) <= set(string.ascii_letters + "./_") and self._coin()
        name = column if plain else f"`{column}`"
        if isinstance(literal, str):
            quote = '"' if "'" in literal or self._coin() else "'"
            value = f"{quote}{literal}{quote}"
        else:
            value = repr(literal)
        sides = (value, FLIPPED[symbol], name) if self._coin() else (name, symbol, value)
        return (" " if self._coin() else "").join(sides)


@settings(deadline=None, max_examples=100)
@given(rows=rows, condition=conditions, data=st.data())
def test_a_condition_selects_the_rows_for_which_it_holds(
    rows: list[Row], condition: tuple[Any, ...], data: st.DataObject
) -> None:
    text = Writer(data).text(condition)
    table = frame(rows)
    selected = select(table, text)
    assert list(selected.index) == [i for i, row in enumerate(rows) if holds(condition, row)]
    pd.testing.assert_frame_equal(selected, table.loc[selected.index])


TABLE = frame(
    [
        {"trial": 0, "eta": 0.5, "lambda": 0.0, "state": "complete", "final.accuracy/validation": 0.9},
        {"trial": 1, "eta": 5.0, "lambda": 1.0, "state": "failed", "diverged": 1},
        {"trial": 2},
    ]
)


@pytest.mark.parametrize(
    ("condition", "trials"),
    [
        ("eta < 1", [0]),
        ("1 > eta", [0]),
        ("1 >= eta or 5 <= eta", [0, 1]),
        ("lambda==1e0", [1]),
        ("final.accuracy/validation > .8", [0]),
        ("`final.accuracy/validation` > +8e-1", [0]),
        ("state == 'complete' or state == \"failed\" and eta < 1", [0]),
        ("(state == 'complete' or state == 'failed') and eta > 1", [1]),
        ("not eta < 1", [1, 2]),
        ("not not eta < 1", [0]),
        ("eta != 0.5", [1]),
        ("state != 'complete'", [1]),
        ("not state == 'complete'", [1, 2]),
        ("diverged != 0", [1]),
        ("eta < 1e999", [0, 1]),
    ],
)
def test_conditions_mean_what_they_say(condition: str, trials: list[int]) -> None:
    assert list(select(TABLE, condition)["trial"]) == trials


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("etta < 1", "there is no column 'etta'; did you mean 'eta'?"),
        ("final.accuracy < 1", "did you mean 'final.accuracy/validation'?"),
        ("eta <", "ends where a column, a number or a quoted word is expected"),
        ("eta", "ends where an operator"),
        ("eta < 1 and", "ends where a column"),
        ("", "ends where a column"),
        ("not", "ends where a column"),
        ("< 1", "got '<'"),
        ("eta = 1", "cannot read '= 1'"),
        ("eta < < 1", "got '<'"),
        ("eta 1 < 2", "expected an operator"),
        ("eta < 1 2", "nothing may follow here: '2'"),
        ("eta < 1 lambda < 2", "nothing may follow here: 'lambda'"),
        ("(eta < 1", "a bracket is not closed"),
        ("eta < 1)", "nothing may follow here: ')'"),
        ("()", "got ')'"),
        ("eta < lambda", "a column on one side and a number or quoted word on the other"),
        ("1 < 2", "a column on one side"),
        ("eta < 'one'", "column 'eta' holds float64, which does not compare with 'one'"),
        ("state < 1", "does not compare with 1.0"),
        ("diverged == 'yes'", "does not compare with 'yes'"),
        ("state == 'complete", "cannot read"),
        ("__import__('os').system('x')", "cannot read \".system('x')\""),
        ("__import__('os')", "there is no column '__import__'"),
        ("eta.__class__ < 1", "there is no column 'eta.__class__'"),
        ("eta < 1; import os", "cannot read '; import os'"),
        ("@eta < 1", "cannot read"),
        ("(" * 20_000 + "eta < 1", "nested too deeply"),
        ("not " * 20_000 + "eta < 1", "nested too deeply"),
    ],
    ids=lambda value: value[:40],
)
def test_what_cannot_be_read_is_said(condition: str, said: str) -> None:
    with pytest.raises(WhereError) as refused:
        select(TABLE, condition)
    assert said in str(refused.value)
    assert str(refused.value).startswith("--where")


_TOKENS = [
    *NUMBERS,
    *WORDS,
    *OPERATORS,
    "and",
    "or",
    "not",
    "(",
    ")",
    "1",
    "-.5",
    "'complete'",
    '"',
    "`",
    ".",
    "é",
    "٣",
]


@settings(deadline=None, max_examples=200)
@given(text=st.text(max_size=30) | st.lists(st.sampled_from(_TOKENS), max_size=9).map(" ".join))
@example(text="eta == ٣")
def test_any_text_selects_rows_or_is_refused(text: str) -> None:
    try:
        selected = select(TABLE, text)
    except WhereError as error:
        said = str(error)
    else:
        said = repr(text)
        assert set(selected.index) <= set(TABLE.index)
    assert repr(text) in said


def test_infinities_compare_as_numbers() -> None:
    table = frame([{"trial": 0, "eta": math.inf}, {"trial": 1, "eta": 1.0}])
    assert list(select(table, "eta > 1e308").index) == [0]
