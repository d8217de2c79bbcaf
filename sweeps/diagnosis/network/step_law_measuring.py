"""What a step really takes from a weight by lambda is measured once before a sweep, with the faults that show then.

The same means as in `decay`: a step with lambda against the same step without. Here the law is wanted, as a product of
powers of eta, n and the batch size, so that it holds for every trial of the sweep.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sweeps.diagnosis.findings import Severity
from sweeps.diagnosis.network.examination import SIZES, examine
from sweeps.diagnosis.network.step_law import WHOLE, StepLaw
from sweeps.diagnosis.network.steps import ExaminedPoint, draw_point
from sweeps.diagnosis.network.subject import StateShapeError, Subject
from sweeps.errors import UserNetworkError
from sweeps.user_network.clean_room import in_clean_room, sealed
from sweeps.user_network.codec import rebuilt
from sweeps.user_network.loading import load_class
from sweeps.user_network.source import source_file
from sweeps.user_network.time_limit import limited_time
from sweeps.user_network.wrapper import WrappedNetwork, seeded

_LAYERS = SIZES[1]
_ETA, _LMBDA, _N, _BATCH = 0.01, 30.0, 60, 6
_OTHER_ETA, _OTHER_LMBDA, _OTHER_N, _OTHER_BATCH = 0.02, 15.0, 90, 3
_NOTHING = 1e-6  # of a weight: nothing is taken; eta * lambda / n would be 5,000 times as much
_ALONG = 0.05  # relative part of what is taken that is not along the weights: another law, such as L1
_SECONDS = 60.0  # at most, however long a trial may take


@dataclass(frozen=True)
class Examined:
    """What is known of a class before its sweep. law: None where it is no such product. faults: code and message."""

    law: StepLaw | None
    faults: tuple[tuple[str, str], ...] = ()


def examine_source(target: str, seconds: float) -> Examined:
    """Examines somebody's class, at one small size. Executes their file, in a room.

    Raises InputError where there is no such class, UserNetworkError where it can't be examined at that size, or takes
    longer than the seconds, and RoomDiedError where it ends its process.
    """
    source_file(target)  # a missing file needs no room
    seconds = min(seconds, _SECONDS)
    return rebuilt(Examined, in_clean_room(sealed(_examine_source, target, seconds), seconds + _SECONDS, __name__))


def _examine_source(target: str, seconds: float) -> Examined:
    """In the room."""
    file = source_file(target)
    with limited_time(seconds, file, seconds + _SECONDS), seeded([0]):
        found = load_class(target)

        def make(layers: Sequence[int]) -> WrappedNetwork:
            return WrappedNetwork.made(found, layers, file=file)

        findings = examine(make, sizes=[_LAYERS])
        faults = [finding for finding in findings if finding.severity is Severity.FAULT]
        said = tuple((str(finding.code), finding.message.split(" Measured on")[0]) for finding in faults)
        return Examined(measured_law(make(_LAYERS)), said)


def measured_law(wrapped: WrappedNetwork) -> StepLaw | None:
    """What lambda takes from a weight in a step; None where that follows no product of powers."""
    subject = Subject(wrapped)
    point = draw_point(subject.layout, np.random.default_rng(0), _BATCH)
    try:
        usual = _taken(subject, point)
        if usual is None or abs(usual) < _NOTHING:
            return None if usual is None else StepLaw(0.0)
        others = {
            "eta": (_taken(subject, point, eta=_OTHER_ETA), _OTHER_ETA / _ETA),
            "lambda": (_taken(subject, point, lmbda=_OTHER_LMBDA), _OTHER_LMBDA / _LMBDA),
            "n": (_taken(subject, point, n=_OTHER_N), _OTHER_N / _N),
            "batch": (_taken(subject, point, batch=_OTHER_BATCH), _OTHER_BATCH / _BATCH),
        }
    except (StateShapeError, UserNetworkError):
        return None
    powers = {name: _power(taken, usual, change) for name, (taken, change) in others.items()}
    if None in powers.values() or powers["lambda"] != 1:
        return None
    whole = {name: power for name, power in powers.items() if name != "lambda" and power is not None}
    unit = StepLaw(1.0, **whole).taken(_ETA, _LMBDA, _N, _BATCH)
    return StepLaw(float(f"{usual / unit:.4g}"), **whole)


def _taken(
    subject: Subject,
    point: ExaminedPoint,
    eta: float = _ETA,
    lmbda: float = _LMBDA,
    n: int = _N,
    batch: int = _BATCH,
) -> float | None:
    """The part of the weights that a step takes by lambda; None where that is not along the weights."""
    x, y = point.x[:batch], point.y[:batch]
    decay = subject.step(point.theta, x, y, eta, 0.0, n) - subject.step(point.theta, x, y, eta, lmbda, n)
    layers = zip(subject.layout.weights(decay), subject.layout.weights(point.theta), strict=True)
    d, w = (np.concatenate([np.ravel(part) for part in side]) for side in zip(*layers, strict=True))
    part = float(d @ w) / float(w @ w)
    rest = float(np.linalg.norm(d - part * w))
    return None if rest > _ALONG * abs(part) * np.linalg.norm(w) and abs(part) >= _NOTHING else part


def _power(taken: float | None, usual: float, change: float) -> int | None:
    """By which power of a quantity what is taken changes; None where by none."""
    if taken is None or taken / usual <= 0:
        return None
    power = math.log(taken / usual) / math.log(change)
    return round(power) if abs(power - round(power)) < WHOLE else None
