"""A sweep says in three sentences what is safe, why the rest fails and what to do next, and prints that as a spec."""

import dataclasses
import re
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from support.small_sweeps import small_spec

from sweeps.analysis.advice import SweepTables
from sweeps.analysis.next_spec import answers, next_spec, to_toml
from sweeps.cli.main import main
from sweeps.results.sweep import Sweep
from sweeps.specification.reading import parse_spec, read_spec
from sweeps.views.report.page_data import build, tables_of
from sweeps.views.report.publishing import mapped


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"objective": ["validation_data_cost", "validation_accuracy"], "replicates": 2},
        {"search__hidden": {"choices": [[8], [8, 8]]}, "plan": {"dataset": "digits", "validation": 300}},
        {"search__lambda": 1e-7, "name": "with.dots-and_lines"},
    ],
)
def test_a_spec_written_as_toml_is_read_as_the_same_spec(changes: dict[str, object]) -> None:
    spec = small_spec(**changes)
    assert parse_spec(tomllib.loads(to_toml(spec.to_table())), "written") == spec


def test_the_next_spec_is_complete_and_can_be_run(
    pairs_sweep: Sweep, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fails on 7a25101, whose page gives fragments and whose command line nothing."""
    assert main(["next", pairs_sweep.name, "--tracking-uri", pairs_sweep.uri]) == 0
    out = capsys.readouterr().out
    assert out == next_spec(tables_of(pairs_sweep))
    (tmp_path / "next.toml").write_text(out)
    spec = read_spec(tmp_path / "next.toml")
    assert spec.name == "pairs-2"
    assert set(spec.search) == set(pairs_sweep.spec.search)
    assert spec.plan.dataset == pairs_sweep.spec.plan.dataset


def test_page_and_terminal_say_the_same_three_sentences(pairs_sweep: Sweep) -> None:
    found = tables_of(pairs_sweep)
    said = answers(found)
    built = build(pairs_sweep, mapped(pairs_sweep))
    assert len(said) == 3
    assert built["answers"] == said
    assert built["next_spec"] == next_spec(found)
    stable = int((pairs_sweep.trials["stable"] == 1).sum())
    assert 0 < stable < len(pairs_sweep.trials)
    assert said[0].startswith(("Safe is", "No "))
    assert said[1].startswith("The unstable ones: ")
    assert said[2].startswith("Next: ")


def lost_beyond(decay: float, noise: int = 0) -> SweepTables:
    """Forty trials: stable below a decay, collapsed above; of those below, `noise` oscillate."""
    rows = []
    for k in range(40):
        eta, lmbda = 0.1 * 1.2 ** (k % 8), 10.0 ** (k % 5)
        verdict = "collapsed" if eta * lmbda / 1200 > decay else "oscillating" if k < noise else "converged"
        rows.append({"trial": k, "replicate": 0, "state": "complete", "verdict": verdict, "verdict_reason": "It did."})
        rows[-1] |= {"eta": eta, "lambda": lmbda, "batch_size": 20, "eta_lambda_over_n": eta * lmbda / 1200}
        rows[-1] |= {"diverged": 0, "final.cost/validation_data": 0.1 + eta}
    epochs = pd.DataFrame({"trial": [], "replicate": [], "epoch": []})
    return SweepTables(small_spec(), pd.DataFrame(rows), epochs, 1200)


def test_a_region_is_called_safe_only_where_nine_in_ten_of_its_trials_are_stable() -> None:
    safe, why, _ = answers(lost_beyond(0.03))
    assert re.match(r"Safe is .*: there, 24 of 24 trials are stable; outside, 0 of 16\.", safe)
    assert why == "The unstable ones: 16 collapsed. As trial 3: It did."
    assert answers(lost_beyond(0.03, noise=12))[0].startswith("No region is safe altogether. Safest is ")


@pytest.mark.parametrize(("decay", "said"), [(1e9, "Every setting that was tried is safe"), (0, "No setting is known")])
def test_trials_on_one_side_only_are_said_to_be(decay: float, said: str) -> None:
    assert answers(lost_beyond(decay))[0].startswith(said)


@pytest.mark.parametrize(("name", "following"), [("mnist", "mnist-2"), ("mnist-2", "mnist-3"), ("a" * 64, "a" * 62)])
def test_the_next_sweep_has_the_next_name(name: str, following: str) -> None:
    spec = dataclasses.replace(small_spec(), name=name)
    found = tomllib.loads(next_spec(dataclasses.replace(lost_beyond(0.03), spec=spec)))["name"]
    assert found in (following, following + "-2")
    assert len(found) <= 64
