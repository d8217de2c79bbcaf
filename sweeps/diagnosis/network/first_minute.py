"""What a network is like before it has learnt anything, and whether it learns four examples: checks of a minute.

What they find comes of starting weights, data and sizes; whether a step is right is judged elsewhere.
"""

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from model import Network, bounds
from model.activations import ACTIVATIONS
from model.costs import HEADS
from model.network import Passes
from sweeps.diagnosis.findings import Finding, finding_of
from sweeps.diagnosis.network import start_sentences as said
from sweeps.diagnosis.network.readout import Bounds, activations, bounds_of
from sweeps.diagnosis.network.remedies import shown
from sweeps.diagnosis.network.subject import Array
from sweeps.errors import UserNetworkError
from sweeps.user_network.clean_room import in_clean_room, sealed
from sweeps.user_network.loading import load_class
from sweeps.user_network.source import source_file
from sweeps.user_network.time_limit import limited_time
from sweeps.user_network.training import constant_answer
from sweeps.user_network.wrapper import WrappedNetwork, seeded

SIZES = (64, 30, 10)  # of a class that neither data nor sizes are given for
EXAMPLES = 200  # that costs and outputs are looked at on
SECONDS = 5.0  # of processor time

_LOW = 0.5  # of that cost
_SAME = 1e-6  # of their size: outputs that differ less are the same for every example
_WATCHED = 40  # examples that hidden units are watched on
_SEEDS = (0, 1, 2)  # from which a cost that is no number is looked for
_SECONDS_BEFORE = 1.0  # of processor time, before a sweep
_LONGEST = 10.0  # of processor time, for code that hangs
_SECONDS = 60.0  # by the clock, more than that, after which a room is ended
_MOST = 0.5  # of a layer's units, from where on it is told that they are dead
_BATCH = 4  # examples, each of another class: a constant answer gets one of them right
_ETAS = (1e-3, 0.01, 0.1, 1.0, 10.0)
_FEW, _MANY = 25, 300  # steps with each eta; more with the two best, where these were not enough
_LEARNT = 0.1  # of the first cost, at which a batch is learnt whatever is right


@dataclass(frozen=True)
class Bars:
    """From where on a matter of degree is told. high: a start's cost, times that of outputs that tell nothing apart.

    saturated: share of a layer's activations that are at a bound.
    """

    high: float = 4.0
    saturated: float = 0.5


_USUAL = Bars()
BEFORE_A_SWEEP = Bars(high=30.0, saturated=0.9)


class _TooSlow(Exception):  # noqa: N818 - nothing went wrong
    """Their code takes so long that what is left is not looked at."""


def made_up_examples(sizes: Sequence[int], m: int = EXAMPLES) -> tuple[Array, Array]:
    """x (m, n_in) in 0 to 1, y (m, n_out) one-hot: a pattern for each class, with noise."""
    rng = np.random.default_rng(0)
    patterns = rng.uniform(0, 1, (sizes[-1], sizes[0]))
    labels = np.arange(m) % sizes[-1]
    x = np.clip(patterns[labels] + 0.1 * rng.standard_normal((m, sizes[0])), 0, 1)
    return x, np.eye(sizes[-1])[labels]


def judge_start(
    wrapped: WrappedNetwork, x: Array, y: Array, seconds: float = SECONDS, bars: Bars = _USUAL
) -> list[Finding]:
    """What there is to say of a network as its class made it, nothing where all is as it should be.

    x: (m, n_in), as in training; y: (m, n_out), one-hot. seconds: of processor time, after which what is left is not
    looked at. Raises UserNetworkError where their code raises.
    """
    end, found = time.process_time() + seconds, []

    def tick() -> None:
        if time.process_time() > end:
            raise _TooSlow

    with contextlib.suppress(_TooSlow):
        for finding in _checks(wrapped, x[:EXAMPLES], y[:EXAMPLES], tick, bars):
            found.append(_placed(finding, wrapped.sizes))  # noqa: PERF401 - those before the end count
    return found


def judge_builtin_start(network: Network, x: Array, y: Array) -> list[Finding]:
    """The same of the built-in network, from within: its steps are tested, so it need not learn a batch."""
    passes = Passes(network, len(x))
    x = np.asarray(x, network.dtype)
    with np.errstate(all="ignore"):
        passes.forward(x, keep_logits=True)
        cost = passes.data_cost(y) / len(x)
    if not math.isfinite(cost):
        return [_placed(said.no_number(cost), network.sizes)]
    z = np.zeros_like(passes.logits)
    a = z.copy()
    head = HEADS[network.output, network.cost]
    head.apply(a)
    chance = bounds.constant_answer_cost(network.output, network.cost, y.shape[1])
    found = list(_of_start(cost, [head.value(z, a, y) / len(x), chance], BEFORE_A_SWEEP))
    hidden = {f"layer_{k}": a for k, a in enumerate(passes.activations[:-1], 1)}
    measure = ACTIVATIONS[network.activation].saturation
    saturated = {name: measure(a) for name, a in hidden.items() if network.activation != "relu"}
    found += _of_shares({name: _dead(a) for name, a in hidden.items()}, saturated, len(x), BEFORE_A_SWEEP)
    return [_placed(finding, network.sizes) for finding in found]


