"""Layers that want each sample as a row of its own, (m, 1, n), and learn from one at a time."""

import numpy as np


class Dense:
    def __init__(self, n_in, n_out):
        self.weights = np.random.rand(n_in, n_out) - 0.5
        self.bias = np.random.rand(1, n_out) - 0.5

    def forward_propagation(self, given):
        self.input = given
        return np.dot(given, self.weights) + self.bias

    def backward_propagation(self, error, learning_rate):
        before = np.dot(error, self.weights.T)
        self.weights -= learning_rate * np.dot(self.input.T, error)
        self.bias -= learning_rate * error
        return before


class Tanh:
    def forward_propagation(self, given):
        self.input = given
        return np.tanh(given)

    def backward_propagation(self, error, learning_rate):
        return (1 - np.tanh(self.input) ** 2) * error


class Stacked:
    def __init__(self, sizes):
        self.layers = []
        for n_in, n_out in zip(sizes[:-1], sizes[1:]):
            self.layers += [Dense(n_in, n_out), Tanh()]

    def predict(self, input_data):
        found = []
        for sample in input_data:
            out = sample
            for layer in self.layers:
                out = layer.forward_propagation(out)
            found.append(out)
        return found

    def fit(self, x_train, y_train, epochs, learning_rate):
        for _ in range(epochs):
            cost = 0
            for x, y in zip(x_train, y_train):
                out = x
                for layer in self.layers:
                    out = layer.forward_propagation(out)
                cost += np.mean((y - out) ** 2)
                error = 2 * (out - y) / y.size
                for layer in reversed(self.layers):
                    error = layer.backward_propagation(error, learning_rate)
            print("error", cost / len(x_train))
