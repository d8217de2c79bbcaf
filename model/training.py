"""Mini-batch SGD with L2 regularisation and momentum; yields a record an epoch."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import get_blas_funcs

from model.activations import Array
from model.datasets import Dataset, Examples
from model.hyperparameters import Hyperparameters, TrainingPlan
from model.measures import Measures, evaluate, measure_change, measure_state
from model.network import Network, Passes
from model.probing import Probe, Probing

_CHUNK_BYTES = 1 << 19  # of scaled examples prepared at a time: they stay in the L2 cache until used


@dataclass(frozen=True)
class EpochRecord:
    """What was measured after an epoch (0: before training). measures: name -> value, see model.measures."""

    epoch: int
    measures: Measures

    @property
    def finite(self) -> bool:
        """False once the training has diverged."""
        return all(map(math.isfinite, self.measures.values()))

    def __getitem__(self, name: str) -> float:
        return self.measures[name]


class Training:
    """A training, run by iterating over its records; see `train`. network: the one being trained, in place."""

    def __init__(
        self,
        plan: TrainingPlan,
        hyperparameters: Hyperparameters,
        data: Dataset,
        rng: np.random.Generator,
        network: Network | None = None,
        probing: Probing | None = None,
    ) -> None:
        self.plan, self.hyperparameters = plan, hyperparameters
        self.split = data.split(plan.validation)
        n = len(self.split.train)
        if hyperparameters.batch_size > n:
            raise ValueError(f"batch_size must be at most the {n} training examples, got {hyperparameters.batch_size}")
        initial, self._shuffles = rng.spawn(2)
        sizes = (data.train.features, *plan.hidden, data.train.classes)
        self.network = network or Network.initialise(sizes, plan, initial)
        self._step = Step(self.network, hyperparameters, n, plan.momentum)
        self._probe = Probe(probing or Probing(), self.network, self.split.train, hyperparameters, plan.momentum)

    def __iter__(self) -> Iterator[EpochRecord]:
        record = EpochRecord(0, self._measure(0))
        yield record
        while record.finite and record.epoch < self.plan.epochs:
            before = [w.copy() for w in self.network.weights]
            with np.errstate(all="ignore"):
                self._run_epoch()
                change = measure_change(before, self.network.weights)
            record = EpochRecord(record.epoch + 1, self._measure(record.epoch + 1) | change)
            yield record

    def evaluate(self, examples: Examples) -> tuple[float, float]:
        """(mean data cost per example, fraction of examples whose largest output is the right one)."""
        return evaluate(self.network, examples)

    def _measure(self, epoch: int) -> Measures:
        with np.errstate(all="ignore"):  # divergence is data
            state = measure_state(self.network, self.split, self.hyperparameters.lmbda, self.plan.penalty_n)
            return state | self._probe.measure(epoch) if all(map(math.isfinite, state.values())) else state

    def _run_epoch(self) -> None:
        batch_size, dtype = self.hyperparameters.batch_size, self.network.dtype
        for x, y in mini_batches(self.split.train, batch_size, dtype, self._shuffles):
            self._step(x, y)


def train(
    plan: TrainingPlan,
    hyperparameters: Hyperparameters,
    data: Dataset,
    rng: np.random.Generator,
    network: Network | None = None,
    probing: Probing | None = None,
) -> Training:
    """A training for plan.epochs epochs: iterating yields a record before the first epoch and after each.

    network is trained in place; None draws a fresh one. probing: which measures are taken on a probe, and how often
    (None: all, after each epoch). Initial weights and shuffles come from generators of their
    own, spawned by rng, so trainings that differ in one setting see the same start and the same order of examples.
    Divergence is data: the first record that is not finite is the last one yielded.
    Raises ValueError when the validation set or a mini-batch is larger than the data allow.
    """
    return Training(plan, hyperparameters, data, rng, network, probing)


def mini_batches(
    examples: Examples, batch_size: int, dtype: np.dtype[np.floating], rng: np.random.Generator
) -> Iterator[tuple[Array, Array]]:
    """One epoch in random order: (x (m, features) scaled, y (m, classes) one-hot); the last batch may be smaller.

    Both are views of buffers that later batches overwrite. Batches are cut from chunks of examples that are gathered
    and scaled together, which costs far less than gathering each batch.
    """
    order = rng.permutation(len(examples))
    rows = batch_size * max(1, _CHUNK_BYTES // (batch_size * examples.features * dtype.itemsize))
    one_hot = np.eye(examples.classes, dtype=dtype)
    raw = np.empty((rows, examples.features), examples.x.dtype)
    x, y = np.empty(raw.shape, dtype), np.empty((rows, examples.classes), dtype)
    for chunk in range(0, len(order), rows):
        index = order[chunk : chunk + rows]
        m = len(index)
        np.take(examples.x, index, axis=0, out=raw[:m], mode="clip")
        np.copyto(x[:m], raw[:m], casting="same_kind")
        np.multiply(x[:m], examples.scale, out=x[:m])
        np.take(one_hot, examples.y[index], axis=0, out=y[:m], mode="clip")
        for start in range(0, m, batch_size):
            stop = min(start + batch_size, m)
            yield x[start:stop], y[start:stop]


class Step:
    """One step of SGD on a mini-batch, in place: v = momentum v - eta gradient; w = w + v.

    The gradient is that of the mean data cost of the batch plus, for weights, lmbda / n * w. Without momentum that is
    w = (1 - eta lmbda / n) w - eta / m * sum of the examples' gradients (Nielsen, ch. 3, eq. 93), and BLAS's
    gemm, C = alpha A B + beta C, does decay, product and step in one call: no gradient is ever stored.
    """

    def __init__(self, network: Network, hyperparameters: Hyperparameters, n: int, momentum: float = 0.0) -> None:
        self._network = network
        self._eta = hyperparameters.eta
        self._decay = hyperparameters.eta * hyperparameters.lmbda / n
        self._momentum = momentum
        weights, biases = network.weights, network.biases
        if momentum:
            self._velocities = [np.zeros_like(p) for p in (*weights, *biases)]
            weights, biases = tuple(self._velocities[: len(weights)]), tuple(self._velocities[len(weights) :])
        self._targets = [(w.T, b) for w, b in zip(weights, biases, strict=True)]
        self._keep_w, self._keep_b = (momentum, momentum) if momentum else (1 - self._decay, 1.0)
        self._gemm, self._gemv = get_blas_funcs(("gemm", "gemv"), network.weights)
        self._workspaces: dict[int, _Workspace] = {}

    def __call__(self, x: Array, y: Array) -> None:
        """x: (m, n_in), scaled; y: (m, n_out), one-hot. C-contiguous, of the network's dtype."""
        m = len(x)
        workspace = self._workspaces.get(m)
        if workspace is None:
            workspace = self._workspaces[m] = _Workspace(self._network, m)
        passes, ones, layers = workspace.passes, workspace.ones, workspace.layers
        passes.forward(x)
        passes.backward(y)
        scale = -self._eta / m
        inputs = x.T
        for (w, b), (delta, outputs) in zip(self._targets, layers, strict=True):
            self._gemm(scale, inputs, delta, self._keep_w, w, 0, 1, 1)  # trans_a, trans_b, overwrite_c
            self._gemv(
                scale, delta, ones, self._keep_b, b, 0, 1, 0, 1, 0, 1
            )  # offx, incx, offy, incy, trans, overwrite_y
            inputs = outputs
        if self._momentum:
            self._move()

    def _move(self) -> None:
        """Adds the decay to the velocities, and the velocities to the parameters."""
        parameters = (*self._network.weights, *self._network.biases)
        for velocity, w in zip(self._velocities, self._network.weights, strict=False):
            velocity -= self._decay * w
        for parameter, velocity in zip(parameters, self._velocities, strict=True):
            parameter += velocity


class _Workspace:
    """Buffers for batches of m examples, and the views that BLAS takes: (delta.T, activation.T) of each layer."""

    def __init__(self, network: Network, m: int) -> None:
        self.passes = Passes(network, m)
        self.ones = np.ones(m, network.dtype)
        pairs = zip(self.passes.deltas, self.passes.activations, strict=True)
        self.layers = [(delta.T, a.T) for delta, a in pairs]
