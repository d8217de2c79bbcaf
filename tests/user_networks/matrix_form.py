"""The matrix form of the question, and what people make of it: sound variations, and one fault (or two) each."""

import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


class Sound:
    def __init__(self, layers):
        self.layers = layers
        self.num_layers = len(layers)
        self.bias = [np.random.randn(n, 1) for n in layers[1:]]
        self.weights = [np.random.randn(o, i) / np.sqrt(i) for i, o in zip(layers[:-1], layers[1:])]

    def feedforward(self, a):
        for w, b in zip(self.weights, self.bias):
            a = sigmoid(np.dot(w, a) + b)
        return a

    def batch(self, data):
        X = np.array([x.ravel() for x, y in data]).T
        Y = np.array([y.ravel() for x, y in data]).T
        return X, Y

    def out_delta(self, a, y, z):
        return (a - y) * sigmoid_prime(z)

    def backprop(self, X, Y):
        nb = [0 for b in self.bias]
        nw = [0 for w in self.weights]
        a = X
        acts, zs = [X], []
        for w, b in zip(self.weights, self.bias):
            z = np.dot(w, a) + b
            zs.append(z)
            a = sigmoid(z)
            acts.append(a)
        delta = self.out_delta(acts[-1], Y, zs[-1])
        nb[-1] = delta
        nw[-1] = np.dot(delta, acts[-2].T)
        for l in range(2, self.num_layers):
            delta = np.dot(self.weights[-l + 1].T, delta) * sigmoid_prime(zs[-l])
            nb[-l] = delta
            nw[-l] = np.dot(delta, acts[-l - 1].T)
        return nb, nw

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        X, Y = self.batch(mini_batch)
        m = len(mini_batch)
        nb, nw = self.backprop(X, Y)
        self.weights = [(1 - eta * lmbda / n) * w - eta / m * g for w, g in zip(self.weights, nw)]
        self.bias = [b - eta / m * g.sum(axis=1, keepdims=True) for b, g in zip(self.bias, nb)]

    def evaluate(self, data, lmbda):
        X, Y = self.batch(data)
        a = self.feedforward(X)
        acc = np.mean(np.argmax(a, 0) == np.argmax(Y, 0))
        cost = 0.5 * np.sum((a - Y) ** 2) / len(data)
        cost += 0.5 * lmbda / len(data) * sum(np.linalg.norm(w) ** 2 for w in self.weights)
        return cost, acc


class Summed(Sound):  # no division by m
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        X, Y = self.batch(mini_batch)
        nb, nw = self.backprop(X, Y)
        self.weights = [(1 - eta * lmbda / n) * w - eta * g for w, g in zip(self.weights, nw)]
        self.bias = [b - eta * g.sum(axis=1, keepdims=True) for b, g in zip(self.bias, nb)]


class BiasMeanOfAll(Sound):  # np.mean without an axis
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        X, Y = self.batch(mini_batch)
        m = len(mini_batch)
        nb, nw = self.backprop(X, Y)
        for k in range(len(nw)):
            self.weights[k] = (1 - eta * lmbda / n) * self.weights[k] - eta / m * nw[k]
            self.bias[k] = self.bias[k] - eta * np.mean(nb[k])


class BiasSummed(Sound):  # weights averaged, biases summed
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        X, Y = self.batch(mini_batch)
        m = len(mini_batch)
        nb, nw = self.backprop(X, Y)
        for k in range(len(nw)):
            self.weights[k] -= eta * (nw[k] / m + lmbda / n * self.weights[k])
            self.bias[k] -= eta * np.sum(nb[k], axis=1, keepdims=True)


class BiasNotReduced(Sound):  # biases broadcast to (n, m): a shape fault
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        X, Y = self.batch(mini_batch)
        m = len(mini_batch)
        nb, nw = self.backprop(X, Y)
        self.weights = [(1 - eta * lmbda / n) * w - eta / m * g for w, g in zip(self.weights, nw)]
        self.bias = [b - eta / m * g for b, g in zip(self.bias, nb)]


