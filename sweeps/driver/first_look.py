"""What a person should know of a sweep's data, and of how the built-in network starts; it stops nothing."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from model import Dataset, Network
from sweeps.diagnosis.findings import Finding, Severity
from sweeps.diagnosis.network.data_check import judge_examples, some_of
from sweeps.diagnosis.network.first_minute import EXAMPLES, judge_builtin_start
from sweeps.specification.spec import SweepSpec


def first_look(spec: SweepSpec, data: Mapping[str, Dataset], say: Callable[[str], None]) -> None:
    """Says the gravest of each dataset, and of the built-in network as it starts."""
    for name, dataset in data.items():
        say_gravest(name, judge_examples(dataset.train), say)
    if spec.network is None:
        first = next(iter(data.values()))
        sizes = (first.train.features, *spec.plan.hidden, first.train.classes)
        plan = replace(spec.plan, dtype="float64")
        network = Network.initialise(sizes, plan, np.random.default_rng(spec.seed))
        say_gravest("", judge_builtin_start(network, *some_of(first.train, EXAMPLES)), say)


def say_gravest(name: str, findings: list[Finding], say: Callable[[str], None]) -> None:
    """The gravest in a sentence or two, and that there are more."""
    for finding in sorted(findings, key=lambda one: list(Severity).index(one.severity))[:1]:
        others = ", ".join(str(other.code) for other in findings if other is not finding)
        more = f" (also: {others})" if others else ""
        say(f"{name}{name and ': '}{finding.message} Remedy: {finding.remedy}{more}")
