"""Every write can be repeated: whatever a store answered or not, a trial is one run, a champion one version."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag, ViewType
from support.lying_proxy import LyingProxy
from support.mlflow_servers import Server
from support.small_sweeps import Watcher, assert_same, small_spec, swept

from sweeps.driver.loop import run_sweep
from sweeps.results.sweep import load

NewStore = Callable[[Path], str]
TRIALS = 8


@pytest.fixture(scope="module")
def server(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that answers truly."""
    folder = tmp_path_factory.mktemp("server")
    served = Server(folder, new_store(folder))
    served.start()
    yield served
    served.stop()


def assert_once_each(uri: str, name: str, trials: int) -> None:
    """The runs of a sweep are its trials and `sweep`, once each and ended; its champion is one version."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert sorted(run.info.run_name for run in runs) == ["sweep", *(f"trial-{number:04}" for number in range(trials))]
    assert {run.info.status for run in runs} == {"FINISHED"}
    (version,) = client.search_model_versions(f"name = '{name}'")
    assert client.get_model_version_by_alias(name, "champion").version == version.version
    assert len(client.search_logged_models([experiment.experiment_id])) == 1


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.soak)])
def test_sweep_through_a_server_that_loses_a_tenth_of_its_answers_is_the_undisturbed_one(
    server: Server, uri: str, seed: int
) -> None:
    spec = small_spec(name=f"lost-{seed}", trials=TRIALS)
    with LyingProxy(server.uri, share=0.1, seed=seed) as proxy:
        run_sweep(spec, Watcher(), 2, proxy.uri)
        acted = [times for fault, times in proxy.told.items() if fault.startswith("acts")]
        assert min(acted) > 0
    assert_once_each(server.uri, spec.name, TRIALS)
    assert_same(load(spec.name, server.uri), swept(spec, uri))


def _doubled(client: MlflowClient, run: Run, change: float = 0.0) -> str:
    """A second run of a trial, as a repeated request of an earlier version made it."""
    tags = {key: value for key, value in run.data.tags.items() if key != "attempt"}
    made = client.create_run(run.info.experiment_id, run.info.start_time + 1, tags, run.info.run_name).info.run_id
    metrics = [Metric(key, value + change, run.info.start_time, 0) for key, value in run.data.metrics.items()]
    client.log_batch(made, metrics, [Param(key, value) for key, value in run.data.params.items()])
    client.set_terminated(made, "FINISHED", run.info.end_time + 1)
    return str(made)


@pytest.mark.parametrize(
    ("change", "said"), [(0.5, "other numbers"), pytest.param(0.0, "the same numbers", marks=pytest.mark.soak)]
)
def test_sweep_doubled_by_an_earlier_version_is_healed_by_the_next_run(uri: str, change: float, said: str) -> None:
    spec = small_spec(trials=4)
    sweep = swept(spec, uri)
    client = MlflowClient(uri)
    before = {run.info.run_name: run for run in client.search_runs([sweep.experiment_id])}
    later = _doubled(client, before["trial-0002"], change)
    watcher = Watcher()
    finished = run_sweep(spec, watcher, 2, uri)
    assert not finished.was_finished
    assert [message for message in watcher.messages if "twice" in message and said in message]
    assert_once_each(uri, "small", 4)
    assert_same(load("small", uri), sweep)
    assert client.get_run(later).info.lifecycle_stage == "deleted"
    assert run_sweep(spec, Watcher(), 2, uri).was_finished


def test_second_version_of_one_champion_is_cleared_away(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = small_spec(trials=3)
    sweep = swept(spec, uri)
    client = MlflowClient(uri)
    (first,) = client.search_model_versions("name = 'small'")
    client.delete_model_version_tag("small", first.version, "champion")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    client.create_model_version("small", first.source, first.run_id)
    run_id = sweep_run(client, sweep.experiment_id).info.run_id
    client.log_batch(run_id, tags=[RunTag("state", "running")])
    run_sweep(spec, Watcher(), 1, uri)
    assert_once_each(uri, "small", 3)


def sweep_run(client: MlflowClient, experiment_id: str) -> Run:
    """The run named `sweep`."""
    (run,) = client.search_runs([experiment_id], "tags.kind = 'sweep'", ViewType.ACTIVE_ONLY)
    return run


def test_finished_sweep_with_runs_left_running_is_cleared_up(uri: str) -> None:
    spec = small_spec(trials=3)
    sweep = swept(spec, uri)
    client = MlflowClient(uri)
    tags = {"kind": "trial", "sweep": "small", "trial": "1", "replicate": "0", "state": "complete"}
    client.create_run(sweep.experiment_id, tags=tags, run_name="trial-0001")
    client.update_run(sweep.run_id, "RUNNING")  # as requests do that are answered after the sweep's end
    assert run_sweep(spec, Watcher(), 1, uri).was_finished
    assert_once_each(uri, "small", 3)
    assert client.get_run(sweep.run_id).info.status == "FINISHED"
