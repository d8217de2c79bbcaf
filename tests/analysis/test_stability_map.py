"""The stability map: what its fields hold, on trials whose border is known; and the picture of it."""

import json
import math
import re
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sweeps.analysis.map_estimate import LEVELS
from sweeps.analysis.stability_map import StabilityMap, stability_map
from sweeps.specification.reading import parse_spec
from sweeps.specification.spec import SweepSpec
from sweeps.verdicts.verdict import Verdict
from sweeps.views.figures.stability_map import COLOURS, WIDTH, draw

N, H = 1000, 1.5
RANGES: dict[str, Any] = {
    "eta": {"low": 0.01, "high": 100.0, "log": True},
    "lambda": {"low": 0.01, "high": 10000.0, "log": True},
    "batch_size": {"choices": [1, 10]},
}


def spec_of(search: dict[str, Any] | None = None, **changes: Any) -> SweepSpec:
    table = {"name": "mapped", "sampler": "qmc", "search": RANGES | (search or {})} | changes
    return parse_spec(table, check_data=False)


def table_of(spec: SweepSpec, count: int = 80, replicates: int = 1) -> pd.DataFrame:
    """Trials that are stable where eta (h + lambda / n) is below 2 (1 + momentum); one in ten failed."""
    rng, rows = np.random.default_rng(0), []
    for trial in range(count):
        settings = {name: domain.at(float(rng.random())) for name, domain in spec.search.items()}
        eta, lmbda = float(str(settings["eta"])), float(str(settings["lambda"]))
        works = eta * (H + lmbda / N) < 2 * (1 + spec.plan.momentum)
        verdict = Verdict.FAILED if trial % 10 == 9 else Verdict.CONVERGED if works else Verdict.DIVERGED
        for replicate in range(replicates):
            row = {
                "trial": trial,
                "replicate": replicate,
                "verdict": verdict.value,
                "run_id": f"run-{trial}",
            } | settings
            row["final.cost/validation_data"] = math.nan if verdict is Verdict.FAILED else 0.25
            row["final.accuracy/validation"] = 0.9
            row["final.stability/sharpness"] = H + lmbda / N
            rows.append(row)
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def made() -> StabilityMap:
    return stability_map(spec_of(), table_of(spec_of()), n=N)


def test_a_map_shows_every_trial_in_the_panel_of_its_third_field(made: StabilityMap) -> None:
    trials = table_of(spec_of()).set_index("trial")
    assert (made.x.field, made.y.field, made.third) == ("eta", "lambda", "batch_size")
    assert [panel.title for panel in made.panels] == ["batch_size = 1", "batch_size = 10"]
    assert sorted(point.trial for panel in made.panels for point in panel.points) == list(range(80))
    for panel in made.panels:
        for point in panel.points:
            row = trials.loc[point.trial]
            assert row["batch_size"] == panel.value
            assert (point.x, point.y, point.run_id) == (row["eta"], row["lambda"], row["run_id"])
            assert point.verdict == row["verdict"]
            assert point.stable is {"converged": True, "diverged": False, "failed": None}[point.verdict]
            assert point.data_cost == (None if point.verdict == "failed" else 0.25)
    assert (made.trials, made.unknown, made.n, made.is_two_sided) == (72, 8, N, True)


def test_the_measured_border_is_near_the_true_one(made: StabilityMap) -> None:
    """Within a factor of two in eta, of a range of ten thousand, by the median along the line."""
    for panel in made.panels:
        border = next(contour for contour in panel.contours if contour.level == 0.5)
        away = [math.log10(x * (H + y / N) / 2) for path in border.paths for x, y in path]
        assert np.median(np.abs(away)) < math.log10(2)


def test_probabilities_and_their_contours_agree(made: StabilityMap) -> None:
    for panel in made.panels:
        probability = np.array(panel.probability)
        assert probability.shape == (len(made.grid_y), len(made.grid_x))
        assert np.all((probability >= 0) & (probability <= 1))
        assert tuple(contour.level for contour in panel.contours) == LEVELS
        for contour in panel.contours:
            for x, y in (point for path in contour.paths for point in path):
                i, j = np.searchsorted(made.grid_y, y * (1 - 1e-9)), np.searchsorted(made.grid_x, x * (1 - 1e-9))
                around = probability[max(0, i - 1) : i + 1, max(0, j - 1) : j + 1]
                assert around.min() - 1e-9 <= contour.level <= around.max() + 1e-9


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_theory_is_drawn_where_its_formulas_say(momentum: float) -> None:
    spec = spec_of(plan={"momentum": momentum})
    panel = stability_map(spec, table_of(spec), n=N).panels[0]
    bound = 2 * (1 + momentum)
    assert [(line.kind, line.bound) for line in panel.theory] == [("decay", 1), ("decay", bound), ("curvature", bound)]
    assert panel.curvature is not None
    assert panel.curvature.median == pytest.approx(H)
    assert panel.curvature.trainings == sum(point.stable is True for point in panel.points)
    for line in panel.theory:
        h = H if line.kind == "curvature" else 0
        assert line.paths
        for x, y in (point for path in line.paths for point in path):
            assert x * (h + y / N) == pytest.approx(line.bound, rel=0.02)


