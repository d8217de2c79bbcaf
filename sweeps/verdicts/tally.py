"""How many trials are stable, and which verdicts count as what: one sentence for each, wherever trials are counted."""

from collections.abc import Iterable

from sweeps.verdicts.verdict import Verdict, is_stable

_SIDES = {True: "stable", False: "unstable", None: "neither"}


def side_of(word: object) -> str:
    """stable, unstable or neither: of a verdict, or of whatever stands in its place."""
    return _SIDES[is_stable(word if isinstance(word, str) else None)]


def tally(words: Iterable[object]) -> str:
    """12 of 20 stable, 6 unstable, 2 neither."""
    sides = [side_of(word) for word in words]
    counts = {side: sides.count(side) for side in _SIDES.values()}
    neither = f", {counts['neither']} neither" if counts["neither"] else ""
    return f"{counts['stable']} of {len(sides)} stable, {counts['unstable']} unstable{neither}"


def what_counts() -> str:
    """Which verdicts are stable, which unstable, which neither."""
    of = {
        side: [word.replace("_", " ") for word in reversed(Verdict) if side_of(word) == side]
        for side in _SIDES.values()
    }
    return "; ".join(f"{side}: {', '.join(words)}" for side, words in of.items())
