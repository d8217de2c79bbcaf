"""What README and docs show is what comes out: every command they print is run, every word they link to exists.

A block of ```console is a session: lines after `$` are typed, the others come out. `...` stands for any words, on a
line of its own for any lines; numbers may differ in their last digits, as they do between processors. Blocks of
```python in docs/python.md run, too.
"""

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sweeps.cli.main import main

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e-?\d+)?")
_NEARLY = 0.01  # the relative difference of two numbers that are the same on another processor


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where a reader sits: the project's folder but for its records."""
    for name in ("sweeps", "docs", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    with contextlib.chdir(tmp_path), pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield tmp_path


def blocks(page: Path, language: str) -> list[str]:
    return [block[2] for block in _BLOCK.finditer(page.read_text(encoding="utf-8")) if block[1] == language]


def sessions(page: Path) -> list[tuple[str, list[str]]]:
    """Each command with the lines that it shows."""
    found: list[tuple[str, list[str]]] = []
    for line in "".join(blocks(page, "console")).splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("folder")
def test_the_readme_shows_what_comes_out() -> None:
    shown = sessions(ROOT / "README.md")
    assert len(shown) >= 2
    for command, expected in shown:
        assert_shows(typed(command), expected, command)
    for block in blocks(ROOT / "docs" / "python.md", "python"):
        exec(compile(block, "docs/python.md", "exec"), {"__name__": "__main__"})


def typed(command: str) -> list[str]:
    """The lines that a command prints."""
    program, *arguments = shlex.split(command)
    assert program == "sweeps"
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")
        assert main(arguments) == 0, command
    return out.getvalue().splitlines()


def assert_shows(printed: list[str], expected: list[str], command: str) -> None:
    """That the lines expected are those printed, in order."""
    rest, free = [line.rstrip() for line in printed], False
    for line in expected:
        if line == "...":
            free = True
            continue
        while rest and not is_like(rest[0], line) and (free or not rest[0]):
            rest.pop(0)
        assert rest, f"{command} does not print {line!r}, but\n" + "\n".join(printed)
        assert is_like(rest.pop(0), line), f"{command} does not print {line!r}, but\n" + "\n".join(printed)
        free = False


def is_like(printed: str, expected: str) -> bool:
    """Whether a line is as expected: `...` for any words, numbers nearly."""
    pieces = [re.escape(_NUMBER.sub("0", piece.strip())) for piece in re.split(r"\.\.\.+", _spaced(expected))]
    if not re.fullmatch(r"\s*.*?\s*".join(pieces), _NUMBER.sub("0", _spaced(printed))):
        return False
    numbers = zip(_NUMBER.findall(expected), _NUMBER.findall(printed), strict=False)
    return all(abs(float(a) - float(b)) <= _NEARLY * abs(float(a)) for a, b in numbers)


def _spaced(line: str) -> str:
    return " ".join(line.split())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_that_a_page_names_exists(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    help_text = capsys.readouterr().out
    names = set(re.findall(r"`sweeps ([a-z]+)\b", page.read_text(encoding="utf-8")))
    assert {name for name in names if not re.search(rf"^ +{name} ", help_text, re.MULTILINE)} == set()
    targets = set(re.findall(r"`?make ([a-z]+)`", page.read_text(encoding="utf-8")))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert {name for name in targets if not re.search(rf"^{name}:", makefile, re.MULTILINE)} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:tests|sweeps|model|docs)/[\w./-]+\.\w+)`", text)
    assert {name for name in named if not (ROOT / name).is_file()} == set()


def test_the_site_builds_without_a_warning_and_needs_no_other_site(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("generated", "site"))
    command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going", "docs", "site"]
    built = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    for page in (tmp_path / "site").rglob("*.html"):
        loaded = re.findall(r"<(?:script|img|link)[^>]+(?:src|href)=\"(\w+://[^\"]+)", page.read_text(encoding="utf-8"))
        assert loaded == [], page.name
