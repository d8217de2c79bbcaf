"""Value objects refuse bad values when they are made: ValueError, with the field's name and the value."""

import re
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from model import Hyperparameters, TrainingPlan
from model.activations import ACTIVATIONS
from model.costs import HEADS

NAN, INF = float("nan"), float("inf")
NO_NUMBERS = [True, False, "1", None, [1], (1,), 1j, Decimal(1), NAN, INF, -INF, 10**400, -(10**400)]
NO_INTEGERS = [*NO_NUMBERS[:-2], 1.0, 2.5, -1]
NO_NAMES = ["", "Sigmoid", None, 1, True, ["sigmoid"], NAN]

BAD_HYPERPARAMETERS = [
    *(("eta", value) for value in (*NO_NUMBERS, 0, 0.0, -0.0, -1, -1e-300)),
    *(("lmbda", value) for value in (*NO_NUMBERS, -1, -1e-300)),
    *(("batch_size", value) for value in (*NO_INTEGERS, 0)),
]
BAD_PLANS = [
    *(("dataset", value) for value in (None, 1, ["mnist"], b"mnist")),
    *((field, value) for field in ("validation", "epochs") for value in (*NO_INTEGERS, 0)),
    *(("hidden", value) for value in (30, "30", None, [30], (0,), (30, -1), (30.0,), (True,), ("30",), (NAN,))),
    *((field, value) for field in ("activation", "output", "cost") for value in NO_NAMES),
    *((field, value) for field in ("initialisation", "penalty_n", "dtype") for value in NO_NAMES),
    *(("momentum", value) for value in (*NO_NUMBERS, -1e-300, -1, 1, 1.0, 2)),
    ("dtype", "float16"),
]


def shows(field: str, value: Any) -> str:
    name = "lambda" if field == "lmbda" else field
    return rf"^{name} must be .*, got {re.escape(repr(value))}$"


@pytest.mark.parametrize(("field", "value"), BAD_HYPERPARAMETERS, ids=lambda part: repr(part)[:12])
def test_hyperparameters_refuse_a_bad_value_and_show_it(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=shows(field, value)):
        Hyperparameters(**{"eta": 0.1, "lmbda": 1.0, "batch_size": 10} | {field: value})


@pytest.mark.parametrize(("field", "value"), BAD_PLANS, ids=lambda part: repr(part)[:12])
def test_plan_refuses_a_bad_value_and_shows_it(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=shows(field, value)):
        TrainingPlan(**{field: value})


def test_plan_refuses_a_cost_that_its_output_has_no_gradient_for() -> None:
    with pytest.raises(ValueError, match=r"^cost 'cross_entropy' is not defined for output 'linear': use"):
        TrainingPlan(output="linear", cost="cross_entropy")


@pytest.mark.parametrize(
    ("field", "choices"),
    [
        ("activation", ACTIVATIONS),
        ("output", {output for output, _ in HEADS}),
        ("cost", {cost for _, cost in HEADS}),
        ("initialisation", ["scaled", "standard"]),
        ("penalty_n", ["training", "evaluated"]),
        ("dtype", ["float32", "float64"]),
    ],
)
def test_message_about_a_name_lists_the_names_there_are(field: str, choices: Any) -> None:
    with pytest.raises(ValueError, match=field) as refusal:
        TrainingPlan(**{field: "none of them"})
    listed = str(refusal.value).removeprefix(f"{field} must be one of ").partition(", got")[0]
    assert sorted(listed.split(", ")) == sorted(choices)
    for choice in choices:
        assert getattr(TrainingPlan(**{field: choice}), field) == choice


@pytest.mark.parametrize(
    "values",
    [(5e-324, 0, 1), (1.7e308, 1.7e308, 10**6), (1, 2, 3), (np.float64(0.1), np.float32(0.5), 10)],
    ids=["least", "largest", "whole", "numpy"],
)
def test_hyperparameters_accept_every_legal_number(values: tuple[Any, Any, int]) -> None:
    made = Hyperparameters(*values)
    assert (made.eta, made.lmbda, made.batch_size) == values


def test_plan_accepts_the_bounds_of_every_range() -> None:
    plan = TrainingPlan(validation=1, epochs=1, hidden=(), momentum=0)
    assert (plan.validation, plan.epochs, plan.hidden, plan.momentum) == (1, 1, (), 0)
    assert TrainingPlan(hidden=(1, 1), momentum=0.999).momentum == 0.999


@pytest.mark.parametrize("value", [Hyperparameters(0.1, 1.0, 10), TrainingPlan()], ids=["hyperparameters", "plan"])
def test_values_cannot_change_and_are_equal_by_content(value: Any) -> None:
    field = next(iter(vars(value)))
    with pytest.raises(AttributeError):
        setattr(value, field, getattr(value, field))
    twin = type(value)(**vars(value))
    assert (twin, hash(twin)) == (value, hash(value))
