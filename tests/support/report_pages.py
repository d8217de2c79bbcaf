"""The report page in a browser."""

from pathlib import Path
from typing import Any

from sweeps.views.report.publishing import render


class Opened:
    """A page with what it asked for and what it complained of."""

    def __init__(self, browser: Any, file: Path, width: int = 1440, address: str = "", scheme: str = "light") -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(file.as_uri() + address)
        self.page.wait_for_selector("html[data-ready]", timeout=20_000)

    def texts(self, selector: str) -> list[str]:
        found: list[str] = self.page.locator(selector).all_inner_texts()
        return found


def written(folder: Path, data: dict[str, Any]) -> Path:
    file = folder / "page.html"
    file.write_text(render(data), encoding="utf-8")
    return file
