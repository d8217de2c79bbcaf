"""Which settings a trial gets: a pure function of the spec, its number, and the results it may know."""

from typing import Protocol

from sweeps.sampling.border_sampler import BorderSampler
from sweeps.sampling.fixed_sequence import FixedSequence, grid, sobol
from sweeps.sampling.outcomes import Outcome
from sweeps.specification.domains import Settings
from sweeps.specification.spec import SweepSpec


class Proposer(Protocol):
    """Proposes trial 0, 1, 2, ... in turn; knows the settings of all before, and the results it was told (or some)."""

    def propose(self) -> Settings:
        """Settings of the next trial."""

    def adopt(self, settings: Settings) -> None:
        """Takes the next trial's settings from the record instead of proposing them."""

    def tell(self, outcome: Outcome) -> None:
        """The result of the next trial of which none was told yet."""


def proposer(spec: SweepSpec) -> Proposer:
    """The one that the spec asks for."""
    match spec.sampler:
        case "grid":
            return FixedSequence(spec, grid(spec))
        case "qmc":
            return FixedSequence(spec, sobol(spec, spec.trials))
        case "border":
            return BorderSampler(spec)
        case _:
            from sweeps.sampling.optuna_study import OptunaProposer  # Optuna takes long to import

            return OptunaProposer(spec)
