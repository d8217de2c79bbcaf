"""Examines a network class at several sizes, points, batch sizes, eta and lambda, and says what was found."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np

from sweeps.diagnosis.findings import Code, Finding, Severity
from sweeps.diagnosis.headline import ordered
from sweeps.diagnosis.network.cost_check import UnjudgedError, check_cost, elsewhere, with_cost_named
from sweeps.diagnosis.network.decay import judge_decay
from sweeps.diagnosis.network.decay_faults import DecayFault, DecayKind, OtherLawFault
from sweeps.diagnosis.network.decay_sentences import of_decay
from sweeps.diagnosis.network.dropout import drops
from sweeps.diagnosis.network.gradient_faults import BatchFault, DropoutFault, GradientKind, ParametersFault
from sweeps.diagnosis.network.gradient_sentences import of_gradient
from sweeps.diagnosis.network.gradients import GradientReport, judge_gradient
from sweeps.diagnosis.network.named_costs import descended_cost, misreported
from sweeps.diagnosis.network.overwritten import find_overwritten
from sweeps.diagnosis.network.remedies import shown
from sweeps.diagnosis.network.settings_check import TrainingSettings, curvature, judge_settings
from sweeps.diagnosis.network.sound_sentences import of_scale, of_steps_in_turn
from sweeps.diagnosis.network.steps import EXAMPLES, ExaminedPoint, Kind, draw_point, eta_in_turn, kind_of_step
from sweeps.diagnosis.network.subject import Array, InconclusiveError, StateShapeError, Subject
from sweeps.errors import UserNetworkError
from sweeps.user_network.wrapper import WrappedNetwork

# Equal widths let a missing transpose run; unequal ones make it raise. One to three hidden layers.
SIZES = ((4, 3, 3, 3), (5, 4, 3), (3, 4, 5, 4, 3))

_EXAMPLES = (EXAMPLES, 3)  # at the random places of each size
_AT_TRAINED = 2
_MOST = 400  # parameters up to which all are differenced; of larger networks so many of each layer's:
_SAMPLED = 25
_TRAINED_STEPS, _TRAINED_ETA = 30, 0.5  # before a point that may confirm, never accuse: units may be saturated there
_PROBE = 60  # examples on which curvature is measured
_COARSE = 1e-4  # tolerance above which a clean result is called weak
_ROUNDING = 1e-5  # relative error above which a step that is computed finely differs by more than rounding

Make = Callable[[Sequence[int]], WrappedNetwork]
Draw = Callable[[int], tuple[Array, Array]]


@dataclass
class _Report:
    """What came of one size. errors: relative ones, by what was compared. tolerance: from where on one is a fault."""

    sizes: tuple[int, ...]
    findings: list[Finding] = field(default_factory=list)
    errors: dict[str, float] = field(default_factory=dict)
    tolerance: float = 0.0
    judged: bool = False


def examine(
    make: Make,
    own_sizes: Sequence[int] | None = None,
    draw: Draw | None = None,
    settings: TrainingSettings | None = None,
    sizes: Iterable[Sequence[int]] = SIZES,
    seed: int = 0,
) -> list[Finding]:
    """The findings on a class, faults first; never none: a sound one is clean, with how sure that is.

    make: builds it with given layers. own_sizes: layers at which the gradient is examined once more, a sample of the
    parameters where they are many, on draw(m) -> x (m, n_in), y (m, n_out), or on random examples. settings: judged
    for a sound class, by the curvature of its cost at own_sizes (None: at the first of sizes).
    Raises UserNetworkError where their code can be examined at no size.
    """
    reports: list[_Report] = []
    failures: dict[tuple[int, ...], UserNetworkError] = {}
    examinations = [(tuple(layers), _examine) for layers in sizes]
    if own_sizes is not None:
        examinations.append((tuple(own_sizes), lambda wrapped, rng: _confirm(wrapped, rng, draw)))
    for layers, examination in examinations:
        try:
            reports.append(examination(make(layers), np.random.default_rng([seed, *layers])))
        except UserNetworkError as error:
            failures[layers] = error
    if not reports:
        raise next(iter(failures.values()))
    findings = _summary(reports, failures)
    if settings is not None and all(finding.severity is not Severity.FAULT for finding in findings):
        findings = _judged(settings, make(own_sizes or next(iter(sizes))), draw) + findings
    return findings


def _judged(settings: TrainingSettings, wrapped: WrappedNetwork, draw: Draw | None) -> list[Finding]:
    """The settings, by the curvature where their own initialisation starts."""
    subject = Subject(wrapped)
    point = _started(subject, wrapped, np.random.default_rng(0), draw)
    try:
        kind = kind_of_step(subject, point)
        momentum = 1 - 1 / kind.limit if kind.limit > 1 else 0.0
        return judge_settings(settings, curvature(subject, point), momentum)
    except StateShapeError:
        return []


def _started(subject: Subject, wrapped: WrappedNetwork, rng: np.random.Generator, draw: Draw | None) -> ExaminedPoint:
    """Their own initial parameters, and examples: the data's, or random ones."""
    point = draw_point(subject.layout, rng, _PROBE)
    theta = subject.layout.join([np.asarray(w) for w in wrapped.weights], [np.asarray(b) for b in wrapped.biases])
    return ExaminedPoint(theta, *((point.x, point.y) if draw is None else draw(_PROBE)))


