"""The champion as MLflow loads it: this file, a copy of `model`, and an npz file; nothing is pickled."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import Network


class ServedNetwork:
    """Raw examples (n, features), as the dataset stores them, to the network's outputs (n, classes)."""

    def __init__(self, network: Network, scale: float) -> None:
        self._network, self._scale = network, scale

    def predict(self, examples: NDArray[Any], params: Any = None) -> NDArray[Any]:
        """The outputs; the class of an example is the index of its largest."""
        del params
        dtype = self._network.dtype
        return self._network.feedforward(np.asarray(examples).astype(dtype) * dtype.type(self._scale))


def _load_pyfunc(path: str) -> ServedNetwork:
    """What MLflow calls, with the file that `champion` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        layers = range(int(stored["layers"]))
        network = Network(
            weights=tuple(stored[f"weights_{k}"] for k in layers),
            biases=tuple(stored[f"biases_{k}"] for k in layers),
            activation=str(stored["activation"]),
            output=str(stored["output"]),
            cost=str(stored["cost"]),
        )
        return ServedNetwork(network, float(stored["scale"]))
