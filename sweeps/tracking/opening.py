"""Opening a sweep's record in MLflow, new or old: its experiment, and the run named `sweep`."""

from collections.abc import Mapping
from dataclasses import replace

from mlflow.entities import Param, RunTag
from mlflow.exceptions import MlflowException

from model import Dataset
from sweeps.errors import SpecError, TrackingError
from sweeps.specification.spec import SweepSpec, differences
from sweeps.tracking.lease import Lease
from sweeps.tracking.mlflow_pages.saved_view import view_tag
from sweeps.tracking.records import SWEEP_RUN, RecordedSweep
from sweeps.tracking.retrying import sent_once, tracking_errors
from sweeps.tracking.shown_uri import shown_uri
from sweeps.tracking.spec_params import RULES, changed_file, spec_params
from sweeps.tracking.store import Store
from sweeps.tracking.trial_entities import SOURCE, data_input

_TRAINING = {"mlflow.experimentKind": "custom_model_development"}  # else the UI shows its pages for language models


def open_sweep(
    store: Store, spec: SweepSpec, data: Mapping[str, Dataset], provenance: Mapping[str, str], lease: Lease
) -> RecordedSweep:
    """The record of a sweep, created where there is none, its run RUNNING where something is left to do.

    The spec of what is returned has at least the trials that are recorded. provenance: tags of a new record. lease:
    taken here. Raises SpecError when the sweep was recorded with another spec, BusyError where another driver has it.
    Whatever it raises, it can be called again.
    """
    known = _known(store, spec)  # before anything is written
    with tracking_errors(store.uri):
        experiment_id = known.experiment_id if known else _experiment(store, spec)
        run_id = lease.take(experiment_id, lambda: _new_run(store, spec, experiment_id, provenance))
        known = _known(store, spec)  # the driver before this one may have changed it
        if known is None:
            _fill(store, spec, experiment_id, run_id, data)
        else:
            spec = replace(spec, trials=max(spec.trials, known.spec.trials), rules=known.spec.rules)
        if known is None or spec.trials > known.spec.trials or known.tags.get("state") != "finished":
            tags = {"trials": str(spec.trials), "state": "running"}
            store.client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])
            store.client.update_run(run_id, "RUNNING")
    opened = store.sweep(spec.name)
    if opened is None:
        raise TrackingError(f"the sweep {spec.name!r} was deleted from {shown_uri(store.uri)} just now; run it again")
    return replace(opened, spec=spec)  # the same, its search in the order of the spec


def _known(store: Store, spec: SweepSpec) -> RecordedSweep | None:
    """The record as it stands. Raises SpecError where it is of another spec."""
    known = store.sweep(spec.name)
    if known is not None:
        changed = differences(_settled(known.spec), _settled(spec)) + changed_file(known.spec, spec)
        if changed:
            remedy = "undo the change, or give the sweep another --name"
            raise SpecError(f"the sweep {spec.name!r} is recorded with another spec ({remedy}); changed", changed)
    return known


def _experiment(store: Store, spec: SweepSpec) -> str:
    """The id of the sweep's experiment, created where there is none."""
    client, experiment_id = store.client, store.experiment_id(spec.name)
    shown = _TRAINING | view_tag(spec)
    if experiment_id is None:
        file = store.file
        location = (file.parent / "artifacts" / spec.name).as_uri() if file else None  # a server knows its own
        try:
            with sent_once():
                return str(client.create_experiment(spec.name, location, tags=shown))
        except MlflowException:
            experiment_id = store.experiment_id(spec.name)  # of a driver that began at the same time
            if experiment_id is None:
                raise
    for key, value in shown.items():
        client.set_experiment_tag(experiment_id, key, value)
    return experiment_id


def _new_run(store: Store, spec: SweepSpec, experiment_id: str, provenance: Mapping[str, str]) -> str:
    """What becomes the run `sweep`, once this driver has it."""
    tags = {**SOURCE, "sweep": spec.name, **provenance}
    with sent_once():
        return str(store.client.create_run(experiment_id, run_name=SWEEP_RUN, tags=tags).info.run_id)


def _fill(store: Store, spec: SweepSpec, experiment_id: str, run_id: str, data: Mapping[str, Dataset]) -> None:
    """Writes what a sweep is into its run."""
    client, query = store.client, f"tags.sweep = '{spec.name}' and attributes.status = 'RUNNING'"
    for run in list(store.runs(experiment_id, query)):  # a driver died before it had written its spec
        if run.info.run_id != run_id:
            store.remove(run.info.run_id)
    client.log_batch(run_id, params=[Param(key, value) for key, value in spec_params(spec).items()])
    client.log_inputs(run_id, [data_input(one) for one in data.values()])
    store.log_network(run_id, spec)
    last = {"trials": str(spec.trials), RULES: str(spec.rules), "kind": "sweep"}  # with them it is a sweep
    client.log_batch(run_id, tags=[RunTag(key, value) for key, value in last.items()])


def _settled(spec: SweepSpec) -> dict[str, object]:
    """What may not change under a name: all but the number of trials."""
    return {key: value for key, value in spec.to_table().items() if key != "trials"}
