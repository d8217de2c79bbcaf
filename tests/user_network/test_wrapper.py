"""Somebody's class is found and spoken to, whatever its shape; what is wrong with it is said with file and line."""

import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from sweeps.errors import InputError, UserNetworkError
from sweeps.executors.loky import LokyExecutor
from sweeps.user_network.loading import load_class
from sweeps.user_network.smoke_test import smoke_test
from sweeps.user_network.source import source_digest
from sweeps.user_network.wrapper import PROTOCOL, WrappedNetwork, seeded

OWN = Path(__file__).parents[1] / "user_networks"
SIZES = (5, 4, 3)

FLAT = """
    import numpy as np
    class Network:
        def __init__(self, sizes):
            self.weights = [np.random.randn(n, m) for m, n in zip(sizes, sizes[1:])]
            self.biases = [np.random.randn(n) for n in sizes[1:]]
        def feedforward(self, a):
            for w, b in zip(self.weights, self.biases):
                a = np.tanh(w @ a + b)
            return a
        def update_mini_batch(self, mini_batch, eta, lmbda, n):
            for x, y in mini_batch:
                self.biases[-1] = self.biases[-1] - eta / len(mini_batch) * (self.feedforward(x) - y)
        def evaluate(self, data, lmbda):
            return sum(np.sum((self.feedforward(x) - y) ** 2) for x, y in data) / len(data)
"""
SINGLE = """
    import numpy as np
    class Network:
        def __init__(self, sizes):
            self.weights = [np.random.randn(n, m).astype(np.float32) for m, n in zip(sizes, sizes[1:])]
            self.bias = [np.zeros((n, 1), np.float32) for n in sizes[1:]]
        def feedforward(self, a):
            for w, b in zip(self.weights, self.bias):
                a = 1 / (1 + np.exp(-(w @ a.astype(np.float32) + b)))
            return a
        def update_mini_batch(self, mini_batch, eta, lmbda, n):
            self.weights = [(1 - eta * lmbda / n) * w for w in self.weights]
        def evaluate(self, data, lmbda):
            x, y = (np.array(side).T for side in zip(*data))
            return np.float32(0.5 * np.sum((self.feedforward(x) - y) ** 2) / len(data)), None
"""
SLOTS = """
    import numpy as np
    class Network:
        __slots__ = ("layers",)
        def __init__(self, sizes):
            self.layers = [[np.random.randn(n, m), np.zeros((n, 1))] for m, n in zip(sizes, sizes[1:])]
        weights = property(lambda self: [w for w, b in self.layers])
        biases = property(lambda self: [b for w, b in self.layers])
        def feedforward(self, a):
            for w, b in self.layers:
                a = 1 / (1 + np.exp(-(w @ a + b)))
            return a
        def update_mini_batch(self, mini_batch, eta, lmbda, n):
            for x, y in mini_batch:
                self.layers[-1][1] -= eta / len(mini_batch) * (self.feedforward(x) - y)
        def total_cost(self, data, lmbda):
            return sum(np.sum((self.feedforward(x) - y) ** 2) for x, y in data) / len(data)
"""
# What the protocol's adapter stands in front of: rows, weights (n_in, n_out), other names.
ELSEWHERE = """
    import numpy as np
    class Layer:
        def __init__(self, n_in, n_out):
            self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)
    class MyNet:
        n = 100
        def __init__(self, layers):
            self.layers = [Layer(m, n) for m, n in zip(layers, layers[1:])]
        def predict(self, x):
            for layer in self.layers:
                x = 1 / (1 + np.exp(-(x @ layer.W + layer.b)))
            return x
        def fit_batch(self, x, y, learning_rate, l2):
            out = self.predict(x)
            self.layers[-1].b -= learning_rate * np.mean((out - y) * out * (1 - out), axis=0)
            for layer in self.layers:
                layer.W *= 1 - learning_rate * l2
        def loss(self, x, y, l2):
            squares = sum(np.sum(layer.W ** 2) for layer in self.layers)
            return 0.5 * np.mean(np.sum((self.predict(x) - y) ** 2, axis=1)) + 0.5 * l2 * squares
"""
ADAPTER = "import sweeps\n" + textwrap.dedent(PROTOCOL[PROTOCOL.index("    class Adapter(") :])
KINDS = {"flat": FLAT, "single": SINGLE, "slots": SLOTS}


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], str]:
    """Writes a file and returns the target of a class in it."""

    def write(text: str, name: str = "Network") -> str:
        path = tmp_path / "mynet.py"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return f"{path}:{name}"

    return write


