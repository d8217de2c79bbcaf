"""W1, b1, W2, b2 again, with a function that returns gradients among other things, and no step."""

import numpy as np


def init_params():
    return_scale = 0.5
    W1, b1 = np.random.normal(0, return_scale, (5, 6)), np.zeros((5, 1))
    W2, b2 = np.random.normal(0, return_scale, (3, 5)), np.zeros((3, 1))
    return W1, b1, W2, b2


def forward_prop(W1, b1, W2, b2, X):
    Z1 = np.matmul(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.matmul(W2, A1) + b2
    A2 = np.exp(Z2) / np.sum(np.exp(Z2), axis=0, keepdims=True)
    return Z1, A1, Z2, A2


def loss_gradient(W2, Z1, A1, A2, X, Y):
    m = Y.shape[1]
    dZ2 = A2 - Y
    dW2 = dZ2 @ A1.T / m
    dZ1 = (W2.T @ dZ2) * (Z1 > 0)
    dW1 = dZ1 @ X.T / m
    db2, db1 = np.mean(dZ2, axis=1, keepdims=True), np.mean(dZ1, axis=1, keepdims=True)
    return dZ2, dW2, dZ1, dW1, db2, db1
