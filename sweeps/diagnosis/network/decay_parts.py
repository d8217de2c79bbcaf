"""Weights that a decay, a penalty, or both leave out, though they count others: a column, a row, a layer."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sweeps.diagnosis.network.decay_faults import DecayKind, PartFault
from sweeps.diagnosis.network.subject import Array
from sweeps.formatting import listed

_NOTHING = 1e-2  # of what is taken of a usual weight, relative to it: that one is left out
_SMALL = 1e-3  # of the largest weight: of smaller ones nothing is told

Mask = NDArray[np.bool_]


def left_out(weights: Sequence[Array], decay: Sequence[Array], penalty: Sequence[Array]) -> PartFault | None:
    """What one of both leaves out, or both do; all layer by layer, (n_out, n_in). None where all weights count."""
    told = [np.abs(w) > _SMALL * max(np.max(np.abs(v)) for v in weights) for w in weights]
    no_decay, no_penalty = _absent(weights, decay, told), _absent(weights, penalty, told)
    alone = [(DecayKind.DECAY_LEAVES_OUT, no_decay, no_penalty), (DecayKind.PENALTY_LEAVES_OUT, no_penalty, no_decay)]
    for kind, absent, other in alone:
        odd = [a & ~o for a, o in zip(absent, other, strict=True)]
        if any(np.any(o) for o in odd):
            return _fault(kind, odd, told)
    if any(np.any(a) for a in no_decay):
        return _fault(DecayKind.BOTH_LEAVE_OUT, no_decay, told)
    return None


def counted(weights: Sequence[Array], decay: Sequence[Array], penalty: Sequence[Array]) -> Mask:
    """Which weights, flat, both count."""
    told = [np.ones(w.shape, bool) for w in weights]
    absent = zip(_absent(weights, decay, told), _absent(weights, penalty, told), strict=True)
    return np.concatenate([np.ravel(~(d | p)) for d, p in absent])


def _absent(weights: Sequence[Array], taken: Sequence[Array], told: Sequence[Mask]) -> list[Mask]:
    parts = [np.abs(v) / np.maximum(np.abs(w), 1e-300) for w, v in zip(weights, taken, strict=True)]
    usual = np.concatenate([part[of] for part, of in zip(parts, told, strict=True)])
    usual = usual[usual > _NOTHING * np.max(usual)]
    return [(part <= _NOTHING * np.median(usual)) & of for part, of in zip(parts, told, strict=True)]


def _fault(kind: DecayKind, masks: Sequence[Mask], told: Sequence[Mask]) -> PartFault:
    phrases: dict[str, list[int]] = {}
    for layer, (mask, of) in enumerate(zip(masks, told, strict=True), 1):
        if np.any(mask):
            phrases.setdefault(_phrase(mask | ~of, mask), []).append(layer)
    layers = tuple(sorted(layer for group in phrases.values() for layer in group))
    of_layers = {phrase: f"layer{'s' * (len(of) > 1)} {listed(list(map(str, of)))}" for phrase, of in phrases.items()}
    where = listed([f"{phrase} of {layer}" for phrase, layer in of_layers.items()])
    whole = all(phrase == _ALL for phrase in phrases)
    return PartFault(kind, where, sum(int(np.sum(m)) for m in masks), sum(m.size for m in masks), whole, layers)


_ALL = "all weights"


def _phrase(mask: Mask, certain: Mask) -> str:
    """mask: left out, or too small to tell. certain: left out."""
    if np.all(mask):
        return _ALL
    for word, axis in (("column", 0), ("row", 1)):
        lines = np.all(mask, axis=axis)
        if np.any(lines) and not np.any(certain & ~np.expand_dims(lines, axis)):
            return _lines(word, [int(k) for k in np.flatnonzero(lines)], len(lines))
    return f"{np.sum(certain)} of {mask.size} weights"


def _lines(word: str, found: Sequence[int], count: int) -> str:
    if len(found) > 1:
        return f"{word}s {listed([str(k + 1) for k in found])}"
    return f"the last {word}" if found[0] == count - 1 else f"{word} {found[0] + 1}"
