"""The front page of a store: every sweep with its verdicts, its best trial and its map, and where to go from there.

One HTML file that needs nothing else; `sweeps ui` writes it.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from model import metrics
from model.files import check_target
from sweeps.formatting import count, in_html, number, words
from sweeps.results.sweep import Sweep
from sweeps.tracking.mlflow_pages.links import artifact_link, view_link
from sweeps.tracking.records import REPORT, REPORT_FILE, REPORT_PICTURE
from sweeps.verdicts.marks import RUNNING
from sweeps.verdicts.tally import tally, what_counts
from sweeps.views.verdict_bar import verdict_bar

FILE = "sweeps.html"

_THUMBNAIL = 480  # pixels, the longer side
_STYLE = """
:root {
  --bg: #fcfcfa; --panel: #fff; --ink: #1b1d20; --muted: #5a6068; --rule: #d9dad5; --accent: #0a5599;
  color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  :root { --bg: #131518; --panel: #1a1d21; --ink: #e8e9eb; --muted: #a6acb4; --rule: #363b42; --accent: #86bff5; }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 1100px; padding: 1.5rem clamp(.9rem, 2.5vw, 2.2rem) 3rem;
  background: var(--bg); color: var(--ink); overflow-wrap: break-word;
  font: 15px/1.5 ui-sans-serif, system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif;
}
h1 { font-size: 1.9rem; line-height: 1.15; margin: 0; }
h2 { font-size: 1.25rem; margin: 0; }
p { margin: .3rem 0; }
a { color: var(--accent); text-underline-offset: 2px; }
.muted { color: var(--muted); }
article {
  display: grid; grid-template-columns: minmax(0, 1fr) 260px; gap: 0 1.5rem; margin-top: 1.1rem; padding: 1rem 1.2rem;
  background: var(--panel); border: 1px solid var(--rule); border-radius: 8px;
}
article img { width: 100%; border-radius: 4px; }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin-top: .5rem; }
@media (max-width: 700px) {
  article { grid-template-columns: minmax(0, 1fr); }
  article img { margin-top: .7rem; max-width: 320px; }
}
"""


def write_store_page(sweeps: Sequence[Sweep], odd: Mapping[str, str], server: str, path: Path) -> None:
    """Writes the page of these sweeps, in their order. odd: name -> why it cannot be read. Raises OSError.

    server: the address at which MLflow's UI is, for links into it.
    """
    check_target(path)
    path.write_text(store_page(sweeps, odd, server), encoding="utf-8")


def store_page(sweeps: Sequence[Sweep], odd: Mapping[str, str], server: str) -> str:
    """The page as HTML; see `write_store_page`."""
    cards = [_card(sweep, server) for sweep in sweeps]
    cards += [
        f"<article><div><h2>{in_html(name)}</h2><p>{in_html(why)}</p></div></article>" for name, why in odd.items()
    ]
    number_of = count(len(sweeps) + len(odd), "sweep")
    said = f"{number_of}, the latest first. Links to MLflow work while <code>sweeps ui</code> runs."
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Sweeps</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head>\n<body><main>"
        f'<h1>Sweeps</h1><p class="muted">{said}</p>\n{"".join(cards)}'
        f'<p class="muted">{in_html(what_counts())}.</p></main></body></html>\n'
    )


def _card(sweep: Sweep, server: str) -> str:
    spec, verdicts = sweep.spec, sweep.trials["verdict"]
    asked = spec.trials * spec.replicates
    parts = [f"<h2>{in_html(sweep.name)}</h2>"]
    ended = int((sweep.trials["state"] != RUNNING).sum())
    done = ("" if ended == asked else f"{ended} of ") + count(asked, "training")
    varied = ", ".join(map(words, spec.varied))
    told = f"{sweep.state}; {done} on {spec.plan.dataset} over {varied}"
    parts.append(f'<p class="muted">{in_html(told)}</p><p><b>{tally(verdicts)}</b></p>{verdict_bar(verdicts)}')
    best = sweep.best(1)
    if len(best):
        row = best.iloc[0]
        settings = ", ".join(f"{words(name)} {_plain(row[name])}" for name in spec.varied)
        named = zip(spec.objective, spec.goals, strict=True)
        goals = ", ".join(f"{words(name)} {number(row[metrics.final(goal.metric)])}" for name, goal in named)
        said = f"Best: trial {int(row['trial'])}, {words(row['verdict'])}, {goals}, with {settings}"
        parts.append(f"<p>{in_html(said)}</p>")
    parts.append(f"<nav>{''.join(_links(sweep, server))}</nav>")
    return f"<article><div>{''.join(parts)}</div>{_picture(sweep)}</article>\n"


def _links(sweep: Sweep, server: str) -> list[str]:
    report = sweep.file(REPORT, REPORT_FILE)
    shown = f"{server}/{artifact_link(sweep.experiment_id, sweep.run_id, f'{REPORT}/{REPORT_FILE}')}"
    found = {"curves side by side": f"{server}/{view_link(sweep.experiment_id)}"}
    if sweep.holds(REPORT, REPORT_FILE):
        found = {"report": report.as_uri() if report else shown} | found
    return [f'<a href="{in_html(target)}">{name}</a>' for name, target in found.items()]


def _picture(sweep: Sweep) -> str:
    """Of the map, small; nothing where there is none here."""
    from PIL import Image

    path = sweep.file(REPORT, REPORT_PICTURE)
    if path is None:
        return ""
    try:
        with Image.open(path) as picture:
            small = picture.convert("RGB")
            small.thumbnail((_THUMBNAIL, _THUMBNAIL))
    except OSError:  # damaged, or no picture
        return ""
    packed = io.BytesIO()
    small.save(packed, "WEBP", quality=85)
    source = f"data:image/webp;base64,{base64.b64encode(packed.getvalue()).decode()}"
    return f'<img alt="stability map of {in_html(sweep.name)}" src="{source}">'


def _plain(value: object) -> str:
    return number(value) if isinstance(value, float) else str(value)
