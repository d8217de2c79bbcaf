"""What decides whether training is stable: shares of fields alone and together, which sum to 1."""

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from sweeps.analysis.stable_trials import REST, stability_shares
from sweeps.results.sweep import Sweep
from sweeps.specification.domains import Choices, Domain, Range

FIELDS: dict[str, Domain] = {
    "eta": Range(0.01, 100.0, log=True),
    "lambda": Range(0.01, 10000.0, log=True),
    "batch_size": Choices((1, 10, 100)),
}


def trials(stable: Callable[[float, float, int], bool], side: int = 5) -> pd.DataFrame:
    """On a grid over FIELDS. stable: of the fractions of eta's and lambda's range, and the batch size."""
    rows = []
    places = (np.arange(side) + 0.5) / side
    for u, v, batch in itertools.product(places, places, (1, 10, 100)):
        verdict = "converged" if stable(u, v, batch) else "collapsed"
        settings = {"eta": FIELDS["eta"].at(u), "lambda": FIELDS["lambda"].at(v), "batch_size": batch}
        rows.append({"trial": len(rows), "replicate": 0, "verdict": verdict, **settings})
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("stable", "wanted"),
    [
        (lambda u, v, batch: u < 0.5, "eta"),
        (lambda u, v, batch: v < 0.5, "lambda"),
        (lambda u, v, batch: (u < 0.5) == (v < 0.5), "eta & lambda"),
    ],
)
def test_the_field_that_decides_has_most_of_the_share_and_shares_sum_to_1(
    stable: Callable[[float, float, int], bool], wanted: str
) -> None:
    """Fails on 7a25101, which knows the importance for the cost alone."""
    shares = stability_shares(FIELDS, trials(stable))
    assert sum(shares.values()) == pytest.approx(1)
    assert next(iter(shares)) == wanted
    assert shares[wanted] > 0.75
    assert set(shares) == {*FIELDS, "eta & lambda", "eta & batch_size", "lambda & batch_size", REST}


def test_two_fields_leave_no_rest() -> None:
    two = {name: FIELDS[name] for name in ("eta", "lambda")}
    shares = stability_shares(two, trials(lambda u, v, batch: u + v < 1))
    assert set(shares) == {"eta", "lambda", "eta & lambda"}
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["eta"] == pytest.approx(shares["lambda"], abs=0.05)


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (trials(lambda u, v, batch: True), "all trials are stable"),
        (trials(lambda u, v, batch: False), "all trials are unstable"),
        (trials(lambda u, v, batch: u < 0.5).head(7), "it takes 8 trials"),
    ],
)
def test_what_cannot_be_said_is_refused_with_its_reason(table: pd.DataFrame, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        stability_shares(FIELDS, table)


def test_a_sweep_says_what_decides_its_stability_or_why_not(pairs_sweep: Sweep) -> None:
    with pytest.raises(ValueError, match="it takes 8 trials"):
        pairs_sweep.importances()
