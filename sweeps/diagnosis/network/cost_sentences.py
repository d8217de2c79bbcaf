"""What is said of a reported cost that is none of the outputs, or another than the one that is descended."""

from sweeps.diagnosis.network.gradient_faults import CostFault
from sweeps.diagnosis.network.remedies import EVALUATE, SAME_COST, WITH_LOG, Sentence


def cost_of_z(fault: CostFault) -> Sentence:
    said = (
        f"The reported cost should be taken of the outputs a; it is the {fault.reported} of the weighted inputs z that "
        f"the outputs come from.{_descends(fault)}"
    )
    return said, EVALUATE


def cost_without_log(fault: CostFault) -> Sentence:
    said = f"The reported cost is the {fault.reported} without its logarithm, linear in the outputs.{_descends(fault)}"
    return said, WITH_LOG


def cost_other(fault: CostFault) -> Sentence:
    said = f"The reported cost is the {fault.reported}, and the step descends another.{_descends(fault)}"
    return said, SAME_COST


def _descends(fault: CostFault) -> str:
    if not fault.descended:
        return ""
    times = "" if abs(fault.factor - 1) < 1e-3 else f"{fault.factor:.4g} times "
    return f" What a step descends is {times}the {fault.descended} of the outputs."
