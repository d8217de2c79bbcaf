"""What a candidate reading is tried with: independent copies of the network."""

import copy
from pathlib import Path
from typing import Any

from sweeps.user_network.readings.reading import theirs


def duplicate(network: Any, file: Path | None) -> Any:
    """An independent copy of everything that a network holds."""
    with theirs(file, "a deep copy of the network"):
        return copy.deepcopy(network)
