"""Settings of a sound class: the bounds of theory, the curvature they need, and what a sweep measured nearby."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sweeps
from model import Network
from model.curvature import Hessian, largest_eigenvalue
from sweeps.diagnosis.findings import Code
from sweeps.diagnosis.network.settings_check import TrainingSettings, curvature, judge_settings
from sweeps.diagnosis.network.steps import draw_point
from sweeps.diagnosis.network.subject import Subject
from sweeps.diagnosis.sweep_neighbours import nearest_stable
from sweeps.errors import InputError
from sweeps.user_network.loading import load_class
from sweeps.user_network.wrapper import WrappedNetwork

NETWORKS = Path(sweeps.__file__).parent / "specs/case_study/networks.py"
TRIALS = pd.DataFrame(
    {
        "trial": [0, 1, 2, 3],
        "eta": [0.1, 1.0, 10.0, 100.0],
        "lambda": [1.0, 1.0, 1.0, 0.0],
        "batch_size": [10, 10, 10, 10],
        "verdict": ["converged", "slow", "diverged", "diverged"],
    }
)
positive = st.floats(1e-3, 1e3)


def test_curvature_from_their_steps_is_that_of_the_exact_hessian() -> None:
    wrapped = WrappedNetwork.made(load_class(f"{NETWORKS}:Mended"), (6, 5, 4, 3))
    subject = Subject(wrapped)
    point = draw_point(subject.layout, np.random.default_rng(0), 20)
    weights, biases = subject.layout.weights(point.theta), subject.layout.biases(point.theta)
    hessian = Hessian(Network(tuple(weights), tuple(biases)), point.x, point.y, lmbda=0.0, n=20)
    exact, _ = largest_eigenvalue(hessian.times, np.random.default_rng(1).standard_normal(hessian.size), 200, 1e-9)
    assert curvature(subject, point) == pytest.approx(exact, rel=0.01)


@given(eta=positive, lmbda=st.floats(0, 1e5), height=st.floats(0, 10), momentum=st.sampled_from([0.0, 0.9]))
def test_what_is_advised_keeps_both_bounds_and_what_keeps_them_is_not_mentioned(
    eta: float, lmbda: float, height: float, momentum: float
) -> None:
    settings = TrainingSettings(eta, lmbda, batch_size=10, n=1000)
    found = judge_settings(settings, height, momentum)
    bound = 2 * (1 + momentum)
    assert bool(found) == (eta * max(lmbda / 1000, height + lmbda / 1000) > bound or settings.decay >= bound)
    for finding in found:
        advised = TrainingSettings(finding.evidence["eta_advised"], lmbda, 10, 1000)
        assert not [f for f in judge_settings(advised, 0.0, momentum) if f.code is Code.UNSTABLE_DECAY]
        if finding.code is Code.UNSTABLE_CURVATURE:
            assert judge_settings(advised, height, momentum) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((0.0, 1.0, 10, 100), "eta"),
        ((float("nan"), 1.0, 10, 100), "eta"),
        ((1.0, -1.0, 10, 100), "lambda"),
        ((1.0, 1.0, 101, 100), "batch size"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(given: tuple[float, float, int, int], said: str) -> None:
    with pytest.raises(InputError, match=f"^{said}: .*got"):
        TrainingSettings(*given)


def test_the_nearest_stable_trial_of_a_sweep_is_named_with_its_settings() -> None:
    finding = nearest_stable(TrainingSettings(20.0, 1.0, 10, 1000), TRIALS, "mine")
    assert finding.evidence["advised"] == {"eta": 1.0, "lambda": 1.0, "batch_size": 10.0}
    assert finding.evidence["stable_among_nearest"] == 2
    assert "trial 1" in finding.remedy
    assert "(the nearest, trial 2, is diverged)" in finding.message


def test_a_sweep_without_stable_trials_advises_nothing() -> None:
    finding = nearest_stable(TrainingSettings(20.0, 1.0, 10, 1000), TRIALS[TRIALS["verdict"] == "diverged"], "mine")
    assert finding.remedy == ""
    assert "None of its trials is stable" in finding.message


def test_a_sweep_without_verdicts_is_refused() -> None:
    with pytest.raises(InputError, match="mine: has no trial with a verdict"):
        nearest_stable(TrainingSettings(20.0, 1.0, 10, 1000), TRIALS.assign(verdict="failed"), "mine")
