"""Which methods make one step on a mini-batch, what they are given, and where eta and lambda go."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sweeps.errors import UserNetworkError
from sweeps.user_network.readings import state
from sweeps.user_network.readings.calls import Call, bound, by_place, methods
from sweeps.user_network.readings.forms import Form, forms
from sweeps.user_network.readings.layers import Layers
from sweeps.user_network.readings.naming import Role, named_like, role_of
from sweeps.user_network.readings.outputs import OutputsReading, examples, probes
from sweeps.user_network.readings.reading import Array, quietly
from sweeps.user_network.readings.returned_gradients import ReturnedGradients, matching_places
from sweeps.user_network.readings.state import Place
from sweeps.user_network.readings.trying import duplicate

_ETA = 0.1  # of the steps that are tried
_SMALL = 1e-3  # of one that must lower some cost
_LMBDA = 0.5
_STEADY = 1e-3  # relative difference of two steps on the same examples
_DATA = frozenset(
    {Role.X, Role.Y, Role.X_VAL, Role.Y_VAL, Role.PAIRS, Role.ETA, Role.LMBDA, Role.N, Role.M, Role.EPOCHS}
)


@dataclass(frozen=True)
class StepReading:
    """calls: one after the other, on each form of the examples. etas, lmbdas: places of attributes that hold them.

    lambda_per: what their lambda is: "n" where they divide by the training set's size themselves, "1" where they don't
    (they get lambda / n), "batch" where they divide by the mini-batch's (they get lambda m / n). gradients: what to
    take from the parameters, eta times, of what the last call returned, where no call of theirs does.
    """

    calls: tuple[Call, ...]
    form: Form
    outputs: OutputsReading
    etas: tuple[Place, ...] = ()
    lmbdas: tuple[Place, ...] = ()
    lambda_per: str = "n"
    gradients: ReturnedGradients | None = None

    def __call__(self, network: Any, x: Array, y: Array, eta: float, lmbda: float, n: int) -> list[Any]:
        """Takes the step; what the last call returned, for each call."""
        returned = []
        for given in self.form.calls(x, y):
            their_lambda = self.their_lambda(lmbda, n, given[Role.M])
            values = given | {Role.ETA: eta, Role.LMBDA: their_lambda, Role.N: n, Role.EPOCHS: 1}
            if Role.X in given:
                values |= {Role.X_VAL: given[Role.X], Role.Y_VAL: given[Role.Y]}
            self.set_numbers(network, eta, their_lambda)
            returned.append(self.called(network, self.calls, values))
            if self.gradients is not None:
                self.gradients.take(network, returned[-1], eta)
        return returned

    def called(self, network: Any, calls: Sequence[Call], values: dict[Role, Any]) -> Any:
        """What the last of these calls returns, each given what those before have left."""
        last: Any = None
        for call in calls:
            last = call(network, values, last)
            if call.method == self.outputs.call.method and not self.outputs.kept:
                values |= {Role.OUTPUTS: self.outputs.place.get(last), Role.CACHE: _rest(last)}
            values[Role.GRADIENTS] = last
        return last

    def their_lambda(self, lmbda: float, n: int, m: int) -> float:
        """What their methods get for lambda; 0 where no step takes any, whatever the cost takes."""
        return {"n": lmbda, "1": lmbda / n, "batch": lmbda * m / n}[self.lambda_per] if self.has_lambda else 0.0

    def set_numbers(self, network: Any, eta: float | None, lmbda: float) -> None:
        """Puts eta and lambda where they are attributes."""
        for place in self.etas if eta is not None else ():
            place.put(network, eta)
        for place in self.lmbdas:
            place.put(network, lmbda)

    @property
    def has_eta(self) -> bool:
        return bool(self.etas) or self.gradients is not None or any(Role.ETA in call.roles for call in self.calls)

    @property
    def has_lambda(self) -> bool:
        return bool(self.lmbdas) or any(Role.LMBDA in call.roles for call in self.calls)

    def __str__(self) -> str:
        last = () if self.gradients is None else (str(self.gradients),)
        return "; ".join([*map(str, self.calls), *last])


def _rest(returned: Any) -> Any:
    """What a forward pass returns besides its outputs."""
    if isinstance(returned, tuple) and len(returned) == 2:
        return returned[1]
    return returned


def find_step(
    network: Any, layers: Layers, outputs: OutputsReading, file: Path | None
) -> tuple[StepReading | None, str]:
    """The step that lowers a cost, else the first that moves parameters; and what is missing where there is none."""
    numbers = state.numbers(network)
    etas = tuple(place for place, _ in numbers if role_of(place.name) is Role.ETA)
    lmbdas = tuple(place for place, _ in numbers if role_of(place.name) is Role.LMBDA)
    moving: StepReading | None = None
    said = ""
    for calls in _chains(network, outputs):
        for form in forms(any(Role.PAIRS in call.roles for call in calls), outputs.samples):
            roles = frozenset(role for call in calls for role in call.roles)
            reading = StepReading(
                calls, form, outputs, () if Role.ETA in roles else etas, () if Role.LMBDA in roles else lmbdas
            )
            try:
                if not _moves(network, reading, layers, file):
                    said = said or f"{reading} moves nothing, or moves with eta 0, or has no eta"
                    continue
            except UserNetworkError as error:
                said = said or str(error)
                continue
            if _descends(network, reading, layers, file):
                steady = _is_steady(network, reading, layers, file)
                found = reading if steady else _of_gradients(network, layers, outputs, lmbdas, file) or reading
                return _with_lambda(network, found, layers, file), ""
            moving = moving or reading
    moving = moving or _of_gradients(network, layers, outputs, lmbdas, file)
    if moving is not None:
        return _with_lambda(network, moving, layers, file), ""
    return None, said


def _of_gradients(
    network: Any, layers: Layers, outputs: OutputsReading, lmbdas: tuple[Place, ...], file: Path | None
) -> StepReading | None:
    """A step along gradients that some method returns; None where none does, or they are others each time."""
    for calls in _gradient_calls(network, outputs):
        roles = frozenset(role for call in calls for role in call.roles)
        for form in forms(False, outputs.samples):
            bare = StepReading(calls, form, outputs, (), () if Role.LMBDA in roles else lmbdas)
            try:
                for gradients in _matching(network, bare, layers, file):
                    reading = replace(bare, gradients=gradients)
                    if (
                        _moves(network, reading, layers, file)
                        and _separates(network, reading, layers, file)
                        and _is_steady(network, reading, layers, file)
                    ):
                        return reading
            except UserNetworkError:
                continue
    return None


def _gradient_calls(network: Any, outputs: OutputsReading) -> Iterator[tuple[Call, ...]]:
    """One method, or forward and back, that may return gradients."""
    names = methods(network)
    ahead = bound(network, outputs.call.method, {Role.X, Role.M})
    known = {Role.X, Role.Y, Role.LMBDA, Role.N, Role.M}
    for name in dict.fromkeys(word for kind in ("back", "cost", "step") for word in named_like(names, kind)):
        call = bound(network, name, known)
        if call is not None and {Role.X, Role.Y} <= call.roles:
            yield (call,)
        call = bound(network, name, known | {Role.OUTPUTS, Role.CACHE})
        if call is not None and ahead is not None and Role.Y in call.roles and name != ahead.method:
            yield (ahead, call)


def _matching(network: Any, reading: StepReading, layers: Layers, file: Path | None) -> Iterator[ReturnedGradients]:
    """Ways to see what the calls return as gradients, downhill first."""
    x, y = _batch(layers)
    moved = duplicate(network, file)
    with quietly(file, str(reading)):
        returned = reading(moved, x[:1] if reading.form.samples.single else x, y, 0.0, 0.0, 10 * len(x))[0]
    names = getattr(getattr(type(network), reading.calls[-1].method, None), "returns", ())
    for places in matching_places(network, layers, returned, names):
        yield from (ReturnedGradients(layers, places, sign) for sign in (-1, 1))


def _is_steady(network: Any, reading: StepReading, layers: Layers, file: Path | None) -> bool:
    """Whether two steps on the same examples are the same: none is drawn of them."""
    one, other = (change(network, reading, layers, _batch(layers), _ETA, 0.0, file)[1] for _ in range(2))
    with np.errstate(all="ignore"):
        return bool(np.abs(one - other).max() <= _STEADY * np.abs(one).max())


def _chains(network: Any, outputs: OutputsReading) -> Iterator[tuple[Call, ...]]:
    """Calls that may make a step: one method; or forward, back, and an update; at last one whose names tell nothing."""
    names = methods(network)
    alone = [call for name in named_like(names, "step") if (call := bound(network, name, _DATA)) is not None]
    for call in alone:
        if Role.PAIRS in call.roles or {Role.X, Role.Y} <= call.roles:
            yield (call,)
    ahead = bound(network, outputs.call.method, {Role.X, Role.M})
    known = _DATA | {Role.OUTPUTS, Role.CACHE}
    for back in named_like(names, "back"):
        behind = bound(network, back, known)
        if behind is None or Role.Y not in behind.roles or ahead is None:
            continue
        yield (ahead, behind)
        for update in named_like(names, "update"):
            last = bound(network, update, {Role.ETA, Role.LMBDA, Role.N, Role.M, Role.GRADIENTS}, chained=True)
            if last is not None and update != back:
                yield (ahead, behind, last)
    for name in names:
        call = by_place(network, name) or bound(network, name, _DATA)
        if call is not None and {Role.X, Role.Y, Role.ETA} <= call.roles and not name.startswith("_"):
            yield (call,)


def change(
    network: Any,
    reading: StepReading,
    layers: Layers,
    batch: tuple[Array, Array],
    eta: float,
    lmbda: float,
    file: Path | None,
) -> tuple[Any, Array]:
    """(the network after a step, how the step changed its weights and biases, flat)."""
    moved = duplicate(network, file)
    before = np.concatenate([np.ravel(p) for p in layers.get_weights(moved) + layers.get_biases(moved)])
    with quietly(file, str(reading)):
        reading(moved, *batch, eta, lmbda, 10 * len(batch[0]))
        after = np.concatenate([np.ravel(p) for p in layers.get_weights(moved) + layers.get_biases(moved)])
    if before.shape != after.shape:
        raise UserNetworkError(f"{reading} changed the shapes of parameters")
    return moved, after - before


def _batch(layers: Layers, seed: int = 0) -> tuple[Array, Array]:
    return examples(layers.sizes[0], layers.sizes[-1], probes(layers.sizes), seed)


def _moves(network: Any, reading: StepReading, layers: Layers, file: Path | None) -> bool:
    if not reading.has_eta:
        return False
    x, y = _batch(layers)
    _, moved = change(network, reading, layers, (x, y), _ETA, 0.0, file)
    _, still = change(network, reading, layers, (x, y), 0.0, 0.0, file)
    _, other = change(network, reading, layers, (x, y[::-1]), _ETA, 0.0, file)
    return bool(np.any(moved) and not np.any(still) and not np.array_equal(moved, other, equal_nan=True))


def _descends(network: Any, reading: StepReading, layers: Layers, file: Path | None) -> bool:
    """Whether a small step brings the outputs nearer to the targets."""
    x, y = _batch(layers)
    try:
        moved, _ = change(network, reading, layers, (x, y), _SMALL, 0.0, file)
        with quietly(file, str(reading.outputs)):
            before, after = (np.asarray(reading.outputs(net, x)) for net in (duplicate(network, file), moved))
    except UserNetworkError:
        return False
    with np.errstate(all="ignore"):
        return bool(np.sum((after - y) ** 2) < np.sum((before - y) ** 2) or np.sum(y * np.log(after / before)) > 0)


def _separates(network: Any, reading: StepReading, layers: Layers, file: Path | None) -> bool:
    """Whether a small step lifts the right outputs above the others."""
    x, y = _batch(layers)
    moved, _ = change(network, reading, layers, (x, y), _SMALL, 0.0, file)
    with quietly(file, str(reading.outputs)):
        change_of = np.asarray(reading.outputs(moved, x)) - np.asarray(reading.outputs(duplicate(network, file), x))
    return bool(change_of[y == 1].mean() > change_of[y == 0].mean())


def _with_lambda(network: Any, reading: StepReading, layers: Layers, file: Path | None) -> StepReading:
    """What their lambda is divided by: told by an argument n, else measured on mini-batches of two sizes."""
    if not reading.has_lambda or any(Role.N in call.roles for call in reading.calls):
        return reading
    x, y = _batch(layers)
    sizes, shares = (len(x), 3), []
    weights = np.concatenate([np.ravel(w) for w in layers.get_weights(network)])
    for m in sizes:
        try:
            parts = [
                change(network, reading, layers, (x[:m], y[:m]), _SMALL, lmbda, file)[1] for lmbda in (_LMBDA, 0.0)
            ]
        except UserNetworkError:
            return replace(reading, lambda_per="1")
        decay = (parts[0] - parts[1])[: len(weights)]
        shares.append(float(decay @ weights))
    by_batch = abs(shares[0] * sizes[0] - shares[1] * sizes[1]) < 1e-3 * abs(shares[1] * sizes[1])
    return replace(reading, lambda_per="batch" if shares[1] and by_batch else "1")
