"""A sweep's specification: what is searched, what is shared, and how."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from model import EpochRecord, Hyperparameters, Probing, TrainingPlan, metrics
from sweeps.specification.domains import Choices, Domain, Settings
from sweeps.user_network.source import NetworkSource
from sweeps.verdicts.verdict import RULES_VERSION

Pruner = Literal["none", "median", "halving"]
Sampler = Literal["tpe", "random", "qmc", "grid", "gp", "border"]

HYPERPARAMETERS = ("eta", "lambda", "batch_size")
PLAN_FIELDS = tuple(f.name for f in fields(TrainingPlan))
SPEC_FIELDS = ("name", "seed", "trials", "lag", "sampler", "objective", "replicates")
USER_NETWORK_FIELDS = ("network", "time_limit")  # of a sweep over somebody's own class
BUILTIN_PLAN_FIELDS = (
    "activation",
    "output",
    "cost",
    "initialisation",
    "penalty_n",
    "momentum",
)  # belong to that class
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Goal:
    """An objective: a metric of the records, and the sign (1 or -1) that makes smaller better."""

    metric: str
    sign: int

    def loss(self, record: EpochRecord) -> float:
        """The objective as something to minimise."""
        return self.sign * record[self.metric]


OBJECTIVES = {
    "validation_data_cost": Goal(metrics.VALIDATION_DATA, 1),
    "validation_accuracy": Goal(metrics.VALIDATION_ACCURACY, -1),
}


@dataclass(frozen=True)
class Stopping:
    """When a trial ends early.

    pruner: "median" or "halving" end a trial that is behind earlier ones; "none" never does.
    patience: epochs without improvement of the objective after which a trial ends; 0 never ends one.
    verdict: whether a trial ends once its verdict is certain, whatever the epochs left would bring.
    """

    pruner: Pruner = "none"
    patience: int = 0
    verdict: bool = False


@dataclass(frozen=True)
class SweepSpec:
    """A sweep. Made by `sweeps.specification.reading`, which checks it.

    name: of the sweep and of its MLflow experiment. search: what varies, by the spec's names (eta, lambda, batch_size,
    fields of the plan). trials: number of proposals, each trained `replicates` times with different starts.
    lag: trial k is proposed from the results of trials 0..k-lag. objective: one or more keys of OBJECTIVES, evaluated
    at a trial's last epoch. measures: which are taken on the probe, and how often. seed: of everything random.
    network: a class of one's own, else None for the built-in network. time_limit: seconds that a trial of it may take.
    rules: version of the verdicts' rules that its sampler goes by; nobody's to choose: that of the sweep's first day.
    """

    name: str
    search: Mapping[str, Domain]
    plan: TrainingPlan = field(default_factory=TrainingPlan)
    stopping: Stopping = field(default_factory=Stopping)
    measures: Probing = field(default_factory=Probing)
    seed: int = 0
    trials: int = 64
    lag: int = 16
    sampler: Sampler = "tpe"
    objective: tuple[str, ...] = ("validation_data_cost",)
    replicates: int = 1
    network: NetworkSource | None = None
    time_limit: float = 3600.0
    rules: int = RULES_VERSION

    @property
    def goals(self) -> tuple[Goal, ...]:
        """The objectives as goals. Pruning, patience and the best epoch go by the first."""
        return tuple(OBJECTIVES[objective] for objective in self.objective)

    @property
    def plan_fields(self) -> tuple[str, ...]:
        """The fields of the plan that say something of its trials: an own network brings some of its own."""
        return tuple(name for name in PLAN_FIELDS if self.network is None or name not in BUILTIN_PLAN_FIELDS)

    @property
    def varied(self) -> dict[str, Domain]:
        """The part of the search that has more than one value."""
        return {
            name: domain
            for name, domain in self.search.items()
            if not (isinstance(domain, Choices) and len(domain.values) == 1)
        }

    @property
    def fixed(self) -> Settings:
        """The part of the search that has one value."""
        return {
            name: domain.values[0]
            for name, domain in self.search.items()
            if isinstance(domain, Choices) and len(domain.values) == 1
        }

    def corners(self, name: str) -> tuple[Any, ...]:
        """The values that a field takes, of a range its ends; what holds for them holds for all in between."""
        return self.search[name].corners if name in self.search else (getattr(self.plan, name),)

    def training(self, settings: Settings) -> tuple[TrainingPlan, Hyperparameters]:
        """What a trial with these settings trains."""
        searched: dict[str, Any] = {name: value for name, value in settings.items() if name in PLAN_FIELDS}
        given: dict[str, Any] = {name: settings[name] for name in HYPERPARAMETERS}
        hyperparameters = Hyperparameters(eta=given["eta"], lmbda=given["lambda"], batch_size=given["batch_size"])
        return replace(self.plan, **searched), hyperparameters

    def to_table(self) -> dict[str, Any]:
        """As nested dicts of plain values; parsing them gives an equal spec."""
        table: dict[str, Any] = {name: getattr(self, name) for name in SPEC_FIELDS}
        table["objective"] = self.objective[0] if len(self.objective) == 1 else list(self.objective)
        table["search"] = {name: domain.to_table() for name, domain in self.search.items()}
        given = asdict(self.plan)
        plan = {name: given[name] for name in self.plan_fields if name not in self.search}
        table["plan"] = plan | {"hidden": list(plan["hidden"])} if "hidden" in plan else plan
        table["stopping"] = asdict(self.stopping)
        if self.network is None:
            table["measures"] = asdict(self.measures)
        else:
            table |= {"network": self.network.named, "time_limit": self.time_limit}
        return table


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The keys in which two tables of specs differ, each with both values: `plan.epochs: 10, now 20`."""
    found = []
    for key in dict.fromkeys([*old, *new]):
        before, now = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(now, Mapping) and prefix != "search.":
            found += differences(before, now, f"{prefix}{key}.")
        elif before != now:
            found.append(f"{prefix}{key}: was {before!r}, is now {now!r}")
    return found
