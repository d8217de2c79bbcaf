"""Most people's code is read as it is: layer objects, dicts, rows, other names; what is read is what it does."""

import ast
from pathlib import Path

import numpy as np
import pytest
from user_networks.shapes.sequential import Linear, Model

from sweeps.diagnosis.findings import Code, Severity
from sweeps.diagnosis.network.examination import examine
from sweeps.diagnosis.network.steps import draw_point
from sweeps.diagnosis.network.subject import Subject
from sweeps.errors import UserNetworkError
from sweeps.user_network.loading import load_class
from sweeps.user_network.readings.found import FoundReading
from sweeps.user_network.wrapper import WrappedNetwork

SHAPES = Path(__file__).parents[1] / "user_networks" / "shapes"
SIZES = {"Digits": (6, 5, 3), "ThreeLayers": (5, 4, 6, 3)}  # that they have, whatever is asked
PARTS = {"Dense", "Linear", "Sigmoid", "Tanh", "_Child"}  # not networks
ADAPTED = {"BatchNormed", "Sequential", "Stack"}  # what is not read as it is


def written() -> list[str]:
    """The targets of all networks there."""
    return [
        f"{file}:{node.name}"
        for file in sorted(SHAPES.glob("*.py"))
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and node.name not in PARTS
    ]


def name(target: str) -> str:
    return target.rpartition(":")[2]


READ = [target for target in written() if name(target) not in ADAPTED]


def made(target: str) -> WrappedNetwork:
    return WrappedNetwork.made(load_class(target), SIZES.get(name(target), (5, 4, 3)))


def test_more_than_sixty_of_a_hundred_shapes_are_read_as_they_are() -> None:
    assert len(written()) >= 30
    assert len(READ) >= 0.6 * len(written())


@pytest.mark.parametrize("target", READ, ids=name)
def test_a_class_of_another_shape_is_judged_as_what_it_is(target: str) -> None:
    network = load_class(target)
    own = SIZES.get(name(target))
    findings = examine(lambda sizes: WrappedNetwork.made(network, sizes), sizes=[own] if own else [(5, 4, 3)])
    faults = {finding.code for finding in findings if finding.severity is Severity.FAULT}
    assert faults == (
        {Code.GRADIENT_SUMMED} if name(target) in {"Summed", "ThreeNumbers"} - {"ThreeNumbers"} else set()
    )


@pytest.mark.parametrize("target", READ, ids=name)
def test_what_was_read_is_what_the_class_does(target: str) -> None:
    wrapped = made(target)
    rng = np.random.default_rng(1)
    x, y = rng.uniform(size=(8, wrapped.sizes[0])), np.eye(3)[np.arange(8) % 3]
    pairs, costs = wrapped.pairs(x, y), []
    assert isinstance(wrapped.reading, FoundReading)
    assert [w.shape for w in wrapped.weights] == list(zip(wrapped.sizes[1:], wrapped.sizes, strict=False))
    assert [b.shape for b in wrapped.biases] == [(n,) for n in wrapped.sizes[1:]]
    outputs = wrapped.feedforward(x)
    np.testing.assert_allclose(wrapped.feedforward(x[2:3]), outputs[2:3], rtol=1e-9)
    still = wrapped.copy()
    still.update(pairs, 0.0, 0.0, 100)
    assert all(map(np.array_equal, still.weights + still.biases, wrapped.weights + wrapped.biases))
    for _ in range(30):
        costs.append(wrapped.cost(pairs, 0.1))
        wrapped.update(pairs, 0.02, 0.1, 100)
    assert costs[-1] < costs[0]
    other = made(target)
    other.set(wrapped.weights, wrapped.biases)
    np.testing.assert_array_equal(other.feedforward(x), wrapped.feedforward(x))


@pytest.mark.parametrize("target", [target for target in written() if name(target) in ADAPTED], ids=name)
def test_what_is_not_read_is_refused_in_words(target: str) -> None:
    with pytest.raises(UserNetworkError) as error:
        made(target)
    assert "TypeError" not in str(error.value)
    assert "adapter" in str(error.value)


def test_costs_that_nobody_reports_are_named() -> None:
    said = {name(target): dict(made(target).reading.table())["cost"] for target in READ}
    assert said["Foreign"] == "none, mean cross-entropy fits"  # names that tell nothing: found by what they do
    assert said["Neurons"] == "none, mean cross-entropy fits"
    assert said["Attributes"] == "none, mean quadratic fits"
    assert said["Digits"] == "none, mean log-likelihood fits"
    assert said["Summed"] == "none, summed quadratic fits"
    assert said["CostReturned"] == "what train_on_batch returns"


@pytest.mark.parametrize(
    ("file", "name_of_it", "backward"),
    [
        ("fixed_depth", "Returned", "backward_propagation"),  # a tuple, layer by layer
        ("layer_objects", "ForwardBackwardUpdate", "backward"),
        ("of_any_depth", "Private", "gradients"),
        ("sequential", "Model", "backward"),  # nothing: it leaves dW and db in its modules
    ],
)
def test_what_a_backward_pass_returns_or_leaves_is_read_and_is_the_gradient(
    file: str, name_of_it: str, backward: str
) -> None:
    subject = Subject(made(f"{SHAPES / file}.py:{name_of_it}"))
    point = draw_point(subject.layout, np.random.default_rng(0))
    true = subject.slope(lambda theta: subject.cost(theta, point.x, point.y), point.theta)
    returned = subject.returned(point.theta, point.x, point.y)
    assert returned is not None
    np.testing.assert_allclose(returned, true.values, atol=1e-7)
    assert subject.places[0] == backward


class Halved(Model):
    """The slope of its sigmoid is missing in the backward pass."""

    def backward(self, y_pred, y_true):
        g = 2 * (y_pred - y_true) / y_true.size
        for module in reversed(self.modules):
            g = module.backward(g) if isinstance(module, Linear) else g


def test_the_place_of_a_fault_is_named_as_the_class_names_it() -> None:
    findings = examine(lambda sizes: WrappedNetwork.made(Halved, sizes), sizes=[(5, 4, 3)])
    faults = [finding for finding in findings if finding.severity is Severity.FAULT]
    assert faults
    assert all("Likeliest place: backward." in finding.message for finding in faults)


def test_nothing_is_said_of_a_penalty_that_is_not_there() -> None:
    network = load_class(f"{SHAPES / 'stacked.py'}:Stacked")
    findings = examine(lambda sizes: WrappedNetwork.made(network, sizes), sizes=[(5, 4, 3)])
    clean = next(finding.message for finding in findings if finding.code is Code.CLEAN)
    assert "reported cost (there is no penalty), on layers 5-4-3" in clean
