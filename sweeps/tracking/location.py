"""Where the tracking store is; answered without importing MLflow."""

import os
from pathlib import Path

_SQLITE = "sqlite:///"


def tracking_uri(given: str | None = None) -> str:
    """The given URI, else $MLFLOW_TRACKING_URI, else a SQLite file in ./mlruns."""
    return given or os.environ.get("MLFLOW_TRACKING_URI") or f"{_SQLITE}{Path('mlruns', 'mlflow.db').resolve()}"


def sqlite_file(uri: str) -> Path | None:
    """The file behind a SQLite URI, None for other stores."""
    return Path(uri.removeprefix(_SQLITE)).resolve() if uri.startswith(_SQLITE) else None
