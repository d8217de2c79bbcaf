"""`--retry-failed`: failed trials run again with the settings that they had, each counts once, and it is told."""

import functools
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType
from support import failing_workers
from support.small_sweeps import Watcher, assert_same, interrupt_at, small_spec, small_table, swept, write_spec

import sweeps
from sweeps.cli.main import main
from sweeps.driver.loop import run_sweep
from sweeps.errors import Interrupted
from sweeps.results.sweep import load
from sweeps.tracking.store import Store

COLUMNS = ["trial", "eta", "lambda", "batch_size"]


def runs(uri: str, view: int = ViewType.ACTIVE_ONLY) -> list[str]:
    """Names of the runs in the sweep's experiment."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("small")
    assert experiment is not None
    return sorted(run.info.run_name for run in client.search_runs([experiment.experiment_id], run_view_type=view))


def test_failed_trials_run_again_with_their_settings_and_later_proposals_stand(uri: str, tmp_path: Path) -> None:
    path = write_spec(tmp_path / "spec.toml", small_table(trials=8))
    spec = small_spec(trials=8)
    run_sweep(spec, Watcher(), 2, uri, functools.partial(failing_workers.broken, numbers={1, 4}))
    before = load("small", uri).trials
    assert main(["run", str(path), "--tracking-uri", uri, "--quiet", "--jobs", "2"]) == 1  # they stay as they are
    assert main(["run", str(path), "--tracking-uri", uri, "--quiet", "--jobs", "2", "--retry-failed"]) == 0
    sweep = load("small", uri)
    assert (sweep.trials["state"] == "complete").all()
    columns = [column for column in COLUMNS if column in before]
    assert sweep.trials[columns].equals(before[columns])
    kept = before.loc[before["state"] == "complete", "run_id"]
    assert set(kept) < set(sweep.trials["run_id"])
    assert len(runs(uri)) == 9
    assert len(runs(uri, ViewType.ALL)) == 11  # the failed ones can be brought back
    recorded = Store(uri).sweep("small")
    assert recorded is not None
    assert recorded.tags["retried"] == "2"
    assert sweep.state == "finished"
    assert sweep.replay(4).identical


def test_python_can_ask_for_it_too(uri: str, tmp_path: Path) -> None:
    path = write_spec(tmp_path / "spec.toml", small_table(trials=3))
    run_sweep(small_spec(trials=3), Watcher(), 1, uri, functools.partial(failing_workers.broken, numbers={1}))
    assert (sweeps.run(path, 1, uri).trials["state"] == "failed").sum() == 1
    assert (sweeps.run(path, 1, uri, retry_failed=True).trials["state"] == "complete").all()


@pytest.mark.parametrize("ended", [pytest.param(6, marks=pytest.mark.soak), 7])
def test_a_retry_that_is_interrupted_goes_on_whether_asked_again_or_not(uri: str, tmp_path: Path, ended: int) -> None:
    """Trial 5 was proposed when 1 had failed: with what is known now it would have other settings."""
    spec = small_spec(trials=8)
    broken = functools.partial(failing_workers.broken, numbers={1, 5})
    run_sweep(spec, Watcher(), 1, uri, broken)
    before = load("small", uri).trials
    with pytest.raises(Interrupted):
        run_sweep(spec, interrupt_at(ended), 1, uri, retry_failed=True)
    sweep = swept(spec, uri, jobs=2)
    assert (sweep.trials["state"] == "complete").all()
    assert sweep.trials["eta"].tolist() == before["eta"].tolist()
    assert sweep.trials["batch_size"].tolist() == before["batch_size"].tolist()
    recorded = Store(uri).sweep("small")
    assert recorded is not None
    assert recorded.tags["retried"] == "2"
    again = swept(spec, uri, retry_failed=True)
    assert_same(again, sweep)
    assert len(runs(uri)) == 9


def test_a_trial_that_fails_again_has_failed_and_its_deaths_are_counted_anew(uri: str, tmp_path: Path) -> None:
    attempts = tmp_path / "attempts"
    deadly = functools.partial(failing_workers.deadly, numbers={1}, attempts=attempts)
    spec = small_spec(trials=3)
    assert run_sweep(spec, Watcher(), 1, uri, deadly).failed == ((1, 0),)
    first = attempts.read_text().split().count("1")
    assert run_sweep(spec, Watcher(), 1, uri, deadly, retry_failed=True).failed == ((1, 0),)
    assert attempts.read_text().split().count("1") == 2 * first
    assert runs(uri) == ["sweep", "trial-0000", "trial-0001", "trial-0002"]
