"""Classes of shapes that published networks have, each with one thing in its way: accepted, and judged as they are."""

import importlib
from pathlib import Path

import pytest

import sweeps
from sweeps.cli.main import main
from sweeps.diagnosis.findings import Code, Severity

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


def judged(target: str) -> list[sweeps.Finding]:
    return sweeps.diagnose(f"{CASES / target}")


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
    assert first.code == Code.GRADIENT_BIAS
    assert "do not move against their gradient" in first.message


def test_a_cost_that_is_flat_where_it_is_measured_is_a_finding_and_no_error() -> None:
    findings = judged("flat_cost.py:Crash")
    assert findings
    assert Code.CLEAN not in [finding.code for finding in findings]
