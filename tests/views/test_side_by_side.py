"""Trainings side by side: what is recorded is what is drawn, on a page that stands alone."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

import sweeps
from sweeps.cli.main import main
from sweeps.results.sweep import Sweep
from sweeps.views.figures.side_by_side import PANELS, DrawnTraining, page, picture
from sweeps.views.figures.side_by_side_curves import trainings_of

PUBLISHED = Path(sweeps.__file__).parent / "specs/case_study/published_run.csv"


def test_a_trial_and_a_recorded_run_bring_the_curves_that_were_recorded(digits_sweep: Sweep) -> None:
    trial, recorded = trainings_of(["shared:3", str(PUBLISHED)], digits_sweep.uri, 10_000)
    rows = digits_sweep.epochs.query("trial == 3 and epoch > 0")
    assert list(trial.epochs) == list(rows["epoch"])
    for panel, metric in {"total": "cost/validation_total", "accuracy": "accuracy/validation"}.items():
        np.testing.assert_array_equal(trial.curves[panel], rows[metric])
    assert list(recorded.epochs) == list(range(1, 10))
    assert recorded.last("total") == 174.7085211732363
    assert recorded.last("accuracy") == 0.7341
    assert np.isnan(recorded.last("weights"))


@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_shows_a_panel_for_each_measure_and_does_not_scroll_sideways(
    digits_sweep: Sweep, browser: Browser, tmp_path: Path, width: int
) -> None:
    names = ["shared:0", "shared:3", str(PUBLISHED)]
    out = tmp_path / "page.html"
    arguments = ["beside", *names, "--out", str(out), "--evaluated-size", "10000", "--title", "Of <both>"]
    assert main([*arguments, "--tracking-uri", digits_sweep.uri]) == 0
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    opened = browser.new_page(viewport={"width": width, "height": 900}, offline=True)
    requests: list[str] = []
    opened.on("request", lambda request: requests.append(request.url))
    opened.goto(out.as_uri())
    assert requests == [out.as_uri()]
    assert opened.locator("h1").inner_text() == "Of <both>"
    assert opened.locator("figure svg").count() == len(PANELS)
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    assert "published_run, as recorded ends at 174.7" in str(opened.locator("figure").first.get_attribute("aria-label"))
    opened.close()


def test_curves_that_end_in_nothing_finite_are_drawn_where_they_are_finite() -> None:
    epochs = np.arange(1, 4.0)
    curves = {"total": np.array([1.0, 1e30, np.inf]), "data": np.full(3, np.nan)}
    trainings = [DrawnTraining("diverged", epochs, curves), DrawnTraining("sound", epochs, {"total": np.ones(3)})]
    assert page(trainings, "t").count("<figure") == 1  # nobody recorded a data cost
    assert picture(trainings, "t").png().startswith(b"\x89PNG")
    assert page(trainings, "t") == page(trainings, "t")


@pytest.mark.parametrize(
    ("name", "said"),
    [("shared", "neither SWEEP:TRIAL nor a CSV"), ("shared:999", "has no trial 999"), ("nosuch:1", "nosuch")],
)
def test_a_training_that_does_not_exist_is_named(digits_sweep: Sweep, name: str, said: str, capsys, tmp_path) -> None:  # type: ignore[no-untyped-def]
    out = str(tmp_path / "page.html")
    assert main(["beside", name, "--out", out, "--tracking-uri", digits_sweep.uri]) == 2
    assert said in capsys.readouterr().err
    assert not Path(out).exists()
