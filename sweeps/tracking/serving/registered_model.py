"""The best network of a sweep, as a model in MLflow and in its registry."""

import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit
from urllib.request import url2pathname

import mlflow
import numpy as np
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec

import model
from model import Network
from sweeps import user_network
from sweeps.tracking.artifact_files import place_beside
from sweeps.tracking.records import NETWORK, RecordedSweep
from sweeps.tracking.retrying import sent_once
from sweeps.tracking.store import Store
from sweeps.user_network.parameters import Parameters
from sweeps.user_network.source import NetworkSource, split_target
from sweeps.worker.task import Champion

ALIAS = MODEL = "champion"
# What the copies of builtin_loader.py and user_loader.py are called: a process may load models of both.
LOADER, USER_LOADER = "served_network", "served_user_network_loader"

_SERVED = {
    "model": "served_model",
    "sweeps.user_network": "served_user_network",
    "sweeps.errors": "served_user_network.errors",
}
# Of user_network, besides all its readings.
_SPEAKS_TO_IT = (
    "__init__",
    "source",
    "loading",
    "describing",
    "executing",
    "functions",
    "whole_one_hot",
    "wrapper",
)
_MODEL_TAIL = 4  # parts of a model's place that stay when a store is moved: experiment, "models", its id, "artifacts"
_EXAMPLES = 3  # in the model's input example
_REQUIREMENTS = ("mlflow", "numpy", "scipy")


def log_champion(store: Store, sweep: RecordedSweep, champion: Champion) -> str:
    """Logs the network to the sweep's run, registers it under the sweep's name, moves the alias; returns the version.

    A champion is one version, however often this is called; a sweep that is extended has another where another training
    is its best. What an attempt without an answer left behind is cleared away.
    """
    name = sweep.spec.name
    with _may_exist():
        store.client.create_registered_model(name)
    first, *others = _versions(store, sweep, champion) or [_register(store, sweep, champion)]
    for version_of_it in others:
        store.client.delete_model_version(name, version_of_it.version)
    store.client.set_registered_model_alias(name, ALIAS, first.version)
    _clear_unregistered(store, sweep)
    return str(first.version)


def _versions(store: Store, sweep: RecordedSweep, champion: Champion) -> list[ModelVersion]:
    """Those of this champion, the oldest first; one without a tag is of an earlier version of ours, if the only one."""
    found = store.client.search_model_versions(f"name = '{sweep.spec.name}' and run_id = '{sweep.run_id}'")
    of_old = sweep.tags.get("champion") == title_of(champion)
    ours = [one for one in found if one.tags.get("champion") == title_of(champion) or (of_old and not one.tags)]
    return sorted(ours, key=lambda one: int(one.version))


def _register(store: Store, sweep: RecordedSweep, champion: Champion) -> ModelVersion:
    tags = {"champion": title_of(champion)}
    with _quietly(store):
        uri, model_id = _log(store, sweep, champion)
        with sent_once():
            return store.client.create_model_version(sweep.spec.name, uri, sweep.run_id, tags=tags, model_id=model_id)


def _clear_unregistered(store: Store, sweep: RecordedSweep) -> None:
    """Deletes models of the sweep's run that no version is of: an attempt to log them was not answered."""
    kept = {str(one.source) for one in store.client.search_model_versions(f"name = '{sweep.spec.name}'")}
    for logged in store.client.search_logged_models([sweep.experiment_id]):
        ours = logged.source_run_id == sweep.run_id and logged.name == MODEL
        if ours and not any(logged.model_id in source for source in kept):
            store.client.delete_logged_model(logged.model_id)


def title_of(champion: Champion) -> str:
    """What its version and the sweep are tagged with."""
    return f"trial {champion.number}, replicate {champion.replicate}"


