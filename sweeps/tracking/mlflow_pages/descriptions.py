"""Descriptions in Markdown, as MLflow's pages show them: of a trial, of a sweep, and the banner over its runs."""

from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from model import metrics
from sweeps.formatting import count, number, setting, words
from sweeps.specification.spec import SweepSpec
from sweeps.tracking.mlflow_pages.links import artifact_link, run_link, table_link, view_link
from sweeps.tracking.mlflow_pages.markdown import as_text
from sweeps.tracking.records import REPORT, REPORT_FILE, REPORT_PICTURE, RecordedTrial
from sweeps.verdicts.tally import tally, what_counts
from sweeps.verdicts.verdict import Assessment

NOTE = "mlflow.note.content"

_REPORT = f"{REPORT}/{REPORT_FILE}"
_PICTURE = f"{REPORT}/{REPORT_PICTURE}"


def describe_trial(assessment: Assessment) -> str:
    """The verdict, its sentence, and the evidence."""
    cause = f" ({words(assessment.cause)})" if assessment.cause else ""
    lines = [f"**{words(assessment.verdict).capitalize()}{cause}.** {as_text(assessment.sentence)}", ""]
    lines += [f"Rule: {as_text(assessment.rule)}. Seen at epoch {assessment.epoch}."]
    if assessment.numbers:
        names, values = zip(
            *((as_text(name), f"{value:.4g}") for name, value in assessment.numbers.items()), strict=True
        )
        lines += ["", _row(names), _row(["---:"] * len(names)), _row(values)]
    return "\n".join(lines)


def describe_sweep(
    spec: SweepSpec,
    experiment_id: str,
    run_id: str,
    trials: Sequence[RecordedTrial],
    best: tuple[int, int] | None,
    pair: tuple[int, int] | None,
) -> str:
    """What was run, verdicts with an example each, the best trial, links, what to type.

    best: trial, replicate. pair: numbers of two trials that are worth comparing.
    """
    searched = "; ".join(f"{as_text(name)} {as_text(domain.in_words)}" for name, domain in spec.search.items())
    objective = words(" and ".join(spec.objective))
    how = f"{count(spec.plan.epochs, 'epoch')} each, proposed by {spec.sampler}, for {objective}"
    lines = [
        f"{count(len(trials), 'training')} on {_dataset(spec)}, {how}. Searched: {searched}.",
        "",
        f"{_tally(trials)} ({what_counts()}).",
        "",
        _row(["verdict", "trials", "for example"]),
        _row(["---", "---:", "---"]),
    ]
    for verdict, times in _counts(trials):
        one = _example(verdict, trials, best)
        link = _link(spec, experiment_id, one)
        lines.append(
            _row([f"**{as_text(words(verdict))}**", str(times), f"{link}: {as_text(one.verdict_reason or '')}"])
        )
    lines += [
        "",
        _best(spec, experiment_id, trials, best),
        "",
        f"See: {_links(experiment_id, run_id)}{_picture(spec, experiment_id, run_id)}.",
        "",
        "Type next:",
        "",
    ]
    return "\n".join([*lines, *(f"    {command}" for command in _commands(spec, best, pair))])


def banner(
    spec: SweepSpec, experiment_id: str, run_id: str, trials: Sequence[RecordedTrial], best: tuple[int, int] | None
) -> str:
    """The sweep in a line, which is what MLflow shows of it at first; the best trial's settings in a second one."""
    counts = ", ".join(f"{count} {as_text(words(verdict))}" for verdict, count in _counts(trials))
    summary = f"[summary]({run_link(experiment_id, run_id)})"
    what = f"**{len(trials)} trainings on {_dataset(spec)}:** {_tally(trials)}: {counts}."
    return f"{what} {_links(experiment_id, run_id)} · {summary}\n\n{_best(spec, experiment_id, trials, best)}"


def _best(spec: SweepSpec, experiment_id: str, trials: Sequence[RecordedTrial], best: tuple[int, int] | None) -> str:
    one = next((trial for trial in trials if (trial.number, trial.replicate) == best), None)
    if one is None:
        return "No trial has a sound result."
    settings = ", ".join(
        f"{as_text(name)} {as_text(setting(one.settings[name]))}" for name in spec.varied if name in one.settings
    )
    shown = dict.fromkeys([spec.goals[0].metric, metrics.VALIDATION_DATA, metrics.VALIDATION_ACCURACY])
    starts = [trial for trial in trials if trial.number == one.number]
    means = {name: fmean(start.metrics[name] for start in starts) for name in shown if name in one.metrics}
    values = ", ".join(f"{name} {number(mean)}" for name, mean in means.items())
    values += f" (means of {len(starts)} starts)" if len(starts) > 1 else ""
    verdict = f"; {as_text(words(one.verdict))}" if one.verdict else ""
    return f"**Best: {_link(spec, experiment_id, one)}** ({settings}): {values}{verdict}."


def _links(experiment_id: str, run_id: str) -> str:
    links = {
        "curves": view_link(experiment_id),
        "verdicts": table_link(experiment_id),
        "report": artifact_link(experiment_id, run_id, _REPORT),
    }
    return " · ".join(f"[{words}]({link})" for words, link in links.items())


def _picture(spec: SweepSpec, experiment_id: str, run_id: str) -> str:
    if not {"eta", "lambda"} <= set(spec.varied):
        return ""
    return f" · [map]({artifact_link(experiment_id, run_id, _PICTURE)})"


def _commands(spec: SweepSpec, best: tuple[int, int] | None, pair: tuple[int, int] | None) -> list[str]:
    name = spec.name
    commands = [f"sweeps report {name} --open", f"sweeps show {name} --where 'diverged == 1'"]
    commands += [] if pair is None else [f"sweeps compare {name} {pair[0]} {pair[1]}"]
    return commands if best is None else [*commands, f"sweeps replay {name} {best[0]}"]


def _counts(trials: Sequence[RecordedTrial]) -> list[tuple[str, int]]:
    return Counter(trial.verdict for trial in trials if trial.verdict).most_common()


def _tally(trials: Sequence[RecordedTrial]) -> str:
    return tally(trial.verdict for trial in trials)


def _example(verdict: str, trials: Sequence[RecordedTrial], best: tuple[int, int] | None) -> RecordedTrial:
    """The best trial where it has this verdict, else the first that does."""
    found = [trial for trial in trials if trial.verdict == verdict]
    return next((trial for trial in found if (trial.number, trial.replicate) == best), found[0])


def _link(spec: SweepSpec, experiment_id: str, trial: RecordedTrial) -> str:
    start = f", start {trial.replicate}" if spec.replicates > 1 else ""
    return f"[trial {trial.number}{start}]({run_link(experiment_id, trial.run_id)})"


def _dataset(spec: SweepSpec) -> str:
    return as_text(spec.search["dataset"].in_words if "dataset" in spec.search else spec.plan.dataset)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
