"""`python -m sweeps` is `sweeps`."""

import sys

from sweeps.cli.main import main

sys.exit(main())
