"""Executes somebody's file as Python would for them; of a script that trains, only what it defines."""

import __future__

import ast
import contextlib
import hashlib
import importlib
import importlib.machinery
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from sweeps.errors import InputError

_DEFINES = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_RUNS = (ast.For, ast.While, ast.With, ast.AsyncFor, ast.AsyncWith, ast.Delete, ast.Assert)
_READS = ("load", "read", "open", "fetch", "input", "genfromtxt", "fromfile", "download", "plot", "figure", "subplots")
_HARMLESS = ("sys.path", "np.random.seed", "numpy.random.seed", "random.seed", "warnings.", "np.seterr", "os.environ")
_FUTURE = sum({getattr(__future__, name).compiler_flag for name in __future__.all_feature_names})
_told: set[Path] = set()
_left_out: dict[Path, dict[str, int]] = {}


def execute(path: Path, wanted: str) -> ModuleType:
    """A file, or a notebook, as a module of a name of its own. wanted: the class, "" for whatever is there.

    Its folder comes first while it is executed, as it does for them: their `model.py` is not ours. A file of a package
    is that package's. Where a script goes on to train, only its imports, functions, classes and constants are executed,
    and standard error says so. A module that is not installed is missed where it is used, not where it is imported.
    `__returned__` of the module: the names in what each of its functions returns.
    """
    name = f"user_network_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}_{path.stem}"
    module = ModuleType(name)
    module.__file__ = str(path)
    root, package = _package_of(path)
    module.__package__ = package
    sys.modules[name] = module
    try:
        tree = ast.parse(_text(path), filename=str(path))
        taken = _definitions(tree, path, wanted)
        _left_out[path] = _names_set([node for node in tree.body if node not in taken.body])
        module.__dict__["__returned__"] = _returned_names(tree)
        with _found_first(root):
            if package:
                importlib.import_module(package)
            _run(taken, module, path, is_whole=taken is tree)
        absent = [value for value in vars(module).values() if isinstance(value, _Absent)]
        if absent and wanted and wanted not in vars(module):
            raise absent[0].error
    except BaseException:
        del sys.modules[name]
        raise
    return module


def left_out(path: Path | None) -> dict[str, int]:
    """Names that a script gives a value which was not taken, with the line where it does."""
    return _left_out.get(path, {}) if path else {}


class _Absent:
    """Stands for what was imported from a module that is not installed. Raises ModuleNotFoundError once it is used."""

    def __init__(self, error: ModuleNotFoundError) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__mro_entries__":
            raise AttributeError(name)
        raise self.error.with_traceback(None)

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise self.error.with_traceback(None)


def _run(tree: ast.Module, module: ModuleType, path: Path, is_whole: bool) -> None:
    """Statement by statement. is_whole: whether every one is there that the next may need."""
    future: list[ast.stmt] = [
        node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    ]
    flags = compile(ast.Module(future, []), str(path), "exec", dont_inherit=True).co_flags
    for node in tree.body:
        code = compile(ast.Module([node], []), str(path), "exec", flags & _FUTURE, dont_inherit=True)
        try:
            exec(code, module.__dict__)
        except ModuleNotFoundError as error:
            if not isinstance(node, ast.Import | ast.ImportFrom) or any(alias.name == "*" for alias in node.names):
                raise
            for alias in node.names:
                module.__dict__[alias.asname or alias.name.partition(".")[0]] = _Absent(error)
        except Exception:
            if is_whole or not isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr):
                raise
            _left_out[path] |= _names_set([node])  # computed from what was left out


def _names_set(nodes: list[ast.stmt]) -> dict[str, int]:
    inner = [part for node in nodes for part in ast.walk(node)]
    return {part.id: part.lineno for part in inner if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}


def _returned_names(tree: ast.Module) -> dict[str, tuple[str, ...]]:
    """Of each function, by its qualified name: the names that its last return has, () where it has others."""
    found: dict[str, tuple[str, ...]] = {}
    owners = [("", tree.body), *((f"{n.name}.", n.body) for n in tree.body if isinstance(n, ast.ClassDef))]
    for owner, body in owners:
        for function in (node for node in body if isinstance(node, ast.FunctionDef)):
            returns = [node for node in ast.walk(function) if isinstance(node, ast.Return)]
            last = max(returns, key=lambda node: node.lineno).value if returns else None
            parts = last.elts if isinstance(last, ast.Tuple | ast.List) else [last]
            names = tuple(part.id for part in parts if isinstance(part, ast.Name))
            found[owner + function.name] = names if len(names) == len(parts) else ()
    return found


