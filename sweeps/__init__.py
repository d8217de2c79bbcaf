"""Stability-first sweeps of NumPy networks. `load` and `run` give a Sweep; everything is imported when it is used.

Worker processes import this package too: what is imported here, each of them holds in memory.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sweeps.results import Sweep, load
    from sweeps.running import run

__all__ = ["Sweep", "load", "run"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'sweeps' has no attribute {name!r}")
    module = importlib.import_module("sweeps.running" if name == "run" else "sweeps.results")
    return getattr(module, name)
