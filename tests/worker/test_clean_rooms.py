"""A trial of somebody's network meets a process that nobody used: what ran before it, or beside it, changes no bit.

Every class below leaves something behind that changes what the next trial computes, were it left there.
"""

import json
import os
import signal
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.processes import children, descendants, is_running
from support.small_sweeps import Watcher, assert_same, small_table, swept, write_spec

from model import Hyperparameters, TrainingPlan
from model import load as load_data
from sweeps.driver.loop import run_sweep
from sweeps.errors import InputError
from sweeps.executors.loky import LokyExecutor
from sweeps.results.sweep import load
from sweeps.specification.reading import read_spec
from sweeps.specification.spec import Goal
from sweeps.user_network.source import NetworkSource, source_digest
from sweeps.verdicts.facts import State
from sweeps.worker.task import Task, TrialResult
from sweeps.worker.trial import run_trial

NewStore = Callable[[Path], str]
QUESTION = (Path(__file__).parents[1] / "user_networks" / "question.py").read_text(encoding="utf-8")
PRELOAD = "sweeps.worker.trial"

# What each does in a step, before the question's own; `eta` may be changed by what is left of earlier trials.
LEAVING = {
    "a step counter": """
        global STEPS
        STEPS += 1
        eta = eta / (1 + 0.01 * STEPS)
    """,
    "a patched NumPy": """
        dot, rand = np.dot, np.random.rand
        np.dot = lambda a, b: dot(a, b) * (1 + 1e-6)
        np.random.rand = lambda *shape: rand(*shape) / 2
        eta = eta * (1 + 0.01 * np.dot(1.0, 1.0) + 0.01 * np.random.rand())
    """,
    "a changed folder": """
        eta = eta * (1 + 0.01 * os.path.exists("elsewhere"))
        os.makedirs("elsewhere/elsewhere", exist_ok=True)
        os.chdir("elsewhere")
        eta = eta * (1 + 0.001 * len(os.getcwd().split("elsewhere")))
        os.chdir("elsewhere")
    """,
    "a file in its folder": """
        with open("steps.txt", "a+") as file:
            file.write(".")
            file.seek(0)
            eta = eta / (1 + 0.01 * len(file.read()))
    """,
    "a temporary file of a fixed name": """
        with open(os.path.join(tempfile.gettempdir(), "steps-of-my-network.txt"), "a+") as file:
            file.write(".")
            file.seek(0)
            eta = eta / (1 + 0.01 * len(file.read()))
    """,
    "a child process": """
        global CHILD
        CHILD = CHILD or subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        eta = eta * (1 + 0.01 * (CHILD.poll() is None))
    """,
    "an environment variable": """
        os.environ["STEPS"] = str(int(os.environ.get("STEPS", 0)) + 1)
        eta = eta / (1 + 0.01 * int(os.environ["STEPS"]))
    """,
    "a changed built-in class": """
        import collections
        collections.STEPS = getattr(collections, "STEPS", 0) + 1
        eta = eta / (1 + 0.01 * collections.STEPS)
    """,
    "the order of a set of words": """
        eta = eta * (1 + 0.01 * [*{"one", "two", "three", "four", "five"}].index("three"))
    """,
    "draws of its own": """
        eta = eta * (1 + 0.01 * np.random.rand() + 0.01 * random.random())
    """,
}
HEAD = "import os, random, subprocess, sys, tempfile\nSTEPS, CHILD = 0, None\n"
STEP = "def update_mini_batch(self, mini_batch, eta, lmbda, n):"


def leaving(what: str) -> str:
    """The question's class, its step preceded by this."""
    assert QUESTION.count(STEP) == 1
    return HEAD + QUESTION.replace(STEP, f"{STEP}\n{textwrap.indent(textwrap.dedent(what), ' ' * 8)}")


