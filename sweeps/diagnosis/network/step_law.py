"""What a step really takes from a weight by lambda, as a law for every trial of a sweep, and as the tags that keep it.

How it is measured stands in `step_law_measuring`.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

WHOLE = 0.03  # from a whole number, up to which a factor or a power is that number


@dataclass(frozen=True)
class StepLaw:
    """A step takes factor * eta^eta * lambda * n^n * batch^batch of every weight. factor 0: lambda has no effect."""

    factor: float
    eta: int = 1
    n: int = -1
    batch: int = 0

    @property
    def is_usual(self) -> bool:
        """Whether it is eta * lambda / n."""
        return abs(self.factor - 1) < WHOLE and (self.eta, self.n, self.batch) == (1, -1, 0)

    @property
    def is_idle(self) -> bool:
        """Whether lambda has no effect on a step."""
        return self.factor == 0

    def taken(self, eta: float, lmbda: float, n: int, batch_size: int) -> float:
        """The part of a weight that a step takes."""
        return self.factor * eta**self.eta * lmbda * float(n) ** self.n * float(batch_size) ** self.batch

    @property
    def in_words(self) -> str:
        """As a formula: 2 * eta * lambda / batch size."""
        powers = {"eta": self.eta, "lambda": 1, "n": self.n, "batch size": self.batch}
        above = [name if power == 1 else f"{name}^{power}" for name, power in powers.items() if power > 0]
        below = [name if power == -1 else f"{name}^{-power}" for name, power in powers.items() if power < 0]
        factor = "" if abs(self.factor - 1) < WHOLE else f"{self.factor:.3g} * "
        return factor + " / ".join([" * ".join(above), *below])

    @property
    def text(self) -> str:
        """For a tag; `law_of` reads it."""
        return json.dumps(asdict(self))


def law_of(text: str) -> StepLaw | None:
    """The law that stands in a tag; None where none was measured."""
    return StepLaw(**json.loads(text)) if text else None


def faults_text(faults: Sequence[tuple[str, str]]) -> str:
    """For a tag; `faults_of` reads it."""
    return json.dumps([list(fault) for fault in faults]) if faults else ""


def faults_of(text: str) -> tuple[tuple[str, str], ...]:
    """The faults that stand in a tag: code and message of each."""
    return tuple((code, message) for code, message in json.loads(text)) if text else ()
