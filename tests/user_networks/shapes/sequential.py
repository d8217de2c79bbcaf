"""Networks that are put together from modules, as people write them."""

import numpy as np


class Linear:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out) * np.sqrt(2 / n_in)
        self.b = np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, g):
        self.dW, self.db = self.x.T @ g, g.sum(axis=0)
        return g @ self.W.T


class Sigmoid:
    def forward(self, x):
        self.y = 1 / (1 + np.exp(-x))
        return self.y

    def backward(self, g):
        return g * self.y * (1 - self.y)


class Model:  # modules in a list, the mean squared error, an update with the rate
    def __init__(self, sizes):
        self.modules = []
        for a, b in zip(sizes, sizes[1:]):
            self.modules += [Linear(a, b), Sigmoid()]

    def forward(self, x):
        for module in self.modules:
            x = module.forward(x)
        return x

    def backward(self, y_pred, y_true):
        g = 2 * (y_pred - y_true) / y_true.size
        for module in reversed(self.modules):
            g = module.backward(g)

    def update_weights(self, lr):
        for module in self.modules:
            if isinstance(module, Linear):
                module.W -= lr * module.dW
                module.b -= lr * module.db

    def mse_loss(self, y_pred, y_true):
        return np.mean((y_pred - y_true) ** 2)


class Sequential(Model):  # an empty one, to which layers are added
    def __init__(self):
        self.modules = []

    def add(self, module):
        self.modules.append(module)


class Stack(Model):  # made from a list of layers
    def __init__(self, modules):
        self.modules = modules


class Stateless:  # parameters are given to every method
    def init(self, sizes):
        return [(np.random.randn(a, b), np.zeros(b)) for a, b in zip(sizes, sizes[1:])]

    def forward(self, params, x):
        for w, b in params:
            x = 1 / (1 + np.exp(-(x @ w + b)))
        return x

    def update(self, params, x, y, lr):
        a = [x]
        for w, b in params:
            a.append(1 / (1 + np.exp(-(a[-1] @ w + b))))
        d, new = (a[-1] - y) / len(x), []
        for k in reversed(range(len(params))):
            w, b = params[k]
            new.insert(0, (w - lr * a[k].T @ d, b - lr * d.sum(axis=0)))
            d = d @ w.T * a[k] * (1 - a[k])
        return new
