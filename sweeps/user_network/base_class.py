"""The base class of an adapter: four things are asked for, the rest is found by measurement."""

from typing import Any


class UserNetwork:
    """A network of any shape, made by its class with a list of layer sizes, inputs first.

    Samples in rows or in columns, one-hot or whole-numbered labels, weights either way: what each method takes is found
    by trying. `cost` may be the name of a cost in place of a method: "quadratic", "cross-entropy" or "log-likelihood",
    the mean over the examples, with the penalty lmbda / (2 n) times the squared weights.

        class Adapter(sweeps.UserNetwork):
            cost = "cross-entropy"

            def __init__(self, sizes):
                self.net = MyNet(sizes)

            def parameters(self):
                return [array for layer in self.net.layers for array in (layer.W, layer.b)]

            def outputs(self, x):
                return self.net.forward(x)

            def step(self, x, y, eta, lmbda, n):
                self.net.fit_batch(x, y, learning_rate=eta, l2=lmbda / n)
    """

    names_its_parameters = True
    cost: Any = ""

    def parameters(self) -> Any:
        """The arrays of weights and biases, first layer first: themselves, or views that may be written into."""
        raise NotImplementedError(f"{type(self).__name__} has no parameters(self)")

    def outputs(self, x: Any) -> Any:
        """The outputs for inputs x."""
        raise NotImplementedError(f"{type(self).__name__} has no outputs(self, x)")

    def step(self, x: Any, y: Any, eta: float, lmbda: float, n: int) -> Any:
        """One step on a mini-batch, n the size of the training set."""
        raise NotImplementedError(f"{type(self).__name__} has no step(self, x, y, eta, lmbda, n)")
