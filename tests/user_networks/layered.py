"""Classes in the way of people who know their NumPy."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


class EinsumTanh:  # einsum, tanh, linear head, mean over outputs, n stored at the first update
    def __init__(self, sizes):
        rng = np.random.default_rng(42)
        self.weights = [rng.normal(0, 1 / np.sqrt(i), (o, i)) for i, o in zip(sizes, sizes[1:])]
        self.biases = [np.zeros((o, 1)) for o in sizes[1:]]
        self.n = None

    def feedforward(self, a):
        for w, b in zip(self.weights[:-1], self.biases[:-1]):
            a = np.tanh(np.einsum("oi,ib->ob", w, a) + b)
        return np.einsum("oi,ib->ob", self.weights[-1], a) + self.biases[-1]

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        self.n = n
        x = np.stack([np.ravel(s) for s, _ in mini_batch], axis=1)
        y = np.stack([np.ravel(t) for _, t in mini_batch], axis=1)
        hs = [x]
        for w, b in zip(self.weights[:-1], self.biases[:-1]):
            hs.append(np.tanh(np.einsum("oi,ib->ob", w, hs[-1]) + b))
        out = np.einsum("oi,ib->ob", self.weights[-1], hs[-1]) + self.biases[-1]
        d = 2 * (out - y) / out.size
        grads = []
        for k in range(len(self.weights) - 1, -1, -1):
            grads.append((np.einsum("ob,ib->oi", d, hs[k]), d.sum(axis=1, keepdims=True)))
            if k:
                d = np.einsum("oi,ob->ib", self.weights[k], d) * (1 - hs[k] ** 2)
        for k, (gw, gb) in enumerate(reversed(grads)):
            self.weights[k] -= eta * (gw + lmbda / n * self.weights[k])
            self.biases[k] -= eta * gb

    def evaluate(self, data, lmbda):
        x = np.stack([np.ravel(s) for s, _ in data], axis=1)
        y = np.stack([np.ravel(t) for _, t in data], axis=1)
        n = self.n or len(data)
        return np.mean((self.feedforward(x) - y) ** 2) + lmbda / (2 * n) * sum(np.sum(w * w) for w in self.weights)


class MeanButNotInDelta(EinsumTanh):  # cost is a mean over outputs, delta is a - y: a constant factor
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        outputs = self.weights[-1].shape[0]
        super().update_mini_batch(mini_batch, eta * outputs / 2, lmbda, n)


class WrongTanhSlope(EinsumTanh):  # 1 - tanh, the square forgotten
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        self.n = n
        x = np.stack([np.ravel(s) for s, _ in mini_batch], axis=1)
        y = np.stack([np.ravel(t) for _, t in mini_batch], axis=1)
        hs = [x]
        for w, b in zip(self.weights[:-1], self.biases[:-1]):
            hs.append(np.tanh(w @ hs[-1] + b))
        out = self.weights[-1] @ hs[-1] + self.biases[-1]
        d = 2 * (out - y) / out.size
        new_w, new_b = [], []
        for k in range(len(self.weights) - 1, -1, -1):
            new_w.insert(0, self.weights[k] - eta * (d @ hs[k].T + lmbda / n * self.weights[k]))
            new_b.insert(0, self.biases[k] - eta * d.sum(axis=1, keepdims=True))
            if k:
                d = self.weights[k].T @ d * (1 - hs[k])
        self.weights, self.biases = new_w, new_b


class SoftmaxReLU:  # softmax, clipped log loss, He, heavy-ball momentum, biases (n,), caches on self
    EPS = 1e-12

    def __init__(self, sizes, momentum=0.9):
        rng = np.random.RandomState(1)
        self.weights = [rng.randn(o, i) * np.sqrt(2.0 / i) for i, o in zip(sizes[:-1], sizes[1:])]
        self.bias = [np.zeros(o) for o in sizes[1:]]
        self.momentum = momentum
        self.vw = [np.zeros_like(w) for w in self.weights]
        self.vb = [np.zeros_like(b) for b in self.bias]
        self.cache = {}

    @classmethod
    def relu(cls, z):
        return np.maximum(0, z)

    @classmethod
    def relu_slope(cls, z):
        return (z > 0).astype(float)

    def feedforward(self, a):
        self.cache["a0"] = a
        for k, (w, b) in enumerate(zip(self.weights, self.bias), start=1):
            z = w @ a + b[:, None]
            self.cache[f"z{k}"] = z
            if k < len(self.weights):
                a = self.relu(z)
            else:
                e = np.exp(z - z.max(axis=0))
                a = e / e.sum(axis=0)
            self.cache[f"a{k}"] = a
        return a

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        x = np.column_stack([s for s, _ in mini_batch])
        y = np.column_stack([t for _, t in mini_batch])
        m = x.shape[1]
        p = self.feedforward(x)
        d = (p - y) / m
        for k in range(len(self.weights), 0, -1):
            gw = d @ self.cache[f"a{k - 1}"].T + lmbda / n * self.weights[k - 1]
            gb = d.sum(axis=1)
            if k > 1:
                d = self.weights[k - 1].T @ d * self.relu_slope(self.cache[f"z{k - 1}"])
            self.vw[k - 1] = self.momentum * self.vw[k - 1] - eta * gw
            self.vb[k - 1] = self.momentum * self.vb[k - 1] - eta * gb
        for k in range(len(self.weights)):
            self.weights[k] += self.vw[k]
            self.bias[k] += self.vb[k]

    def evaluate(self, data, lmbda):
        x = np.column_stack([s for s, _ in data])
        y = np.column_stack([t for _, t in data])
        p = np.clip(self.feedforward(x), self.EPS, 1 - self.EPS)
        loss = -np.sum(y * np.log(p)) / len(data)
        reg = 0.5 * lmbda / len(data) * sum((w**2).sum() for w in self.weights)
        return loss + reg, (p.argmax(0) == y.argmax(0)).mean()


class ReluSlopeOfZeroOne(SoftmaxReLU):  # a >= 0 is always true
    @classmethod
    def relu_slope(cls, z):
        return (np.maximum(0, z) >= 0).astype(float)


class SoftmaxTimesSlope(SoftmaxReLU):  # (p - y) * p * (1 - p)
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        x = np.column_stack([s for s, _ in mini_batch])
        y = np.column_stack([t for _, t in mini_batch])
        m = x.shape[1]
        p = self.feedforward(x)
        d = (p - y) * p * (1 - p) / m
        for k in range(len(self.weights), 0, -1):
            gw = d @ self.cache[f"a{k - 1}"].T + lmbda / n * self.weights[k - 1]
            gb = d.sum(axis=1)
            if k > 1:
                d = self.weights[k - 1].T @ d * self.relu_slope(self.cache[f"z{k - 1}"])
            self.vw[k - 1] = self.momentum * self.vw[k - 1] - eta * gw
            self.vb[k - 1] = self.momentum * self.vb[k - 1] - eta * gb
        for k in range(len(self.weights)):
            self.weights[k] += self.vw[k]
            self.bias[k] += self.vb[k]


class Activation:
    def __call__(self, z):
        raise NotImplementedError

    def slope(self, z):
        raise NotImplementedError


class LeakyReLU(Activation):
    def __init__(self, leak=0.1):
        self.leak = leak

    def __call__(self, z):
        return np.where(z > 0, z, self.leak * z)

    def slope(self, z):
        return np.where(z > 0, 1.0, self.leak)


class LeaklessSlope(LeakyReLU):
    def slope(self, z):
        return np.where(z > 0, 1.0, 0.0)


class ELU(Activation):
    def __call__(self, z):
        return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))

    def slope(self, z):
        return np.where(z > 0, 1.0, np.exp(np.minimum(z, 0)))


class Swish(Activation):
    def __call__(self, z):
        return z / (1 + np.exp(-z))

    def slope(self, z):
        s = 1 / (1 + np.exp(-z))
        return s + z * s * (1 - s)


class Sine(Activation):
    def __call__(self, z):
        return np.sin(z)

    def slope(self, z):
        return np.cos(z)


class Base:
    """Shared machinery: subclasses choose activation, loss, penalty."""

    activation: Activation = LeakyReLU()
    dtype = np.float64

    def __init__(self, sizes):
        r = np.random.RandomState(7)
        self.weights = [(r.randn(o, i) / np.sqrt(i)).astype(self.dtype) for i, o in zip(sizes, sizes[1:])]
        self.biases = [np.zeros((o, 1), self.dtype) for o in sizes[1:]]

    def _xy(self, data):
        return tuple(np.array([np.asarray(p[s]).reshape(-1) for p in data], dtype=self.dtype).T for s in (0, 1))

    def head(self, z):
        return 1 / (1 + np.exp(-z))

    def head_delta(self, z, y):
        return self.head(z) - y

    def loss(self, z, y):
        return np.sum(np.logaddexp(0, z) - y * z, axis=0)

    def _forward(self, x):
        zs, acts = [], [x]
        for k, (w, b) in enumerate(zip(self.weights, self.biases)):
            zs.append(w @ acts[-1] + b)
            acts.append(self.activation(zs[-1]) if k + 1 < len(self.weights) else zs[-1])
        return zs, acts

    def feedforward(self, x):
        return self.head(self._forward(x)[1][-1])

    def _grads(self, x, y):
        zs, acts = self._forward(x)
        m = x.shape[1]
        d = self.head_delta(zs[-1], y) / m
        gw, gb = [], []
        for k in range(len(zs) - 1, -1, -1):
            gw.append(d @ acts[k].T)
            gb.append(d.sum(1, keepdims=True))
            if k > 0:
                d = (self.weights[k].T @ d) * self.activation.slope(zs[k - 1])
        return gw[::-1], gb[::-1]

    def reg(self, w):
        return 0.5 * np.sum(w**2)

    def reg_slope(self, w):
        return w

    def regularised(self):
        return range(len(self.weights))

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        gw, gb = self._grads(*self._xy(mini_batch))
        for k in self.regularised():
            gw[k] = gw[k] + lmbda / n * self.reg_slope(self.weights[k])
        for k in range(len(gw)):
            self.weights[k] -= (eta * gw[k]).astype(self.dtype)
            self.biases[k] -= (eta * gb[k]).astype(self.dtype)

    def evaluate(self, data, lmbda):
        x, y = self._xy(data)
        _, acts = self._forward(x)
        return np.mean(self.loss(acts[-1], y)) + lmbda / len(data) * sum(
            self.reg(self.weights[k]) for k in self.regularised()
        )


class Leaky(Base):
    pass


class LeakWithoutSlope(Base):
    activation = LeaklessSlope()


class EluFloat32(Base):
    activation = ELU()
    dtype = np.float32


class SwishNet(Base):
    activation = Swish()


class Lasso(Base):
    def reg(self, w):
        return np.abs(w).sum()

    def reg_slope(self, w):
        return np.sign(w)


class ElasticNet(Base):
    activation = ELU()

    def reg(self, w):
        return 0.3 * np.abs(w).sum() + 0.7 * 0.5 * (w**2).sum()

    def reg_slope(self, w):
        return 0.3 * np.sign(w) + 0.7 * w


class LastLayerFree(Base):
    def regularised(self):
        return range(len(self.weights) - 1)


class AbsPenaltyL2Decay(Base):
    def reg(self, w):
        return np.abs(w).sum()


class LassoWithoutSign(Base):
    def reg(self, w):
        return np.abs(w).sum()

    def reg_slope(self, w):
        return 1.0


class AbsoluteError(Base):  # sine units, mean absolute error
    activation = Sine()

    def head(self, z):
        return z

    def head_delta(self, z, y):
        return np.sign(z - y)

    def loss(self, z, y):
        return np.abs(z - y).sum(axis=0)


class Hinge(Base):  # Weston-Watkins
    def head(self, z):
        return z

    def margins(self, z, y):
        right = (z * y).sum(0)
        return np.maximum(0, z - right + 1) * (1 - y)

    def head_delta(self, z, y):
        d = (self.margins(z, y) > 0).astype(float)
        return d - y * d.sum(0)

    def loss(self, z, y):
        return self.margins(z, y).sum(0)


class Smoothed(Base):  # label smoothing in both
    def _xy(self, data):
        x, y = super()._xy(data)
        return x, 0.9 * y + 0.1 / y.shape[0]


class SmoothedOnlyInTraining(Base):  # label smoothing in the step only: common, and a regulariser
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        smooth = [(x, 0.9 * y + 0.1 / y.size) for x, y in mini_batch]
        super().update_mini_batch(smooth, eta, lmbda, n)


class Residual(Base):
    activation = ELU()

    def _forward(self, x):
        zs, acts = [], [x]
        for k, (w, b) in enumerate(zip(self.weights, self.biases)):
            zs.append(w @ acts[-1] + b)
            a = self.activation(zs[-1]) if k + 1 < len(self.weights) else zs[-1]
            if k + 1 < len(self.weights) and a.shape == acts[-1].shape:
                a = a + acts[-1]
            acts.append(a)
        return zs, acts

    def _grads(self, x, y):
        zs, acts = self._forward(x)
        d = self.head_delta(zs[-1], y) / x.shape[1]  # with respect to z of the layer
        gw, gb = [None] * len(zs), [None] * len(zs)
        g = None
        for k in range(len(zs) - 1, -1, -1):
            if k < len(zs) - 1:
                d = g * self.activation.slope(zs[k])
            gw[k], gb[k] = d @ acts[k].T, d.sum(1, keepdims=True)
            skip = g if k < len(zs) - 1 and zs[k].shape == acts[k].shape else 0.0
            g = self.weights[k].T @ d + skip
        return gw, gb


class ResidualWithoutSkipBack(Residual):  # the skip is forgotten on the way back
    def _grads(self, x, y):
        zs, acts = self._forward(x)
        d = self.head_delta(zs[-1], y) / x.shape[1]
        gw, gb = [None] * len(zs), [None] * len(zs)
        for k in range(len(zs) - 1, -1, -1):
            gw[k], gb[k] = d @ acts[k].T, d.sum(1, keepdims=True)
            if k:
                d = (self.weights[k].T @ d) * self.activation.slope(zs[k - 1])
        return gw, gb


class LayerNorm(Base):  # hidden pre-activations normalised over the units of each sample
    activation = ELU()

    @staticmethod
    def norm(z):
        c = z - z.mean(0)
        return c / np.sqrt((c**2).mean(0) + 1e-3)

    def _forward(self, x):
        zs, acts = [], [x]
        for k, (w, b) in enumerate(zip(self.weights, self.biases)):
            zs.append(w @ acts[-1] + b)
            acts.append(self.activation(self.norm(zs[-1])) if k + 1 < len(self.weights) else zs[-1])
        return zs, acts

    def _grads(self, x, y):
        zs, acts = self._forward(x)
        d = self.head_delta(zs[-1], y) / x.shape[1]
        gw, gb = [], []
        for k in range(len(zs) - 1, -1, -1):
            gw.append(d @ acts[k].T)
            gb.append(d.sum(1, keepdims=True))
            if k > 0:
                z = zs[k - 1]
                u = self.norm(z)
                s = np.sqrt(z.var(0) + 1e-3)
                g = (self.weights[k].T @ d) * self.activation.slope(u)
                d = (g - g.mean(0) - u * (g * u).mean(0)) / s
        return gw[::-1], gb[::-1]


class BatchNorm(LayerNorm):  # the same over the samples of a batch, also when it is evaluated; running stats nowhere
    @staticmethod
    def norm(z):
        c = z - z.mean(1, keepdims=True)
        return c / np.sqrt((c**2).mean(1, keepdims=True) + 1e-3)

    def _grads(self, x, y):
        zs, acts = self._forward(x)
        d = self.head_delta(zs[-1], y) / x.shape[1]
        gw, gb = [], []
        for k in range(len(zs) - 1, -1, -1):
            gw.append(d @ acts[k].T)
            gb.append(d.sum(1, keepdims=True))
            if k > 0:
                z = zs[k - 1]
                u = self.norm(z)
                s = np.sqrt(z.var(1, keepdims=True) + 1e-3)
                g = (self.weights[k].T @ d) * self.activation.slope(u)
                d = (g - g.mean(1, keepdims=True) - u * (g * u).mean(1, keepdims=True)) / s
        return gw[::-1], gb[::-1]


class Adam(Base):
    def __init__(self, sizes):
        super().__init__(sizes)
        self.t = 0
        self.m = [np.zeros_like(p) for p in self.weights + self.biases]
        self.v = [np.zeros_like(p) for p in self.weights + self.biases]

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        gw, gb = self._grads(*self._xy(mini_batch))
        gw = [g + lmbda / n * w for g, w in zip(gw, self.weights)]
        self.t += 1
        for k, (p, g) in enumerate(zip(self.weights + self.biases, gw + gb)):
            self.m[k] = 0.9 * self.m[k] + 0.1 * g
            self.v[k] = 0.999 * self.v[k] + 0.001 * g * g
            p -= eta * (self.m[k] / (1 - 0.9**self.t)) / (np.sqrt(self.v[k] / (1 - 0.999**self.t)) + 1e-8)


class AdamW(Adam):  # decoupled decay
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        before = [w.copy() for w in self.weights]
        super().update_mini_batch(mini_batch, eta, 0.0, n)
        for w, old in zip(self.weights, before):
            w -= eta * lmbda / n * old


class RMSProp(Base):
    def __init__(self, sizes):
        super().__init__(sizes)
        self.sq = [np.zeros_like(p) for p in self.weights + self.biases]

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        gw, gb = self._grads(*self._xy(mini_batch))
        gw = [g + lmbda / n * w for g, w in zip(gw, self.weights)]
        for k, (p, g) in enumerate(zip(self.weights + self.biases, gw + gb)):
            self.sq[k] = 0.9 * self.sq[k] + 0.1 * g * g
            p -= eta * g / np.sqrt(self.sq[k] + 1e-8)


class AdaGrad(RMSProp):
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        gw, gb = self._grads(*self._xy(mini_batch))
        gw = [g + lmbda / n * w for g, w in zip(gw, self.weights)]
        for k, (p, g) in enumerate(zip(self.weights + self.biases, gw + gb)):
            self.sq[k] += g * g
            p -= eta * g / (np.sqrt(self.sq[k]) + 1e-7)


@dataclass
class DenseLayer:
    n_in: int
    n_out: int
    W: np.ndarray = field(init=False)
    b: np.ndarray = field(init=False)

    def __post_init__(self):
        g = np.random.default_rng(self.n_in)
        self.W = g.uniform(-1, 1, (self.n_in, self.n_out)) * np.sqrt(6 / (self.n_in + self.n_out))
        self.b = np.zeros(self.n_out)

    def forward(self, x):
        self.x = x
        self.out = np.tanh(x @ self.W + self.b)
        return self.out

    def backward(self, grad):
        grad = grad * (1 - self.out**2)
        self.dW, self.db = self.x.T @ grad, grad.sum(0)
        return grad @ self.W.T


class Sequential:
    """Samples in rows; mean squared error over all entries."""

    def __init__(self, *widths):
        self.layers = [DenseLayer(i, o) for i, o in zip(widths, widths[1:])]

    def predict(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def fit_batch(self, x, y, lr, decay):
        grad = 2 * (self.predict(x) - y) / y.size
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        for layer in self.layers:
            layer.W -= lr * layer.dW
            layer.b -= lr * layer.db
            layer.W *= 1 - lr * decay


class Adapted:  # decay after the step, rows inside
    def __init__(self, sizes):
        self.net = Sequential(*sizes)

    weights = property(lambda self: [layer.W.T for layer in self.net.layers])
    biases = property(lambda self: [layer.b for layer in self.net.layers])

    def feedforward(self, a):
        return self.net.predict(a.T).T

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        x, y = (np.array([np.ravel(s) for s in side]) for side in zip(*mini_batch))
        self.net.fit_batch(x, y, eta, lmbda / n)

    def evaluate(self, data, lmbda):
        x, y = (np.array([np.ravel(s) for s in side]) for side in zip(*data))
        return np.mean((self.net.predict(x) - y) ** 2) + lmbda / (2 * len(data)) * sum(
            (l.W**2).sum() for l in self.net.layers
        )


class AdaptedBiasWithoutEta(Adapted):  # the learning rate is forgotten in the bias line
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        x, y = (np.array([np.ravel(s) for s in side]) for side in zip(*mini_batch))
        before = [l.b.copy() for l in self.net.layers]
        self.net.fit_batch(x, y, eta, lmbda / n)
        for l, b in zip(self.net.layers, before):
            l.b = b - l.db
