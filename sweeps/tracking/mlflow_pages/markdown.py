"""Text as it is, within the Markdown that MLflow's pages render."""

import re

from sweeps.formatting import printable

_SPECIAL = re.compile(r"[\\`*_\[\]<>|&~#$@]|(?<=[a-zA-Z]):(?=//)|(?<=www)\.")  # the last two: addresses become links


def as_text(given: object) -> str:
    """One line that shows what was given, letter for letter: no emphasis, link, picture, cell or tag comes of it."""
    return _SPECIAL.sub(r"\\\g<0>", " ".join(printable(str(given)).split()))
