"""Makes a network of somebody's class, its arguments bound by name: sizes, numbers of units, settings of the field."""

import inspect
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sweeps.errors import UserNetworkError
from sweeps.user_network.readings.described_layers import DescribedLayers, described_layers
from sweeps.user_network.readings.naming import NEUTRAL, Role, constructor_role, plain
from sweeps.user_network.readings.reading import quietly

_MOST = 24  # ways that are tried
_SETTINGS: dict[Role, Any] = {Role.ETA: 0.1, Role.LMBDA: 0.0, Role.M: 10, Role.EPOCHS: 1, Role.N: 100}
_WORDS: dict[str, tuple[Any, ...]] = {
    "activation": ("sigmoid", "relu", "tanh"),
    "cost": ("cross_entropy", "quadratic", "mse", "crossentropy", "categorical_crossentropy"),
    "init": ("xavier", "random", "he", "normal"),
    "optimizer": ("sgd", "gd"),
}
_ALIKE = {
    "activation": "activation act hiddenactivation activationfunction activations outputactivation actfn nonlinearity",
    "cost": "cost loss lossfunction costfunction criterion lossname costname lossfn costfunc lossfunc objective",
    "init": "init initializer initialization weightinit initmethod initialisation",
    "optimizer": "optimizer optimiser solver",
}


def made_by_name(network: type, sizes: Sequence[int], file: Path | None, module: Any = None) -> Any:
    """A network with these layers. Raises UserNetworkError with what its constructor wants and cannot be given."""
    return made_and_how(network, sizes, file, module)[0]


def made_and_how(network: type, sizes: Sequence[int], file: Path | None, module: Any = None) -> tuple[Any, str]:
    """The network, and the arguments that made it, as Python."""
    said: list[str] = []
    for arguments, keywords in itertools.islice(_ways(network, list(sizes), module), _MOST):
        shown = ", ".join([*map(repr, arguments), *(f"{name}={value!r}" for name, value in keywords.items())])
        try:
            with quietly(file, f"{network.__name__}({shown})"):
                return network(*arguments, **keywords), _as_python(arguments, keywords, list(sizes))
        except UserNetworkError as error:
            said.append(str(error))
    raise UserNetworkError("\n".join(dict.fromkeys(said[:1] + said[-1:])))


def _ways(network: type, sizes: list[int], module: Any) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Arguments that may make one, likeliest first."""
    try:
        parameters = list(inspect.signature(network).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    named = [(p, constructor_role(p.name)) for p in parameters]
    layered = {Role.SIZES, Role.HIDDEN, Role.N_IN, Role.N_OUT, Role.N_HIDDEN}
    tells = [role for _, role in named if role in layered]
    needed = [p for p in parameters if p.default is inspect.Parameter.empty and p.kind is not p.VAR_KEYWORD]
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        yield tuple(sizes), {}
    if not tells or tells[:1] == [Role.SIZES] or set(tells) == {Role.N_HIDDEN}:
        yield (sizes,), {}
    yield from (((), keywords) for keywords in _by_name(named, sizes, module, needed, bool(tells)))
    if tells:
        yield (sizes,), {}
    described = described_layers(network, sizes)
    if described is not None:
        yield (described,), {}


def _by_name(
    named: list[tuple[inspect.Parameter, Role | None]], sizes: list[int], module: Any, needed: list[Any], tells: bool
) -> Iterator[dict[str, Any]]:
    options: dict[str, tuple[Any, ...]] = {}
    hidden, unit = sizes[1:-1], 0
    unnamed = 0
    for parameter, role in named:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        name, is_needed = parameter.name, parameter in needed
        if (
            role is Role.N_HIDDEN
            and len(hidden) > 1
            and not plain(name)[-1].isdigit()
            and not any(r is Role.N_HIDDEN and p is not parameter for p, r in named)
        ):
            options[name] = (hidden, hidden[0])
        elif role is Role.N_HIDDEN:
            options[name] = ((hidden[unit] if unit < len(hidden) else None), hidden)
            unit += 1
        elif role in (Role.SIZES, Role.HIDDEN, Role.N_IN, Role.N_OUT, Role.DEPTH):
            listed = sizes if not any(r in (Role.N_IN, Role.HIDDEN) for _, r in named) else hidden
            options[name] = {
                Role.SIZES: (listed, tuple(listed)),
                Role.HIDDEN: (hidden, tuple(hidden), *hidden[:1]),
                Role.N_IN: (sizes[0],),
                Role.N_OUT: (sizes[-1],),
                Role.DEPTH: (len(hidden),),
            }[role]
        elif is_needed:
            options[name] = _setting(name, role, module) or ((sizes,) if not tells and not unnamed else (None,))
            unnamed += not _setting(name, role, module)
    for chosen in itertools.product(*options.values()):
        yield dict(zip(options, chosen, strict=True))


def _setting(name: str, role: Role | None, module: Any) -> tuple[Any, ...]:
    """Values of the field for an argument that has no default; () where its name tells nothing."""
    word = plain(name)
    if role in _SETTINGS:
        assert role is not None
        return (_SETTINGS[role],)
    if word in NEUTRAL:
        return (NEUTRAL[word],)
    for kind, words in _ALIKE.items():
        if word in words.split() or word.startswith(kind):
            return (*_WORDS[kind], *_theirs(kind, module))
    return ()


def _theirs(kind: str, module: Any) -> list[Any]:
    """What their own file has for it: a function sigmoid, a class CrossEntropyCost."""
    wanted = {"activation": ("sigmoid", "relu", "tanh"), "cost": ("cost", "loss", "entropy", "mse")}.get(kind, ())
    found = [value for name, value in vars(module).items() if any(w in name.lower() for w in wanted)] if module else []
    return [value for value in found if callable(value)] + [v() for v in found if isinstance(v, type) and not _wants(v)]


def _wants(kind: type) -> bool:
    try:
        parameters = inspect.signature(kind).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)


def _as_python(arguments: tuple[Any, ...], keywords: dict[str, Any], sizes: list[int]) -> str:
    """Arguments of any sizes: numbers of units by their place in them."""

    def word(value: Any) -> str:
        for known, text in ((sizes, "sizes"), (tuple(sizes), "tuple(sizes)"), (sizes[1:-1], "sizes[1:-1]")):
            if type(value) is type(known) and value == known:
                return text
        if isinstance(value, DescribedLayers):
            return value.python
        if type(value) is int and value in sizes:
            return "sizes[-1]" if value == sizes[-1] else f"sizes[{sizes.index(value)}]"
        return value.__name__ if hasattr(value, "__name__") else repr(value)

    if list(arguments) == sizes and len(sizes) > 1:
        return "*sizes"
    return ", ".join([*map(word, arguments), *(f"{name}={word(value)}" for name, value in keywords.items())])
