"""Runs an examination of somebody's class in a clean room, with a time limit: their code never runs in our process."""

import contextlib
import os
import sys
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from concurrent.futures import TimeoutError as OutOfTime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from model import Dataset, load
from sweeps.diagnosis.findings import Finding, finding_of
from sweeps.diagnosis.headline import ordered
from sweeps.diagnosis.network import data_check, first_minute
from sweeps.diagnosis.network.examination import SIZES, Draw, Make, examine
from sweeps.diagnosis.network.settings_check import TrainingSettings
from sweeps.diagnosis.network.subject import Array
from sweeps.diagnosis.proof.proving import EXAMPLES as PROOF_EXAMPLES
from sweeps.diagnosis.proof.proving import ProofData, prove_faults
from sweeps.errors import InputError, UserNetworkError
from sweeps.executors.loky import LokyExecutor, pickled_by_value
from sweeps.user_network.clean_room import in_clean_room
from sweeps.user_network.loading import load_class
from sweeps.user_network.source import absolute, file_of, source_file
from sweeps.user_network.wrapper import FixedSizesError, WrappedNetwork

TIME_LIMIT = 600.0  # seconds

_SMALL = 300  # weights
_ONE_HIDDEN, _ONE_OUTPUT = (5, 4, 3), (5, 4, 1)  # for classes that have no other layers
_HIDDEN = 30  # units of the one hidden layer at which a class is examined on given data

Data = Dataset | str | Sequence[tuple[Any, Any]]


def diagnose(
    network: type | str,
    data: Data | None = None,
    sizes: Sequence[int] | None = None,
    settings: TrainingSettings | None = None,
    time_limit: float = TIME_LIMIT,
    prove: bool = False,
) -> list[Finding]:
    """What is wrong with a network class, faults first; a sound one is `clean`, with how sure that is.

    network: a class, or `path/to/file.py:Class`, or `package.module:Class`. data: a Dataset, the name of one, or pairs
    (x, y), y one-hot, on which the gradient is confirmed at `sizes` (inputs first; None: the data's, with 30 hidden
    units); they are looked at themselves, and so is how training starts on them, or on made-up ones. settings: what it
    is trained with, judged where it is sound. prove: train it as it is and with a corrected step, and add both curves
    as the finding `proof`. Their code runs in a process of its own, which is ended after time_limit seconds.
    Raises UserNetworkError where their code raises, lacks something, or takes too long.

        for finding in sweeps.diagnose("mynet.py:Network"):
            print(finding.severity, finding.code, finding.message)
    """
    name = network if isinstance(network, str) else network.__name__
    if isinstance(network, str):
        source_file(network)  # a missing file needs no worker
        network = absolute(network, Path())  # which works in another folder
    if isinstance(data, str):
        data = load(data)
    examples = None if data is None else _examples(data)
    proving = _proof_data(data) if prove else None
    of_data = [] if data is None or examples is None else _of_data(data, *examples)
    if sizes is None and examples is not None:
        sizes = (examples[0].shape[1], _HIDDEN, examples[1].shape[1])
    _check(sizes, examples)
    pool = LokyExecutor(1, __name__)
    try:
        layers = None if sizes is None else tuple(sizes)
        call = pickled_by_value((_examine, (network, layers, examples, settings, proving)))
        # nothing of the class is made in the worker either: it passes the call on unopened
        found = pool.submit(in_clean_room, call, 10 * time_limit, __name__).result(time_limit)
        return ordered([*(finding_of(**table) for table in found), *of_data])
    except OutOfTime:
        raise UserNetworkError(
            f"{name} was not done after {time_limit:g} s: give a larger time limit, or smaller sizes"
        ) from None
    except BrokenExecutor:
        raise UserNetworkError(
            f"{name} ended the process that it ran in: a crash, an exit, or too much memory"
        ) from None
    finally:
        pool.close()


def _examples(data: Dataset | Sequence[tuple[Any, Any]]) -> tuple[Array, Array]:
    """(x (m, n_in), y (m, n_out)) of some of the data, at most a few hundred, classes mixed."""
    few = data_check.EXAMPLES
    return data_check.some_of(data.train, few) if isinstance(data, Dataset) else _pairs(data, few)


