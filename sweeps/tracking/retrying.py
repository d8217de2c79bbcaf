"""What a store's errors become: a sentence, or another attempt."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator

from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from sweeps.errors import TrackingError

_PAUSES = (0.5, 1, 2, 5, 10, 30)  # seconds between attempts; the last is repeated
UNANSWERED = (MlflowException, SQLAlchemyError, sqlite3.Error, OSError)  # whatever a store raises
_HOPELESS = {
    "INVALID_PARAMETER_VALUE",
    "RESOURCE_DOES_NOT_EXIST",
    "BAD_REQUEST",
    "PERMISSION_DENIED",
    "UNAUTHENTICATED",
}


@contextlib.contextmanager
def tracking_errors(uri: str) -> Iterator[None]:
    """Turns what MLflow raises into a TrackingError of one line."""
    try:
        yield
    except UNANSWERED as error:
        first = str(error).strip().split("\n")[0]
        raise TrackingError(f"the tracking store {uri} does not answer as it should: {first}") from error


class Patience:
    """Does things again with growing pauses while a store is away or busy.

    say: told in plain words when the store does not answer. give_up: set by another thread to end the waiting.
    """

    def __init__(self, uri: str, say: Callable[[str], None]) -> None:
        self._uri, self._say = uri, say
        self.give_up = threading.Event()

    def do(self, action: Callable[[int], object]) -> None:
        """Calls action(attempt) until it does not raise. TrackingError where the store refuses, or on give_up."""
        attempt = 0
        while True:
            try:
                action(attempt)
                return
            except UNANSWERED as error:
                if getattr(error, "error_code", "") in _HOPELESS:
                    raise TrackingError(f"{self._uri} refuses to record: {error}") from error
                pause = _PAUSES[min(attempt, len(_PAUSES) - 1)]
                reason = str(error).strip().split("\n")[0]
                self._say(f"{self._uri} does not record ({reason}); trying again in {pause:g} s")
                if self.give_up.wait(pause):
                    raise TrackingError(f"{self._uri} does not record: {reason}") from error
                attempt += 1
