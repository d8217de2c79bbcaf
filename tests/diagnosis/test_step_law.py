"""What lambda takes from a weight in somebody's step is measured before a sweep, and verdicts go by that."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.small_sweeps import Watcher, small_spec, small_table

from model import metrics
from sweeps.analysis.advice import SweepTables, advise, fault_sentences
from sweeps.diagnosis.network.step_law import StepLaw, faults_of, faults_text, law_of
from sweeps.diagnosis.network.step_law_measuring import examine_source
from sweeps.driver.loop import run_sweep
from sweeps.results.sweep import load
from sweeps.specification.reading import parse_spec
from sweeps.user_network.source import NetworkSource
from sweeps.verdicts.curves import Curves
from sweeps.verdicts.facts import TrialFacts
from sweeps.verdicts.rules import assess
from sweeps.verdicts.verdict import Verdict
from sweeps.worker.facts import user_network_facts

CASES = Path(__file__).parents[2] / "sweeps" / "specs" / "case_study" / "networks.py"
DERIVED = """
import importlib.util
spec = importlib.util.spec_from_file_location("networks_of_the_case_study", {cases!r})
networks = importlib.util.module_from_spec(spec)
spec.loader.exec_module(networks)

class Idle(networks.Mended):
    def kept(self, eta, lmbda, n):
        return 1

class ByBatch(networks.Mended):
    def update_mini_batch(self, mini_batch, eta, lmbda, n):
        self.size = len(mini_batch)
        super().update_mini_batch(mini_batch, eta, lmbda, n)

    def kept(self, eta, lmbda, n):
        return 1 - 2 * eta * lmbda / self.size
