"""A class of the question's shape with any of the faults that a diagnosis must name, and sound variants of many kinds.

`network(...)` makes the class; every argument but the faults is a choice that a sound network may make.
"""

import numpy as np


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


ACTIVATIONS = {
    "sigmoid": (_sigmoid, lambda z: _sigmoid(z) * (1 - _sigmoid(z))),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0),
    "softplus": (lambda z: np.logaddexp(0, z), _sigmoid),
    "linear": (lambda z: z, np.ones_like),
}

# head -> (output, cost summed over the examples, cost's derivative by the outputs, output's slope, delta)
HEADS = ("quadratic", "cross_entropy", "softmax", "linear")

GRADIENT_FAULTS = {
    "summed": {"gradient.summed"},
    "hidden_missing": {"gradient.hidden_derivative_missing"},
    "hidden_of_activation": {"gradient.derivative_of_activation"},
    "output_missing": {"gradient.output_derivative_missing"},
    "no_derivative": {"gradient.hidden_derivative_missing", "gradient.output_derivative_missing"},
    "not_transposed": {"gradient.not_transposed"},
    "sign": {"gradient.sign"},
    "bias_scaled": {"gradient.bias"},
    "bias_summed": {"gradient.bias"},
    "bias_last_example": {"gradient.bias"},
    "bias_sign": {"gradient.bias"},
    "frozen_bias": {"gradient.frozen"},
    "frozen_first": {"gradient.frozen"},
    "bias_shape": {"state.shape"},
}
DECAY_FAULTS = {
    "decay_missing": {"decay.missing"},
    "decay_sign": {"decay.sign"},
    "decay_without_eta": {"decay.without_eta"},
    "decay_by_batch": {"decay.scale"},
    "decay_by_other": {"decay.scale"},
    "decay_undivided": {"decay.scale"},
    "decay_doubled": {"decay.scale"},
    "decay_biases": {"decay.biases"},
    "penalty_no_half": {"penalty.scale"},
    "penalty_every_example": {"penalty.scale"},
    "penalty_evaluated": {"penalty.scale"},
    "penalty_undivided": {"penalty.scale"},
}


