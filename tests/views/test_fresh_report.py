"""A report that is watched is written anew while its sweep runs, and an open browser follows without losing its place."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.report_pages import Opened
from support.unfinished_sweeps import FALLING, Unfinished, reopened

from sweeps.cli import watching
from sweeps.cli.main import main
from sweeps.results.sweep import Sweep, load
from sweeps.views.report.publishing import publish

PATIENCE = 60.0


@pytest.fixture
def unfinished(digits_sweep: Sweep, tmp_path: Path) -> Unfinished:
    return reopened(digits_sweep, tmp_path / "store")


def test_an_open_page_follows_what_is_written_and_keeps_place_and_choice(browser: Any, unfinished: Unfinished) -> None:
    def written(every: float | None = 0.5) -> Path:
        return publish(load(unfinished.name, unfinished.uri), every).page

    run_id = unfinished.begin(16, FALLING)
    window = Opened(browser, written())
    page = window.page
    page.locator("#trial-pick select").select_option("3")
    page.locator("#trial-pick select").evaluate("node => node.blur()")
    page.locator("#verdicts details summary").click()
    page.evaluate("scrollTo(0, 300)")
    page.wait_for_timeout(1200)  # it looks again while nothing is new
    assert page.evaluate("scrollY") == 300
    unfinished.end(run_id, "slow")
    written()
    page.wait_for_function("document.getElementById('as-of').textContent.includes('17 of 24')", timeout=20_000)
    assert window.texts("#trial-title") == ["Trial 3"]
    assert page.evaluate("scrollY") == 300
    assert page.locator("#verdicts details").evaluate("node => node.open")
    unfinished.finish()
    unfinished.mark(trials=str(unfinished.ended + 1))
    written(None)
    page.wait_for_function("document.getElementById('as-of').hidden", timeout=20_000)
    page.evaluate("window.isTheSame = true")
    page.wait_for_timeout(1200)
    assert page.evaluate("window.isTheSame")  # a finished page rests
    assert window.texts("#trial-title") == ["Trial 3"]
    assert window.complaints == []
    page.close()


def test_a_page_of_an_unfinished_sweep_that_nobody_writes_anew_rests(browser: Any, unfinished: Unfinished) -> None:
    window = Opened(browser, publish(load(unfinished.name, unfinished.uri)).page)
    window.page.evaluate("window.isTheSame = true")
    window.page.wait_for_timeout(800)
    assert window.page.evaluate("window.isTheSame")
    assert window.texts("#as-of")[0].endswith("16 of 24 trainings")
    window.page.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_PAGE_SECONDS", 0.2)
    monkeypatch.setattr(watching, "_REST", 0.0)


@pytest.mark.usefixtures("quick")
def test_the_command_writes_it_anew_until_the_sweep_is_finished(
    unfinished: Unfinished, capsys: pytest.CaptureFixture[str]
) -> None:
    def end() -> None:
        page = load(unfinished.name, unfinished.uri).file("report", "index.html")
        until(lambda: page is not None and '"every":0.2' in page.read_text(encoding="utf-8"))
        unfinished.mark(trials=str(unfinished.ended))
        unfinished.finish()

    ending = threading.Thread(target=end)
    ending.start()
    assert main(["report", unfinished.name, "--watch", "--tracking-uri", unfinished.uri]) == 0
    ending.join()
    page, picture = map(Path, capsys.readouterr().out.splitlines())
    assert '"as_of":null' in page.read_text(encoding="utf-8")
    assert picture.is_file()


def until(found: Callable[[], bool]) -> None:
    last = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < last
        time.sleep(0.05)
