"""What may be wrong between decay and penalty: the kinds of fault, and what is measured of each.

What is said of them is `decay_sentences`.
"""

from dataclasses import dataclass
from enum import StrEnum

from sweeps.diagnosis.findings import Code


class DecayKind(StrEnum):
    """What a fault is. Several kinds may go by one code."""

    NO_PENALTY = "no_penalty"  # neither decay nor penalty: no fault, worth saying
    DECAY_MISSING = "decay_missing"
    DECAY_GROWS_WEIGHTS = "decay_grows_weights"
    DECAY_WITHOUT_ETA = "decay_without_eta"
    BIASES_DECAYED = "biases_decayed"
    BIASES_PENALISED = "biases_penalised"
    DECAY_BY_BATCH_SIZE = "decay_by_batch_size"
    DECAY_SIZE = "decay_size"
    LAYERS_DIFFER = "layers_differ"
    LAWS_DIFFER = "laws_differ"
    DECAY_LEAVES_OUT = "decay_leaves_out"
    PENALTY_LEAVES_OUT = "penalty_leaves_out"
    BOTH_LEAVE_OUT = "both_leave_out"
    PENALTY_UNREPORTED = "penalty_unreported"
    PENALTY_SUBTRACTED = "penalty_subtracted"
    PENALTY_OF_ETA = "penalty_of_eta"
    PENALTY_EVERY_EXAMPLE = "penalty_every_example"
    PENALTY_WITHOUT_HALF = "penalty_without_half"
    PENALTY_SIZE = "penalty_size"
    PENALTY_BY_EVALUATED = "penalty_by_evaluated"

    @property
    def code(self) -> Code:
        """What it is called in findings."""
        return _CODES.get(self, Code.PENALTY_SCALE)


_CODES = {
    DecayKind.NO_PENALTY: Code.DECAY_MISSING,
    DecayKind.DECAY_MISSING: Code.DECAY_MISSING,
    DecayKind.DECAY_GROWS_WEIGHTS: Code.DECAY_SIGN,
    DecayKind.DECAY_WITHOUT_ETA: Code.DECAY_WITHOUT_ETA,
    DecayKind.BIASES_DECAYED: Code.DECAY_BIASES,
    DecayKind.BIASES_PENALISED: Code.DECAY_BIASES,
    DecayKind.DECAY_BY_BATCH_SIZE: Code.DECAY_SCALE,
    DecayKind.DECAY_SIZE: Code.DECAY_SCALE,
    DecayKind.LAYERS_DIFFER: Code.DECAY_WRONG,
    DecayKind.LAWS_DIFFER: Code.DECAY_WRONG,
    DecayKind.DECAY_LEAVES_OUT: Code.DECAY_PART,
    DecayKind.PENALTY_LEAVES_OUT: Code.PENALTY_PART,
    DecayKind.BOTH_LEAVE_OUT: Code.DECAY_PART,
}


@dataclass(frozen=True)
class DecayFault:
    """Something wrong between decay and penalty."""

    kind: DecayKind

    @property
    def numbers(self) -> dict[str, float]:
        """What was measured, by the names that stand in a finding's evidence."""
        return {}


@dataclass(frozen=True)
class TextbookFault(DecayFault):
    """Decay and penalty against the textbook's: each, of its gradient, as a multiple of lambda / n * w."""

    lmbda: float
    n: int
    decay: float
    penalty: float

    @property
    def numbers(self) -> dict[str, float]:
        return {
            "lambda": self.lmbda,
            "n": float(self.n),
            "decay_over_lambda_w_over_n": self.decay,
            "penalty_gradient_over_lambda_w_over_n": self.penalty,
        }


@dataclass(frozen=True)
class WithoutEtaFault(DecayFault):
    """A decay that stays as eta goes to 0. change: length of what stays. eta: of the steps that showed it."""

    eta: float
    change: float

    @property
    def numbers(self) -> dict[str, float]:
        return {"eta": self.eta, "change_at_eta_0": self.change}


@dataclass(frozen=True)
class BiasesDecayFault(DecayFault):
    """Lengths of the biases' decay and of their penalty's gradient, one of them nothing."""

    decay: float
    penalty: float

    @property
    def numbers(self) -> dict[str, float]:
        return {"decay_of_biases": self.decay, "penalty_gradient_of_biases": self.penalty}


@dataclass(frozen=True)
class OtherLawFault(DecayFault):
    """A decay that is no multiple of the penalty's gradient. residual: relative, of what is none. factors: by layer."""

    residual: float
    factors: tuple[float, ...]

    @property
    def numbers(self) -> dict[str, float]:
        return {"residual": self.residual} | {f"factor/layer_{k}": factor for k, factor in enumerate(self.factors, 1)}


@dataclass(frozen=True)
class PartFault(DecayFault):
    """Weights that are left out. where: in words. whole: whether they are whole layers, as may well be meant."""

    where: str
    weights: int
    of: int
    whole: bool
    layers: tuple[int, ...]

    @property
    def numbers(self) -> dict[str, float]:
        return {"weights_left_out": float(self.weights), "weights": float(self.of)}


@dataclass(frozen=True)
class EtaPenaltyFault(DecayFault):
    """A penalty that depends on eta. halved: at half the eta, over what it is."""

    halved: float

    @property
    def numbers(self) -> dict[str, float]:
        return {"penalty_at_half_eta_over_penalty": self.halved}


@dataclass(frozen=True)
class Exponents:
    """The powers with which decay and penalty follow the sizes that may divide them."""

    decay_in_n: float
    decay_in_batch_size: float
    penalty_in_n: float
    penalty_in_evaluated_size: float


@dataclass(frozen=True)
class SizeFault(DecayFault):
    """A decay that is a multiple of the penalty's gradient. ratio: which, at n = the evaluated set's size.

    decay, penalty: against the textbook's, as in TextbookFault.
    """

    ratio: float
    exponents: Exponents
    decay: float
    penalty: float

    @property
    def numbers(self) -> dict[str, float]:
        return {
            "decay_over_penalty_gradient": self.ratio,
            **{f"exponent/{name}": exponent for name, exponent in vars(self.exponents).items()},
            "decay_over_lambda_w_over_n": self.decay,
            "penalty_gradient_over_lambda_w_over_n": self.penalty,
        }
