"""The network of the question, and what its unseen part may have been: each class differs from another in one method.

The two formulas that the question shows, `update_mini_batch` and `evaluate`, stand in `AsAsked` as asked. It does not
show backprop; here it is right, and the classes below it hold one fault each. `Mended` is right altogether.
"""

import numpy as np


class QuadraticCost:
    """1/2 (a - y)^2, summed over the outputs, averaged over the examples."""

    @staticmethod
    def apply(a, y):
        return 0.5 * np.sum((a - y) ** 2) / y.shape[1]

    @staticmethod
    def derivative(a, y):
        return a - y


class AsAsked:
    """Sigmoid units, weights and biases N(0, 1), samples in columns."""

    def __init__(self, sizes):
        self.bias = [np.random.randn(n_out, 1) for n_out in sizes[1:]]
        self.weights = [np.random.randn(n_out, n_in) for n_in, n_out in zip(sizes[:-1], sizes[1:])]
        self.cost_func = QuadraticCost

    def feedforward(self, a):
        for b, w in zip(self.bias, self.weights):
            a = sigmoid(np.dot(w, a) + b)
        return a

    def backprop(self, x, y):
        activations, zs = [x], []
        for b, w in zip(self.bias, self.weights):
            zs.append(np.dot(w, activations[-1]) + b)
            activations.append(sigmoid(zs[-1]))
        delta = self.cost_func.derivative(activations[-1], y) * self.output_slope(zs[-1], activations[-1])
        gradient_b, gradient_w = [], []
        for k in range(len(self.weights) - 1, -1, -1):
            gradient_b.insert(0, delta.sum(axis=1, keepdims=True))
            gradient_w.insert(0, np.dot(delta, activations[k].T))
            if k > 0:
                delta = np.dot(self.weights[k].T, delta) * self.hidden_slope(zs[k - 1], activations[k])
        return gradient_b, gradient_w

    def output_slope(self, z, a):
        return sigmoid(z) * (1 - sigmoid(z))

    def hidden_slope(self, z, a):
        return sigmoid(z) * (1 - sigmoid(z))

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        matrix_x, matrix_y = (np.array(samples).transpose() for samples in zip(*mini_batch))
        gradient_b, gradient_w = self.backprop(matrix_x, matrix_y)
        m = len(mini_batch)
        self.bias = [b - (eta / m) * db for b, db in zip(self.bias, gradient_b)]
        self.weights = [self.kept(eta, lmbda, n) * w - (eta / m) * dw for w, dw in zip(self.weights, gradient_w)]

    def kept(self, eta, lmbda, n):
        """What a step keeps of every weight."""
        return 1 - eta * (lmbda / n)

    def evaluate(self, data, lmbda):
        matrix_x, matrix_y = (np.array(samples).transpose() for samples in zip(*data))
        output = self.feedforward(matrix_x)
        cost = self.cost_func.apply(output, matrix_y) + self.penalty(lmbda, matrix_y.shape[1])
        return cost, np.sum(output.argmax(axis=0) == matrix_y.argmax(axis=0))

    def penalty(self, lmbda, evaluated):
        return lmbda / (2 * evaluated) * sum(np.linalg.norm(w) ** 2 for w in self.weights)


class Mended(AsAsked):
    """The penalty is divided by the training set's size, whichever set is evaluated."""

    n = None

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        self.n = n
        super().update_mini_batch(mini_batch, eta, lmbda, n)

    def penalty(self, lmbda, evaluated):
        return super().penalty(lmbda, self.n or evaluated)


class DecaySignFlipped(AsAsked):
    def kept(self, eta, lmbda, n):
        return 1 + eta * (lmbda / n)


class NoDerivative(AsAsked):
    def output_slope(self, z, a):
        return 1

    def hidden_slope(self, z, a):
        return 1


class NoHiddenDerivative(AsAsked):
    def hidden_slope(self, z, a):
        return 1


class DerivativeOfActivation(AsAsked):
    """sigmoid'(a) where sigmoid'(z) should stand: the slope's function is given what is activated already."""

    def output_slope(self, z, a):
        return super().output_slope(a, a)

    def hidden_slope(self, z, a):
        return super().hidden_slope(a, a)


class NoEtaInDecay(AsAsked):
    """A suggestion of the thread: eta not in the update's decay."""

    def kept(self, eta, lmbda, n):
        return 1 - lmbda / n


class EtaInPenalty(AsAsked):
    """A suggestion of the thread: eta in the cost's penalty, too."""

    eta = 1.0

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        self.eta = eta
        super().update_mini_batch(mini_batch, eta, lmbda, n)

    def penalty(self, lmbda, evaluated):
        return self.eta**2 * super().penalty(lmbda, evaluated)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))
