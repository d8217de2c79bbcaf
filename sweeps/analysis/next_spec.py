"""What follows from a sweep: three sentences for whoever reads nothing else, and a complete spec to run next."""

import itertools
import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from sweeps.analysis.advice import SweepTables, advise, best_cut, decay_cut, fault_sentences
from sweeps.errors import SpecError
from sweeps.formatting import count, listed, printable, threshold, words
from sweeps.specification.reading import parse_spec
from sweeps.specification.spec import SweepSpec
from sweeps.verdicts.verdict import is_stable

_SAFE = 0.9  # of a region's trials are stable: it is called safe
_BOUNDED = {"eta": "eta", "lambda": "lambda", "eta_lambda_over_n": "eta * lambda / n"}  # columns, in words
_LONGEST_NAME = 62  # of the 64 characters that a name may have: two are for the number


def answers(found: SweepTables) -> list[str]:
    """Which settings are safe, why the others fail, what to do next; before these, a fault of the sweep's class."""
    if found.trials.empty:
        return []
    return [*fault_sentences(found.spec), _safe(found), _failing(found), _next(found)]


def _sides(found: SweepTables) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The trials that are stable, and those that are unstable."""
    sides = [is_stable(word) for word in found.trials["verdict"]]
    return found.trials[[side is True for side in sides]], found.trials[[side is False for side in sides]]


def _safe(found: SweepTables) -> str:
    stable, unstable = _sides(found)
    if stable.empty:
        return "No setting is known to be safe: no trial is stable."
    if unstable.empty:
        return "Every setting that was tried is safe: no trial is unstable."
    known = pd.concat([stable, unstable])
    is_lost = np.arange(len(known)) >= len(stable)
    cuts = {name: best_cut(known[name].to_numpy(float), is_lost) for name in _BOUNDED}
    cuts["eta_lambda_over_n"] = cuts["eta_lambda_over_n"] or decay_cut(found)
    below = {name: cut for name, cut in cuts.items() if cut is not None}
    regions = [part for size in range(1, len(below) + 1) for part in itertools.combinations(below, size)]
    inside = {part: np.all([known[name].to_numpy(float) <= below[name] for name in part], axis=0) for part in regions}
    parted = [part for part in regions if (inside[part] & ~is_lost).any()]
    if not parted:
        return "No threshold of eta, lambda or eta * lambda / n parts the stable trials from the others: see the map."

    def worth(part: tuple[str, ...]) -> tuple[bool, float]:
        share = float((~is_lost)[inside[part]].mean())
        return share >= _SAFE, float((inside[part] & ~is_lost).sum()) if share >= _SAFE else share

    best = max(parted, key=worth)
    kept, right = int(inside[best].sum()), int((inside[best] & ~is_lost).sum())
    where = listed([f"{_BOUNDED[name]} below {threshold(below[name])}" for name in best])
    told = f"there, {right} of {count(kept, 'trial')} are stable; outside, {len(stable) - right} of {len(known) - kept}"
    return (
        f"Safe is {where}: {told}." if worth(best)[0] else f"No region is safe altogether. Safest is {where}: {told}."
    )


def _failing(found: SweepTables) -> str:
    _, unstable = _sides(found)
    if unstable.empty:
        return "Nothing failed."
    counts = unstable["verdict"].value_counts()
    told = listed([f"{times} {words(str(word))}" for word, times in counts.items()])
    first = unstable[unstable["verdict"] == counts.index[0]].iloc[0]
    return f"The unstable ones: {told}. As trial {first['trial']}: {first['verdict_reason']}"


def _next(found: SweepTables) -> str:
    advice = [one for one in advise(found) if one.change or not one.trials]
    command = f"`sweeps next {found.spec.name}` prints the spec."
    return f"Next: {advice[0].text} {command}" if advice else f"Next: another seed, or more trials. {command}"


def next_spec(found: SweepTables) -> str:
    """The spec of the sweep that follows, as TOML: this one's with all that the advice changes in it.

    Where two pieces of advice change one key, the first holds; a change that would not make a spec is left out.
    """
    table = found.spec.to_table() | {"name": _next_name(found.spec.name)}
    if found.spec.network is not None:
        table["network"] = found.spec.network.target or found.spec.network.named
    changed: set[str] = set()
    for key, value in _changes(found):
        candidate = _with(table, key, value)
        if key not in changed and _is_spec(candidate):
            table = candidate
            changed.add(key)
    why = [f"# {' '.join(printable(one.text).split())}" for one in advise(found) if set(one.change) & changed]
    return "\n".join([f"# After the sweep {found.spec.name}.", *why, to_toml(table)])


def _changes(found: SweepTables) -> Iterator[tuple[str, Any]]:
    for advice in advise(found):
        for key, text in advice.change.items():
            yield key, tomllib.loads(f"value = {text}")["value"]


def _next_name(name: str) -> str:
    """mnist, mnist-2, mnist-3."""
    stem, dash, last = name.rpartition("-")
    if dash and last.isdigit() and len(last) < 3:
        return f"{stem}-{int(last) + 1}"
    return f"{name[:_LONGEST_NAME]}-2"


def _with(table: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    section, dot, name = key.partition(".")
    return {**table, section: {**table[section], name: value}} if dot else {**table, key: value}


def _is_spec(table: Mapping[str, Any]) -> bool:
    try:
        spec = parse_spec(table, check_data=False)
    except SpecError:
        return False
    return isinstance(spec, SweepSpec)


def to_toml(table: Mapping[str, Any]) -> str:
    """A spec's table as TOML: sections after plain keys, what is inside a section on one line."""
    plain = [f"{key} = {_value(value)}" for key, value in table.items() if not isinstance(value, Mapping)]
    sections = [
        "\n".join(["", f"[{name}]", *(f"{key} = {_value(value)}" for key, value in section.items())])
        for name, section in table.items()
        if isinstance(section, Mapping)
    ]
    return "\n".join([*plain, *sections, ""])


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    told = json.dumps(value, ensure_ascii=False)  # words, whole numbers, floats and true as in TOML
    return "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in told)
