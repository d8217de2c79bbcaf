"""Somebody's own champion as MLflow loads it: this file, a copy of theirs, what speaks to it, and an npz file."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps.user_network.loading import load_class
from sweeps.user_network.wrapper import WrappedNetwork


class ServedUserNetwork:
    """Raw examples (n, features), as the dataset stores them, to the network's outputs (n, classes)."""

    def __init__(self, wrapped: WrappedNetwork, scale: float, dtype: str) -> None:
        self._guest, self._scale, self._dtype = wrapped, scale, np.dtype(dtype)

    def predict(self, examples: NDArray[Any], params: Any = None) -> NDArray[Any]:
        """The outputs; the class of an example is the index of its largest."""
        del params
        return self._guest.feedforward(np.asarray(examples).astype(self._dtype) * self._dtype.type(self._scale))


def _load_pyfunc(path: str) -> ServedUserNetwork:
    """What MLflow calls, with the file that `champion` wrote. Executes the copy of their file.

    It is found from that file, not from this module, which one process imports once for all models.
    """
    with np.load(path, allow_pickle=False) as stored:
        layers = range(int(stored["layers"]))
        weights, biases = ([stored[f"{name}_{k}"] for k in layers] for name in ("weights", "biases"))
        network = load_class(str(Path(path).parents[1] / "code" / str(stored["target"])))
        wrapped = WrappedNetwork.made(network, [weights[0].shape[1], *(len(w) for w in weights)])
        wrapped.set(weights, biases)
        return ServedUserNetwork(wrapped, float(stored["scale"]), str(stored["dtype"]))
