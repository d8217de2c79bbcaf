"""A sweep shows itself: in words, in a notebook, and as figures that tell what its tables hold."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import sweeps
from model import metrics
from sweeps.errors import InputError, UnknownSweepError

PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def sweep(pairs_sweep: sweeps.Sweep) -> sweeps.Sweep:
    return sweeps.load("pairs", pairs_sweep.uri)


def test_its_repr_tells_state_tally_and_best(sweep: sweeps.Sweep) -> None:
    best = sweep.best(1).iloc[0]
    assert repr(sweep).startswith("<Sweep pairs, finished: 6 of 6 trainings, ")
    assert f"best trial {best['trial']}: cost/validation_data {best['final.cost/validation_data']:.4g}>" in repr(sweep)


def test_best_begins_with_what_is_decided_by(sweep: sweeps.Sweep) -> None:
    objective = metrics.final(sweep.spec.goals[0].metric)
    assert sweep.best(3).columns[:3].tolist() == ["trial", objective, "verdict"]
    assert set(sweep.best(3).columns) == set(sweep.trials.columns)


def test_a_notebook_shows_every_verdict_and_the_best_trials(sweep: sweeps.Sweep) -> None:
    shown = sweep._repr_html_()
    for verdict, count in sweep.trials["verdict"].value_counts().items():
        assert f"{count} {verdict.replace('_', ' ')}" in shown
    assert f"<td>{sweep.best(1)['trial'].iloc[0]}</td>" in shown
    assert "data:image/png;base64," in shown


def test_figures_have_a_line_for_each_training_and_a_panel_for_each_measure(sweep: sweeps.Sweep) -> None:
    lines = sweep.parallel().axes[0].lines
    axes = len(sweep.spec.varied) + 3  # results
    assert len(lines) == len(sweep.trials) + axes
    first, second = sweep.best(2)["trial"]
    curves = sweep.curves([first, second])
    assert [len(panel.lines) for panel in curves.axes] == [2] * len(curves.axes)
    known = sweep.epochs[(sweep.epochs["trial"] == first) & (sweep.epochs["epoch"] > 0)]["cost/validation_data"]
    drawn = next(panel for panel in curves.axes if panel.get_title(loc="left") == "data cost").lines[0]
    assert drawn.get_ydata().tolist() == known.tolist()
    for figure in (sweep.map(), sweep.parallel(), curves):
        assert figure._repr_png_().startswith(PNG)


def test_what_cannot_be_drawn_is_said(sweep: sweeps.Sweep) -> None:
    with pytest.raises(InputError, match="numbers of trials"):
        sweep.curves([])
    with pytest.raises(InputError, match="has no trial 99"):
        sweep.curves([99])


def test_dir_lists_what_users_call_and_each_says_what_it_does() -> None:
    assert dir(sweeps) == sorted(sweeps.__all__)
    for name in dir(sweeps):
        assert inspect.getdoc(getattr(sweeps, name))


def test_a_folder_without_a_store_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(UnknownSweepError, match="none yet"):
        sweeps.load("mine")
    root = Path(__file__).parents[2]
    for command, code in ((["list"], 0), (["show", "mine"], 2)):
        done = subprocess.run(
            [sys.executable, "-m", "sweeps", *command], capture_output=True, env={"PYTHONPATH": str(root)}, check=False
        )
        assert done.returncode == code, done.stderr
    assert list(tmp_path.iterdir()) == []


NAMES = [name for name in dir(sweeps.Sweep) if not name.startswith("_")]
WITHOUT = {
    "name",
    "spec",
    "uri",
    "run_id",
    "state",
    "experiment_id",
    "ordered",
    "assessments",
    "holds",
    "file",
    "attach",
}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in WITHOUT])
def test_the_example_of_a_docstring_runs(
    name: str, digits_sweep: sweeps.Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = sweeps.load("shared", digits_sweep.uri)
    monkeypatch.chdir(tmp_path)
    example = inspect.cleandoc(getattr(sweeps.Sweep, name).__doc__).rpartition("\n\n    ")[2]
    assert f"sweep.{name}" in example
    assert eval(example, {"sweep": sweep, "sweeps": sweeps}) is not None or list(tmp_path.glob("*.png"))
