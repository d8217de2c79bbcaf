"""Every kind of fault goes by a code and has a sentence; what was measured of it is what stands in the evidence."""

import json

import pytest

from sweeps.diagnosis.findings import Code, Severity
from sweeps.diagnosis.network import decay_sentences, gradient_sentences
from sweeps.diagnosis.network.decay_faults import (
    BiasesDecayFault,
    DecayFault,
    DecayKind,
    EtaPenaltyFault,
    Exponents,
    OtherLawFault,
    PartFault,
    SizeFault,
    TextbookFault,
    WithoutEtaFault,
)
from sweeps.diagnosis.network.gradient_faults import (
    BatchFault,
    BiasesFault,
    CostFault,
    DropoutFault,
    EarlyMoveFault,
    FactorFault,
    FactorsFault,
    FormulaFault,
    GradientFault,
    GradientKind,
    KeptFault,
    OutputsFault,
    OverwrittenFault,
    ParametersFault,
    PowerFault,
    WrongStepFault,
)
from sweeps.diagnosis.network.sound_sentences import of_scale

EXPONENTS = Exponents(-1.0, 0.0, -1.0, -1.0)
ERRORS = {"weights_layer_1": 0.5, "biases_layer_1": 0.25}

# One of each kind, and a number that its sentence must say.
GRADIENT_FAULTS: list[tuple[GradientFault, str]] = [
    (BatchFault(GradientKind.SUMMED, 6, 1.0, single_factor=0.1), "a fixed 10"),
    (BatchFault(GradientKind.WEIGHTS_SUMMED, 6, 1.0), "weights' step is their sum"),
    (BatchFault(GradientKind.NOT_AVERAGED, 6, 0.5), "3 times the average"),
    (BatchFault(GradientKind.NOT_AVERAGED, 6, 0.5, (1.2, 0.0), 0.3), "count 1.2, 0 times"),
    (BatchFault(GradientKind.BIASES_NOT_AVERAGED, 6, 0.17, biases_factor=1.0, layers=(2,)), "it is 6 times"),
    (BatchFault(GradientKind.BIASES_OF_FEWER_EXAMPLES, 6, 0.17, residual=0.4), "only one of the examples"),
    (PowerFault(GradientKind.POWER_OF_ETA, 2.0, 1.0), "to the power 2."),
    (PowerFault(GradientKind.BIASES_POWER_OF_ETA, 1.0, 0.0), "to the power 0: eta is left out"),
    (EarlyMoveFault(GradientKind.MOVED_TOO_EARLY, 8.0, 1e-6, 0.3), "differs by 30%"),
    (BatchFault(GradientKind.MOVED_IN_BATCH, 6, 1 / 6), "eta / 6"),
    (OverwrittenFault(GradientKind.OVERWRITTEN, "weights", 1.0, layers=(2,)), "become 1, whatever"),
    (OverwrittenFault(GradientKind.OVERWRITTEN, "weights", None, layers=(2,)), "become the same, whatever"),
    (DropoutFault(GradientKind.MASK_NOT_BACK, 24, 30, 29, layers=(1,)), "29 times their weights or biases moved"),
    (KeptFault(GradientKind.GRADIENTS_KEPT, 300.0), "the 300th"),
    (ParametersFault(GradientKind.FROZEN, "biases", layers=(1,)), "the biases of layer 1"),
    (ParametersFault(GradientKind.IDLE_MOVED, "weights and biases", layers=(1, 2)), "of layers 1 and 2"),
    (FactorFault(GradientKind.UPHILL, -1.0), "that of all layers goes along it"),
    (FactorsFault(GradientKind.SEVERAL_FACTORS, {"weights_layer_1": 2.0}), "weights_layer_1 2"),
    (FactorFault(GradientKind.BIASES_FACTOR, 3.0, layers=(1, 2, 3)), "3 times that far"),
    (BiasesFault(GradientKind.BIASES_WRONG, 0.5, layers=(1, 2, 3)), "layers 1, 2 and 3"),
    (OutputsFault(GradientKind.OTHER_OUTPUTS, 0.4), "40% of its gradient"),
    (CostFault(GradientKind.COST_OF_Z, "cross-entropy", "", 1.0), "cross-entropy of the weighted inputs z"),
    (CostFault(GradientKind.COST_WITHOUT_LOG, "log-likelihood", "log-likelihood", 1.0), "without its logarithm"),
    (CostFault(GradientKind.COST_OTHER, "log-likelihood", "cross-entropy", 2.0), "is 2 times the cross-entropy"),
    (WrongStepFault(GradientKind.NO_PRODUCT, errors=ERRORS, layers=(1,)), "weights' step of layer 1"),
    (FormulaFault(GradientKind.HIDDEN_SLOPE_MISSING, 1e-9, 0.6, 1.0), "off by 60%"),
    (FormulaFault(GradientKind.SLOPE_OF_ACTIVATION, 1e-9, 0.6, 1.0), "fits to 1e-09"),
    (FormulaFault(GradientKind.OUTPUT_SLOPE_MISSING, 1e-9, 0.6, 1.0), "off by 60%"),
    (FormulaFault(GradientKind.OUTPUT_SLOPE_TWICE, 1e-9, 0.6, 1.0, errors=ERRORS), "off by 0.6 of"),
    (FormulaFault(GradientKind.NOT_TRANSPOSED, 1e-9, 0.6, 1.0), "not transposed (fits to 1e-09"),
    (FormulaFault(GradientKind.NOT_TRANSPOSED_SLOPE_MISSING, 1e-9, 0.6, 1.0), "(and the slope is missing, too)"),
    (FormulaFault(GradientKind.NOT_TRANSPOSED_SLOPE_OF_ACTIVATION, 1e-9, 0.6, 1.0), "is the activation's, too)"),
    (FormulaFault(GradientKind.DELTA_REVERSED, 1e-9, 1e-9, -1.0, layers=(2,)), "that of layer 2 goes along it"),
    (FormulaFault(GradientKind.DELTA_SCALED, 1e-9, 1e-9, 2.0, errors=ERRORS), "2 times what it should be"),
    (WrongStepFault(GradientKind.UNEXPLAINED, errors=ERRORS), "off by 0.5 of"),
]
DECAY_FAULTS: list[tuple[DecayFault, str]] = [
    (DecayFault(DecayKind.NO_PENALTY), "no penalty to judge"),
    (TextbookFault(DecayKind.DECAY_MISSING, 30.0, 60, 0.0, 1.0), "does not change a step"),
    (TextbookFault(DecayKind.DECAY_GROWS_WEIGHTS, 30.0, 60, -2.0, 1.0), "by 2 * eta"),
    (WithoutEtaFault(DecayKind.DECAY_WITHOUT_ETA, 1e-3, 0.1), "lacks the factor eta"),
    (BiasesDecayFault(DecayKind.BIASES_DECAYED, 0.3, 0.0), "does not count them"),
    (BiasesDecayFault(DecayKind.BIASES_PENALISED, 0.0, 0.3), "does not decay them"),
    (SizeFault(DecayKind.DECAY_BY_BATCH_SIZE, 10.0, EXPONENTS, 10.0, 1.0), "it is 10 times"),
    (SizeFault(DecayKind.DECAY_SIZE, 0.5, EXPONENTS, 0.5, 1.0), "divided by 120"),
    (SizeFault(DecayKind.DECAY_SIZE, 60.0, EXPONENTS, 60.0, 1.0), "not divided at all"),
    (OtherLawFault(DecayKind.LAYERS_DIFFER, 0.4, (0.0, 1.0)), "layer_1 0, layer_2 1"),
    (OtherLawFault(DecayKind.LAWS_DIFFER, 0.4, (0.3, 0.2)), "40% of it"),
    (PartFault(DecayKind.DECAY_LEAVES_OUT, "row 2 of layer 1", 4, 12, False, (1,)), "does not decay them"),
    (PartFault(DecayKind.PENALTY_LEAVES_OUT, "row 2 of layer 1", 4, 12, False, (1,)), "does not count them"),
    (PartFault(DecayKind.BOTH_LEAVE_OUT, "row 2 of layer 1", 4, 12, False, (1,)), "counts row 2 of layer 1;"),
    (TextbookFault(DecayKind.PENALTY_UNREPORTED, 30.0, 60, 1.0, 0.0), "shows the data cost alone"),
    (TextbookFault(DecayKind.PENALTY_SUBTRACTED, 30.0, 60, 1.0, -1.0), "(-1 times"),
    (EtaPenaltyFault(DecayKind.PENALTY_OF_ETA, 0.25), "0.25 times as large"),
    (SizeFault(DecayKind.PENALTY_EVERY_EXAMPLE, 1 / 60, EXPONENTS, 1.0, 60.0), "n = 60 times too large"),
    (SizeFault(DecayKind.PENALTY_WITHOUT_HALF, 0.5, EXPONENTS, 1.0, 2.0), "twice that"),
    (SizeFault(DecayKind.PENALTY_SIZE, 0.7, EXPONENTS, 1.0, 1 / 0.7), "0.7 times the lambda"),
    (SizeFault(DecayKind.PENALTY_BY_EVALUATED, 1.0, EXPONENTS, 1.0, 1.0), "n / evaluated examples"),
]


