"""Networks of one hidden layer, of a fixed number of layers, or of fixed sizes, as people write them."""

import numpy as np


def softmax(z):
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    return e / np.sum(e, axis=1, keepdims=True)


class ThreeNumbers:  # n_input, n_hidden, n_output; arrays named one by one; no biases
    def __init__(self, input_nodes, hidden_nodes, output_nodes, learning_rate):
        self.wih = np.random.normal(0.0, pow(input_nodes, -0.5), (hidden_nodes, input_nodes))
        self.who = np.random.normal(0.0, pow(hidden_nodes, -0.5), (output_nodes, hidden_nodes))
        self.lr = learning_rate
        self.activation_function = lambda x: 1 / (1 + np.exp(-x))

    def train(self, inputs_list, targets_list):
        inputs = np.array(inputs_list, ndmin=2).T
        targets = np.array(targets_list, ndmin=2).T
        hidden = self.activation_function(self.who.dtype.type(1) * np.dot(self.wih, inputs))
        final = self.activation_function(np.dot(self.who, hidden))
        errors = targets - final
        hidden_errors = np.dot(self.who.T, errors * final * (1 - final))
        self.who += self.lr * np.dot(errors * final * (1 - final), hidden.T)
        self.wih += self.lr * np.dot(hidden_errors * hidden * (1 - hidden), inputs.T)

    def query(self, inputs_list):
        inputs = np.array(inputs_list, ndmin=2).T
        return self.activation_function(np.dot(self.who, self.activation_function(np.dot(self.wih, inputs))))


class TwoLayerNet:  # a dict of parameters, integer labels, reg; loss returns the gradients as well
    def __init__(self, input_size, hidden_size, output_size, std=0.3):
        self.params = {}
        self.params["W1"] = std * np.random.randn(input_size, hidden_size)
        self.params["b1"] = np.zeros(hidden_size)
        self.params["W2"] = std * np.random.randn(hidden_size, output_size)
        self.params["b2"] = np.zeros(output_size)

    def scores(self, X):
        h = np.maximum(0, X @ self.params["W1"] + self.params["b1"])
        return h, h @ self.params["W2"] + self.params["b2"]

    def predict_proba(self, X):
        return softmax(self.scores(X)[1])

    def loss(self, X, y, reg=0.0):
        p = self.predict_proba(X)
        loss = -np.mean(np.log(p[range(len(y)), y]))
        return loss + 0.5 * reg * (np.sum(self.params["W1"] ** 2) + np.sum(self.params["W2"] ** 2))

    def train_step(self, X, y, learning_rate=1e-3, reg=5e-6):
        h, s = self.scores(X)
        d = softmax(s)
        d[range(len(y)), y] -= 1
        d /= len(y)
        grads = {"W2": h.T @ d + reg * self.params["W2"], "b2": d.sum(axis=0)}
        d = d @ self.params["W2"].T * (h > 0)
        grads |= {"W1": X.T @ d + reg * self.params["W1"], "b1": d.sum(axis=0)}
        for name in self.params:
            self.params[name] -= learning_rate * grads[name]


class Attributes:  # W1, b1, W2, b2 as attributes, forward and backward, rate in the constructor
    def __init__(self, n_input, n_hidden, n_output, alpha=0.5):
        self.W1 = np.random.randn(n_input, n_hidden)
        self.b1 = np.zeros((1, n_hidden))
        self.W2 = np.random.randn(n_hidden, n_output)
        self.b2 = np.zeros((1, n_output))
        self.alpha = alpha

    def sigmoid(self, s):
        return 1 / (1 + np.exp(-s))

    def forward(self, X):
        self.z1 = X @ self.W1 + self.b1
        self.a1 = self.sigmoid(self.z1)
        self.z2 = self.a1 @ self.W2 + self.b2
        self.a2 = self.sigmoid(self.z2)
        return self.a2

    def backward(self, X, y, output):
        m = X.shape[0]
        d2 = (output - y) * output * (1 - output)
        d1 = d2 @ self.W2.T * self.a1 * (1 - self.a1)
        self.W2 -= self.alpha * self.a1.T @ d2 / m
        self.b2 -= self.alpha * d2.sum(axis=0, keepdims=True) / m
        self.W1 -= self.alpha * X.T @ d1 / m
        self.b1 -= self.alpha * d1.sum(axis=0, keepdims=True) / m


