"""Somebody's class is met before a sweep of it begins: tried, examined and looked at as it starts, in a worker."""

from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from dataclasses import replace
from itertools import product

from model import Dataset
from sweeps.diagnosis.findings import Finding
from sweeps.diagnosis.network.data_check import some_of
from sweeps.diagnosis.network.first_minute import EXAMPLES, start_of_source
from sweeps.diagnosis.network.step_law import faults_text
from sweeps.diagnosis.network.step_law_measuring import examine_source
from sweeps.diagnosis.network.subject import Array
from sweeps.driver.first_look import say_gravest
from sweeps.errors import InputError, UserNetworkError
from sweeps.executors.base import Executor, outcome
from sweeps.specification.spec import SweepSpec
from sweeps.user_network.smoke_test import smoke_test
from sweeps.user_network.source import NetworkSource


def preflight(
    spec: SweepSpec, data: dict[str, Dataset], pool: Executor, say: Callable[[str], None] = lambda message: None
) -> SweepSpec:
    """The spec with all that is known of its network, once a worker has met it. Raises InputError, UserNetworkError.

    say: told what a person should know of a class that can be trained all the same, and of how it starts.
    """
    source, first = spec.network, next(iter(data.values()))
    if source is None:
        return spec
    hidden = spec.search["hidden"].corners if "hidden" in spec.search else (spec.plan.hidden,)
    layers = [units for units in hidden if isinstance(units, tuple)]
    shapes = [(d.train.features, *units, d.train.classes) for d, units in product(data.values(), layers)]
    dtypes = spec.search["dtype"].corners if "dtype" in spec.search else (spec.plan.dtype,)
    eta = min(float(value) for value in spec.search["eta"].corners if isinstance(value, int | float))
    try:
        met = outcome(pool, smoke_test, source.target, shapes, dtypes[0], eta, spec.time_limit)
    except (UserNetworkError, InputError) as error:
        raise type(error)(f"network {source.named}: {error}") from None
    except BrokenExecutor:
        raise UserNetworkError(
            f"network {source.named}: it ended the worker process that it was tried in, or hung there for longer "
            "than its time limit"
        ) from None
    if not met.repeatable:
        say(
            f"{source.named}: two networks made from one seed differ; it draws from a generator of its own, such as "
            "np.random.default_rng(), so its trials cannot be repeated; np.random.randn and the like can be seeded"
        )
    known = replace(source, file=met.file, digest=met.digest)
    dtype = str(dtypes[0])
    x, y = some_of(first.train, EXAMPLES)
    starting = [shape for shape in shapes if shape[0] == first.train.features and shape[-1] == first.train.classes]
    say_gravest(source.named, _start(source, starting, x.astype(dtype), y.astype(dtype), spec, pool), say)
    return replace(spec, network=_examined(known, spec, pool, say))


def _examined(source: NetworkSource, spec: SweepSpec, pool: Executor, say: Callable[[str], None]) -> NetworkSource:
    """The source with what its steps take from a weight and what is wrong with it; all of that is said.

    As it is where the class can't be examined: it can be trained all the same.
    """
    try:
        found = outcome(pool, examine_source, source.target, spec.time_limit)
    except (UserNetworkError, InputError, BrokenExecutor):
        return source
    law = found.law
    for code, message in found.faults:
        say(f"{source.named} has a fault, to be mended before any setting is searched: {code}: {message}")
    if law is not None and law.is_idle:
        searched = "; searching it trains the same network again and again" if "lambda" in spec.varied else ""
        say(f"{source.named}: lambda has no effect on its steps{searched}")
    elif law is not None and not law.is_usual:
        say(f"{source.named}: a step takes {law.in_words} of a weight, not eta * lambda / n; verdicts go by that")
    return replace(source, decay=law.text if law else "", faults=faults_text(found.faults))


def _start(
    source: NetworkSource, shapes: list[tuple[int, ...]], x: Array, y: Array, spec: SweepSpec, pool: Executor
) -> list[Finding]:
    """What there is to say of how a class starts. Raises UserNetworkError where every trial would end there."""
    try:
        found = outcome(pool, start_of_source, source.target, shapes, x, y, spec.time_limit)
    except (UserNetworkError, InputError, BrokenExecutor):  # it can be trained all the same
        return []
    for finding in found:
        if "starts" in finding.evidence:
            raise UserNetworkError(
                f"network {source.named}: {finding.message} It was so from each of {finding.evidence['starts']} random "
                f"starts, and every trial would end there: {finding.remedy}"
            )
    return found
