"""Networks in scripts: parameters handed around or shared, gradients without a step; sound, and with a fault."""

import sys
from pathlib import Path

import numpy as np
import pytest
from user_networks.biases_in_rows import Rows

from sweeps.diagnosis.findings import Code, Finding, Severity
from sweeps.diagnosis.network.examination import examine
from sweeps.errors import InputError, UserNetworkError
from sweeps.user_network.adapting import _understand
from sweeps.user_network.loading import load_class
from sweeps.user_network.wrapper import WrappedNetwork

SCRIPTS = Path(__file__).parents[1] / "user_networks" / "scripts"
SIZES = {  # that they have, or are right for
    "four_arrays": (6, 5, 3),
    "gradient_alone": (6, 5, 3),
    "shared_arrays": (4, 5, 1),
    "scores": (5, 4, 3),
    "scores_and_train": (5, 4, 3),
    "stateless": (5, 4, 3),
    "one_output": (5, 4, 1),
    "described": (5, 4, 3),
}
SLOPE_MISSING = Code.GRADIENT_HIDDEN_DERIVATIVE_MISSING
FAULTY = {  # what they have -> what is written in its place, and which fault that is
    ("four_arrays", "db1 = np.sum(dZ1, axis=1, keepdims=True) / m", "db1 = np.sum(dZ1) / m"): Code.GRADIENT_BIAS,
    ("four_arrays", " * (1 - A1**2)", ""): SLOPE_MISSING,
    ("gradient_alone", " * (Z1 > 0)", ""): SLOPE_MISSING,
    ("shared_arrays", " / len(X)", ""): Code.GRADIENT_SUMMED,
    ("scores", " * (hidden > 0)", ""): SLOPE_MISSING,
    ("scores", "X.T @ d_hidden + reg * W1", "X.T @ d_hidden"): Code.DECAY_WRONG,
    ("stateless", ' * (1 - cache["A1"] ** 2)', ""): SLOPE_MISSING,
    ("described", " * self.A[k - 1] * (1 - self.A[k - 1])", ""): SLOPE_MISSING,
    ("one_output", 'dZ2 = cache["A2"] - Y', 'dZ2 = Y - cache["A2"]'): Code.GRADIENT_SIGN,
}


def judged(path: Path, name: str) -> list[Finding]:
    network = load_class(str(path))
    return examine(lambda sizes: WrappedNetwork.made(network, sizes, file=path), sizes=[SIZES[name]])


def faults(findings: list[Finding]) -> set[Code]:
    return {finding.code for finding in findings if finding.severity is Severity.FAULT}


@pytest.mark.parametrize("name", SIZES)
def test_a_script_that_is_sound_is_judged_sound(name: str) -> None:
    findings = judged(SCRIPTS / f"{name}.py", name)
    assert faults(findings) == set()
    assert findings[-1].code == Code.CLEAN


@pytest.mark.parametrize(("name", "sound", "wrong"), FAULTY)
def test_a_script_with_a_fault_is_found_to_have_it(tmp_path: Path, name: str, sound: str, wrong: str) -> None:
    text = (SCRIPTS / f"{name}.py").read_text(encoding="utf-8")
    assert text.count(sound) == 1
    path = tmp_path / f"{name}.py"
    path.write_text(text.replace(sound, wrong), encoding="utf-8")
    assert FAULTY[name, sound, wrong] in {finding.code for finding in judged(path, name)}


def test_what_a_script_leaves_out_is_bound_by_its_name() -> None:
    said = dict(WrappedNetwork.made(load_class(str(SCRIPTS / "four_arrays.py")), (6, 5, 3)).reading.table())
    assert said["outputs"] == "forward_prop(X: inputs), its [3] (samples in columns)"  # A2, not Z2
    assert said["step"] == (
        "forward_prop(X: inputs); backward_prop(X: inputs, Y: targets, m: batch size, A2: outputs); "
        "update_params(alpha: eta)"
    )


def test_a_mini_batch_without_the_last_class_is_given_its_place() -> None:
    wrapped = WrappedNetwork.made(load_class(str(SCRIPTS / "four_arrays.py")), (6, 5, 3))
    x, y = np.random.default_rng(0).uniform(size=(2, 6)), np.eye(3)[[0, 1]]
    before = wrapped.weights
    wrapped.update(wrapped.pairs(x, y), 0.1, 0.0, 20)
    assert [np.array_equal(a, b) for a, b in zip(before, wrapped.weights, strict=True)] == [False, False]