"""


@pytest.fixture
def derived(tmp_path: Path) -> Path:
    file = tmp_path / "derived.py"
    file.write_text(DERIVED.format(cases=str(CASES)))
    return file


@pytest.mark.parametrize(
    ("name", "law", "words"),
    [
        ("Mended", StepLaw(1.0), "eta * lambda / n"),
        ("DecaySignFlipped", StepLaw(-1.0), "-1 * eta * lambda / n"),
        ("NoEtaInDecay", StepLaw(1.0, eta=0), "lambda / n"),
    ],
)
def test_the_law_of_a_step_is_measured(name: str, law: StepLaw, words: str) -> None:
    found = examine_source(f"{CASES}:{name}", 60.0).law
    assert found == law
    assert found.in_words == words
    assert law_of(found.text) == law
    assert found.is_usual == (name == "Mended")


def test_a_lambda_without_effect_and_one_over_the_batch_size_are_told_apart(derived: Path) -> None:
    idle, by_batch = (examine_source(f"{derived}:{name}", 60.0).law for name in ("Idle", "ByBatch"))
    assert idle is not None
    assert idle.is_idle
    assert by_batch == StepLaw(2.0, n=0, batch=-1)
    assert by_batch.in_words == "2 * eta * lambda / batch size"
    assert by_batch.taken(0.5, 10.0, 1200, 20) == pytest.approx(0.5)


def facts(law: StepLaw | None, faults: tuple[tuple[str, str], ...] = ()) -> TrialFacts:
    given = TrialFacts(eta=0.5, lmbda=10.0, batch_size=20, n=1200, classes=10)
    source = NetworkSource("mine.py:Net", decay=law.text if law else "", faults=faults_text(faults))
    return user_network_facts(given, source, 0.45)


def test_facts_hold_the_measured_decay_only_where_it_is_not_the_usual_one() -> None:
    for law in (None, StepLaw(1.0)):
        assert facts(law).taken is None
        assert facts(law).decay == 0.5 * 10.0 / 1200
    assert facts(StepLaw(2.0, n=0, batch=-1)).decay == pytest.approx(0.5)
    assert facts(StepLaw(0.0)).is_lambda_idle
    assert not facts(StepLaw(0.0)).has_decay


def test_a_verdict_goes_by_the_measured_decay_and_says_so() -> None:
    gone = Curves({metrics.WEIGHT_NORM: [6.0, *[0.1] * 8], **{key: [1.4, *([0.45] * 8)] for key in COSTS}})
    found = assess(gone, facts(StepLaw(2.0, n=0, batch=-1)))
    assert found.verdict is Verdict.COLLAPSED
    assert "the part of a weight that a step was measured to take = 0.5 a step" in found.sentence
    grown = replace(facts(StepLaw(20.0, n=0, batch=-1)), diverged_epoch=3)
    assert "was measured to take is 5: each step multiplies every weight by -4" in assess(gone, grown).sentence


COSTS = (metrics.TRAIN_DATA, metrics.TRAIN_TOTAL, metrics.VALIDATION_DATA, metrics.VALIDATION_TOTAL)


def test_a_class_that_ignores_lambda_is_not_told_to_make_it_larger() -> None:
    """Fails on 7a25101: "Stop there, or make lambda larger" of a lambda that does nothing."""
    seen = [1.4, 0.5, 0.3, 0.22, 0.205, 0.2, 0.2, 0.199, 0.199]
    held_back = [1.4, 0.5, 0.3, 0.3, 0.3, 0.3, 0.3, 0.4, 0.4]
    costs = {name: held_back if "validation" in name else seen for name in COSTS}
    curves = Curves(costs | {metrics.WEIGHT_NORM: [6.0] * 9, metrics.VALIDATION_TOTAL: [1.0] * 9})
    assert "or make lambda larger" in assess(curves, facts(StepLaw(1.0))).sentence
    idle = assess(curves, facts(StepLaw(0.0))).sentence
    assert "make lambda larger" not in idle
    assert "lambda has no effect in this class" in idle


def test_a_fault_of_the_class_is_the_first_sentence_of_every_verdict() -> None:
    curves = Curves({metrics.WEIGHT_NORM: [6.0] * 9, **{key: list(np.linspace(1.4, 0.1, 9)) for key in COSTS}})
    faults = (("decay.sign", "The penalty lengthens the weights."),)
    assert faults_of(faults_text(faults)) == faults
    found, sound = assess(curves, facts(None, faults)), assess(curves, facts(None))
    first = "The network's class has a fault (decay.sign): mend it before any setting."
    assert found.sentence == f"{first} {sound.sentence}"
    assert found.verdict is sound.verdict


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("DecaySignFlipped", "decay.sign"),
        ("NoDerivative", "gradient.output_derivative_missing"),
        ("NoEtaInDecay", "decay.without_eta"),
    ],
)
def test_a_sweep_of_a_faulty_class_says_so_first(
    name: str, code: str, uri: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fails on 7a25101: called collapsed or penalty_growth, and nothing pointed at the class."""
    table = small_table(network=f"{CASES}:{name}", trials=2, sampler="grid")
    table["search"] = {"eta": {"choices": [0.5, 3.0]}, "lambda": 1.0, "batch_size": 20}
    watcher = Watcher()
    run_sweep(parse_spec(table, "test"), watcher, 1, uri)
    assert any(code in message for message in watcher.messages)
    sweep = load("small", uri)
    assert all(reason.startswith("The network's class has a fault") for reason in sweep.trials["verdict_reason"])
    assert sweep.reassessed()["verdict_reason"].to_list() == sweep.trials["verdict_reason"].to_list()
    assert code in advise(SweepTables(sweep.spec, sweep.ordered.reset_index(drop=True), sweep.epochs))[0].text
    from sweeps.views.terminal_tables import print_trials

    print_trials("All", sweep.ordered, sweep.spec, sweep.trials)
    assert capsys.readouterr().out.splitlines()[0].startswith(fault_sentences(sweep.spec)[0][:60])


def test_searching_a_lambda_without_effect_is_warned_of(derived: Path, uri: str) -> None:
    table = small_table(network=f"{derived}:Idle", trials=2, sampler="grid")
    table["search"] = {"eta": 0.5, "lambda": {"choices": [0.0, 1.0]}, "batch_size": 20}
    watcher = Watcher()
    run_sweep(parse_spec(table, "test"), watcher, 1, uri)
    assert any("lambda has no effect on its steps; searching it" in message for message in watcher.messages)


def test_a_built_in_network_has_no_fault_to_speak_of() -> None:
    assert fault_sentences(small_spec()) == []
