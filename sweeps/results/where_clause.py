"""Conditions on the trials table, as in `eta < 1 and final.accuracy/validation > 0.9`. Nothing is ever executed."""

import difflib
import re
from collections.abc import Callable

import pandas as pd

from sweeps.errors import WhereError

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
    |(?P<string>"[^"]*"|'[^']*')
    |(?P<compare><=|>=|==|!=|<|>)
    |(?P<bracket>[()])
    |(?P<name>`[^`]+`|[A-Za-z_][\w./]*))""",
    re.VERBOSE,
)
_COMPARE: dict[str, Callable[..., pd.Series]] = {
    "<": pd.Series.lt,
    "<=": pd.Series.le,
    ">": pd.Series.gt,
    ">=": pd.Series.ge,
    "==": pd.Series.eq,
    "!=": pd.Series.ne,
}
_WORDS = {"and", "or", "not"}
_FORM = 'compare columns with numbers or quoted words, joined by and, or, not, as in: eta < 1 and state == "complete"'


def select(table: pd.DataFrame, condition: str) -> pd.DataFrame:
    """The rows of a table for which the condition holds. Raises WhereError."""
    try:
        mask = _Condition(table, condition).mask()
    except RecursionError:
        raise WhereError("--where: nested too deeply; use fewer brackets and nots") from None
    return table[mask]


class _Condition:
    """A recursive-descent parser: or, and, not, brackets, comparison; from loose to tight."""

    def __init__(self, table: pd.DataFrame, text: str) -> None:
        self._table, self._text = table, text
        self._tokens = self._split(text)

    def mask(self) -> pd.Series:
        mask = self._or()
        if self._tokens:
            raise self._error(f"nothing may follow here: {self._tokens[0][1]!r}")
        return mask

    def _split(self, text: str) -> list[tuple[str, str]]:
        tokens, at = [], 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise self._error(f"cannot read {text[at:].strip()!r}")
            word = match[match.lastgroup]
            tokens.append(("word" if word in _WORDS else match.lastgroup, word))
            at = match.end()
        return tokens

    def _error(self, problem: str) -> WhereError:
        return WhereError(f"--where {self._text!r}: {problem}; {_FORM}")

    def _next_is(self, word: str) -> bool:
        """Takes the next token if it is this word."""
        if self._tokens and self._tokens[0] in {("word", word), ("bracket", word)}:
            self._tokens.pop(0)
            return True
        return False

    def _or(self) -> pd.Series:
        mask = self._and()
        while self._next_is("or"):
            mask = mask | self._and()
        return mask

    def _and(self) -> pd.Series:
        mask = self._not()
        while self._next_is("and"):
            mask = mask & self._not()
        return mask

    def _not(self) -> pd.Series:
        if self._next_is("not"):
            return ~self._not()
        if self._next_is("("):
            mask = self._or()
            if not self._next_is(")"):
                raise self._error("a bracket is not closed")
            return mask
        return self._comparison()

    def _comparison(self) -> pd.Series:
        left, (kind, symbol) = self._operand(), self._take("an operator (< <= > >= == !=)")
        if kind != "compare":
            raise self._error(f"expected an operator (< <= > >= == !=), got {symbol!r}")
        right = self._operand()
        if isinstance(left, pd.Series) == isinstance(right, pd.Series):
            raise self._error("a comparison needs a column on one side and a number or quoted word on the other")
        if not isinstance(left, pd.Series):  # 1 > eta is eta < 1
            left, right, symbol = right, left, symbol.translate(str.maketrans("<>", "><"))
        assert isinstance(left, pd.Series)
        if isinstance(right, str) == pd.api.types.is_numeric_dtype(left):
            raise self._error(f"column {left.name!r} holds {left.dtype}, which does not compare with {right!r}")
        return _COMPARE[symbol](left, right).fillna(False).astype(bool) & left.notna()  # NaN != 5 in pandas

    def _take(self, expected: str) -> tuple[str, str]:
        if not self._tokens:
            raise self._error(f"ends where {expected} is expected")
        return self._tokens.pop(0)

    def _operand(self) -> pd.Series | float | str:
        kind, word = self._take("a column, a number or a quoted word")
        if kind == "number":
            return float(word)
        if kind == "string":
            return word[1:-1]
        if kind != "name":
            raise self._error(f"expected a column, a number or a quoted word, got {word!r}")
        column = word.strip("`")
        if column not in self._table:
            near = difflib.get_close_matches(column, self._table.columns, n=1, cutoff=0.4)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise self._error(f"there is no column {column!r}{hint}")
        return self._table[column]
