"""Opening a sweep's record in MLflow, new or old: its experiment, and the run named `sweep`."""

from collections.abc import Mapping
from dataclasses import replace

from mlflow.entities import Param, RunTag

from model import Dataset
from sweeps.errors import SpecError, TrackingError
from sweeps.specification.spec import SweepSpec, differences
from sweeps.tracking.mlflow_pages.saved_view import view_tag
from sweeps.tracking.records import SWEEP_RUN, RecordedSweep
from sweeps.tracking.retrying import sent_once, tracking_errors
from sweeps.tracking.shown_uri import shown_uri
from sweeps.tracking.spec_params import RULES, changed_file, spec_params
from sweeps.tracking.store import Store
from sweeps.tracking.trial_entities import SOURCE, data_input

_TRAINING = {"mlflow.experimentKind": "custom_model_development"}  # else the UI shows its pages for language models


def open_sweep(
    store: Store, spec: SweepSpec, data: Mapping[str, Dataset], provenance: Mapping[str, str]
) -> RecordedSweep:
    """The record of a sweep, created where there is none, its run RUNNING where something is left to do.

    The spec of what is returned has at least the trials that are recorded. provenance: tags of a new record. Raises
    SpecError when the sweep was recorded with another spec. Whatever it raises, it can be called again.
    """
    known = store.sweep(spec.name)
    if known is not None:
        changed = differences(_settled(known.spec), _settled(spec)) + changed_file(known.spec, spec)
        if changed:
            remedy = "undo the change, or give the sweep another --name"
            raise SpecError(f"the sweep {spec.name!r} is recorded with another spec ({remedy}); changed", changed)
        spec = replace(spec, trials=max(spec.trials, known.spec.trials), rules=known.spec.rules)
    with tracking_errors(store.uri):
        run_id = known.run_id if known else _create(store, spec, data, provenance)
        if known is None or spec.trials > known.spec.trials or known.tags.get("state") != "finished":
            tags = {"trials": str(spec.trials), "state": "running"}
            store.client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])
            store.client.update_run(run_id, "RUNNING")
    opened = store.sweep(spec.name)
    if opened is None:
        raise TrackingError(f"the sweep {spec.name!r} was deleted from {shown_uri(store.uri)} just now; run it again")
    return replace(opened, spec=spec)  # the same, its search in the order of the spec


def _create(store: Store, spec: SweepSpec, data: Mapping[str, Dataset], provenance: Mapping[str, str]) -> str:
    client, experiment_id = store.client, store.experiment_id(spec.name)
    shown = _TRAINING | view_tag(spec)
    if experiment_id is None:
        file = store.file
        location = (file.parent / "artifacts" / spec.name).as_uri() if file else None  # a server knows its own
        with sent_once():
            experiment_id = client.create_experiment(spec.name, location, tags=shown)
    else:
        for key, value in shown.items():
            client.set_experiment_tag(experiment_id, key, value)
    query = f"tags.sweep = '{spec.name}' and attributes.status = 'RUNNING'"
    for run in list(store.runs(experiment_id, query)):  # a driver died before it had written its spec
        store.remove(run.info.run_id)
    with sent_once():
        run = client.create_run(experiment_id, run_name=SWEEP_RUN, tags={**SOURCE, "sweep": spec.name, **provenance})
    run_id = str(run.info.run_id)
    client.log_batch(run_id, params=[Param(key, value) for key, value in spec_params(spec).items()])
    client.log_inputs(run_id, [data_input(one) for one in data.values()])
    store.log_network(run_id, spec)
    last = {"trials": str(spec.trials), RULES: str(spec.rules), "kind": "sweep"}  # with them it is a sweep
    client.log_batch(run_id, tags=[RunTag(key, value) for key, value in last.items()])
    return run_id


def _settled(spec: SweepSpec) -> dict[str, object]:
    """What may not change under a name: all but the number of trials."""
    return {key: value for key, value in spec.to_table().items() if key != "trials"}
