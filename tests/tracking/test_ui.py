"""MLflow's own pages on a finished sweep, in a browser. The saved view is undocumented: these tests pin it."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from support.mlflow_servers import Server
from support.small_sweeps import PAIRS, write_spec

import sweeps
from sweeps.cli.main import main
from sweeps.results.sweep import Sweep
from sweeps.tracking.mlflow_pages import links, saved_view
from sweeps.tracking.mlflow_pages.descriptions import NOTE
from sweeps.verdicts.marks import mark_of
from sweeps.views.report.page_data import build

PATIENCE = 150.0  # seconds: MLflow's pages load in three, and in a minute on a busy machine
pytestmark = pytest.mark.timeout(1200)
SECTIONS = {  # with the charts in each, by the titles that MLflow gives them
    "Cost": (
        "cost/validation_data",
        "cost/penalty",
        "cost/train_total",
        "cost/validation_total",
        "accuracy/validation",
    ),
    "Norms": ("weight_norm/total", "weight_norm/layer_1", "weight_norm/layer_2"),
    "Stability": (
        "stability/edge",
        "stability/batch_edge",
        "update_ratio/layer_1",
        "update_ratio/layer_2",
        "saturation/layer_1",
        "saturation/layer_2",
    ),
    "Search": (
        "Parallel Coordinates",
        "log10_eta vs. cost/validation_data",
        "log10_lambda vs. cost/validation_data",
        "log10_eta vs. log10_lambda",
    ),
}


@pytest.fixture(scope="module")
def sweep(pairs_sweep: Sweep) -> Sweep:
    return pairs_sweep


@pytest.fixture(scope="module")
def server(sweep: Sweep, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an `mlflow server` on the sweep."""
    served = Server(tmp_path_factory.mktemp("server"), sweep.uri)
    served.start()
    yield served.uri
    served.stop()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    opened = browser.new_page(viewport={"width": 1440, "height": 900})
    opened.set_default_timeout(1000 * PATIENCE)
    yield opened
    opened.close()


@pytest.fixture
def experiment_tags(sweep: Sweep) -> Iterator[MlflowClient]:
    """A client that may change the saved view; it is put back afterwards."""
    client = MlflowClient(sweep.uri)
    before = client.get_experiment(sweep.experiment_id).tags[saved_view.TAG]
    yield client
    client.set_experiment_tag(sweep.experiment_id, saved_view.TAG, before)


def see(page: Any, text: str | re.Pattern[str]) -> None:
    page.get_by_text(text).first.wait_for(state="visible")


def scroll_to(page: Any, text: str) -> None:
    """Down the charts and up again until this stands there: those out of sight are not drawn."""
    wanted = page.get_by_text(text, exact=True)
    started, step = time.monotonic(), 0
    while not any(one.is_visible() for one in wanted.all()):
        assert time.monotonic() - started < PATIENCE, f"{text} is not among the charts"
        page.mouse.wheel(0, 250 if step % 40 < 20 else -250)
        page.wait_for_timeout(100)
        step += 1


def test_link_opens_the_charts(sweep: Sweep, server: str, page: Any) -> None:
    page.goto(f"{server}/{links.view_link(sweep.experiment_id)}")
    see(page, "You're viewing a shared view")
    see(page, "Add chart")
    listed = page.get_by_text(re.compile(r"^trial-\d+$")).all_inner_texts()
    assert listed[0] == f"trial-{sweep.best(1)['trial'].iloc[0]:04}", "the best run is not the first of the list"
    drawn = set(page.evaluate("[...document.querySelectorAll('*')].map(one => getComputedStyle(one).backgroundColor)"))
    for verdict in sweep.trials["verdict"].unique():
        red, green, blue = bytes.fromhex(mark_of(verdict).colour[1:])
        assert f"rgb({red}, {green}, {blue})" in drawn, f"no run has the colour of {verdict}"
    page.mouse.move(800, 700)
    for section, titles in SECTIONS.items():
        scroll_to(page, f"({len(titles)})")
        assert page.get_by_text(section, exact=True).count()
        for title in titles:
            scroll_to(page, title)


def test_link_to_the_table_shows_the_columns(sweep: Sweep, server: str, page: Any) -> None:
    page.set_viewport_size({"width": 2600, "height": 900})  # columns out of sight are not drawn
    page.goto(f"{server}/{links.table_link(sweep.experiment_id)}")
    for heading in ("verdict", "eta", "lambda", "batch_size", "cost/penalty", "accuracy/validation", "stability/edge"):
        page.get_by_role("columnheader", name=heading, exact=True).first.wait_for()
    page.get_by_role("gridcell", name="diverged", exact=True).first.wait_for()


