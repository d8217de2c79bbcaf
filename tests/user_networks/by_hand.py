"""Nets from scratch, as beginners and people in a hurry write them."""

import math
import random

import numpy as np


class Loops:  # nothing but loops
    def __init__(self, sizes):
        self.sizes = sizes
        self.weights = [
            np.array([[random.gauss(0, 1) for _ in range(i)] for _ in range(o)]) for i, o in zip(sizes, sizes[1:])
        ]
        self.biases = [np.array([[random.gauss(0, 1)] for _ in range(o)]) for o in sizes[1:]]
        self.best = float("inf")
        self.bad_epochs = 0

    def act(self, z):
        return 1 / (1 + math.exp(-z))

    def run(self, x):
        layers = [[float(v) for v in np.ravel(x)]]
        for w, b in zip(self.weights, self.biases):
            out = []
            for j in range(len(w)):
                s = b[j][0]
                for i in range(len(w[j])):
                    s += w[j][i] * layers[-1][i]
                out.append(self.act(s))
            layers.append(out)
        return layers

    def feedforward(self, a):
        return np.array([self.run(a[:, k])[-1] for k in range(a.shape[1])]).T

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        gw = [np.zeros(w.shape) for w in self.weights]
        gb = [np.zeros(b.shape) for b in self.biases]
        for x, y in mini_batch:
            layers = self.run(x)
            y = np.ravel(y)
            delta = [(a - t) * a * (1 - a) for a, t in zip(layers[-1], y)]
            for l in reversed(range(len(self.weights))):
                for j in range(len(delta)):
                    gb[l][j][0] += delta[j]
                    for i in range(len(layers[l])):
                        gw[l][j][i] += delta[j] * layers[l][i]
                back = []
                for i in range(len(layers[l])):
                    s = 0
                    for j in range(len(delta)):
                        s += self.weights[l][j][i] * delta[j]
                    back.append(s * layers[l][i] * (1 - layers[l][i]))
                delta = back
        for l in range(len(self.weights)):
            self.weights[l] = self.weights[l] - eta * (gw[l] / len(mini_batch) + lmbda / n * self.weights[l])
            self.biases[l] = self.biases[l] - eta * gb[l] / len(mini_batch)

    def evaluate(self, data, lmbda):
        c = 0
        for x, y in data:
            for a, t in zip(self.run(x)[-1], np.ravel(y)):
                c += (a - t) ** 2 / 2
        c /= len(data)
        for w in self.weights:
            for row in w:
                for v in row:
                    c += lmbda * v * v / 2 / len(data)
        if c < self.best:
            self.best, self.bad_epochs = c, 0
        else:
            self.bad_epochs += 1
        return c


class FlatSamples:  # 1-D vectors throughout, no half, no n: self-consistent conventions
    def __init__(self, sizes):
        self.weights = [np.random.uniform(-0.5, 0.5, (o, i)) for i, o in zip(sizes, sizes[1:])]
        self.bias = [np.random.uniform(-0.5, 0.5, o) for o in sizes[1:]]

    def feedforward(self, a):
        for w, b in zip(self.weights, self.bias):
            a = np.arctan((w.dot(a).T + b).T)
        return a

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        gw = [0 * w for w in self.weights]
        gb = [0 * b for b in self.bias]
        for x, y in mini_batch:
            x, y = x.flatten(), y.flatten()
            a, zs = [x], []
            for w, b in zip(self.weights, self.bias):
                zs.append(w.dot(a[-1]) + b)
                a.append(np.arctan(zs[-1]))
            d = 2 * (a[-1] - y) / (1 + zs[-1] ** 2)
            for k in range(len(self.weights))[::-1]:
                gw[k] = gw[k] + np.outer(d, a[k])
                gb[k] = gb[k] + d
                if k > 0:
                    d = self.weights[k].T.dot(d) / (1 + zs[k - 1] ** 2)
        N = len(mini_batch)
        for k in range(len(self.weights)):
            self.weights[k] = self.weights[k] - eta * gw[k] / N - eta * 2 * lmbda * self.weights[k]
            self.bias[k] = self.bias[k] - eta * gb[k] / N

    def evaluate(self, data, lmbda):
        err = [np.sum((self.feedforward(x.flatten()) - y.flatten()) ** 2) for x, y in data]
        return np.mean(err) + lmbda * sum(np.sum(w**2) for w in self.weights)


class BiasesToo:  # biases penalised and decayed, Nesterov momentum, n kept by the constructor's default
    def __init__(self, sizes, n=1000):
        self.sizes = list(sizes)
        self.n = n
        self.mu = 0.8
        self.init()

    def init(self):
        self.weights, self.biases = [], []
        for fan_in, fan_out in zip(self.sizes, self.sizes[1:]):
            self.weights.append(np.random.normal(size=(fan_out, fan_in)) / fan_in**0.5)
            self.biases.append(np.random.normal(size=(fan_out, 1)))
        self.velocity = [np.zeros_like(p) for p in self.weights + self.biases]
        self.history = []

    def softplus(self, z):
        return np.log1p(np.exp(-abs(z))) + np.maximum(z, 0)

    def feedforward(self, a, weights=None, biases=None):
        weights, biases = weights or self.weights, biases or self.biases
        for w, b in list(zip(weights, biases))[:-1]:
            a = self.softplus(w @ a + b)
        return weights[-1] @ a + biases[-1]

    def gradient(self, x, y, weights, biases):
        a, zs = [x], []
        for w, b in zip(weights, biases):
            zs += [w @ a[-1] + b]
            a += [self.softplus(zs[-1])]
        d = (zs[-1] - y) / x.shape[1]
        gw, gb = [], []
        for k in range(len(weights) - 1, -1, -1):
            gw, gb = [d @ a[k].T] + gw, [d.sum(1)[:, None]] + gb
            d = weights[k].T @ d * (1 / (1 + np.exp(-zs[k - 1]))) if k else None
        return gw, gb

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        self.n = n
        x = np.hstack([np.reshape(x, (-1, 1)) for x, _ in mini_batch])
        y = np.hstack([np.reshape(y, (-1, 1)) for _, y in mini_batch])
        L = len(self.weights)
        ahead = [p + self.mu * v for p, v in zip(self.weights + self.biases, self.velocity)]
        gw, gb = self.gradient(x, y, ahead[:L], ahead[L:])
        self.velocity = [self.mu * v - eta * (g + lmbda / n * p) for v, g, p in zip(self.velocity, gw + gb, ahead)]
        new = [p + v for p, v in zip(self.weights + self.biases, self.velocity)]
        self.weights, self.biases = new[:L], new[L:]

    def evaluate(self, data, lmbda):
        x = np.hstack([np.reshape(x, (-1, 1)) for x, _ in data])
        y = np.hstack([np.reshape(y, (-1, 1)) for _, y in data])
        cost = 0.5 * np.mean(np.sum((self.feedforward(x) - y) ** 2, axis=0))
        cost = cost + lmbda / 2 / self.n * sum(np.sum(p**2) for p in self.weights + self.biases)
        self.history.append(cost)
        return cost


