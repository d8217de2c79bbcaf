"""What was read of a sweep as lines of a screen of any size: what matters most stays longest where there is no room."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from sweeps.formatting import count, number, setting, words
from sweeps.specification.domains import Settings
from sweeps.verdicts.marks import MARKS
from sweeps.verdicts.tally import tally
from sweeps.views.live import cells
from sweeps.views.live.cells import Column, plain
from sweeps.views.live.map_lines import map_lines
from sweeps.views.live.signs import FULL, REST, in_ascii, sign, style
from sweeps.views.live.sparklines import is_growing, sparkline
from sweeps.views.live.state import SweepState, Training

_BAR = 60  # columns of a bar at most
_SPARK, _SPARK_MOST = 8, 48  # columns of a curve
_FEW = 3  # lines that trainings in progress keep when the map is shown
_ROOMY = 100  # columns from which several things share a line


@dataclass(frozen=True)
class Heard:
    """What was heard of a sweep. at: when, Unix time. why: why nothing newer was; None where that is the newest.

    kept: results that wait for the store in an outbox on this machine; None where that was not looked up.
    """

    state: SweepState
    at: float
    why: str | None = None
    kept: int | None = None


class Screen:
    """What was heard, as rich draws it: as wide and high as there is room at the moment of drawing."""

    def __init__(self, heard: Heard, height: int | None = None) -> None:
        """height: lines; None for those of the screen."""
        self._heard, self._height = heard, height

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = self._height or options.height or console.height
        for line in screen(self._heard, options.max_width, height, time.time()):
            yield in_ascii(line) if options.ascii_only else line


def screen(heard: Heard, width: int, height: int, now: float) -> list[Text]:
    """At most `height` lines, none wider than `width`. now: Unix time."""
    state = heard.state
    roomy = height >= 12
    blocks = [  # in the order in which they give way, the last first
        cells.wrapped(_standing(heard, now), width, 3 if roomy else 1),
        cells.wrapped(_progress(state, width, now), width, 2, "  "),
        cells.wrapped(_waiting(heard), width, 2),
        cells.wrapped(_best(state), width, 2 if roomy else 1, ", "),
        cells.wrapped(_legend(state), width, 2 if width >= _ROOMY else 3, "  "),
        [_verdict_bar(state, width)] if state.verdicts else [],
        cells.wrapped(_workers(state), width, 1),
    ]
    fixed, left = list[Text](), height
    for block in blocks:
        if len(block) <= left:
            fixed += block
            left -= len(block)
    spaced = left > 12
    left -= 2 * spaced
    trainings = _trainings(state, width, now)
    for_map = left - min(len(trainings), max(_FEW, left // 2))
    drawn = map_lines(state.varied, state.outcomes, width, for_map, bright=int(now) % 2 == 0)
    trainings = _fitting(trainings, left - len(drawn))
    gap = [Text()] if spaced else []
    return [cells.cut(line, width) for part in (fixed, gap, drawn, gap, trainings) for line in part][:height]


def standing(heard: Heard, now: float) -> str:
    """In one sentence: whether the sweep runs, and how old that is."""
    state = heard.state
    if heard.why is not None:
        return f"last heard {ago(now - heard.at)} ago: {heard.why}"
    if state.state == "finished":
        return "finished"
    if state.is_driven(now) and state.beat is not None:
        return f"running, heard {ago(now - state.beat)} ago"
    goes_on = "`sweeps run` goes on with it"
    if state.state == "interrupted":
        since = f" {ago(now - state.closed)} ago" if state.closed else ""
        return f"not running: interrupted{since}; {goes_on}"
    if state.beat is None:
        return f"not running: no driver says that it lives; {goes_on}"
    return f"not running: nothing heard of its driver for {ago(now - state.beat)}; {goes_on}"


def in_a_line(heard: Heard, now: float) -> str:
    """All that matters most, for logs and pipes."""
    state = heard.state
    best = f"best {number(state.best.value)} (trial {state.best.trial})" if state.best else "best none yet"
    parts = [f"{state.ended}/{state.total} done", *_counts(state, now), best, *_kept(heard), *_left(state)]
    return f"{plain(state.name)}: {', '.join(parts)}; {standing(heard, now)}"


def ago(seconds: float) -> str:
    """14 s, 3 min, 2.1 h, 3 days."""
    seconds = max(0.0, seconds)
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"


def _standing(heard: Heard, now: float) -> list[Text]:
    colour = "red" if heard.why else "green" if heard.state.is_driven(now) else "yellow"
    colour = "" if heard.state.state == "finished" and not heard.why else colour
    return [Text(plain(heard.state.name), "bold"), *cells.words(standing(heard, now), colour)]


def _progress(state: SweepState, width: int, now: float) -> list[Text]:
    said = Text(f"{state.ended} of {state.total}", "bold")
    length = max(4, min(_BAR if width >= _ROOMY else 30, width - said.cell_len - 1))
    full = round(length * state.ended / max(1, state.total))
    bar = Text.assemble((FULL * full, "green"), (REST * (length - full), "dim"))
    running, failed = _counts(state, now)
    counts = [Text(running), Text(failed, "red" if state.failed else "")]
    return [Text.assemble(bar, " ", said), *counts, *map(Text, _left(state))]


def _counts(state: SweepState, now: float) -> tuple[str, str]:
    begun = "running" if state.is_driven(now) or not state.at_work else "left unfinished"
    return f"{state.at_work} {begun}", f"{state.failed} failed"


def _left(state: SweepState) -> list[str]:
    """How long it will take yet."""
    if state.seconds_left is None or state.ended >= state.total:
        return []
    return [f"about {ago(state.seconds_left)} left"]


def _kept(heard: Heard) -> list[str]:
    """What waits for the store, by the outbox where it is here, else as its driver said last."""
    waiting = heard.state.waiting if heard.kept is None else heard.kept
    return [f"{count(waiting, 'result')} wait{'s' if waiting == 1 else ''} for the store"] if waiting else []


def _waiting(heard: Heard) -> list[Text]:
    return [Text(said, "yellow") for said in _kept(heard)]


def _best(state: SweepState) -> list[Text]:
    if state.best is None:
        return [Text("no best trial yet", "dim")]
    mean = f" (mean of {state.replicates} starts)" if state.replicates > 1 else ""
    said = f"{words(state.objective)} {number(state.best.value)}{mean}"
    settings = [f"{words(name)} {_setting(state.best.settings, name)}" for name in state.varied]
    return [
        Text(f"best: trial {state.best.trial}", "bold"),
        Text(said, "bold"),
        *(Text(plain(one)) for one in settings),
    ]


def _verdict_bar(state: SweepState, width: int) -> Text:
    """Each verdict's sign, as long as it is frequent; at least once."""
    length = min(width, _BAR)
    total, shared = sum(state.verdicts.values()), max(0, length - len(state.verdicts))
    bar, before = Text(), 0
    for word in _in_order(state.verdicts):
        after = before + state.verdicts[word]
        share = 1 + round(shared * after / total) - round(shared * before / total)
        bar.append(sign(word) * share, style(word))
        before = after
    return cells.cut(bar, width)


