"""The trials of a sweep whose verdicts say whether they are stable, and which field decides it."""

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from sweeps.sampling.border_model import Space, fit_border, is_numeric
from sweeps.specification.domains import Choices, Domain, Range, Setting, Settings, encode
from sweeps.verdicts.verdict import is_stable

Array = NDArray[np.float64]

_KNOWN = 8  # trials known to be stable or not, below which nothing is said of what decides it
_SETTINGS = 4096  # at which P(stable) is asked for, at most: all combinations of some values of each field
_FEWEST = 3  # values of a field, below which its effect is none
REST = "three and more together"


def told(trials: pd.DataFrame, fields: Mapping[str, Domain]) -> tuple[list[Settings], NDArray[np.bool_], int]:
    """Settings of the trials whose verdicts say whether they are stable, whether they are, and how many do not say."""
    settings: list[Settings] = []
    stable: list[bool] = []
    unknown = 0
    cells = trials.sort_values("trial", kind="stable")[["trial", "verdict", *fields]].to_dict("records")
    for _, alike in itertools.groupby(cells, key=lambda row: row["trial"]):
        first, *others = alike
        known = {is_stable(row["verdict"]) for row in (first, *others)}
        if None in known and False not in known:
            unknown += 1
            continue
        settings.append({name: _setting(domain, first[name]) for name, domain in fields.items()})
        stable.append(False not in known)
    return settings, np.array(stable, dtype=np.bool_), unknown


def stability_shares(fields: Mapping[str, Domain], trials: pd.DataFrame) -> dict[str, float]:
    """Field, or fields that act together (`eta & lambda`) -> its share in the variance of P(stable). They sum to 1.

    A functional ANOVA (Hooker 2007) of the estimate that the stability map shows, each field drawn evenly over its
    searched range: exact on a grid, so that no share is lost; what three and more fields do together stands as REST.
    Mutual information would name single fields only. Raises ValueError where it cannot be said: fewer than two fields,
    too few trials, or trials on one side only.
    """
    settings, stable, _ = told(trials, fields)
    if len(fields) < 2:
        raise ValueError("fewer than two fields were varied")
    if len(settings) < _KNOWN:
        raise ValueError(f"it takes {_KNOWN} trials known to be stable or not, and there are {len(settings)}")
    if stable.all() or not stable.any():
        raise ValueError(f"all trials are {'stable' if stable.all() else 'unstable'}")
    side = int(_SETTINGS ** (1 / len(fields)))
    values = [_values(domain, side) for domain in fields.values()]
    if side < _FEWEST:
        raise ValueError(f"{len(fields)} fields are too many to tell apart")
    grid = [dict(zip(fields, combined, strict=True)) for combined in itertools.product(*values)]
    space = Space(fields)
    with threadpool_limits(limits=1, user_api="blas"):  # more threads would sum in another order
        probability = fit_border(space, space.points(settings), stable).probability(space.points(grid))
    return _shares(list(fields), probability.reshape([len(some) for some in values]))


def _values(domain: Domain, count: int) -> list[Setting]:
    """Of a field, evenly over what was searched."""
    if isinstance(domain, Range):
        return list(dict.fromkeys(domain.at((k + 0.5) / count) for k in range(count)))
    return list(domain.values)


def _shares(names: list[str], values: Array) -> dict[str, float]:
    """The variance of a function on a grid, by what each field does alone and each two together, largest first."""
    variance = float(values.var())
    if variance <= 0:
        raise ValueError("the estimate is the same everywhere")
    centred = values - values.mean()
    alone = [_mean_over_others(centred, (k,)) for k in range(len(names))]
    shares = {name: float((effect**2).mean()) / variance for name, effect in zip(names, alone, strict=True)}
    for i, j in itertools.combinations(range(len(names)), 2):
        both = _mean_over_others(centred, (i, j)) - alone[i] - alone[j]
        shares[f"{names[i]} & {names[j]}"] = float((both**2).mean()) / variance
    if len(names) > 2:
        shares[REST] = max(0.0, 1 - math.fsum(shares.values()))
    return dict(sorted(shares.items(), key=lambda share: -share[1]))


def _mean_over_others(values: Array, kept: tuple[int, ...]) -> Array:
    mean: Array = values.mean(axis=tuple(k for k in range(values.ndim) if k not in kept), keepdims=True)
    return mean


def _setting(domain: Domain, cell: Any) -> Setting:
    """A cell of the trials table as the value it stands for."""
    if isinstance(domain, Choices) and not is_numeric(domain):
        return next(value for value in domain.values if cell in (value, encode(value)))
    return float(cell)