def _text(path: Path) -> str | bytes:
    if path.suffix != ".ipynb":
        return path.read_bytes()
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: is no notebook: {error}") from error
    lines = [line for cell in code for line in cell.splitlines()]
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines) + "\n"


def _package_of(path: Path) -> tuple[Path, str]:
    """(the folder that imports start from, the dotted package that the file is in, "" for none)."""
    folder, parts = path.parent, list[str]()
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        parts.insert(0, folder.name)
        folder = folder.parent
    return folder, ".".join(parts)


@contextlib.contextmanager
def _found_first(folder: Path) -> Iterator[None]:
    """Imports find the folder's modules first, whatever of their names this process holds already; afterwards last."""
    names = {entry.stem if entry.suffix == ".py" else entry.name for entry in folder.iterdir()}
    hidden = {
        name: module
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in names and _is_elsewhere(name.partition(".")[0], folder)
    }
    for name in hidden:
        del sys.modules[name]
    importlib.invalidate_caches()
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
        tops = {name for name in names if name in sys.modules and _stands_in_the_way(name, folder)}
        tops |= {name.partition(".")[0] for name in hidden}
        for name in [name for name in sys.modules if name.partition(".")[0] in tops]:
            del sys.modules[name]
        sys.modules.update(hidden)


def _is_elsewhere(name: str, folder: Path) -> bool:
    """Whether the module of this name that is loaded is another than the one that the folder has."""
    file = getattr(sys.modules.get(name), "__file__", None)
    has_one = (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()
    if name in ("__main__", "builtins", "sys") or name not in sys.modules or not has_one:
        return False
    return file is None or folder not in (Path(file).resolve().parent, Path(file).resolve().parent.parent)


def _stands_in_the_way(name: str, folder: Path) -> bool:
    """Whether the folder's module was loaded where another of its name is found once the folder comes last."""
    if _is_elsewhere(name, folder) or name in ("__main__", "builtins", "sys"):
        return False
    found = importlib.machinery.PathFinder.find_spec(name)
    return found is not None and bool(found.origin) and folder not in Path(str(found.origin)).resolve().parents


def _definitions(tree: ast.Module, path: Path, wanted: str) -> ast.Module:
    """The whole file; where it goes on to run things after the wanted class, its definitions."""
    kinds = (ast.ClassDef,) if wanted else (ast.ClassDef, ast.FunctionDef)
    places = [k for k, node in enumerate(tree.body) if isinstance(node, kinds) and wanted in ("", node.name)]
    if not places:
        return tree
    running = [node for node in tree.body[places[-1] :] if _runs(node)]
    if not running:
        return tree
    if path not in _told:
        _told.add(path)
        said = f"{path}: line {running[0].lineno} would run the script; only what it defines was taken"
        print(said, file=sys.stderr)  # noqa: T201 - in a worker, whose standard error is the person's
    return ast.Module([node for node in tree.body if _defines(node)], [])


def _runs(node: ast.stmt) -> bool:
    return isinstance(node, _RUNS) or (isinstance(node, ast.Expr | ast.Assign | ast.AugAssign) and not _defines(node))


def _defines(node: ast.stmt) -> bool:
    """Whether a statement only makes something known: a definition, a constant, a setting of modules."""
    if isinstance(node, _DEFINES):
        return True
    if isinstance(node, ast.If | ast.Try):
        parts = [*node.body, *node.orelse, *(s for h in getattr(node, "handlers", ()) for s in h.body)]
        return not _is_main(node) and all(_defines(part) or isinstance(part, ast.Pass) for part in parts)
    if isinstance(node, ast.Expr):
        text = ast.unparse(node)
        return isinstance(node.value, ast.Constant) or text.startswith(_HARMLESS)
    if isinstance(node, ast.Assign | ast.AnnAssign):
        calls = [inner for inner in ast.walk(node) if isinstance(inner, ast.Call | ast.Await)]
        return all(_is_of_a_module(call) for call in calls)
    return isinstance(node, ast.Pass | ast.TypeAlias) if hasattr(ast, "TypeAlias") else isinstance(node, ast.Pass)


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)


def _is_of_a_module(call: ast.Call | ast.Await) -> bool:
    """Whether it is a call such as np.sqrt(2): no file is read, no class of theirs made."""
    text = ast.unparse(call.func) if isinstance(call, ast.Call) else ""
    return text.startswith(("np.", "numpy.", "math.")) and not any(word in text.lower() for word in _READS)
