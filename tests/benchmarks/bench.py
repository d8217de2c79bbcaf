"""`make bench`: every speed claim of the project as a ratio, measured in one run on this machine."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import contenders
import numpy as np
import torch
from threadpoolctl import threadpool_limits

import model
from model.measures import Measures
from model.probing import Probe
from sweeps.executors.loky import LokyExecutor
from sweeps.specification.reading import read_spec
from sweeps.specification.spec import Goal
from sweeps.worker.task import Task, TrialResult
from sweeps.worker.trial import run_trial

ROUNDS = 7  # the contenders take turns, so that a busy neighbour slows them all
EXAMPLES = 10_000


def main() -> None:
    """Prints claim, measurement and bound of each benchmark."""
    step()
    measures()
    worker_memory()
    queries()
    sweep()


def report(claim: str, measured: float, bound: str) -> None:
    """One line."""
    print(f"{claim:<78} {measured:8.3g}   {bound}", flush=True)


def step() -> None:
    """A training step against PyTorch's, scikit-learn's, and the bare matrix products."""
    train = model.mnist().train
    x = np.ascontiguousarray(train.x[:EXAMPLES] * np.float32(train.scale), np.float32)
    y = np.eye(10, dtype=np.float32)[train.y[:EXAMPLES]]
    torch.set_num_threads(1)
    steps = EXAMPLES / contenders.BATCH
    with threadpool_limits(limits=1):
        timed = {"product": contenders.product, "bare": contenders.bare_products, "torch": contenders.pytorch_eager}
        runs = {name: make(x, y) for name, make in timed.items()}
        seconds: dict[str, list[float]] = {name: [] for name in (*runs, "scikit-learn")}
        for _ in range(ROUNDS):
            for name, run in runs.items():
                started = time.perf_counter()
                run()
                seconds[name].append(time.perf_counter() - started)
            seconds["scikit-learn"].append(contenders.scikit_learn_seconds(x, y))
    median = {name: float(np.median(values)) for name, values in seconds.items()}
    for name, value in median.items():
        report(f"step of {name}, [784, 30, 10], batch 10, float32, one thread: microseconds", value / steps * 1e6, "")
    report("step / PyTorch's eager SGD step", median["product"] / median["torch"], "at most 0.125")
    report("step / scikit-learn's MLPClassifier step", median["product"] / median["scikit-learn"], "at most 0.125")
    report("step / five bare matrix products", median["product"] / median["bare"], "at most 2.5")


def measures() -> None:
    """Processor time of all measures on probe and mini-batches, within trainings of the default spec's batch sizes."""
    spec = read_spec(Path("sweeps/specs/default.toml"))
    measure, within = Probe.measure, 0.0

    def timed(probe: Probe, epoch: int) -> Measures:
        nonlocal within
        started = time.process_time()
        found = measure(probe, epoch)
        within += time.process_time() - started
        return found

    Probe.measure = timed
    started = time.process_time()
    with threadpool_limits(limits=1):
        for batch_size in spec.search["batch_size"].corners:
            settings = model.Hyperparameters(0.5, 5.0, batch_size)
            for _ in model.train(spec.plan, settings, model.mnist(), np.random.default_rng(0)):
                pass
    seconds = time.process_time() - started
    Probe.measure = measure
    report("default spec with its measures / without", seconds / (seconds - within), "at most 1.1")


def worker_memory() -> None:
    """Peak resident memory of a worker that trains on MNIST."""
    data = model.mnist()
    plan = model.TrainingPlan(epochs=1)
    task = Task(0, 0, 0, plan, model.Hyperparameters(0.5, 5.0, 10), Goal("cost/validation_data", 1), data.digest, {})
    pool = LokyExecutor(1, "sweeps.worker.trial")
    result: TrialResult = pool.submit(run_trial, task).result()
    status = pool.submit(Path("/proc/self/status").read_text).result()  # no function of this file: it imports PyTorch
    pool.close()
    if result.error:
        sys.exit(result.error)
    megabytes = int(status.split("VmHWM:")[1].split()[0]) / 1024
    report("a worker after a trial on MNIST: peak resident megabytes", megabytes, "at most 200")


def queries() -> None:
    """The epochs of a finished sweep of 1,000 trials x 30 epochs x 20 metrics, from the store to a DataFrame."""
    import pandas as pd
    from mlflow import MlflowClient

    import sweeps

    rng = np.random.default_rng(0)
    keys = {"trial": np.repeat(np.arange(1000), 30), "replicate": 0, "epoch": np.tile(np.arange(30), 1000)}
    frame = pd.DataFrame(keys | {f"metric/{k}": rng.standard_normal(30_000) for k in range(20)})
    with tempfile.TemporaryDirectory() as scratch:
        uri = f"sqlite:///{scratch}/mlflow.db"
        small = sweeps.run("sweeps/specs/digits.toml", jobs=1, tracking_uri=uri, trials=1)
        run = MlflowClient(uri).search_runs([small.experiment_id], "tags.kind = 'sweep'")[0]
        frame.to_parquet(Path(scratch, "epochs.parquet"), index=False)
        MlflowClient(uri).log_artifact(run.info.run_id, str(Path(scratch, "epochs.parquet")), "tables")
        started = time.perf_counter()
        loaded = sweeps.load(small.name, uri).epochs
        seconds = time.perf_counter() - started
    report(
        f"{loaded.size - 3 * len(loaded):,} recorded values, from the store to a DataFrame: seconds", seconds, "below 1"
    )


def sweep() -> None:
    """The default sweep on 2 workers against the time that its trials spent training."""
    with tempfile.TemporaryDirectory() as scratch:
        uri = f"sqlite:///{scratch}/mlflow.db"
        environment = os.environ | {"MLFLOW_TRACKING_URI": uri}
        command = [sys.executable, "-m", "sweeps", "run", "--jobs", "2", "--quiet"]
        started = time.perf_counter()
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        wall = time.perf_counter() - started
        import sweeps

        seconds = sweeps.load("mnist", uri).trials["seconds"].sum()
    report("default sweep, command to prompt, 2 workers: seconds", wall, "")
    report("default sweep / (its trials' own seconds / 2)", wall / (seconds / 2), "at most 1.1")


if __name__ == "__main__":
    main()
