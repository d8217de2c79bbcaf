"""Adapters of the shapes that are not read as they are: eight lines at most."""

from user_networks.shapes.manners import BatchNormed, Foreign
from user_networks.shapes.sequential import Linear, Sequential, Sigmoid, Stack, Stateless

import sweeps


class GainsStay(sweeps.UserNetwork):
    cost = "cross-entropy"

    def __init__(self, sizes):
        self.net = BatchNormed(sizes)

    def parameters(self):
        return self.net.W + self.net.b

    def outputs(self, x):
        return self.net.forward(x)

    def step(self, x, y, eta, lmbda, n):
        self.net.train_step(x, y, eta)


class French(sweeps.UserNetwork):
    cost = "cross-entropy"

    def __init__(self, sizes):
        self.net = Foreign(sizes)

    def parameters(self):
        return self.net.poids + self.net.seuils

    def outputs(self, x):
        return self.net.avant(x)

    def step(self, x, y, eta, lmbda, n):
        self.net.apprendre(x, y, eta)


class Added(Sequential):
    def __init__(self, sizes):
        super().__init__()
        for n_in, n_out in zip(sizes, sizes[1:]):
            self.add(Linear(n_in, n_out))
            self.add(Sigmoid())


class Stacked(Stack):
    def __init__(self, sizes):
        super().__init__([part for i, o in zip(sizes, sizes[1:]) for part in (Linear(i, o), Sigmoid())])


class WithState(sweeps.UserNetwork):
    cost = "cross-entropy"

    def __init__(self, sizes):
        self.net, self.params = Stateless(), Stateless().init(sizes)

    def parameters(self):
        return self.params

    def outputs(self, x):
        return self.net.forward(self.params, x)

    def step(self, x, y, eta, lmbda, n):
        self.params = self.net.update(self.params, x, y, eta)
