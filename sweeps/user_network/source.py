"""Where somebody's network class is: `path/to/file.py:Class` or `package.module:Class`. Nothing here runs it."""

import contextlib
import hashlib
import importlib.util
import inspect
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from sweeps.errors import InputError

FORM = "write path/to/file.py:Class or package.module:Class"
FILES = (".py", ".ipynb")


@dataclass(frozen=True)
class NetworkSource:
    """Somebody's own class, trained in place of the built-in network.

    named: `mynet.py:Network`, as the spec names it, relative to the spec's folder; this is what is recorded.
    target: the same with an absolute path. file, digest: where its code is, and the SHA-256 of that, both "" until a
    worker has met it. decay, faults: what a step was measured to take from a weight, and what is wrong with the class,
    as `diagnosis.network.step_law` writes them; "" where nothing is known, and where nothing is wrong.
    """

    named: str
    target: str = field(default="", compare=False)
    file: str = field(default="", compare=False)
    digest: str = field(default="", compare=False)
    decay: str = field(default="", compare=False)
    faults: str = field(default="", compare=False)


def split_target(target: str) -> tuple[str, str]:
    """(file or module, class) of a target, "" for the only network of a file; nothing is read. Raises InputError."""
    if target.endswith(FILES):
        return target, ""
    place, _, name = target.rpartition(":")
    if not place or not name.isidentifier():
        raise InputError(f"{target!r} names no class: {FORM}")
    return place, name


def absolute(target: str, folder: Path) -> str:
    """The target with its file's path made absolute, from a folder; a module's name stays. Raises InputError."""
    place, name = split_target(target)
    if not place.endswith(FILES):
        return target
    try:
        path = str((folder / Path(place).expanduser()).resolve())
        return f"{path}:{name}" if name else path
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"{place}: {error}; {FORM}") from error


def source_file(target: str) -> Path | None:
    """The absolute path of a target's file, None for a module's. Raises InputError where it can't be read."""
    place, _ = split_target(target)
    if not place.endswith(FILES):
        return None
    path = Path(absolute(place, Path()))
    try:
        known = path.is_file()
    except (OSError, ValueError):  # a name too long, or with a null in it
        known = False
    if not known:
        missing = "" if place != target else "; and it names no class"
        raise InputError(f"{place}: there is no such file{missing}; {FORM}")
    return path


def source_digest(target: str) -> str:
    """SHA-256 of a target's file (for a module: of the module's), as hex; "" where it has none that can be read."""
    path = source_file(target)
    if path is None:
        place, _ = split_target(target)
        find_beside()
        try:
            found = importlib.util.find_spec(place)
        except (ImportError, ValueError):
            found = None
        path = Path(found.origin) if found and found.origin else None
    try:
        return _sha256(path) if path else ""
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; {FORM}") from error


def file_digest(file: Path) -> str:
    """The same of a file; "" where there is none any more, or it cannot be read."""
    try:
        return _sha256(file)
    except OSError:
        return ""


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def find_beside() -> None:
    """Modules of the working folder can be imported, as they can be by `python -m`."""
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))


def file_of(network: type) -> Path | None:
    """The file that a class was written in, None for one typed into a session."""
    try:
        source = inspect.getsourcefile(network)
    except (TypeError, OSError):
        return None
    return Path(source).resolve() if source and Path(source).is_file() else None


def find_source_again(source: NetworkSource) -> NetworkSource:
    """A recorded network with its file as it was: where it was, else from the working folder. Raises InputError."""
    if source.target == source.named:  # a module: the worker looks at it
        return source
    for target in (source.target, absolute(source.named, Path())):
        with contextlib.suppress(InputError):
            if source_digest(target) == source.digest:
                return replace(source, target=target, file=str(source_file(target)))
    raise InputError(
        f"network {source.named}: {source.file} is not there any more, or has changed since the sweep began (SHA-256 "
        f"{source.digest}); bring the old file back: its text is the artifact network/ of the run `sweep`"
    )