def _examine(wrapped: WrappedNetwork, rng: np.random.Generator) -> _Report:
    """Everything, at one size."""
    subject = Subject(wrapped)
    report = _Report(subject.sizes)
    points = [draw_point(subject.layout, rng, m) for m in _EXAMPLES]
    try:
        check_cost(subject, points[0])
        points = _in_turn(report, subject, points)
        kind = _judged_kind(report, subject, points[0])
        gradient = with_cost_named(judge_gradient(subject, points, kind), subject, rng)
        _add_gradient(report, subject, points[0], gradient)
        scale = gradient.scale if gradient.scale > 0 else 1.0  # which the decay may share, as one eta multiplies both
        decay = judge_decay(subject, points[0], scale, gradient.tolerance)
        report.findings += [of_decay(fault) for fault in decay.faults if not _is_of_frozen(fault, gradient)]
        report.errors["decay"] = decay.error
        if not gradient.faults:
            with suppress(InconclusiveError):  # a hinge's cost may have become 0
                trained = judge_gradient(subject, [_trained(subject, points[1])], kind)
                report.errors["gradient after training"] = trained.error
        report.judged = True
    except UnjudgedError as stop:
        report.findings.append(stop.finding)
    except InconclusiveError as stop:
        cost = misreported(subject, elsewhere(subject, rng))
        descended = descended_cost(subject, elsewhere(subject, rng)[:1])
        report.findings.append(_stopped(stop, descended) if cost is None else of_gradient(cost, ""))
    except StateShapeError as stop:
        report.findings.append(_stopped(stop))
    return report


def _is_of_frozen(fault: DecayFault, gradient: GradientReport) -> bool:
    """Whether a decay lacks in just the layers whose weights no step moves, which is said once."""
    frozen = [f for f in gradient.faults if isinstance(f, ParametersFault) and f.kind is GradientKind.FROZEN]
    layers = {layer for f in frozen if "weights" in f.parameters for layer in f.layers}
    if not isinstance(fault, OtherLawFault) or fault.kind is not DecayKind.LAYERS_DIFFER or not layers:
        return False
    return layers == {layer for layer, factor in enumerate(fault.factors, 1) if factor == 0}


