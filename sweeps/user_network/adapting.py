"""What is understood of somebody's class, in words, and an adapter of it to edit; their code runs in a worker."""

import contextlib
import os
import sys
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from concurrent.futures import TimeoutError as OutOfTime
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sweeps.errors import UserNetworkError
from sweeps.executors.loky import LokyExecutor, pickled_by_value
from sweeps.user_network.adapter_text import adapter_text, unfilled
from sweeps.user_network.clean_room import in_clean_room
from sweeps.user_network.loading import load_class
from sweeps.user_network.readings.construction import made_and_how
from sweeps.user_network.source import absolute, source_file, split_target
from sweeps.user_network.wrapper import PROTOCOL, FixedSizesError, WrappedNetwork

TIME_LIMIT = 120.0  # seconds
_SIZES = ((5, 4, 3), (6, 5, 4, 3), (5, 4, 1))  # that a class is made with, one after the other


@dataclass(frozen=True)
class Understood:
    """rows: (what, how) of what was understood. problem: what was not, "" for nothing. adapter: a file's text."""

    rows: tuple[tuple[str, str], ...]
    problem: str
    adapter: str


def understand(target: str, sizes: Sequence[int] | None = None, time_limit: float = TIME_LIMIT) -> Understood:
    """Reads a class as a sweep would. Raises UserNetworkError where its process ends, or takes too long."""
    source_file(target)
    pool = LokyExecutor(1, __name__)
    try:
        there = absolute(target, Path())  # the worker works in another folder
        call = pickled_by_value((_understand, (there, (tuple(sizes),) if sizes else _SIZES)))
        rows, problem, adapter = pool.submit(in_clean_room, call, 10 * time_limit, __name__).result(time_limit)
        return Understood(tuple((what, how) for what, how in rows), problem, adapter)
    except OutOfTime:
        raise UserNetworkError(f"{target} was not done after {time_limit:g} s") from None
    except BrokenExecutor:
        raise UserNetworkError(
            f"{target} ended the process that it ran in: a crash, an exit, or too much memory"
        ) from None
    finally:
        pool.close()


def _understand(target: str, sizes: Sequence[tuple[int, ...]]) -> list[Any]:
    """[rows, problem, adapter], in the room: what their file prints goes to standard error."""
    os.dup2(2, 1)
    os.environ["TQDM_DISABLE"] = "1"
    network, file = load_class(target), source_file(target)
    place, name = split_target(target)
    name = name or network.__name__
    problem, arguments, made = "", "sizes", None
    for layers in sizes:
        with contextlib.suppress(UserNetworkError):
            made, arguments = made_and_how(network, layers, file, sys.modules.get(network.__module__))
        try:
            wrapped = _made(network, layers, file)
        except UserNetworkError as error:
            problem = problem or str(error).removesuffix(PROTOCOL).strip()
            continue
        rows = [("layers", "-".join(map(str, wrapped.sizes))), *wrapped.reading.table()]
        is_class = getattr(sys.modules.get(network.__module__), name, None) is network
        text = adapter_text(place, name, arguments, wrapped.reading) if is_class else ""
        return [[list(row) for row in rows], "", text]
    return [[], problem, unfilled(place, name, arguments, network, made)]


def _made(network: type, layers: tuple[int, ...], file: Path | None) -> WrappedNetwork:
    """With these layers, or with its own where it has no others."""
    try:
        return WrappedNetwork.made(network, layers, file=file)
    except FixedSizesError as own:
        return WrappedNetwork.made(network, own.sizes, file=file)
