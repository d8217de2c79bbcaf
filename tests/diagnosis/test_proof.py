"""That something is the fault is measured: with it corrected and nothing else changed, the same class trains; where it
trains no better, that is said."""

import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from user_networks import faulty, layered, matrix_form, sample_by_sample

from model import load as load_data
from sweeps.cli.main import main
from sweeps.diagnosis.findings import Code, Finding, Severity
from sweeps.diagnosis.network.settings_check import TrainingSettings
from sweeps.diagnosis.network.steps import draw_point
from sweeps.diagnosis.network.subject import Subject
from sweeps.diagnosis.proof.corrections import Correction, corrected_data, corrected_decay
from sweeps.diagnosis.proof.law import find_law
from sweeps.diagnosis.proof.proving import ProofData, prove_faults
from sweeps.specs.case_study import networks
from sweeps.user_network.wrapper import WrappedNetwork
from sweeps.views.figures.proof_curves import drawn
from sweeps.views.figures.side_by_side import page
from sweeps.views.terminal_curves import curve_lines

SIZES = (64, 12, 10)
CASE_STUDY = Path(networks.__file__)


def proven(network: type, *codes: Code, settings: TrainingSettings | None = None) -> Finding:
    """codes: of the faults that a diagnosis has found."""

    def make(sizes: Sequence[int]) -> WrappedNetwork:
        return WrappedNetwork.made(network, sizes)

    train = load_data("digits").train
    data = ProofData(train.x[:450] * train.scale, np.eye(10)[train.y[:450]], "digits")
    return prove_faults([Finding(code, Severity.FAULT, "") for code in codes], make, SIZES, data, settings)


@pytest.mark.parametrize(
    ("network", "code", "words"),
    [
        (networks.DecaySignFlipped, Code.DECAY_SIGN, "the decay"),
        pytest.param(matrix_form.DecayByBatch, Code.DECAY_SCALE, "the decay", marks=pytest.mark.soak),
        (matrix_form.Summed, Code.GRADIENT_SUMMED, "the average over the mini-batch"),
        pytest.param(sample_by_sample.Ascends, Code.GRADIENT_SIGN, "the sign", marks=pytest.mark.soak),
    ],
)
def test_a_class_that_fails_trains_once_its_fault_is_corrected(network: type, code: Code, words: str) -> None:
    found = proven(network, code)
    as_it_is, corrected = found.evidence["trainings"][:2]
    assert found.code is Code.PROOF
    assert found.evidence["proven"] is True
    assert corrected["name"] == f"with {words} corrected"
    assert f"With {words} corrected and nothing else changed, it falls from" in found.message
    assert "this is the fault, from each of 3 starts" in found.message
    assert corrected["total"][0] == as_it_is["total"][0]  # from the same start
    assert corrected["total"][-1] < 0.5 * corrected["total"][0]
    assert not as_it_is["total"][-1] < corrected["total"][-1]


def test_a_slope_that_is_missing_is_corrected_by_the_gradient_of_what_the_class_reports() -> None:
    found = proven(
        sample_by_sample.NoHiddenSlope,
        Code.GRADIENT_HIDDEN_DERIVATIVE_MISSING,
        settings=TrainingSettings(0.5, 0.0, 10, 300),
    )
    assert "sigmoid hidden units, sigmoid outputs and the cross-entropy cost" in found.message
    as_it_is, corrected = found.evidence["trainings"]
    assert corrected["total"][-1] < as_it_is["total"][-1]


def test_where_the_corrected_step_does_no_better_that_is_said() -> None:
    settings = TrainingSettings(1.0, 0.3, 10, 300)  # at eta 1 a forgotten eta is nothing
    found = proven(networks.NoEtaInDecay, Code.DECAY_WITHOUT_ETA, settings=settings)
    assert found.evidence["proven"] is False
    assert "it does no better, and the fault does not show" in found.message
    one, other = (training["total"] for training in found.evidence["trainings"])
    np.testing.assert_allclose(one, other, rtol=1e-9)  # nothing else was changed