def task_of(folder: Path, text: str) -> Task:
    """A training of two epochs on the digits by the class of this text."""
    path = folder / "mynet.py"
    path.write_text(text, encoding="utf-8")
    source = NetworkSource("mynet.py:Network", f"{path}:Network", str(path))
    source = replace(source, digest=source_digest(source.target))
    plan = TrainingPlan("digits", 1200, (6,), epochs=2, dtype="float64")
    goal = Goal("cost/validation_data", 1)
    given = Hyperparameters(1.0, 1.0, 50)
    return Task(0, 0, 0, plan, given, goal, load_data("digits").digest, {}, network=source)


def bits(result: TrialResult) -> str:
    """All numbers of a result, as they are."""
    assert result.error is None, result.error
    assert result.network is not None
    arrays = [array.tobytes().hex() for array in (*result.network.weights, *result.network.biases)]
    return json.dumps([[list(r.measures.items()) for r in result.records], result.test, arrays])


@pytest.fixture(scope="module")
def pools() -> Iterator[dict[int, LokyExecutor]]:
    """Of one worker, and of two."""
    with closing(LokyExecutor(1, PRELOAD)) as one, closing(LokyExecutor(2, PRELOAD)) as two:
        yield {1: one, 2: two}


@pytest.mark.parametrize("what", LEAVING)
def test_any_order_any_partners_and_any_number_of_workers_give_the_same_bits(
    pools: dict[int, LokyExecutor], tmp_path: Path, what: str
) -> None:
    task = task_of(tmp_path, leaving(LEAVING[what]))
    etas = [0.5, 1.0, 2.0]
    expected: dict[float, str] = {}
    rng = np.random.default_rng(0)
    for workers, pool in pools.items():
        for order in (etas, [*rng.permutation(etas)]):
            tasks = [replace(task, hyperparameters=Hyperparameters(float(eta), 1.0, 50)) for eta in order]
            for eta, future in [
                (float(eta), pool.submit(run_trial, one)) for eta, one in zip(order, tasks, strict=True)
            ]:
                assert expected.setdefault(eta, bits(future.result())) == bits(future.result()), workers
    assert len(set(expected.values())) == 3


def test_nothing_is_left_behind_neither_folders_nor_processes_nor_in_the_worker(
    pools: dict[int, LokyExecutor], tmp_path: Path
) -> None:
    pool, left = pools[1], tmp_path / "left"
    text = leaving(f"""
        if not os.path.exists({str(left)!r}):
            start = [sys.executable, "-c", "import time; time.sleep(600)"]
            daemon = subprocess.Popen(start, start_new_session=True)
            shell = subprocess.Popen(["sh", "-c", "sleep 600 & echo $! > grandchild; exit 0"])
            shell.wait()
            with open({str(left)!r}, "w") as file:
                print(os.getcwd(), daemon.pid, open("grandchild").read(), os.getpid(), file=file)
    """)
    worker = pool.submit(os.getpid).result()
    result = pool.submit(run_trial, task_of(tmp_path, text)).result()
    assert result.error is None, result.error
    folder, *pids = left.read_text(encoding="utf-8").split()
    assert Path(folder).parent == Path(tempfile.gettempdir())
    assert not Path(folder).exists()
    assert not [pid for pid in pids if is_running(int(pid))]
    (zygote,) = children(worker)
    assert children(zygote) == []
    assert len(list(Path(f"/proc/{zygote}/task").iterdir())) == 1  # one thread: no lock is held where it forks
    assert pool.submit(os.getcwd).result() == str(Path.cwd())


