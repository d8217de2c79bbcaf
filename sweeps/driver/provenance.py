"""What a sweep ran on: commit, versions, machine."""

import os
import platform
import subprocess
from importlib.metadata import version

_PACKAGES = ("numpy", "scipy", "optuna", "mlflow", "joblib", "numpy-sweeps")


def provenance(seed: int) -> dict[str, str]:
    """Tags for the sweep run. The commit is that of the working folder's repository, with -dirty for changed files."""
    tags = {f"version.{package}": version(package) for package in _PACKAGES}
    tags |= {
        "version.python": platform.python_version(),
        "machine.host": platform.node(),
        "machine.system": platform.platform(),
        "machine.processor": platform.machine(),
        "machine.cores": str(os.cpu_count()),
        "seed": str(seed),
    }
    commit = _git("rev-parse", "HEAD")
    if commit:
        dirty = "-dirty" if _git("status", "--porcelain", "--untracked-files=no") else ""
        tags |= {"git_commit": commit + dirty, "mlflow.source.git.commit": commit}
    return tags


def _git(*arguments: str) -> str:
    """What git prints, nothing where there is no git or no repository."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
