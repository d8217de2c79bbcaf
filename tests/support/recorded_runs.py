"""Recorded runs for tests, and what is found in them."""

import json

import numpy as np
from numpy.typing import ArrayLike

from sweeps.diagnosis.curves.recorded_run import RecordedRun
from sweeps.diagnosis.curves.run_facts import RunFacts
from sweeps.diagnosis.diagnose_run import diagnose_run
from sweeps.diagnosis.findings import Code, Finding, Severity

SMALL = RunFacts(sizes=(64, 20, 10), n=1200, evaluated_n=300)  # allowed rise of the total: 5 * (1 + 4) = 25


def run_of(cost: ArrayLike, **columns: ArrayLike) -> RecordedRun:
    return RecordedRun(np.arange(len(np.asarray(cost))), np.asarray(cost, float), **columns)


def found(run: RecordedRun, facts: RunFacts) -> dict[Code, Finding]:
    """By code; checks what every finding owes its readers: plain JSON, and a sentence that ends."""
    findings = diagnose_run(run, facts)
    for finding in findings:
        json.dumps(finding.to_table(), allow_nan=False)
        assert finding.message.endswith(".")
        assert finding.remedy.endswith(".")
    order = list(Severity)
    assert findings == sorted(findings, key=lambda finding: order.index(finding.severity))
    return {finding.code: finding for finding in reversed(findings)}
