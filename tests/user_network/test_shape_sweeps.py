"""A class of another shape is swept and served as it is: by name, or a file of plain functions."""

import sys
from pathlib import Path

import mlflow
import numpy as np
import pytest
from support.small_sweeps import small_table, swept, write_spec

from model import load as load_data
from sweeps.specification.reading import read_spec

SHAPES = Path(__file__).parents[1] / "user_networks" / "shapes"


@pytest.mark.parametrize("named", ["layer_objects.py:Softmaxed", "functions.py"])
def test_a_class_of_another_shape_is_swept_and_its_best_network_served(uri: str, tmp_path: Path, named: str) -> None:
    file = named.partition(":")[0]
    (tmp_path / file).write_text((SHAPES / file).read_text(encoding="utf-8"), encoding="utf-8")
    search = {"eta": {"choices": [0.1, 0.5]}, "lambda": 0.0, "batch_size": 10}
    table = small_table(search=search, sampler="grid", trials=2, network=named)
    sweep = swept(read_spec(write_spec(tmp_path / "spec.toml", table)), uri, jobs=1)
    assert set(sweep.trials["state"]) == {"complete"}
    assert sweep.best()["accuracy/test"].iloc[0] > 0.5
    mlflow.set_tracking_uri(uri)
    try:
        champion = mlflow.pyfunc.load_model(f"models:/{sweep.name}@champion")
    finally:
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
    test = load_data("digits").test
    right = np.mean(champion.predict(np.array(test.x)).argmax(axis=1) == test.y)
    assert right == sweep.best()["accuracy/test"].iloc[0]
    assert "sweeps" in sys.modules
