"""Nothing that somebody's code made is unpickled: what comes back is data of exact types, or a sentence."""

import math
import os
import pickle
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from model import EpochRecord, Hyperparameters, TrainingPlan
from model import load as load_data
from sweeps.errors import UserNetworkError
from sweeps.executors.loky import LokyExecutor
from sweeps.specification.spec import Goal
from sweeps.user_network.codec import decode, encode, rebuilt
from sweeps.user_network.parameters import Parameters
from sweeps.user_network.smoke_test import SmokeTest, smoke_test
from sweeps.user_network.source import NetworkSource, source_digest
from sweeps.verdicts.facts import State
from sweeps.verdicts.rules import FAILURE
from sweeps.worker.task import Task, TrialResult
from sweeps.worker.trial import run_trial

QUESTION = (Path(__file__).parents[1] / "user_networks" / "question.py").read_text(encoding="utf-8")
EVIL = """
import os
class Evil(Exception):
    def __init__(self, *given):
        super().__init__("evil")
    def __reduce__(self):
        return (os.mkdir, ({marker!r},))
    def __str__(self):
        return Word("evil")
class Word(str):
    def __reduce__(self):
        return (os.mkdir, ({marker!r},))
class Number(float):
    def __reduce__(self):
        return (os.mkdir, ({marker!r},))
    def item(self):
        return self
    def __float__(self):
        return 1.0
class Evils(np.ndarray):
    def __reduce__(self):
        return (os.mkdir, ({marker!r},))
"""
STEP = "def update_mini_batch(self, mini_batch, eta, lmbda, n):"
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
DATA = st.recursive(
    PLAIN | arrays.arrays(st.sampled_from([np.float32, np.float64, np.int64, np.bool_]), arrays.array_shapes()),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text() | st.integers(), inner),
)


def same(one: Any, other: Any) -> bool:
    """Equal, of the same types all the way down, to the last bit."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return bool(one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    return bool(one == other)


@given(DATA)
def test_data_come_back_as_they_were_to_the_last_bit(data: Any) -> None:
    assert same(decode(encode(data)), data)


@given(st.binary())
def test_bytes_that_are_no_data_are_refused_and_never_executed(content: bytes) -> None:
    for sent in (content, pickle.dumps(content), b'["array", "' + content.hex().encode() + b'"]'):
        with suppress(UserNetworkError):  # JSON that happens to be data is data
            assert same(decode(encode(decode(sent))), decode(sent))


def test_a_pickle_inside_an_array_is_refused() -> None:
    import base64
    import io
    import json

    written = io.BytesIO()
    np.save(written, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    sent = json.dumps(["array", base64.b64encode(written.getvalue()).decode()]).encode()
    with pytest.raises(UserNetworkError, match="no data"):
        decode(sent)


class _Float(float):
    pass


class _Array(np.ndarray[Any, Any]):
    pass


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (_Float(1.0), "left a _Float"),
        (np.zeros(2).view(_Array), "left an array of float64"),
        (np.array([1, None], dtype=object), "left an array of object"),
        (np.array(["a"]), "left an array of <U1"),
        (object(), "left a object"),
        (KeyError("x"), "left a KeyError"),
        ([{"deep": (1, _Float(2.0))}], "left a _Float"),
        (1j, "left a complex"),
    ],
)
def test_what_is_no_data_becomes_a_sentence(value: object, said: str) -> None:
    with pytest.raises(UserNetworkError, match=said):
        encode(value)


def test_a_result_comes_back_as_it_was() -> None:
    weights = (np.arange(6.0).reshape(2, 3), np.float32([[1, 2]]))
    records = (EpochRecord(0, {"a": math.pi, "b": -0.0}), EpochRecord(1, {"a": 1e308}))
    result = TrialResult(3, 1, State.COMPLETE, records, None, {"t": 0.5}, Parameters(weights, (), "float64"))
    result = TrialResult(**(vars(result) | {"epoch_ends": (1.5, 2.5), "assessment": FAILURE, "seconds": 0.25}))
    back = rebuilt(TrialResult, decode(encode(result)))
    assert isinstance(back.network, Parameters)
    assert all(map(same, back.network.weights, weights))
    assert TrialResult(**(vars(back) | {"network": None})) == TrialResult(**(vars(result) | {"network": None}))


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "excellent"},
        {"number": "3"},
        {"number": True},
        {"records": [1]},
        {"records": ({"epoch": 0, "measures": {"a": "1"}},)},
        {"network": {"weights": (1.0,), "biases": (), "dtype": "float64"}},
        {"surplus": 1},
        {"test": [1.0]},
    ],
)
def test_a_result_of_other_types_is_refused(changes: dict[str, Any]) -> None:
    table = decode(encode(TrialResult(3, 1, State.COMPLETE)))
    with pytest.raises(UserNetworkError, match="sent back"):
        rebuilt(TrialResult, table | changes)
    with pytest.raises(UserNetworkError, match="sent back"):
        rebuilt(SmokeTest, 3)


@pytest.fixture(scope="module")
def pool() -> Iterator[LokyExecutor]:
    """A worker."""
    with closing(LokyExecutor(1, "sweeps.worker.trial")) as made:
        yield made


def evil(folder: Path, *changes: tuple[str, str]) -> tuple[Task, Path]:
    """A training by the question's class with changes, and a folder that is made if anything of its is unpickled."""
    marker, path, text = folder / "executed", folder / "mynet.py", QUESTION
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    first, _, rest = text.partition("import numpy as np")
    path.write_text(f"{first}import numpy as np\n{EVIL.format(marker=str(marker))}{rest}", encoding="utf-8")
    source = NetworkSource("mynet.py:Network", f"{path}:Network", str(path), source_digest(f"{path}:Network"))
    plan, goal = TrainingPlan("digits", 1200, (6,), epochs=1, dtype="float64"), Goal("cost/validation_data", 1)
    digest = load_data("digits").digest
    return Task(0, 0, 0, plan, Hyperparameters(1.0, 1.0, 50), goal, digest, {}, network=source), marker


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((STEP, f"{STEP}\n        raise Evil()"), "Evil: evil"),
        ((STEP, f"{STEP}\n        self.weights = [w.view(Evils) for w in self.weights]"), None),
        ((STEP, f"{STEP}\n        self.weights = [w.astype(object) for w in self.weights]"), ""),
        (("return cost, ", "return Number(cost), "), None),
    ],
)
def test_what_their_code_leaves_in_a_result_is_executed_nowhere(
    pool: LokyExecutor, tmp_path: Path, change: tuple[str, str], said: str | None
) -> None:
    task, marker = evil(tmp_path, change)
    result = pool.submit(run_trial, task).result()
    assert not marker.exists()
    pickle.loads(pickle.dumps(result))
    assert not marker.exists()
    assert (result.error is None) == (said is None), result.error
    assert said is None or said in str(result.error)


def test_what_they_raise_when_they_are_met_is_told_and_executed_nowhere(pool: LokyExecutor, tmp_path: Path) -> None:
    task, marker = evil(tmp_path, (STEP, f"{STEP}\n        raise Evil()"))
    assert task.network is not None
    with pytest.raises(UserNetworkError, match=r"mynet\.py, line \d+, in update_mini_batch: Evil: evil") as met:
        pool.submit(smoke_test, task.network.target, [(5, 4, 3)], "float64", 0.1, 20.0).result()
    assert not marker.exists()
    pickle.loads(pickle.dumps(met.value))
    assert not marker.exists()
    assert os.getpid() != pool.submit(os.getpid).result()
