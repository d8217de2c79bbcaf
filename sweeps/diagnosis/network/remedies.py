"""The lines that should stand in a network (Nielsen, ch. 2 and 3), and how its layers are spoken of."""

from collections.abc import Sequence

from sweeps.formatting import listed

Sentence = tuple[str, str]  # what is said of a fault, and the line that should stand there

# in update_mini_batch
STEP = "w = (1 - eta * lmbda / n) * w - (eta / len(mini_batch)) * nabla_w;  b = b - (eta / len(mini_batch)) * nabla_b"
STEP_OF_BIASES = f"{STEP}   # biases are not decayed, and not in the penalty"
NEW_SUMS = "nabla_w = [np.zeros(w.shape) for w in weights]   # and nabla_b, anew in every update_mini_batch"
MOVE_AFTER = "compute every nabla_w and nabla_b first; move weights and biases after that"

# in backprop
OUTPUT = "delta = cost_derivative(a, y) * slope(z)   # (BP1); for cross-entropy on sigmoid or softmax outputs: a - y"
OUTPUT_OR_CROSS_ENTROPY = f"{OUTPUT}; or report the cross-entropy, if that is what is to be minimised"
HIDDEN = "delta = np.dot(w_above.T, delta_above) * slope(z)   # (BP2), slope(z) the activation's derivative at z"
SLOPE_AT_Z = "delta = np.dot(w_above.T, delta_above) * slope(z)   # z, not a; for sigmoid units a * (1 - a) is slope(z)"
MASKED = "delta = np.dot(w_above.T, delta_above) * slope(z) * mask   # the mask, with its scale, of the way forward"
BIASES = "nabla_b = delta.sum(axis=1, keepdims=True)   # (BP3), the sum over the mini-batch's columns"
WEIGHTS = "nabla_w = np.dot(delta, a_below.T)"
PRODUCT = f"{WEIGHTS}   # (BP4), (n_out, n_in)"
DELTAS = f"{OUTPUT};  {HIDDEN};  {WEIGHTS}"

# in feedforward
SOFTMAX = "a = np.exp(z) / np.sum(np.exp(z), axis=0, keepdims=True)   # samples in columns; axis=1 where they are rows"

# in evaluate
WITH_LOG = "cost = -np.sum(y * np.log(a)) / len(data)   # softmax; for sigmoids + (1 - y) * np.log(1 - a), too"
PENALTY = "cost += lmbda / (2 * n) * sum(np.sum(w**2) for w in weights)   # n: size of the training set"
EVALUATE = "in evaluate: a = self.feedforward(x), and the cost from that a"
SAME_COST = "report the cost that is trained, or train the one that is reported: delta is its derivative by z"
EVALUATE_TRAINED = "in evaluate: a = self.feedforward(x), the network that is trained, and the cost from that a"


def shown(sizes: Sequence[int]) -> str:
    """784-30-10."""
    return "-".join(map(str, sizes))


def layers(numbers: Sequence[int]) -> str:
    """'layer 2', 'layers 1 and 2'; counted from the inputs, 1 the first with weights."""
    if not numbers:
        return "all layers"
    return f"layer{'s' if len(numbers) > 1 else ''} {listed([str(layer) for layer in numbers])}"
