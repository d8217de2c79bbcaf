"""Sound ReLU networks kept in float32, samples in rows; the variants start with other weights."""

import numpy as np
from frozen2 import Net as Rows


class Sound(Rows):
    low = 0.1

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        x, y = self.rows(mini_batch)
        a = self.outputs(x)
        d = (a[-1] - y) * a[-1] * (1 - a[-1])
        steps = []
        for i in reversed(range(len(self.w))):
            steps.insert(0, (a[i].T @ d / len(x), d.sum(axis=0, keepdims=True) / len(x)))
            d = (d @ self.w[i].T) * (a[i] > 0)
        for w, b, (sw, sb) in zip(self.w, self.b, steps):
            w -= (eta * sw).astype(w.dtype)
            b -= (eta * sb).astype(b.dtype)


class Uniform(Sound):  # wider weights
    def __init__(self, sizes):
        self.w = [np.random.uniform(-1, 1, (a, b)).astype(self.dtype) for a, b in zip(sizes, sizes[1:])]
        self.b = [np.zeros((1, b), self.dtype) for b in sizes[1:]]


class He(Sound):
    def __init__(self, sizes):
        self.w = [(np.random.randn(a, b) * np.sqrt(2 / a)).astype(self.dtype) for a, b in zip(sizes, sizes[1:])]
        self.b = [np.zeros((1, b), self.dtype) for b in sizes[1:]]
