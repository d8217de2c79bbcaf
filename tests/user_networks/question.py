"""A class of the question's shape: a mini-batch becomes one matrix, samples in columns. Its two formulas as asked."""

import numpy as np


class QuadraticCost:
    @staticmethod
    def apply(a, y):
        return 0.5 * np.sum((a - y) ** 2) / y.shape[1]

    @staticmethod
    def derivative(a, y):
        return a - y


class Network:
    def __init__(self, sizes, cost_func=QuadraticCost):
        self.bias = [np.random.randn(n, 1) for n in sizes[1:]]
        self.weights = [np.random.randn(n_out, n_in) for n_in, n_out in zip(sizes[:-1], sizes[1:])]
        self.cost_func = cost_func

    @staticmethod
    def activate(z):
        return 1 / (1 + np.exp(-z))

    @staticmethod
    def slope(z):
        return Network.activate(z) * (1 - Network.activate(z))

    def feedforward(self, a):
        for b, w in zip(self.bias, self.weights):
            a = self.activate(w @ a + b)
        return a

    def backprop(self, x, y):
        zs, activations = [], [x]
        for b, w in zip(self.bias, self.weights):
            zs.append(w @ activations[-1] + b)
            activations.append(self.activate(zs[-1]))
        delta = self.cost_func.derivative(activations[-1], y) * self.slope(zs[-1])
        gradient_b, gradient_w = [], []
        for layer in reversed(range(len(self.weights))):
            gradient_b.insert(0, delta.sum(axis=1, keepdims=True))
            gradient_w.insert(0, delta @ activations[layer].T)
            if layer:
                delta = (self.weights[layer].T @ delta) * self.slope(zs[layer - 1])
        return gradient_b, gradient_w

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        x, y = (np.array(list(side)).transpose() for side in zip(*mini_batch))
        gradient_b, gradient_w = self.backprop(x, y)
        self.bias = [b - (eta / len(mini_batch)) * db for b, db in zip(self.bias, gradient_b)]
        self.weights = [
            (1 - eta * (lmbda / n)) * w - (eta / len(mini_batch)) * dw for w, dw in zip(self.weights, gradient_w)
        ]

    def evaluate(self, data, lmbda):
        x, y = (np.array(list(side)).transpose() for side in zip(*data))
        output = self.feedforward(x)
        cost = self.cost_func.apply(output, y)
        cost += lmbda / (2 * y.shape[1]) * sum(np.linalg.norm(w) ** 2 for w in self.weights)
        return cost, np.sum(output.argmax(axis=0) == y.argmax(axis=0))
