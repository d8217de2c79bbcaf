"""A network of plain functions, its parameters in a dict, as people write it."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def initialize_parameters(layer_dims):
    parameters = {}
    for l in range(1, len(layer_dims)):
        parameters["W" + str(l)] = np.random.randn(layer_dims[l], layer_dims[l - 1]) * 0.5
        parameters["b" + str(l)] = np.zeros((layer_dims[l], 1))
    return parameters


def forward_propagation(X, parameters):
    caches, A = [], X
    for l in range(1, len(parameters) // 2 + 1):
        caches.append(A)
        A = sigmoid(np.dot(parameters["W" + str(l)], A) + parameters["b" + str(l)])
    return A, caches


def compute_cost(AL, Y):
    return -np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)) / Y.shape[1]


def backward_propagation(AL, Y, caches, parameters):
    grads, m = {}, Y.shape[1]
    dZ = AL - Y
    for l in range(len(caches), 0, -1):
        A = caches[l - 1]
        grads["dW" + str(l)] = np.dot(dZ, A.T) / m
        grads["db" + str(l)] = np.sum(dZ, axis=1, keepdims=True) / m
        dZ = np.dot(parameters["W" + str(l)].T, dZ) * A * (1 - A)
    return grads


def update_parameters(parameters, grads, learning_rate):
    new = {}
    for l in range(1, len(parameters) // 2 + 1):
        new["W" + str(l)] = parameters["W" + str(l)] - learning_rate * grads["dW" + str(l)]
        new["b" + str(l)] = parameters["b" + str(l)] - learning_rate * grads["db" + str(l)]
    return new
