"""A network's diagnosis, over every fault x activation x depth x head, and over sound networks of many kinds.

`PYTHONPATH=.:tests python tests/diagnosis/test_network.py` prints the shares found and falsely alarmed as a table.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from user_networks import faulty, more_faults, reshaped

from sweeps.diagnosis.findings import Severity
from sweeps.diagnosis.network.examination import examine
from sweeps.user_network.wrapper import WrappedNetwork

SIZES = {1: (5, 4, 3), 2: (4, 3, 3, 3), 3: (3, 4, 5, 4, 3)}  # by hidden layers
SQUARE = {1: (5, 3, 3), 2: (4, 3, 3, 3), 3: (4, 3, 3, 3, 3)}  # where a missing transpose runs

SATURATING = ("sigmoid", "tanh", "softplus")
OF_OUTPUT = ("output_missing", "no_derivative", "output_of_activation")  # of the quadratic cost on sigmoid outputs
GRADIENT = faulty.GRADIENT_FAULTS | {"output_of_activation": {"gradient.derivative_of_activation"}}
CONVENTIONS: list[dict[str, Any]] = [
    {"penalty": "l1"},
    {"momentum": 0.9},
    {"momentum": 0.9, "averaged": True},
    {"decay_after": True},
    {"dtype": np.float32},
    {"convention": "sum"},
    {"convention": "plain"},
    {"convention": "no_half"},
    {"convention": "biases"},
]


@dataclass(frozen=True)
class Case:
    """A network class, the hidden layers that it is made with, and what must be found: nothing where it is sound."""

    group: str
    hidden: int
    options: dict[str, Any]
    expected: frozenset[str] = frozenset()
    found: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def name(self) -> str:
        told = [getattr(value, "__name__", str(value)) for key, value in self.options.items() if key != "fault"]
        return "-".join([self.group, *told, str(self.hidden)])

    @property
    def sizes(self) -> tuple[int, ...]:
        return (SQUARE if self.group.endswith("not_transposed") else SIZES)[self.hidden]

    @property
    def is_found(self) -> bool:
        return self.expected <= self.found

    @property
    def is_exact(self) -> bool:
        return self.expected == self.found


def faults() -> Iterator[Case]:
    """Every fault with every activation, depth and head with which it is one."""
    for fault, activation, hidden, head in product(GRADIENT, faulty.ACTIVATIONS, SIZES, faulty.HEADS):
        if is_fault(fault, activation, head):
            options = {"fault": fault, "activation": activation, "head": head}
            yield Case(fault, hidden, options, frozenset(expected_of(fault, activation)))
    for fault, activation, hidden, head in product(faulty.DECAY_FAULTS, ("sigmoid", "relu"), (1, 2), faulty.HEADS):
        options = {"fault": fault, "activation": activation, "head": head}
        yield Case(fault, hidden, options, frozenset(faulty.DECAY_FAULTS[fault]))
    for fault, convention in product(GRADIENT, ({"momentum": 0.9}, {"dtype": np.float32}, {"convention": "sum"})):
        yield Case(fault, 2, {"fault": fault, "activation": "tanh", "head": head_for(fault), **convention},
                   frozenset(GRADIENT[fault]))  # fmt: skip
    for fault, convention in product(faulty.DECAY_FAULTS, ({"penalty": "l1"}, {"momentum": 0.9})):
        if not (fault == "decay_without_eta" and "momentum" in convention) and fault != "decay_biases":
            yield Case(fault, 2, {"fault": fault, **convention}, frozenset(faulty.DECAY_FAULTS[fault]))


def more() -> Iterator[Case]:
    """The faults of costs, parts of decays and orders of update, with every activation, depth and head."""
    for fault, (found, heads) in more_faults.FAULTS.items():
        for activation, hidden, head in product(faulty.ACTIVATIONS, SIZES, heads):
            sums_to_0 = fault == "bias_mean_of_units" and head == "softmax"  # over the units, a - y does
            still = {"gradient.frozen"} if sums_to_0 else set()
            options = {"more": fault, "activation": activation, "head": head}
            yield Case(fault, hidden, options, frozenset(found | still))


def is_fault(fault: str, activation: str, head: str) -> bool:
    """Not so are the slope of the activation in ReLU or linear units, and a missing slope in linear ones."""
    if fault in OF_OUTPUT and head != "quadratic":
        return False
    if fault == "hidden_of_activation":
        return activation in SATURATING
    return not (fault == "hidden_missing" and activation == "linear")


def expected_of(fault: str, activation: str) -> set[str]:
    if fault == "no_derivative" and activation == "linear":
        return {"gradient.output_derivative_missing"}
    return GRADIENT[fault]


def head_for(fault: str) -> str:
    return "quadratic" if fault in OF_OUTPUT else "softmax"


def sound() -> Iterator[Case]:
    """Networks that must bring neither fault nor warning."""
    for activation, hidden, head in product(faulty.ACTIVATIONS, SIZES, faulty.HEADS):
        yield Case("sound", hidden, {"activation": activation, "head": head})
    for convention, activation, head in product(CONVENTIONS, ("sigmoid", "relu"), ("quadratic", "softmax")):
        yield Case("sound", 2, {"activation": activation, "head": head, **convention})
    for fault, activation, head in product(GRADIENT, faulty.ACTIVATIONS, faulty.HEADS):
        if fault not in OF_OUTPUT and not is_fault(fault, activation, head):
            yield Case("no fault", 2, {"fault": fault, "activation": activation, "head": head})


def more_sound() -> Iterator[Case]:
    """What looks like these faults and is none."""
    for manner, activation, hidden, head in product(more_faults.SOUND, faulty.ACTIVATIONS, SIZES, faulty.HEADS):
        yield Case(manner, hidden, {"more": manner, "activation": activation, "head": head})


def reshaped_cases() -> Iterator[Case]:
    """Each fault, and sound networks, in each other shape; of decay and penalty where a shape has a lambda."""
    for shape, case in product(reshaped.SHAPES, (*faults(), *more(), *sound(), *more_sound())):
        of_lambda = case.expected and all(code.startswith(("decay", "penalty")) for code in case.expected)
        kept = case.options.get("momentum") or case.options.get("dtype") or case.group in ("bias_shape", "no fault")
        unread = "overwritten" in case.group  # no step is seen in what does not go with eta
        if case.hidden == 1 and not kept and not unread and (shape == "rows" or not of_lambda):
            yield Case(f"{shape}: {case.group}", 1, {**case.options, "shape": shape}, case.expected)


def sample(cases: Sequence[Case], of_each: int, seed: int = 0) -> list[Case]:
    """So many of each group, drawn."""
    rng = np.random.default_rng(seed)
    drawn = [cases[k] for k in rng.permutation(len(cases))]
    groups: dict[str, list[Case]] = {}
    for case in drawn:
        groups.setdefault(case.group, []).append(case)
    return [case for name in sorted(groups) for case in groups[name][:of_each]]


def judged(case: Case) -> Case:
    options = dict(case.options)
    more, shape = options.pop("more", None), options.pop("shape", None)
    network = faulty.network(**options) if more is None else more_faults.network(more, **options)
    network = network if shape is None else reshaped.SHAPES[shape](network)
    findings = examine(lambda sizes: WrappedNetwork.made(network, sizes), sizes=[case.sizes])
    grave = {str(finding.code) for finding in findings if finding.severity is not Severity.INFO}
    return Case(case.group, case.hidden, case.options, case.expected, frozenset(grave))


def table(cases: Sequence[Case]) -> str:
    """cases: judged."""
    lines = [f"{'class':24} {'cases':>6} {'found':>6} {'exactly':>8}"]
    for group, count in Counter(case.group for case in cases).items():
        of = [case for case in cases if case.group == group]
        lines.append(f"{group:24} {count:6} {share(of, 'is_found'):6.1%} {share(of, 'is_exact'):8.1%}")
    faulty_ones, sound_ones = [c for c in cases if c.expected], [c for c in cases if not c.expected]
    if faulty_ones:
        found, exactly = share(faulty_ones, "is_found"), share(faulty_ones, "is_exact")
        lines.append(f"{'all with a fault':24} {len(faulty_ones):6} {found:6.1%} {exactly:8.1%}")
    if sound_ones:
        alarms = 1 - share(sound_ones, "is_exact")
        lines.append(f"{'all that are sound':24} {len(sound_ones):6} false alarms {alarms:.1%}")
    return "\n".join([*lines, *wrong(cases)])


def wrong(cases: Sequence[Case]) -> list[str]:
    return [f"{c.name}: expected {sorted(c.expected)}, found {sorted(c.found)}" for c in cases if not c.is_exact]


def share(cases: Sequence[Case], what: str) -> float:
    return sum(getattr(case, what) for case in cases) / len(cases)


SAMPLE = sample(list(faults()), 1) + sample(list(sound()), 4)
SAMPLE += sample([case for case in (*more(), *more_sound()) if case.hidden == 1], 1)
SAMPLE += sample(list(reshaped_cases()), 1)[::40]  # one or two of each shape


@pytest.mark.parametrize("case", SAMPLE, ids=lambda case: case.name)
def test_each_fault_of_a_drawn_sample_is_named_and_nothing_else(case: Case) -> None:
    assert judged(case).found == case.expected


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_98_percent_of_all_faults_are_found_and_no_sound_network_is_accused() -> None:
    cases = [judged(case) for case in (*faults(), *more(), *sound(), *more_sound(), *reshaped_cases())]
    print(table(cases))  # noqa: T201 - the closing table
    assert len(cases) > 3500
    assert share([case for case in cases if case.expected], "is_found") >= 0.98
    assert wrong([case for case in cases if not case.expected]) == []


@settings(max_examples=5)
@given(
    st.sampled_from(sorted(faulty.ACTIVATIONS)),
    st.sampled_from(faulty.HEADS),
    st.sampled_from([{}, *CONVENTIONS]),
    st.lists(st.integers(2, 4), min_size=2, max_size=4),
    st.integers(0, 2**16),
)
def test_no_sound_network_is_accused_at_any_size(activation, head, convention, sizes, seed):
    network = faulty.network(activation=activation, head=head, **convention)
    findings = examine(lambda layers: WrappedNetwork.made(network, layers), sizes=[(*sizes, 3)], seed=seed)
    assert [f for f in findings if f.severity is Severity.FAULT] == []


if __name__ == "__main__":
    every = [*faults(), *more(), *sound(), *more_sound(), *reshaped_cases()]
    of_each = int(sys.argv[1]) if len(sys.argv) > 1 else len(every)
    print(table([judged(case) for case in sample(every, of_each)]))  # noqa: T201
