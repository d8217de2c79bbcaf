"""A sweep on a cluster is the sweep that it would be here, whatever becomes of workers, scheduler, driver and data."""

import functools
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from distributed import Client
from support import failing_workers
from support.clusters import Cluster, wait_until
from support.small_sweeps import Watcher, assert_same, interrupt_at, small_spec, small_table, swept, write_spec
from threadpoolctl import threadpool_info

from model import load
from model.cache import cache_folder
from sweeps.cli.main import main
from sweeps.driver.loop import run_sweep
from sweeps.errors import InputError, Interrupted
from sweeps.events import Status
from sweeps.executors.base import ClusterError
from sweeps.executors.dask import DaskExecutor
from sweeps.results.sweep import Sweep
from sweeps.results.sweep import load as load_sweep
from sweeps.specification.reading import read_spec

NewStore = Callable[[Path], str]

PRELOAD = "sweeps.worker.trial"
SPEC = small_spec(trials=12, stopping__pruner="median", plan__epochs=4)
SLOW = functools.partial(failing_workers.slow, seconds=0.3)
BAD_ADDRESSES = ["", "here", "127.0.0.1:8786", "http://127.0.0.1:8786", "tcp://127.0.0.1", "tcp://:8786", "tcp://a:b"]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Of the test's own, without workers."""
    (tmp_path / "cluster").mkdir()
    with Cluster(tmp_path / "cluster") as cluster:
        yield cluster