def _pairs(data: Sequence[tuple[Any, Any]], few: int) -> tuple[Array, Array]:
    try:
        pairs = [(np.ravel(np.asarray(x, np.float64)), np.ravel(np.asarray(y, np.float64))) for x, y in data[:few]]
        return np.stack([x for x, _ in pairs]), np.stack([y for _, y in pairs])
    except (TypeError, ValueError) as error:
        raise InputError(f"data: must be pairs (x, y) of arrays of one shape, y one-hot: {error}") from error


def _proof_data(data: Dataset | Sequence[tuple[Any, Any]] | None) -> ProofData:
    """What a class is trained on: some of the data, of the digits where there are none."""
    data = load("digits") if data is None else data
    if isinstance(data, Dataset):
        return ProofData(*data_check.some_of(data.train, PROOF_EXAMPLES), data.name)
    return ProofData(*_pairs(data, PROOF_EXAMPLES), "the data")


def _of_data(data: Dataset | Sequence[tuple[Any, Any]], x: Array, y: Array) -> list[Finding]:
    return data_check.judge_examples(data.train) if isinstance(data, Dataset) else data_check.judge_pairs(x, y)


def _check(sizes: Sequence[int] | None, examples: tuple[Array, Array] | None) -> None:
    if sizes is None:
        return
    if len(sizes) < 2 or any(not isinstance(size, int) or size < 1 for size in sizes):
        raise InputError(f"sizes: must be two or more whole numbers of at least 1, inputs first, got {list(sizes)}")
    if examples is not None:
        ends = (examples[0].shape[1], examples[1].shape[1])
        if (sizes[0], sizes[-1]) != ends:
            raise InputError(f"sizes: the data have {ends[0]} inputs and {ends[1]} outputs, got {list(sizes)}")


def _examine(
    network: type | str,
    sizes: tuple[int, ...] | None,
    examples: tuple[Array, Array] | None,
    settings: TrainingSettings | None,
    proving: ProofData | None,
) -> list[Finding]:
    """In the room. What their file prints goes to standard error, standard output being for the findings; what the
    class prints goes nowhere: it is called thousands of times.
    """
    os.dup2(2, 1)
    os.environ["TQDM_DISABLE"] = "1"  # bars of progress would fill the screen
    found = load_class(network) if isinstance(network, str) else network
    sys.stdout.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    file: Path | None = source_file(network) if isinstance(network, str) else file_of(network)

    def make(layers: Sequence[int]) -> WrappedNetwork:
        return WrappedNetwork.made(found, layers, file=file)

    draw: Draw | None = None
    if examples is not None:
        x, y = examples

        def draw(m: int) -> tuple[Array, Array]:
            return x[:m], y[:m]

    own = _own_sizes(make)
    if own is None or sizes is not None:
        findings = examine(make, sizes, draw, settings)
    else:
        findings = examine(make, own, draw, settings, [own] if _is_small(own) else [])
    layers = sizes or own or first_minute.SIZES
    findings += _of_start(make, layers, examples)
    return findings if proving is None else [*findings, prove_faults(findings, make, layers, proving, settings)]


def _own_sizes(make: Make) -> tuple[int, ...] | None:
    """Layers that are examined in place of our choice: the only ones that it has, or with the only output."""
    for sizes in (SIZES[0], _ONE_HIDDEN, _ONE_OUTPUT):
        try:
            make(sizes)
            return None if sizes == SIZES[0] else sizes
        except FixedSizesError as fixed:
            return fixed.sizes
        except UserNetworkError:  # examine says why
            continue
    return None


def _of_start(make: Make, sizes: Sequence[int], examples: tuple[Array, Array] | None) -> list[Finding]:
    """What there is to say of the network that their class makes; nothing where it makes none."""
    with contextlib.suppress(UserNetworkError):
        x, y = first_minute.made_up_examples(sizes) if examples is None else examples
        return first_minute.judge_start(make(sizes), x, y)
    return []


def _is_small(sizes: Sequence[int]) -> bool:
    """Whether every parameter can be differenced many times."""
    return sum(n_in * n_out for n_in, n_out in pairwise(sizes)) <= _SMALL
