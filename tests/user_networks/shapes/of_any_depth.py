"""Networks of any depth that are not Nielsen's, as people write them."""

import numpy as np


def sig(x):
    return 1.0 / (1.0 + np.exp(-x))


class MLP:  # scikit-learn's manners: hidden sizes, partial_fit, integer labels
    def __init__(self, n_inputs, hidden_layers, n_outputs, learning_rate=0.1, alpha_reg=0.0):
        layers = [n_inputs, *hidden_layers, n_outputs]
        self.coefs_ = [np.random.rand(i, j) - 0.5 for i, j in zip(layers, layers[1:])]
        self.intercepts_ = [np.random.rand(j) - 0.5 for j in layers[1:]]
        self.learning_rate = learning_rate

    def _forward(self, X):
        acts = [X]
        for k, (w, b) in enumerate(zip(self.coefs_, self.intercepts_)):
            z = acts[-1] @ w + b
            if k < len(self.coefs_) - 1:
                acts.append(np.tanh(z))
            else:
                e = np.exp(z - z.max(axis=1, keepdims=True))
                acts.append(e / e.sum(axis=1, keepdims=True))
        return acts

    def predict_proba(self, X):
        return self._forward(X)[-1]

    def predict(self, X):
        return np.argmax(self.predict_proba(X), axis=1)

    def partial_fit(self, X, y):
        acts = self._forward(X)
        delta = acts[-1] - np.eye(acts[-1].shape[1])[y]
        for k in range(len(self.coefs_) - 1, -1, -1):
            dw, db = acts[k].T @ delta / len(X), delta.mean(axis=0)
            delta = delta @ self.coefs_[k].T * (1 - acts[k] ** 2)
            self.coefs_[k] -= self.learning_rate * dw
            self.intercepts_[k] -= self.learning_rate * db
        return self


class Online:  # one example a step, columns
    def __init__(self, sizes, lr):
        self.lr = lr
        self.W = [np.random.randn(j, i) * 0.6 for i, j in zip(sizes, sizes[1:])]
        self.B = [np.random.randn(j, 1) * 0.3 for j in sizes[1:]]

    def predict(self, x):
        for w, b in zip(self.W, self.B):
            x = sig(w @ x + b)
        return x

    def train_one(self, x, target):
        outs = [x.reshape(-1, 1)]
        for w, b in zip(self.W, self.B):
            outs.append(sig(w @ outs[-1] + b))
        err = (outs[-1] - target.reshape(-1, 1)) * outs[-1] * (1 - outs[-1])
        for k in range(len(self.W) - 1, -1, -1):
            down = (self.W[k].T @ err) * outs[k] * (1 - outs[k])
            self.W[k] = self.W[k] - self.lr * err @ outs[k].T
            self.B[k] = self.B[k] - self.lr * err
            err = down


class OnlineFlat:  # one example a step, one-dimensional, integer label
    def __init__(self, dims):
        self.weights = [np.random.randn(j, i) * 0.6 for i, j in zip(dims, dims[1:])]
        self.biases = [np.zeros(j) for j in dims[1:]]

    def activate(self, x):
        for w, b in zip(self.weights, self.biases):
            x = sig(np.dot(w, x) + b)
        return x

    def learn(self, x, label, rate):
        outs = [np.asarray(x)]
        for w, b in zip(self.weights, self.biases):
            outs.append(sig(np.dot(w, outs[-1]) + b))
        target = np.zeros(len(outs[-1]))
        target[label] = 1
        err = outs[-1] - target
        for k in reversed(range(len(self.weights))):
            below = np.dot(self.weights[k].T, err) * outs[k] * (1 - outs[k])
            self.weights[k] -= rate * np.outer(err, outs[k])
            self.biases[k] -= rate * err
            err = below


class MomentumArgument:  # Nielsen's but for one more argument, and no n
    def __init__(self, sizes):
        self.sizes = sizes
        self.weights = [np.random.randn(j, i) / np.sqrt(i) for i, j in zip(sizes, sizes[1:])]
        self.biases = [np.random.randn(j, 1) for j in sizes[1:]]
        self.v = [np.zeros(w.shape) for w in self.weights]

    def feedforward(self, a):
        for w, b in zip(self.weights, self.biases):
            a = sig(np.dot(w, a) + b)
        return a

    def update_mini_batch(self, mini_batch, eta, mu):
        grads = [np.zeros(w.shape) for w in self.weights], [np.zeros(b.shape) for b in self.biases]
        for x, y in mini_batch:
            acts = [x]
            for w, b in zip(self.weights, self.biases):
                acts.append(sig(np.dot(w, acts[-1]) + b))
            d = (acts[-1] - y) * acts[-1] * (1 - acts[-1])
            for k in reversed(range(len(self.weights))):
                grads[0][k] += d @ acts[k].T
                grads[1][k] += d
                d = self.weights[k].T @ d * acts[k] * (1 - acts[k])
        m = len(mini_batch)
        self.v = [mu * v - eta / m * g for v, g in zip(self.v, grads[0])]
        self.weights = [w + v for w, v in zip(self.weights, self.v)]
        self.biases = [b - eta / m * g for b, g in zip(self.biases, grads[1])]


