"""More of the same: written when the diagnosis had been mended for what the first classes had shown."""

import numpy as np
from user_networks.layered import Activation, Base, EinsumTanh, LeakyReLU
from user_networks.matrix_form import Sound
from user_networks.sample_by_sample import Network


class SquaredEta(Sound):  # eta twice
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        super().update_mini_batch(mini_batch, eta * eta, lmbda / eta if eta else 0, n)


class WrongLayerInput(Network):  # nabla_w of hidden layers from the layer's own activation where widths allow
    def backprop(self, x, y):
        acts, zs = [x], []
        for b, w in zip(self.biases, self.weights):
            zs.append(w @ acts[-1] + b)
            acts.append(1 / (1 + np.exp(-zs[-1])))
        d = acts[-1] - y
        nb, nw = [d], [d @ acts[-2].T]
        for l in range(2, self.num_layers):
            d = self.weights[-l + 1].T @ d * acts[-l] * (1 - acts[-l])
            below = acts[-l] if acts[-l].shape == acts[-l - 1].shape else acts[-l - 1]
            nb.insert(0, d)
            nw.insert(0, d @ below.T)
        return nb, nw


class NoBiasInForwardOfTraining(Sound):  # forward of backprop forgets the bias, feedforward has it
    def backprop(self, X, Y):
        kept, self.bias = self.bias, [np.zeros_like(b) for b in self.bias]
        out = super().backprop(X, Y)
        self.bias = kept
        return out


class LastSampleOnly(Network):  # nabla overwritten in the loop, not added
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        for x, y in mini_batch:
            nb, nw = self.backprop(x, y)
        m = len(mini_batch)
        self.weights = [(1 - eta * lmbda / n) * w - eta / m * g for w, g in zip(self.weights, nw)]
        self.biases = [b - eta / m * g for b, g in zip(self.biases, nb)]


class StepsInLoop(Network):  # steps after each sample with eta/m: sound as eta -> 0, a fault of "after" kind
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        m = len(mini_batch)
        self.weights = [(1 - eta * lmbda / n) * w for w in self.weights]
        for x, y in mini_batch:
            nb, nw = self.backprop(x, y)
            self.weights = [w - eta / m * g for w, g in zip(self.weights, nw)]
            self.biases = [b - eta / m * g for b, g in zip(self.biases, nb)]


class PenaltyOfNormNotSquared(Sound):  # sum of norms, not of squares; decay L2
    def evaluate(self, data, lmbda):
        cost = super().evaluate(data, 0.0)[0]
        return cost + 0.5 * lmbda / len(data) * sum(np.linalg.norm(w) for w in self.weights)


class PenaltySubtracted(Sound):  # cost -= penalty
    def evaluate(self, data, lmbda):
        return super().evaluate(data, -lmbda)


class DecayAfterOnUpdated(Sound):  # decay on the updated weights
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        super().update_mini_batch(mini_batch, eta, 0.0, n)
        for k in range(len(self.weights)):
            self.weights[k] *= np.exp(-eta * lmbda / n)


class Gelu(Activation):
    def __call__(self, z):
        return 0.5 * z * (1 + np.tanh(0.79788456 * (z + 0.044715 * z**3)))

    def slope(self, z):
        t = np.tanh(0.79788456 * (z + 0.044715 * z**3))
        return 0.5 * (1 + t) + 0.5 * z * (1 - t * t) * 0.79788456 * (1 + 3 * 0.044715 * z * z)


class GeluNet(Base):
    activation = Gelu()


class NesterovOfTorch(GeluNet):  # Nesterov as PyTorch writes it
    def __init__(self, sizes):
        super().__init__(sizes)
        self.buf = None

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        gw, gb = self._grads(*self._xy(mini_batch))
        g = [a + lmbda / n * w for a, w in zip(gw, self.weights)] + gb
        if self.buf is None:
            self.buf = [np.array(v) for v in g]
        else:
            self.buf = [0.9 * b + v for b, v in zip(self.buf, g)]
        for p, v, b in zip(self.weights + self.biases, g, self.buf):
            p -= eta * (v + 0.9 * b)


class Focal(Base):  # squared cross-entropy-like cost, cost of a cost; (sum of c^2)/m
    def loss(self, z, y):
        return (np.sum(np.logaddexp(0, z) - y * z, axis=0)) ** 2

    def head_delta(self, z, y):
        c = np.sum(np.logaddexp(0, z) - y * z, axis=0)
        return 2 * c * (1 / (1 + np.exp(-z)) - y)


class HardSigmoid(Activation):
    def __call__(self, z):
        return np.clip(0.2 * z + 0.5, 0, 1)

    def slope(self, z):
        return np.where((z > -2.5) & (z < 2.5), 0.2, 0.0)


class HardSigmoidNet(Base):
    activation = HardSigmoid()


class StepUnits(Base):  # step activation with a straight-through slope: a fault by measurement
    class A(Activation):
        def __call__(self, z):
            return (z > 0) * 1.0

        def slope(self, z):
            return np.ones_like(z)

    activation = A()


class MaxNormTight(Base):  # max-norm 0.5
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        super().update_mini_batch(mini_batch, eta, lmbda, n)
        for w in self.weights:
            norms = np.linalg.norm(w, axis=1, keepdims=True)
            w *= np.minimum(1, 0.5 / norms)


class ClipsTight(Sound):  # clip to norm 0.05
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        X, Y = self.batch(mini_batch)
        m = len(mini_batch)
        nb, nw = self.backprop(X, Y)
        for k in range(len(nw)):
            gw, gb = nw[k] / m + lmbda / n * self.weights[k], nb[k].sum(1, keepdims=True) / m
            norm = np.sqrt((gw**2).sum() + (gb**2).sum())
            if norm > 0.05:
                gw, gb = gw * 0.05 / norm, gb * 0.05 / norm
            self.weights[k] = self.weights[k] - eta * gw
            self.bias[k] = self.bias[k] - eta * gb


class ConstantInputs(Sound):  # centres the inputs by constants, in all ways in
    def feedforward(self, a):
        return super().feedforward(a - 0.5)

    def backprop(self, X, Y):
        return super().backprop(X - 0.5, Y)


class CentresOnlyInTraining(Sound):  # centred in training, not in evaluation
    def backprop(self, X, Y):
        return super().backprop(X - 0.5, Y)


class BiasesTwiceAsFast(Sound):  # biases learn twice as fast (Caffe's lr_mult): gradient.bias by contract
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        before = self.bias
        super().update_mini_batch(mini_batch, eta, lmbda, n)
        self.bias = [b + 2 * (a - b) for b, a in zip(before, self.bias)]


class RootMean(EinsumTanh):  # reports the RMSE, trains on the MSE
    def evaluate(self, data, lmbda):
        return np.sqrt(super().evaluate(data, 0.0))


class SigmoidFloat32(Base):  # float32 everywhere, sigmoid hidden
    dtype = np.float32

    class A(Activation):
        def __call__(self, z):
            return 1 / (1 + np.exp(-z))

        def slope(self, z):
            a = self(z)
            return a * (1 - a)

    activation = A()


class SwappedSlopes(Base):  # derivative of the leaky ReLU the wrong way round
    class A(LeakyReLU):
        def slope(self, z):
            return np.where(z > 0, self.leak, 1.0)

    activation = A()