def test_links_of_the_report_page_open_the_runs_and_a_run(sweep: Sweep, server: str, page: Any) -> None:
    data = build(sweeps.load("pairs", server), None)
    page.goto(data["sweep"]["experiment"])
    see(page, "6 trainings on digits:")
    see(page, "trial-0005")
    page.goto("about:blank")
    trial = next(trial for trial in data["trials"] if trial["verdict"] == "diverged")
    page.goto(trial["link"])
    see(page, trial["sentence"])


def test_banner_tells_the_verdicts_and_the_best_trial(sweep: Sweep, server: str, page: Any) -> None:
    page.goto(f"{server}/#/experiments/{sweep.experiment_id}/runs?workflowType=machine_learning")
    see(page, "6 trainings on digits:")
    counts = sweep.trials["verdict"].value_counts()
    see(page, re.compile(rf"{counts['diverged']} diverged"))
    link = page.get_by_role("link", name="curves", exact=True).first
    assert link.get_attribute("href").endswith(links.view_link(sweep.experiment_id))


def test_run_page_tells_the_verdict(sweep: Sweep, server: str, page: Any) -> None:
    row = sweep.trials[sweep.trials["verdict"] == "diverged"].iloc[0]
    page.goto(f"{server}/{links.run_link(sweep.experiment_id, row['run_id'])}")
    see(page, "Diverged (decay).")
    see(page, row["verdict_reason"])


def test_sweep_page_tells_the_summary(sweep: Sweep, server: str, page: Any) -> None:
    page.goto(f"{server}/{links.run_link(sweep.experiment_id, sweep.run_id)}")
    see(page, "6 trainings on digits, 3 epochs each")
    page.get_by_text("Show more").first.click()
    see(page, f"trial {sweep.best(1)['trial'].iloc[0]}")
    see(page, "sweeps compare pairs")


@pytest.mark.parametrize("tag", [None, "nonsense", '{"name": "x", "createdAt": 1, "state": "deflate;AAAA"}'])
def test_pages_work_without_a_sound_view(
    sweep: Sweep, server: str, page: Any, experiment_tags: MlflowClient, tag: str | None
) -> None:
    """Without the tag or JSON in it, MLflow leads to its overview; with a state it cannot read, to its own charts."""
    if tag is None:
        experiment_tags.delete_experiment_tag(sweep.experiment_id, saved_view.TAG)
    else:
        experiment_tags.set_experiment_tag(sweep.experiment_id, saved_view.TAG, tag)
    page.goto(f"{server}/{links.view_link(sweep.experiment_id)}")
    see(page, "6 trainings on digits:")
    page.goto("about:blank")  # or MLflow's own turn to its overview, still on its way, would win over the address
    page.goto(f"{server}/#/experiments/{sweep.experiment_id}/runs?{links.view_link('').rpartition('&')[2]}")
    see(page, "trial-0005")
    assert not page.get_by_text("Something went wrong").count()


def test_summary_links_and_commands_stand_in_the_record(sweep: Sweep) -> None:
    client = MlflowClient(sweep.uri)
    banner = client.get_experiment(sweep.experiment_id).tags[NOTE]
    summary = client.get_run(sweep.run_id).data.tags[NOTE]
    best = sweep.best(1).iloc[0]
    for link in (
        links.view_link(sweep.experiment_id),
        links.table_link(sweep.experiment_id),
        links.run_link(sweep.experiment_id, best["run_id"]),
        links.artifact_link(sweep.experiment_id, sweep.run_id, "report/index.html"),
    ):
        assert f"]({link})" in summary
        assert f"]({link})" in banner
    for verdict, count in sweep.trials["verdict"].value_counts().items():
        assert f"| **{verdict}** | {count} |" in summary
    assert "    sweeps compare pairs " in summary


def test_run_prints_the_link(sweep: Sweep, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = write_spec(tmp_path / "pairs.toml", PAIRS)
    assert main(["run", str(spec), "--tracking-uri", sweep.uri, "--quiet"]) == 0
    assert f"http://127.0.0.1:5000/{links.view_link(sweep.experiment_id)}" in capsys.readouterr().out


def test_run_on_a_server_prints_that_server(sweep: Sweep, server: str, capsys: pytest.CaptureFixture[str]) -> None:
    from sweeps.cli.running import next_steps

    steps = next_steps(sweeps.load("pairs", server), server, None)
    assert f"  open {server}/{links.view_link(sweep.experiment_id)}" in steps
    assert "sweeps ui" not in steps
