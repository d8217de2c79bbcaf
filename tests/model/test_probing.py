"""What a probe measures, against finite differences, counts by hand and dense Hessians; and that it only looks."""

import numpy as np
import pytest

from model import Dataset, Examples, Hyperparameters, Network, Probing, TrainingPlan, digits, train
from model.costs import HEADS, penalty
from model.network import Passes
from model.probing import Probe

H = 1e-5
LMBDA, ROWS = 3.0, 12
ETA = 0.7
SETTINGS = Hyperparameters(eta=ETA, lmbda=LMBDA, batch_size=4)


def example_set(rows=ROWS, features=6, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    return Examples(rng.random((rows, features)), rng.integers(0, classes, rows), scale=1.0, classes=classes)


def network_of(hidden=(5,), activation="sigmoid", head=("sigmoid", "quadratic"), seed=1):
    output, cost = head
    plan = TrainingPlan(output=output, cost=cost, activation=activation, dtype="float64")
    return Network.initialise((6, *hidden, 3), plan, np.random.default_rng(seed))


def probe_of(network, train_set=None, momentum=0.0, **probing):
    return Probe(Probing(**{"batch_sharpness": 0} | probing), network, train_set or example_set(), SETTINGS, momentum)


def total_cost(network, examples):
    """Mean data cost plus the penalty, from its definition."""
    passes = Passes(network, len(examples))
    passes.forward(examples.x * examples.scale, keep_logits=True)
    data_cost = passes.data_cost(np.eye(examples.classes)[examples.y]) / len(examples)
    return data_cost + penalty(network.weights, LMBDA, len(examples))


def gradient(network, examples):
    """Central differences of the total cost: of each layer, an array for its weights and one for its biases."""
    found = []
    for layer in zip(network.weights, network.biases, strict=True):
        slopes = []
        for parameter in layer:
            flat, slope = parameter.reshape(-1), np.empty(parameter.size)
            for i in range(flat.size):
                kept = flat[i]
                flat[i] = kept + H
                above = total_cost(network, examples)
                flat[i] = kept - H
                slope[i] = (above - total_cost(network, examples)) / (2 * H)
                flat[i] = kept
            slopes.append(slope)
        found.append(slopes)
    return found


@pytest.fixture
def by_hessian(dense_hessian):
    """The largest eigenvalue of the total cost's Hessian, of a network on examples."""

    def largest(network, examples):
        x, y = examples.x * examples.scale, np.eye(examples.classes)[examples.y]
        dense = dense_hessian(network, x, y, LMBDA, len(examples))
        return float(np.linalg.eigvalsh((dense + dense.T) / 2)[-1])

    return largest


@pytest.mark.parametrize("head", HEADS, ids="-".join)
@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_gradient_norms_are_those_of_finite_differences_of_the_total_cost(head, activation):
    network, examples = network_of((5, 4), activation, head), example_set()
    found = probe_of(network, examples, saturation=0, sharpness=0).measure(1)
    slopes = gradient(network, examples)
    assert list(found) == ["gradient_norm/layer_1", "gradient_norm/layer_2", "gradient_norm/layer_3"]
    for value, layer in zip(found.values(), slopes, strict=True):
        assert value == pytest.approx(np.linalg.norm(np.concatenate(layer)), rel=1e-6)


def with_hidden_values(activation, z):
    """A network whose hidden weighted inputs are z for every example, and whose output biases are -9, 0 and 9."""
    weights = (np.zeros((len(z), 6)), np.zeros((3, len(z))))
    return Network(weights, (np.array(z), np.array([-9.0, 0.0, 9.0])), activation=activation)


@pytest.mark.parametrize(
    ("activation", "z", "share"),
    [
        ("sigmoid", [-3.0, -2.9, 0.0, 2.9, 3.0], 2 / 5),  # sigmoid(2.944) = .95
        ("tanh", [-1.5, -1.4, 0.0, 1.4, 1.5], 2 / 5),  # tanh(1.472) = .9
        ("relu", [-2.0, -1.0, 0.0, 1.0, 9.0], 3 / 5),  # at 0 there is no slope to learn from
    ],
)
def test_saturation_is_the_share_of_activations_beyond_their_limits(activation, z, share):
    found = probe_of(with_hidden_values(activation, z), gradient_norm=0, sharpness=0).measure(1)
    assert found == pytest.approx({"saturation/layer_1": share, "saturation/layer_2": 2 / 3})


def test_a_relu_unit_is_dead_only_when_no_example_of_the_probe_wakes_it():
    examples = example_set()
    network = with_hidden_values("relu", [0.0, 0.0])
    first = examples.x[:, 0]
    network.weights[0][:, 0] = 1.0
    network.biases[0][:] = [-np.sort(first)[-2], -first.max()]  # awake for the largest only; never
    found = probe_of(network, examples, gradient_norm=0, sharpness=0).measure(1)
    assert found["saturation/layer_1"] == 0.5


@pytest.mark.parametrize("head", [("softmax", "cross_entropy"), ("linear", "quadratic")], ids="-".join)
def test_only_sigmoid_outputs_have_a_saturation(head):
    found = probe_of(network_of((5, 4), head=head), gradient_norm=0, sharpness=0).measure(1)
    assert list(found) == ["saturation/layer_1", "saturation/layer_2"]


@pytest.mark.parametrize("head", HEADS, ids="-".join)
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_sharpness_is_the_largest_eigenvalue_of_the_dense_hessian_within_one_percent(by_hessian, head, activation):
    network, examples = network_of((5,), activation, head), example_set()
    found = probe_of(network, examples).measure(0)
    assert found["stability/sharpness"] == pytest.approx(by_hessian(network, examples), rel=0.01)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_edge_is_eta_times_sharpness_by_two_times_one_plus_momentum(momentum):
    found = probe_of(network_of(), momentum=momentum).measure(0)
    assert found["stability/edge"] == pytest.approx(ETA * found["stability/sharpness"] / (2 * (1 + momentum)))


def test_sharpness_stays_within_one_percent_of_the_dense_hessians_through_a_training(by_hessian):
    examples = example_set(rows=30, seed=3)
    data = Dataset("small", examples, examples, "0" * 64)
    plan = TrainingPlan(dataset="small", validation=10, hidden=(5,), epochs=12, dtype="float64")
    settings = Hyperparameters(eta=3.0, lmbda=LMBDA, batch_size=4)
    network = Network.initialise((6, 5, 3), plan, np.random.default_rng(5))
    seen = examples.x[:20], examples.y[:20]
    kept = Examples(*seen, scale=1.0, classes=3)
    found, dense = [], []
    for record in train(plan, settings, data, np.random.default_rng(0), network):
        found.append(record["stability/sharpness"])
        dense.append(by_hessian(network, kept))
    assert found == pytest.approx(dense, rel=0.01)
    assert max(dense) > 1.1 * min(dense)  # there was something to follow


def test_sharpness_owes_nothing_to_the_epoch_before(by_hessian):
    examples = example_set()
    network = network_of(seed=1)
    probe = probe_of(network, examples)
    probe.measure(0)
    for old, new in zip(
        (*network.weights, *network.biases), (*(o := network_of(seed=2)).weights, *o.biases), strict=True
    ):
        old[...] = new
    assert probe.measure(1)["stability/sharpness"] == pytest.approx(by_hessian(network, examples), rel=0.01)


FAMILIES = {"gradient_norm": "gradient_norm/", "saturation": "saturation/", "sharpness": "stability/"}
FAMILIES |= {"batch_sharpness": "stability/"}


@pytest.mark.parametrize(("measure", "prefix"), FAMILIES.items(), ids=FAMILIES)
@pytest.mark.parametrize(("every", "epochs"), [(0, []), (1, [0, 1, 2, 3, 4, 5, 6]), (3, [0, 3, 6])])
def test_a_measure_is_taken_every_so_many_epochs_and_never_for_zero(measure, prefix, every, epochs):
    probe = probe_of(network_of(), **{**dict.fromkeys(FAMILIES, 0), measure: every})
    taken = {epoch: probe.measure(epoch) for epoch in range(7)}
    assert [epoch for epoch, found in taken.items() if found] == epochs
    assert all(name.startswith(prefix) for found in taken.values() for name in found)


def test_the_probe_is_spread_over_the_training_set_and_no_larger_than_it():
    examples = example_set(rows=10)
    ends = Examples(examples.x[[0, 9]], examples.y[[0, 9]], scale=1.0, classes=3)
    network = network_of()
    two = probe_of(network, examples, examples=2, sharpness=0).measure(0)
    slopes = network.backprop(ends.x, np.eye(3)[ends.y])
    by_hand = [
        np.hypot(np.linalg.norm(b), np.linalg.norm(w + 0.3 * v))
        for b, w, v in zip(*slopes, network.weights, strict=True)
    ]
    assert [two["gradient_norm/layer_1"], two["gradient_norm/layer_2"]] == pytest.approx(by_hand)
    assert probe_of(network, examples, examples=10).measure(0) == probe_of(network, examples, examples=999).measure(0)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_training_is_the_same_bit_for_bit_with_and_without_its_measures(momentum):
    plan = TrainingPlan(dataset="digits", validation=300, epochs=2, momentum=momentum)
    ended, records = [], []
    for probing in (Probing(), Probing(0, 0, 0, batch_sharpness=0), Probing(1, 2, 2, 7, 3)):
        training = train(plan, Hyperparameters(1.0, 1.0, 10), digits(), np.random.default_rng(0), probing=probing)
        records.append([*training])
        ended.append([p.tobytes() for p in (*training.network.weights, *training.network.biases)])
    assert ended[0] == ended[1] == ended[2]
    bare = [{name: full[name] for name in off.measures} for full, off in zip(records[0], records[1], strict=True)]
    assert bare == [record.measures for record in records[1]]
    assert len(records[0][0].measures) > len(records[1][0].measures)


@pytest.mark.parametrize("name", ["gradient_norm", "saturation", "sharpness", "examples", "batch_sharpness"])
@pytest.mark.parametrize("value", [-1, 1.0, True, "all", None])
def test_bad_settings_are_refused_by_name_and_value(name, value):
    least = 1 if name == "examples" else 0
    with pytest.raises(ValueError, match=rf"^{name} must be a whole number of at least {least}, got {value!r}$"):
        Probing(**{name: value})


def test_a_probe_without_examples_is_refused_but_a_measure_may_be_off():
    with pytest.raises(ValueError, match="examples must be a whole number of at least 1, got 0"):
        Probing(examples=0)
    assert Probing(0, 0, 0, 1).sharpness == 0
