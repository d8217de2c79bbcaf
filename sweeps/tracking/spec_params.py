"""A spec as params and tags of the sweep's run, and back."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from sweeps.specification.reading import parse_spec
from sweeps.specification.spec import SweepSpec
from sweeps.tracking.records import DRIVER, NETWORK, SWEEP_RUN
from sweeps.tracking.run_reading import StoredRun

RULES = "verdict.rules"  # tag of the sweep's run: the version of the rules that it began with
SOURCE_TAGS = ("target", "file", "digest", "decay", "faults")  # of a user's network, as tags of the sweep run


def changed_file(known: SweepSpec, spec: SweepSpec) -> list[str]:
    """What to say where the file of a sweep's network is not what it was; nothing where it is."""
    old, new = known.network, spec.network
    if old is None or new is None or old.named != new.named or old.digest == new.digest:
        return []
    kept = f"the old file's text is the artifact {NETWORK}/{Path(old.file).name} of the run `{SWEEP_RUN}`"
    return [f"network: the file {new.file} has changed, SHA-256 was {old.digest}, is now {new.digest}; {kept}"]


def spec_params(spec: SweepSpec) -> dict[str, str]:
    """The spec as params of the sweep run, JSON by dotted key. `trials` may grow, so it is a tag instead."""
    flat: dict[str, str] = {}
    for key, value in spec.to_table().items():
        if isinstance(value, dict):
            flat |= {f"{key}.{name}": json.dumps(inner) for name, inner in value.items()}
        elif key != "trials":
            flat[key] = json.dumps(value)
    return flat


def spec_from_run(run: StoredRun) -> SweepSpec:
    """The spec that `spec_params` wrote."""
    table: dict[str, Any] = {"trials": int(run.data.tags["trials"])}
    for key, text in run.data.params.items():
        section, dot, name = key.partition(".")
        if section == DRIVER:
            continue
        if dot:
            table.setdefault(section, {})[name] = json.loads(text)
        else:
            table[key] = json.loads(text)
    spec = parse_spec(table, f"the spec recorded in run {run.info.run_id}", check_data=False)
    spec = replace(spec, rules=int(run.data.tags.get(RULES, "1")))  # sweeps older than the tag
    if spec.network is None:
        return spec
    known = {name: run.data.tags.get(f"{NETWORK}.{name}", "") for name in SOURCE_TAGS}
    return replace(spec, network=replace(spec.network, **known))
