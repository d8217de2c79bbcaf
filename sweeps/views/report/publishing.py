"""The report of a sweep: one HTML file that needs nothing else, drawn in the browser from the data inside it.

The picture of its map is beside it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from model import DatasetError
from model.cache import cache_folder
from model.files import check_target
from sweeps.analysis.stability_map import StabilityMap, stability_map
from sweeps.errors import TrackingError
from sweeps.formatting import in_html
from sweeps.results.sweep import Sweep
from sweeps.specification.spec import NAME
from sweeps.tracking.artifact_files import write_whole
from sweeps.tracking.records import REPORT, REPORT_FILE, REPORT_PICTURE
from sweeps.views.figures.stability_map import draw
from sweeps.views.report.page_data import build, training_size

_STYLE = "page.css"
_SCRIPTS = ("core.js", "map.js", "charts.js", "trial.js", "table.js", "findings.js", "fresh.js", "main.js")


@dataclass(frozen=True)
class Published:
    """Files on this machine: the page, and the picture of the map; None where there is none, and what kept it away."""

    page: Path
    picture: Path | None
    trouble: str | None = None


def publish(sweep: Sweep, every: float | None = None) -> Published:
    """Builds the page and the picture of the map, and logs them as artifacts of the sweep's run, in the folder report.

    every: seconds after which the page is written anew, so that an open browser looks again; None where it is not.
    Where artifacts are kept by a server, the files are copies in the cache folder. A page stands without its picture.
    """
    drawn = mapped(sweep)
    written = {REPORT_FILE: render(build(sweep, drawn, every)).encode()}
    trouble = None
    if drawn is not None:
        try:
            written[REPORT_PICTURE] = draw(drawn, sweep.name).png()
        except Exception as error:  # noqa: BLE001 - whatever Matplotlib makes of an odd machine, the sweep has its page
            trouble = f"{type(error).__name__}: {error}"
    stored = sweep.attach(REPORT, written)
    here = {name: _here(sweep, name, content, stored[name]) for name, content in written.items()}
    return Published(here[REPORT_FILE], here.get(REPORT_PICTURE), trouble)


def _here(sweep: Sweep, name: str, content: bytes, stored: Path | None) -> Path:
    if stored is not None and stored.exists():
        return stored
    stem = sweep.name if NAME.fullmatch(sweep.name) else hashlib.sha256(sweep.name.encode()).hexdigest()[:32]
    copy = cache_folder() / "reports" / f"{stem}{Path(name).suffix}"  # MLflow lets people rename a sweep to any path
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        check_target(copy)
        write_whole(copy, content)  # a browser may be reading it
    except OSError as error:
        remedy = "the server has it; set SWEEPS_CACHE to a folder that you may write to for a copy here"
        raise TrackingError(f"{copy}: cannot be written ({error.strerror}); {remedy}") from error
    return copy


def render(data: Mapping[str, Any]) -> str:
    """The page with its data, styles and scripts inside."""
    folder = files(__package__) / "page"
    scripts = "\n".join((folder / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    parts = {
        "TITLE": in_html(f"{data['sweep']['name']}: stability report"),
        "STYLE": (folder / _STYLE).read_text(encoding="utf-8"),
        "DATA": escaped_json(data),
        "SCRIPT": f'(() => {{\n"use strict";\n{scripts}\n}})();',
    }
    page = (folder / "page.html").read_text(encoding="utf-8")
    head, *rest = page.split("<!--")  # one pass: what is put in is not looked at again
    return head + "".join(parts[name] + after for name, after in (piece.split("-->", 1) for piece in rest))


def escaped_json(data: Mapping[str, Any]) -> str:
    """JSON that cannot end the script element it stands in. Raises ValueError for NaN and infinity."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def mapped(sweep: Sweep) -> StabilityMap | None:
    """The stability map over eta and lambda; None where there is none to draw."""
    if not {"eta", "lambda"} <= set(sweep.spec.varied) or sweep.trials.empty:
        return None
    try:
        return stability_map(sweep.spec, sweep.trials, n=training_size(sweep.trials))
    except (ValueError, DatasetError):
        return None
