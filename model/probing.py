"""What is measured on fixed training examples: gradient norms, saturation, sharpness of cost and mini-batches."""

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from model import metrics
from model.activations import ACTIVATIONS, SIGMOID, Array
from model.batch_sharpness import measure_batches, sizes
from model.bounds import batch_edge, edge, noise_share
from model.curvature import Hessian, largest_eigenvalue
from model.datasets import Examples
from model.hyperparameters import Hyperparameters
from model.measures import Measures
from model.metrics import Family
from model.network import Network, Passes

_TOLERANCE = 0.001  # of the sharpness, as a residual: at .01 the second largest eigenvalue is at times taken for it
_STEPS = 30  # Lanczos steps at the most; ten or so are needed


@dataclass(frozen=True)
class Probing:
    """Which measures are taken, each every so many epochs (0: never), and on how many training examples.

    batch_sharpness takes as many more as make up four mini-batches of the training, up to 500, or one mini-batch.
    Raises ValueError that names the field and its value.
    """

    gradient_norm: int = 1
    saturation: int = 1
    sharpness: int = 1
    examples: int = 250
    batch_sharpness: int = 1

    def __post_init__(self) -> None:
        for field in fields(self):
            value, least = getattr(self, field.name), 1 if field.name == "examples" else 0
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{field.name} must be a whole number of at least {least}, got {value!r}")


class Probe:
    """Takes the measures of one training, always on the same examples, spread evenly over the training set."""

    def __init__(
        self, probing: Probing, network: Network, train: Examples, hyperparameters: Hyperparameters, momentum: float
    ) -> None:
        self._probing, self._network, self._n = probing, network, len(train)
        self._hyperparameters, self._momentum = hyperparameters, momentum
        rows = np.linspace(0, len(train) - 1, min(probing.examples, len(train))).astype(int)
        self._x, self._y = self._taken(train, rows)
        if probing.batch_sharpness:
            self._sizes = batches, size = sizes(hyperparameters.batch_size, len(train), probing.examples)
            drawn = np.random.default_rng(0).permutation(len(train))
            self._drawn = self._taken(train, drawn[: max(batches * size, probing.examples)])

    def measure(self, epoch: int) -> Measures:
        """The measures due at an epoch (0: before training), of the network as it is, which must be finite."""
        found: Measures = {}
        if _due(self._probing.gradient_norm, epoch):
            found |= self._gradient_norms()
        if _due(self._probing.saturation, epoch):
            found |= self._saturation()
        if _due(self._probing.sharpness, epoch):
            found |= self._sharpness()
        if _due(self._probing.batch_sharpness, epoch):
            found |= self._batch_sharpness()
        return found

    def _taken(self, train: Examples, rows: NDArray[np.int_]) -> tuple[Array, Array]:
        """Those rows, scaled, and their one-hot targets."""
        x = np.ascontiguousarray(train.x[rows] * train.scale, self._network.dtype)
        return x, np.eye(train.classes, dtype=self._network.dtype)[train.y[rows]]

    def _gradient_norms(self) -> Measures:
        """Of the total cost by each layer's weights and biases together."""
        nabla_b, nabla_w = self._network.backprop(self._x, self._y)
        decay = self._hyperparameters.lmbda / self._n
        layers = zip(nabla_b, nabla_w, self._network.weights, strict=True)
        return {
            metrics.by_layer(Family.GRADIENT_NORM, k): float(
                np.hypot(np.linalg.norm(b), np.linalg.norm(w + decay * weights))
            )
            for k, (b, w, weights) in enumerate(layers, 1)
        }

    def _saturation(self) -> Measures:
        """Of the hidden layers, and of the outputs where they are sigmoids."""
        passes = Passes(self._network, len(self._x))
        passes.forward(self._x)
        *hidden, outputs = passes.activations
        saturation = ACTIVATIONS[self._network.activation].saturation
        found = {metrics.by_layer(Family.SATURATION, k): saturation(a) for k, a in enumerate(hidden, 1)}
        if self._network.output == "sigmoid":
            found[metrics.by_layer(Family.SATURATION, len(hidden) + 1)] = SIGMOID.saturation(outputs)
        return found

    def _sharpness(self) -> Measures:
        """The largest curvature of the total cost, and eta * sharpness / (2 (1 + momentum)): above 1, unstable.

        Every epoch starts from a random direction, always the same. The eigenvector of the epoch before saves two of
        ten steps, but where another has overtaken it since, the iteration ends at once and never sees the other.
        """
        hessian = Hessian(self._network, self._x, self._y, self._hyperparameters.lmbda, self._n)
        start = np.random.default_rng(0).standard_normal(hessian.size)
        sharpness, _ = largest_eigenvalue(hessian.times, start, _STEPS, _TOLERANCE)
        return {metrics.SHARPNESS: sharpness, metrics.EDGE: edge(self._hyperparameters.eta, sharpness, self._momentum)}

    def _batch_sharpness(self) -> Measures:
        """Of mini-batches of the training's own size, always the same ones, drawn by a generator of their own.

        What is not finite is left out: it ends no training whose parameters and costs are.
        """
        given = self._hyperparameters
        found = measure_batches(self._network, *self._drawn, *self._sizes, given.lmbda, self._n)
        if not (math.isfinite(found.sharpness) and math.isfinite(found.noise_scale)):
            return {}
        noise = noise_share(found.noise_scale, given.batch_size, self._n)
        return {
            metrics.BATCH_EDGE: batch_edge(given.eta, found.sharpness, noise, self._momentum),
            metrics.BATCH_SHARPNESS: found.sharpness,
            metrics.NOISE_SCALE: found.noise_scale,
        }


def _due(every: int, epoch: int) -> bool:
    return every > 0 and epoch % every == 0
