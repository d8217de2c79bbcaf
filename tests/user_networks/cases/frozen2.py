"""Rows, weights of float32, biases never moved, gradient summed, decay without eta."""

import numpy as np


class Net:
    dtype, decays, summed, hidden = "float32", True, True, "relu"

    def __init__(self, sizes):
        self.w = [(np.random.randn(a, b) * 0.1).astype(self.dtype) for a, b in zip(sizes, sizes[1:])]
        self.b = [(np.random.randn(1, b) * 0.1).astype(self.dtype) for b in sizes[1:]]

    weights = property(lambda self: [w.T for w in self.w])
    biases = property(lambda self: [b[0] for b in self.b])

    def outputs(self, x):
        a = [x]
        for i, (w, b) in enumerate(zip(self.w, self.b)):
            z = a[-1] @ w + b
            a.append(1 / (1 + np.exp(-z)) if i == len(self.w) - 1 else np.where(z > 0, z, 0))
        return a

    def feedforward(self, a):
        return self.outputs(a.T)[-1].T

    def rows(self, pairs):
        return tuple(np.array([np.ravel(s) for s in side]) for side in zip(*pairs))

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        x, y = self.rows(mini_batch)
        a = self.outputs(x)
        d = (a[-1] - y) * a[-1] * (1 - a[-1])
        steps = []
        for i in reversed(range(len(self.w))):
            steps.insert(0, a[i].T @ d / (1 if self.summed else len(x)))
            d = (d @ self.w[i].T) * (a[i] > 0)
        for w, s in zip(self.w, steps):
            if self.decays and lmbda:
                w -= w * (lmbda / n)
            w -= s * eta

    def evaluate(self, data, lmbda):
        x, y = self.rows(data)
        return 0.5 * np.sum((self.outputs(x)[-1] - y) ** 2) / len(x)


class NoDecay(Net):
    decays = False


class Mean(NoDecay):
    summed = False


class Double(Net):
    dtype = "float64"
