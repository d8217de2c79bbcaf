"""Processes that make a store, forked from one that has MLflow ready, so that a kill meets the making itself."""

import logging
import multiprocessing
import os
from multiprocessing.context import ForkServerContext


def forks() -> ForkServerContext:
    """Where processes come from; MLflow is imported once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["sweeps.tracking.store", "mlflow.store.tracking.sqlalchemy_store"])
    return context


def make_store(uri: str, cache: str) -> None:
    """Opens a store, and with it makes one. cache: the folder of the template."""
    os.environ["SWEEPS_CACHE"] = cache
    from sweeps.tracking.store import Store

    logging.disable(logging.CRITICAL)
    Store(uri)