@pytest.mark.parametrize(("fault", "said"), GRADIENT_FAULTS, ids=lambda one: str(getattr(one, "kind", "")))
def test_a_gradient_fault_is_said_with_its_numbers(fault: GradientFault, said: str) -> None:
    finding = gradient_sentences.of_gradient(fault, "backprop")
    assert finding.code is fault.kind.code
    assert said in finding.message
    assert "Likeliest place: " in finding.message
    assert "  " not in finding.message
    assert finding.remedy
    assert finding.evidence == {"layers": list(fault.layers), **fault.numbers}
    json.dumps(finding.to_table(), allow_nan=False)


@pytest.mark.parametrize(("fault", "said"), DECAY_FAULTS, ids=lambda one: str(getattr(one, "kind", "")))
def test_a_decay_fault_is_said_with_its_numbers(fault: DecayFault, said: str) -> None:
    finding = decay_sentences.of_decay(fault)
    assert finding.code is fault.kind.code
    assert said in finding.message
    assert "  " not in finding.message
    assert bool(finding.remedy) == (fault.kind is not DecayKind.NO_PENALTY)
    assert finding.evidence == fault.numbers
    json.dumps(finding.to_table(), allow_nan=False)


def test_every_kind_of_fault_has_its_sentence() -> None:
    assert set(gradient_sentences.SENTENCES) == set(GradientKind) == {fault.kind for fault, _ in GRADIENT_FAULTS}
    assert set(decay_sentences.SENTENCES) == set(DecayKind) == {fault.kind for fault, _ in DECAY_FAULTS}