class Elastic:  # an L1 ratio, a flag, and a list of pairs
    def __init__(self, layers):
        self.w = [np.random.randn(j, i) / np.sqrt(i) for i, j in zip(layers, layers[1:])]
        self.b = [np.random.randn(j, 1) for j in layers[1:]]

    def forward(self, a):
        for w, b in zip(self.w, self.b):
            a = sig(w @ a + b)
        return a

    def update_batch(self, batch, lr, l1_ratio, reg, n, verbose=False):
        x = np.hstack([p[0].reshape(-1, 1) for p in batch])
        y = np.hstack([p[1].reshape(-1, 1) for p in batch])
        acts = [x]
        for w, b in zip(self.w, self.b):
            acts.append(sig(w @ acts[-1] + b))
        d = (acts[-1] - y) / len(batch)
        for k in reversed(range(len(self.w))):
            dw, db = d @ acts[k].T, d.sum(axis=1, keepdims=True)
            d = self.w[k].T @ d * acts[k] * (1 - acts[k])
            dw = dw + reg / n * ((1 - l1_ratio) * self.w[k] + l1_ratio * np.sign(self.w[k]))
            self.w[k] = self.w[k] - lr * dw
            self.b[k] = self.b[k] - lr * db
        if verbose:
            print("updated")

    def cost(self, batch, reg, n):
        total = 0.0
        for x, y in batch:
            a = self.forward(x.reshape(-1, 1))
            y = y.reshape(-1, 1)
            total -= float(np.sum(y * np.log(a) + (1 - y) * np.log(1 - a)))
        return total / len(batch) + 0.5 * reg / n * sum(np.sum(w**2) for w in self.w)


class FitOnly:  # only fit with epochs and a batch size
    def __init__(self, layer_dims):
        self.parameters = {}
        for l in range(1, len(layer_dims)):
            self.parameters[f"W{l}"] = np.random.randn(layer_dims[l], layer_dims[l - 1]) * 0.5
            self.parameters[f"b{l}"] = np.zeros((layer_dims[l], 1))
        self.L = len(layer_dims) - 1
        self.costs = []

    def L_model_forward(self, X):
        A, caches = X, []
        for l in range(1, self.L + 1):
            Z = self.parameters[f"W{l}"] @ A + self.parameters[f"b{l}"]
            caches.append((A, Z))
            A = sig(Z) if l == self.L else np.maximum(0, Z)
        return A, caches

    def compute_cost(self, AL, Y):
        return -np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)) / Y.shape[1]

    def fit(self, X, Y, num_iterations=3000, learning_rate=0.0075, print_cost=False):
        for i in range(num_iterations):
            AL, caches = self.L_model_forward(X)
            dZ = (AL - Y) / X.shape[1]
            grads = {}
            for l in range(self.L, 0, -1):
                A, _ = caches[l - 1]
                grads[f"W{l}"], grads[f"b{l}"] = dZ @ A.T, dZ.sum(axis=1, keepdims=True)
                if l > 1:
                    dZ = self.parameters[f"W{l}"].T @ dZ * (caches[l - 2][1] > 0)
            for key in self.parameters:
                self.parameters[key] -= learning_rate * grads[key]
            if print_cost and i % 100 == 0:
                self.costs.append(self.compute_cost(AL, Y))


class Private:  # mangled names, forward by call, a cost class, a step with gradients
    def __init__(self, topology, cost):
        self.__weights = [np.random.randn(i, j) * 0.7 for i, j in zip(topology, topology[1:])]
        self.__biases = [np.zeros((1, j)) for j in topology[1:]]
        self.kind = cost

    def __call__(self, x):
        for w, b in zip(self.__weights, self.__biases):
            x = sig(x @ w + b)
        return x

    def gradients(self, x, y):
        acts = [x]
        for w, b in zip(self.__weights, self.__biases):
            acts.append(sig(acts[-1] @ w + b))
        d = (acts[-1] - y) / len(x)
        found = []
        for k in reversed(range(len(self.__weights))):
            found.insert(0, (acts[k].T @ d, d.sum(axis=0, keepdims=True)))
            d = d @ self.__weights[k].T * acts[k] * (1 - acts[k])
        return found

    def apply_gradients(self, grads, lr):
        for k, (dw, db) in enumerate(grads):
            self.__weights[k] = self.__weights[k] - lr * dw
            self.__biases[k] = self.__biases[k] - lr * db