def _placed(finding: Finding, sizes: Sequence[int]) -> Finding:
    return replace(finding, evidence={**finding.evidence, "sizes": [shown(sizes)]})


def _checks(wrapped: WrappedNetwork, x: Array, y: Array, tick: Callable[[], None], bars: Bars) -> Iterator[Finding]:
    cost = wrapped.copy().cost(wrapped.pairs(x, y), 0.0)
    if not math.isfinite(cost):
        yield said.no_number(cost)
        return
    yield from _of_start(cost, list(_undecided_costs(wrapped, x, y)), bars)
    tick()
    units_alike = _alike(wrapped)
    yield from units_alike
    learner, finding = _Task(wrapped, x, y, tick).learnt()
    spread = _spread(wrapped, x)
    if spread <= _SAME and (learner is None or _spread(learner, x) <= _SAME):
        yield said.constant_outputs(len(x), spread)
    elif finding is not None:
        yield finding
    if not units_alike:
        yield from _of_units(wrapped, x[:_WATCHED], tick, bars)


def _undecided_costs(wrapped: WrappedNetwork, x: Array, y: Array) -> Iterator[float]:
    """Their cost of outputs that do not depend on the examples: of a last layer of 0, and of 1 / classes each."""
    for answer in (_undecided, lambda of: constant_answer(of, x[:1])):
        with contextlib.suppress(UserNetworkError):  # their code need not bear every number
            network = answer(wrapped)
            if network is not None:
                yield network.cost(wrapped.pairs(x, y), 0.0)


def _undecided(wrapped: WrappedNetwork) -> WrappedNetwork:
    """A copy whose last layer is 0: sigmoid outputs of 1/2, softmax ones of 1 / classes, linear ones of 0."""
    network, weights, biases = wrapped.copy(), wrapped.weights, wrapped.biases
    network.set([*weights[:-1], np.zeros_like(weights[-1])], [*biases[:-1], np.zeros_like(biases[-1])])
    return network


def _of_start(cost: float, undecided: Sequence[float], bars: Bars) -> Iterator[Finding]:
    chances = [chance for chance in undecided if math.isfinite(chance) and chance > 0]
    if chances and cost > bars.high * max(chances):
        yield said.high_start(cost, max(chances))
    elif chances and cost < _LOW * min(chances):
        yield said.low_start(cost, min(chances))


def _alike(wrapped: WrappedNetwork) -> list[Finding]:
    """Hidden layers whose units have the same weights in and out: no step ever makes them differ."""
    weights, biases = wrapped.weights, wrapped.biases
    layers = [
        k
        for k in range(1, len(weights))
        if len(weights[k - 1]) > 1
        and not any(np.any(np.ptp(part, axis=0)) for part in (weights[k - 1], biases[k - 1], weights[k].T))
    ]
    return [said.alike(layers, sum(len(biases[k - 1]) for k in layers))] if layers else []


def _spread(wrapped: WrappedNetwork, x: Array) -> float:
    """The largest difference of an output between examples, relative to the largest output."""
    outputs = np.asarray(wrapped.copy().feedforward(x), np.float64)
    largest = float(np.max(np.abs(outputs)))
    if not math.isfinite(largest):
        return math.inf
    return float(np.max(np.ptp(outputs, axis=0))) / largest if largest else 0.0


