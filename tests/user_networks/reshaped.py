"""The generated classes in other shapes: the same numbers behind other names, layouts, labels and arguments."""

import numpy as np


class _Dense:
    def __init__(self, w, b):
        self.w, self.b = w, b


def _inner(base, weights, biases):
    """One of the generated networks with these parameters; (n_out, n_in) and (n_out, 1)."""
    network = base([w.shape[1] for w in weights] + [len(weights[-1])])
    network.weights, network.bias = [np.array(w) for w in weights], [np.array(b).reshape(-1, 1) for b in biases]
    return network


def _pairs(x, y):
    return [(np.asarray(a), np.asarray(b)) for a, b in zip(x, y)]


def params_dict(base):
    """Rows, W1 (n_in, n_out) and b1 in a dict, whole labels, a learning rate as an argument, no lambda."""

    class ParamsDict:
        def __init__(self, input_size, hidden_sizes, output_size):
            made = base([input_size, *hidden_sizes, output_size])
            self.params = {f"W{k}": w.T.copy() for k, w in enumerate(made.weights, 1)}
            self.params |= {f"b{k}": b.T.copy() for k, b in enumerate(made.bias, 1)}

        def _made(self):
            count = len(self.params) // 2
            weights = [self.params[f"W{k + 1}"].T for k in range(count)]
            return _inner(base, weights, [self.params[f"b{k + 1}"] for k in range(count)])

        def _hot(self, y):
            return np.eye(self.params[f"W{len(self.params) // 2}"].shape[1])[y]

        def predict_proba(self, X):
            return self._made().feedforward(np.asarray(X).T).T

        def loss(self, X, y):
            return self._made().evaluate(_pairs(X, self._hot(y)), 0.0)[0]

        def train_step(self, X, y, learning_rate):
            made = self._made()
            made.update_mini_batch(_pairs(X, self._hot(y)), learning_rate, 0.0, len(X))
            for k, (w, b) in enumerate(zip(made.weights, made.bias), 1):
                self.params[f"W{k}"], self.params[f"b{k}"] = w.T.copy(), b.T.copy()

    return ParamsDict


def layer_objects(base):
    """A list of layers, rows, one-hot targets, the learning rate an attribute."""

    class LayerObjects:
        def __init__(self, layer_sizes, lr=0.1):
            made = base(layer_sizes)
            self.layers, self.lr = [_Dense(w.copy(), b.copy()) for w, b in zip(made.weights, made.bias)], lr

        def _made(self):
            return _inner(base, [layer.w for layer in self.layers], [layer.b for layer in self.layers])

        def forward(self, X):
            return self._made().feedforward(np.asarray(X).T).T

        def compute_loss(self, X, Y):
            return self._made().evaluate(_pairs(X, Y), 0.0)[0]

        def fit_batch(self, X, Y):
            made = self._made()
            made.update_mini_batch(_pairs(X, Y), self.lr, 0.0, len(X))
            for layer, w, b in zip(self.layers, made.weights, made.bias):
                layer.w, layer.b = w, b

    return LayerObjects


def rows_with_lambda(base):
    """Rows, weights (n_in, n_out), and all of eta, lambda and n."""

    class RowsWithLambda:
        def __init__(self, sizes):
            made = base(sizes)
            self.W, self.b, self.n = [w.T.copy() for w in made.weights], [b.T.copy() for b in made.bias], None

        def _made(self):
            made = _inner(base, [w.T for w in self.W], self.b)
            made.n = self.n
            return made

        def predict(self, X):
            return self._made().feedforward(np.asarray(X).T).T

        def cost(self, X, Y, lmbda):
            return self._made().evaluate(_pairs(X, Y), lmbda)[0]

        def train_batch(self, X, Y, eta, lmbda, n):
            made = self._made()
            made.update_mini_batch(_pairs(X, Y), eta, lmbda, n)
            self.W, self.b, self.n = [w.T for w in made.weights], [b.T for b in made.bias], n

    return RowsWithLambda


SHAPES = {"dict": params_dict, "layers": layer_objects, "rows": rows_with_lambda}
