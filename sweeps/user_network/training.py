"""Trains somebody's network as ours is trained: the same examples in the same order, and all that outside shows."""

import math
import time
from collections.abc import Callable, Iterator

import numpy as np

from model import Dataset, EpochRecord, Examples, Hyperparameters, TrainingPlan, metrics
from model.measures import Measures, measure_change, measure_norms
from sweeps.errors import UserNetworkError
from sweeps.user_network.parameters import Parameters
from sweeps.user_network.readings.reading import Array, Pairs
from sweeps.user_network.wrapper import WrappedNetwork, seeded

_FAR, _NEAR = 30.0, 1e-6  # of the biases that are tried for a constant answer
_ROWS = 1000  # examples that are fed forward at a time
_PROBE_SECONDS = 0.1  # of training steps
_PROBE_EXAMPLES = 1000


class WrappedTraining:
    """A training of somebody's network, run by iterating over its records; compare `model.train`.

    Of what `model.train` measures, that which can be seen from outside is recorded, under the same names: costs as
    *they* report them (data: with lambda 0; penalty: the total less the data cost), accuracies by the largest of their
    outputs, norms. `cost/constant_answer`, at epoch 0, is what they report for outputs of 1 / classes each; left out
    where their outputs cannot be brought there.
    Initial weights come from seeded generators, shuffles from one of their own; so do draws in their steps from the
    global generators, whatever ran in this process before. The first record that is not finite is the last one yielded.
    """

    def __init__(
        self,
        load: Callable[[], type],
        plan: TrainingPlan,
        hyperparameters: Hyperparameters,
        data: Dataset,
        rng: np.random.Generator,
    ) -> None:
        """Makes the network. load: finds their class. UserNetworkError, here and later, where their code raises."""
        self.plan, self.hyperparameters = plan, hyperparameters
        initial, self._shuffles = rng.spawn(2)
        sizes = (data.train.features, *plan.hidden, data.train.classes)
        seed, self._seed = _words(initial), _words(initial)
        with seeded(seed):
            network = load()
        self.wrapped = WrappedNetwork.made(network, sizes, seed=seed)
        split = data.split(plan.validation)
        self._train, self._validation = (
            _Seen(self.wrapped, part, plan.dtype) for part in (split.train, split.validation)
        )
        if hyperparameters.batch_size > len(self._train.labels):
            raise ValueError(
                f"batch_size must be at most the {len(self._train.labels)} training examples, "
                f"got {hyperparameters.batch_size}"
            )

    def __iter__(self) -> Iterator[EpochRecord]:
        with seeded(self._seed):
            record = EpochRecord(0, self._measure() | self._constant_answer())
            yield record
            while record.finite and record.epoch < self.plan.epochs:
                before = self.wrapped.weights
                for batch in self._batches():
                    self._step(batch)
                with np.errstate(all="ignore"):
                    change = measure_change(before, self.wrapped.weights)
                record = EpochRecord(record.epoch + 1, self._measure() | change)
                yield record

    def evaluate(self, examples: Examples) -> tuple[float, float]:
        """(data cost that they report, fraction of examples whose largest output is the right one)."""
        seen = _Seen(self.wrapped, examples, self.plan.dtype)
        return self.wrapped.cost(seen.pairs, 0.0), self._accuracy(seen)

    @property
    def network(self) -> Parameters:
        """What is kept of it, as it is now."""
        return Parameters(tuple(self.wrapped.weights), tuple(self.wrapped.biases), self.plan.dtype)

    def epoch_seconds(self) -> float:
        """An estimate of how long an epoch takes, from a moment of steps and a look at a few examples."""
        steps, started = 0, time.perf_counter()
        for batch in self._batches():
            self._step(batch)
            steps += 1
            if time.perf_counter() - started > _PROBE_SECONDS:
                break
        per_step = (time.perf_counter() - started) / steps
        few = self._train.first(_PROBE_EXAMPLES)
        started = time.perf_counter()
        self._costs(few)
        self._accuracy(few)
        per_example = (time.perf_counter() - started) / len(few.labels)
        n = len(self._train.labels)
        batches = math.ceil(n / self.hyperparameters.batch_size)
        return per_step * batches + per_example * (n + len(self._validation.labels))

    def _batches(self) -> Iterator[Pairs]:
        """An epoch in the order of `model.training.mini_batches`."""
        order, size = self._shuffles.permutation(len(self._train.labels)), self.hyperparameters.batch_size
        for start in range(0, len(order), size):
            yield [self._train.pairs[row] for row in order[start : start + size]]

    def _step(self, batch: Pairs) -> None:
        given = self.hyperparameters
        self.wrapped.update(batch, given.eta, given.lmbda, len(self._train.labels))

    def _measure(self) -> Measures:
        with np.errstate(all="ignore"):  # divergence is data
            train_data, train_total = self._costs(self._train)
            validation_data, validation_total = self._costs(self._validation)
            return {
                metrics.TRAIN_DATA: train_data,
                metrics.VALIDATION_DATA: validation_data,
                metrics.PENALTY: train_total - train_data,
                metrics.TRAIN_TOTAL: train_total,
                metrics.VALIDATION_TOTAL: validation_total,
                metrics.TRAIN_ACCURACY: self._accuracy(self._train),
                metrics.VALIDATION_ACCURACY: self._accuracy(self._validation),
                **measure_norms(self.wrapped.weights, self.wrapped.biases),
            }

    def _costs(self, seen: "_Seen") -> tuple[float, float]:
        """(without, with) the penalty."""
        data, lmbda = self.wrapped.cost(seen.pairs, 0.0), self.hyperparameters.lmbda
        return data, self.wrapped.cost(seen.pairs, lmbda) if lmbda else data

    def _accuracy(self, seen: "_Seen") -> float:
        right = 0
        for start in range(0, len(seen.labels), _ROWS):
            outputs = self.wrapped.feedforward(seen.x[start : start + _ROWS])
            right += int(np.count_nonzero(outputs.argmax(axis=1) == seen.labels[start : start + _ROWS]))
        return right / len(seen.labels)

    def _constant_answer(self) -> Measures:
        try:
            constant = constant_answer(self.wrapped, self._train.x[:1])
            cost = math.nan if constant is None else constant.cost(self._train.pairs, 0.0)
        except UserNetworkError:  # it can be trained all the same
            cost = math.nan
        return {metrics.CONSTANT_ANSWER: cost} if math.isfinite(cost) else {}