def test_every_code_of_a_fault_belongs_to_some_kind() -> None:
    about_gradients = {code for code in Code if code.startswith("gradient.")}
    about_gradients |= {Code.STATE_OVERWRITTEN} | {code for code in Code if code.startswith("cost.")}
    about_gradients -= {Code.COST_OSCILLATING}  # of curves
    assert {kind.code for kind in GradientKind} == about_gradients - {Code.GRADIENT_SCALED}  # of sound classes
    assert {kind.code for kind in DecayKind} == {code for code in Code if code.startswith("decay.")} | {
        Code.PENALTY_SCALE,
        Code.PENALTY_PART,
    }


def test_only_what_may_be_meant_is_less_than_a_fault() -> None:
    less = {fault.kind for fault, _ in DECAY_FAULTS if decay_sentences.of_decay(fault).severity is not Severity.FAULT}
    may_be_meant = {DecayKind.NO_PENALTY, DecayKind.PENALTY_UNREPORTED, DecayKind.PENALTY_BY_EVALUATED}
    assert less == may_be_meant | {DecayKind.BOTH_LEAVE_OUT}


@pytest.mark.parametrize(
    ("scale", "said"), [(3.0, "the mean over the 3 outputs"), (1 / 3, "the sum over the 3"), (2.0, "half of a square")]
)
def test_a_factor_of_all_steps_is_said_with_what_it_comes_of(scale: float, said: str) -> None:
    assert said in of_scale(scale, 3).message
    assert "as when" not in of_scale(1.3 * scale, 3).message