def test_a_cost_that_climbs_while_more_is_right_is_the_faults_where_it_falls_without_it() -> None:
    found = proven(
        networks.NoDerivative,
        Code.GRADIENT_OUTPUT_DERIVATIVE_MISSING,
        Code.GRADIENT_HIDDEN_DERIVATIVE_MISSING,
        settings=TrainingSettings(0.1, 7.32, 10, 50000),
    )
    as_it_is, corrected = found.evidence["trainings"]
    assert as_it_is["total"][-1] > as_it_is["total"][0]
    assert as_it_is["accuracy"][-1] > as_it_is["accuracy"][0]
    assert corrected["total"][-1] < corrected["total"][0]
    assert "the climb is the fault's" in found.message
    assert "With the slope of the outputs and the slope of the hidden units corrected" in found.message


@pytest.mark.soak
def test_two_faults_are_corrected_alone_and_together() -> None:
    found = proven(matrix_form.SummedAndGrowing, Code.GRADIENT_SUMMED, Code.DECAY_SIGN)
    names = [training["name"] for training in found.evidence["trainings"]][:4]
    both = "the average over the mini-batch and the decay"
    assert names == ["as it is", *(f"with {what} corrected" for what in (*both.split(" and "), both))]
    assert found.evidence["better_from_starts"][f"with {both} corrected"] == 3


def test_a_sound_class_or_a_fault_of_the_report_leaves_nothing_to_prove() -> None:
    assert "no fault of a step" in proven(networks.Mended).message
    found = proven(faulty.network(fault="penalty_no_half"), Code.PENALTY_SCALE)
    assert "what is wrong is the penalty that is reported" in found.message
    assert "trainings" not in found.evidence


def test_a_proof_is_the_same_each_time() -> None:
    settings = TrainingSettings(3.0, 0.3, 30, 300)
    one, other = (proven(networks.DecaySignFlipped, Code.DECAY_SIGN, settings=settings) for _ in range(2))
    assert one == other


@pytest.mark.soak
def test_a_fault_that_runs_only_between_layers_of_one_width_is_corrected_there() -> None:
    found = proven(faulty.network(fault="not_transposed", head="softmax"), Code.GRADIENT_NOT_TRANSPOSED)
    assert found.evidence["sizes"] == ["64-10-10-10"]
    assert "With the transpose corrected" in found.message


AT_EVERY_CHANGE = (("tanh", "quadratic"), ("relu", "softmax"), ("sigmoid", "cross_entropy"))


@pytest.mark.parametrize(
    ("activation", "head"),
    [
        pytest.param(*pair, marks=() if pair in AT_EVERY_CHANGE else pytest.mark.soak)
        for pair in product(faulty.ACTIVATIONS, faulty.HEADS)
    ],
)
def test_the_formula_that_is_found_has_the_gradient_of_their_cost(activation: str, head: str) -> None:
    subject = Subject(WrappedNetwork.made(faulty.network(activation=activation, head=head), (5, 4, 3)))
    law = find_law(subject)
    point = draw_point(subject.layout, np.random.default_rng(7))
    true = subject.slope(lambda theta: subject.cost(theta, point.x, point.y), point.theta)
    ours = subject.layout.join(
        *law.gradient(subject.layout.weights(point.theta), subject.layout.biases(point.theta), point.x, point.y)
    )
    np.testing.assert_allclose(ours[true.known], true.values[true.known], atol=1e-6)


def test_a_network_of_no_usual_formula_has_none_and_that_is_said() -> None:
    found = proven(layered.ResidualWithoutSkipBack, Code.GRADIENT_WRONG)
    assert found.message.endswith(
        "the step cannot be corrected at layers 64-12-10: there, with mini-batches of 10, it is right."
    )
    assert find_law(Subject(WrappedNetwork.made(layered.Residual, (4, 3, 3, 3)))) is None


