"""The first line of a diagnosis says what was judged: where nothing was, it does not look like no fault."""

import pytest

from sweeps.diagnosis.findings import Code, Evidence, Finding, Severity
from sweeps.diagnosis.headline import headline, ordered


def finding(code: Code, severity: Severity = Severity.INFO, *sizes: str) -> Finding:
    evidence: dict[str, Evidence] = {"sizes": list(sizes)} if sizes else {}
    return Finding(code, severity, "So it is.", evidence)


CLEAN = finding(Code.CLEAN)
SUMMED = finding(Code.GRADIENT_SUMMED, Severity.FAULT)
FLAT = finding(Code.INCONCLUSIVE, Severity.INFO, "5-4-3")
ADAM = finding(Code.OPTIMIZER_UNSUPPORTED, Severity.INFO, "5-4-3")
PENALTY = finding(Code.PENALTY_SCALE, Severity.WARNING)


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        ([CLEAN], "no fault"),
        ([PENALTY, CLEAN], "no fault"),
        ([SUMMED], "1 fault"),
        ([SUMMED, SUMMED], "2 faults"),
        ([FLAT], "not judged, so nothing is known of its faults"),
        ([ADAM, PENALTY], "not judged, so nothing is known of its faults"),
        ([FLAT, CLEAN], "no fault in what was judged; not judged on layers 5-4-3"),
        ([SUMMED, FLAT, ADAM], "1 fault; not judged on layers 5-4-3"),
        ([SUMMED, finding(Code.INCONCLUSIVE)], "1 fault; not wholly judged"),
    ],
)
def test_the_first_line_says_how_many_faults_and_what_was_not_judged(findings: list[Finding], said: str) -> None:
    assert headline(findings) == said


def test_what_was_not_judged_comes_before_all_but_faults() -> None:
    assert ordered([CLEAN, PENALTY, FLAT, SUMMED]) == [SUMMED, FLAT, PENALTY, CLEAN]
