"""How training starts is told with its numbers and a remedy where something is wrong; no sound network is warned of."""

import ast
import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
from support.builtin_as_theirs import BuiltIn
from user_networks import layered, matrix_form, question, sample_by_sample

import sweeps
from model import Examples, Network, TrainingPlan
from model import load as load_data
from model.activations import ACTIVATIONS
from model.costs import HEADS
from model.network import Passes
from sweeps.cli.main import main
from sweeps.diagnosis.findings import Finding, Severity
from sweeps.diagnosis.network.data_check import judge_examples, judge_pairs
from sweeps.diagnosis.network.first_minute import SIZES, judge_builtin_start, judge_start, made_up_examples
from sweeps.diagnosis.network.readout import activations, bounds_of
from sweeps.errors import UserNetworkError
from sweeps.user_network.loading import load_class
from sweeps.user_network.wrapper import FixedSizesError, WrappedNetwork

OWN = Path(__file__).parents[1] / "user_networks"
MODULES = ("question", "network2", "matrix_form", "sample_by_sample", "layered", "by_hand", "variations")
# Classes that cannot learn a batch of four, or whose units are alike. No other is warned of.
WARNED = {
    "Zeros": {"start.alike"},
    "Ascends": {"batch.not_learnt"},
    "NothingLearnt": {"batch.not_learnt"},
    "LastSampleOnly": {"batch.not_learnt"},
}
HARMLESS = {"start.cost", "start.saturated"}  # matters of degree


def digits() -> tuple[np.ndarray, np.ndarray]:
    train = load_data("digits").train
    return train.x[:500] * train.scale, np.eye(10)[train.y[:500]]


def of(network: type, sizes: tuple[int, ...] = SIZES, data: tuple[np.ndarray, np.ndarray] | None = None):
    found = judge_start(WrappedNetwork.made(network, sizes), *(data or digits()), seconds=60.0)
    return {str(finding.code): finding for finding in found}


def grave(findings: dict[str, Finding] | list[Finding]) -> set[str]:
    every = findings.values() if isinstance(findings, dict) else findings
    return {str(finding.code) for finding in every if finding.severity is not Severity.INFO}


def networks() -> list[str]:
    files = [OWN / f"{module}.py" for module in MODULES] + sorted((OWN / "shapes").glob("*.py"))
    return [
        f"{file}:{node.name}"
        for file in files
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    ]


@pytest.mark.parametrize("step", [15, pytest.param(1, marks=pytest.mark.soak)])
def test_no_sound_class_is_warned_of_whatever_its_shape(step: int) -> None:
    judged, every = {}, networks()
    for target in [one for one in every if one in every[::step] or one.rpartition(":")[2] in WARNED]:
        network = load_class(target)
        try:
            wrapped = WrappedNetwork.made(network, SIZES, file=Path(target.rpartition(":")[0]))
        except FixedSizesError as own:
            wrapped = WrappedNetwork.made(network, own.sizes)
        except UserNetworkError:  # no network, or one that needs an adapter
            continue
        data = digits() if wrapped.sizes == SIZES else made_up_examples(wrapped.sizes)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(UserNetworkError):
            judged[network.__name__] = judge_start(wrapped, *data, seconds=60.0)
    assert len(judged) > 100 / step
    assert {name: grave(found) for name, found in judged.items() if grave(found)} == WARNED
    told = {str(finding.code) for name, found in judged.items() for finding in found if name not in WARNED}
    assert told <= HARMLESS