def _confirm(wrapped: WrappedNetwork, rng: np.random.Generator, draw: Draw | None) -> _Report:
    """The gradient alone, at their own size, of a sample of the parameters where they are many."""
    subject = Subject(wrapped)
    report = _Report(subject.sizes)
    point = draw_point(subject.layout, rng)
    if draw is not None:
        point = replace(point, **dict(zip(("x", "y"), draw(EXAMPLES), strict=True)))
    entries = None
    if subject.layout.size > _MOST:
        every = np.arange(subject.layout.size, dtype=np.float64)
        parts = [np.ravel(part) for part in (*subject.layout.weights(every), *subject.layout.biases(every))]
        entries = [int(k) for part in parts for k in rng.permutation(part)[:_SAMPLED]]
    try:
        points = _in_turn(report, subject, [point])
        gradient = judge_gradient(subject, points, Kind(), entries)
        _add_gradient(report, subject, point, gradient)
        report.judged = True
    except UnjudgedError as stop:
        report.findings.append(stop.finding)
    except (StateShapeError, InconclusiveError) as stop:
        report.findings.append(_stopped(stop))
    return report


def _in_turn(report: _Report, subject: Subject, points: Sequence[ExaminedPoint]) -> list[ExaminedPoint]:
    """The points, single examples where a mini-batch is one step for each, which is said.

    Raises UnjudgedError where a step forgets what the parameters were.
    """
    overwritten = find_overwritten(subject, points[0])
    if overwritten is not None:
        raise UnjudgedError(of_gradient(overwritten, ""))
    part = eta_in_turn(subject, points[0])
    if part is None:
        return list(points)
    if part == 1:
        report.findings.append(of_steps_in_turn())
    else:
        report.findings.append(of_gradient(BatchFault(GradientKind.MOVED_IN_BATCH, len(points[0]), part), ""))
    return [single for point in points for single in point.alone()]


def _judged_kind(report: _Report, subject: Subject, point: ExaminedPoint) -> Kind:
    """What kind of step it is. Raises UnjudgedError where it cannot be compared with anything."""
    kind = kind_of_step(subject, point)
    if kind.unsupported:
        also = _of_dropout(report, subject, point) if kind.is_random else ""
        message = f"The step is not judged: {kind.unsupported}. Plain steps of SGD and of momentum are judged.{also}"
        remedy = "diagnose the class with that switched off, a plain step of SGD: its backprop is the same"
        raise UnjudgedError(Finding(Code.OPTIMIZER_UNSUPPORTED, Severity.INFO, message, {}, remedy))
    return kind


def _of_dropout(report: _Report, subject: Subject, point: ExaminedPoint) -> str:
    """What is judged of random steps: whether dropped units learn, a fault; said where they don't."""
    found = drops(subject, point)
    if found.moved:
        fault = DropoutFault(GradientKind.MASK_NOT_BACK, found.steps, found.dropped, found.moved, layers=found.layers)
        report.findings.append(of_gradient(fault, ""))
    if found.moved or not found.dropped:
        return ""
    return f" What dropout dropped, {found.dropped} units in {found.steps} steps, it dropped on the way back, too."


def _add_gradient(report: _Report, subject: Subject, point: ExaminedPoint, gradient: GradientReport) -> None:
    place = _place(subject, point) if gradient.faults else ""
    report.findings += [of_gradient(fault, place) for fault in gradient.faults]
    report.tolerance = gradient.tolerance
    report.errors["gradient"] = gradient.error
    if not gradient.faults and not gradient.averaged and abs(gradient.scale - 1) > 10 * gradient.wrong_above:
        report.findings.append(of_scale(gradient.scale, subject.sizes[-1]))


def _place(subject: Subject, point: ExaminedPoint) -> str:
    """Their backprop where what it returns is no multiple of the gradient, else their step; "" where none can tell."""
    returned = subject.returned(point.theta, point.x, point.y)
    if returned is None:
        return ""
    true = subject.slope(lambda at: subject.cost(at, point.x, point.y), point.theta).values
    if not np.any(true):
        return ""
    factor = float(returned @ true) / float(true @ true)
    is_right = np.linalg.norm(returned - factor * true) <= 1e-3 * np.linalg.norm(returned)
    backward, step = subject.places
    return step if is_right and factor > 0 else backward


