"""A class that wants its layers described one by one."""

import numpy as np


class Network:
    def __init__(self, architecture, learning_rate=0.1):
        self.learning_rate = learning_rate
        self.weights, self.biases = {}, {}
        for k, layer in enumerate(architecture, 1):
            if layer["activation"] != "sigmoid":
                raise ValueError("sigmoid is all there is")
            self.weights[k] = np.random.randn(layer["input_dim"], layer["nodes"])
            self.biases[k] = np.random.randn(layer["nodes"], 1)

    def forward(self, X):
        self.A = [X]
        for k in self.weights:
            self.A.append(1 / (1 + np.exp(-(self.A[-1] @ self.weights[k] + self.biases[k].T))))
        return self.A[-1]

    def backward(self, Y, Y_hat):
        delta = (Y_hat - Y) / len(Y)
        self.dW, self.db = {}, {}
        for k in reversed(list(self.weights)):
            self.dW[k], self.db[k] = self.A[k - 1].T @ delta, delta.sum(axis=0)[:, None]
            delta = (delta @ self.weights[k].T) * self.A[k - 1] * (1 - self.A[k - 1])

    def update(self):
        for k in self.weights:
            self.weights[k] -= self.learning_rate * self.dW[k]
            self.biases[k] -= self.learning_rate * self.db[k]
