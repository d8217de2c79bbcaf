"""The generated class of `faulty` with what it does not have: costs, decays and orders of update that go wrong."""

import numpy as np
from user_networks import faulty

# fault -> what must be found, and the heads with which it is one
FAULTS = {
    "cost_of_z": ({"cost.of_z"}, ("quadratic", "cross_entropy", "softmax")),
    "cost_without_log": ({"cost.without_log"}, ("cross_entropy", "softmax")),
    "cost_other": ({"cost.other"}, ("cross_entropy", "softmax")),
    "softmax_over_examples": ({"outputs.softmax_axis"}, ("softmax",)),
    "softmax_over_both": ({"outputs.softmax_axis"}, ("softmax",)),
    "overwritten": ({"state.overwritten"}, faulty.HEADS),
    "overwritten_biases": ({"state.overwritten"}, faulty.HEADS),
    "moved_too_early": ({"gradient.wrong"}, faulty.HEADS),
    "moved_in_batch": ({"gradient.wrong"}, faulty.HEADS),
    "dropout_mask_not_back": ({"gradient.dropout"}, faulty.HEADS),
    "frozen_output": ({"gradient.frozen"}, faulty.HEADS),
    "bias_mean_of_units": ({"gradient.bias"}, faulty.HEADS),
    "decay_without_column": ({"decay.part"}, faulty.HEADS),
    "penalty_without_column": ({"penalty.part"}, faulty.HEADS),
    "penalty_without_row": ({"penalty.part"}, faulty.HEADS),
    "both_without_column": ({"decay.part"}, faulty.HEADS),  # a warning
}
SOUND = ("dropout", "step_each_example", "epsilon", "mean_over_outputs", "both_without_layer")


def network(fault, activation="sigmoid", head="quadratic", **options):
    """fault: one of FAULTS, or of SOUND, which are none."""
    base = faulty.network("", activation, head, **options)

    class Network(base):
        def _forward(self, x):
            zs, activations = super()._forward(x)
            self.z = zs[-1]
            return zs, activations

        def _output(self, z):
            if fault.startswith("softmax_over"):
                e = np.exp(z - z.max())
                return e / (e.sum(axis=1, keepdims=True) if fault == "softmax_over_examples" else e.sum())
            return super()._output(z)

        def _data_cost(self, a, y):
            if fault == "cost_of_z":
                with np.errstate(all="ignore"):
                    if head == "quadratic":
                        return 0.5 * np.sum((self.z - y) ** 2)
                    if head == "cross_entropy":
                        return np.sum(np.nan_to_num(-y * np.log(self.z) - (1 - y) * np.log(1 - self.z)))
                    return np.sum(np.nan_to_num(np.where(y > 0, -np.log(self.z), 0.0)))
            if fault == "cost_without_log":
                return -np.sum(y * a) - (np.sum((1 - y) * (1 - a)) if head == "cross_entropy" else 0.0)
            if fault == "cost_other":
                return -np.sum(y * np.log(a)) if head == "cross_entropy" else np.sum(np.abs(a - y))
            if fault == "epsilon" and head in ("cross_entropy", "softmax"):
                other = (1 - y) * np.log(1 - a + 1e-5) if head == "cross_entropy" else 0.0
                return -np.sum(y * np.log(a + 1e-5) + other)
            return super()._data_cost(a, y) / (len(a) if fault == "mean_over_outputs" else 1)

        def _dropping(self, x, y):
            """backprop with inverted dropout of the hidden units."""
            apply, slope = faulty.ACTIVATIONS[activation]
            zs, activations, masks = [], [x], []
            for k, (w, b) in enumerate(zip(self.weights, self.bias)):
                zs.append(w @ activations[-1] + b)
                last = k == len(self.weights) - 1
                masks.append(1.0 if last else (np.random.rand(*zs[-1].shape) < 0.6) / 0.6)
                activations.append(self._output(zs[-1]) if last else apply(zs[-1]) * masks[-1])
            delta, biases, weights = self._delta(zs[-1], activations[-1], y), [], []
            for k in reversed(range(len(self.weights))):
                biases.insert(0, delta.sum(axis=1, keepdims=True))
                weights.insert(0, delta @ activations[k].T)
                if k:
                    mask = masks[k - 1] if fault == "dropout" else 1.0
                    delta = (self.weights[k].T @ delta) * slope(zs[k - 1]) * mask
            return biases, weights

        def backprop(self, x, y):
            if fault.startswith("dropout"):
                return self._dropping(x, y)
            biases, weights = super().backprop(x, y)
            if fault == "bias_mean_of_units":
                biases = [np.full_like(b, b.mean()) for b in biases]
            return biases, weights

        def _move(self, steps_w, steps_b, decays_w, decays_b, eta):
            if fault == "frozen_output":
                steps_w[-1], steps_b[-1], decays_w[-1] = 0 * steps_w[-1], 0 * steps_b[-1], 0 * decays_w[-1]
            if fault in ("decay_without_column", "both_without_column"):
                for decay in decays_w:
                    decay[:, -1] = 0
            if fault == "both_without_layer":
                decays_w[-1] = 0 * decays_w[-1]
            if fault == "overwritten":
                self.weights = [0 * w for w in self.weights]
            if fault == "overwritten_biases":
                self.bias = [0 * b + 1 for b in self.bias]
            super()._move(steps_w, steps_b, decays_w, decays_b, eta)

        def update_mini_batch(self, mini_batch, eta, lmbda, n):
            m = len(mini_batch)
            if fault == "moved_too_early":
                return self._moved_too_early(mini_batch, eta, lmbda, n)
            if m == 1 or fault not in ("step_each_example", "moved_in_batch"):
                return super().update_mini_batch(mini_batch, eta, lmbda, n)
            for pair in mini_batch:
                super().update_mini_batch([pair], eta / (m if fault == "moved_in_batch" else 1), lmbda, n)
            return None

        def _moved_too_early(self, mini_batch, eta, lmbda, n):
            """Layer by layer from the last: each is moved before its delta goes back through it."""
            self.n = n
            _, slope = faulty.ACTIVATIONS[activation]
            x, y = (np.array(list(side)).transpose() for side in zip(*mini_batch))
            zs, activations = self._forward(x)
            delta, share = self._delta(zs[-1], activations[-1], y), eta / len(mini_batch)
            for k in reversed(range(len(self.weights))):
                self.bias[k] = self.bias[k] - share * delta.sum(axis=1, keepdims=True)
                self.weights[k] = (1 - eta * lmbda / n) * self.weights[k] - share * delta @ activations[k].T
                if k:
                    delta = (self.weights[k].T @ delta) * slope(zs[k - 1])

        def evaluate(self, data, lmbda):
            cost, right = super().evaluate(data, lmbda)
            left_out = {
                "penalty_without_column": [w[:, 0] for w in self.weights],
                "both_without_column": [w[:, -1] for w in self.weights],
                "penalty_without_row": [self.weights[0][1]],
                "both_without_layer": [self.weights[-1]],
            }.get(fault, [])
            return cost - lmbda / (2 * (self.n or len(data))) * sum(np.sum(part**2) for part in left_out), right

    return Network
