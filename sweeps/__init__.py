"""Stability-first sweeps of NumPy networks. `load` and `run` give a Sweep, `diagnose` a list of findings;
`UserNetwork` is what an adapter of somebody's class is made from.

Everything is imported when it is used.

Worker processes import this package too: what is imported here, each of them holds in memory.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sweeps.api import run
    from sweeps.diagnosis.diagnose_network import diagnose
    from sweeps.diagnosis.findings import Finding
    from sweeps.user_network.base_class import UserNetwork
    from sweeps.views.shown_sweep import Sweep, load

__all__ = ["Finding", "Sweep", "UserNetwork", "diagnose", "load", "run"]

_MODULES = {
    "Finding": "sweeps.diagnosis.findings",
    "UserNetwork": "sweeps.user_network.base_class",
    "diagnose": "sweeps.diagnosis.diagnose_network",
    "run": "sweeps.api",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'sweeps' has no attribute {name!r}")
    module = importlib.import_module(_MODULES.get(name, "sweeps.views.shown_sweep"))
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
