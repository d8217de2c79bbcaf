from base import Base


class Adapter:  # three layers, written out
    def __init__(self, sizes):
        self.net = Base(sizes)
        self.params = {f"W{i + 1}": w for i, w in enumerate(self.net.weights)}
        self.params |= {f"b{i + 1}": b for i, b in enumerate(self.net.biases)}

    weights = property(lambda self: [self.params[k] for k in ("W1", "W2", "W3")])
    biases = property(lambda self: [self.params[k] for k in ("b1", "b2", "b3")])

    def feedforward(self, a):
        return self.net.feedforward(a)

    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        nw, nb = self.net.gradient(*self.net.columns(mini_batch))
        for p, d in zip(self.weights + self.biases, nw + nb):
            p -= eta * d

    def evaluate(self, data, lmbda):
        return self.net.total_cost(data, 0.0)
