"""What is kept of somebody's network when it has been trained."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Parameters:
    """Of somebody's network: weights (n_out, n_in) and biases (n_out,) of each layer. dtype: of its examples."""

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    dtype: str
