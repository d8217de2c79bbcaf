"""What an epoch's record is made of: the components of the cost, accuracies, norms. Names as they stand in MLflow."""

from collections.abc import Sequence

import numpy as np

from model import metrics
from model.activations import Array
from model.costs import penalty, squared_norm
from model.datasets import Examples, Split
from model.metrics import Family
from model.network import Network, Passes

Measures = dict[str, float]

_ROWS = 1000  # examples evaluated at a time


def evaluate(network: Network, examples: Examples) -> tuple[float, float]:
    """(mean data cost per example, fraction of examples whose largest output is the right one)."""
    cost, right = 0.0, 0
    one_hot = np.eye(examples.classes, dtype=network.dtype)
    rows = min(_ROWS, len(examples))
    passes = Passes(network, rows)
    x = np.empty((rows, examples.features), network.dtype)
    for start in range(0, len(examples), rows):
        raw, labels = examples.x[start : start + rows], examples.y[start : start + rows]
        if len(raw) < rows:
            passes, x = Passes(network, len(raw)), x[: len(raw)]
        np.copyto(x, raw, casting="same_kind")
        np.multiply(x, examples.scale, out=x)
        outputs = passes.forward(x, keep_logits=True)
        cost += passes.data_cost(one_hot[labels])
        right += int(np.count_nonzero(outputs.argmax(axis=1) == labels))
    return cost / len(examples), right / len(examples)


def measure_state(network: Network, split: Split, lmbda: float, penalty_n: str) -> Measures:
    """Cost components (means per example), accuracies, and Frobenius norms of the network as it is.

    `cost/penalty` divides by the training set's size, as the update does. So does the penalty in the validation total,
    unless penalty_n is "evaluated": then it divides by the validation set's size, as the question's evaluate does.
    """
    train_cost, train_accuracy = evaluate(network, split.train)
    validation_cost, validation_accuracy = evaluate(network, split.validation)
    evaluated = split.validation if penalty_n == "evaluated" else split.train
    penalty_minimised = penalty(network.weights, lmbda, len(split.train))
    return {
        metrics.TRAIN_DATA: train_cost,
        metrics.VALIDATION_DATA: validation_cost,
        metrics.PENALTY: penalty_minimised,
        metrics.TRAIN_TOTAL: train_cost + penalty_minimised,
        metrics.VALIDATION_TOTAL: validation_cost + penalty(network.weights, lmbda, len(evaluated)),
        metrics.TRAIN_ACCURACY: train_accuracy,
        metrics.VALIDATION_ACCURACY: validation_accuracy,
        **measure_norms(network.weights, network.biases),
    }


def measure_norms(weights: Sequence[Array], biases: Sequence[Array]) -> Measures:
    """Frobenius norms of the weights, all together and by layer, and of the biases by layer."""
    return {
        metrics.WEIGHT_NORM: _norm(weights),
        **{metrics.by_layer(Family.WEIGHT_NORM, k): _norm([w]) for k, w in enumerate(weights, 1)},
        **{metrics.by_layer(Family.BIAS_NORM, k): _norm([b]) for k, b in enumerate(biases, 1)},
    }


def measure_change(before: Sequence[Array], after: Sequence[Array]) -> Measures:
    """update_ratio of each layer: norm of the epoch's change of the weights / norm of the weights before it.

    A layer whose weights were all zero has no ratio and is left out.
    """
    norms = [_norm([w]) for w in before]
    return {
        metrics.by_layer(Family.UPDATE_RATIO, k): _norm([new - old]) / norm
        for k, (old, new, norm) in enumerate(zip(before, after, norms, strict=True), 1)
        if norm > 0
    }


def _norm(arrays: Sequence[Array]) -> float:
    """Frobenius norm of all entries together."""
    return float(np.sqrt(sum(squared_norm(array) for array in arrays)))
