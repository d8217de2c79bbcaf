"""A look ahead predicts a border at each batch size, momentum and lambda, checks some, and leaves nothing behind."""

import json
from pathlib import Path

import pytest
from support.small_sweeps import small_spec, small_table, write_spec

from model import load
from sweeps.cli.main import main
from sweeps.driver.predicting import CheckedBorder, predict
from sweeps.driver.workers import Workers
from sweeps.sampling.prediction import Conditions, PredictedBorder

DIGITS = {"digits": load("digits")}
CHANGES = {
    "search__lambda": 0.0,
    "search__momentum": {"choices": [0.0, 0.9]},
    "plan__output": "softmax",
    "plan__cost": "cross_entropy",
}


def test_the_prediction_is_the_same_on_any_number_of_workers_and_momentum_brings_it_nearer() -> None:
    spec = small_spec(**CHANGES)
    alone, together = (predict(spec, DIGITS, Workers(jobs)) for jobs in (1, 2))
    assert alone == together
    asked = [(one.border.at.batch_size, one.border.at.momentum) for one in alone]
    assert asked == [(20, 0.0), (20, 0.9), (50, 0.0), (50, 0.9)]
    assert alone[1].border.eta < alone[0].border.eta
    assert alone[3].border.eta < alone[2].border.eta
    assert {one.border.at.n for one in alone} == {len(DIGITS["digits"].train) - 300}


def test_the_command_says_how_many_borders_lie_inside_their_band_and_makes_no_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_spec(tmp_path / "spec.toml", small_table(**CHANGES))
    assert main(["predict", str(path), "--jobs", "1"]) == 0
    out, err = capsys.readouterr()
    assert "Predicted border of small" in out
    assert "of 4 checked borders inside the band" in out
    assert err == ""
    assert main(["predict", str(path), "--jobs", "1", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["checked"] == len(said["borders"]) == 4
    assert said["inside"] == sum(border["measured"] == "inside" for border in said["borders"])
    assert list(tmp_path.iterdir()) == [path]


def test_where_no_trial_measures_a_curvature_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_spec(tmp_path / "spec.toml", small_table(search__eta=1e6))
    assert main(["predict", str(path), "--jobs", "1"]) == 2
    assert "no trial measured a curvature" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (True, False, "inside"),
        (True, True, "above"),
        (False, False, "below"),
        (False, True, "below"),
        (None, None, "not checked"),
    ],
)
def test_where_the_measured_border_lies_is_said(low: bool | None, high: bool | None, word: str) -> None:
    checked = CheckedBorder(PredictedBorder(Conditions(10, 0.0, 0.0, 100), 1.0, 0.5, 2.0), low, high)
    assert checked.in_words == word
    assert (checked.is_inside is True) == (word == "inside")
