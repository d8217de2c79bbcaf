"""How many trials have which verdict, as a bar of HTML that needs nothing else."""

from collections.abc import Iterable

import pandas as pd

from sweeps.formatting import in_html
from sweeps.verdicts.marks import MARKS, mark_of


def verdict_bar(verdicts: Iterable[object]) -> str:
    """A piece for each verdict that there is, as wide as it is frequent, in the order of MARKS."""
    counts = pd.Series(list(verdicts), dtype=object).value_counts()
    words = [word for word in MARKS if word in counts] + [word for word in counts.index if word not in set(MARKS)]
    pieces = [
        f'<span title="{counts[word]} {_shown(word)}" style="flex: {counts[word]}; background: {mark_of(word).colour}; '
        f'color: #fff; padding: 1px 4px; overflow: hidden; white-space: nowrap">{counts[word]} {_shown(word)}</span>'
        for word in words
    ]
    return f'<div style="display: flex; margin: .4em 0; max-width: 60em; font-size: 85%">{"".join(pieces)}</div>'


def _shown(word: object) -> str:
    return in_html(str(word)).replace("_", " ")
