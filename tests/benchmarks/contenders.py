"""One SGD step of a sigmoid network [784, 30, 10] with quadratic cost, as several libraries take it.

Each function gives a callable that takes steps over `batches` mini-batches of x (n, 784) and y (n, 10).
"""

import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from model import Hyperparameters, Network, TrainingPlan
from model.training import Step

BATCH = 10
ETA, LMBDA = 0.1, 5.0
Array = NDArray[np.float32]


def product(x: Array, y: Array) -> Callable[[], None]:
    """The step of this project."""
    network = Network.initialise((784, 30, 10), TrainingPlan(), np.random.default_rng(0))
    step = Step(network, Hyperparameters(ETA, LMBDA, BATCH), len(x))

    def run() -> None:
        for start in range(0, len(x), BATCH):
            step(x[start : start + BATCH], y[start : start + BATCH])

    return run


def bare_products(x: Array, y: Array) -> Callable[[], None]:
    """The five matrix products that a step cannot do without, and nothing else."""
    rng = np.random.default_rng(0)
    w1, w2 = (rng.standard_normal(shape).astype(np.float32) / 10 for shape in ((30, 784), (10, 30)))
    a1, a2 = np.empty((BATCH, 30), np.float32), np.empty((BATCH, 10), np.float32)
    d1, g1, g2 = np.empty_like(a1), np.empty_like(w1), np.empty_like(w2)

    def run() -> None:
        for start in range(0, len(x), BATCH):
            batch, delta = x[start : start + BATCH], y[start : start + BATCH]
            np.dot(batch, w1.T, out=a1)
            np.dot(a1, w2.T, out=a2)
            np.dot(delta, w2, out=d1)
            np.dot(delta.T, a1, out=g2)
            np.dot(d1.T, batch, out=g1)

    return run


def pytorch_eager(x: Array, y: Array) -> Callable[[], None]:
    """PyTorch's eager modules and its SGD optimiser."""
    torch.manual_seed(0)
    layers = torch.nn.Linear(784, 30), torch.nn.Sigmoid(), torch.nn.Linear(30, 10), torch.nn.Sigmoid()
    network = torch.nn.Sequential(*layers)
    optimiser = torch.optim.SGD(network.parameters(), lr=ETA, weight_decay=LMBDA / len(x))
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    cost = torch.nn.MSELoss()

    def run() -> None:
        for start in range(0, len(x), BATCH):
            optimiser.zero_grad()
            cost(network(inputs[start : start + BATCH]), targets[start : start + BATCH]).backward()
            optimiser.step()

    return run


def scikit_learn_seconds(x: Array, y: Array) -> float:
    """Seconds of one epoch of MLPClassifier: two epochs less one, so that its set-up does not count."""

    def fit(epochs: int) -> float:
        classifier = MLPClassifier(
            hidden_layer_sizes=(30,),
            activation="logistic",
            solver="sgd",
            alpha=LMBDA,
            batch_size=BATCH,
            learning_rate_init=ETA,
            momentum=0.0,
            nesterovs_momentum=False,
            max_iter=epochs,
            random_state=0,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            started = time.perf_counter()
            classifier.fit(x, y.argmax(axis=1))
            return time.perf_counter() - started

    return fit(2) - fit(1)
