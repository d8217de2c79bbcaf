"""Whether a store is away; told without importing MLflow."""

import threading
import time

STORE_WAIT = 180.0  # seconds that a sweep which has nothing else to do waits for a store that is away


class Outage:
    """Whether the store is away, as the thread that talks to it last found it; for those who wait for it.

    give_up: set by another thread to end the waiting. closed: set by it where nothing is to be done any more. why: None
    while the store answers. since: on the monotonic clock.
    """

    def __init__(self) -> None:
        self.give_up = threading.Event()
        self.closed = threading.Event()
        self.why: str | None = None
        self.since = 0.0

    def goes_on(self, why: str) -> bool:
        """Notes that the store did not answer; says whether it did before."""
        begins = self.why is None
        if begins:
            self.since = time.monotonic()
        self.why = why
        return begins

    def ends(self) -> bool:
        """Notes that it answered; says whether it was away."""
        was_away, self.why = self.why is not None, None
        return was_away
