"""`sweeps adapt` says what is understood of a class, and the adapter that it writes does the same."""

from pathlib import Path

import numpy as np
import pytest

from sweeps.cli.main import main
from sweeps.diagnosis.findings import Code, Severity
from sweeps.diagnosis.network.examination import examine
from sweeps.user_network.adapting import _understand
from sweeps.user_network.loading import load_class
from sweeps.user_network.wrapper import WrappedNetwork

NETWORKS = Path(__file__).parents[1] / "user_networks"
SHAPES = NETWORKS / "shapes"
WRITTEN = [
    "layer_objects.py:Softmaxed",
    "layer_objects.py:ForwardBackwardUpdate",
    "layer_objects.py:LayerDicts",
    "fixed_depth.py:TwoLayerNet",
    "fixed_depth.py:Returned",
    "fixed_depth.py:Attributes",
    "of_any_depth.py:Elastic",
    "of_any_depth.py:Private",
    "of_any_depth.py:WithOptimizer",
    "manners.py:StarSizes",
    "manners.py:CostReturned",
]


def test_what_is_understood_is_a_table_on_stdout(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    adapter = tmp_path / "adapted.py"
    assert main(["adapt", f"{SHAPES / 'layer_objects.py'}:Softmaxed", "--out", str(adapter)]) == 0
    out, err = capfd.readouterr()
    rows = [line.split("  ", 1) for line in out.splitlines()]
    said = {what.strip(): how.strip() for what, how in rows}
    assert said["samples"] == "samples in rows; labels whole numbers"
    assert said["parameters"] == "blocks[1].w (4, 3); blocks[1].b (3)"
    assert said["step"] == "fit_batch(X: inputs, y: targets)"
    assert said["eta"] == "the attribute lr"
    assert said["lambda"] == "the attribute weight_decay, given lambda / n"
    assert "it can be swept and diagnosed as it is" in err
    assert "class Adapter(sweeps.UserNetwork)" in adapter.read_text(encoding="utf-8")
    assert main(["adapt", f"{SHAPES / 'layer_objects.py'}:Softmaxed", "--out", str(adapter)]) == 2
    assert "is there already" in capfd.readouterr().err


def test_what_is_not_understood_is_said_and_an_adapter_begun(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    adapter = tmp_path / "adapted.py"
    assert main(["adapt", f"{SHAPES / 'sequential.py'}:Sequential", "--out", str(adapter)]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert "not understood: Sequential: no method gives its outputs" in err
    assert "Traceback" not in err
    assert "write yours" in adapter.read_text(encoding="utf-8")


# What somebody changes of the adapter that is begun for them: the end of a line -> the lines in its place.
PARAMETERS = "# write yours: the arrays of weights and biases"
STEP = "# write yours: one step on a mini-batch"
CHAIN = ["        self.net.backward(self.net.forward(x), y)", "        self.net.update_weights(eta)"]
OF_MODULES = ["        return [array for module in self.net.modules[::2] for array in (module.W, module.b)]"]
EDITED = {
    "manners.py:BatchNormed": {
        PARAMETERS: ["        return [*self.net.W, *self.net.b]"],
        "a method cost(self, x, y, lmbda, n)": ['    cost = "cross-entropy"'],
    },
    "sequential.py:Sequential": {
        "import Sequential": ["from sequential import Linear, Sequential, Sigmoid"],
        "self.net = Sequential()": [
            "        self.net = Sequential()",
            "        for n_in, n_out in zip(sizes, sizes[1:]):",
            "            self.net.add(Linear(n_in, n_out))",
            "            self.net.add(Sigmoid())",
        ],
        PARAMETERS: OF_MODULES,
        STEP: CHAIN,
    },
    "sequential.py:Stack": {
        "import Stack": ["from sequential import Linear, Sigmoid, Stack"],
        "self.net = Stack(sizes)": [
            "        self.net = Stack([m for a, b in zip(sizes, sizes[1:]) for m in (Linear(a, b), Sigmoid())])"
        ],
        PARAMETERS: OF_MODULES,
        STEP: CHAIN,
    },
}


@pytest.mark.parametrize("target", EDITED)
def test_an_adapter_that_was_begun_serves_after_eight_lines_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    monkeypatch.setattr("os.dup2", lambda *_: None)  # that of a worker
    _, problem, adapter = _understand(f"{SHAPES / target}", [(5, 4, 3)])
    assert problem
    lines = adapter.splitlines()
    for end, instead in EDITED[target].items():
        (place,) = (k for k, line in enumerate(lines) if line.endswith(end))
        lines[place : place + 1] = instead
    assert len(set(lines) - set(adapter.splitlines())) <= 8
    file = target.partition(":")[0]
    (tmp_path / file).write_text((SHAPES / file).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "adapted.py").write_text("\n".join(lines), encoding="utf-8")
    network = load_class(f"{tmp_path / 'adapted.py'}:Adapter")
    findings = examine(lambda sizes: WrappedNetwork.made(network, sizes), sizes=[(4, 3, 3, 3)])
    assert [finding for finding in findings if finding.severity is Severity.FAULT] == []
    assert Code.CLEAN in [finding.code for finding in findings]


def test_an_adapter_that_is_begun_names_what_the_class_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.dup2", lambda *_: None)  # that of a worker
    text = _understand(f"{SHAPES / 'manners.py'}:BatchNormed", [(5, 4, 3)])[2]
    assert "# BatchNormed has forward(x), train_step(x, y, lr)" in text
    assert "return [*self.net.W, *self.net.gain, *self.net.b]" in text


@pytest.mark.parametrize("target", WRITTEN)
def test_the_adapter_that_is_written_does_what_the_class_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    monkeypatch.setattr("os.dup2", lambda *_: None)  # that of a worker
    _, problem, adapter = _understand(f"{SHAPES / target}", [(5, 4, 3)])
    assert problem == ""
    file = target.partition(":")[0]
    (tmp_path / file).write_text((SHAPES / file).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "adapted.py").write_text(adapter, encoding="utf-8")
    made = (load_class(f"{SHAPES / target}"), load_class(f"{tmp_path / 'adapted.py'}:Adapter"))
    one, other = (WrappedNetwork.made(network, (5, 4, 3)) for network in made)
    rng = np.random.default_rng(0)
    x, y = rng.uniform(size=(6, 5)), np.eye(3)[np.arange(6) % 3]
    for _ in range(3):
        for wrapped in (one, other):
            wrapped.update(wrapped.pairs(x, y), 0.3, 0.7, 60)
        for mine, theirs in zip(one.weights + one.biases, other.weights + other.biases, strict=True):
            np.testing.assert_allclose(theirs, mine, rtol=1e-9, atol=1e-12)
    assert other.cost(other.pairs(x, y), 0.0) == pytest.approx(one.cost(one.pairs(x, y), 0.0))
