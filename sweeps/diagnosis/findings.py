"""What a diagnosis says: findings, each with a code, a severity, a message for a person, and the numbers behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

Evidence = float | int | str | bool | Sequence["Evidence"] | Mapping[str, "Evidence"] | None


class Severity(StrEnum):
    """fault: training does not do what it reports. warning: it may mislead. info: worth knowing."""

    FAULT = "fault"
    WARNING = "warning"
    INFO = "info"


class Code(StrEnum):
    """What can be found. The value is what `--json` prints; a contract."""

    CLEAN = "clean"
    INCONCLUSIVE = "inconclusive"
    GRADIENT_SUMMED = "gradient.summed"
    GRADIENT_SCALED = "gradient.scaled"
    GRADIENT_HIDDEN_DERIVATIVE_MISSING = "gradient.hidden_derivative_missing"
    GRADIENT_DERIVATIVE_OF_ACTIVATION = "gradient.derivative_of_activation"
    GRADIENT_OUTPUT_DERIVATIVE_MISSING = "gradient.output_derivative_missing"
    GRADIENT_NOT_TRANSPOSED = "gradient.not_transposed"
    GRADIENT_SIGN = "gradient.sign"
    GRADIENT_BIAS = "gradient.bias"
    GRADIENT_DROPOUT = "gradient.dropout"
    GRADIENT_FROZEN = "gradient.frozen"
    GRADIENT_WRONG = "gradient.wrong"
    DECAY_MISSING = "decay.missing"
    DECAY_SIGN = "decay.sign"
    DECAY_WITHOUT_ETA = "decay.without_eta"
    DECAY_BIASES = "decay.biases"
    DECAY_SCALE = "decay.scale"
    DECAY_WRONG = "decay.wrong"
    DECAY_PART = "decay.part"
    PENALTY_SCALE = "penalty.scale"
    PENALTY_PART = "penalty.part"
    EVALUATE_RANDOM = "evaluate.random"
    STATE_SHAPE = "state.shape"
    STATE_OVERWRITTEN = "state.overwritten"
    OUTPUTS_SOFTMAX_AXIS = "outputs.softmax_axis"
    COST_OF_Z = "cost.of_z"
    COST_WITHOUT_LOG = "cost.without_log"
    COST_OTHER = "cost.other"
    STEP_EACH_EXAMPLE = "step.each_example"
    OPTIMIZER_UNSUPPORTED = "optimizer.unsupported"
    NOT_DESCENDING = "not_descending"
    UNSTABLE_DECAY = "unstable.decay"
    UNSTABLE_CURVATURE = "unstable.curvature"
    SWEEP_NEARBY = "sweep.nearby"
    PENALTY_GROWTH = "penalty.growth"
    PENALTY_IMPLIED = "penalty.implied"
    COST_OSCILLATING = "cost.oscillating"
    START_COST = "start.cost"
    START_CONSTANT = "start.constant"
    START_ALIKE = "start.alike"
    START_DEAD = "start.dead"
    START_SATURATED = "start.saturated"
    BATCH_NOT_LEARNT = "batch.not_learnt"
    DATA_SCALE = "data.scale"
    DATA_LABELS = "data.labels"
    PROOF = "proof"


@dataclass(frozen=True)
class Finding:
    """One thing found.

    message: for a person: what was expected, what was found, where it is likeliest, the line that should stand there.
    evidence: the numbers behind it, as JSON holds them. remedy: what to try next, where something follows.
    """

    code: Code
    severity: Severity
    message: str
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    remedy: str = ""

    def to_table(self) -> dict[str, Evidence]:
        """As nested plain values, for JSON."""
        table: dict[str, Evidence] = {"code": str(self.code), "severity": str(self.severity), "message": self.message}
        return table | {"evidence": dict(self.evidence)} | ({"remedy": self.remedy} if self.remedy else {})


def finding_of(
    code: str, severity: str, message: str, evidence: Mapping[str, Evidence] | None = None, remedy: str = ""
) -> Finding:
    """A finding made of plain values, as it comes back from another process."""
    return Finding(Code(code), Severity(severity), message, evidence or {}, remedy)
