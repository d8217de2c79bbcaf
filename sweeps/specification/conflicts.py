"""What is wrong with a spec although every key is right by itself."""

import itertools
import math
from dataclasses import replace

from sweeps.specification.domains import Choices, Range
from sweeps.specification.problems import most, shown
from sweeps.specification.spec import SweepSpec


def conflicts(spec: SweepSpec) -> list[str]:
    """What is wrong although every key is right by itself."""
    problems = []
    outputs, costs = spec.corners("output"), spec.corners("cost")
    for output, cost in itertools.product(outputs, costs):
        try:
            replace(spec.plan, output=output, cost=cost)
        except ValueError as error:
            problems.append(f"search: {error}")
    problems += _grid_conflicts(spec) if spec.sampler == "grid" else []
    problems += _border_conflicts(spec) if spec.sampler == "border" else []
    if spec.objective != ("validation_accuracy",):
        problems += [
            f'search.{name}: data costs of different {name}s do not compare; set objective = "validation_accuracy"'
            for name in ("cost", "output", "dataset")
            if name in spec.varied
        ]
    if spec.stopping.pruner != "none":
        if len(spec.objective) > 1:
            problems.append(f'stopping.pruner: pruning needs one objective, got {len(spec.objective)}; use "none"')
        if spec.replicates > 1:
            problems.append(f'stopping.pruner: pruning needs replicates = 1, got {spec.replicates}; use "none"')
    if spec.stopping.patience and len(spec.objective) > 1:
        problems.append(f"stopping.patience: needs one objective, got {len(spec.objective)}; use 0")
    return problems


def _grid_conflicts(spec: SweepSpec) -> list[str]:
    ranges = [name for name, domain in spec.search.items() if isinstance(domain, Range)]
    size, limit = grid_size(spec), most("trials")
    if ranges:
        return [f"search.{name}: the grid sampler needs choices or a value, got a range" for name in ranges]
    if size > limit:
        return [f"search: the grid has {size} points; at most {limit} can be listed, use fewer choices"]
    if spec.trials > size:
        return [f"trials: the grid has {size} points, got {spec.trials}; ask for no more"]
    return []


def _border_conflicts(spec: SweepSpec) -> list[str]:
    problems = []
    if not spec.varied:
        problems.append("search: the border sampler needs a field that varies; give eta or lambda a range or choices")
    if spec.stopping.pruner != "none":
        problems.append(
            f"stopping.pruner: a pruned trial does not show whether it is stable, which the border sampler asks; "
            f'use "none", got {shown(spec.stopping.pruner)}'
        )
    return problems


def grid_size(spec: SweepSpec) -> int:
    """How many points the grid of all choices has."""
    return math.prod(len(domain.values) for domain in spec.search.values() if isinstance(domain, Choices))