def _trained(subject: Subject, point: ExaminedPoint) -> ExaminedPoint:
    theta = point.theta
    for _ in range(_TRAINED_STEPS):
        theta = theta + subject.step(theta, point.x, point.y, _TRAINED_ETA)
    return replace(point, theta=theta, x=point.x[:_AT_TRAINED], y=point.y[:_AT_TRAINED])


def _stopped(stop: StateShapeError | InconclusiveError, descended: str = "") -> Finding:
    """descended: the cost that a step descends, "" where that is not known."""
    if isinstance(stop, InconclusiveError):
        also = f" What a step descends is the {descended} of the outputs." if descended else ""
        return Finding(Code.INCONCLUSIVE, Severity.INFO, f"Nothing can be said: {stop}.{also}")
    message = (
        f"A step on {EXAMPLES} examples changes the shape of {stop.name} from {stop.before} to {stop.after}: a "
        "gradient of "
        "another shape is subtracted, such as one that is not summed over the mini-batch. Likeliest place: backprop."
    )
    evidence = {"before": list(stop.before), "after": list(stop.after)}
    return Finding(
        Code.STATE_SHAPE, Severity.FAULT, message, evidence, "nabla_b = delta.sum(axis=1, keepdims=True)   # (BP3)"
    )


def _summary(reports: Sequence[_Report], failures: Mapping[tuple[int, ...], UserNetworkError]) -> list[Finding]:
    """Each finding once, with the layers at which it was made; and, where there is no fault, how sure that is."""
    made: dict[tuple[Code, Severity], list[tuple[Finding, _Report]]] = {}
    for report in reports:
        for finding in report.findings:
            made.setdefault((finding.code, finding.severity), []).append((finding, report))
    findings = []
    for occurrences in made.values():
        first = occurrences[0][0]
        where = [shown(report.sizes) for _, report in occurrences]
        message = f"{first.message} Measured on layers {', '.join(where)}."
        findings.append(replace(first, message=message, evidence={**first.evidence, "sizes": where}))
    if failures:
        where = [shown(layers) for layers in failures]
        said = str(next(iter(failures.values()))).splitlines()[0]
        message = f"Not examined with layers {', '.join(where)}, where their code raises: {said}"
        findings.append(Finding(Code.INCONCLUSIVE, Severity.INFO, message, {"sizes": where}))
    if any(report.judged for report in reports) and all(f.severity is not Severity.FAULT for f in findings):
        findings.append(_clean(reports, findings))
    return ordered(findings)


def _clean(reports: Sequence[_Report], findings: Sequence[Finding]) -> Finding:
    judged = [report for report in reports if report.judged]
    errors = {
        name: max(report.errors.get(name, 0.0) for report in judged)
        for name in dict.fromkeys(name for report in judged for name in report.errors)
    }
    errors = {name: error for name, error in errors.items() if math.isfinite(error)}
    apart = " apart from the warning above" if any(f.severity is Severity.WARNING for f in findings) else ""
    tolerance = max(report.tolerance for report in judged)
    weak = (
        f" The test is weak: their code computes coarsely, as in float32, so an error below {tolerance:.0e} would not "
        "be seen."
        if tolerance > _COARSE
        else ""
    )
    slight = (
        " That is more than rounding, and far less than any fault makes: a small number in the cost, as in "
        "log(a + 1e-5), would do it."
        if tolerance <= _COARSE and max(errors.values()) > _ROUNDING
        else ""
    )
    penalty = ", and lambda's part with that of the reported penalty"
    if all(Code.DECAY_MISSING in [finding.code for finding in report.findings] for report in judged):
        penalty = " (there is no penalty)"
    elif not any("decay" in report.errors for report in judged):
        penalty = " (lambda's part was not examined)"
    message = (
        f"No fault found{apart}: steps agree with the gradient of the reported cost{penalty}, on layers "
        f"{', '.join(shown(report.sizes) for report in judged)}; the largest relative error is "
        f"{max(errors.values()):.1e}.{slight}{weak}"
    )
    return Finding(
        Code.CLEAN,
        Severity.INFO,
        message,
        {"largest_relative_error": max(errors.values()), "errors": errors, "tolerance": tolerance},
    )
