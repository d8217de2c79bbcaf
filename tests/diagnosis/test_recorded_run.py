"""Curves and facts that no training has are refused by name, with what was given."""

import math

import pytest
from support.recorded_runs import run_of

from sweeps.diagnosis.curves.run_facts import RunFacts
from sweeps.errors import InputError


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"sizes": (10,)}, ["sizes", "784,30,10", "(10,)"]),
        ({"sizes": (784, 0, 10)}, ["sizes", "0"]),
        ({"n": 0}, ["training size", "from 1", "0"]),
        ({"evaluated_n": -5}, ["evaluated size", "-5"]),
        ({"batch_size": 2.5}, ["batch size", "whole", "2.5"]),
        ({"n": True}, ["training size", "True"]),
        ({"n": 10, "batch_size": 11}, ["batch size", "at most the 10"]),
        ({"eta": 0.0}, ["eta", "positive"]),
        ({"eta": math.nan}, ["eta", "nan"]),
        ({"lmbda": -1.0}, ["lambda", "from 0", "-1"]),
        ({"momentum": 1.0}, ["momentum", "below 1"]),
        ({"output": "tanh"}, ["output", "sigmoid, softmax, linear", "'tanh'"]),
        ({"cost": "mse", "n": 0}, ["cost", "quadratic, cross_entropy", "training size"]),
    ],
)
def test_facts_that_cannot_be_are_bad_input(facts: dict[str, object], words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        RunFacts(**facts)  # type: ignore[arg-type]
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"cost": [1.0]}, "at least two epochs, got 1"),
        ({"cost": [1.0, 2.0], "penalty": [1.0]}, "penalty must have one value for each of 2 epochs"),
        ({"cost": [1.0, -2.0]}, "cost, value 1: must not be negative"),
        ({"cost": [1.0, 2.0], "accuracy": [0.1, 1.5]}, "accuracy, value 1: must be a fraction"),
    ],
)
def test_curves_that_no_training_has_are_bad_input(columns: dict[str, list[float]], words: str) -> None:
    with pytest.raises(InputError, match=words):
        run_of(**columns)
