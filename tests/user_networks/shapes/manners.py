"""Networks with manners of their own, as people write them."""

from dataclasses import dataclass, field

import numpy as np


def logistic(v):
    return 1 / (1 + np.exp(-v))


class StarSizes:  # Network(784, 30, 10)
    def __init__(self, *sizes):
        self.ws = [np.random.randn(a, b) * 0.5 for a, b in zip(sizes, sizes[1:])]
        self.bs = [np.random.randn(b) * 0.5 for b in sizes[1:]]

    def predict(self, X):
        for w, b in zip(self.ws, self.bs):
            X = logistic(X @ w + b)
        return X

    def fit_batch(self, X, Y, lr):
        a = [X]
        for w, b in zip(self.ws, self.bs):
            a.append(logistic(a[-1] @ w + b))
        d = a[-1] - Y
        for k in reversed(range(len(self.ws))):
            gw, gb = a[k].T @ d / len(X), d.mean(axis=0)
            d = d @ self.ws[k].T * a[k] * (1 - a[k])
            self.ws[k] -= lr * gw
            self.bs[k] -= lr * gb


@dataclass
class Declared:  # a dataclass
    sizes: list
    lr: float = 0.3
    W: list = field(default_factory=list)
    b: list = field(default_factory=list)

    def __post_init__(self):
        for a, c in zip(self.sizes, self.sizes[1:]):
            self.W.append(np.random.randn(c, a) / np.sqrt(a))
            self.b.append(np.zeros((c, 1)))

    def forward(self, x):
        self.acts = [x]
        for W, b in zip(self.W, self.b):
            self.acts.append(logistic(W @ self.acts[-1] + b))
        return self.acts[-1]

    def backward(self, y):
        m = y.shape[1]
        delta = self.acts[-1] - y
        self.grads = []
        for k in range(len(self.W) - 1, -1, -1):
            self.grads.append((k, delta @ self.acts[k].T / m, delta.sum(axis=1, keepdims=True) / m))
            delta = self.W[k].T @ delta * self.acts[k] * (1 - self.acts[k])

    def step(self):
        for k, dW, db in self.grads:
            self.W[k] = self.W[k] - self.lr * dW
            self.b[k] = self.b[k] - self.lr * db


class Inherited:  # a base class with the machinery
    class Base:
        def forward(self, x):
            raise NotImplementedError

        def save(self, path):
            np.savez(path, **self.__dict__)

    def __new__(cls, sizes):
        made = object.__new__(_Child)
        made.setup(sizes)
        return made


class _Child(Inherited.Base):
    def setup(self, sizes):
        self.layer_weights = [np.random.randn(a, b) for a, b in zip(sizes, sizes[1:])]
        self.layer_biases = [np.zeros(b) for b in sizes[1:]]

    def forward(self, x):
        for w, b in zip(self.layer_weights, self.layer_biases):
            x = logistic(np.dot(x, w) + b)
        return x

    def sgd_step(self, x, t, lr):
        zs = [x]
        for w, b in zip(self.layer_weights, self.layer_biases):
            zs.append(logistic(np.dot(zs[-1], w) + b))
        d = (zs[-1] - t) / x.shape[0]
        for k in reversed(range(len(zs) - 1)):
            dw, db = np.dot(zs[k].T, d), d.sum(0)
            d = np.dot(d, self.layer_weights[k].T) * zs[k] * (1 - zs[k])
            self.layer_weights[k] -= lr * dw
            self.layer_biases[k] -= lr * db


