"""Whether eta and lambda suit a sound network, by the two bounds of theory; and how curved its cost is."""

import math
from dataclasses import dataclass

import numpy as np

from model.bounds import decay_bound
from model.curvature import largest_eigenvalue
from sweeps.diagnosis.findings import Code, Evidence, Finding, Severity
from sweeps.diagnosis.network.steps import ETA, ExaminedPoint
from sweeps.diagnosis.network.subject import Array, Subject
from sweeps.errors import InputError

_MARGIN = 0.5  # of a bound: what is advised keeps this distance from it
_NUDGE = 1e-4  # length of the difference in a product with the Hessian, relative to the parameters'
_LANCZOS = 25  # products at the most
_TOLERANCE = 0.02  # of the curvature: a bound is no finer thing


@dataclass(frozen=True)
class TrainingSettings:
    """The settings that somebody trains with. n: training-set size. Raises InputError for what cannot be."""

    eta: float
    lmbda: float
    batch_size: int
    n: int

    def __post_init__(self) -> None:
        if not 0 < self.eta < math.inf:
            raise InputError(f"eta: must be finite and positive, got {self.eta!r}")
        if not 0 <= self.lmbda < math.inf:
            raise InputError(f"lambda: must be finite and at least 0, got {self.lmbda!r}")
        if not 1 <= self.batch_size <= self.n:
            raise InputError(f"batch size: must be 1 to the {self.n} training examples, got {self.batch_size!r}")

    @property
    def decay(self) -> float:
        """eta lambda / n: the part of a weight that decay takes in a step."""
        return self.eta * self.lmbda / self.n


def curvature(subject: Subject, point: ExaminedPoint) -> float:
    """The largest curvature of the data cost at a point: the largest eigenvalue of its Hessian.

    By Lanczos iteration; a product with the Hessian is the central difference of two gradients, as their step has them.
    """
    nudge = _NUDGE * float(np.linalg.norm(point.theta))

    def gradient(theta: Array) -> Array:
        return -subject.step(theta, point.x, point.y, ETA) / ETA

    def times(vector: Array) -> Array:
        ahead, behind = gradient(point.theta + nudge * vector), gradient(point.theta - nudge * vector)
        return (ahead - behind) / (2 * nudge)

    start = np.random.default_rng(0).standard_normal(len(point.theta))
    return largest_eigenvalue(times, start, _LANCZOS, _TOLERANCE)[0]


def judge_settings(settings: TrainingSettings, height: float, momentum: float = 0.0) -> list[Finding]:
    """What theory says of the settings, nothing where both bounds hold. height: largest curvature of the data cost."""
    bound = decay_bound(momentum)
    evidence: dict[str, Evidence] = {"eta": settings.eta, "lambda": settings.lmbda, "n": settings.n}
    evidence |= {"momentum": momentum, "bound": bound}
    if settings.decay >= bound:
        eta, lmbda = (_MARGIN * bound / settings.decay * value for value in (settings.eta, settings.lmbda))
        message = (
            f"eta * lambda / n is {settings.decay:.4g}, and a step multiplies every weight by 1 - eta * lambda / n = "
            f"{1 - settings.decay:.4g}: from {bound:.3g} on, weights grow without end, whatever the data say."
        )
        remedy = f"eta = {eta:.3g} with this lambda, or lambda = {lmbda:.4g} with this eta, at any batch size"
        evidence |= {"eta_lambda_over_n": settings.decay, "eta_advised": eta, "lambda_advised": lmbda}
        return [Finding(Code.UNSTABLE_DECAY, Severity.WARNING, message, evidence, remedy)]
    edge = settings.eta * (height + settings.lmbda / settings.n) / bound
    if edge <= 1:
        return []
    eta = _MARGIN * settings.eta / edge
    message = (
        f"eta * (h + lambda / n) is {edge * bound:.4g}, where h = {height:.4g} is the data cost's largest curvature "
        f"at the start of training: above {bound:.3g} the steps across the steepest direction grow. It is evidence of "
        "instability, no proof: h changes as training goes on, and often falls."
    )
    remedy = f"eta = {eta:.3g}, with lambda and batch size as they are; a smaller mini-batch adds noise and bears less"
    evidence |= {"curvature": height, "edge": edge, "eta_advised": eta}
    return [Finding(Code.UNSTABLE_CURVATURE, Severity.WARNING, message, evidence, remedy)]
