"""What a searched field may be: a range or a list of choices. A fixed value is a list of one."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sweeps.formatting import listed

Setting = float | int | str | tuple[int, ...]
Settings = dict[str, Setting]  # by the spec's names: eta, lambda, batch_size, and the plan fields that are searched


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, both included; log: drawn evenly on a log scale; integer: whole numbers only."""

    low: float
    high: float
    log: bool = False
    integer: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise ValueError(f"low and high must be finite, got {self.low!r} and {self.high!r}")
        if not self.low < self.high:
            raise ValueError(f"low must be below high, got {self.low!r} and {self.high!r}")
        if self.log and self.low <= 0:
            raise ValueError(f"low of a log range must be positive, got {self.low!r}; for 0 use choices")

    @property
    def corners(self) -> tuple[Setting, ...]:
        """The values that must be legal for all values in between to be."""
        return (self.low, self.high)

    def at(self, u: float) -> Setting:
        """The value at the fraction u, 0 <= u < 1, of the range."""
        margin = 0.5 if self.integer else 0.0  # each whole number owns an interval of its own
        low, high = self.low - margin, self.high + margin
        value = math.exp(math.log(low) + u * (math.log(high) - math.log(low))) if self.log else low + u * (high - low)
        value = min(max(round(value) if self.integer else value, self.low), self.high)
        return int(value) if self.integer else value

    def position(self, value: object) -> float:
        """Where a value lies in the range, 0 to 1, on its scale; what `at` undoes."""
        scale: Callable[[float], float] = math.log if self.log else float
        low, high = scale(self.low), scale(self.high)
        return (scale(float(str(value))) - low) / (high - low)

    @property
    def in_words(self) -> str:
        """As a sentence says it."""
        return f"{self.low:g} to {self.high:,g}" + (" (log)" if self.log else "")

    def to_table(self) -> dict[str, Any]:
        """As it stands in a spec."""
        return {"low": self.low, "high": self.high} | ({"log": True} if self.log else {})


@dataclass(frozen=True)
class Choices:
    """One of several values, all of one kind, none twice."""

    values: tuple[Setting, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("choices must not be empty")
        seen = set[Setting]()
        for value in self.values:
            if value in seen:
                raise ValueError(f"choices must differ, got {encode(value)} twice")
            seen.add(value)

    @property
    def corners(self) -> tuple[Setting, ...]:
        """The values that must be legal for all values in between to be."""
        return self.values

    def at(self, u: float) -> Setting:
        """The value at the fraction u, 0 <= u < 1, of the list."""
        return self.values[min(int(u * len(self.values)), len(self.values) - 1)]

    def position(self, value: object) -> float:
        """Where a value lies in the list, 0 to 1; 0 where it is not in it."""
        places = [place for place, choice in enumerate(self.values) if choice == value or str(choice) == str(value)]
        return places[0] / max(1, len(self.values) - 1) if places else 0.0

    @property
    def in_words(self) -> str:
        """As a sentence says it."""
        return listed([str(list(value)) if isinstance(value, tuple) else f"{value}" for value in self.values], "or")

    def to_table(self) -> Any:
        """As it stands in a spec."""
        values = [list(value) if isinstance(value, tuple) else value for value in self.values]
        return values[0] if len(values) == 1 else {"choices": values}


Domain = Range | Choices


def encode(value: Setting) -> str:
    """A setting as text: names as they are, numbers and lists as JSON, so that reading gives back the same bits."""
    return value if isinstance(value, str) else json.dumps(value)


def encode_all(settings: Settings) -> str:
    """A trial's settings as text."""
    return json.dumps({name: encode(value) for name, value in settings.items()})


def decode(text: str) -> Setting:
    """The setting that `encode` wrote."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return text
    return tuple(value) if isinstance(value, list) else value
