"""Draws `docs/layers.svg`: the rooms of `sweeps` on their floors, and who imports whom, from the imports as they are.

`make docs` runs it. Floors are those of the import contract in pyproject.toml.
"""

import ast
import tomllib
from html import escape
from pathlib import Path
from textwrap import wrap

import grimp

HERE = Path(__file__).parent
PICTURE = HERE / "layers.svg"

_WIDTH, _FLOOR, _BOX = 920, 104, 66  # pixels: of the picture, of a floor, height of a box
_LETTER, _GAP = 6.0, 24  # pixels: of a letter of what is said of a room, between two rooms
_STYLE = (
    "text{font:13px ui-monospace,monospace;fill:#1b1d20}.said{font:11px system-ui,sans-serif;fill:#5a6068}"
    "rect{fill:#f7f7f4;stroke:#0a5599}path{fill:none;stroke:#0a5599;stroke-opacity:.6}"
)


def floors() -> list[list[str]]:
    """The rooms on each floor, top first."""
    table = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = table["tool"]["importlinter"]["contracts"]
    layers = next(contract for contract in contracts if contract["type"] == "layers")["layers"]
    rooms = [[room.strip() for room in layer.split("|")] for layer in layers]
    return [*([room for room in floor if room != "__main__"] for floor in rooms[1:]), ["model"]]


def imports() -> set[tuple[str, str]]:
    """(room, room whose modules it imports)."""
    graph = grimp.build_graph("sweeps", "model")
    found = set()
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            one, other = _room(importer), _room(imported)
            if one != other:
                found.add((one, other))
    return found


def drawn() -> str:
    """The picture as SVG."""
    places: dict[str, tuple[float, float, float]] = {}  # room -> left, top, width
    for row, rooms in enumerate(floors()):
        width = min(420, (_WIDTH - _GAP) / len(rooms) - _GAP)
        left = (_WIDTH - len(rooms) * (width + _GAP) + _GAP) / 2
        for place, room in enumerate(rooms):
            places[room] = left + place * (width + _GAP), row * _FLOOR + 2, width
    known = {pair for pair in imports() if set(pair) <= places.keys()}
    lines = [_line(places[one], places[other]) for one, other in sorted(_without_detours(known))]
    boxes = [_box(room, *place, _said(room)) for room, place in places.items()]
    height = (len(floors()) - 1) * _FLOOR + _BOX + 4
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">'
    title = "<title>The rooms of sweeps on their floors; lines run from each to those it imports</title>"
    return "\n".join([head, title, f"<style>{_STYLE}</style>", *lines, *boxes, "</svg>", ""])


def _room(module: str) -> str:
    package, _, rest = module.partition(".")
    return "model" if package == "model" else rest.partition(".")[0]


def _line(one: tuple[float, float, float], other: tuple[float, float, float]) -> str:
    x, y = one[0] + one[2] / 2, one[1] + _BOX
    u, v = other[0] + other[2] / 2, other[1]
    bend = (v - y) / 2
    return f'<path d="M{x:.0f},{y:.0f}C{x:.0f},{y + bend:.0f} {u:.0f},{v - bend:.0f} {u:.0f},{v:.0f}"/>'


def _box(room: str, left: float, top: float, width: float, said: str) -> str:
    middle = left + width / 2
    texts = [f'<text x="{middle:.0f}" y="{top + 20:.0f}" text-anchor="middle">{escape(room)}</text>']
    for row, line in enumerate(wrap(said, int(width / _LETTER))[:3]):
        y = top + 34 + 13 * row
        texts.append(f'<text class="said" x="{middle:.0f}" y="{y:.0f}" text-anchor="middle">{escape(line)}</text>')
    box = f'<rect x="{left:.0f}" y="{top:.0f}" width="{width:.0f}" height="{_BOX}" rx="4"/>'
    return "".join([box, *texts])


def _without_detours(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The imports that do not follow from a longer way: what is drawn, or no line could be told from another."""
    below: dict[str, set[str]] = {one: {v for u, v in pairs if u == one} for one, _ in pairs}

    def reached(room: str) -> set[str]:
        return set().union(*({other} | reached(other) for other in below.get(room, ())))

    return {(one, other) for one, other in pairs if not any(other in reached(via) for via in below[one] - {other})}


def _said(room: str) -> str:
    """The first sentence of a room's docstring."""
    source = HERE.parent if room == "model" else HERE.parent / "sweeps"
    folder = source / room
    file = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    documented = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    return (documented or "").split("\n")[0].partition(". ")[0].removesuffix(".")


if __name__ == "__main__":
    PICTURE.write_text(drawn(), encoding="utf-8")
