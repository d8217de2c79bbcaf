"""`python -m sweeps` is `sweeps`."""

import sys

try:
    from sweeps.cli.main import main

    code = main()
except KeyboardInterrupt:  # before the command has begun
    code = 130
sys.exit(code)
