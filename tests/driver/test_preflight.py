"""Before a sweep what is wrong with its data or its start is said in a sentence; what is certain to fail is refused."""

from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.small_sweeps import small_table, write_spec

from model import load as load_data
from sweeps.driver.first_look import first_look
from sweeps.driver.preflight import preflight
from sweeps.errors import UserNetworkError
from sweeps.specification.reading import read_spec
from sweeps.specification.requirements import datasets
from sweeps.specification.spec import SweepSpec

OWN = Path(__file__).parents[1] / "user_networks"


class Here:
    """An executor that does at once what it is given; their code runs in a room all the same."""

    size = 1

    def submit(self, function, *arguments):
        future = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:  # noqa: BLE001 - as an executor does
            future.set_exception(error)
        return future


def said(spec: SweepSpec) -> list[str]:
    messages: list[str] = []
    data = datasets(spec)
    first_look(preflight(spec, data, Here(), messages.append), data, messages.append)
    return messages


def spec_of(folder: Path, network: str = "", **changes: object) -> SweepSpec:
    table = small_table(search={"eta": 0.5, "lambda": 0.0, "batch_size": 10}, trials=1, **changes)
    if network:
        for name in ("activation", "output", "cost", "initialisation", "penalty_n", "momentum"):
            table["plan"].pop(name, None)
        table["network"] = network
    return read_spec(write_spec(folder / "spec.toml", table))


def test_a_sound_sweep_is_told_nothing(tmp_path: Path) -> None:
    assert said(spec_of(tmp_path)) == []
    assert said(spec_of(tmp_path, f"{OWN / 'question.py'}:Network")) == []


def test_inputs_that_are_not_scaled_are_told_and_trained_on(tmp_path: Path) -> None:
    data = load_data("digits")
    x = {"x_train": 16.0 * data.train.x[:300], "x_test": 16.0 * data.test.x[:100]}
    np.savez(tmp_path / "raw.npz", **x, y_train=data.train.y[:300], y_test=data.test.y[:100])
    spec = spec_of(tmp_path)
    plan = replace(spec.plan, dataset=f"npz:{tmp_path / 'raw.npz'}", validation=50)
    (message, *_) = said(replace(spec, plan=plan))
    assert message.startswith(f"npz:{tmp_path / 'raw.npz'}: The inputs are not scaled: they reach 256")
    assert "x / 255" in message


def test_a_start_that_learns_nothing_is_told_in_one_sentence(tmp_path: Path) -> None:
    messages = said(spec_of(tmp_path, f"{OWN / 'matrix_form.py'}:Zeros"))
    assert len([message for message in messages if "start with the same weights" in message]) == 1


def test_a_cost_that_is_no_number_from_any_start_is_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        f"import sys\nsys.path.insert(0, {str(OWN)!r})\nfrom question import Network\n\n\nclass NoNumber(Network):\n"
        "    def evaluate(self, data, lmbda):\n        return float('nan'), 0\n",
        encoding="utf-8",
    )
    with pytest.raises(UserNetworkError, match=r"reported cost is nan before the first step.*every trial would end"):
        said(spec_of(tmp_path, "mine.py:NoNumber"))