def _legend(state: SweepState) -> list[Text]:
    if not state.verdicts:
        return [Text("no verdict yet", "dim")]
    counted = [word for word, times in state.verdicts.items() for _ in range(times)]
    return [
        Text(f"{tally(counted)}:", "bold"),
        *(
            Text.assemble((sign(word), style(word)), f" {state.verdicts[word]} {plain(words(word))}")
            for word in _in_order(state.verdicts)
        ),
    ]


def _in_order(verdicts: Mapping[str, int]) -> list[str]:
    """Those that there are, in the order of MARKS."""
    return [word for word in MARKS if word in verdicts] + [word for word in verdicts if word not in set(MARKS)]


def _workers(state: SweepState) -> list[Text]:
    if state.workers is None:
        return []
    free = max(0, state.workers - state.at_work)
    waits = [] if state.waiting else [Text("nothing waits for the store", "dim")]
    said = f"{count(state.workers, 'worker')}: {min(state.workers, state.at_work)} at work, {free} free"
    return [Text(f"{said};" if waits else said), *waits]


def _trainings(state: SweepState, width: int, now: float) -> list[Text]:
    """A heading, and a line for each training in progress, on its worker."""
    if not state.running:
        return []
    rows = state.running
    driven = state.is_driven(now)
    columns = [
        Column("trial", [Text(_id(one, state)) for one in rows], 0, 5, 9, is_number=True),
        Column("epoch", [Text(_epoch(one)) for one in rows], 1, 6, 11, is_number=True),
        Column(
            "cost", [_curve(one, min(_SPARK_MOST, max(_SPARK, width // 5))) for one in rows], 2, _SPARK, _SPARK_MOST
        ),
        Column("last", [_last(one) for one in rows], 3, 8, 10, is_number=True),
        Column("worker", [Text(plain(one.worker) or "?") for one in rows], 6, 10, 32),
    ]
    for rank, name in enumerate(state.varied):
        found = [Text(_setting(one.settings, name)) for one in rows]
        columns.insert(
            4 + rank, Column(plain(words(name)), found, 4 + rank if rank < 2 else 8 + rank, 7, 16, is_number=True)
        )
    columns.append(Column(plain(words(state.objective)), [_goal(one) for one in rows], 50, 12, 20, is_number=True))
    if driven:
        columns.append(Column("for", [Text(_since(one, now)) for one in rows], 7, 6, 8, is_number=True))
    lines = cells.table(columns, width)
    if not driven:
        lines = [Text("in progress when last heard", "dim"), *lines]
    return lines


def _fitting(lines: list[Text], room: int) -> list[Text]:
    """As many as there is room for; what is left out is counted."""
    if len(lines) <= room or room < 2:
        return lines if len(lines) <= room else []
    out = len(lines) - room + 1
    return [*lines[: room - 1], Text(f"and {out} more", "dim")]


def _id(one: Training, state: SweepState) -> str:
    return f"{one.number}-r{one.replicate}" if state.replicates > 1 else str(one.number)


def _epoch(one: Training) -> str:
    return f"{max(0, one.epoch)}/{one.epochs}"


def _curve(one: Training, width: int) -> Text:
    return Text(sparkline(one.curves.costs, width), "red" if is_growing(one.curves.costs) else "cyan")


def _last(one: Training) -> Text:
    costs = one.curves.costs
    return Text(f"{costs[-1]:.4g}" if costs else "-", "red" if is_growing(costs) else "")


def _goal(one: Training) -> Text:
    return Text(f"{one.curves.goal[-1]:.4g}" if one.curves.goal else "-")


def _since(one: Training, now: float) -> str:
    return ago(now - one.started) if 0 < one.started <= now else "-"


def _setting(settings: Settings, name: str) -> str:
    return plain(setting(settings[name])) if name in settings else "-"
