"""A clock that somebody sets back: by an hour, while a file is there."""

import os
import time
from pathlib import Path

_BACK_SECONDS = 3600


def obey() -> None:
    """From here on, `time.time` is what the file makes it."""
    if "CAMPAIGN_CLOCK" in os.environ:
        file, seconds, nanoseconds = Path(os.environ["CAMPAIGN_CLOCK"]), time.time, time.time_ns
        time.time = lambda: seconds() - _BACK_SECONDS * file.exists()
        time.time_ns = lambda: nanoseconds() - _BACK_SECONDS * 10**9 * file.exists()