@contextmanager
def _may_exist() -> Iterator[None]:
    """What is to be made may exist already."""
    try:
        yield
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _log(store: Store, sweep: RecordedSweep, champion: Champion) -> tuple[str, str]:
    """Logs the model: its code, `builtin_loader.py` or `user_loader.py`, and the weights as an npz file: (URI, id).

    Somebody's own network is not tried here, as MLflow would with an example: that would execute it.
    """
    x, run_id, source = champion.data.test.x, sweep.run_id, sweep.spec.network
    signature = ModelSignature(
        inputs=Schema([TensorSpec(x.dtype, (-1, x.shape[1]))]),
        outputs=Schema([TensorSpec(np.dtype(champion.network.dtype), (-1, champion.data.test.classes))]),
    )
    with tempfile.TemporaryDirectory() as scratch:
        weights = Path(scratch, "network.npz")
        _save(weights, champion.network, champion.data.test.scale, source)
        code = _model_code(Path(scratch)) if source is None else _user_code(Path(scratch), store, run_id)
        content: dict[str, Any] = {
            "loader_module": LOADER if source is None else USER_LOADER,
            "data_path": str(weights),
            "code_paths": [str(path) for path in code],
            "signature": signature,
            "input_example": np.array(x[:_EXAMPLES]) if source is None else None,
            "pip_requirements": [f"{package}=={version(package)}" for package in _REQUIREMENTS],
            "metadata": {"trial": champion.number, "replicate": champion.replicate},
        }
        if store.file is not None and store.is_moved(run_id):
            return _log_beside(store, store.file, sweep, content)
        with mlflow.start_run(run_id=run_id):
            logged = mlflow.pyfunc.log_model(name=MODEL, **content)
    return str(logged.model_uri), str(logged.model_id)


def _log_beside(store: Store, database: Path, sweep: RecordedSweep, content: Mapping[str, Any]) -> tuple[str, str]:
    """The same in a store that was moved: MLflow would write to where it was."""
    client = store.client
    with sent_once():
        logged = client.create_logged_model(sweep.experiment_id, MODEL, sweep.run_id)
    recorded = Path(url2pathname(urlsplit(logged.artifact_location).path))
    place = place_beside(recorded, database, _MODEL_TAIL)
    described = Model(artifact_path=logged.artifact_location, run_id=sweep.run_id, model_id=logged.model_id)
    mlflow.pyfunc.save_model(place, mlflow_model=described, **content)
    client.finalize_logged_model(logged.model_id, "READY")
    return str(logged.model_uri), str(logged.model_id)


def _model_code(folder: Path) -> list[Path]:
    """What `builtin_loader.py` needs: the model package without its data."""
    code, loader = folder / "served_model", folder / f"{LOADER}.py"
    code.mkdir()
    for part in Path(model.__file__).parent.glob("*.py"):
        _copy(part, code / part.name)
    _copy(Path(__file__).with_name("builtin_loader.py"), loader)
    return [code, loader]


def _user_code(folder: Path, store: Store, run_id: str) -> list[Path]:
    """What `user_loader.py` needs: their file as it was recorded, and what speaks to it."""
    code, loader = folder / "served_user_network", folder / f"{USER_LOADER}.py"
    (code / "readings").mkdir(parents=True)
    sources = Path(user_network.__file__).parent
    _copy(sources.with_name("errors.py"), code / "errors.py")
    for part in (*(sources / f"{name}.py" for name in _SPEAKS_TO_IT), *(sources / "readings").glob("*.py")):
        _copy(part, code / part.relative_to(sources))
    _copy(Path(__file__).with_name("user_loader.py"), loader)
    theirs = folder / NETWORK
    theirs.mkdir()
    with store.artifacts(run_id, NETWORK) as files:
        for file in files:
            shutil.copy(file, theirs)
    return [code, loader, theirs]


def _copy(source: Path, copy: Path) -> None:
    """A source file that imports copies by names of their own.

    Under ours they would take the place of our packages in whatever process loads the model, and in its workers.
    """
    text = source.read_text(encoding="utf-8")
    for name, served in _SERVED.items():
        text = re.sub(rf"^(from|import) {re.escape(name)}\b", rf"\1 {served}", text, flags=re.MULTILINE)
    copy.write_text(text, encoding="utf-8")


def _save(path: Path, network: Network | Parameters, scale: float, source: NetworkSource | None) -> None:
    arrays = {f"weights_{k}": w for k, w in enumerate(network.weights)}
    arrays |= {f"biases_{k}": b for k, b in enumerate(network.biases)}
    if isinstance(network, Network):
        names = {"activation": network.activation, "output": network.output, "cost": network.cost}
    else:
        names = {"dtype": network.dtype, "target": _target(source)}
    np.savez(path, layers=len(network.weights), scale=scale, **arrays, **names)  # type: ignore[arg-type]


def _target(source: NetworkSource | None) -> str:
    """The class in the copy of its file."""
    name = split_target(source.named)[1] if source else ""
    return f"{NETWORK}/{Path(source.file).name}{':' if name else ''}{name}" if source else ""


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
        mlflow.set_tracking_uri(cast(str, None))  # takes the setting back, and the variable too
        if before is not None:
            os.environ["MLFLOW_TRACKING_URI"] = before
