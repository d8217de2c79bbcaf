"""Exit codes, and what is said on standard error."""

import contextlib
import sys

from sweeps.formatting import printable

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def complain(error: object, code: int) -> int:
    with contextlib.suppress(OSError):  # the terminal may have gone
        print(printable(f"sweeps: {error}"), file=sys.stderr)
    return code
