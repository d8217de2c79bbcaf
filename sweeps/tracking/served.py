"""The champion as MLflow loads it: a file that MLflow runs by itself ("models from code"), beside a copy of `model`."""

from typing import Any

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

from model import Network


class ServedNetwork(PythonModel):
    """Raw examples (n, features), as the dataset stores them, to the network's outputs (n, classes)."""

    def load_context(self, context: Any) -> None:
        """Reads the network: arrays and names from an npz file, without pickle."""
        with np.load(context.artifacts["network"], allow_pickle=False) as stored:
            layers = range(int(stored["layers"]))
            self._scale = float(stored["scale"])
            self._network = Network(
                weights=tuple(stored[f"weights_{k}"] for k in layers),
                biases=tuple(stored[f"biases_{k}"] for k in layers),
                activation=str(stored["activation"]),
                output=str(stored["output"]),
                cost=str(stored["cost"]),
            )

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]  # MLflow would read hints
        """The outputs; the class of an example is the index of its largest."""
        del context, params
        x = np.asarray(model_input).astype(self._network.dtype) * self._network.dtype.type(self._scale)
        return self._network.feedforward(np.ascontiguousarray(x))


set_model(ServedNetwork())
