"""Loads somebody's network class, which executes their file."""

import difflib
import importlib
from types import ModuleType

from sweeps.errors import InputError, UserNetworkError
from sweeps.user_network.describing import describe
from sweeps.user_network.executing import execute
from sweeps.user_network.functions import functions_network, stateless_network
from sweeps.user_network.readings.naming import named_like
from sweeps.user_network.source import FORM, find_beside, source_file, split_target

ADAPTER = (
    "an adapter brings them together: a class made from sweeps.UserNetwork with parameters, outputs and step "
    "(docs/own-network.md, or sweeps adapt FILE:NAME --out adapted.py)"
)


def load_class(target: str) -> type:
    """The class, its file executed. Raises InputError where there is none, UserNetworkError where their code raises."""
    place, name = split_target(target)
    path = source_file(target)
    try:
        if path is None:
            find_beside()
        module = importlib.import_module(place) if path is None else execute(path, name)
    except ModuleNotFoundError as error:
        if path is None and error.name is not None and (place == error.name or place.startswith(f"{error.name}.")):
            raise InputError(f"{target}: there is no module {error.name!r}; {FORM}") from None
        raise UserNetworkError(describe(error, path)) from error
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        raise UserNetworkError(describe(error, path)) from error
    if not name:
        return _only_network(module, place)
    found = getattr(module, name, None)
    if isinstance(found, type):
        return stateless_network(found, module) or found
    classes = [word for word, value in vars(module).items() if isinstance(value, type)]
    near = difflib.get_close_matches(name, classes, n=1, cutoff=0.5)
    known = f"did you mean {near[0]!r}?" if near else f"classes there: {', '.join(sorted(classes)) or 'none'}"
    raise InputError(f"{place}: has no class {name!r}; {known}")


def _only_network(module: ModuleType, place: str) -> type:
    """The one class of a file, or its functions. Raises InputError where there are several, or none."""
    own = [v for v in vars(module).values() if isinstance(v, type) and v.__module__ == module.__name__]
    networks = [v for v in own if named_like(list(vars(v)), "outputs") and named_like(list(vars(v)), "step")]
    functions = functions_network(module)
    if len(networks) == 1 or (len(own) == 1 and functions is None):
        only = (networks or own)[0]
        return stateless_network(only, module) or only
    if functions is not None and not networks:
        return functions
    if not own:
        raise InputError(
            f"{place}: has no class, and no functions that make a network: one that is called init... and returns "
            f"parameters, and one that is called forward... or predict... and takes them; {ADAPTER}"
        )
    names = ", ".join(sorted(found.__name__ for found in own))
    raise InputError(f"{place}: say which class, as in {place}:NAME; there are: {names}")