@pytest.fixture(scope="module")
def pool() -> Iterator[LokyExecutor]:
    """A worker."""
    with closing(LokyExecutor(1, "sweeps.worker.trial")) as made:
        yield made


def speaks(wrapped: WrappedNetwork) -> None:
    """All that a WrappedNetwork promises, whatever the class behind it."""
    rng = np.random.default_rng(1)
    x, y = rng.uniform(size=(6, SIZES[0])), np.eye(SIZES[-1])[rng.integers(SIZES[-1], size=6)]
    pairs = wrapped.pairs(x, y)
    outputs = wrapped.feedforward(x)
    assert outputs.shape == (6, SIZES[-1])
    np.testing.assert_allclose(wrapped.feedforward(x[2:3]), outputs[2:3], rtol=1e-6)
    assert np.isfinite(wrapped.cost(pairs, 0.0))
    assert [w.shape for w in wrapped.weights] == [(4, 5), (3, 4)]
    assert [b.shape for b in wrapped.biases] == [(4,), (3,)]
    copy = wrapped.copy()
    copy.update(pairs, 0.5, 1.0, 100)
    moved = [*copy.weights, *copy.biases]
    assert any(not np.array_equal(a, b) for a, b in zip(moved, wrapped.weights + wrapped.biases, strict=True))
    assert [b.shape for b in copy.biases] == [(4,), (3,)]
    wrapped.set(copy.weights, copy.biases)
    assert all(np.array_equal(a, b) for a, b in zip(moved, wrapped.weights + wrapped.biases, strict=True))
    np.testing.assert_array_equal(wrapped.feedforward(x), copy.feedforward(x))


@pytest.mark.parametrize("file", ["question", "network2"])
def test_a_class_of_either_shape_is_spoken_to_as_it_is(file: str) -> None:
    speaks(WrappedNetwork.made(load_class(f"{OWN / file}.py:Network"), SIZES))


@pytest.mark.parametrize("kind", KINDS)
def test_a_class_of_its_own_habits_is_spoken_to_as_it_is(written: Callable[[str], str], kind: str) -> None:
    speaks(WrappedNetwork.made(load_class(written(KINDS[kind])), SIZES))


def test_the_adapter_of_the_protocol_works(written: Callable[..., str]) -> None:
    speaks(WrappedNetwork.made(load_class(written(f"{textwrap.dedent(ELSEWHERE)}\n{ADAPTER}", "Adapter")), SIZES))


