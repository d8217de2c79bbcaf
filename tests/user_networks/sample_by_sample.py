"""Nielsen's network2, sample by sample, as copied from the book, and what people make of it."""

import json
import sys

import numpy as np


class QuadraticCost(object):
    @staticmethod
    def fn(a, y):
        return 0.5 * np.linalg.norm(a - y) ** 2

    @staticmethod
    def delta(z, a, y):
        return (a - y) * sigmoid_prime(z)


class CrossEntropyCost(object):
    @staticmethod
    def fn(a, y):
        return np.sum(np.nan_to_num(-y * np.log(a) - (1 - y) * np.log(1 - a)))

    @staticmethod
    def delta(z, a, y):
        return a - y


class Network(object):
    def __init__(self, sizes, cost=CrossEntropyCost):
        self.num_layers = len(sizes)
        self.sizes = sizes
        self.default_weight_initializer()
        self.cost = cost

    def default_weight_initializer(self):
        self.biases = [np.random.randn(y, 1) for y in self.sizes[1:]]
        self.weights = [np.random.randn(y, x) / np.sqrt(x) for x, y in zip(self.sizes[:-1], self.sizes[1:])]

    def feedforward(self, a):
        for b, w in zip(self.biases, self.weights):
            a = sigmoid(np.dot(w, a) + b)
        return a

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        for x, y in mini_batch:
            delta_nabla_b, delta_nabla_w = self.backprop(x, y)
            nabla_b = [nb + dnb for nb, dnb in zip(nabla_b, delta_nabla_b)]
            nabla_w = [nw + dnw for nw, dnw in zip(nabla_w, delta_nabla_w)]
        self.weights = [
            (1 - eta * (lmbda / n)) * w - (eta / len(mini_batch)) * nw for w, nw in zip(self.weights, nabla_w)
        ]
        self.biases = [b - (eta / len(mini_batch)) * nb for b, nb in zip(self.biases, nabla_b)]

    def backprop(self, x, y):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        activation = x
        activations = [x]
        zs = []
        for b, w in zip(self.biases, self.weights):
            z = np.dot(w, activation) + b
            zs.append(z)
            activation = sigmoid(z)
            activations.append(activation)
        delta = (self.cost).delta(zs[-1], activations[-1], y)
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, activations[-2].transpose())
        for l in range(2, self.num_layers):
            z = zs[-l]
            sp = self.hidden_slope(z, activations[-l])
            delta = np.dot(self.weights[-l + 1].transpose(), delta) * sp
            nabla_b[-l] = delta
            nabla_w[-l] = np.dot(delta, activations[-l - 1].transpose())
        return (nabla_b, nabla_w)

    def hidden_slope(self, z, a):
        return sigmoid_prime(z)

    def total_cost(self, data, lmbda, convert=False):
        cost = 0.0
        for x, y in data:
            a = self.feedforward(x)
            cost += self.cost.fn(a, y) / len(data)
        cost += 0.5 * (lmbda / len(data)) * sum(np.linalg.norm(w) ** 2 for w in self.weights)
        return cost

    def accuracy(self, data):
        return sum(int(np.argmax(self.feedforward(x)) == np.argmax(y)) for x, y in data)


class Quadratic(Network):
    def __init__(self, sizes):
        super().__init__(sizes, QuadraticCost)


class NoHiddenSlope(Network):
    def hidden_slope(self, z, a):
        return 1.0


class SlopeOfActivation(Network):
    def hidden_slope(self, z, a):
        return sigmoid_prime(a)


class Ascends(Quadratic):
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        super().update_mini_batch(mini_batch, -eta, -lmbda, n)


class BiasAscends(Network):  # + in the bias line
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        before = self.biases
        super().update_mini_batch(mini_batch, eta, lmbda, n)
        self.biases = [b + (b - after) for b, after in zip(before, self.biases)]


class PenaltyNoHalf(Network):
    def total_cost(self, data, lmbda):
        cost = sum(self.cost.fn(self.feedforward(x), y) for x, y in data) / len(data)
        return cost + (lmbda / len(data)) * sum(np.linalg.norm(w) ** 2 for w in self.weights)


class NoDecay(Network):
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        super().update_mini_batch(mini_batch, eta, 0.0, n)


