"""Meeting somebody's class before anything is begun: in a clean room, with examples made up."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sweeps.errors import UserNetworkError
from sweeps.user_network.clean_room import in_clean_room, sealed
from sweeps.user_network.codec import rebuilt
from sweeps.user_network.loading import load_class
from sweeps.user_network.source import file_of, source_digest, source_file
from sweeps.user_network.time_limit import limited_time
from sweeps.user_network.wrapper import PROTOCOL, WrappedNetwork, seeded

_EXAMPLES = 10
_SECONDS = 60.0  # at most, however long a trial may take


@dataclass(frozen=True)
class SmokeTest:
    """What is known of a class once it has been met.

    file, digest: where its code is, and its SHA-256; "" where it has none. repeatable: whether two networks made from
    one seed are equal, and remain so in a step.
    """

    file: str
    digest: str
    repeatable: bool


def smoke_test(target: str, shapes: Sequence[Sequence[int]], dtype: str, eta: float, seconds: float) -> SmokeTest:
    """Loads the class, makes networks of these shapes, and takes a step with each. Executes their file, in a room.

    Raises InputError where there is no such class, UserNetworkError where it is none that can be trained, or takes
    longer than the seconds, and RoomDiedError where it ends its process.
    """
    source_file(target)  # a missing file needs no room
    seconds = min(seconds, _SECONDS)
    call = sealed(_smoke_test, target, tuple(map(tuple, shapes)), dtype, eta, seconds)
    return rebuilt(SmokeTest, in_clean_room(call, seconds + _SECONDS, __name__))


def _smoke_test(target: str, shapes: Sequence[Sequence[int]], dtype: str, eta: float, seconds: float) -> SmokeTest:
    """In the room."""
    file = source_file(target)
    with limited_time(seconds, file, seconds + _SECONDS), seeded([0]):
        network = load_class(target)
        digest = source_digest(target)
        repeatable = True
        for sizes in shapes:
            try:
                one, other = (_stepped(network, sizes, dtype, eta, file) for _ in range(2))
            except UserNetworkError as error:
                said = str(error)
                raise UserNetworkError(said if PROTOCOL in said else f"{said}\n{PROTOCOL}") from error
            pairs = zip(one.weights + one.biases, other.weights + other.biases, strict=True)
            repeatable = repeatable and all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)
    return SmokeTest(str(file or file_of(network) or ""), digest, repeatable)


def _stepped(network: type, sizes: Sequence[int], dtype: str, eta: float, file: Path | None) -> WrappedNetwork:
    """A network after one step, spoken to in every way in which a training does."""
    wrapped = WrappedNetwork.made(network, sizes, file=file)
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (_EXAMPLES, sizes[0])).astype(dtype)
    y = np.eye(sizes[-1], dtype=dtype)[rng.integers(sizes[-1], size=_EXAMPLES)]
    with seeded([1]):
        wrapped.update(wrapped.pairs(x, y), eta, 0.1, 10 * _EXAMPLES)
        wrapped.feedforward(x)
        wrapped.cost(wrapped.pairs(x, y), 0.1)
    shapes = [w.shape for w in wrapped.weights], [b.shape for b in wrapped.biases]
    if shapes != (list(zip(sizes[1:], sizes, strict=False)), [(n_out,) for n_out in sizes[1:]]):
        raise UserNetworkError(f"a step on {_EXAMPLES} examples left weights and biases of shapes {shapes}")
    return wrapped
