"""Long sweeps of trials that take milliseconds: what the driver itself spends on a trial, and how long readers wait.

PYTHONPATH=tests .venv/bin/python tests/benchmarks/scale.py --trials 10000 --sampler qmc --store sqlite
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.mlflow_servers import Server
from support.postgres import Postgres
from support.small_sweeps import small_table, write_spec

from sweeps.driver.loop import run_sweep
from sweeps.events import Status
from sweeps.specification.reading import read_spec
from sweeps.tracking.store import Store

STORES = ("sqlite", "postgresql", "http", "http on postgresql")
CHUNK = 100  # trials over which a rate is told


@dataclass
class Meter:
    """A Progress that notes the driver's own processor time, and the clock, as trials end."""

    ended: list[int] = field(default_factory=list)
    spent: list[float] = field(default_factory=list)
    clock: list[float] = field(default_factory=list)

    def show(self, status: Status) -> None:
        if not self.ended or status.ended >= self.ended[-1] + CHUNK:
            self.ended.append(status.ended)
            self.spent.append(time.process_time())
            self.clock.append(time.perf_counter())

    def say(self, message: str) -> None:
        print(message, flush=True)

    def at(self, trial: int) -> float:
        """The driver's own seconds a trial, over the chunk that ends there."""
        place = next(place for place, ended in enumerate(self.ended) if ended >= trial)
        place = max(1, place)
        return (self.spent[place] - self.spent[place - 1]) / (self.ended[place] - self.ended[place - 1])


@contextmanager
def store(kind: str, folder: Path) -> Iterator[str]:
    """The tracking URI of an empty store."""
    with ExitStack() as stack:
        if kind == "sqlite":
            yield f"sqlite:///{folder}/mlflow.db"
        elif kind == "http":
            Store(f"sqlite:///{folder}/mlflow.db")  # makes its tables
            server = Server(folder, f"sqlite:///{folder}/mlflow.db")
            stack.callback(server.stop)
            server.start()
            yield server.uri
        else:
            database = Postgres()
            stack.callback(database.remove)
            database.start()
            uri = database.new_database("scale")
            if kind == "http on postgresql":
                Store(uri)
                server = Server(folder, uri)
                stack.callback(server.stop)
                server.start()
                uri = server.uri
            yield uri


def timed(*arguments: str) -> float:
    """Seconds that a command takes."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "sweeps", *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--sampler", default="qmc")
    parser.add_argument("--store", choices=STORES, default="sqlite")
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, store(asked.store, Path(scratch)) as uri:
        plan = {"plan__hidden": [4], "plan__epochs": 1, "search__lambda": {"low": 0.1, "high": 10.0, "log": True}}
        table = small_table(name="scale", trials=asked.trials, sampler=asked.sampler, lag=16, **plan)
        path = write_spec(Path(scratch, "scale.toml"), table)
        meter, began = Meter(), time.perf_counter()
        run_sweep(read_spec(path), meter, asked.jobs, uri)
        seconds = time.perf_counter() - began
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        early, late = meter.at(2 * CHUNK), meter.at(asked.trials - CHUNK)
        rate = asked.trials / seconds
        print(f"{asked.store}, {asked.sampler}: {asked.trials} trials in {seconds:.0f} s, {rate:.1f} a second")
        print(f"driver's own ms a trial: {early * 1e3:.1f} after 200, {late * 1e3:.1f} at the end: {late / early:.2f}")
        print(f"driver's memory: {memory:.0f} MB at the most")
        address = ("--tracking-uri", uri)
        for command in (
            ["list"],
            ["show", "scale"],
            ["run", str(path), "--quiet"],
            ["run", str(path), "--quiet"],
            ["report", "scale"],
        ):
            print(f"sweeps {command[0]}: {timed(*command, *address):.2f} s", flush=True)
        loading = f"import sweeps; sweeps.load('scale', {uri!r}).trials"
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", loading], check=True)
        print(f"load: {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    main()
