"""What a reading of somebody's network can do, and what shields it from their code."""

import contextlib
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sweeps.errors import UserNetworkError
from sweeps.user_network.describing import describe

Array = NDArray[Any]
Pairs = list[tuple[Array, Array]]


class Reading(Protocol):
    """How one class's networks are spoken to, samples in rows. It holds no network: copies are spoken to alike.

    sizes: units of every layer, inputs first. n: of the last step's training set, 0 before the first.
    """

    sizes: tuple[int, ...]
    has_biases: bool

    def weights(self, network: Any) -> list[Array]:
        """(n_out, n_in) a layer; copies."""

    def biases(self, network: Any) -> list[Array]:
        """(n_out,) a layer; copies."""

    def put(self, network: Any, weights: Sequence[Array], biases: Sequence[Array]) -> None:
        """Puts parameters into the network."""

    def outputs(self, network: Any, x: Array) -> Array:
        """(m, n_out) for x (m, n_in)."""

    def step(self, network: Any, pairs: Pairs, eta: float, lmbda: float, n: int) -> None:
        """One step on a mini-batch."""

    def cost(self, network: Any, pairs: Pairs, lmbda: float, n: int) -> float:
        """The cost of the examples."""

    def places(self, network: Any) -> tuple[str, str]:
        """Names of their methods: of the backward pass, "" where it has none of its own, and of what makes a step."""

    def backprop(self, network: Any, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """(gradients by biases, by weights) as they return them. Raises UserNetworkError where there are none."""

    def pairs(self, x: Array, y: Array) -> Pairs:
        """Examples x (m, n_in), y (m, n_out) as a step and a cost want them. Views."""


@contextmanager
def theirs(file: Path | None, doing: str) -> Iterator[None]:
    """Turns what somebody's code raises into a UserNetworkError that names their file and line."""
    try:
        with np.errstate(all="ignore"):
            yield
    except UserNetworkError:
        raise
    except (Exception, SystemExit) as error:
        raise UserNetworkError(f"{describe(error, file)}\n  while it ran {doing}") from error


@contextmanager
def quietly(file: Path | None, doing: str) -> Iterator[None]:
    """The same for what is only tried: its prints go nowhere."""
    with theirs(file, doing), contextlib.redirect_stdout(io.StringIO()):
        yield