@pytest.mark.parametrize("sizes", [(4, 3, 3, 3), (5, 4, 3)])
def test_a_cost_is_known_though_outputs_at_small_weights_are_all_alike(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    text = (SCRIPTS.parent / "shapes" / "functions.py").read_text(encoding="utf-8")
    path = tmp_path / "small.py"
    path.write_text(text.replace("* 0.5", "* 1e-4"), encoding="utf-8")
    reading = WrappedNetwork.made(load_class(str(path)), sizes).reading
    assert dict(reading.table())["cost"] == "compute_cost(AL: outputs, Y: targets)"


def test_two_networks_of_shared_arrays_have_their_own(tmp_path: Path) -> None:
    network = load_class(str(SCRIPTS / "shared_arrays.py"))
    one, other = (WrappedNetwork.made(network, (4, 5, 1)) for _ in range(2))
    kept = other.weights
    one.update(one.pairs(np.ones((2, 4)), np.ones((2, 1))), 1.0, 0.0, 2)
    assert all(map(np.array_equal, kept, other.weights))
    assert not np.array_equal(one.weights[1], kept[1])


def test_a_step_of_drawn_examples_gives_way_to_the_gradient_that_is_returned() -> None:
    step = {name: said(f"{name}.py:TwoLayerNet")["step"] for name in ("scores", "scores_and_train")}
    assert step["scores"] == step["scores_and_train"]
    assert step["scores"] == (
        "loss(X: inputs, y: targets, reg: lambda); then each parameter less eta times what that returns for it"
    )


def said(target: str) -> dict[str, str]:
    return dict(WrappedNetwork.made(load_class(f"{SCRIPTS / target}"), (5, 4, 3)).reading.table())


def test_the_adapter_of_returned_gradients_does_what_the_reading_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.dup2", lambda *_: None)  # that of a worker
    adapter = _understand(f"{SCRIPTS / 'scores.py'}:TwoLayerNet", [(5, 4, 3)])[2]
    assert "self.net.params['W1'] -= eta * returned[1]['W1']" in adapter
    (tmp_path / "scores.py").write_text((SCRIPTS / "scores.py").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "adapted.py").write_text(adapter, encoding="utf-8")
    targets = (f"{SCRIPTS / 'scores.py'}:TwoLayerNet", f"{tmp_path / 'adapted.py'}:Adapter")
    one, other = (WrappedNetwork.made(load_class(target), (5, 4, 3)) for target in targets)
    x, y = np.random.default_rng(0).uniform(size=(6, 5)), np.eye(3)[np.arange(6) % 3]
    for wrapped in (one, other):
        wrapped.update(wrapped.pairs(x, y), 0.3, 0.7, 60)
    for mine, theirs in zip(one.weights + one.biases, other.weights + other.biases, strict=True):
        np.testing.assert_allclose(theirs, mine, rtol=1e-9, atol=1e-12)


def test_the_adapter_describes_layers_as_the_class_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.dup2", lambda *_: None)  # that of a worker
    adapter = _understand(f"{SCRIPTS / 'described.py'}:Network", [(5, 4, 3)])[2]
    described = "{'input_dim': a, 'nodes': b, 'activation': 'sigmoid'}"
    assert f"Network([{described} for a, b in zip(sizes, sizes[1:])])" in adapter


def test_an_adapter_of_a_class_that_is_not_made_names_its_methods(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.dup2", lambda *_: None)  # that of a worker
    path = tmp_path / "picky.py"
    path.write_text("class Picky:\n    def __init__(self, a, b, c): a.b\n    def go(self, x): pass\n", encoding="utf-8")
    assert "# Picky has go(x)" in _understand(f"{path}:Picky", [(5, 4, 3)])[2]


def test_biases_that_are_rows_among_the_weights_are_biases() -> None:
    findings = examine(lambda sizes: WrappedNetwork.made(Rows, sizes), sizes=[(5, 4, 3)])
    assert faults(findings) == set()
    assert findings[-1].code == Code.CLEAN


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("class Net:\n    def train(self):\n        print 'x'\n", "written for Python 2"),
        ("import nowhere_at_all\nnowhere_at_all.init()\nclass Net: pass\n", "install nowhere_at_all"),
        (
            "scale = open('nowhere').read()\nclass Net:\n    def __init__(self, sizes): self.w = scale\nNet(2)\n",
            "line 1, which was left out.*give scale a value",
        ),
    ],
)
def test_what_a_file_lacks_is_said_with_the_remedy(tmp_path: Path, text: str, remedy: str) -> None:
    path = tmp_path / "lacking.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserNetworkError, match=remedy):
        WrappedNetwork.made(load_class(f"{path}:Net"), (5, 4, 3))


@pytest.mark.parametrize(("name", "why"), [("Stack", "object has no attribute"), ("Sequential", "are yours to choose")])
def test_a_network_whose_layers_are_handed_over_is_told_how(name: str, why: str) -> None:
    network = load_class(f"{SCRIPTS.parent / 'shapes' / 'sequential.py'}:{name}")
    with pytest.raises(UserNetworkError, match=why):
        WrappedNetwork.made(network, (5, 4, 3))


def test_functions_that_raise_are_named_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    text = "import numpy as np\ndef init_params(layers):\n    return {'W': np.random.randn((3, 2))}\n"
    path.write_text(f"{text}def forward(X, params): return params['W'] @ X\n", encoding="utf-8")
    with pytest.raises(UserNetworkError, match=r"broken\.py, line 3, in init_params: TypeError"):
        WrappedNetwork.made(load_class(str(path)), (5, 4, 3))


def test_a_script_without_functions_is_told_of_adapters(tmp_path: Path) -> None:
    path = tmp_path / "bare.py"
    path.write_text("w = 1.0\nfor _ in range(3):\n    w -= 0.1\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"adapter brings them together.*UserNetwork"):
        load_class(str(path))


def test_a_module_that_is_not_installed_is_missed_where_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "plots.py"
    path.write_text(
        "import nowhere_at_all as plt\nclass Net:\n    def plot(self):\n        plt.show()\n", encoding="utf-8"
    )
    network = load_class(f"{path}:Net")
    assert not hasattr(sys.modules[network.__module__].plt, "__wrapped__")
    with pytest.raises(ModuleNotFoundError, match="nowhere_at_all"):
        network().plot()
