"""Loads somebody's network class, which executes their file; and says what their code raised, with its line."""

import difflib
import hashlib
import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from sweeps.errors import InputError, UserNetworkError
from sweeps.user_network.source import FORM, source_file, split_target


def load_class(target: str) -> type:
    """The class, its file executed. Raises InputError where there is none, UserNetworkError where their code raises."""
    place, name = split_target(target)
    path = source_file(target)
    try:
        module = importlib.import_module(place) if path is None else _execute(path)
    except ModuleNotFoundError as error:
        if path is None and error.name is not None and (place == error.name or place.startswith(f"{error.name}.")):
            raise InputError(f"{target}: there is no module {error.name!r}; {FORM}") from None
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


def _execute(path: Path) -> ModuleType:
    """A file as a module; its folder joins the path's end, so that it finds its neighbours, now and later."""
    name = f"user_network_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}_{path.stem}"
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise InputError(f"{path}: is no Python file; {FORM}")
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
