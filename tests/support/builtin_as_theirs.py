"""The built-in network in the shape of somebody's class: what is looked at before a sweep is the same of both."""

from collections.abc import Sequence

import numpy as np

from model import Hyperparameters, Network, TrainingPlan
from model.costs import penalty
from model.network import Passes
from model.training import Step
from sweeps.user_network.readings.reading import Array, Pairs


class BuiltIn:
    """A network of a plan, in float64. Samples are columns, or one-dimensional in pairs."""

    def __init__(self, plan: TrainingPlan, sizes: Sequence[int]) -> None:
        self._plan = plan
        drawn = Network.initialise(sizes, plan, np.random.default_rng(0))
        self.weights = [w.astype(np.float64) for w in drawn.weights]
        self.bias = [b.astype(np.float64) for b in drawn.biases]

    def feedforward(self, a: Array) -> Array:
        outputs: Array = self._network().feedforward(np.ascontiguousarray(np.transpose(a))).T
        return outputs

    def update_mini_batch(self, mini_batch: Pairs, eta: float, lmbda: float, n: int) -> None:
        network, (x, y) = self._network(), _stacked(mini_batch)
        Step(network, Hyperparameters(eta, lmbda, len(x)), n, self._plan.momentum)(x, y)
        self.weights, self.bias = list(network.weights), list(network.biases)

    def evaluate(self, data: Pairs, lmbda: float) -> float:
        x, y = _stacked(data)
        passes = Passes(self._network(), len(x))
        passes.forward(x, keep_logits=True)
        return passes.data_cost(y) / len(x) + penalty(self.weights, lmbda, len(x))

    def _network(self) -> Network:
        plan = self._plan
        return Network(tuple(self.weights), tuple(self.bias), plan.activation, plan.output, plan.cost)


def _stacked(pairs: Pairs) -> tuple[Array, Array]:
    x, y = (np.ascontiguousarray(np.stack([np.ravel(one) for one in side])) for side in zip(*pairs, strict=True))
    return x, y
