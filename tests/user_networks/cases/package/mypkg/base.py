"""A sound network in the accepted shape; the cases change one thing each."""

import numpy as np


class Base:
    eps, slope_at = 0.0, "z"

    def __init__(self, sizes):
        self.weights = [np.random.randn(b, a) / np.sqrt(a) for a, b in zip(sizes, sizes[1:])]
        self.biases = [np.random.randn(b, 1) for b in sizes[1:]]

    def act(self, z, last):
        return 1 / (1 + np.exp(-z))

    def slope(self, z):
        return self.act(z, False) * (1 - self.act(z, False))

    def forward(self, a):
        zs, activations = [], [a]
        for i, (w, b) in enumerate(zip(self.weights, self.biases)):
            zs.append(w @ activations[-1] + b)
            activations.append(self.act(zs[-1], i == len(self.weights) - 1))
        return zs, activations

    def feedforward(self, a):
        return self.forward(a)[1][-1]

    @staticmethod
    def columns(pairs):
        return tuple(np.array([np.ravel(s) for s in side]).T for side in zip(*pairs))

    def gradient(self, x, y):
        zs, a = self.forward(x)
        delta, nw, nb = a[-1] - y, [], []
        for i in reversed(range(len(self.weights))):
            nw.insert(0, delta @ a[i].T / x.shape[1])
            nb.insert(0, delta.sum(axis=1, keepdims=True) / x.shape[1])
            if i:
                delta = (self.weights[i].T @ delta) * self.slope(zs[i - 1])
        return nw, nb

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        self.n = n
        nw, nb = self.gradient(*self.columns(mini_batch))
        self.weights = [(1 - eta * lmbda / n) * w - eta * d for w, d in zip(self.weights, nw)]
        self.biases = [b - eta * d for b, d in zip(self.biases, nb)]

    def total_cost(self, data, lmbda):
        x, y = self.columns(data)
        a, e = self.feedforward(x), self.eps
        penalty = 0.5 * lmbda / getattr(self, "n", len(data)) * sum((w**2).sum() for w in self.weights)
        return -np.sum(y * np.log(a + e) + (1 - y) * np.log(1 - a + e)) / len(data) + penalty
