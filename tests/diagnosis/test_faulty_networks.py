"""Classes as people write them, in many styles, with what must be found in each. They were written before their author
knew how the diagnosis works; those of variations.py after it was mended for what the others had shown.

`PYTHONPATH=.:tests python tests/diagnosis/test_faulty_networks.py` prints the table.
"""

import contextlib
import importlib
import io
from pathlib import Path

import pytest

from sweeps.diagnosis.findings import Finding, Severity
from sweeps.diagnosis.network.examination import examine
from sweeps.user_network.wrapper import WrappedNetwork

# The faults of each class: one of the words apart from |, those with + together; "" for a sound one.
EXPECTED = {
    "matrix_form": {
        "Sound": "",
        "Summed": "gradient.summed",
        "BiasMeanOfAll": "gradient.bias",
        "BiasSummed": "gradient.bias",
        "BiasNotReduced": "state.shape",
        "CrossEntropyDelta": "gradient.output_derivative_missing",
        "UpdatesWhileGoingBack": "gradient.wrong",
        "DecayByBatch": "decay.scale",
        "EvaluatesWithoutBias": "gradient.wrong",
        "EvaluatesWithTanh": "gradient.wrong",
        "HardCodedTen": "gradient.summed",
        "SummedAndGrowing": "gradient.summed+decay.sign",
        "PenaltyPerExample": "penalty.scale",
        "DecaysOnlyLast": "decay.wrong",
        "AccuracyFirst": "",
        "Shuffles": "",
        "Schedule": "",
        "Warmup": "",
        "Zeros": "",
        "MaxNorm": "",
        "Clips": "",
        "ClipsElementwise": "",
        "DropoutInTraining": "",
        "DropoutEverywhere": "",
        "InputNoise": "",
        "CostInSum": "",
    },
    "sample_by_sample": {
        "Network": "",
        "Quadratic": "",
        "NoHiddenSlope": "gradient.hidden_derivative_missing",
        "SlopeOfActivation": "gradient.derivative_of_activation",
        "Ascends": "gradient.sign",
        "BiasAscends": "gradient.bias",
        "PenaltyNoHalf": "penalty.scale",
        "NoDecay": "decay.missing",
        "DecayWithoutEta": "decay.without_eta",
        "DecayPerSample": "decay.scale",
        "DecaysBiases": "decay.biases",
        "SkipsLastSample": "gradient.wrong",
        "FirstLayerFrozen": "gradient.frozen",
        "TwoFaults": "gradient.hidden_derivative_missing+penalty.scale",
        "TransposedIfItFits": "gradient.not_transposed",
        "ReshapedOuter": "gradient.wrong",
        "Chatty": "",
        "AccumulatorKept": "gradient.wrong",
    },
    "layered": {
        "EinsumTanh": "",
        "MeanButNotInDelta": "",
        "WrongTanhSlope": "gradient.wrong",
        "SoftmaxReLU": "",
        "ReluSlopeOfZeroOne": "gradient.hidden_derivative_missing",
        "SoftmaxTimesSlope": "gradient.wrong",
        "Leaky": "",
        "LeakWithoutSlope": "gradient.wrong",
        "EluFloat32": "",
        "SwishNet": "",
        "Lasso": "",
        "ElasticNet": "",
        "LastLayerFree": "",
        "AbsPenaltyL2Decay": "decay.wrong",
        "LassoWithoutSign": "decay.wrong",
        "AbsoluteError": "",
        "Hinge": "",
        "Smoothed": "",
        "SmoothedOnlyInTraining": "|gradient.wrong",  # another cost than the reported one descends
        "Residual": "",
        "ResidualWithoutSkipBack": "gradient.wrong",
        "LayerNorm": "",
        "BatchNorm": "",
        "Adam": "",
        "AdamW": "",
        "RMSProp": "",
        "AdaGrad": "",
        "Adapted": "",
        "AdaptedBiasWithoutEta": "gradient.bias",
    },
    "by_hand": {
        "Loops": "",
        "FlatSamples": "",
        "BiasesToo": "",
        "BiasesFrozen": "gradient.frozen",
        "FixedN": "decay.scale",
        "OutputBiasOnly": "gradient.bias",
        "NothingLearnt": "gradient.frozen+decay.missing",
    },
    "variations": {
        "SquaredEta": "gradient.wrong",
        "WrongLayerInput": "gradient.wrong",
        "NoBiasInForwardOfTraining": "gradient.wrong",
        "LastSampleOnly": "gradient.wrong",
        "StepsInLoop": "gradient.wrong",
        "PenaltyOfNormNotSquared": "decay.wrong",
        "PenaltySubtracted": "penalty.scale",
        "DecayAfterOnUpdated": "",
        "GeluNet": "",
        "NesterovOfTorch": "",
        "Focal": "",
        "HardSigmoidNet": "",
        "StepUnits": "gradient.wrong",
        "MaxNormTight": "",
        "ClipsTight": "",
        "ConstantInputs": "",
        "CentresOnlyInTraining": "gradient.wrong",
        "BiasesTwiceAsFast": "gradient.bias",
        "RootMean": "",
        "SigmoidFloat32": "",
        "SwappedSlopes": "gradient.wrong",
    },
}
# What is said of sound classes that cannot be judged, or not wholly.
SAID = {
    "AccuracyFirst": "inconclusive",
    "BatchNorm": "inconclusive",
    "RootMean": "inconclusive",
    "MaxNormTight": "optimizer.unsupported",
    "ClipsTight": "optimizer.unsupported",
    "NesterovOfTorch": "gradient.scaled",
    "DropoutInTraining": "optimizer.unsupported",
    "ClipsElementwise": "optimizer.unsupported",
    "DropoutEverywhere": "evaluate.random",
    "InputNoise": "evaluate.random",
    "Adam": "optimizer.unsupported",
    "AdamW": "optimizer.unsupported",
    "RMSProp": "optimizer.unsupported",
    "AdaGrad": "optimizer.unsupported",
    "MeanButNotInDelta": "gradient.scaled",
}
EVERY = [(module, name) for module, classes in EXPECTED.items() for name in classes]
AT_EVERY_CHANGE = ("AccuracyFirst", "ClipsTight", "Hinge", "BatchNorm", "BiasesToo", "StepUnits")