def test_to_dict_is_ready_for_json(made: StabilityMap) -> None:
    plain = made.to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert set(plain) == set(StabilityMap.__dataclass_fields__)
    assert set(plain["panels"][0]["points"][0]) >= {"x", "y", "trial", "run_id", "verdict", "data_cost", "accuracy"}


def test_where_all_trials_are_on_one_side_there_is_no_border() -> None:
    trials = table_of(spec_of())
    stable = stability_map(spec_of(), trials[trials["verdict"] == "converged"], n=N)
    assert not stable.is_two_sided
    assert all(panel.contours == () for panel in stable.panels)


def test_a_map_of_no_trials_is_one_half_everywhere() -> None:
    empty = stability_map(spec_of(), table_of(spec_of()).iloc[:0], n=N)
    assert {p for panel in empty.panels for row in panel.probability for p in row} == {0.5}
    assert all(panel.curvature is None for panel in empty.panels)


def test_a_range_is_cut_into_bins_that_hold_every_trial_once() -> None:
    spec = spec_of({"batch_size": {"low": 1, "high": 1000, "log": True}})
    panels = stability_map(spec, table_of(spec), n=N).panels
    assert len(panels) == 4
    assert sorted(point.trial for panel in panels for point in panel.points) == list(range(80))
    assert [panel.title for panel in panels][:2] == ["batch_size 1 to 5.62", "batch_size 5.62 to 31.6"]


def test_replicates_count_as_one_trial() -> None:
    made = stability_map(spec_of(replicates=2), table_of(spec_of(), replicates=2), n=N)
    assert (made.trials, made.unknown) == (72, 8)
    assert sum(len(panel.points) for panel in made.panels) == 160


def test_other_fields_and_other_axes() -> None:
    """lambda on neither axis: it is averaged over, and the predicted borders, which depend on it, are left out."""
    spec = spec_of({"hidden": {"choices": [[10], [20]]}, "momentum": {"low": 0.0, "high": 0.9}})
    trials = table_of(spec).assign(hidden="[10]")
    made = stability_map(spec, trials, x="batch_size", y="eta", n=N)
    assert (made.third, made.averaged) == ("lambda", ("hidden", "momentum"))
    by_list = stability_map(spec_of({"batch_size": 5, "hidden": {"choices": [[10], [20]]}}), trials, n=N)
    assert [panel.title for panel in by_list.panels] == ["hidden = [10]", "hidden = [20]"]
    assert [len(panel.points) for panel in by_list.panels] == [80, 0]
    assert all(panel.theory == () for panel in made.panels)


def test_a_third_field_that_does_not_vary_makes_one_panel() -> None:
    spec = spec_of({"batch_size": 10})
    made = stability_map(spec, table_of(spec), n=N)
    assert (made.third, [panel.title for panel in made.panels]) == (None, [""])


@pytest.mark.parametrize(("x", "y", "said"), [("eta", "epochs", "epochs"), ("hidden", "eta", "hidden"), ("eta",) * 3])
def test_fields_without_numbers_are_refused(x: str, y: str, said: str) -> None:
    spec = spec_of({"hidden": {"choices": [[10], [20]]}})
    with pytest.raises(ValueError, match=f"a map needs two .*'{said}'"):
        stability_map(spec, table_of(spec).assign(hidden="[10]"), x=x, y=y, n=N)


def test_the_picture_is_a_png_of_the_stated_width(made: StabilityMap) -> None:
    content = draw(made, "mapped").png()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(content[16:20], "big") == WIDTH


@pytest.mark.parametrize("batch_size", [10, {"choices": [1, 2, 3, 4, 5]}, {"low": 1, "high": 1000, "log": True}])
def test_any_number_of_panels_makes_a_picture_also_of_a_map_without_a_border(batch_size: Any) -> None:
    spec = spec_of({"batch_size": batch_size})
    trials = table_of(spec)
    for some in (trials, trials[trials["verdict"] == "converged"], trials.iloc[:0]):
        assert draw(stability_map(spec, some, n=N), "mapped").png()[:4] == b"\x89PNG"


def test_the_picture_has_the_colours_of_the_pages_light_theme() -> None:
    style = (files("sweeps.views.report") / "page" / "page.css").read_text(encoding="utf-8")
    colours = dict(reversed(re.findall(r"--(\w+): (#[0-9a-f]{6});", style)))  # first those of the light theme
    assert {name: colours[name] for name in COLOURS} == COLOURS
