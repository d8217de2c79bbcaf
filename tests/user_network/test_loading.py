"""A file is loaded as it is for its owner: their modules, packages, notebooks; of a script only what it defines."""

import json
import sys
from pathlib import Path

import pytest

import model
from sweeps.diagnosis.findings import Severity
from sweeps.diagnosis.network.examination import examine
from sweeps.errors import InputError
from sweeps.user_network.loading import load_class
from sweeps.user_network.wrapper import WrappedNetwork

NETWORKS = Path(__file__).parents[1] / "user_networks"
QUESTION = (NETWORKS / "question.py").read_text(encoding="utf-8")
TRAINS = """

x, y = np.load("nowhere.npy"), np.loadtxt("nowhere.txt")
HALF = np.sqrt(0.25)
net = Network([4, 3, 2])
for epoch in range(1000):
    net.update_mini_batch(list(zip(x, y)), 0.1, 0.0, len(x))
print("trained")
"""


def speaks(network: type) -> WrappedNetwork:
    return WrappedNetwork.made(network, (5, 4, 3))


@pytest.mark.parametrize("name", ["model", "sweeps", "random", "layers"])
def test_a_module_beside_the_file_is_theirs_and_ours_stays_ours(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.py").write_text(QUESTION, encoding="utf-8")
    (tmp_path / "mine.py").write_text(f"import {name}\nclass Mine({name}.Network): pass\n", encoding="utf-8")
    before = sys.modules.get(name)
    speaks(load_class(f"{tmp_path / 'mine.py'}:Mine"))
    if name != "layers":
        assert sys.modules.get(name) is before
    assert "Network" in vars(model)
    assert Path(model.__file__) == Path(__file__).parents[2] / "model" / "__init__.py"


def test_a_module_of_a_name_that_is_only_needed_later_is_not_taken(tmp_path: Path) -> None:
    name = "cProfile"  # that nothing has imported yet
    assert name not in sys.modules
    (tmp_path / f"{name}.py").write_text(QUESTION, encoding="utf-8")
    (tmp_path / "mine.py").write_text(f"import {name}\nclass Mine({name}.Network): pass\n", encoding="utf-8")
    speaks(load_class(f"{tmp_path / 'mine.py'}:Mine"))
    assert name not in sys.modules


def test_two_people_may_call_their_module_alike(tmp_path: Path) -> None:
    for word in ("one", "two"):
        (tmp_path / word).mkdir()
        (tmp_path / word / "parts.py").write_text(f"WORD = {word!r}\n", encoding="utf-8")
        (tmp_path / word / "mine.py").write_text(
            f"from parts import WORD\n{QUESTION}\nNetwork.word = WORD\n", encoding="utf-8"
        )
    assert [load_class(f"{tmp_path / word / 'mine.py'}:Network").word for word in ("one", "two")] == ["one", "two"]  # type: ignore[attr-defined]


def test_a_file_of_a_package_imports_its_neighbours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "theirs_of_a_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "base.py").write_text(QUESTION, encoding="utf-8")
    (package / "net.py").write_text("from .base import Network\nclass Net(Network): pass\n", encoding="utf-8")
    speaks(load_class(f"{package / 'net.py'}:Net"))
    monkeypatch.chdir(tmp_path)
    speaks(load_class("theirs_of_a_package.net:Net"))


def test_a_script_that_trains_is_stopped_before_it_does(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "script.py"
    path.write_text(QUESTION + TRAINS, encoding="utf-8")
    for _ in range(2):
        network = load_class(f"{path}:Network")
    speaks(network)
    out, err = capfd.readouterr()
    assert out == ""
    line = len(QUESTION.splitlines()) + 3
    assert err == f"{path}: line {line} would run the script; only what it defines was taken\n"
    assert sys.modules[network.__module__].HALF == 0.5


def test_a_notebook_is_read_like_a_file(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# My network"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "!pip install numpy\n", "import numpy as np"]},
        {"cell_type": "code", "source": QUESTION.splitlines(keepends=True)},
        {"cell_type": "code", "source": TRAINS},
    ]
    path = tmp_path / "mine.ipynb"
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    speaks(load_class(f"{path}:Network"))
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="is no notebook"):
        load_class(f"{path}:Network")


def test_plain_functions_on_a_dict_are_a_network() -> None:
    network = load_class(str(NETWORKS / "shapes" / "functions.py"))
    findings = examine(lambda sizes: WrappedNetwork.made(network, sizes), sizes=[(4, 3, 3, 3)])
    assert all(finding.severity is not Severity.FAULT for finding in findings)
    assert findings[-1].code == "clean"


def test_the_only_network_of_a_file_needs_no_name(tmp_path: Path) -> None:
    assert load_class(str(NETWORKS / "question.py")).__name__ == "Network"
    with pytest.raises(InputError, match=r"say which class.*Elastic, FitOnly"):
        load_class(str(NETWORKS / "shapes" / "of_any_depth.py"))
