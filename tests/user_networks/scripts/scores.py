"""loss(X) returns scores, loss(X, y, reg) the loss and a dict of gradients; steps are taken elsewhere, or of a draw."""

import numpy as np


class TwoLayerNet:
    def __init__(self, input_size, hidden_size, output_size, std=0.5):
        self.params = {
            "W1": std * np.random.randn(input_size, hidden_size),
            "b1": np.zeros(hidden_size),
            "W2": std * np.random.randn(hidden_size, output_size),
            "b2": np.zeros(output_size),
        }

    def loss(self, X, y=None, reg=0.0):
        W1, b1, W2, b2 = (self.params[name] for name in ("W1", "b1", "W2", "b2"))
        hidden = np.maximum(0, X @ W1 + b1)
        scores = hidden @ W2 + b2
        if y is None:
            return scores
        rows = np.arange(len(X))
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        loss = -np.mean(np.log(p[rows, y])) + 0.5 * reg * (np.sum(W1**2) + np.sum(W2**2))
        p[rows, y] -= 1
        p /= len(X)
        d_hidden = (p @ W2.T) * (hidden > 0)
        grads = {"W2": hidden.T @ p + reg * W2, "b2": p.sum(axis=0)}
        grads |= {"W1": X.T @ d_hidden + reg * W1, "b1": d_hidden.sum(axis=0)}
        return loss, grads

    def predict(self, X):
        return np.argmax(self.loss(X), axis=1)
