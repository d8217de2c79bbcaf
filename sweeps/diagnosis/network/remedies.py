"""The lines that should stand in a network (Nielsen, ch. 2 and 3), and how its layers are spoken of."""

from collections.abc import Sequence

STEP = "w = (1 - eta * lmbda / n) * w - (eta / len(mini_batch)) * nabla_w;  b = b - (eta / len(mini_batch)) * nabla_b"
HIDDEN = "delta = np.dot(w_above.T, delta_above) * slope(z)   # (BP2), slope(z) the activation's derivative at z"
OUTPUT = "delta = cost_derivative(a, y) * slope(z)   # (BP1); for cross-entropy on sigmoid or softmax outputs: a - y"
BIASES = "nabla_b = delta.sum(axis=1, keepdims=True)   # (BP3), the sum over the mini-batch's columns"
PENALTY = "cost += lmbda / (2 * n) * sum(np.sum(w**2) for w in weights)   # n: size of the training set"


def shown(sizes: Sequence[int]) -> str:
    """784-30-10."""
    return "-".join(map(str, sizes))


def layers(numbers: Sequence[int]) -> str:
    """'layer 2', 'layers 1 and 2'; counted from the inputs, 1 the first with weights."""
    words = [str(layer) for layer in numbers]
    if len(words) < 2:
        return f"layer {words[0]}" if words else "all layers"
    return f"layers {', '.join(words[:-1])} and {words[-1]}"