@pytest.mark.parametrize("fault", ["summed", "sign", "bias_scaled", "bias_sign", "bias_summed"])
def test_a_step_that_is_a_multiple_of_the_gradient_is_kept_and_multiplied(fault: str) -> None:
    sizes, rng = (5, 4, 3), np.random.default_rng(0)
    x, y = rng.uniform(size=(6, 5)), np.eye(3)[np.arange(6) % 3]
    made = WrappedNetwork.made(faulty.network(fault=fault), sizes)
    correction = corrected_data(Subject(made), x, y)
    assert correction.law is None
    sound = WrappedNetwork.made(faulty.network(), sizes)
    correction.step(made, (x, y), 0.5, 2.0, 60)
    sound.update(sound.pairs(x, y), 0.5, 2.0, 60)
    for ours, theirs in zip(made.weights + made.biases, sound.weights + sound.biases, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-7)


@pytest.mark.parametrize("penalty", ["l2", "l1"])
def test_a_corrected_decay_is_the_gradient_of_the_penalty_that_is_reported(penalty: str) -> None:
    sizes, x, y = (5, 4, 3), np.random.default_rng(0).uniform(size=(6, 5)), np.eye(3)[np.arange(6) % 3]
    wrong = WrappedNetwork.made(faulty.network(fault="decay_sign", penalty=penalty), sizes)
    sound = WrappedNetwork.made(faulty.network(penalty=penalty), sizes)
    decay = corrected_decay(Subject(wrong))
    assert decay.l1 == (penalty == "l1")
    Correction(decay=decay).step(wrong, (x, y), 0.5, 2.0, 60)
    sound.update(sound.pairs(x, y), 0.5, 2.0, 60)
    for ours, theirs in zip(wrong.weights + wrong.biases, sound.weights + sound.biases, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_the_command_shows_both_curves_and_writes_them(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "curves.html"
    target = f"{CASE_STUDY}:DecaySignFlipped"
    assert main(["diagnose", target, "--prove", "--json", "--save", str(picture)]) == 0
    out, err = capfd.readouterr()
    assert f"wrote {picture}" in err
    proof = next(finding for finding in json.loads(out) if finding["code"] == "proof")
    assert proof["evidence"]["proven"]
    assert proof["evidence"]["data"] == "digits"
    text = picture.read_text(encoding="utf-8")
    assert "with the decay corrected" in text
    assert "held back from training" not in text


def test_curves_are_a_line_of_blocks_and_a_row_an_epoch_and_where_one_ends_that_is_seen() -> None:
    trainings = [
        {"name": "as it is", "total": [1.0, 100.0], "data": [1.0, 9.0], "accuracy": [0.1, 0.1], "weights": [1.0, 9.0]},
        {"name": "mended", "total": [1.0, 0.5, 0.1], "data": [1.0, 0.5, 0.1], "accuracy": [0.1, 0.8, 0.9],
         "weights": [1.0, 1.1, 1.2]},
    ]  # fmt: skip
    found = Finding(Code.PROOF, "info", "", {"trainings": trainings})
    lines = curve_lines(found)
    assert "  1  ▃█   as it is" in lines
    assert "  2  ▃▂▁  mended" in lines
    assert lines[-1].split() == ["2", "no", "number", "0.1", "90%", "right"]
    assert "mended ends at 0.9" in page(drawn(found), "a title", "a note")
    assert curve_lines(Finding(Code.PROOF, "info", "")) == []


def test_what_cannot_be_saved_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    target = f"{CASE_STUDY}:Mended"
    assert main(["diagnose", target, "--save", "a.html"]) == 2
    assert main(["diagnose", target, "--prove", "--save", "a.pdf"]) == 2
    assert main(["diagnose", target, "--prove", "--save", "nowhere/a.html"]) == 2
    assert main(["diagnose", "run.csv", "--prove"]) == 2
    err = capfd.readouterr().err
    assert "give that, too" in err
    assert "must end in .html or .png" in err
    assert "there is no folder nowhere" in err
    assert "--prove: belongs to a class" in err
