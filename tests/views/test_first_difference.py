"""The report page and `sweeps compare` say by one rule where two trials first differ, and in what most."""

import copy
import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.report_pages import Opened, written
from support.small_sweeps import small_spec, swept

from model.metrics import by_epoch, is_share
from sweeps.cli.main import main
from sweeps.results.comparison import DEFINED_BY, NOTABLE, as_compared
from sweeps.results.sweep import Sweep
from sweeps.views.report import page_data
from sweeps.views.report.page_data import build
from sweeps.views.report.publishing import publish

FOUND = re.compile(r"at epoch (\d+), most in (.+?)(?: \(|: )")
NOTHING = re.compile(r"Trial \S+ has no finite record after the start.*|No metric differs by 1 % .*")


@pytest.fixture(scope="module")
def sweep(new_store: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """Nine trainings; where eta * lambda / n is in the thousands they overflow in their first epoch."""
    grid = {"eta": {"choices": [0.05, 3.0, 30.0]}, "lambda": {"choices": [0.1, 400.0, 1e6]}, "batch_size": 10}
    spec = small_spec(name="grid", trials=9, sampler="grid", search=grid, plan__epochs=4)
    return swept(spec, new_store(tmp_path_factory.mktemp("pairs")), jobs=1)


def with_epochs(sweep: Sweep, epochs: pd.DataFrame) -> Sweep:
    other = copy.copy(sweep)
    other.__dict__ |= {"epochs": epochs, "trials": sweep.trials, "assessments": {}}
    return other


def said_by_page(window: Opened, one: str, other: str) -> str:
    window.page.evaluate(f"location.hash = '#pair={one},{other}'")
    window.page.wait_for_function(
        "pair => [...document.querySelectorAll('#pair h3')].map(h => h.textContent.split(' ').pop()).join() === pair",
        arg=f"{one},{other}",
    )
    return window.texts("#pair-note")[0]


def difference(text: str) -> tuple[str, ...]:
    """(epoch, metric), or the sentence that there is none."""
    found, nothing = FOUND.search(text), NOTHING.search(text)
    assert (found is None) != (nothing is None), text
    return found.groups() if found else (nothing.group(),) if nothing else ()


def test_page_and_command_name_the_same_metric_and_epoch_for_every_pair(
    browser: Any, sweep: Sweep, capsys: pytest.CaptureFixture[str]
) -> None:
    window = Opened(browser, publish(sweep).page)
    numbers = sorted(map(str, sweep.trials["trial"]))
    said = set()
    for one, other in itertools.combinations(numbers, 2):
        assert main(["compare", sweep.name, one, other, "--tracking-uri", sweep.uri]) == 0
        by_command = difference(capsys.readouterr().out.partition(f"Trial {one} against trial {other}")[2])
        assert difference(said_by_page(window, one, other)) == by_command, (one, other)
        said.add(by_command)
    assert any("no finite record" in sentence for sentence, *_ in said)
    assert len(said) > 4
    assert window.complaints == []
    window.page.close()


@pytest.fixture(params=[0, 1, 2])
def odd_sweep(request: pytest.FixtureRequest, sweep: Sweep) -> Sweep:
    """The same trials with curves that tie, that differ by hardly 1 % or hardly not, and that have gaps."""
    rng = np.random.default_rng(request.param)
    values = [0.0, 0.004, 0.0139, 0.0140001, 1.0, 1.00499999, 1.0101, 1.0101010101, 1 / 0.99, 0.99, 123456.7, np.nan]
    epochs = sweep.epochs.copy()
    for name in by_epoch(epochs.columns):
        alike = rng.random(len(epochs)) < 0.8
        epochs[name] = np.where(alike, 1.0, rng.choice(values, len(epochs)))
    return with_epochs(sweep, epochs[rng.random(len(epochs)) < 0.9])


def test_the_rule_is_the_same_on_ties_thresholds_and_gaps(browser: Any, odd_sweep: Sweep, tmp_path: Path) -> None:
    window = Opened(browser, written(tmp_path, build(odd_sweep, None)))
    for pair in itertools.combinations(odd_sweep.trials["trial"].tolist(), 2):
        one, other = pair if sum(pair) % 2 else pair[::-1]  # either way round, as the page may be asked
        by_comparison = difference(odd_sweep.effect(one, other)[1])
        assert difference(said_by_page(window, str(one), str(other))) == by_comparison, (one, other)
    window.page.close()


def test_accuracies_are_compared_by_their_plain_difference(browser: Any, sweep: Sweep, tmp_path: Path) -> None:
    """0.012 against 0.011 is no difference of an accuracy, but one of a cost."""
    lengths = sweep.epochs.groupby("trial").size()
    one, other = map(str, lengths[lengths > 1].index[:2])
    epochs = sweep.epochs.copy()
    epochs[by_epoch(epochs.columns)] = 1.0
    epochs["accuracy/validation"] = 0.011 + 0.001 * (epochs["trial"] == int(one))
    window = Opened(browser, written(tmp_path, build(with_epochs(sweep, epochs), None)))
    assert "No metric differs by 1 % or more at any epoch of training" in said_by_page(window, one, other)
    window.page.close()
    epochs["cost/train_data"] = epochs["accuracy/validation"]
    window = Opened(browser, written(tmp_path, build(with_epochs(sweep, epochs), None)))
    assert difference(said_by_page(window, one, other)) == ("1", "cost/train_data")
    window.page.close()


def test_the_page_is_given_the_rule(sweep: Sweep) -> None:
    given = build(sweep, None)["comparison"]
    names = by_epoch(sweep.epochs.columns)
    assert (given["notable"], given["in_full"]) == (NOTABLE, True)
    assert given["shares"] == [name for name in names if is_share(name)]
    assert set(given["defined_by"]) == set(DEFINED_BY)
    assert {"accuracy/validation", "saturation/layer_1"} <= set(given["shares"])
    assert given["defined_by"]["eta"] == ["stability/edge", "stability/batch_edge"]


def test_a_page_without_every_metric_says_so(
    browser: Any, sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_data, "_IN_FULL", 3)
    window = Opened(browser, written(tmp_path, build(sweep, None)))
    said = window.texts("#pair-note")[0]
    assert said.endswith("Only the metrics in this page are compared; sweeps compare has all.")
    window.page.close()


@pytest.mark.parametrize(
    ("value", "compared"), [(0.123456789, 0.123457), (1234567.0, 1234567.0), (1.5e300, 1.5e300), (-2e-9, -2e-9)]
)
def test_values_are_compared_as_the_page_holds_them(value: float, compared: float) -> None:
    assert as_compared(value) == compared == page_data.number(value)
    assert np.isnan([as_compared(value) for value in (np.nan, np.inf, -np.inf)]).all()
