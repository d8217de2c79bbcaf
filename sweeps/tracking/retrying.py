"""What a store's errors become: a sentence, or another attempt."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator

from alembic.util.exc import CommandError
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from sweeps.errors import TrackingError
from sweeps.tracking.shown_uri import has_secrets, shown_uri, without_secrets

_PAUSES = (0.5, 1, 2, 5, 10, 30)  # seconds between attempts; the last is repeated
UNANSWERED = (  # whatever a store's client raises
    MlflowException,
    SQLAlchemyError,
    sqlite3.Error,
    CommandError,
    ImportError,
    OSError,
)
_HOPELESS = {
    "INVALID_PARAMETER_VALUE",
    "RESOURCE_DOES_NOT_EXIST",
    "BAD_REQUEST",
    "PERMISSION_DENIED",
    "UNAUTHENTICATED",
}


@contextlib.contextmanager
def tracking_errors(uri: str) -> Iterator[None]:
    """Turns what MLflow raises into a TrackingError of one line, without the secrets of the URI."""
    try:
        yield
    except UNANSWERED as error:
        said = f"the tracking store {shown_uri(uri)} does not answer as it should: {reason(error, uri)}"
        raise TrackingError(said) from (None if has_secrets(uri) else error)


def reason(error: BaseException, uri: str) -> str:
    """The first line of a message, without the secrets of a tracking URI."""
    return without_secrets(str(error), uri).strip().split("\n")[0] or type(error).__name__


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
                where, why = shown_uri(self._uri), reason(error, self._uri)
                cause = None if has_secrets(self._uri) else error
                if getattr(error, "error_code", "") in _HOPELESS:
                    raise TrackingError(f"{where} refuses to record: {why}") from cause
                pause = _PAUSES[min(attempt, len(_PAUSES) - 1)]
                self._say(f"{where} does not record ({why}); trying again in {pause:g} s")
                if self.give_up.wait(pause):
                    raise TrackingError(f"{where} does not record: {why}") from cause
                attempt += 1