class CrossEntropyDelta(Sound):  # trains on a - y, reports the quadratic cost
    def out_delta(self, a, y, z):
        return a - y


class UpdatesWhileGoingBack(Sound):  # each layer is updated before its weights carry delta back
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        X, Y = self.batch(mini_batch)
        m = len(mini_batch)
        acts, zs = [X], []
        for w, b in zip(self.weights, self.bias):
            zs.append(w @ acts[-1] + b)
            acts.append(sigmoid(zs[-1]))
        delta = (acts[-1] - Y) * sigmoid_prime(zs[-1])
        for k in reversed(range(len(self.weights))):
            self.weights[k] = (1 - eta * lmbda / n) * self.weights[k] - eta / m * delta @ acts[k].T
            self.bias[k] = self.bias[k] - eta / m * delta.sum(1, keepdims=True)
            if k:
                delta = (self.weights[k].T @ delta) * sigmoid_prime(zs[k - 1])


class DecayByBatch(Sound):
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        super().update_mini_batch(mini_batch, eta, lmbda, len(mini_batch))


class EvaluatesWithoutBias(Sound):
    def evaluate(self, data, lmbda):
        X, Y = self.batch(data)
        a = X
        for w in self.weights:
            a = sigmoid(np.dot(w, a))
        cost = 0.5 * np.sum((a - Y) ** 2) / len(data)
        return cost + 0.5 * lmbda / len(data) * sum((w**2).sum() for w in self.weights)


class EvaluatesWithTanh(Sound):
    def evaluate(self, data, lmbda):
        X, Y = self.batch(data)
        a = X
        for w, b in zip(self.weights, self.bias):
            a = np.tanh(np.dot(w, a) + b)
        cost = 0.5 * np.sum((a - Y) ** 2) / len(data)
        return cost + 0.5 * lmbda / len(data) * sum((w**2).sum() for w in self.weights)


class HardCodedTen(Sound):  # divides by 10 whatever the batch
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        X, Y = self.batch(mini_batch)
        nb, nw = self.backprop(X, Y)
        self.weights = [w - eta * (g / 10 + lmbda / n * w) for w, g in zip(self.weights, nw)]
        self.bias = [b - eta * g.sum(axis=1, keepdims=True) / 10 for b, g in zip(self.bias, nb)]


class SummedAndGrowing(Sound):  # two faults, summed gradient and decay of the wrong sign
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        X, Y = self.batch(mini_batch)
        nb, nw = self.backprop(X, Y)
        self.weights = [(1 + eta * lmbda / n) * w - eta * g for w, g in zip(self.weights, nw)]
        self.bias = [b - eta * g.sum(axis=1, keepdims=True) for b, g in zip(self.bias, nb)]


class PenaltyPerExample(Sound):
    def evaluate(self, data, lmbda):
        cost = 0.0
        for x, y in data:
            a = self.feedforward(x.reshape(-1, 1))
            cost += 0.5 * np.linalg.norm(a - y.reshape(-1, 1)) ** 2 / len(data)
            cost += 0.5 * lmbda / len(data) * sum(np.linalg.norm(w) ** 2 for w in self.weights)
        return cost


class DecaysOnlyLast(Sound):
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        X, Y = self.batch(mini_batch)
        m = len(mini_batch)
        nb, nw = self.backprop(X, Y)
        self.weights = [w - eta / m * g for w, g in zip(self.weights, nw)]
        self.weights[-1] -= eta * lmbda / n * self.weights[-1]
        self.bias = [b - eta / m * g.sum(axis=1, keepdims=True) for b, g in zip(self.bias, nb)]


class AccuracyFirst(Sound):  # evaluate returns (accuracy, cost): not the protocol, not a fault
    def evaluate(self, data, lmbda):
        cost, acc = super().evaluate(data, lmbda)
        return acc, cost


class Shuffles(Sound):  # shuffles the list that it was given
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        np.random.shuffle(mini_batch)
        super().update_mini_batch(mini_batch, eta, lmbda, n)


class Schedule(Sound):  # eta falls with the number of steps
    def __init__(self, layers):
        super().__init__(layers)
        self.t = 0

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        self.t += 1
        super().update_mini_batch(mini_batch, eta / (1 + 0.01 * (self.t - 1)), lmbda, n)


