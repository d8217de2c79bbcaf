"""What a spec needs of this machine: data that load and are large enough, packages, a network's file."""

import importlib.util
import itertools
import math

from model import Dataset, DatasetError, load
from sweeps.errors import InputError
from sweeps.specification.domains import encode
from sweeps.specification.problems import shown
from sweeps.specification.spec import SweepSpec
from sweeps.user_network.source import source_file

_MOST_WEIGHTS = 100_000_000  # of a network


def datasets(spec: SweepSpec) -> dict[str, Dataset]:
    """Every dataset that the spec's trials train on, by name. Raises DatasetError."""
    return {name: load(name) for name in spec.corners("dataset")}


def missing_requirements(spec: SweepSpec) -> list[str]:
    """What this machine lacks for the sweep: data that load and are large enough, packages, a network's file."""
    problems = []
    if spec.network is not None:
        try:
            source_file(spec.network.target)
        except InputError as error:
            problems.append(f"network: {error}")
    if spec.sampler == "gp" and importlib.util.find_spec("torch") is None:
        problems.append("sampler: 'gp' needs PyTorch; pip install 'numpy-sweeps[gp]', or use 'tpe'")
    batch_key = "search.batch_size"
    validation_key = "search.validation" if "validation" in spec.search else "plan.validation"
    largest_batch, largest_validation = max(spec.corners("batch_size")), max(spec.corners("validation"))
    for name in spec.corners("dataset"):
        try:
            data = load(name)
        except DatasetError as error:
            problems.append(f"{'search' if 'dataset' in spec.search else 'plan'}.dataset: {error}")
            continue
        for hidden in spec.corners("hidden"):
            weights = sum(map(math.prod, itertools.pairwise((data.train.features, *hidden, data.train.classes))))
            if weights > _MOST_WEIGHTS:
                problems.append(
                    f"{'search' if 'hidden' in spec.search else 'plan'}.hidden: must make a network of at most "
                    f"{_MOST_WEIGHTS} weights, got {weights} with {shown(list(hidden))}"
                )
        n = len(data.train) - largest_validation
        if n < 1:
            problems.append(
                f"{validation_key}: must be below the {len(data.train)} training examples of {name}, "
                f"got {largest_validation}"
            )
        elif largest_batch > n:
            problems.append(
                f"{batch_key}: must be at most {n}, the training examples of {name} without the "
                f"{largest_validation} held back, got {encode(largest_batch)}"
            )
    return problems
