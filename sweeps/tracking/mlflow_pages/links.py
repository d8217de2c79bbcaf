"""Addresses in MLflow's UI, of 3.17; made without importing it. Nothing else in the product builds one."""

from sweeps.tracking.shown_uri import public_address

VIEW = "stability"  # the saved view, among those of an experiment
HOST, PORT = "127.0.0.1", 5000  # where `sweeps ui` serves unless told

_TRAINING = "workflowType=machine_learning"  # else the pages for language models open or surround everything


def server_of(uri: str) -> str:
    """The address of the UI: the tracking server's own, or where `sweeps ui` serves a store of files."""
    return public_address(uri) if is_served(uri) else f"http://{HOST}:{PORT}"


def is_served(uri: str) -> bool:
    """Whether a tracking URI is that of a server, which has a UI of its own."""
    return uri.startswith(("http://", "https://"))


def complete(uri: str, link: str) -> str:
    """The whole address of a page of the store at `uri`. link: what one of the functions below gives."""
    return f"{server_of(uri)}/{link}"


def experiment_link(experiment_id: str) -> str:
    """Of an experiment. This and the other addresses are relative to the server's."""
    return f"#/experiments/{experiment_id}?{_TRAINING}"


def view_link(experiment_id: str) -> str:
    """The view's address: its charts."""
    return f"#/experiments/{experiment_id}/runs?compareRunsMode=CHART&viewStateShareKey={VIEW}&{_TRAINING}"


def table_link(experiment_id: str) -> str:
    """The view's columns, which the page of charts does not show."""
    return f"#/experiments/{experiment_id}/runs?viewStateShareKey={VIEW}&{_TRAINING}"


def run_link(experiment_id: str, run_id: str) -> str:
    """A run's page."""
    return f"#/experiments/{experiment_id}/runs/{run_id}?{_TRAINING}"


def artifact_link(experiment_id: str, run_id: str, path: str) -> str:
    """An artifact's page."""
    return f"#/experiments/{experiment_id}/runs/{run_id}/artifacts/{path}?{_TRAINING}"