@pytest.fixture(scope="module")
def here(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """The sweep in processes of this machine."""
    return swept(SPEC, new_store(tmp_path_factory.mktemp("here")))


def test_a_sweep_on_a_cluster_is_the_same_interrupted_or_not(here: Sweep, uri: str, cluster: Cluster) -> None:
    for name in ("one", "other"):
        cluster.add_worker(name)
    for ended in (1, 5):
        with pytest.raises(Interrupted):
            run_sweep(SPEC, interrupt_at(ended), 2, uri, SLOW, cluster=cluster.address)
    assert_same(here, swept(SPEC, uri, cluster=cluster.address))


def test_workers_are_killed_and_join_while_a_sweep_runs_and_it_is_the_same(
    here: Sweep, uri: str, cluster: Cluster
) -> None:
    doomed = cluster.add_worker("doomed")

    def strike(status: Status) -> None:
        if status.ended >= 2 and status.running and doomed.poll() is None:
            cluster.kill_worker(doomed)
            doomed.wait()
            cluster.add_worker("later")

    watcher = Watcher(strike)
    run_sweep(SPEC, watcher, None, uri, SLOW, cluster=cluster.address)
    assert doomed.poll() is not None
    assert_same(here, load_sweep("small", uri))


def test_the_scheduler_dies_and_comes_back_and_the_sweep_is_the_same(here: Sweep, uri: str, cluster: Cluster) -> None:
    workers = [cluster.add_worker(name) for name in ("one", "other")]

    def strike(status: Status) -> None:
        if status.ended >= 2 and len(workers) == 2:
            cluster.kill_scheduler()
            workers.append(cluster.add_worker("new"))
            cluster.start_scheduler()

    watcher = Watcher(strike)
    run_sweep(SPEC, watcher, None, uri, SLOW, cluster=cluster.address)
    told = [message for message in watcher.messages if "the scheduler" in message]
    assert [message.rsplit(" ", 1)[-1] for message in told] == ["back", "back"]
    assert "has gone away" in told[0]
    assert_same(here, load_sweep("small", uri))


def test_an_unfit_worker_is_refused_by_name_and_taken_where_that_is_asked_for(cluster: Cluster) -> None:
    kernels = {library["architecture"] for library in threadpool_info() if library["user_api"] == "blas"}
    other = "Haswell" if "Haswell" not in kernels else "Sandybridge"
    cluster.add_worker("odd", {"OPENBLAS_CORETYPE": other})
    with pytest.raises(ClusterError, match=r"no worker is fit:\n  worker odd \(tcp://.*is not taken: BLAS") as refused:
        DaskExecutor(cluster.address, PRELOAD, lambda message: None, {})
    assert f"{other}, here " in str(refused.value)
    assert "--any-worker takes it all the same" in str(refused.value)
    executor = DaskExecutor(cluster.address, PRELOAD, lambda message: None, {}, lenient=True)
    assert executor.size == 1
    executor.close()
    said: list[str] = []
    cluster.add_worker("even")
    _wait_for(cluster, 2)
    executor = DaskExecutor(cluster.address, PRELOAD, said.append, {})
    pids = {executor.submit(os.getpid).result() for _ in range(4)}
    executor.close()
    assert len(pids) == 1
    assert sum("worker odd" in message for message in said) == 1


def test_a_worker_without_the_package_is_named(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "sweeps.py").touch()
    cluster.add_worker("bare", {"PYTHONPATH": str(tmp_path / "empty")})
    with pytest.raises(ClusterError, match=r"worker bare .*cannot load numpy-sweeps .*pip install 'numpy-sweeps\[clus"):
        DaskExecutor(cluster.address, PRELOAD, lambda message: None, {})


def test_data_that_a_machine_lacks_are_sent_to_it_once(
    new_store: NewStore, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digits, other = load("digits"), tmp_path / "other"
    arrays = {"x_train": digits.train.x[:600], "y_train": digits.train.y[:600]}
    np.savez(tmp_path / "some.npz", **arrays, x_test=digits.test.x, y_test=digits.test.y)
    monkeypatch.chdir(tmp_path)  # where the workers are not, who look for it in their own folder
    spec = small_spec(trials=4, plan__dataset="npz:some.npz", plan__validation=100)
    for name in ("one", "other"):
        cluster.add_worker(name, {"SWEEPS_CACHE": str(other)})
    _wait_for(cluster, 2)
    watcher = Watcher()
    run_sweep(spec, watcher, None, store := new_store(tmp_path), cluster=cluster.address)
    assert sum("npz:some.npz is sent to the machine of worker" in message for message in watcher.messages) == 1
    assert [path.name for path in other.glob("sent-*")] == [f"sent-{load('npz:some.npz').digest}"]
    assert not list(cache_folder().glob("sent-*"))
    (tmp_path / "again").mkdir()
    assert_same(load_sweep("small", store), swept(spec, new_store(tmp_path / "again")))


@pytest.mark.soak
def test_somebodys_own_network_is_trained_there_as_here(new_store: NewStore, cluster: Cluster, tmp_path: Path) -> None:
    shutil.copy(Path(__file__).parents[1] / "user_networks" / "question.py", tmp_path / "mynet.py")
    search = {"eta": {"choices": [0.5, 3.0]}, "lambda": 1.0, "batch_size": 10}
    table = small_table(search=search, sampler="grid", trials=2, network="mynet.py:Network")
    spec, stores = read_spec(write_spec(tmp_path / "spec.toml", table)), []
    for name in ("there", "here"):
        (tmp_path / name).mkdir()
        stores.append(new_store(tmp_path / name))
    cluster.add_worker("one")
    assert_same(swept(spec, stores[0], cluster=cluster.address), swept(spec, stores[1]))


def test_a_machine_without_the_file_of_a_network_is_named(cluster: Cluster) -> None:
    cluster.add_worker("afar")
    with pytest.raises(ClusterError, match=r"worker afar .*it has no /here/net.py, .*; share its folder"):
        DaskExecutor(cluster.address, PRELOAD, lambda message: None, {}, {"/here/net.py": "0" * 64})


@pytest.mark.parametrize("address", [*BAD_ADDRESSES, "tcp://127.0.0.1:9", "tls://127.0.0.1:9"])
def test_a_wrong_address_is_one_sentence_within_seconds(
    address: str, tmp_path: Path, uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path, began = write_spec(tmp_path / "spec.toml", small_table(trials=2)), time.monotonic()
    assert main(["run", str(path), "--tracking-uri", uri, "--quiet", "--cluster", address]) == 2
    assert time.monotonic() - began < 60
    said = capsys.readouterr().err.strip()
    assert said.startswith("sweeps: cluster: ")
    assert address in said
    assert "\n" not in said


def test_a_server_that_says_nothing_is_no_scheduler_within_seconds() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        with pytest.raises(ClusterError, match=r"no Dask scheduler answers at .*it says nothing for 8 s"):
            DaskExecutor(f"tcp://127.0.0.1:{silent.getsockname()[1]}", PRELOAD, lambda message: None, {})
        assert time.monotonic() - began < 60


def test_without_the_extra_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.delitem(sys.modules, "sweeps.executors.dask", raising=False)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'numpy-sweeps\[cluster\]'"):
        run_sweep(SPEC, Watcher(), 1, uri, cluster="tcp://127.0.0.1:8786")


@pytest.mark.soak
def test_a_trial_that_kills_every_worker_fails_and_the_others_do_not(
    uri: str, cluster: Cluster, tmp_path: Path
) -> None:
    for name in ("one", "other"):
        cluster.add_worker(name)
    train = functools.partial(failing_workers.deadly, numbers=[3], attempts=tmp_path / "attempts")
    finished = run_sweep(small_spec(trials=8), Watcher(), None, uri, train, cluster=cluster.address)
    assert finished.failed == ((3, 0),)
    assert (load_sweep("small", uri).trials["state"] == "complete").sum() == 7


def _wait_for(cluster: Cluster, workers: int) -> None:
    with Client(cluster.address, set_as_default=False) as client:
        wait_until(lambda: len(client.scheduler_info()["workers"]) == workers)