class _Seen:
    """Examples as their network sees them: x (m, features) scaled, pairs (x, one-hot y) that are views, labels."""

    def __init__(self, wrapped: WrappedNetwork, examples: Examples, dtype: str) -> None:
        self.x = examples.x.astype(dtype)
        self.x *= self.x.dtype.type(examples.scale)
        self.labels = np.array(examples.y)
        self.pairs = wrapped.pairs(self.x, np.eye(examples.classes, dtype=dtype)[self.labels])

    def first(self, m: int) -> "_Seen":
        """The first m of them."""
        few = object.__new__(_Seen)
        few.x, few.labels, few.pairs = self.x[:m], self.labels[:m], self.pairs[:m]
        return few


def constant_answer(wrapped: WrappedNetwork, x: Array) -> WrappedNetwork | None:
    """A copy whose outputs are all 1 / classes: no weights to the outputs, their biases found by bisection.

    None where no common bias does it: the outputs' activation does not reach so far.
    """
    constant, classes = wrapped.copy(), wrapped.sizes[-1]
    *below, last = wrapped.weights
    biases = wrapped.biases

    def outputs(bias: float) -> Array:
        constant.set([*below, np.zeros_like(last)], [*biases[:-1], np.full_like(biases[-1], bias)])
        return constant.feedforward(x)

    low, high = -_FAR, _FAR
    while high - low > _NEAR:
        middle = (low + high) / 2
        if outputs(middle).mean() > 1 / classes:
            high = middle
        else:
            low = middle
    return constant if np.allclose(outputs(high), 1 / classes, rtol=0.01) else None


def _words(rng: np.random.Generator) -> list[int]:
    """A seed for their generators."""
    return [int(word) for word in rng.integers(2**32, size=4)]
