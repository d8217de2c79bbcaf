"""Whatever a class does, it is read or refused in words: nothing else comes out of it, and nothing of it is kept."""

import random
from typing import Any

import numpy as np
import pytest
from user_networks.shapes.fixed_depth import TwoLayerNet
from user_networks.shapes.layer_objects import LayersInRows
from user_networks.shapes.of_any_depth import Summed

from sweeps.errors import UserNetworkError
from sweeps.user_network.wrapper import WrappedNetwork


class Raises:
    """Whatever is done with it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise RuntimeError(name)

    def __call__(self, *given: Any) -> Any:
        raise KeyError("called")

    def __array__(self, *given: Any, **more: Any) -> Any:
        raise RuntimeError("no array")

    def __len__(self) -> int:
        raise OSError("no length")

    def __bool__(self) -> bool:
        raise OSError("neither")

    def __eq__(self, other: object) -> bool:
        raise OSError("incomparable")

    __hash__ = None  # type: ignore[assignment]


def generator() -> Any:
    yield np.ones(3)


def locked() -> np.ndarray:
    array = np.ones((4, 3))
    array.flags.writeable = False
    return array


THINGS: list[Any] = [
    None,
    3,
    "words",
    np.nan,
    (),
    {},
    {1: 2},
    [np.ones(2)],
    np.ones((2, 2)),
    np.ones(0),
    np.array(3.0),
    np.ones((3, 3), dtype=int),
    np.array([None, 1], dtype=object),
    np.array(["a"]),
    np.ma.masked_array([1.0]),
    1j,
    Raises(),
    object(),
    type,
    len,
    Exception("x"),
]


def odd(rng: random.Random, base: type) -> type:
    """The class with some of its methods and attributes replaced by something odd."""

    def thing() -> Any:
        chosen = rng.choice([*THINGS, "generator", "locked"])
        return generator() if chosen is THINGS else chosen

    def raising(self: Any, *given: Any, **more: Any) -> Any:
        raise rng.choice([KeyError("k"), SystemExit(3), RecursionError(), AttributeError("a"), StopIteration()])

    def giving(value: Any) -> Any:
        return lambda self, *given, **more: generator() if value == "generator" else value

    names = [name for name in dir(base) if not name.startswith("__")] + ["weights", "biases", "feedforward", "cost"]
    members: dict[str, Any] = {}
    for name in rng.sample(names, rng.randint(1, 3)):
        value = thing()
        value = "odd" if isinstance(value, Raises) and rng.random() < 0.5 else value
        members[name] = rng.choice([raising, property(raising), value, lambda self, x=value: x])
    kept = base.__init__

    def __init__(self: Any, *given: Any, **more: Any) -> None:  # noqa: N807
        kept(self, *given, **more)
        for holder in (self, getattr(self, "params", self)):
            if rng.random() < 0.4 and hasattr(holder, "__dict__"):
                where = rng.choice(list(vars(holder)) or ["x"])
                try:
                    setattr(holder, where, locked() if rng.random() < 0.3 else thing())
                except AttributeError:
                    continue

    return type("Odd", (base,), {**members, "__init__": __init__})


@pytest.mark.parametrize("seed", range(120))
def test_an_odd_class_is_read_or_refused_in_words(seed: int) -> None:
    rng = random.Random(seed)
    network = odd(rng, rng.choice([LayersInRows, TwoLayerNet, Summed]))
    try:
        wrapped = WrappedNetwork.made(network, (5, 4, 3))
        x, y = np.ones((2, 5)), np.eye(3)[:2]
        wrapped.update(wrapped.pairs(x, y), 0.1, 0.1, 10)
        wrapped.cost(wrapped.pairs(x, y), 0.1)
        assert wrapped.feedforward(x).shape == (2, 3)
    except UserNetworkError as error:
        assert str(error)  # noqa: PT017 - either is well
