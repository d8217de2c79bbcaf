"""Exit codes, and what is said on standard error."""

import sys

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def complain(error: object, code: int) -> int:
    print(f"sweeps: {error}", file=sys.stderr)
    return code
