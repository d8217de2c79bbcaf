"""The first line of a diagnosis, and the order of its findings: nothing that was not judged looks like no fault."""

from collections.abc import Sequence

from sweeps.diagnosis.findings import Code, Finding, Severity
from sweeps.formatting import listed

_UNJUDGED = (Code.INCONCLUSIVE, Code.OPTIMIZER_UNSUPPORTED, Code.EVALUATE_RANDOM)
_SEVEREST_FIRST = (Severity.FAULT, Severity.WARNING, Severity.INFO)


def ordered(findings: Sequence[Finding]) -> list[Finding]:
    """Faults, what was not judged, warnings, what is worth knowing, and `clean` last."""
    return sorted(findings, key=_rank)


def _rank(finding: Finding) -> tuple[bool, bool, int, bool]:
    is_fault = finding.severity is Severity.FAULT
    severity = _SEVEREST_FIRST.index(finding.severity)
    return not is_fault, finding.code not in _UNJUDGED, severity, finding.code is Code.CLEAN


def headline(findings: Sequence[Finding]) -> str:
    """How many faults, whether anything was judged, and where it was not."""
    faults = sum(finding.severity is Severity.FAULT for finding in findings)
    unjudged = [finding for finding in findings if finding.code in _UNJUDGED]
    is_clean = any(finding.code is Code.CLEAN for finding in findings)
    if not faults and unjudged and not is_clean:
        return "not judged, so nothing is known of its faults"
    said = "no fault" if not faults else "1 fault" if faults == 1 else f"{faults} faults"
    if not unjudged:
        return said
    where = [size for finding in unjudged for size in _sizes(finding)]
    left = f"not judged on layers {listed(list(dict.fromkeys(where)))}" if where else "not wholly judged"
    return f"{said} in what was judged; {left}" if is_clean else f"{said}; {left}"


def _sizes(finding: Finding) -> list[str]:
    sizes = finding.evidence.get("sizes")
    return [str(size) for size in sizes] if isinstance(sizes, list | tuple) else []
