"""What is known of a training besides its curves, and what follows from that alone."""

import math
from dataclasses import dataclass
from enum import StrEnum

from model import bounds


class State(StrEnum):
    """How a trial ended. A diverged trial is complete: divergence is a result."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"


@dataclass(frozen=True)
class TrialFacts:
    """What is known of a training besides its records.

    n, evaluated_n: sizes of the training and validation sets. epochs: planned. state: complete, pruned or failed.
    diverged_epoch: the first whose record was not finite, None when all were. output, cost: "" of somebody's own
    network, whose constant_answer is the data cost of outputs of 1 / classes each, where it was measured. taken: the
    part of a weight that lambda takes in one of its steps, as measured; None where that is eta lambda / n, or unknown.
    is_lambda_idle: whether lambda was measured to have no effect. faults: codes of what a diagnosis found wrong in it.
    """

    eta: float
    lmbda: float
    batch_size: int
    n: int
    classes: int
    output: str = "sigmoid"
    cost: str = "quadratic"
    momentum: float = 0.0
    epochs: int = 10
    state: State = State.COMPLETE
    diverged_epoch: int | None = None
    constant_answer: float | None = None
    taken: float | None = None
    is_lambda_idle: bool = False
    faults: tuple[str, ...] = ()

    @property
    def has_decay(self) -> bool:
        """Whether lambda may take anything from the weights."""
        return self.lmbda > 0 and not self.is_lambda_idle

    @property
    def decay_named(self) -> str:
        """What `decay` is, in a sentence."""
        return "eta * lambda / n" if self.taken is None else "the part of a weight that a step was measured to take"

    @property
    def is_user_network(self) -> bool:
        """Whether the network is somebody's own: what its steps and costs are is not known, only expected."""
        return not self.cost

    @property
    def decay(self) -> float:
        """The part of a weight that decay takes in a step: eta lambda / n, unless something else was measured.

        Momentum b bears up to 2 (1 + b) of it.
        """
        return self.eta * self.lmbda / self.n if self.taken is None else self.taken

    @property
    def decay_bound(self) -> float:
        """The decay from which weights grow without end, whatever the data."""
        return bounds.decay_bound(self.momentum)

    @property
    def data_bound(self) -> float | None:
        """The largest data cost that any outputs can have, for one-hot targets; None where there is none."""
        return bounds.largest_data_cost(self.output, self.cost, self.classes)

    @property
    def baseline(self) -> float:
        """The data cost of answering every example with the frequencies of equally frequent classes; NaN: unknown."""
        if self.is_user_network:
            return math.nan if self.constant_answer is None else self.constant_answer
        return bounds.constant_answer_cost(self.output, self.cost, self.classes)