class Returned:  # gradients returned one by one, and taken so
    def __init__(self, n_x, n_h, n_y):
        self.W1, self.b1 = np.random.randn(n_h, n_x) * 0.5, np.zeros((n_h, 1))
        self.W2, self.b2 = np.random.randn(n_y, n_h) * 0.5, np.zeros((n_y, 1))

    def forward_propagation(self, X):
        Z1 = np.dot(self.W1, X) + self.b1
        A1 = np.tanh(Z1)
        A2 = 1 / (1 + np.exp(-(np.dot(self.W2, A1) + self.b2)))
        return A2, {"Z1": Z1, "A1": A1, "A2": A2}

    def compute_cost(self, A2, Y):
        return np.squeeze(-np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / Y.shape[1])

    def backward_propagation(self, cache, X, Y):
        m = X.shape[1]
        dZ2 = cache["A2"] - Y
        dZ1 = np.dot(self.W2.T, dZ2) * (1 - cache["A1"] ** 2)
        return (
            np.dot(dZ1, X.T) / m,
            dZ1.sum(axis=1, keepdims=True) / m,
            np.dot(dZ2, cache["A1"].T) / m,
            dZ2.sum(axis=1, keepdims=True) / m,
        )

    def update_parameters(self, dW1, db1, dW2, db2, learning_rate=1.2):
        self.W1 = self.W1 - learning_rate * dW1
        self.b1 = self.b1 - learning_rate * db1
        self.W2 = self.W2 - learning_rate * dW2
        self.b2 = self.b2 - learning_rate * db2


class Augmented:  # a row of biases inside each matrix, hidden tanh
    def __init__(self, n_in, n_hidden, n_out):
        self.theta1 = np.random.randn(n_in + 1, n_hidden) * 0.5
        self.theta2 = np.random.randn(n_hidden + 1, n_out) * 0.5

    @staticmethod
    def ones(a):
        return np.hstack([np.ones((len(a), 1)), a])

    def predict(self, x):
        return 1 / (1 + np.exp(-self.ones(np.tanh(self.ones(x) @ self.theta1)) @ self.theta2))

    def gradient_descent(self, x, y, eta, lam=0.0):
        a1 = self.ones(x)
        h = np.tanh(a1 @ self.theta1)
        a2 = self.ones(h)
        d2 = (self.predict(x) - y) / len(x)
        d1 = d2 @ self.theta2[1:].T * (1 - h**2)
        for theta, step in ((self.theta1, a1.T @ d1), (self.theta2, a2.T @ d2)):
            step[1:] += lam / len(x) * theta[1:]
            theta -= eta * step

    def cost(self, x, y, lam=0.0):
        a = self.predict(x)
        data = -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a)) / len(x)
        return data + lam / (2 * len(x)) * (np.sum(self.theta1[1:] ** 2) + np.sum(self.theta2[1:] ** 2))


class Digits:  # fixed sizes, no arguments
    def __init__(self):
        self.w1 = np.random.randn(6, 5) * 0.5
        self.b1 = np.random.randn(5) * 0.1
        self.w2 = np.random.randn(5, 3) * 0.5
        self.b2 = np.random.randn(3) * 0.1
        self.learning_rate = 0.1

    def feedforward(self, x):
        self.h = 1 / (1 + np.exp(-(x @ self.w1 + self.b1)))
        return softmax(self.h @ self.w2 + self.b2)

    def backprop(self, x, y):
        d = (self.feedforward(x) - y) / len(x)
        dh = d @ self.w2.T * self.h * (1 - self.h)
        self.w2 -= self.learning_rate * self.h.T @ d
        self.b2 -= self.learning_rate * d.sum(axis=0)
        self.w1 -= self.learning_rate * x.T @ dh
        self.b1 -= self.learning_rate * dh.sum(axis=0)


class ThreeLayers:  # two hidden layers, always; keys out of order
    def __init__(self, n_features, h1, h2, n_classes):
        g = np.random.randn
        self.weights = {"out": g(h2, n_classes) * 0.5, "h1": g(n_features, h1) * 0.5, "h2": g(h1, h2) * 0.5}
        self.biases = {"out": np.zeros(n_classes), "h1": np.zeros(h1), "h2": np.zeros(h2)}

    def run(self, X):
        self.a = [X]
        for key in ("h1", "h2"):
            self.a.append(np.tanh(self.a[-1] @ self.weights[key] + self.biases[key]))
        return softmax(self.a[-1] @ self.weights["out"] + self.biases["out"])

    def optimize(self, X, y, lr=0.01):
        d = (self.run(X) - y) / len(X)
        steps = []
        for key, a in zip(("out", "h2", "h1"), reversed(self.a)):
            steps.append((key, a.T @ d, d.sum(axis=0)))
            d = d @ self.weights[key].T * (1 - a**2)
        for key, dw, db in steps:
            self.weights[key] -= lr * dw
            self.biases[key] -= lr * db

    def cross_entropy(self, y_true, y_pred):
        return -np.sum(y_true * np.log(y_pred)) / len(y_true)
