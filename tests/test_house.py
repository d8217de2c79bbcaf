"""The house is as its contracts say: signs on the doors, each fact in one place, pictures made from the code as it is.

Import contracts are checked by `lint-imports`.
"""

import ast
import importlib.util
import re
from pathlib import Path

import pytest

from sweeps.diagnosis.findings import Code
from sweeps.tracking.serving import registered_model

ROOT = Path(__file__).parents[1]
PRODUCT = [
    path
    for package in ("model", "sweeps")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "specs" not in path.relative_to(ROOT).parts
]
METRIC = (
    r"""["'](final\.|best\.)?(cost|accuracy|weight_norm|bias_norm|gradient_norm|update_ratio|saturation|stability)/"""
)
ONE_PLACE = {  # what may stand in one place only: pattern -> that place
    METRIC: "model/metrics.py",
    r"""f["'](final|best)\.""": "model/metrics.py",
    r"2 \* \(1 \+ (self\._?)?(\w+\.)*momentum\)\)?$": "model/bounds.py",
    r"classes / 2\b": "model/bounds.py",
    r"#/experiments": "sweeps/tracking/mlflow_pages/links.py",
    r"workflowType": "sweeps/tracking/mlflow_pages/links.py",
    r"127\.0\.0\.1": "sweeps/tracking/mlflow_pages/links.py",
    r"OBJECTIVES\[": "sweeps/specification/spec.py",
}


@pytest.mark.parametrize("pattern", ONE_PLACE)
def test_a_fact_stands_in_one_place(pattern: str) -> None:
    found = {
        f"{path.relative_to(ROOT).as_posix()}:{number}"
        for path in PRODUCT
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(pattern, line)
    }
    assert {place for place in found if not place.startswith(f"{ONE_PLACE[pattern]}:")} == set()
    assert found


@pytest.mark.parametrize("init", sorted((ROOT / "sweeps").rglob("__init__.py"))[1:], ids=lambda path: path.parent.name)
def test_the_sign_of_a_room_says_what_lives_there_and_what_does_not_and_imports_nothing(init: Path) -> None:
    tree = ast.parse(init.read_text(encoding="utf-8"))
    assert len(tree.body) == 1
    sign = ast.get_docstring(tree) or ""
    assert sign.count("\n\n") == 1
    assert sign.endswith(".")


@pytest.mark.parametrize("test", sorted((ROOT / "tests").rglob("test_*.py")), ids=lambda path: path.stem)
def test_a_test_file_opens_with_the_law_it_holds(test: Path) -> None:
    law = ast.get_docstring(ast.parse(test.read_text(encoding="utf-8"))) or ""
    assert len(law.split()) >= 5


def test_tests_live_in_the_folders_of_what_they_test() -> None:
    rooms = {path.name for path in (ROOT / "sweeps").iterdir() if (path / "__init__.py").is_file()} | {"model"}
    folders = {path.parent.relative_to(ROOT / "tests").parts for path in (ROOT / "tests").rglob("test_*.py")}
    assert {parts[0] for parts in folders if parts} <= rooms


def test_the_picture_of_the_layers_is_that_of_the_imports_as_they_are() -> None:
    script = ROOT / "docs" / "draw_layers.py"
    spec = importlib.util.spec_from_file_location("draw_layers", script)
    assert spec is not None
    assert spec.loader is not None
    draw_layers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(draw_layers)
    assert (ROOT / "docs" / "layers.svg").read_text(encoding="utf-8") == draw_layers.drawn(), "run `make docs`"


def test_every_file_that_the_architecture_names_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:\w+/)+\w+\.(?:py|toml))`", text))
    assert len(named) > 30
    missing = [name for name in named if not any((ROOT / base / name).is_file() for base in ("", "sweeps"))]
    assert missing == []


def test_the_old_name_of_an_error_catches_the_same() -> None:
    from sweeps.errors import GuestError, UserNetworkError

    assert GuestError is UserNetworkError


def test_every_code_of_a_finding_is_told_of_in_the_docs() -> None:
    text = (ROOT / "docs" / "own-network.md").read_text(encoding="utf-8")
    assert {code for code in Code if f"`{code}`" not in text} == set()


def test_a_served_model_of_somebodys_network_brings_all_that_it_imports() -> None:
    room = ROOT / "sweeps" / "user_network"
    files = [room / f"{name}.py" for name in registered_model._SPEAKS_TO_IT] + sorted((room / "readings").glob("*.py"))
    brought = {f"sweeps.user_network.{file.stem}" for file in files} | {"sweeps.errors", "sweeps.user_network.readings"}
    brought |= {f"sweeps.user_network.readings.{file.stem}" for file in files}
    imported = {
        node.module
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sweeps")
    }
    assert imported <= brought
