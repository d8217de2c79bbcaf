"""Functions on a dict, made with n_x, n_h, n_y; right for one output only."""

import numpy as np


def initialize_parameters(n_x, n_h, n_y):
    W1, b1 = np.random.randn(n_h, n_x), np.zeros((n_h, 1))
    W2, b2 = np.random.randn(n_y, n_h), np.zeros((1, 1))
    parameters = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    return parameters


def forward_propagation(X, parameters):
    A1 = np.tanh(parameters["W1"] @ X + parameters["b1"])
    A2 = 1 / (1 + np.exp(-(parameters["W2"] @ A1 + parameters["b2"])))
    cache = {"A1": A1, "A2": A2}
    return A2, cache


def compute_cost(A2, Y):
    return float(-np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1])


def backward_propagation(parameters, cache, X, Y):
    m = X.shape[1]
    dZ2 = cache["A2"] - Y
    dZ1 = (parameters["W2"].T @ dZ2) * (1 - cache["A1"] ** 2)
    grads = {"dW1": dZ1 @ X.T / m, "db1": np.sum(dZ1, axis=1, keepdims=True) / m}
    grads |= {"dW2": dZ2 @ cache["A1"].T / m, "db2": np.sum(dZ2, axis=1, keepdims=True) / m}
    return grads


def update_parameters(parameters, grads, learning_rate=1.2):
    parameters = {name: parameters[name] - learning_rate * grads["d" + name] for name in parameters}
    return parameters


def nn_model(X, Y, n_h):
    parameters = initialize_parameters(len(X), n_h, len(Y))
    for _ in range(10000):
        A2, cache = forward_propagation(X, parameters)
        print(compute_cost(A2, Y))
        parameters = update_parameters(parameters, backward_propagation(parameters, cache, X, Y))
    return parameters


X_train = np.loadtxt("nowhere.csv", delimiter=",")
parameters = nn_model(X_train[:-1], X_train[-1:], 4)