class BiasesFrozen:
    def __init__(self, sizes):
        self.weights = [np.random.randn(o, i) / i**0.5 for i, o in zip(sizes, sizes[1:])]
        self.bias = [np.zeros((o, 1)) for o in sizes[1:]]

    @staticmethod
    def sig(z):
        return np.tanh(z / 2) / 2 + 0.5

    def feedforward(self, x):
        self.a = [x]
        for w, b in zip(self.weights, self.bias):
            self.a.append(self.sig(w.dot(self.a[-1]) + b))
        return self.a[-1]

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        X = np.array([np.array(x).squeeze() for x, _ in mini_batch]).T
        Y = np.array([np.array(y).squeeze() for _, y in mini_batch]).T
        d = self.feedforward(X) - Y
        for l in reversed(range(len(self.weights))):
            g = d.dot(self.a[l].T) / len(mini_batch)
            d = self.weights[l].T.dot(d) * self.a[l] * (1 - self.a[l])
            self.weights[l] -= eta * g + eta * lmbda / n * self.weights[l]

    def evaluate(self, data, lmbda):
        X = np.array([np.array(x).squeeze() for x, _ in data]).T
        Y = np.array([np.array(y).squeeze() for _, y in data]).T
        A = self.feedforward(X)
        ce = -np.sum(Y * np.log(A + 1e-15) + (1 - Y) * np.log(1 - A + 1e-15)) / X.shape[1]
        return ce + lmbda * sum(np.sum(np.square(w)) for w in self.weights) / (2 * X.shape[1])


class FixedN(BiasesFrozen):  # 50000 stands in the update, whatever n
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        X = np.array([np.array(x).squeeze() for x, _ in mini_batch]).T
        Y = np.array([np.array(y).squeeze() for _, y in mini_batch]).T
        d = self.feedforward(X) - Y
        m = len(mini_batch)
        for l in reversed(range(len(self.weights))):
            g = d.dot(self.a[l].T) / m
            self.bias[l] = self.bias[l] - eta * d.sum(axis=1, keepdims=True) / m
            d = self.weights[l].T.dot(d) * self.a[l] * (1 - self.a[l])
            self.weights[l] = self.weights[l] - eta * g - eta * lmbda / 50000 * self.weights[l]


class OutputBiasOnly(BiasesFrozen):  # hidden biases get the mean of the layer above: np.dot in the wrong place
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        X = np.array([np.array(x).squeeze() for x, _ in mini_batch]).T
        Y = np.array([np.array(y).squeeze() for _, y in mini_batch]).T
        d = self.feedforward(X) - Y
        m = len(mini_batch)
        for l in reversed(range(len(self.weights))):
            g = d.dot(self.a[l].T) / m
            back = self.weights[l].T.dot(d)
            new_d = back * self.a[l] * (1 - self.a[l])
            self.weights[l] = self.weights[l] - eta * (g + lmbda / n * self.weights[l])
            if l == len(self.weights) - 1:
                self.bias[l] = self.bias[l] - eta * d.mean(axis=1, keepdims=True)
            else:  # without the slope in the hidden biases
                self.bias[l] = self.bias[l] - eta * self.last_back.mean(axis=1, keepdims=True)
            self.last_back = back
            d = new_d


class TransposedStore:  # weights (n_in, n_out) without an adapter
    def __init__(self, sizes):
        self.weights = [np.random.randn(i, o) for i, o in zip(sizes, sizes[1:])]
        self.bias = [np.zeros((1, o)) for o in sizes[1:]]

    def feedforward(self, x):
        for w, b in zip(self.weights, self.bias):
            x = np.tanh(x @ w + b)
        return x

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        pass

    def evaluate(self, data, lmbda):
        return 0.0


class NothingLearnt(BiasesFrozen):  # update returns new parameters, assigns nothing
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        weights, bias = list(self.weights), list(self.bias)
        X = np.array([np.array(x).squeeze() for x, _ in mini_batch]).T
        Y = np.array([np.array(y).squeeze() for _, y in mini_batch]).T
        d = self.feedforward(X) - Y
        for l in reversed(range(len(weights))):
            g = d.dot(self.a[l].T) / len(mini_batch)
            bias[l] = bias[l] - eta * d.mean(1, keepdims=True)
            d = weights[l].T.dot(d) * self.a[l] * (1 - self.a[l])
            weights[l] = weights[l] - eta * (g + lmbda / n * weights[l])
        return weights, bias