@pytest.mark.parametrize("whom", ["worker", "zygote"])
def test_whoever_is_killed_takes_the_room_along(tmp_path: Path, whom: str) -> None:
    started = tmp_path / "started"
    text = leaving(f"open({str(started)!r}, 'w').close(); import time; time.sleep(600)")
    with closing(LokyExecutor(1, PRELOAD)) as pool:
        worker = pool.submit(os.getpid).result()
        future = pool.submit(run_trial, task_of(tmp_path, text))
        while not started.exists():
            assert not future.done(), future.result()
            time.sleep(0.02)
        below = descendants(worker)
        assert len(below) == 2
        os.kill(worker if whom == "worker" else below[0], signal.SIGKILL)
        with pytest.raises(BrokenExecutor):
            future.result(60)
        deadline = time.monotonic() + 10
        while any(map(is_running, below)):
            assert time.monotonic() < deadline, "a room outlives its worker"
            time.sleep(0.02)
        assert pool.submit(run_trial, task_of(tmp_path, QUESTION)).result().state is State.COMPLETE


def test_what_they_print_reaches_no_result(
    pools: dict[int, LokyExecutor], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = leaving("""
        print("said in Python")
        os.write(1, b"said below it")
        subprocess.run(["echo", "said by a child"], check=True)
    """)
    with closing(LokyExecutor(1, PRELOAD)) as pool:  # it takes this test's standard output and error
        assert pool.submit(run_trial, task_of(tmp_path, text)).result().error is None
    assert capfd.readouterr().out == ""


def test_a_death_in_its_room_is_counted_and_costs_no_other_trial(uri: str, tmp_path: Path) -> None:
    (tmp_path / "mynet.py").write_text(leaving("if eta == 2.0: os._exit(3)\nelse: pass"), encoding="utf-8")
    search = {"eta": {"choices": [0.5, 1.0, 2.0, 3.0]}, "lambda": 0.0, "batch_size": 50}
    table = small_table(search=search, sampler="grid", trials=4, network="mynet.py:Network")
    # met with the smallest eta
    spec, watcher = read_spec(write_spec(tmp_path / "spec.toml", table)), Watcher()
    finished = run_sweep(spec, watcher, 2, uri)
    trials = load("small", uri).trials.set_index("eta")
    assert trials["state"].to_dict() == {0.5: "complete", 1.0: "complete", 2.0: "failed", 3.0: "complete"}
    assert finished.failed == ((trials.loc[2.0, "trial"], 0),)
    again = [message for message in watcher.messages if "runs again" in message]
    assert {message.split("trial ")[1] for message in again} == {f"{trials.loc[2.0, 'trial']} runs again, alone"}
    replay = load("small", uri).replay(int(trials.loc[2.0, "trial"]))
    assert "left with exit code 3" in str(replay.error)


def test_a_sweep_of_a_class_with_a_schedule_of_its_own_is_the_same_on_two_workers_and_replays(
    new_store: NewStore, tmp_path: Path
) -> None:
    (tmp_path / "mynet.py").write_text(leaving(LEAVING["a step counter"]), encoding="utf-8")
    table = small_table(trials=4, network="mynet.py:Network", search__lambda=1.0, plan__epochs=2)
    spec = read_spec(write_spec(tmp_path / "spec.toml", table))
    swept_on = []
    for jobs in (1, 2):
        folder = tmp_path / str(jobs)
        folder.mkdir()
        swept_on.append(swept(spec, new_store(folder), jobs))
    assert_same(*swept_on)
    assert swept_on[1].replay(3).identical


def test_a_built_in_training_starts_no_room(pools: dict[int, LokyExecutor]) -> None:
    with closing(LokyExecutor(1, PRELOAD)) as pool:
        task = replace(task_of(Path(tempfile.mkdtemp()), QUESTION), network=None)
        workers = {pool.submit(os.getpid).result() for _ in range(3) if pool.submit(run_trial, task).result()}
        assert len(workers) == 1
        assert descendants(workers.pop()) == []


def test_a_class_that_is_not_there_is_said_to_be_so_without_a_room(tmp_path: Path) -> None:
    from sweeps.user_network.smoke_test import smoke_test

    with pytest.raises(InputError, match="there is no such file"):
        smoke_test(f"{tmp_path / 'nowhere.py'}:Network", [(3, 2)], "float64", 0.1, 5.0)
