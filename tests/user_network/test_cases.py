"""Classes of shapes that published networks have, each with one thing in its way: accepted, and judged as they are."""

import importlib
from pathlib import Path

import pytest

import sweeps
from sweeps.cli.main import main
from sweeps.diagnosis.findings import Code, Severity
from sweeps.diagnosis.headline import headline
from sweeps.diagnosis.network.examination import examine
from sweeps.user_network.loading import load_class
from sweeps.user_network.wrapper import WrappedNetwork

CASES = Path(__file__).parents[1] / "user_networks" / "cases"
SOUND = [
    "signature.py:Momentum",  # one more argument
    "signature.py:Arguments",  # a constructor of more than sizes
    "signature.py:NoLambda",
    "signature.py:Defaults",  # an optional argument in the middle
    "shadow/adapted.py:Adapter",  # a model.py beside it
    "package/mypkg/net.py:Net",  # relative imports
    "fixed_depth.py:Adapter",  # always three layers
]
FAULTY = {
    "online.py:Faulty": {Code.GRADIENT_HIDDEN_DERIVATIVE_MISSING},
    "forgets_w.py:Net": {Code.STATE_OVERWRITTEN},
    "forgets_w.py:Slight": {Code.STATE_OVERWRITTEN},
    "frozen2.py:Double": {Code.GRADIENT_SUMMED, Code.GRADIENT_FROZEN, Code.DECAY_WITHOUT_ETA},
    "frozen2.py:Net": {Code.GRADIENT_SUMMED, Code.GRADIENT_FROZEN, Code.DECAY_WITHOUT_ETA},
    "last_column.py:CostOnly": {Code.PENALTY_PART},
    "flat_cost.py:Net": {Code.COST_OF_Z},
    "flat_cost.py:Crash": {Code.COST_OF_Z, Code.GRADIENT_WRONG},  # moved after each example, with eta / m
    "softmax_axis.py:Net": {Code.OUTPUTS_SOFTMAX_AXIS},
    "dropout.py:NoMaskBack": {Code.GRADIENT_DROPOUT},
    "frozen_biases.py:Float32": {Code.GRADIENT_FROZEN},
}


def judged(target: str) -> list[sweeps.Finding]:
    return sweeps.diagnose(f"{CASES / target}")


def examined(target: str) -> list[sweeps.Finding]:
    """The same at one size, in this process."""
    network, file = load_class(f"{CASES / target}"), CASES / target.partition(":")[0]
    return examine(lambda sizes: WrappedNetwork.made(network, sizes, file=file), sizes=[(4, 3, 3, 3)])


def faults(findings: list[sweeps.Finding]) -> set[Code]:
    return {finding.code for finding in findings if finding.severity is Severity.FAULT}


@pytest.mark.parametrize("target", SOUND)
def test_a_sound_class_with_something_in_its_way_is_judged_sound(target: str) -> None:
    findings = judged(target)
    assert [finding.code for finding in findings if finding.severity is Severity.FAULT] == []
    assert Code.CLEAN in [finding.code for finding in findings]
    assert not any("Traceback" in finding.message for finding in findings)


def test_a_module_of_a_package_is_found_from_the_working_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CASES / "package")
    importlib.invalidate_caches()
    assert sweeps.diagnose("mypkg.net:Net")[-1].code == Code.CLEAN


@pytest.mark.parametrize("command", ["diagnose", "adapt"])
def test_a_file_is_found_from_the_working_folder(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.chdir(CASES)
    assert main([command, "signature.py:Momentum"]) == 0
    assert "there is no such file" not in capfd.readouterr().err


def test_a_class_of_fixed_sizes_is_examined_at_its_own() -> None:
    shapes = CASES.parent / "shapes" / "fixed_depth.py"
    findings = sweeps.diagnose(f"{shapes}:Digits")
    assert findings[-1].code == Code.CLEAN
    assert "6-5-3" in findings[-1].message


def test_biases_of_float32_that_never_move_are_said_not_to() -> None:
    first = judged("frozen2.py:Mean")[0]
    assert first.code == Code.GRADIENT_FROZEN
    assert "depends on the biases of layers 1, 2 and 3, but a step never moves them" in first.message


@pytest.mark.parametrize("target", FAULTY)
def test_a_case_has_its_faults_and_no_others(target: str) -> None:
    assert faults(examined(target)) == FAULTY[target]


def test_a_column_that_neither_decay_nor_penalty_counts_is_a_warning() -> None:
    findings = examined("last_column.py:Net")
    assert [(f.code, f.severity) for f in findings] == [
        (Code.DECAY_PART, Severity.WARNING),
        (Code.CLEAN, Severity.INFO),
    ]
    assert "the last column of layers 1, 2 and 3" in findings[0].message


def test_of_dropout_that_is_sound_the_mask_alone_is_judged() -> None:
    (finding,) = examined("dropout.py:Sound")
    assert finding.code == Code.OPTIMIZER_UNSUPPORTED
    assert "it dropped on the way back, too" in finding.message
    assert headline([finding]).startswith("not judged")


def test_weights_that_are_replaced_are_said_to_be_with_what_they_become() -> None:
    message = examined("forgets_w.py:Net")[0].message
    assert "weights of layers 1, 2 and 3" in message
    assert "they become 1, whatever they were" in message


def test_a_network_that_steps_after_each_example_is_judged_by_its_examples() -> None:
    findings = examined("online.py:Net")
    assert faults(findings) == set()
    assert {Code.STEP_EACH_EXAMPLE, Code.CLEAN} <= {finding.code for finding in findings}


@pytest.mark.parametrize("target", ["log_epsilon.py:E5", "log_epsilon.py:E7", "log_epsilon.py:E10"])
def test_an_epsilon_in_a_logarithm_is_no_fault_and_said_where_it_shows(target: str) -> None:
    findings = examined(target)
    assert faults(findings) == set()
    assert ("a small number in the cost" in findings[-1].message) == target.endswith("E5")


@pytest.mark.parametrize("target", ["flat_cost.py:Crash", "flat_cost.py:Flat"])
def test_a_cost_that_is_flat_where_it_is_measured_is_a_finding_and_no_error(target: str) -> None:
    findings = judged(target)
    assert findings
    assert Code.CLEAN not in [finding.code for finding in findings]
    assert any("What a step descends is the cross-entropy" in finding.message for finding in findings)
