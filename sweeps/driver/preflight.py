"""Meets somebody's network class before a sweep of it begins, and finds its file again afterwards."""

import contextlib
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from dataclasses import replace
from itertools import product
from pathlib import Path

from model import Dataset
from sweeps.errors import InputError, UserNetworkError
from sweeps.executors.loky import Executor
from sweeps.specification.spec import NetworkSource, SweepSpec
from sweeps.user_network.loading import absolute, source_digest, source_file
from sweeps.user_network.smoke_test import smoke_test


def preflight(
    spec: SweepSpec, data: dict[str, Dataset], pool: Executor, say: Callable[[str], None] = lambda message: None
) -> SweepSpec:
    """The spec with all that is known of its network, once a worker has met it. Raises InputError, UserNetworkError.

    say: told what a person should know of a class that can be trained all the same.
    """
    own = spec.network
    if own is None:
        return spec
    hidden = spec.search["hidden"].corners if "hidden" in spec.search else (spec.plan.hidden,)
    layers = [units for units in hidden if isinstance(units, tuple)]
    shapes = [(d.train.features, *units, d.train.classes) for d, units in product(data.values(), layers)]
    dtypes = spec.search["dtype"].corners if "dtype" in spec.search else (spec.plan.dtype,)
    eta = min(float(value) for value in spec.search["eta"].corners if isinstance(value, int | float))
    try:
        met = pool.submit(smoke_test, own.target, shapes, dtypes[0], eta, spec.time_limit).result()
    except (UserNetworkError, InputError) as error:
        raise type(error)(f"network {own.named}: {error}") from None
    except BrokenExecutor:
        raise UserNetworkError(
            f"network {own.named}: it ended the worker process that it was tried in, or hung there for longer than its "
            "time limit"
        ) from None
    if not met.repeatable:
        say(
            f"{own.named}: two networks made from one seed differ; it draws from a generator of its own, such as "
            "np.random.default_rng(), so its trials cannot be repeated; np.random.randn and the like can be seeded"
        )
    return replace(spec, network=replace(own, file=met.file, digest=met.digest))


def find_source_again(own: NetworkSource) -> NetworkSource:
    """A recorded network with its file as it was: where it was, else from the working folder. Raises InputError."""
    if own.target == own.named:  # a module: the worker looks at it
        return own
    for target in (own.target, absolute(own.named, Path())):
        with contextlib.suppress(InputError):
            if source_digest(target) == own.digest:
                return replace(own, target=target, file=str(source_file(target)))
    raise InputError(
        f"network {own.named}: {own.file} is not there any more, or has changed since the sweep began (SHA-256 "
        f"{own.digest}); bring the old file back: its text is the artifact network/ of the run `sweep`"
    )
