"""Networks made of layer objects, as people write them."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out) * np.sqrt(1 / n_in)
        self.b = np.zeros((1, n_out))

    def forward(self, x):
        self.x = x
        self.a = sigmoid(x @ self.W + self.b)
        return self.a

    def backward(self, grad, lr):
        delta = grad * self.a * (1 - self.a)
        down = delta @ self.W.T
        self.W -= lr * self.x.T @ delta
        self.b -= lr * delta.sum(axis=0, keepdims=True)
        return down


class LayersInRows:  # forward, backward with the learning rate, mean squared error
    def __init__(self, layer_sizes):
        self.layers = [Dense(a, b) for a, b in zip(layer_sizes[:-1], layer_sizes[1:])]

    def forward(self, X):
        for layer in self.layers:
            X = layer.forward(X)
        return X

    def train_step(self, X, y, lr):
        out = self.forward(X)
        grad = (out - y) / len(X)
        for layer in reversed(self.layers):
            grad = layer.backward(grad, lr)
        return 0.5 * np.mean(np.sum((out - y) ** 2, axis=1))

    def loss(self, X, y):
        return 0.5 * np.mean(np.sum((self.forward(X) - y) ** 2, axis=1))


class Neurons:  # weights of a layer object in columns, optimiser settings in the constructor
    class Layer:
        def __init__(self, inputs, units, activation):
            self.weights = np.random.normal(0, inputs**-0.5, (units, inputs))
            self.biases = np.random.normal(0, 0.1, (units, 1))
            self.activation = activation

        def __call__(self, a):
            self.inp = a
            z = self.weights @ a + self.biases
            self.out = np.tanh(z) if self.activation == "tanh" else sigmoid(z)
            return self.out

    def __init__(self, architecture, learning_rate, activation="tanh"):
        self.lr = learning_rate
        self.net = []
        for k in range(1, len(architecture)):
            last = k == len(architecture) - 1
            self.net.append(Neurons.Layer(architecture[k - 1], architecture[k], "sigmoid" if last else activation))

    def feed_forward(self, a):
        for layer in self.net:
            a = layer(a)
        return a

    def train_on_batch(self, X, Y):
        self.feed_forward(X)
        delta = self.net[-1].out - Y
        steps = []
        for k in reversed(range(len(self.net))):
            layer = self.net[k]
            steps.append((layer, delta @ layer.inp.T / X.shape[1], delta.mean(axis=1, keepdims=True)))
            if k:
                delta = (layer.weights.T @ delta) * (1 - layer.inp**2)
        for layer, dw, db in steps:
            layer.weights -= self.lr * dw
            layer.biases -= self.lr * db


class Softmaxed:  # a list of layers and a softmax, integer labels, ridge as an attribute
    class _Fc:
        __slots__ = ("w", "b", "cache")

        def __init__(self, fan_in, fan_out):
            self.w = np.random.randn(fan_in, fan_out) * np.sqrt(2 / fan_in)
            self.b = np.zeros(fan_out)

    def __init__(self, dims, lr=0.1, weight_decay=0.0):
        self.lr, self.weight_decay = lr, weight_decay
        self.blocks = [self._Fc(i, o) for i, o in zip(dims, dims[1:])]

    def predict_proba(self, X):
        for n, block in enumerate(self.blocks):
            block.cache = X
            X = X @ block.w + block.b
            if n < len(self.blocks) - 1:
                X = np.maximum(X, 0)
        e = np.exp(X - X.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)

    def compute_loss(self, X, y):
        p = self.predict_proba(X)
        reg = 0.5 * self.weight_decay * sum((block.w**2).sum() for block in self.blocks)
        return -np.log(p[np.arange(len(y)), y]).mean() + reg

    def fit_batch(self, X, y):
        g = self.predict_proba(X)
        g[np.arange(len(y)), y] -= 1
        g /= len(y)
        for n in reversed(range(len(self.blocks))):
            block = self.blocks[n]
            dw, db = block.cache.T @ g + self.weight_decay * block.w, g.sum(axis=0)
            if n:
                g = (g @ block.w.T) * (block.cache > 0)
            block.w -= self.lr * dw
            block.b -= self.lr * db


class ForwardBackwardUpdate:  # three methods, gradients kept in the layers
    class Linear:
        def __init__(self, in_features, out_features):
            bound = 1 / np.sqrt(in_features)
            self.weight = np.random.uniform(-bound, bound, (out_features, in_features))
            self.bias = np.random.uniform(-bound, bound, out_features)
            self.dweight = np.zeros_like(self.weight)
            self.dbias = np.zeros_like(self.bias)

    def __init__(self, sizes):
        self.layers = [self.Linear(i, o) for i, o in zip(sizes, sizes[1:])]

    def forward(self, x):
        self.acts = [x]
        for layer in self.layers:
            self.acts.append(sigmoid(self.acts[-1] @ layer.weight.T + layer.bias))
        return self.acts[-1]

    def backward(self, target):
        delta = (self.acts[-1] - target) / len(target)
        for k in range(len(self.layers) - 1, -1, -1):
            layer = self.layers[k]
            layer.dweight = delta.T @ self.acts[k]
            layer.dbias = delta.sum(0)
            delta = delta @ layer.weight * self.acts[k] * (1 - self.acts[k])

    def update(self, lr):
        for layer in self.layers:
            layer.weight -= lr * layer.dweight
            layer.bias -= lr * layer.dbias


class LayerDicts:  # a list of dicts, one for each layer
    def __init__(self, nn_architecture, seed=99):
        rng = np.random.RandomState(seed)
        self.params = []
        for i, o in zip(nn_architecture, nn_architecture[1:]):
            self.params.append({"W": rng.randn(o, i) * 0.4, "b": rng.randn(o, 1) * 0.1})

    def full_forward_propagation(self, X):
        memory = [X]
        for p in self.params:
            memory.append(sigmoid(np.dot(p["W"], memory[-1]) + p["b"]))
        return memory[-1], memory

    def forward(self, X):
        return self.full_forward_propagation(X)

    def get_cost_value(self, Y_hat, Y):
        m = Y_hat.shape[1]
        return float(-np.sum(Y * np.log(Y_hat) + (1 - Y) * np.log(1 - Y_hat)) / m)

    def train(self, X, Y, epochs, learning_rate, verbose=True):
        for i in range(epochs):
            Y_hat, memory = self.full_forward_propagation(X)
            if verbose:
                print(f"Iteration {i}: {self.get_cost_value(Y_hat, Y)}")
            dZ = (Y_hat - Y) / X.shape[1]
            new = []
            for k in reversed(range(len(self.params))):
                p = self.params[k]
                new.insert(0, (dZ @ memory[k].T, dZ.sum(axis=1, keepdims=True)))
                dZ = (p["W"].T @ dZ) * memory[k] * (1 - memory[k])
            for p, (dW, db) in zip(self.params, new):
                p["W"] -= learning_rate * dW
                p["b"] -= learning_rate * db