class DecayWithoutEta(Network):
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        before = self.weights
        super().update_mini_batch(mini_batch, eta, 0.0, n)
        self.weights = [after - lmbda / n * w for w, after in zip(before, self.weights)]


class DecayPerSample(Network):  # the decay inside the loop over samples
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        for x, y in mini_batch:
            dnb, dnw = self.backprop(x, y)
            nabla_b = [nb + d for nb, d in zip(nabla_b, dnb)]
            nabla_w = [nw + d for nw, d in zip(nabla_w, dnw)]
            self.weights = [(1 - eta * (lmbda / n)) * w for w in self.weights]
        m = len(mini_batch)
        self.weights = [w - (eta / m) * nw for w, nw in zip(self.weights, nabla_w)]
        self.biases = [b - (eta / m) * nb for b, nb in zip(self.biases, nabla_b)]


class DecaysBiases(Network):
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        decayed = [b * eta * lmbda / n for b in self.biases]
        super().update_mini_batch(mini_batch, eta, lmbda, n)
        self.biases = [b - d for b, d in zip(self.biases, decayed)]


class SkipsLastSample(Quadratic):
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        if len(mini_batch) > 1:
            mini_batch = mini_batch[:-1]
        super().update_mini_batch(mini_batch, eta, lmbda, n)


class FirstLayerFrozen(Network):  # the loop stops one early
    def backprop(self, x, y):
        nabla_b, nabla_w = super().backprop(x, y)
        nabla_b[0] = np.zeros(self.biases[0].shape)
        nabla_w[0] = np.zeros(self.weights[0].shape)
        return nabla_b, nabla_w


class TwoFaults(Network):  # slope missing and no half
    def hidden_slope(self, z, a):
        return np.ones_like(z)

    def total_cost(self, data, lmbda):
        cost = sum(self.cost.fn(self.feedforward(x), y) for x, y in data) / len(data)
        return cost + (lmbda / len(data)) * sum(np.linalg.norm(w) ** 2 for w in self.weights)


class TransposedIfItFits(Network):
    def backprop(self, x, y):
        activations, zs = [x], []
        for b, w in zip(self.biases, self.weights):
            zs.append(np.dot(w, activations[-1]) + b)
            activations.append(sigmoid(zs[-1]))
        delta = activations[-1] - y
        nb, nw = [delta], [np.dot(delta, activations[-2].T)]
        for l in range(2, self.num_layers):
            w = self.weights[-l + 1]
            back = np.dot(w, delta) if w.shape[1] == delta.shape[0] else np.dot(w.T, delta)
            delta = back * sigmoid_prime(zs[-l])
            nb.insert(0, delta)
            nw.insert(0, np.dot(delta, activations[-l - 1].T))
        return nb, nw


class ReshapedOuter(Network):  # a delta^T in place of delta a^T, made to fit
    def backprop(self, x, y):
        nabla_b, nabla_w = super().backprop(x, y)
        return nabla_b, [g.T.reshape(g.shape) for g in nabla_w]


class Chatty(Quadratic):  # prints all the time, to stdout
    epoch = 0

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        self.epoch += 1
        print("Epoch {} training, batch of {}".format(self.epoch, len(mini_batch)))
        sys.stdout.write("[{}]\n".format(json.dumps({"eta": eta})))
        super().update_mini_batch(mini_batch, eta, lmbda, n)

    def evaluate(self, data, lmbda):
        print("Cost on evaluation data: %s" % self.total_cost(data, lmbda))
        return self.total_cost(data, lmbda)


class AccumulatorKept(Network):  # the sums are made in the constructor and never set back
    def __init__(self, sizes):
        super().__init__(sizes)
        self.nabla_b = [np.zeros(b.shape) for b in self.biases]
        self.nabla_w = [np.zeros(w.shape) for w in self.weights]

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        for x, y in mini_batch:
            dnb, dnw = self.backprop(x, y)
            self.nabla_b = [nb + d for nb, d in zip(self.nabla_b, dnb)]
            self.nabla_w = [nw + d for nw, d in zip(self.nabla_w, dnw)]
        m = len(mini_batch)
        self.weights = [(1 - eta * lmbda / n) * w - (eta / m) * nw for w, nw in zip(self.weights, self.nabla_w)]
        self.biases = [b - (eta / m) * nb for b, nb in zip(self.biases, self.nabla_b)]


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))
