"""A class that holds no parameters: its methods hand a dict of them around."""

import numpy as np


class NeuralNetwork:
    def __init__(self, hidden_layer_size=3):
        self.hidden_layer_size = hidden_layer_size
        self.parameters = None

    def initialize(self, n_x, n_h, n_y):
        return {
            "W1": np.random.randn(n_h, n_x),
            "b1": np.zeros((n_h, 1)),
            "W2": np.random.randn(n_y, n_h),
            "b2": np.zeros((n_y, 1)),
        }

    def forward_propagation(self, X, parameters):
        A1 = np.tanh(parameters["W1"] @ X + parameters["b1"])
        A2 = 1 / (1 + np.exp(-(parameters["W2"] @ A1 + parameters["b2"])))
        return A2, {"A1": A1, "A2": A2}

    def compute_cost(self, A2, Y):
        return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1]

    def backward_propagation(self, parameters, cache, X, Y):
        m = X.shape[1]
        dZ2 = cache["A2"] - Y
        dZ1 = (parameters["W2"].T @ dZ2) * (1 - cache["A1"] ** 2)
        return {
            "dW1": dZ1 @ X.T / m,
            "db1": np.mean(dZ1, axis=1, keepdims=True),
            "dW2": dZ2 @ cache["A1"].T / m,
            "db2": np.mean(dZ2, axis=1, keepdims=True),
        }

    def update_parameters(self, parameters, grads, learning_rate=1.2):
        return {name: parameters[name] - learning_rate * grads["d" + name] for name in parameters}

    def predict(self, X):
        return np.where(self.forward_propagation(X, self.parameters)[0] > 0.5, 1, 0)