class _Task:
    """A small batch to be learnt by heart."""

    def __init__(self, wrapped: WrappedNetwork, x: Array, y: Array, tick: Callable[[], None]) -> None:
        labels = y.argmax(axis=1) if y.shape[1] > 1 else (y[:, 0] > y.mean()).astype(int)
        batch = [int(np.flatnonzero(labels == label)[0]) for label in np.unique(labels)[:_BATCH]]
        self._wrapped, self._tick, self._x, self._y = wrapped, tick, x[batch], y[batch]
        self._first = wrapped.copy().cost(wrapped.pairs(self._x.copy(), self._y.copy()), 0.0)

    def learnt(self) -> tuple[WrappedNetwork | None, Finding | None]:
        """(the network that came furthest, a finding where it has not learnt the batch)."""
        if len(self._x) < 2:
            return None, None
        tried = []
        for eta in _ETAS:
            with contextlib.suppress(UserNetworkError):  # an overflow, where eta is too large
                learner, cost, right = self._trained(self._wrapped.copy(), eta, _FEW)
                if self._is_learnt(cost, right):
                    return learner, None
                tried.append((_ranked(cost), eta, learner))
        ends = []
        for _, eta, learner in sorted(tried, key=lambda one: one[:2])[:2]:
            with contextlib.suppress(UserNetworkError):
                further, cost, right = self._trained(learner, eta, _MANY)
                if self._is_learnt(cost, right):
                    return further, None
                ends.append((_ranked(cost), eta, further, right))
        if not ends:
            return None, None
        cost, eta, learner, right = min(ends, key=lambda one: one[:2])
        return learner, said.not_learnt(len(self._x), right, _FEW + _MANY, eta, (self._first, cost))

    def _trained(self, wrapped: WrappedNetwork, eta: float, steps: int) -> tuple[WrappedNetwork, float, int]:
        """(the network, its cost, how many are right) after so many steps, or fewer that were enough."""
        for step in range(1, steps + 1):
            self._tick()
            wrapped.update(wrapped.pairs(self._x.copy(), self._y.copy()), eta, 0.0, len(self._x))
            if step % _FEW == 0:
                cost, right = self._state(wrapped.copy())
                if self._is_learnt(cost, right) or not math.isfinite(cost):
                    break
        return wrapped, cost, right

    def _is_learnt(self, cost: float, right: int) -> bool:
        """Whether more are right than a constant answer gets, or the cost has all but gone."""
        return math.isfinite(cost) and (right > len(self._x) / 2 or 0 <= cost <= _LEARNT * self._first)

    def _state(self, wrapped: WrappedNetwork) -> tuple[float, int]:
        outputs = np.asarray(wrapped.feedforward(self._x.copy()))
        if outputs.shape[1] > 1:
            right = outputs.argmax(axis=1) == self._y.argmax(axis=1)
        else:
            middle = float(self._y.mean())
            right = (outputs > middle) == (self._y > middle)
        return wrapped.cost(wrapped.pairs(self._x.copy(), self._y.copy()), 0.0), int(np.count_nonzero(right))


def _ranked(cost: float) -> float:
    return cost if math.isfinite(cost) else math.inf


def _of_units(wrapped: WrappedNetwork, x: Array, tick: Callable[[], None], bars: Bars) -> Iterator[Finding]:
    """Hidden units that give the same for every example, or that are at a bound of their activation."""
    dead, saturated = {}, {}
    for layer in range(1, len(wrapped.weights)):
        tick()
        try:
            a, bounded = activations(wrapped, x, layer), bounds_of(wrapped, x, layer)
        except UserNetworkError:  # their code need not bear every number
            return
        if a is None:
            return
        dead[f"layer_{layer}"] = _dead(a)
        saturated[f"layer_{layer}"] = 0.0 if bounded is None else _at_bounds(a, bounded)
    yield from _of_shares(dead, saturated, len(x), bars)


def _dead(a: Array) -> float:
    """The share of units, of a (m, units), that give the same for every example."""
    return float(np.mean(np.ptp(a, axis=0) <= _SAME * np.max(np.abs(a), initial=0.0)))


def _at_bounds(a: Array, bounded: Bounds) -> float:
    """The share of activations that hardly change any more; for sigmoid and tanh as `saturation/layer_k` of a sweep."""
    margin = 0.05 * (bounded.high - bounded.low)
    return float(np.mean((a < bounded.low + margin) | (a > bounded.high - margin)))


def _of_shares(dead: Mapping[str, float], saturated: Mapping[str, float], m: int, bars: Bars) -> Iterator[Finding]:
    many_dead = {name: share for name, share in dead.items() if share >= _MOST}
    if many_dead:
        yield said.dead_units(many_dead, m)
    many = {name: share for name, share in saturated.items() if share >= bars.saturated and name not in many_dead}
    if many:
        yield said.saturated_units(many)


def start_of_source(target: str, shapes: Sequence[Sequence[int]], x: Array, y: Array, seconds: float) -> list[Finding]:
    """The same of somebody's class, as networks of the first of these shapes start. Executes their file, in a room.

    Where no shape has a cost that is a number, from several starts each, `starts` in the evidence says from how many.
    Raises UserNetworkError where it cannot be looked at, RoomDiedError where it ends its process.
    """
    seconds = min(seconds, _LONGEST)
    call = sealed(_start_of_source, target, tuple(map(tuple, shapes)), x, y, seconds)
    return [finding_of(**table) for table in in_clean_room(call, seconds + _SECONDS, __name__)]


def _start_of_source(target: str, shapes: Sequence[Sequence[int]], x: Array, y: Array, seconds: float) -> list[Finding]:
    """In the room."""
    file = source_file(target)
    with limited_time(seconds, file, seconds + _SECONDS), seeded([0]):
        network = load_class(target)
        starts = [(sizes, seed) for sizes in shapes for seed in _SEEDS]
        if not any(_has_cost(WrappedNetwork.made(network, sizes, (seed,), file), x, y) for sizes, seed in starts):
            never = said.no_number(math.nan)
            return [replace(never, evidence={**never.evidence, "starts": len(starts)})]
        return judge_start(WrappedNetwork.made(network, shapes[0], file=file), x, y, _SECONDS_BEFORE, BEFORE_A_SWEEP)


def _has_cost(wrapped: WrappedNetwork, x: Array, y: Array) -> bool:
    return math.isfinite(wrapped.cost(wrapped.pairs(x.copy(), y.copy()), 0.0))
