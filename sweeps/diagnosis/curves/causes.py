"""Why a run did not descend the cost that it reports: three causes, weighed by what was recorded, none of them proven.

A wrong gradient; a wrong report, such as a penalty added once for each example; steps past a stability bound. The last
leaves a network that guesses, so accuracy tells it apart.
"""

import math

from sweeps.diagnosis.curves.descent_bound import DIAGNOSE
from sweeps.diagnosis.curves.readings import Readings, Rise, largest_rise
from sweeps.diagnosis.curves.run_facts import RunFacts
from sweeps.diagnosis.findings import Code, Evidence, Finding, Severity
from sweeps.formatting import number, percent
from sweeps.verdicts.rules import RISEN

_CLEARLY = 0.25  # of the way from guessing to all right: classes of unequal size let a constant answer beat 1 / classes
_GUESSING = 0.1  # of that way
_SIGNIFICANT = 5.0  # standard deviations above guessing
_LEARNS = 0.2  # of the wrong answers, lost from the rise's start to its end: what a sound training does at the least
_TRAINED = 0.95  # accuracy from which little is left to learn


def weigh_causes(readings: Readings, facts: RunFacts) -> Finding:
    """For a run that did not descend."""
    rise = largest_rise(readings.epochs, readings.total)
    steps, steps_sentence, numbers = _steps(readings, rise, facts)
    gradient, report, other_sentence = _gradient_or_report(readings, rise, steps, facts)
    verdicts = {"wrong_gradient": gradient, "wrong_report": report, "steps_too_large": steps}
    message = (
        "Three causes are possible: a wrong gradient or decay, a wrong report, steps past a stability bound. "
        f"{steps_sentence} {other_sentence}"
    )
    remedy = [f"{DIAGNOSE}, which tells the causes apart."]
    if not readings.has_parts:
        remedy.append("Record data_cost and penalty in columns of their own: a report that adds them wrongly shows.")
    if steps != "excluded":
        remedy.append(f"Train again with {_smaller_eta(facts)}: if the total falls then, it was the steps.")
    return Finding(Code.INCONCLUSIVE, Severity.INFO, message.strip(), {"causes": verdicts, **numbers}, " ".join(remedy))


def _steps(readings: Readings, rise: Rise, facts: RunFacts) -> tuple[str, str, dict[str, Evidence]]:
    """(how likely, in words, in numbers) for steps past a stability bound."""
    if facts.decay is not None and facts.decay >= facts.decay_bound:
        sentence = f"eta * lambda / n is {facts.decay:.6g}, and steps are unstable from {number(facts.decay_bound)}."
        return "explains it", sentence, {"eta_lambda_over_n": facts.decay}
    lowest = readings.lowest_accuracy(rise.second_half)
    if lowest is None or facts.classes is None:
        return "possible", "Steps too large leave a network that guesses: accuracies would tell.", {}
    chance = 1 / facts.classes
    way = (lowest - chance) / (1 - chance)
    numbers: dict[str, Evidence] = {"lowest_accuracy": lowest, "guessing": chance}
    above = ""
    deviations = math.inf
    if facts.evaluated_n is not None:
        deviations = (lowest - chance) / math.sqrt(chance * (1 - chance) / facts.evaluated_n)
        numbers["standard_deviations_above_guessing"] = deviations
        above = f", {deviations:.0f} standard deviations above guessing ({percent(chance)})"
    if way > _CLEARLY and deviations > _SIGNIFICANT:
        sentence = (
            "Steps too large are as good as excluded: they leave a network that guesses, and this one is right in "
            f"{percent(lowest)} or more{above or f', far above guessing ({percent(chance)})'}."
        )
        return "excluded", sentence, numbers
    if way < _GUESSING:
        sentence = (
            f"Accuracy is down to {percent(lowest)}, about guessing ({percent(chance)}), which goes with steps too "
            "large: look there first."
        )
        return "likely", sentence, numbers
    sentence = f"Steps too large leave a network that guesses; {percent(lowest)} right is too near to tell."
    return "possible", sentence, numbers


def _gradient_or_report(readings: Readings, rise: Rise, steps: str, facts: RunFacts) -> tuple[str, str, str]:
    """(how likely a wrong gradient is, how likely a wrong report, in words)."""
    if readings.has_parts and facts.n is not None:
        once = readings.data + readings.penalty / facts.n
        if once[0] >= RISEN * once[-1]:
            fall = f"from {number(float(once[0]))} to {number(float(once[-1]))}"
            sentence = (
                f"If the report adds the penalty once per example, what is minimised fell {fall}: look there first."
            )
            return "possible", "likely", sentence
    gain, lowest = readings.accuracy_gain(rise.span), readings.lowest_accuracy(rise.span)
    if steps != "excluded" or gain is None or lowest is None or lowest >= _TRAINED:
        return "possible", "possible", ""
    if gain < _LEARNS * (1 - lowest):
        sentence = (
            "With a wrong report alone the training would be sound and go on learning; accuracy changed by "
            f"{100 * gain:+.2g} points, which speaks for a wrong gradient and does not prove it."
        )
        return "likely", "possible", sentence
    sentence = (
        f"Accuracy rose by {100 * gain:.2g} points meanwhile, which a wrong report leaves as it is: look there too."
    )
    return "possible", "possible", sentence


def _smaller_eta(facts: RunFacts) -> str:
    if facts.lmbda and facts.n is not None:
        bound = facts.decay_bound * facts.n / facts.lmbda
        eta = "" if facts.eta is None else f"; say {number(facts.eta / 10)}"
        return f"a smaller eta (well below {number(bound)}, which is {number(facts.decay_bound)} n / lambda{eta})"
    return "a tenth of eta" if facts.eta is None else f"eta = {number(facts.eta / 10)}"
