"""A report that is watched is written anew while its sweep runs, and an open browser follows without losing place."""

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error
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
    def written(every: float | None) -> Path:
        return publish(load(unfinished.name, unfinished.uri), every).page

    run_id = unfinished.begin(16, FALLING)
    window = Opened(browser, written(1.0), address="#trial=3")
    page = window.page
    is_kept = "html.dataset.ready && scrollY === 300 && document.querySelector('details').open"
    is_kept += " && document.getElementById('trial-title').textContent === 'Trial 3'"

    def holds(what: str) -> bool:
        """Whether that is so, and the page's place is kept; it may be loaded anew while it is asked."""
        with contextlib.suppress(Error):
            return bool(page.evaluate(f"(html => {is_kept} && {what})(document.documentElement)"))
        return False

    def wait_for(what: str) -> None:
        until(lambda: holds(what))

    def is_kept_once_it_looks_again() -> bool:
        """Where nothing is new, too. Else it was just looking again when the place was chosen."""
        with contextlib.suppress(Error):
            page.evaluate("document.querySelector('details').open = true; scrollTo(0, 300); window.isTheFirst = true")
        until(lambda: _is_ready(page, "!window.isTheFirst"))
        return holds("true")

    until(is_kept_once_it_looks_again)
    unfinished.end(run_id, "slow")
    written(1.0)
    wait_for("document.getElementById('as-of').textContent.includes('17 of 24')")
    unfinished.finish()
    written(None)
    wait_for("document.getElementById('as-of').hidden")
    page.evaluate("window.isTheSame = true")
    page.wait_for_timeout(1500)
    assert page.evaluate("window.isTheSame")  # a finished page rests
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
    def is_written() -> bool:
        page = load(unfinished.name, unfinished.uri).file("report", "index.html")
        return page is not None and '"every":0.2' in page.read_text(encoding="utf-8")

    def end() -> None:
        try:
            until(is_written)
        finally:
            unfinished.mark(trials=str(unfinished.ended))
            unfinished.finish()

    ending = threading.Thread(target=end)
    ending.start()
    assert main(["report", unfinished.name, "--watch", "--tracking-uri", unfinished.uri]) == 0
    ending.join()
    page, picture = map(Path, capsys.readouterr().out.splitlines())
    assert '"as_of":null' in page.read_text(encoding="utf-8")
    assert picture.is_file()


def _is_ready(page: Any, what: str) -> bool:
    with contextlib.suppress(Error):
        return bool(page.evaluate(f"document.documentElement.dataset.ready && {what}"))
    return False


def until(found: Callable[[], bool]) -> None:
    last = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < last
        time.sleep(0.05)