class ObjectArrays:  # arrays of arrays
    def __init__(self, neurons):
        self.weights = np.empty(len(neurons) - 1, dtype=object)
        self.biases = np.empty(len(neurons) - 1, dtype=object)
        for k, (a, b) in enumerate(zip(neurons, neurons[1:])):
            self.weights[k] = np.random.randn(b, a) * 0.5
            self.biases[k] = np.zeros(b)

    def propagate(self, X):
        for w, b in zip(self.weights, self.biases):
            X = logistic(X @ w.T + b)
        return X

    def train(self, X, y, epochs=100, eta=0.1, lmbda=0.0):
        for _ in range(epochs):
            a = [X]
            for w, b in zip(self.weights, self.biases):
                a.append(logistic(a[-1] @ w.T + b))
            d = (a[-1] - y) / len(X)
            for k in reversed(range(len(self.weights))):
                w = self.weights[k]
                dw, db = d.T @ a[k] + lmbda * w, d.sum(axis=0)
                d = d @ w * a[k] * (1 - a[k])
                self.weights[k] = w - eta * dw
                self.biases[k] = self.biases[k] - eta * db

    def total_loss(self, X, y, lmbda=0.0):
        a = self.propagate(X)
        data = -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a)) / len(X)
        return data + 0.5 * lmbda * sum(np.sum(w**2) for w in self.weights)


class CostReturned:  # the step says what it cost
    def __init__(self, units, l2_reg=0.0):
        self.l2_reg = l2_reg
        self.k = {f"kernel_{i}": np.random.randn(a, b) * 0.5 for i, (a, b) in enumerate(zip(units, units[1:]))}
        self.o = {f"offset_{i}": np.zeros(b) for i, b in enumerate(units[1:])}

    def infer(self, x):
        for i in range(len(self.k)):
            x = logistic(x @ self.k[f"kernel_{i}"] + self.o[f"offset_{i}"])
        return x

    def train_on_batch(self, x, y, learning_rate):
        a = [x]
        for i in range(len(self.k)):
            a.append(logistic(a[-1] @ self.k[f"kernel_{i}"] + self.o[f"offset_{i}"]))
        loss = 0.5 * np.sum((a[-1] - y) ** 2) / len(x)
        loss += 0.5 * self.l2_reg * sum(np.sum(w**2) for w in self.k.values())
        d = (a[-1] - y) * a[-1] * (1 - a[-1]) / len(x)
        for i in reversed(range(len(self.k))):
            w = self.k[f"kernel_{i}"]
            dw, db = a[i].T @ d + self.l2_reg * w, d.sum(axis=0)
            d = d @ w.T * a[i] * (1 - a[i])
            self.k[f"kernel_{i}"] = w - learning_rate * dw
            self.o[f"offset_{i}"] = self.o[f"offset_{i}"] - learning_rate * db
        return loss


class BatchNormed:  # gains and offsets besides weights: an adapter's case
    def __init__(self, sizes):
        self.W = [np.random.randn(a, b) for a, b in zip(sizes, sizes[1:])]
        self.gain = [np.ones(b) for b in sizes[1:]]
        self.b = [np.zeros(b) for b in sizes[1:]]

    def forward(self, x):
        for w, g, b in zip(self.W, self.gain, self.b):
            x = logistic(g * (x @ w) + b)
        return x

    def train_step(self, x, y, lr):
        a = [x]
        for w, g, b in zip(self.W, self.gain, self.b):
            a.append(logistic(g * (a[-1] @ w) + b))
        d = (a[-1] - y) / len(x)
        for k in reversed(range(len(self.W))):
            z = a[k] @ self.W[k]
            dw, dg, db = a[k].T @ (d * self.gain[k]), (d * z).sum(axis=0), d.sum(axis=0)
            d = (d * self.gain[k]) @ self.W[k].T * a[k] * (1 - a[k])
            self.W[k] -= lr * dw
            self.gain[k] -= lr * dg
            self.b[k] -= lr * db


class Foreign:  # names that tell nothing
    def __init__(self, taille):
        self.poids = [np.random.randn(a, b) for a, b in zip(taille, taille[1:])]
        self.seuils = [np.zeros(b) for b in taille[1:]]

    def avant(self, entree):
        for w, b in zip(self.poids, self.seuils):
            entree = logistic(entree @ w + b)
        return entree

    def apprendre(self, entree, cible, pas):
        a = [entree]
        for w, b in zip(self.poids, self.seuils):
            a.append(logistic(a[-1] @ w + b))
        d = (a[-1] - cible) / len(entree)
        for k in reversed(range(len(self.poids))):
            dw, db = a[k].T @ d, d.sum(axis=0)
            d = d @ self.poids[k].T * a[k] * (1 - a[k])
            self.poids[k] -= pas * dw
            self.seuils[k] -= pas * db
