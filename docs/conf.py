"""The documentation as a site: `make docs` builds it into docs/site, with Sphinx. It works offline."""

import argparse
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from sweeps.cli.arguments import parser  # noqa: E402 - found by the path above

project = "numpy-sweeps"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["site"]
html_theme = "furo"
html_title = "numpy-sweeps"
html_static_path: list[str] = []
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
default_role = "code"  # what stands between single backticks

_GENERATED = HERE / "generated"  # made by each build


def _commands() -> str:
    """The reference of the command line, as it says itself."""
    top = parser()
    pages = ["# The command line\n", _shown("sweeps", top)]
    subparsers = next(action for action in top._actions if isinstance(action, argparse._SubParsersAction))
    pages += [_shown(f"sweeps {name}", one) for name, one in subparsers.choices.items()]
    return "\n".join(pages)


def _shown(name: str, one: argparse.ArgumentParser) -> str:
    return f"## {name}\n\n```text\n{one.format_help()}```\n"


def setup(app: Any) -> None:
    """Sphinx calls this."""
    app.connect("autodoc-process-docstring", _with_examples)


def _with_examples(*event: Any) -> None:
    """What a docstring sets off by four spaces is an example, letter for letter."""
    lines: list[str] = event[-1]
    text = "\n".join(lines)
    lines[:] = re.sub(r"(?m)(?<=\n)\n(?=    \S)(?<!    \n\n)", "\n::\n\n", text, count=1).splitlines()


_GENERATED.mkdir(exist_ok=True)
(_GENERATED / "commands.md").write_text(_commands(), encoding="utf-8")
