"""How a store is opened to be read: a SQLite file as a file, in a tenth of the time; everything else through MLflow."""

from sweeps.tracking.address import check_spelling
from sweeps.tracking.location import tracking_uri
from sweeps.tracking.sqlite_reader import known_sqlite
from sweeps.tracking.sweep_reader import SweepReader


def open_reader(uri: str | None = None) -> SweepReader:
    """A reader of the store at that URI (None: see tracking_uri). Raises AddressError, TrackingError."""
    where = tracking_uri(uri)
    check_spelling(where)
    reader = known_sqlite(where)
    if reader is not None:
        return reader
    from sweeps.tracking.store import Store  # and with it MLflow

    return Store(where)