class Warmup(Sound):  # eta climbs over the first hundred steps
    steps = 0

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        self.steps += 1
        super().update_mini_batch(mini_batch, eta * min(1.0, self.steps / 100), lmbda, n)


class Zeros(Sound):  # all parameters start at 0
    def __init__(self, layers):
        super().__init__(layers)
        self.weights = [np.zeros_like(w) for w in self.weights]
        self.bias = [np.zeros_like(b) for b in self.bias]


class MaxNorm(Sound):  # incoming weights of a unit are kept below norm 4
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        super().update_mini_batch(mini_batch, eta, lmbda, n)
        for k, w in enumerate(self.weights):
            norms = np.linalg.norm(w, axis=1, keepdims=True)
            self.weights[k] = w * np.minimum(1, 4.0 / np.maximum(norms, 1e-12))


class Clips(Sound):  # the whole gradient is clipped to norm 1
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        X, Y = self.batch(mini_batch)
        m = len(mini_batch)
        nb, nw = self.backprop(X, Y)
        nb = [g.sum(axis=1, keepdims=True) / m for g in nb]
        nw = [g / m + lmbda / n * w for g, w in zip(nw, self.weights)]
        norm = np.sqrt(sum((g**2).sum() for g in nb + nw))
        s = min(1.0, 1.0 / norm)
        self.weights = [w - eta * s * g for w, g in zip(self.weights, nw)]
        self.bias = [b - eta * s * g for b, g in zip(self.bias, nb)]


class ClipsElementwise(Sound):  # np.clip(g, -0.05, 0.05), not rare
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        X, Y = self.batch(mini_batch)
        m = len(mini_batch)
        nb, nw = self.backprop(X, Y)
        for k in range(len(nw)):
            self.weights[k] = self.weights[k] - eta * np.clip(nw[k] / m + lmbda / n * self.weights[k], -0.05, 0.05)
            self.bias[k] = self.bias[k] - eta * np.clip(nb[k].sum(1, keepdims=True) / m, -0.05, 0.05)


class DropoutInTraining(Sound):
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        X, Y = self.batch(mini_batch)
        m = len(mini_batch)
        acts, zs, masks = [X], [], []
        for k, (w, b) in enumerate(zip(self.weights, self.bias)):
            zs.append(w @ acts[-1] + b)
            a = sigmoid(zs[-1])
            mask = (np.random.rand(*a.shape) < 0.8) / 0.8 if k < len(self.weights) - 1 else np.ones_like(a)
            masks.append(mask)
            acts.append(a * mask)
        delta = (acts[-1] - Y) * sigmoid_prime(zs[-1])
        gw, gb = [None] * len(zs), [None] * len(zs)
        for k in reversed(range(len(zs))):
            gw[k] = delta @ acts[k].T / m
            gb[k] = delta.mean(1, keepdims=True)
            if k:
                delta = (self.weights[k].T @ delta) * masks[k - 1] * sigmoid_prime(zs[k - 1])
        self.weights = [w - eta * (g + lmbda / n * w) for w, g in zip(self.weights, gw)]
        self.bias = [b - eta * g for b, g in zip(self.bias, gb)]


class DropoutEverywhere(DropoutInTraining):
    def feedforward(self, a):
        for k, (w, b) in enumerate(zip(self.weights, self.bias)):
            a = sigmoid(w @ a + b)
            if k < len(self.weights) - 1:
                a = a * (np.random.rand(*a.shape) < 0.8) / 0.8
        return a


class InputNoise(Sound):
    def feedforward(self, a):
        return super().feedforward(a + 0.1 * np.random.randn(*a.shape))


class CostInSum(Sound):  # the cost of the whole set, lambda / 2, the step its mean: consistent for m = n
    def evaluate(self, data, lmbda):
        X, Y = self.batch(data)
        return 0.5 * np.sum((self.feedforward(X) - Y) ** 2) + 0.5 * lmbda * sum((w**2).sum() for w in self.weights)
