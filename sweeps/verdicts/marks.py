"""Look and meaning of each verdict, once for whatever shows one: terminal, picture, page, MLflow."""

from dataclasses import dataclass
from typing import Literal

from sweeps.verdicts.verdict import STABLE, UNSTABLE, Verdict

RUNNING = "running"  # what stands for the verdict of a training that has none yet

Kind = Literal["stable", "unstable", "neither"]  # on which side of the border between settings a trial is
Shape = Literal["circle", "square", "diamond", "up", "down", "cross", "plus", "bar"]
Fill = Literal["filled", "hollow", "stroke"]  # crosses, pluses and bars enclose nothing: they are strokes


@dataclass(frozen=True)
class Mark:
    """How a verdict is drawn and what it means. colour: on a light ground, dark_colour: on a dark one; #rrggbb."""

    colour: str
    dark_colour: str
    shape: Shape
    fill: Fill
    meaning: str

    @property
    def sign(self) -> str:
        """The shape as a character one column wide, for a terminal."""
        return _SIGNS[self.shape, self.fill][0]

    @property
    def ascii_sign(self) -> str:
        """The same where a terminal knows nothing but ASCII."""
        return _SIGNS[self.shape, self.fill][1]


_SIGNS: dict[tuple[Shape, Fill], tuple[str, str]] = {
    ("circle", "filled"): ("●", "O"),
    ("circle", "hollow"): ("○", "o"),
    ("square", "filled"): ("■", "#"),
    ("square", "hollow"): ("□", "="),
    ("diamond", "filled"): ("◆", "%"),
    ("diamond", "hollow"): ("◇", "&"),
    ("up", "filled"): ("▲", "^"),
    ("down", "filled"): ("▼", "V"),
    ("down", "hollow"): ("▽", "v"),
    ("cross", "stroke"): ("✕", "x"),
    ("plus", "stroke"): ("+", "+"),
    ("bar", "stroke"): ("─", "-"),
}

# In the order in which they are shown. No two have both shape and fill in common: colour alone tells nothing apart.
MARKS = {
    Verdict.CONVERGED: Mark("#0067a8", "#5cb3f0", "circle", "filled", "The total cost fell and has settled."),
    Verdict.SLOW: Mark(
        "#2b7cb3",
        "#83c3ef",
        "circle",
        "hollow",
        "Sound, but not done: the total cost was still falling when training ended, or had hardly begun to.",
    ),
    Verdict.OVERFITTING: Mark(
        "#00705a",
        "#3fcaa2",
        "square",
        "filled",
        "The cost on examples it has not seen rises while that on the others still falls.",
    ),
    Verdict.UNDERFITTED: Mark(
        "#5f6b00",
        "#b9c75a",
        "down",
        "hollow",
        "It settled, calm and of little use: not far below the cost of a constant answer.",
    ),
    Verdict.SPIKED: Mark("#8a6400", "#dcbb4a", "diamond", "hollow", "The total cost rose once, and came back."),
    Verdict.PENALTY_GROWTH: Mark(
        "#a3358a",
        "#ea94d8",
        "up",
        "filled",
        "The reported total rises while the data cost falls: the penalty on growing weights.",
    ),
    Verdict.OSCILLATING: Mark(
        "#a05a00", "#f2ae49", "diamond", "filled", "The total cost went up and down, more than once."
    ),
    Verdict.STALLED: Mark(
        "#676c73",
        "#a6acb4",
        "square",
        "hollow",
        "It never learned: the data cost stayed at what a constant answer has.",
    ),
    Verdict.COLLAPSED: Mark(
        "#6a3fb5",
        "#bd9cf5",
        "down",
        "filled",
        "Weight decay drove the weights to nothing; every input gets the same answer.",
    ),
    Verdict.DIVERGED: Mark(
        "#c2330f",
        "#ff835c",
        "cross",
        "stroke",
        "Cost or weights grew without end: by decay, by curvature, or because steps did not descend.",
    ),
    Verdict.PRUNED: Mark("#676c73", "#a6acb4", "bar", "stroke", "Stopped early because it was behind earlier trials."),
    Verdict.FAILED: Mark(
        "#1b1d20", "#e8e9eb", "plus", "stroke", "It raised an error or lost its worker; its run holds the text."
    ),
}
_RUNNING = Mark("#676c73", "#a6acb4", "bar", "stroke", "Not finished when this page was made.")
_UNKNOWN = Mark("#676c73", "#a6acb4", "bar", "stroke", "Not a verdict that this version knows.")


def mark_of(word: str) -> Mark:
    """Of any word that may stand where a verdict does: a trial still runs, or another version knows more verdicts."""
    if word == RUNNING:
        return _RUNNING
    return MARKS[Verdict(word)] if word in set(Verdict) else _UNKNOWN


def kind_of(word: str) -> Kind:
    """Of any such word."""
    return "stable" if word in STABLE else "unstable" if word in UNSTABLE else "neither"
