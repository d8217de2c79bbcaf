"""What a verdict has to know of a training besides its records, from its task and from what is known of its network."""

from collections.abc import Sequence
from dataclasses import replace

from model import Dataset, EpochRecord, Hyperparameters, TrainingPlan, metrics
from sweeps.diagnosis.network.step_law import faults_of, law_of
from sweeps.user_network.source import NetworkSource
from sweeps.verdicts.facts import State, TrialFacts
from sweeps.worker.task import Task


def facts_of(
    task: Task, data: Dataset, records: Sequence[EpochRecord], state: State, diverged_epoch: int | None
) -> TrialFacts:
    """What a verdict on a task's training has to know besides its records."""
    known = trial_facts(task.plan, task.hyperparameters, data, state, diverged_epoch)
    if task.network is None:
        return known
    return user_network_facts(
        known, task.network, records[0].measures.get(metrics.CONSTANT_ANSWER) if records else None
    )


def user_network_facts(known: TrialFacts, source: NetworkSource, constant_answer: float | None) -> TrialFacts:
    """The facts where the network is somebody's own. constant_answer: None or NaN where it was not measured."""
    measured = constant_answer is not None and constant_answer == constant_answer
    law = law_of(source.decay)
    is_known = law is not None and not law.is_usual
    return replace(
        known,
        output="",
        cost="",
        momentum=0.0,
        constant_answer=constant_answer if measured else None,
        taken=law.taken(known.eta, known.lmbda, known.n, known.batch_size) if law is not None and is_known else None,
        is_lambda_idle=law is not None and law.is_idle,
        faults=tuple(code for code, _ in faults_of(source.faults)),
    )


def trial_facts(
    plan: TrainingPlan, hyperparameters: Hyperparameters, data: Dataset, state: State, diverged_epoch: int | None
) -> TrialFacts:
    """What a verdict has to know of a trial besides its records."""
    return TrialFacts(
        eta=hyperparameters.eta,
        lmbda=hyperparameters.lmbda,
        batch_size=hyperparameters.batch_size,
        n=len(data.train) - plan.validation,
        classes=data.train.classes,
        output=plan.output,
        cost=plan.cost,
        momentum=plan.momentum,
        epochs=plan.epochs,
        state=state,
        diverged_epoch=diverged_epoch,
    )
