"""What a store's errors become: a sentence, or another attempt.

An answer of 500, or none, does not say that nothing was written. What can be sent twice without harm is (a batch of
metrics, a tag, a status, a file); what makes something new is sent once, and looked for before it is made again.
"""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from alembic.util.exc import CommandError
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from sweeps.errors import StoreAwayError, TrackingError, VanishedError
from sweeps.tracking.location import sqlite_file
from sweeps.tracking.outage import Outage
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
        why = reason(error, uri)
        said = f"the tracking store {shown_uri(uri)} does not answer as it should: {why}"
        raised = TrackingError(said) if _hopeless(error) else StoreAwayError(said, why)
        raise raised from (None if has_secrets(uri) else error)


def reason(error: BaseException, uri: str) -> str:
    """The first line of a message, without the secrets of a tracking URI."""
    return without_secrets(str(error), uri).strip().split("\n")[0] or type(error).__name__


def _hopeless(error: BaseException) -> bool:
    """Not where a row stood already: MLflow repeated what it had written, and from the start it is written anew."""
    stood = any(word in str(error) for word in _STOOD_ALREADY)
    return getattr(error, "error_code", "") in _HOPELESS and not stood


class Patience:
    """Does things again with growing pauses while a store is away or busy.

    say: told in plain words when the store stops answering, and when it answers again.
    """

    def __init__(self, uri: str, say: Callable[[str], None], outage: Outage | None = None) -> None:
        self._uri, self._say = uri, say
        self._outage = outage or Outage()
        self._file = sqlite_file(uri)
        self._known = _identity(self._file)

    @property
    def give_up(self) -> threading.Event:
        """Set by another thread to end the waiting."""
        return self._outage.give_up

    def do(self, action: Callable[[int], T]) -> T:
        """What action(attempt) returns, once it does not raise.

        Raises TrackingError where refused, StoreAwayError on give_up, VanishedError for a file that was deleted.
        """
        attempt = 0
        where = shown_uri(self._uri)
        while True:
            self.check_file()
            if self._outage.closed.is_set():
                raise StoreAwayError(f"{where} is not written to any more")
            try:
                done = action(attempt)
            except (*UNANSWERED, StoreAwayError) as error:
                why = error.why if isinstance(error, StoreAwayError) else reason(error, self._uri)
                cause = None if has_secrets(self._uri) else error
                self.check_file()
                if _hopeless(error):
                    raise TrackingError(f"{where} refuses to record: {why}") from cause
                pause = _PAUSES[min(attempt, len(_PAUSES) - 1)]
                if self._outage.goes_on(why):
                    self._say(f"{where} does not record ({why}); trying again, and training goes on")
                if self._outage.give_up.wait(pause):
                    raise StoreAwayError(f"{where} does not record: {why}", why) from cause
                attempt += 1
            else:
                if self._outage.ends():
                    self._say(f"{where} records again")
                return done

    def check_file(self) -> None:
        """Raises VanishedError where the SQLite file is not the one that it was: what is written there is lost."""
        if self._file is not None and self._known is not None and _identity(self._file) != self._known:
            what = "was replaced by another" if self._file.exists() else "was deleted"
            raise VanishedError(f"the tracking store {self._file} {what} while the sweep ran")


def _identity(file: Path | None) -> tuple[int, int] | None:
    """What tells a file from another that takes its place; None where there is none."""
    if file is None:
        return None
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
