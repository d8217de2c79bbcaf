"""Finds somebody's network class: `path/to/file.py:Class` or `package.module:Class`. Loading executes their file."""

import difflib
import hashlib
import importlib
import importlib.util
import inspect
import sys
import traceback
from pathlib import Path
from types import ModuleType

from sweeps.errors import InputError, UserNetworkError

_FORM = "write path/to/file.py:Class or package.module:Class"


def split_target(target: str) -> tuple[str, str]:
    """(file or module, class) of a target; nothing is read. Raises InputError."""
    place, _, name = target.rpartition(":")
    if not place or not name.isidentifier():
        raise InputError(f"{target!r} names no class: {_FORM}")
    return place, name


def absolute(target: str, folder: Path) -> str:
    """The target with its file's path made absolute, from a folder; a module's name stays. Raises InputError."""
    place, name = split_target(target)
    if not place.endswith(".py"):
        return target
    try:
        return f"{(folder / Path(place).expanduser()).resolve()}:{name}"
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"{place}: {error}; {_FORM}") from error


def source_file(target: str) -> Path | None:
    """The absolute path of a target's file, None for a module's. Raises InputError where it can't be read."""
    place, _ = split_target(target)
    if not place.endswith(".py"):
        return None
    path = Path(absolute(target, Path()).rpartition(":")[0])
    try:
        known = path.is_file()
    except (OSError, ValueError):  # a name too long, or with a null in it
        known = False
    if not known:
        raise InputError(f"{place}: there is no such file; {_FORM}")
    return path


def source_digest(target: str) -> str:
    """SHA-256 of a target's file (for a module: of the module's), as hex; "" where it has none that can be read."""
    path = source_file(target)
    if path is None:
        place, _ = split_target(target)
        try:
            found = importlib.util.find_spec(place)
        except (ImportError, ValueError):
            found = None
        path = Path(found.origin) if found and found.origin else None
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() if path else ""
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; {_FORM}") from error


def load_class(target: str) -> type:
    """The class, its file executed. Raises InputError where there is none, UserNetworkError where their code raises."""
    place, name = split_target(target)
    path = source_file(target)
    try:
        module = importlib.import_module(place) if path is None else _execute(path)
    except ModuleNotFoundError as error:
        if path is None and error.name is not None and (place == error.name or place.startswith(f"{error.name}.")):
            raise InputError(f"{target}: there is no module {error.name!r}; {_FORM}") from None
        raise UserNetworkError(describe(error, path)) from error
    except (Exception, SystemExit) as error:
        raise UserNetworkError(describe(error, path)) from error
    found = getattr(module, name, None)
    if isinstance(found, type):
        return found
    classes = [word for word, value in vars(module).items() if isinstance(value, type)]
    near = difflib.get_close_matches(name, classes, n=1, cutoff=0.5)
    known = f"did you mean {near[0]!r}?" if near else f"classes there: {', '.join(sorted(classes)) or 'none'}"
    raise InputError(f"{place}: has no class {name!r}; {known}")


def describe(error: BaseException, file: Path | None) -> str:
    """An exception in somebody's code: what it says, and the last line of theirs that was running.

    file: where their code is, else the last frame outside this package counts.
    """
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}, line {error.lineno}: {said}"
    frames = traceback.extract_tb(error.__traceback__)
    ours = str(Path(__file__).parent.parent)
    theirs = [
        frame
        for frame in frames
        if (Path(frame.filename) == file if file else not frame.filename.startswith((ours, "<frozen")))
    ]
    if not theirs:
        return said
    frame = theirs[-1]
    return f"{frame.filename}, line {frame.lineno}, in {frame.name}: {said}"


def file_of(network: type) -> Path | None:
    """The file that a class was written in, None for one typed into a session."""
    try:
        source = inspect.getsourcefile(network)
    except (TypeError, OSError):
        return None
    return Path(source).resolve() if source and Path(source).is_file() else None


def _execute(path: Path) -> ModuleType:
    """A file as a module; its folder joins the path's end, so that it finds its neighbours, now and later."""
    name = f"guest_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}_{path.stem}"
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise InputError(f"{path}: is no Python file; {_FORM}")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    try:
        found.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
