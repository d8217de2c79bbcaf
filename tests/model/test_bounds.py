"""What docs/bounds.md says of the bounds is what was measured at the recorded borders, by the formulas as they are."""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def measured(monkeypatch):
    """The benchmark, and the borders that it recorded."""
    monkeypatch.syspath_prepend(ROOT / "tests" / "benchmarks")
    bounds = importlib.import_module("bounds")
    return bounds, [border for world in bounds.WORLDS for border in bounds.recorded(world)]


def test_the_tables_of_the_page_are_those_of_the_recorded_borders(measured):
    bounds, found = measured
    page = (ROOT / "docs" / "bounds.md").read_text(encoding="utf-8").splitlines()
    assert len(found) >= 54
    missing = {*bounds.shares(found), *bounds.lines(found)} - set(page)
    assert missing == set(), "run `python tests/benchmarks/bounds.py draw`"


@pytest.mark.parametrize(("momentum", "factor", "share"), [(0.0, 1.3, 0.85), (0.5, 1.3, 0.85), (0.9, 2.0, 0.75)])
def test_of_softmax_outputs_the_batch_edge_meets_the_border_and_the_edge_of_the_cost_does_not(
    measured, momentum, factor, share
):
    bounds, found = measured
    rows = [border for border in found if border.pair.endswith("softmax") and border.momentum == momentum]
    met = {
        name: sum(bounds.apart(bounds.BOUNDS[name](row)) <= factor for row in rows) for name in ("edge", "batch edge")
    }
    assert met["batch edge"] >= share * len(rows)
    assert met["edge"] <= 0.4 * len(rows)
