"""How many trials are stable, and which verdicts count as what: one sentence for each, wherever trials are counted."""

from collections.abc import Iterable

from sweeps.verdicts.marks import RUNNING
from sweeps.verdicts.verdict import Verdict, is_stable

_SIDES = {True: "stable", False: "unstable", None: "neither"}


def side_of(word: object) -> str:
    """stable, unstable or neither: of a verdict, or of whatever stands in its place."""
    return _SIDES[is_stable(word if isinstance(word, str) else None)]


def tally(words: Iterable[object]) -> str:
    """12 of 20 stable, 6 unstable, 2 neither; and 4 running, which have no verdict yet and count as nothing else."""
    given = list(words)
    sides = [side_of(word) for word in given if _is_judged(word)]
    counts = {side: sides.count(side) for side in _SIDES.values()}
    neither = f", {counts['neither']} neither" if counts["neither"] else ""
    running = f", {len(given) - len(sides)} running" if len(given) > len(sides) else ""
    return f"{counts['stable']} of {len(sides)} stable, {counts['unstable']} unstable{neither}{running}"


def _is_judged(word: object) -> bool:
    """Whether it is a verdict, of whatever version, and not what stands where one will be."""
    return isinstance(word, str) and word not in ("", RUNNING)


def what_counts() -> str:
    """Which verdicts are stable, which unstable, which neither."""
    of = {
        side: [word.replace("_", " ") for word in reversed(Verdict) if side_of(word) == side]
        for side in _SIDES.values()
    }
    return "; ".join(f"{side}: {', '.join(words)}" for side, words in of.items())