def network(fault="", activation="sigmoid", head="quadratic", penalty="l2", momentum=0.0, averaged=False,
            decay_after=False, dtype=np.float64, convention="textbook"):  # fmt: skip
    """convention: textbook, sum (the cost is a sum), plain (lambda undivided everywhere), no_half, biases."""
    apply, slope = ACTIVATIONS[activation]

    class Network:
        def __init__(self, sizes):
            self.bias = [np.random.randn(n, 1).astype(dtype) for n in sizes[1:]]
            self.weights = [
                (np.random.randn(n_out, n_in) / np.sqrt(n_in)).astype(dtype)
                for n_in, n_out in zip(sizes[:-1], sizes[1:])
            ]
            self.velocity = None
            self.n = None

        def _forward(self, x):
            zs, activations = [], [np.asarray(x, dtype)]
            for k, (b, w) in enumerate(zip(self.bias, self.weights)):
                zs.append((np.asarray(w, dtype) @ activations[-1] + np.asarray(b, dtype)).astype(dtype))
                last = k == len(self.weights) - 1
                activations.append((self._output(zs[-1]) if last else apply(zs[-1])).astype(dtype))
            return zs, activations

        def _output(self, z):
            if head in ("quadratic", "cross_entropy"):
                return _sigmoid(z)
            if head == "softmax":
                e = np.exp(z - z.max(axis=0))
                return e / e.sum(axis=0)
            return z

        def feedforward(self, a):
            return self._forward(a)[1][-1]

        def _data_cost(self, a, y):
            if head == "cross_entropy":
                return -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))
            if head == "softmax":
                return -np.sum(y * np.log(a))
            return 0.5 * np.sum((a - y) ** 2)

        def _delta(self, z, a, y):
            if head != "quadratic" or fault in ("output_missing", "no_derivative"):
                return a - y
            if fault == "output_of_activation":
                return (a - y) * _sigmoid(a) * (1 - _sigmoid(a))
            return (a - y) * a * (1 - a)

        def backprop(self, x, y):
            zs, activations = self._forward(x)
            delta = self._delta(zs[-1], activations[-1], y)
            if fault == "sign":
                delta = -delta
            nabla_b, nabla_w = [], []
            for k in reversed(range(len(self.weights))):
                if fault == "bias_shape":
                    nabla_b.insert(0, delta)
                elif fault == "bias_last_example":
                    nabla_b.insert(0, delta[:, -1:])
                else:
                    nabla_b.insert(0, delta.sum(axis=1, keepdims=True))
                nabla_w.insert(0, delta @ activations[k].T)
                if k:
                    back = self.weights[k] if fault == "not_transposed" else self.weights[k].T
                    delta = back @ delta
                    if fault == "hidden_of_activation":
                        delta = delta * slope(activations[k])
                    elif fault not in ("hidden_missing", "no_derivative"):
                        delta = delta * slope(zs[k - 1])
            return nabla_b, nabla_w

        def update_mini_batch(self, mini_batch, eta, lmbda, n):
            self.n = n
            m = len(mini_batch)
            x, y = (np.array(list(side), dtype).transpose() for side in zip(*mini_batch))
            nabla_b, nabla_w = self.backprop(x, y)
            divisor = 1 if fault == "summed" else m
            steps_w = [nw / divisor for nw in nabla_w]
            steps_b = [nb / (1 if fault in ("bias_summed", "bias_last_example") else divisor) for nb in nabla_b]
            if fault == "bias_scaled":
                steps_b = [3 * s for s in steps_b]
            if fault == "bias_sign":
                steps_b = [-s for s in steps_b]
            if fault == "frozen_bias":
                steps_b = [0 * s for s in steps_b]
            if fault == "frozen_first":
                steps_w[0] = 0 * steps_w[0]
            decays_w, decays_b = self._decays(lmbda, n, m)
            self._last = (lmbda, n, m)
            self._move(steps_w, steps_b, decays_w, decays_b, eta)

        def _decays(self, lmbda, n, m):
            factor = {
                "decay_missing": 0.0,
                "decay_sign": -lmbda / n,
                "decay_by_batch": lmbda / m,
                "decay_by_other": lmbda / 50000,
                "decay_undivided": lmbda,
                "decay_doubled": 2 * lmbda / n,
            }.get(fault, {"plain": lmbda, "no_half": 2 * lmbda / n}.get(convention, lmbda / n))
            if penalty == "l1":
                return [factor * np.sign(w) for w in self.weights], [0 * b for b in self.bias]
            biased = fault == "decay_biases" or convention == "biases"
            return [factor * w for w in self.weights], [factor * b if biased else 0 * b for b in self.bias]

        def _move(self, steps_w, steps_b, decays_w, decays_b, eta):
            strength = 1 / eta if fault == "decay_without_eta" and eta else 1.0
            if momentum:
                steps = [s + d for s, d in zip(steps_w + steps_b, decays_w + decays_b)]
                if self.velocity is None:
                    self.velocity = [0 * s for s in steps]
                share = 1 - momentum if averaged else 1.0
                self.velocity = [momentum * v + share * s for v, s in zip(self.velocity, steps)]
                moved = [p - eta * v for p, v in zip(self.weights + self.bias, self.velocity)]
                self.weights, self.bias = moved[: len(steps_w)], moved[len(steps_w) :]
                return
            if decay_after:
                self.weights = [w - eta * s for w, s in zip(self.weights, steps_w)]
                self.bias = [b - eta * s for b, s in zip(self.bias, steps_b)]
                decays_w, decays_b = self._decays(*self._last)
                self.weights = [w - eta * d for w, d in zip(self.weights, decays_w)]
                return
            self.weights = [w - eta * s - eta * strength * d for w, s, d in zip(self.weights, steps_w, decays_w)]
            self.bias = [b - eta * s - eta * strength * d for b, s, d in zip(self.bias, steps_b, decays_b)]

        def evaluate(self, data, lmbda):
            x, y = (np.array(list(side), dtype).transpose() for side in zip(*data))
            a = self.feedforward(x)
            evaluated = y.shape[1]
            cost = self._data_cost(a, y)
            n = self.n or evaluated
            parameters = self.weights + (self.bias if convention == "biases" else [])
            if penalty == "l1":
                size = 2 * sum(np.sum(np.abs(w)) for w in parameters)
            else:
                size = sum(np.sum(w**2) for w in parameters)
            if convention == "sum":
                return cost + evaluated * lmbda / (2 * n) * size
            cost /= evaluated
            divisor = {
                "penalty_evaluated": 2 * evaluated,
                "penalty_no_half": n,
                "penalty_every_example": 2 * n / evaluated,
                "penalty_undivided": 2.0,
            }.get(fault, {"plain": 2.0, "no_half": n}.get(convention, 2 * n))
            return cost + lmbda / divisor * size, np.sum(a.argmax(axis=0) == y.argmax(axis=0))

    return Network
