"""The best network of a sweep, as a model in MLflow and in its registry."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import cast

import mlflow
import numpy as np
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

import model
from model import Network
from sweeps.ledger import Champion
from sweeps.tracking.store import Store

ALIAS = "champion"
LOADER = "served_network"  # what the copy of served.py is called

_EXAMPLES = 3  # in the model's input example
_REQUIREMENTS = ("mlflow", "numpy", "scipy")


def log_champion(store: Store, run_id: str, name: str, champion: Champion, network: Network) -> str:
    """Logs the network to the sweep's run, registers it under the sweep's name, moves the alias; returns the version.

    The model is `served.py` as its code, and the weights as an npz file. Extending a sweep registers a new version.
    """
    x = champion.data.test.x
    signature = ModelSignature(
        inputs=Schema([TensorSpec(x.dtype, (-1, x.shape[1]))]),
        outputs=Schema([TensorSpec(network.dtype, (-1, champion.data.test.classes))]),
    )
    with tempfile.TemporaryDirectory() as scratch, _quietly(store):
        weights = Path(scratch, "network.npz")
        _save(weights, network, champion.data.test.scale)
        code = Path(scratch, "model")  # the package without its data
        shutil.copytree(Path(model.__file__).parent, code, ignore=shutil.ignore_patterns("data", "__pycache__"))
        loader = Path(scratch, f"{LOADER}.py")
        shutil.copy(Path(__file__).with_name("served.py"), loader)
        with mlflow.start_run(run_id=run_id):
            logged = mlflow.pyfunc.log_model(
                name="champion",
                loader_module=LOADER,
                data_path=str(weights),
                code_paths=[str(code), str(loader)],
                signature=signature,
                input_example=np.array(x[:_EXAMPLES]),
                pip_requirements=[f"{package}=={version(package)}" for package in _REQUIREMENTS],
                metadata={"trial": champion.number, "replicate": champion.replicate},
            )
        with suppress(MlflowException):  # it exists already
            store.client.create_registered_model(name)
        registered = store.client.create_model_version(name, logged.model_uri, run_id, model_id=logged.model_id)
        store.client.set_registered_model_alias(name, ALIAS, registered.version)
    return str(registered.version)


def _save(path: Path, network: Network, scale: float) -> None:
    arrays = {f"weights_{k}": w for k, w in enumerate(network.weights)}
    arrays |= {f"biases_{k}": b for k, b in enumerate(network.biases)}
    names = {"activation": network.activation, "output": network.output, "cost": network.cost}
    np.savez(path, layers=len(network.weights), scale=scale, **arrays, **names)  # type: ignore[arg-type]


@contextmanager
def _quietly(store: Store) -> Iterator[None]:
    """MLflow's fluent functions pointed at the store, without their warnings; then pointed back."""
    before = os.environ.get("MLFLOW_TRACKING_URI")  # where mlflow.set_tracking_uri keeps it too
    mlflow.set_tracking_uri(store.uri)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        mlflow.set_tracking_uri(cast(str, before))  # None takes the setting back
