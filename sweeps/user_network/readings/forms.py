"""How samples and labels are laid out for somebody's method, and examples in that layout."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from sweeps.user_network.readings.naming import Role
from sweeps.user_network.readings.reading import Array


class Samples(StrEnum):
    """As a table says it."""

    ROWS = "samples in rows"
    COLUMNS = "samples in columns"
    FLAT = "one sample at a time, one-dimensional"
    COLUMN = "one sample at a time, a column"
    ROW = "one sample at a time, a row"
    STACK = "one sample at a time, a row in a stack of one"

    @property
    def single(self) -> bool:
        return self not in (Samples.ROWS, Samples.COLUMNS)

    def of(self, x: Array) -> list[Array]:
        """x (m, n) in the calls that it takes: fresh arrays."""
        if self is Samples.ROWS:
            return [x.copy()]
        if self is Samples.COLUMNS:
            return [x.T.copy()]
        shape = {Samples.FLAT: (-1,), Samples.COLUMN: (-1, 1), Samples.ROW: (1, -1), Samples.STACK: (1, 1, -1)}[self]
        return [np.array(row).reshape(shape) for row in x]


@dataclass(frozen=True)
class Form:
    """samples: their layout. integers: whether labels are class numbers. paired: whether a list of pairs is taken."""

    samples: Samples
    integers: bool = False
    paired: bool = False

    def __str__(self) -> str:
        words = (
            f"a list of pairs, {str(self.samples).removeprefix('one sample at a time, ')}"
            if self.paired
            else self.samples
        )
        return f"{words}; labels {'whole numbers' if self.integers else 'one-hot'}"

    def calls(self, x: Array, y: Array) -> Iterator[dict[Role, Any]]:
        """What each call is given, for examples x (m, n_in), y (m, n_out)."""
        xs = self.samples.of(x)
        if not self.integers:
            ys: list[Any] = list(self.samples.of(y))
        else:
            labels = y.argmax(axis=1) if y.shape[1] > 1 else y[:, 0]
            ys = [label.item() if self.paired else label for label in labels] if self.samples.single else [labels]
        if self.paired:
            yield {Role.PAIRS: list(zip(xs, ys, strict=True)), Role.M: len(x)}
            return
        for one_x, one_y in zip(xs, ys, strict=True):
            yield {Role.X: one_x, Role.Y: one_y, Role.M: 1 if self.samples.single else len(x)}


def forms(paired: bool, first: Samples) -> list[Form]:
    """All that are tried, those of the outputs' layout first."""
    order = [first, *(samples for samples in Samples if samples is not first)]
    if paired:
        order = [samples for samples in order if samples.single]
    return [Form(samples, integers, paired) for integers in (False, True) for samples in order]