class Summed:  # the gradient is summed, nothing is reported, names in another language's manner
    def __init__(self, shape):
        self.weightMatrices = [np.random.uniform(-1, 1, (i, j)) for i, j in zip(shape, shape[1:])]
        self.biasVectors = [np.random.uniform(-1, 1, j) for j in shape[1:]]

    def feedForward(self, inputs):
        self.layerOutputs = [np.atleast_2d(inputs)]
        for w, b in zip(self.weightMatrices, self.biasVectors):
            self.layerOutputs.append(sig(self.layerOutputs[-1].dot(w) + b))
        return self.layerOutputs[-1]

    def backPropagate(self, inputs, targets, learningRate):
        out = self.feedForward(inputs)
        delta = (out - targets) * out * (1 - out)
        for k in range(len(self.weightMatrices) - 1, -1, -1):
            a = self.layerOutputs[k]
            following = delta.dot(self.weightMatrices[k].T) * a * (1 - a)
            self.weightMatrices[k] -= learningRate * a.T.dot(delta)
            self.biasVectors[k] -= learningRate * delta.sum(axis=0)
            delta = following


class Flattened:  # one long vector of parameters, layers as views of it
    def __init__(self, widths):
        count = sum(i * j + j for i, j in zip(widths, widths[1:]))
        self.theta = np.random.randn(count) * 0.5
        self.W, self.b, start = [], [], 0
        for i, j in zip(widths, widths[1:]):
            self.W.append(self.theta[start : start + i * j].reshape(i, j))
            self.b.append(self.theta[start + i * j : start + i * j + j])
            start += i * j + j

    def outputs(self, x):
        for w, b in zip(self.W, self.b):
            x = np.tanh(x @ w + b)
        return 0.5 * (1 + x)

    def step(self, x, y, eta):
        acts = [x]
        for w, b in zip(self.W, self.b):
            acts.append(np.tanh(acts[-1] @ w + b))
        d = (0.5 * (1 + acts[-1]) - y) * 0.5 * (1 - acts[-1] ** 2) / len(x)
        for k in reversed(range(len(self.W))):
            dw, db = acts[k].T @ d, d.sum(axis=0)
            d = d @ self.W[k].T * (1 - acts[k] ** 2)
            self.W[k] -= eta * dw
            self.b[k] -= eta * db

    def mse(self, x, y):
        return 0.5 * np.sum((self.outputs(x) - y) ** 2) / len(x)


class WithOptimizer:  # the rate lives in an optimiser object
    class SGD:
        def __init__(self, lr=0.1, weight_decay=0.0):
            self.lr, self.weight_decay = lr, weight_decay

        def apply(self, p, g, decay=True):
            p -= self.lr * (g + (self.weight_decay * p if decay else 0.0))

    def __init__(self, layer_sizes, activation):
        self.opt = WithOptimizer.SGD()
        self.activation = activation
        self.Ws = [np.random.randn(i, j) / np.sqrt(i) for i, j in zip(layer_sizes, layer_sizes[1:])]
        self.bs = [np.zeros(j) for j in layer_sizes[1:]]

    def _act(self, z):
        return np.maximum(z, 0) if self.activation == "relu" else sig(z)

    def forward(self, X, training=False):
        self.acts = [X]
        for k, (w, b) in enumerate(zip(self.Ws, self.bs)):
            z = self.acts[-1] @ w + b
            self.acts.append(self._act(z) if k < len(self.Ws) - 1 else sig(z))
        return self.acts[-1]

    def train_batch(self, X_batch, y_batch):
        d = (self.forward(X_batch, training=True) - y_batch) / len(X_batch)
        for k in reversed(range(len(self.Ws))):
            a = self.acts[k]
            dw, db = a.T @ d, d.sum(axis=0)
            d = d @ self.Ws[k].T * ((a > 0) if self.activation == "relu" else a * (1 - a))
            self.opt.apply(self.Ws[k], dw)
            self.opt.apply(self.bs[k], db, decay=False)

    def loss(self, y_pred, y_true):
        return -np.mean(np.sum(y_true * np.log(y_pred) + (1 - y_true) * np.log(1 - y_pred), axis=1))
