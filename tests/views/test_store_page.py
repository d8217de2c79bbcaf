"""The front page of a store names every sweep with verdicts, best and map, and what it is called is text."""

import re
import urllib.parse
from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps.cli import serving
from sweeps.cli.main import main
from sweeps.verdicts.tally import tally
from sweeps.views.store_page import store_page, write_store_page

SERVER = "http://127.0.0.1:5000"


@pytest.fixture(scope="module")
def sweep(pairs_sweep: sweeps.Sweep) -> sweeps.Sweep:
    return sweeps.load("pairs", pairs_sweep.uri)


def test_it_tells_each_sweeps_tally_and_best_trial(sweep: sweeps.Sweep) -> None:
    page = store_page([sweep], {}, SERVER)
    best = sweep.best(1).iloc[0]
    assert f"<b>{tally(sweep.trials['verdict'])}</b>" in page
    assert f"Best: trial {best['trial']}" in page
    assert "1 sweep, the latest first" in page


def test_its_report_is_a_file_that_exists_and_its_map_is_inside(sweep: sweeps.Sweep) -> None:
    page = store_page([sweep], {}, SERVER)
    targets = re.findall(r'href="([^"]+)"', page)
    reports = [Path(urllib.parse.unquote(target.removeprefix("file://"))) for target in targets if "file:" in target]
    assert [report.name for report in reports] == ["index.html"]
    assert all(report.is_file() for report in reports)
    assert page.count('src="data:image/webp;base64,') == 1
    assert "src=" not in page.replace('src="data:', "")


def test_a_sweep_that_cannot_be_read_is_named_with_the_reason_as_text(sweep: sweeps.Sweep) -> None:
    page = store_page([sweep], {"<script>odd</script>": "a tag & <b>more</b>"}, SERVER)
    assert "&lt;script&gt;odd&lt;/script&gt;" in page
    assert "a tag &amp; &lt;b&gt;more&lt;/b&gt;" in page
    assert "<script" not in page
    assert "2 sweeps" in page


@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_is_cut_off(sweep: sweeps.Sweep, width: int, tmp_path: Path, browser: Any) -> None:
    write_store_page([sweep], {"x" * 200: "y" * 500}, SERVER, tmp_path / "page.html")
    opened = browser.new_page(viewport={"width": width, "height": 900})
    opened.goto((tmp_path / "page.html").as_uri())
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.evaluate("document.querySelector('img').naturalWidth") > 100
    opened.close()


def test_the_ui_writes_it_and_names_each_sweeps_view(
    sweep: sweeps.Sweep, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serving, "_serve", lambda *_: 0)
    assert main(["ui", "--tracking-uri", sweep.uri]) == 0
    err = capsys.readouterr().err
    port = re.search(r"http://127\.0\.0\.1:(\d+) ", err)
    assert port
    assert f"pairs: http://127.0.0.1:{port[1]}/#/experiments/{sweep.experiment_id}/runs?compareRunsMode=CHART" in err
    page = re.search(r"with their maps and reports: (.+)", err)
    assert page
    assert "Best: trial" in Path(page[1]).read_text(encoding="utf-8")


def test_a_front_page_that_cannot_be_written_keeps_nothing_from_being_served(
    sweep: sweeps.Sweep, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serving, "_serve", lambda *_: 0)
    monkeypatch.setattr("sweeps.views.store_page.FILE", "no/such/folder.html")
    assert main(["ui", "--tracking-uri", sweep.uri]) == 0
    assert "cannot be written (No such file or directory); the UI works without it" in capsys.readouterr().err
