"""Draws `docs/report.png`, the picture of the README: the report of the sweep of the digits, as a browser shows it.

`make docs` runs it. The sweep is made in a folder of its own.
"""

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

import sweeps
from sweeps.views.report.publishing import publish

HERE = Path(__file__).parent
PICTURE = HERE / "report.png"
SPEC = HERE.parent / "sweeps" / "specs" / "digits.toml"

_WIDTH, _HEIGHT, _SCALE = 1320, 900, 1
_WITHIN = "#top, .two, #map, #trial"  # from the head of the page to the map and the trial beside it
_LEFT_OUT = "#answers, #verdicts, nav, #map details, #trial details"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        draw(publish(sweeps.run(SPEC, tracking_uri=f"sqlite:///{folder}/mlflow.db")).page)


def draw(report: Path) -> None:
    """Of a report page."""
    chromium = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT}, device_scale_factor=_SCALE)
        page.goto(report.as_uri())
        page.add_style_tag(content=f"{_LEFT_OUT} {{ display: none !important }}")
        boxes = [box for found in page.query_selector_all(_WITHIN) if (box := found.bounding_box())]
        bottom = max(box["y"] + box["height"] for box in boxes)
        page.screenshot(path=PICTURE, clip={"x": 0, "y": 0, "width": _WIDTH, "height": bottom + 16}, full_page=True)
        browser.close()


if __name__ == "__main__":
    main()
