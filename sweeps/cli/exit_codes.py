"""Exit codes, and what is said on standard error."""

import sys

from sweeps.formatting import printable

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def complain(error: object, code: int) -> int:
    print(printable(f"sweeps: {error}"), file=sys.stderr)
    return code