def test_the_adapter_of_the_documentation_descends_the_cost_that_it_reports(written: Callable[..., str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "own-network.md").read_text(encoding="utf-8")
    network = load_class(written(page.split("```python\n")[1].split("```")[0], "Adapter"))
    speaks(WrappedNetwork.made(network, SIZES))
    wrapped = WrappedNetwork.made(network, SIZES)
    rng = np.random.default_rng(0)
    pairs = wrapped.pairs(rng.uniform(size=(30, 5)), np.eye(3)[rng.integers(3, size=30)])
    costs = []
    for _ in range(20):
        costs.append(wrapped.cost(pairs, 3.0))
        wrapped.update(pairs, 0.1, 3.0, 30)
    assert costs == sorted(costs, reverse=True)


def test_samples_are_columns_to_network2_and_flat_to_the_question() -> None:
    x, y = np.zeros((2, 5)), np.zeros((2, 3))
    shapes = {
        file: [side.shape for side in WrappedNetwork.made(load_class(f"{OWN / file}.py:Network"), SIZES).pairs(x, y)[0]]
        for file in ("question", "network2")
    }
    assert shapes == {"question": [(5,), (3,)], "network2": [(5, 1), (3, 1)]}


def test_layers_as_wide_as_the_probe_confuse_nothing(written: Callable[[str], str]) -> None:
    for target in (written(FLAT), f"{OWN / 'question.py'}:Network", f"{OWN / 'network2.py'}:Network"):
        wrapped = WrappedNetwork.made(load_class(target), (7, 7, 7))
        x = np.random.default_rng(0).uniform(size=(7, 7))
        one_by_one = np.concatenate([wrapped.feedforward(row[None]) for row in x])
        np.testing.assert_allclose(wrapped.feedforward(x), one_by_one, rtol=1e-12)


def test_networks_of_one_seed_are_equal_and_the_global_generators_go_on() -> None:
    network = load_class(f"{OWN / 'question.py'}:Network")
    np.random.seed(3)  # noqa: NPY002
    expected = np.random.rand(2)  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    one, other, third = (WrappedNetwork.made(network, SIZES, seed=[seed]) for seed in (1, 1, 2))
    assert np.array_equal(one.weights[0], other.weights[0])
    assert not np.array_equal(one.weights[0], third.weights[0])
    with seeded([5]):
        np.random.rand(1)  # noqa: NPY002
    assert np.array_equal(np.random.rand(2), expected)  # noqa: NPY002


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("import numpy\nclass Netwrok:\n    pass\n", "Network", "no class 'Network'; did you mean 'Netwrok'?"),
        ("x = 1\ny = x / 0\n", "Network", "mynet.py, line 2, in <module>: ZeroDivisionError"),
        ("def f(:\n", "Network", "mynet.py, line 1: SyntaxError"),
        ("import nowhere_at_all\n", "Network", "mynet.py, line 1, in <module>: ModuleNotFoundError"),
        ("import sys\nsys.exit(3)\n", "Network", "mynet.py, line 2, in <module>: SystemExit"),
        ("Network = 3\n", "Network", "has no class 'Network'"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(
    written: Callable[..., str], text: str, name: str, said: str
) -> None:
    with pytest.raises(InputError) as error:
        load_class(written(text, name))
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("nowhere.py:Network", "there is no such file"),
        ("mynet.py", "names no class"),
        ("nowhere_at_all:Network", "there is no module"),
        ("json:Network", "has no class"),
        ("json.nowhere:Network", "there is no module"),
    ],
)
def test_a_target_that_is_not_there_is_said_to_be_so(target: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load_class(target)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("def __init__(self, sizes)", "def __init__(self)", "TypeError"),
        (
            "def update_mini_batch(self, mini_batch, eta, lmbda, n)",
            "def update_mini_batch(self, batch, eta)",
            "NameError: name 'lmbda' is not defined\n  while it ran update_mini_batch(batch: pairs, eta)",
        ),
        ("randn(n, m)", "randn(m, n)", "are not those of layers"),
        ("def feedforward", "def forward", "no feedforward"),
        ("def evaluate", "def assess", "no total_cost nor evaluate"),
        ("zip(sizes, sizes[1:])]", "zip(sizes, sizes[1:])] * 2", "are not those of layers"),
        ("return a\n", "return a[:, :1]\n", "expected"),
        ("0.5 *", "1 / 0 *", "line 15, in evaluate: ZeroDivisionError"),
    ],
)
def test_a_class_that_cannot_be_trained_is_refused_with_the_protocol(
    written: Callable[[str], str], pool: LokyExecutor, old: str, new: str, said: str
) -> None:
    assert old in SINGLE
    target = written(SINGLE.replace(old, new))
    with pytest.raises(UserNetworkError) as error:
        pool.submit(smoke_test, target, [SIZES], "float32", 0.1, 20.0).result()
    assert said in str(error.value)
    assert PROTOCOL in str(error.value)


def test_a_class_is_met_and_known(written: Callable[[str], str], pool: LokyExecutor) -> None:
    target = written(SINGLE)
    met = pool.submit(smoke_test, target, [SIZES, (5, 2)], "float64", 0.1, 20.0).result()
    assert (met.file, met.digest, met.repeatable) == (target[: -len(":Network")], source_digest(target), True)
    target = written(SINGLE.replace("np.random.randn(n, m)", "np.random.default_rng().normal(size=(n, m))"))
    assert not pool.submit(smoke_test, target, [SIZES], "float64", 0.1, 20.0).result().repeatable


def test_an_endless_import_is_stopped(written: Callable[[str], str], pool: LokyExecutor) -> None:
    with pytest.raises(UserNetworkError, match=r"mynet\.py, line 1, in <module>"):
        pool.submit(smoke_test, written("while True:\n    pass\n"), [SIZES], "float32", 0.1, 0.5).result()
