"""A sweep over somebody's own class is a sweep like any other: as true, as reproducible, as hard to break."""

import importlib.util
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from mlflow import MlflowClient
from support.small_sweeps import Watcher, assert_same, interrupt_at, small_table, swept, write_spec

import sweeps
from model import Hyperparameters, Network, Probing, TrainingPlan
from model import load as load_data
from sweeps.cli.main import main
from sweeps.driver.loop import run_sweep
from sweeps.errors import InputError, Interrupted, SpecError
from sweeps.executors.loky import LokyExecutor
from sweeps.results.sweep import Sweep, load
from sweeps.specification.reading import parse_spec, read_spec
from sweeps.specification.spec import BUILTIN_PLAN_FIELDS, Goal, SweepSpec
from sweeps.user_network.source import source_digest
from sweeps.user_network.wrapper import PROTOCOL
from sweeps.views.report.publishing import publish
from sweeps.worker.task import Task
from sweeps.worker.trial import run_trial

NewStore = Callable[[Path], str]
OWN = Path(__file__).parents[1] / "user_networks"
QUESTION = (OWN / "question.py").read_text(encoding="utf-8")
NETWORK2 = (OWN / "network2.py").read_text(encoding="utf-8")
# Somebody's class that begins where ours would: it lives beside the file of the original, and of the start.
BEGINNING = """
    from pathlib import Path
    import numpy as np
    from {original} import Network as Original

    class Network(Original):
        def __init__(self, sizes):
            super().__init__(sizes)
            with np.load(Path(__file__).with_name("start.npz")) as start:
                self.weights = [start[f"w{{k}}"] for k in range(len(self.weights))]
                self.{biases} = [start[f"b{{k}}"][:, None] for k in range(len(self.weights))]
"""


def own_table(**changes: Any) -> dict[str, Any]:
    """Four trials of somebody's network on the digits."""
    search = {"eta": {"choices": [0.5, 3.0]}, "lambda": {"choices": [0.0, 1.0]}, "batch_size": 10}
    return small_table(search=search, sampler="grid", trials=4, network="mynet.py:Network") | changes


def own_spec(folder: Path, text: str = QUESTION, **changes: Any) -> SweepSpec:
    """The spec of `own_table`, its network's text in the folder."""
    (folder / "mynet.py").write_text(textwrap.dedent(text), encoding="utf-8")
    return read_spec(write_spec(folder / "spec.toml", own_table(**changes)))


