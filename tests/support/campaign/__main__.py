"""The campaign by hand: `PYTHONPATH=.:tests python -m support.campaign --faults 300`, or `--seed 17` for one case.

Prints a line for each case and a table at the end; exits 1 where a sweep did not come out as the undisturbed one.
"""

import argparse
import itertools
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from support.campaign.cases import SAMPLERS, Campaign, case_of, spec_of
from support.campaign.drivers import Driver, Place, forks
from support.campaign.faults import LONG, SHORT
from support.campaign.stores import HttpStore, Kept, PostgresStore, ServedPostgresStore, SqliteStore

from sweeps.results.sweep import load

_INSIDE = "SWEEPS_CAMPAIGN_MAY_MOUNT"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="support.campaign", description=__doc__)
    parser.add_argument("--faults", type=int, default=20, help="go on until so many have struck")
    parser.add_argument("--first", type=int, default=0, help="seed of the first case")
    parser.add_argument("--seed", type=int, action="append", help="these cases only")
    parser.add_argument("--only", default="", help="a part of the names of faults")
    parser.add_argument("--store", action="append", help="cases of these kinds of stores only")
    parser.add_argument("--cluster", action="store_true", help="trainings run on a Dask cluster, which is struck, too")
    parser.add_argument("--short", action="store_true", help="faults last seconds, not half minutes")
    parser.add_argument("--processes", type=int, default=1, help="cases at a time")
    parser.add_argument("--lane", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.lane:
        return _serve(Path(given.lane), given)
    if _INSIDE not in os.environ:
        _enter_a_namespace(given.cluster)
    seeds = (
        seed
        for seed in (given.seed or itertools.count(given.first))
        if (case := case_of(seed, given.only, given.cluster)).faults and (not given.store or case.store in given.store)
    )
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
        samplers = {case_of(seed, given.only, given.cluster).sampler for seed in given.seed or ()} or SAMPLERS
        work = _undisturbed(Path(folder), samplers)
        print(f"the driver of an undisturbed sweep works {work:.1f} s", flush=True)
        (Path(folder) / "work").write_text(str(work))
        outcomes = _carried_out(Path(folder), given, seeds)
    print(table(outcomes))
    return int(any(outcome["problems"] for outcome in outcomes))


def table(outcomes: Sequence[dict[str, Any]]) -> str:
    """Faults by kind and store: how many struck, how many of these in sweeps that came out whole."""
    struck, survived = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for outcome in outcomes:
        for name, met in outcome["faults"]:
            struck[name, outcome["store"]] += met
            survived[name, outcome["store"]] += met and not outcome["problems"]
    total, whole = sum(struck.values()), sum(survived.values())
    lines = ["", "| fault | store | struck | survived |", "| --- | --- | ---: | ---: |"]
    lines += [
        f"| {name} | {store} | {struck[name, store]} | {survived[name, store]} |" for name, store in sorted(struck)
    ]
    lines += [f"| all | | {total} | {whole} |", ""]
    lines += [
        f"seed {outcome['seed']}: {'; '.join(outcome['problems'])}" for outcome in outcomes if outcome["problems"]
    ]
    return "\n".join(lines)


def _enter_a_namespace(on_cluster: bool) -> None:
    """Starts over where small disks can be mounted that nobody else sees; else those faults are left out, and said.

    on_cluster: where machines can be had, too, whose lines can be cut.
    """
    if on_cluster:
        way = ["unshare", "--mount", "--net"]
        inside = f'ip link set lo up && mount -t tmpfs tmpfs /run && exec {sys.executable} -m support.campaign "$@"'
        os.environ[_INSIDE] = "yes"
        os.execvp(way[0], [*way, "sh", "-c", inside, "sh", *sys.argv[1:]])
    for way in (["unshare", "--mount"], ["unshare", "--mount", "--map-root-user"]):
        probe = [*way, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            os.environ[_INSIDE] = "yes"
            os.execvp(way[0], [*way, sys.executable, "-m", "support.campaign", *sys.argv[1:]])
    os.environ[_INSIDE] = ""
    print("no disk can be mounted here: the faults 'disk full' are left out", flush=True)


def _undisturbed(folder: Path, samplers: Collection[str]) -> float:
    """Runs each sampler's sweep without a fault; returns how many seconds of processor time the last driver used."""
    context = forks()
    for sampler in samplers:
        place = Place(folder / "undisturbed" / sampler, folder / "cache")
        spec = spec_of(place.folder, "undisturbed", sampler)
        driver = Driver(context, ["run", str(spec), "--tracking-uri", _uri(folder, sampler)], place, fresh=False)
        work = 0.0
        while not driver.wait(0.02):
            work = max(work, driver.work())
        if driver.exit_code != 0:
            raise RuntimeError(f"the undisturbed sweep does not run: {place.last_words()}")
    return work


def _uri(folder: Path, sampler: str) -> str:
    return f"sqlite:///{folder}/undisturbed/{sampler}/mlflow.db"


def _carried_out(folder: Path, given: argparse.Namespace, seeds: Iterator[int]) -> list[dict[str, Any]]:
    """Has cases carried out by lanes, each a process, until enough faults have struck."""
    outcomes: list[dict[str, Any]] = []
    lock = threading.Lock()

    def next_seed() -> int | None:
        with lock:
            struck = sum(met for outcome in outcomes for _, met in outcome["faults"])
            return None if struck >= given.faults and not given.seed else next(seeds, None)

    def feed(number: int) -> None:
        command = [sys.executable, "-m", "support.campaign", "--lane", str(folder / f"lane-{number}")]
        command += ["--only", given.only] + ["--short"] * given.short + ["--cluster"] * given.cluster
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as lane:
            assert lane.stdin is not None
            assert lane.stdout is not None
            while (seed := next_seed()) is not None:
                print(seed, file=lane.stdin, flush=True)
                answer = lane.stdout.readline()
                if not answer:
                    raise RuntimeError(f"the campaign itself broke at seed {seed}")
                with lock:
                    outcomes.append(json.loads(answer))
                    print(_line(outcomes[-1]), flush=True)
            lane.stdin.close()

    with ThreadPoolExecutor(given.processes) as threads:
        for lane in [threads.submit(feed, number) for number in range(given.processes)]:
            lane.result()
    return outcomes


def _serve(folder: Path, given: argparse.Namespace) -> int:
    """A lane: carries out the cases whose seeds it reads, and writes what came of each."""
    logging.disable(logging.CRITICAL)
    folder.mkdir()
    root = folder.parent
    samplers = [path.name for path in (root / "undisturbed").iterdir()]
    undisturbed = {sampler: load("undisturbed", _uri(root, sampler)) for sampler in samplers}
    work = float((root / "work").read_text())
    makers: dict[str, Callable[[], Kept]] = {
        "sqlite": SqliteStore,
        "http": lambda: HttpStore(folder / "server"),
        "postgres": PostgresStore,
        "http on postgres": lambda: ServedPostgresStore(folder / "server-on-postgres"),
    }
    stores: dict[str, Kept] = {}

    def kept(kind: str) -> Kept:
        if kind not in stores:  # a server starts with the first case that needs it
            stores[kind] = makers[kind]()
        return stores[kind]

    times, may_mount = SHORT if given.short else LONG, os.environ[_INSIDE] == "yes"
    campaign = Campaign(forks(), folder, kept, undisturbed, work, times, may_mount)
    try:
        for seed in sys.stdin:
            outcome = campaign.of(case_of(int(seed), given.only, given.cluster))
            print(json.dumps(outcome.to_table()), flush=True)
    finally:
        for store in stores.values():
            store.close()
    return 0


def _line(outcome: dict[str, Any]) -> str:
    faults = ", ".join(name if met else f"({name})" for name, met in outcome["faults"])
    word = "; ".join(outcome["problems"]) or "whole"
    return f"seed {outcome['seed']}: {outcome['store']}, {outcome['run']}: {faults}: {word} [{outcome['seconds']} s]"


if __name__ == "__main__":
    sys.exit(main())
