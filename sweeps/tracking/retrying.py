"""What a store's errors become: a sentence, or another attempt.

An answer of 500, or none, does not say that nothing was written. What can be sent twice without harm is (a batch of
metrics, a tag, a status, a file); what makes something new is sent once, and looked for before it is made again.
"""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

from alembic.util.exc import CommandError
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from sweeps.errors import TrackingError
from sweeps.tracking.shown_uri import has_secrets, shown_uri, without_secrets

T = TypeVar("T")

_REPEATS = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
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


_STOOD_ALREADY = ("IntegrityError", "UniqueViolation")  # in messages, by database


class StoreAwayError(TrackingError):
    """The store did not answer, or not as it should; it may the next time."""


@contextlib.contextmanager
def sent_once() -> Iterator[None]:
    """MLflow repeats no request in here. For what makes something: it repeats a POST whose answer was lost, too."""
    before = os.environ.get(_REPEATS)
    os.environ[_REPEATS] = "0"  # read by MLflow at each request
    try:
        yield
    finally:
        if before is None:
            del os.environ[_REPEATS]
        else:
            os.environ[_REPEATS] = before


@contextlib.contextmanager
def tracking_errors(uri: str) -> Iterator[None]:
    """Turns what MLflow raises into a TrackingError of one line, without the secrets of the URI."""
    try:
        yield
    except UNANSWERED as error:
        kind = TrackingError if _hopeless(error) else StoreAwayError
        said = f"the tracking store {shown_uri(uri)} does not answer as it should: {reason(error, uri)}"
        raise kind(said) from (None if has_secrets(uri) else error)


def reason(error: BaseException, uri: str) -> str:
    """The first line of a message, without the secrets of a tracking URI."""
    return without_secrets(str(error), uri).strip().split("\n")[0] or type(error).__name__


def _hopeless(error: BaseException) -> bool:
    """Not where a row stood already: MLflow repeated what it had written, and from the start it is written anew."""
    stood = any(word in str(error) for word in _STOOD_ALREADY)
    return getattr(error, "error_code", "") in _HOPELESS and not stood


class Patience:
    """Does things again with growing pauses while a store is away or busy.

    say: told in plain words when the store does not answer. give_up: set by another thread to end the waiting.
    """

    def __init__(self, uri: str, say: Callable[[str], None], give_up: threading.Event | None = None) -> None:
        self._uri, self._say = uri, say
        self.give_up = give_up or threading.Event()

    def do(self, action: Callable[[int], T]) -> T:
        """What action(attempt) returns, once it does not raise. TrackingError where refused, or on give_up."""
        attempt = 0
        while True:
            try:
                return action(attempt)
            except (*UNANSWERED, StoreAwayError) as error:
                where, why = shown_uri(self._uri), reason(error, self._uri)
                cause = None if has_secrets(self._uri) else error
                if _hopeless(error):
                    raise TrackingError(f"{where} refuses to record: {why}") from cause
                pause = _PAUSES[min(attempt, len(_PAUSES) - 1)]
                self._say(f"{where} does not record ({why}); trying again in {pause:g} s")
                if self.give_up.wait(pause):
                    raise TrackingError(f"{where} does not record: {why}") from cause
                attempt += 1
