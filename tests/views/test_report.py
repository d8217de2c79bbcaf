"""The report page: a pure function of a sweep, opened here in a browser that has no network to go to."""

import copy
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.report_pages import Opened, written
from support.small_sweeps import small_spec, swept

import sweeps
from sweeps.analysis.ranking import times_best
from sweeps.cli.main import main
from sweeps.results.sweep import Sweep
from sweeps.views.report import publishing
from sweeps.views.report.page_data import build, number
from sweeps.views.report.publishing import Published, escaped_json, mapped, publish

DASH = "\u2013"  # what stands for a number that was not measured
SPEC = """
name = "small"
trials = 8
sampler = "grid"
[search]
eta = { choices = [0.05, 0.5, 3.0, 30.0] }
lambda = { choices = [0.1, 400.0] }
batch_size = 10
[plan]
dataset = "digits"
validation = 300
epochs = 4
"""


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """Eight trainings on digits: eta * lambda / n goes up to 10, so some collapse and one diverges by decay."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "small.toml").write_text(SPEC)
    return sweeps.run(folder / "small.toml", jobs=1, tracking_uri=f"sqlite:///{folder}/mlruns/mlflow.db")


@pytest.fixture(scope="module")
def published(sweep: Sweep) -> Published:
    return publish(sweep)


@pytest.fixture(scope="module")
def page_file(published: Published) -> Path:
    return published.page


@pytest.fixture(scope="module")
def built(sweep: Sweep) -> dict[str, Any]:
    return build(sweep, mapped(sweep))


@pytest.fixture
def opened(browser: Any, page_file: Path) -> Iterator[Opened]:
    window = Opened(browser, page_file)
    yield window
    window.page.close()


def trial_with(sweep: Sweep, verdict: str) -> str:
    return str(sweep.trials.loc[sweep.trials["verdict"] == verdict, "trial"].iloc[0])


def rebuilt(sweep: Sweep, trials: pd.DataFrame, epochs: pd.DataFrame) -> dict[str, Any]:
    """What the page holds of the sweep as if it held these tables only."""
    other = copy.copy(sweep)
    kept = set(trials["trial"])
    live = [trial for trial in sweep._live if trial.number in kept]
    other.__dict__ |= {"trials": trials, "epochs": epochs, "_live": live, "assessments": {}}
    return build(other, mapped(other))


def test_a_finished_sweep_has_its_report_as_an_artifact_of_its_own_run(page_file: Path, sweep: Sweep) -> None:
    assert page_file.parts[-2:] == ("report", "index.html")
    assert sweep.run_id in page_file.parts
    assert page_file.stat().st_size < 400_000


def test_the_picture_of_the_map_is_beside_the_page_and_made_anew_by_the_command(
    published: Published, sweep: Sweep, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = published.picture
    assert picture == published.page.with_name("map.png")
    assert published.trouble is None
    drawn = picture.read_bytes()
    assert drawn.startswith(b"\x89PNG")
    picture.write_bytes(b"old")
    assert main(["report", sweep.name, "--tracking-uri", sweep.uri]) == 0
    assert capsys.readouterr().out.splitlines() == [str(published.page), str(picture)]
    assert picture.read_bytes() == drawn


def test_a_picture_that_cannot_be_drawn_is_said_and_breaks_nothing(
    published: Published, sweep: Sweep, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(drawn: object, name: str) -> bytes:
        raise RuntimeError("no fonts")

    monkeypatch.setattr(publishing, "draw", fail)
    assert main(["report", sweep.name, "--tracking-uri", sweep.uri]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [str(published.page)]
    assert err == "sweeps: the picture of the map could not be drawn (RuntimeError: no fonts)\n"


def test_where_eta_and_lambda_are_not_both_searched_there_is_no_map_and_no_picture(uri: str) -> None:
    published = publish(swept(small_spec(trials=2, search__lambda=0.0), uri, 1))
    assert published.page.exists()
    assert (published.picture, published.trouble) == (None, None)


@pytest.mark.parametrize("width", [1440, 390])
def test_the_page_asks_for_nothing_but_itself_and_has_no_complaints(browser: Any, page_file: Path, width: int) -> None:
    window = Opened(browser, page_file, width)
    assert [url for url in window.requests if not url.startswith("data:")] == [page_file.as_uri()]
    assert window.complaints == []
    assert window.page.evaluate("document.documentElement.scrollWidth") <= width
    window.page.close()


def test_the_page_holds_no_address_of_anything_to_load(page_file: Path) -> None:
    assert not re.search(r"(src|srcset|@import|url\()\s*[=(]?\s*[\"']?https?:", page_file.read_text(encoding="utf-8"))


def test_choosing_a_point_changes_sentence_and_address_and_a_reload_restores_both(opened: Opened, sweep: Sweep) -> None:
    chosen = trial_with(sweep, "diverged")
    before = opened.texts("#trial .sentence")
    opened.page.locator(f'.point[data-id="{chosen}"] .hit').click(force=True)
    after = opened.texts("#trial .sentence")
    row = sweep.trials.set_index("trial").loc[int(chosen)]
    assert after == [row["verdict_reason"]]
    assert after != before
    assert f"trial={chosen}" in opened.page.url
    assert row["run_id"] in opened.texts("#trial")[0]
    opened.page.reload()
    opened.page.wait_for_selector("html[data-ready]")
    assert opened.texts("#trial .sentence") == after
    assert opened.page.locator('.point[aria-pressed="true"]').get_attribute("data-id") == chosen


def test_the_page_links_to_the_experiment_and_to_each_trials_run(opened: Opened, sweep: Sweep) -> None:
    """With the workflow in the address, else MLflow opens its page for language models, which is empty."""
    experiment = f"http://127.0.0.1:5000/#/experiments/{sweep.experiment_id}"
    assert opened.page.locator("#footer a").get_attribute("href") == f"{experiment}?workflowType=machine_learning"
    for trial, run_id in zip(sweep.trials["trial"], sweep.trials["run_id"], strict=True):
        opened.page.locator("#trial-pick select").select_option(str(trial))
        link = opened.page.locator("#trial-body a").get_attribute("href")
        assert link == f"{experiment}/runs/{run_id}?workflowType=machine_learning"


def test_the_filter_hides_points_and_rows_and_says_how_many_are_left(opened: Opened, sweep: Sweep) -> None:
    opened.page.locator('#legend [data-word="collapsed"]').click()
    count = int((sweep.trials["verdict"] == "collapsed").sum())
    assert 0 < count < 8
    assert opened.page.locator(".point:visible").count() == count
    assert opened.page.locator("#rows tbody tr:visible").count() == count
    assert opened.texts("#table-count")[0].startswith(f"{count} of 8 shown")
    assert "show=collapsed" in opened.page.url
    opened.page.locator("#show-all").click()
    assert opened.page.locator(".point:visible").count() == 8


def test_numbers_in_the_table_are_those_of_the_trials_table(opened: Opened, sweep: Sweep) -> None:
    cells = opened.page.evaluate(
        "[...document.querySelectorAll('#rows tbody tr')].map(row => [row.dataset.id, "
        "Object.fromEntries([...row.querySelectorAll('[data-column]')].map(c => [c.dataset.column, "
        "[c.dataset.value ?? null, c.textContent]]))])"
    )
    assert len(cells) == 8
    trials = sweep.trials.assign(times_best=times_best(sweep.spec, sweep.trials, sweep.trials)).set_index("trial")
    for trial, columns in cells:
        for name, (value, text) in columns.items():
            expected = float(trials.loc[int(trial), name])  # type: ignore[arg-type]
            if math.isfinite(expected):
                assert float(value) == pytest.approx(expected, rel=1e-5)
                assert float(text.replace(",", "")) == pytest.approx(expected, rel=1e-2)
            else:
                assert (value in (None, "null"), text) == (True, DASH)


def test_a_column_sorts_both_ways_and_what_was_not_measured_stays_last(opened: Opened, sweep: Sweep) -> None:
    for click, order in [(1, 1), (2, -1)]:
        opened.page.locator('#rows [data-sort="eta"]').click()
        shown = opened.page.evaluate(
            "[...document.querySelectorAll('#rows [data-column=eta]')].map(c => +c.dataset.value)"
        )
        assert shown == sorted(sweep.trials["eta"], key=lambda eta: order * eta), click
    opened.page.locator('#rows [data-sort="accuracy/test"]').click()
    shown = opened.page.evaluate(
        "[...document.querySelectorAll('#rows [data-column=\"accuracy/test\"]')].map(c => c.textContent)"
    )
    assert shown[-1] == DASH


def test_a_pair_a_layer_and_a_filter_in_the_address_are_shown(browser: Any, page_file: Path, sweep: Sweep) -> None:
    one, other = trial_with(sweep, "collapsed"), trial_with(sweep, "diverged")
    window = Opened(browser, page_file, address=f"#pair={one},{other}&layer=accuracy&show=diverged&trial=nonsense")
    assert [text.split()[-1] for text in window.texts("#pair h3")] == [one, other]
    assert window.page.locator('#layers [data-layer="accuracy"]').get_attribute("aria-pressed") == "true"
    assert window.page.locator(".point:visible").count() == int((sweep.trials["verdict"] == "diverged").sum())
    assert window.complaints == []
    window.page.close()


def test_the_page_works_in_the_sandbox_of_mlflows_artifact_viewer(browser: Any, page_file: Path) -> None:
    """MLflow shows an HTML artifact in an iframe of a blob, sandbox="allow-scripts"."""
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.evaluate(
        "text => { const frame = document.createElement('iframe'); frame.sandbox = 'allow-scripts';"
        "frame.style = 'width:900px;height:600px';"
        "frame.src = URL.createObjectURL(new Blob([text], {type: 'text/html'})); document.body.append(frame); }",
        page_file.read_text(encoding="utf-8"),
    )
    frame = page.frame_locator("iframe")
    chosen = frame.locator(".point").first.get_attribute("data-id")
    frame.locator(".point .hit").first.click(force=True)
    assert frame.locator("#trial-title").inner_text() == f"Trial {chosen}"
    assert complaints == []
    page.close()


def test_points_are_reached_and_chosen_by_keyboard(opened: Opened) -> None:
    opened.page.locator('.point[tabindex="0"]').first.focus()
    opened.page.keyboard.press("ArrowRight")
    focused = opened.page.evaluate("document.activeElement.dataset.id")
    opened.page.keyboard.press("Enter")
    assert opened.page.locator('.point[aria-pressed="true"]').get_attribute("data-id") == focused
    assert opened.texts("#trial-title") == [f"Trial {focused}"]


def test_every_drawing_has_words_for_who_cannot_see_it(opened: Opened) -> None:
    bare = "[...document.querySelectorAll('svg:not(svg svg, [aria-hidden=true])')].filter(s => !s.ariaLabel).length"
    assert opened.page.evaluate(bare) == 0
    nameless = "[...document.querySelectorAll('button, select, a')].filter(n => !(n.ariaLabel ?? n.textContent).trim())"
    assert opened.page.evaluate(nameless + ".length") == 0


def test_markup_in_a_sentence_is_text(browser: Any, built: dict[str, Any], tmp_path: Path) -> None:
    data = copy.deepcopy(built)
    evil = "</script><script>document.title = 'broken'</script><b id=evil>bold</b> & <!-- \u2028"
    for trial in data["trials"]:
        trial["sentence"] = trial["rule"] = evil
    data["advice"][0]["text"] = data["sweep"]["name"] = evil
    window = Opened(browser, written(tmp_path, data))
    assert window.page.locator("#evil").count() == 0
    assert "<b id=evil>bold</b>" in window.texts("#trial .sentence")[0]
    assert window.page.evaluate("document.title") != "broken"
    assert window.complaints == []
    window.page.close()


def test_neither_nan_nor_infinity_reaches_the_page(built: dict[str, Any]) -> None:
    assert [number(value) for value in (math.nan, math.inf, -math.inf, None, pd.NA, np.float64("nan"))] == [None] * 6

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    json.loads(escaped_json(built), parse_constant=refuse)
    with pytest.raises(ValueError, match="not JSON compliant"):
        escaped_json({"cost": math.inf})


def test_a_sweep_whose_trials_all_failed_still_has_a_page(browser: Any, sweep: Sweep, tmp_path: Path) -> None:
    numbers = [name for name in sweep.trials if pd.api.types.is_float_dtype(sweep.trials[name]) and name != "eta"]
    numbers.remove("lambda")
    failed = sweep.trials.assign(
        state="failed", verdict="failed", diverged=pd.NA, diverged_epoch=pd.NA, best_epoch=pd.NA
    )
    failed[numbers] = math.nan
    window = Opened(
        browser, written(tmp_path, rebuilt(sweep, failed.astype({"diverged": "Int64"}), sweep.epochs.iloc[:0]))
    )
    assert window.complaints == []
    assert "No trial has a sound result" in window.texts("#best")[0]
    assert "No trial has a result to compare (8 failed)" in window.texts("#next")[0]
    window.page.close()


@pytest.mark.parametrize("count", [1, 0])
def test_a_sweep_with_one_trial_or_none_still_has_a_page(
    browser: Any, sweep: Sweep, tmp_path: Path, count: int
) -> None:
    epochs = sweep.epochs[sweep.epochs["trial"] < count]
    window = Opened(browser, written(tmp_path, rebuilt(sweep, sweep.trials.head(count), epochs)), width=390)
    assert window.complaints == []
    assert "Importances are left out" in window.texts("#importance")[0]
    assert window.page.locator("#rows tbody tr").count() == count
    window.page.close()


def test_advice_names_the_decay_that_parts_lost_trials_from_the_others(sweep: Sweep, built: dict[str, Any]) -> None:
    data = built
    lost = sweep.trials[sweep.trials["verdict"].isin(["collapsed", "diverged"])]["eta_lambda_over_n"]
    others = sweep.trials[~sweep.trials["verdict"].isin(["collapsed", "diverged"])]["eta_lambda_over_n"]
    cut = next(dict(map(tuple, a["numbers"])) for a in data["advice"] if "eta * lambda / n" in dict(a["numbers"]))
    assert others.max() < cut["eta * lambda / n"] < lost.min()
    assert cut["lost above"] == len(lost)
    assert [line["product"] for line in data["theory"]][:2] == [1200, 2400]