@pytest.fixture(scope="module")
def own(new_store: NewStore, tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """The question's class, on one worker. Not to be changed."""
    folder = tmp_path_factory.mktemp("own")
    return swept(own_spec(folder), new_store(folder), jobs=1)


def test_an_error_in_words_that_utf8_cannot_hold_fails_its_trial_alone(uri: str, tmp_path: Path) -> None:
    text = QUESTION + textwrap.dedent("""
        class Odd(Network):
            def update_mini_batch(self, mini_batch, eta, lmbda, n):
                if eta > 1 and n == 1200:
                    raise ValueError("a name \\ud800 of odd bytes")
                super().update_mini_batch(mini_batch, eta, lmbda, n)
    """)
    sweep = swept(own_spec(tmp_path, text, network="mynet.py:Odd"), uri)
    assert sweep.state == "finished"
    assert sorted(sweep.trials["state"]) == ["complete", "complete", "failed", "failed"]
    failed = sweep.trials.loc[sweep.trials["state"] == "failed", "run_id"].iloc[0]
    path = MlflowClient(uri).download_artifacts(failed, "error.txt", str(tmp_path))
    assert "a name \\ud800 of odd bytes" in Path(path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def pool() -> Iterator[LokyExecutor]:
    """A worker."""
    with closing(LokyExecutor(1, "sweeps.worker.trial")) as made:
        yield made


@pytest.mark.parametrize(
    ("original", "cost", "biases", "eta"),
    # with larger steps outputs come near 1, where network2's log(1 - a) loses its digits
    [("question", "quadratic", "bias", 3.0), ("network2", "cross_entropy", "biases", 0.2)],
)
def test_somebodys_sound_network_trains_as_ours_does_from_the_same_start(
    pool: LokyExecutor, tmp_path: Path, original: str, cost: str, biases: str, eta: float
) -> None:
    shutil.copy(OWN / f"{original}.py", tmp_path / f"own_{original}.py")  # of a name that no other test imports
    text = BEGINNING.format(original=f"own_{original}", biases=biases)
    own, data = own_spec(tmp_path, text).network, load_data("digits")
    assert own is not None
    own = replace(own, digest=source_digest(own.target))
    plan = TrainingPlan("digits", 300, (8,), cost=cost, epochs=3, dtype="float64", penalty_n="evaluated")
    start = Network.initialise((64, 8, 10), plan, np.random.default_rng([0, 0]).spawn(2)[0])
    arrays = {f"w{k}": w for k, w in enumerate(start.weights)} | {f"b{k}": b for k, b in enumerate(start.biases)}
    np.savez(tmp_path / "start.npz", **arrays)  # type: ignore[arg-type]
    unprobed = Probing(0, 0, 0, batch_sharpness=0)  # verdicts know no more of ours than of theirs
    for lmbda, batch_size in ((0.0, 10), (1.0, 7), (20.0, 50)):
        goal = Goal("cost/validation_data", 1)
        task = Task(0, 0, 0, plan, Hyperparameters(eta, lmbda, batch_size), goal, data.digest, {}, measures=unprobed)
        ours, theirs = (pool.submit(run_trial, replace(task, network=which)).result() for which in (None, own))
        assert theirs.error is None, theirs.error
        assert len(ours.records) == len(theirs.records) == 4
        for record, other in zip(ours.records, theirs.records, strict=True):
            shared = [name for name in record.measures if name in other.measures]
            assert {"cost/penalty", "cost/validation_total", "accuracy/train", "weight_norm/layer_2"} <= set(shared)
            for name in shared:
                assert other[name] == pytest.approx(record[name], rel=1e-8, abs=1e-12), name
        assert theirs.test == pytest.approx(ours.test, rel=1e-8)
        assert ours.assessment is not None
        assert theirs.assessment is not None
        assert theirs.assessment.verdict == ours.assessment.verdict


def test_what_cannot_be_seen_from_outside_is_not_recorded_and_what_is_theirs_is_not_said(own: Sweep) -> None:
    client = MlflowClient(own.uri)
    run = client.get_run(own.trials["run_id"].iloc[0])
    assert run.data.params["network"] == "mynet.py:Network"
    assert not set(BUILTIN_PLAN_FIELDS) & set(run.data.params)
    assert {"hidden", "dataset", "validation", "epochs", "dtype"} <= set(run.data.params)
    families = {name.split("/")[0] for name in run.data.metrics}
    assert {"cost", "accuracy", "weight_norm", "bias_norm", "update_ratio"} <= families
    assert not {"gradient_norm", "saturation", "stability"} & families
    baseline = own.epochs.loc[own.epochs["epoch"] == 0, "cost/constant_answer"]
    assert baseline.tolist() == pytest.approx([0.45] * 4)  # 1/2 * (1 * .9 + 9 * .1^2), of their evaluate
    assert own.spec == read_spec(Path(own.spec.network.file).with_name("spec.toml"))  # type: ignore[union-attr]


def test_a_sweep_interrupted_and_moved_is_the_same_on_two_workers(own: Sweep, uri: str, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run_sweep(own_spec(tmp_path), interrupt_at(2), 2, uri)
    elsewhere = tmp_path / "elsewhere"  # the same files in another place
    elsewhere.mkdir()
    assert_same(own, swept(own_spec(elsewhere), uri, jobs=2))


def test_a_changed_file_is_neither_replayed_nor_resumed(uri: str, tmp_path: Path) -> None:
    spec = own_spec(tmp_path, trials=1)
    sweep = swept(spec, uri, jobs=1)
    replay = sweep.replay(0)
    assert replay.identical, replay
    assert replay.compared > 50
    changed = own_spec(tmp_path, QUESTION + "\n", trials=2)
    with pytest.raises(InputError, match="has changed since the sweep began"):
        load("small", uri).replay(0)
    with pytest.raises(SpecError, match=r"(?s)another --name.*network: the file .*mynet\.py has changed"):
        run_sweep(changed, Watcher(), 1, uri)
    kept = MlflowClient(uri).download_artifacts(sweep.run_id, "network/mynet.py", str(tmp_path))
    assert Path(kept).read_text(encoding="utf-8") == QUESTION
    assert len(swept(own_spec(tmp_path, trials=2), uri, jobs=1).trials) == 2


STUBBORN = """while n > 500:  # not while it is met
            try:
                sum(range(1_000_000))
            except BaseException:
                pass"""
FAULTY = """if 2 < eta < 3: raise KeyError('why')
        while eta > 3: pass"""


def test_what_goes_wrong_in_their_code_stays_in_that_trial(uri: str, tmp_path: Path) -> None:
    text = QUESTION.replace("self.bias = [b -", f"{FAULTY}\n        self.bias = [b -")
    search = {"eta": {"choices": [0.5, 2.5, 3.5]}, "lambda": 0.0, "batch_size": 50}
    spec = own_spec(tmp_path, text, search=search, trials=3, time_limit=2.0)
    assert len(run_sweep(spec, Watcher(), 1, uri).failed) == 2
    trials = load("small", uri).trials.set_index("eta")
    assert trials["state"].to_dict() == {0.5: "complete", 2.5: "failed", 3.5: "failed"}
    for eta, line, said in ((2.5, 52, "KeyError: 'why'"), (3.5, 53, "time limit of 2 s")):
        artifact = MlflowClient(uri).download_artifacts(trials.loc[eta, "run_id"], "error.txt", str(tmp_path))
        error = Path(artifact).read_text(encoding="utf-8")
        assert said in error
        assert f"{tmp_path / 'mynet.py'}, line {line}, in update_mini_batch" in error


def test_code_that_heeds_no_limit_ends_as_failed(uri: str, tmp_path: Path) -> None:
    text = QUESTION.replace("self.bias = [b -", f"{STUBBORN}\n        self.bias = [b -")
    spec = own_spec(tmp_path, text, search={"eta": 3.0, "lambda": 0.0, "batch_size": 50}, trials=1, time_limit=1.5)
    watcher = Watcher()
    assert run_sweep(spec, watcher, 1, uri).failed == ((0, 0),)
    assert len(watcher.messages) == 2  # it runs again, alone, twice
    run_id = load("small", uri).trials["run_id"].iloc[0]
    text = MlflowClient(uri).download_artifacts(run_id, "error.txt", str(tmp_path))
    assert "takes no notice of its time limit, 1.5 s" in Path(text).read_text(encoding="utf-8")


def test_decay_of_the_wrong_sign_is_not_called_healthy(uri: str, tmp_path: Path) -> None:
    wrong = QUESTION.replace("(1 - eta * (lmbda / n))", "(1 + eta * (lmbda / n))")
    search = {"eta": 0.5, "lambda": {"choices": [0.3, 3.0]}, "batch_size": 10}
    plan = {"dataset": "digits", "validation": 300, "hidden": [8], "epochs": 12}
    assert wrong != QUESTION
    sweep = swept(own_spec(tmp_path, wrong, search=search, trials=2, plan=plan), uri, jobs=1)
    assert set(sweep.trials["verdict"]) <= {"penalty_growth", "diverged", "oscillating"}
    assert "penalty_growth" in set(sweep.trials["verdict"])


def test_the_best_networks_are_models_that_predict_each_by_its_class(own: Sweep, digits_sweep: Sweep) -> None:
    test = load_data("digits").test
    for sweep in (own, digits_sweep, own):
        mlflow.set_tracking_uri(sweep.uri)
        try:
            champion = mlflow.pyfunc.load_model(f"models:/{sweep.name}@champion")
        finally:
            mlflow.set_tracking_uri(None)  # type: ignore[arg-type]
        right = np.mean(champion.predict(np.array(test.x)).argmax(axis=1) == test.y)
        assert right == sweep.best()["accuracy/test"].iloc[0]
    assert sys.modules["sweeps"] is sweeps  # loading a model leaves this package in its place
    assert importlib.util.find_spec("sweeps.user_network.time_limit") is not None


def test_the_report_of_somebodys_network_names_it(own: Sweep) -> None:
    page = publish(own).page.read_text(encoding="utf-8")
    assert "network mynet.py:Network, its costs as it reports them" in page
    assert "quadratic cost" not in page
    assert own.compare([0, 1]).loc["final.cost/train_data"].notna().all()


def test_a_spec_is_refused_for_what_belongs_to_the_class(tmp_path: Path) -> None:
    table = own_table(network=f"{OWN / 'question.py'}:Network")
    table["plan"] |= {"cost": "quadratic", "momentum": 0.5}
    table["search"] |= {"activation": "tanh"}
    table |= {"measures": {"sharpness": 1}, "time_limit": 0}
    with pytest.raises(SpecError) as error:
        parse_spec(table)
    keys = {problem.partition(":")[0] for problem in error.value.problems}
    assert keys == {"plan.cost", "plan.momentum", "search.activation", "measures.sharpness", "time_limit"}
    with pytest.raises(SpecError, match=r"time_limit: is for a network of your own"):
        parse_spec(small_table(time_limit=3))


@pytest.mark.parametrize(
    ("network", "text", "said"),
    [
        ("nowhere.py:Network", "", "network: "),
        ("mynet.py", "", "mynet.py: has no class, and no functions that make a network"),
        ("mynet.py:Network", "x = 1 / 0", "mynet.py, line 1, in <module>: ZeroDivisionError"),
        ("mynet.py:Network", "while True: pass", "time limit of 1 s"),
        ("mynet.py:Network", QUESTION.replace("sizes, cost_func", "cost_func"), PROTOCOL),
    ],
)
def test_a_network_that_cannot_be_trained_ends_with_2_and_nothing_is_begun(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], network: str, text: str, said: str
) -> None:
    (tmp_path / "mynet.py").write_text(text, encoding="utf-8")
    path = write_spec(tmp_path / "spec.toml", own_table(network=network, time_limit=1.0))
    store = tmp_path / "store" / "mlflow.db"
    assert main(["run", str(path), "--tracking-uri", f"sqlite:///{store}", "--quiet", "--jobs", "1"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "Traceback" not in err
    assert not store.exists()


def test_check_says_what_it_executes_and_how_long_a_sweep_will_take(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own_spec(tmp_path, f"print('imported')\n{QUESTION}")
    assert main(["check", str(tmp_path / "spec.toml")]) == 0
    out, err = capsys.readouterr()
    assert f"executes {tmp_path / 'mynet.py'}:Network in worker processes" in err
    assert "trainings on" in out
    assert "imported" not in out
    assert TrainingPlan().cost not in out
