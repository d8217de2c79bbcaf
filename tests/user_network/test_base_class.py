"""An adapter of four short methods is enough for a class of any shape, and what is missing from one is said."""

import inspect
from itertools import pairwise

import numpy as np
import pytest
from user_networks import adapters

import sweeps
from sweeps.diagnosis.findings import Severity
from sweeps.diagnosis.network.examination import examine
from sweeps.errors import UserNetworkError
from sweeps.user_network.wrapper import WrappedNetwork

ADAPTERS = [
    found for found in vars(adapters).values() if isinstance(found, type) and found.__module__ == adapters.__name__
]


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_adapter_of_at_most_eight_lines_is_judged_sound(adapter: type) -> None:
    lines = [line for line in inspect.getsource(adapter).splitlines()[1:] if line.strip()]
    heads = [line for line in lines if line.lstrip().startswith(("def ", "cost ="))]
    assert len(lines) - len(heads) <= 8
    findings = examine(lambda sizes: WrappedNetwork.made(adapter, sizes), sizes=[(5, 4, 3)])
    assert all(finding.severity is not Severity.FAULT for finding in findings), findings


class Views(sweeps.UserNetwork):
    """Parameters that are no arrays of its own: made at each call, of views."""

    cost = "quadratic"

    def __init__(self, sizes: list[int]) -> None:
        self.flat = np.random.default_rng(0).normal(size=sum(a * b + b for a, b in pairwise(sizes)))
        self.sizes = sizes

    def parameters(self) -> list[np.ndarray]:
        found, at = [], 0
        for n_in, n_out in zip(self.sizes, self.sizes[1:], strict=False):
            found += [self.flat[at : at + n_in * n_out].reshape(n_in, n_out), self.flat[at + n_in * n_out :][:n_out]]
            at += n_in * n_out + n_out
        return found

    def outputs(self, x: np.ndarray) -> np.ndarray:
        w1, b1, w2, b2 = self.parameters()
        return np.tanh(x @ w1 + b1) @ w2 + b2

    def step(self, x: np.ndarray, y: np.ndarray, eta: float, lmbda: float, n: int) -> None:
        w1, b1, w2, b2 = self.parameters()
        h = np.tanh(x @ w1 + b1)
        d = (h @ w2 + b2 - y) / len(x)
        e = d @ w2.T * (1 - h**2)
        for p, g in ((w1, x.T @ e + lmbda / n * w1), (b1, e.sum(0)), (w2, h.T @ d + lmbda / n * w2), (b2, d.sum(0))):
            p -= eta * g


def test_views_made_at_each_call_are_parameters_too() -> None:
    findings = examine(lambda sizes: WrappedNetwork.made(Views, sizes), sizes=[(5, 4, 3)])
    assert findings[0].code == "clean", findings


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parameters": sweeps.UserNetwork.parameters}, "has no parameters(self)"),
        ({"outputs": lambda self: 3}, "no method gives its outputs"),
        ({"step": sweeps.UserNetwork.step}, "has no step(self, x, y, eta, lmbda, n)"),
        ({"cost": "hinge"}, "write one of quadratic, cross-entropy, log-likelihood"),
    ],
)
def test_what_an_adapter_lacks_is_said(changes: dict[str, object], said: str) -> None:
    lacking = type("Lacking", (adapters.French,), changes)
    with pytest.raises(UserNetworkError) as error:
        WrappedNetwork.made(lacking, (5, 4, 3))
    assert said in str(error.value)
