"""What decides the last bits of a training besides its task: versions, and the kernels that a machine computes with."""

import platform
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import version

PACKAGE = "numpy-sweeps"


def facts() -> dict[str, str]:
    """Of this process."""
    import numpy as np
    import scipy.linalg  # and with it its own BLAS
    from threadpoolctl import threadpool_info

    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    loops = np.lib.introspect.opt_func_info().values()
    return {
        PACKAGE: version(PACKAGE),
        "Python": ".".join(map(str, sys.version_info[:2])),
        "NumPy": np.__version__,
        "SciPy": scipy.__version__,
        "BLAS": _listed(f"{one['internal_api']} {one['version']} {one.get('architecture', '')}" for one in libraries),
        "NumPy's loops": _listed(signature["current"] for loop in loops for signature in loop.values()),
        "C library": " ".join([*platform.libc_ver(), platform.machine()]).strip(),
    }


def differences(here: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """What differs between the facts of two processes, in words."""
    return [f"{name} {there[name]}, here {fact}" for name, fact in here.items() if there[name] != fact]


def _listed(words: Iterable[str]) -> str:
    return " + ".join(sorted({word.strip() for word in words}))
