"""Addresses in MLflow's UI are made in one module, and every one of them opens the pages for trainings."""

import re
from pathlib import Path

import pytest

import sweeps
from sweeps.tracking.mlflow_pages import links


@pytest.mark.parametrize("uri", ["http://tracking.example:8080", "http://tracking.example:8080/"])
def test_a_server_shows_its_own_pages(uri: str) -> None:
    link = links.complete(uri, links.run_link("1", "abc"))
    assert link == "http://tracking.example:8080/#/experiments/1/runs/abc?workflowType=machine_learning"


def test_a_store_of_files_is_shown_where_the_ui_command_serves_it() -> None:
    link = links.complete("sqlite:////tmp/mlflow.db", links.experiment_link("1"))
    assert link == "http://127.0.0.1:5000/#/experiments/1?workflowType=machine_learning"


def test_every_address_asks_for_the_pages_of_trainings() -> None:
    made = [links.experiment_link("1"), links.view_link("1"), links.table_link("1"), links.run_link("1", "a")]
    for link in [*made, links.artifact_link("1", "a", "report/index.html")]:
        assert re.fullmatch(r"#/experiments/1[^?]*\?(.*&)?workflowType=machine_learning", link)


def test_no_other_file_of_the_product_builds_an_address() -> None:
    folder = Path(sweeps.__file__).parent
    files = [file for end in ("*.py", "*.js", "*.html") for file in folder.rglob(end)]
    builds = [file.name for file in files if re.search("#/experiments|workflowType", file.read_text(encoding="utf-8"))]
    assert builds == ["links.py"]
