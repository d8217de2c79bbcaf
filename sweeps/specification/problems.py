"""Everything wrong with a spec, collected: each with its key, value and remedy."""

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

_SHOWN = 120  # characters of a value in a message
_LARGEST = 2**63 - 1  # TOML's integers have 64 bits
_MOST = dict.fromkeys(("trials", "replicates", "epochs", "hidden"), 1_000_000)  # what is listed or allocated


class Problems:
    """Checks of values in a spec's table; what fails is written down, and something legal returned in its place."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, key: str, message: str) -> None:
        """Writes a problem down."""
        self.lines.append(f"{key}: {message}")

    def known_keys(self, prefix: str, table: Mapping[str, Any], known: Iterable[str]) -> None:
        """Of a table's keys, those that nobody reads."""
        known = tuple(known)
        for key in table:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
                hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
                self.say(f"{prefix}{_quoted(key)}", f"unknown key; {hint}")

    def section(self, table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        """A table in a table, empty where there is none."""
        section = table.get(name, {})
        if isinstance(section, Mapping):
            return section
        self.say(name, f"must be a table, got {shown(section)}; write it as [{name}]")
        return {}

    def whole(self, key: str, value: Any, least: int) -> int:
        """A whole number from `least` to the most that the key may be."""
        limit = most(key)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= limit:
            self.say(key, f"must be a whole number from {least} to {limit}, got {shown(value)}")
            return least
        return value

    def one_of(self, key: str, value: Any, known: Iterable[str]) -> str:
        """One of several words."""
        known = tuple(known)
        if isinstance(value, str) and value in known:
            return value
        near = difflib.get_close_matches(value, known, n=1, cutoff=0.5) if isinstance(value, str) else []
        hint = f"; did you mean {near[0]!r}?" if near else ""
        self.say(key, f"must be one of {', '.join(known)}, got {shown(value)}{hint}")
        return known[0]


def most(key: str) -> int:
    """The largest number that a key may hold."""
    return _MOST.get(key, _LARGEST)


def shown(value: Any) -> str:
    """A value in a message, cut where it is long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # Python does not print integers of thousands of digits
        return "a value too long to show"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _quoted(key: str) -> str:
    """A key as TOML writes it: one line, whatever is in it."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)