@pytest.mark.parametrize("initialisation", ["scaled", "standard"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_our_network_brings_no_warning_with_any_cost_and_what_is_read_of_it_is_what_it_has(
    activation: str, initialisation: str
) -> None:
    x, y = digits()
    for output, cost in HEADS:
        plan = TrainingPlan("digits", 100, (20, 10), activation, output, cost, initialisation, dtype="float64")
        wrapped = WrappedNetwork(BuiltIn(plan, (64, 20, 10, 10)))
        drawn = Network.initialise((64, 20, 10, 10), plan, np.random.default_rng(0))
        told = {str(finding.code) for finding in judge_builtin_start(drawn, x, y)}
        found = judge_start(wrapped, x, y, seconds=60.0)
        assert told <= {str(finding.code) for finding in found}
        if initialisation == "scaled":
            assert told == set()
            assert {str(finding.code) for finding in found} <= ({"start.cost"} if output == "linear" else set())
        else:
            assert grave(found) <= (
                {"batch.not_learnt"} if activation == "relu" else set()
            )  # it cannot move: slopes are 0
        passes = Passes(drawn, 40)
        passes.forward(x[:40])
        units = np.sort(np.random.default_rng(0).permutation(20)[:12])
        np.testing.assert_allclose(
            activations(wrapped, x[:40], 1), passes.activations[0][:, units], rtol=1e-3, atol=1e-3
        )
        bounded = bounds_of(wrapped, x[:40], 1)
        assert (bounded is None) == (activation == "relu")


class TooLarge(question.Network):
    def __init__(self, sizes):
        super().__init__(sizes)
        self.weights = [10 * w for w in self.weights]


class DeadUnits(layered.SoftmaxReLU):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        for name in ("bias", "biases"):
            if hasattr(self, name):
                setattr(self, name, [b - 100.0 for b in getattr(self, name)[:-1]] + [getattr(self, name)[-1]])


class Deaf(question.Network):
    """Its outputs are those of the mean of the batch."""

    def feedforward(self, a):
        return super().feedforward(np.zeros_like(a))

    def backprop(self, x, y):
        return super().backprop(np.zeros_like(x), y)


class NoNumber(question.Network):
    def evaluate(self, data, lmbda):
        return float("nan"), 0


def test_large_starting_weights_are_a_matter_of_degree() -> None:
    found = of(TooLarge)["start.saturated"]
    assert found.severity is Severity.INFO
    assert "no fault" in found.message
    assert found.evidence["share"]["layer_1"] > 0.9
    assert "np.sqrt(n_in)" in found.remedy


@pytest.mark.parametrize(
    ("output", "cost", "chance"),
    [
        ("linear", "quadratic", 0.5),
        ("sigmoid", "cross_entropy", 10 * np.log(2)),
        ("softmax", "cross_entropy", np.log(10)),
    ],
)
def test_what_chance_gives_is_that_of_the_cost_that_is_reported(output: str, cost: str, chance: float) -> None:
    plan = TrainingPlan("digits", 100, (), output=output, cost=cost, dtype="float64")
    network = BuiltIn(plan, (64, 10))
    network.weights = [50.0 * w for w in network.weights]
    (found,) = (one for one in judge_start(WrappedNetwork(network), *digits()) if one.code == "start.cost")
    assert found.severity is Severity.INFO
    assert found.evidence["undecided"] == pytest.approx(chance, rel=1e-3)
    assert found.evidence["cost"] > 4 * chance


def test_a_network_that_was_trained_before_starts_below_chance() -> None:
    x, y = digits()
    wrapped = WrappedNetwork.made(question.Network, SIZES)
    for start in range(0, 500, 5):
        for _ in range(6):
            wrapped.update(wrapped.pairs(x[start : start + 5], y[start : start + 5]), 3.0, 0.0, 500)
    found = judge_start(wrapped, x, y)
    assert "start.cost" in {str(one.code) for one in found if "trained" in one.message}


def test_dead_units_alike_units_and_a_constant_output_are_told_with_their_number() -> None:
    dead = of(DeadUnits)["start.dead"]
    assert "100% of the units of layer 1" in dead.message
    assert "30 units of layer 1" in of(matrix_form.Zeros)["start.alike"].message
    constant = of(Deaf)["start.constant"]
    assert "200 different examples" in constant.message
    assert constant.severity is Severity.WARNING


def test_a_batch_that_is_not_learnt_is_told_with_what_came_of_it() -> None:
    found = of(sample_by_sample.Ascends)["batch.not_learnt"]
    assert "0 of 4 are right" in found.message
    assert found.evidence["steps"] == 325


def test_a_cost_that_is_no_number_is_told() -> None:
    assert "nan" in of(NoNumber)["start.cost"].message


def test_unscaled_inputs_are_told_and_scaled_ones_are_not() -> None:
    x, y = digits()
    for scale, said in ((255.0, "reach 255"), (1e-3, "reach 0.001")):
        (found,) = judge_pairs(scale * x, y)
        assert (found.code, found.severity) == ("data.scale", Severity.WARNING)
        assert said in found.message
    standardised = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-9)
    for sound in (x, standardised, 2 * x - 1):
        assert judge_pairs(sound, y) == []


@pytest.mark.parametrize("name", ["digits", "mnist"])
def test_a_sound_data_set_brings_nothing(name: str) -> None:
    assert judge_examples(load_data(name).train) == []


def test_labels_that_do_not_match_are_told() -> None:
    x, y = digits()
    (shuffled,) = judge_pairs(x, np.random.default_rng(0).permutation(y))
    assert shuffled.code == "data.labels"
    assert "chance gives 10." in shuffled.message
    (soft,) = judge_pairs(x, 2 * y)
    assert "not one-hot: that of example 0" in soft.message
    train = load_data("digits").train
    (shifted,) = judge_examples(Examples(train.x, train.y + 1, train.scale, 11))
    assert "No training example is of class 0 of 0 to 10" in shifted.message
    assert judge_pairs(x, 0.9 * y + 0.01) == []  # smoothed


def test_diagnose_says_it_beside_what_it_finds_in_the_class_and_faults_come_first(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(OWN)
    assert main(["diagnose", "matrix_form.py:Zeros"]) == 0  # a relative path is found from the worker, too
    out, _ = capfd.readouterr()
    assert out.index("start.alike") < out.index("clean")
    assert "no fault" in out
    x, y = digits()
    data = [(255 * one, label) for one, label in zip(x, y, strict=True)]
    codes = [str(finding.code) for finding in sweeps.diagnose(f"{OWN / 'matrix_form.py'}:Sound", data)]
    assert "data.scale" in codes
    assert codes[-1] == "clean"