def findings_of(
    module: str, name: str, sizes: tuple[tuple[int, ...], ...] = ((4, 3, 3, 3), (5, 4, 3))
) -> list[Finding]:
    network = getattr(importlib.import_module(f"user_networks.{module}"), name)
    file = Path(__file__).parents[1] / "user_networks" / f"{module}.py"
    return examine(lambda layers: WrappedNetwork.made(network, layers, file=file), sizes=sizes)


def is_as_expected(module: str, name: str, findings: list[Finding]) -> bool:
    found = {str(finding.code) for finding in findings if finding.severity is Severity.FAULT}
    wanted = [set(filter(None, together.split("+"))) for together in EXPECTED[module][name].split("|")]
    said = {str(finding.code) for finding in findings}
    return found in wanted and SAID.get(name, next(iter(said))) in said


@pytest.mark.parametrize(
    ("module", "name"),
    [pytest.param(*one, marks=() if one[1] in AT_EVERY_CHANGE else pytest.mark.soak) for one in EVERY],
)
def test_the_faults_of_a_class_are_found_and_no_others(module: str, name: str) -> None:
    findings = findings_of(module, name)
    assert is_as_expected(module, name, findings), [(f.code, f.message) for f in findings]


@pytest.mark.parametrize(
    ("module", "name", "numbers", "place", "line"),
    [
        ("matrix_form", "Summed", ["6 examples", "6 times as long"], "", "eta / len(mini_batch)"),
        ("matrix_form", "HardCodedTen", ["0.1 times", "a fixed 10"], "", "len(mini_batch)"),
        ("matrix_form", "DecayByBatch", ["10 times"], "", "lmbda / n"),
        ("matrix_form", "DecaysOnlyLast", ["layer_1 0, layer_2 0, layer_3 1"], "", "lmbda / n"),
        ("matrix_form", "EvaluatesWithTanh", ["% of its gradient"], "evaluate", "self.feedforward(x)"),
        ("matrix_form", "UpdatesWhileGoingBack", ["at eta = 8"], "update_mini_batch", "move weights and biases after"),
        ("sample_by_sample", "NoHiddenSlope", ["fits to"], "backprop", "* slope(z)"),
        ("sample_by_sample", "SkipsLastSample", ["1.2, 1.2, 1.2, 1.2, 1.2, 0 times"], "update_mini_batch", "len("),
        ("sample_by_sample", "AccumulatorKept", ["the 300th"], "update_mini_batch", "np.zeros"),
        ("layered", "AdaptedBiasWithoutEta", ["power 0", "eta is left out"], "update_mini_batch", "b - (eta /"),
    ],
)
def test_a_fault_is_said_with_numbers_the_likeliest_place_and_the_line_that_should_stand_there(
    module: str, name: str, numbers: list[str], place: str, line: str
) -> None:
    findings = findings_of(module, name, ((4, 3, 3, 3),))
    assert is_as_expected(module, name, findings)
    fault = findings[0]
    assert all(number in fault.message for number in numbers), fault.message
    assert not place or f"Likeliest place: {place}." in fault.message
    assert line in fault.remedy
    assert "  " not in fault.message
    assert fault.evidence["sizes"] == ["4-3-3-3"]


if __name__ == "__main__":
    for each in EVERY:
        with contextlib.redirect_stdout(io.StringIO()):
            came = findings_of(*each)
        codes = ", ".join(f"{finding.code} ({finding.severity})" for finding in came)
        print("ok   " if is_as_expected(*each, came) else "WRONG", f"{each[1]:24}", codes)  # noqa: T201
