"""Every metric that is recorded of a training: its name as it stands in MLflow, its family, its place. Once, here."""

import re
from collections.abc import Iterable
from enum import StrEnum

TRAIN_DATA = "cost/train_data"
VALIDATION_DATA = "cost/validation_data"
PENALTY = "cost/penalty"
TRAIN_TOTAL = "cost/train_total"
VALIDATION_TOTAL = "cost/validation_total"
CONSTANT_ANSWER = "cost/constant_answer"  # of a user's network, measured before training: of outputs 1 / classes each
TRAIN_ACCURACY = "accuracy/train"
VALIDATION_ACCURACY = "accuracy/validation"
WEIGHT_NORM = "weight_norm/total"
SHARPNESS = "stability/sharpness"
EDGE = "stability/edge"
BATCH_SHARPNESS = "stability/batch_sharpness"
BATCH_EDGE = "stability/batch_edge"
NOISE_SCALE = "stability/noise_scale"
TEST_DATA = "cost/test_data"
TEST_ACCURACY = "accuracy/test"

TEST = (TEST_DATA, TEST_ACCURACY)  # evaluated once, at the end; all others have a value an epoch

_COSTS = (TRAIN_DATA, VALIDATION_DATA, PENALTY, TRAIN_TOTAL, VALIDATION_TOTAL)
_STABILITY = (EDGE, BATCH_EDGE, SHARPNESS, BATCH_SHARPNESS, NOISE_SCALE)


class Family(StrEnum):
    """What stands before the slash, in the order in which people read it."""

    COST = "cost"
    ACCURACY = "accuracy"
    WEIGHT_NORM = "weight_norm"
    BIAS_NORM = "bias_norm"
    GRADIENT_NORM = "gradient_norm"
    UPDATE_RATIO = "update_ratio"
    SATURATION = "saturation"
    STABILITY = "stability"


_SHARES = (Family.ACCURACY, Family.SATURATION)
_ORDER = list(Family)


def by_layer(family: Family, layer: int) -> str:
    """The metric of one layer, 1 the first with weights."""
    return f"{family}/layer_{layer}"


def layer_of(metric: str, family: Family) -> int | None:
    """The layer whose metric of the family it is; None where it is none."""
    found = re.fullmatch(rf"{family}/layer_(\d+)", metric)
    return int(found[1]) if found else None


def is_of(metric: str, *families: Family) -> bool:
    """Whether a metric is of one of the families."""
    return metric.partition("/")[0] in families


def is_share(metric: str) -> bool:
    """Whether it lies between 0 and 1: such metrics are compared by their plain difference."""
    return is_of(metric, *_SHARES)


def without_layer(metric: str) -> str:
    """Its name where layers are told as one."""
    return re.sub(r"/layer_\d+$", "", metric)


def by_epoch(names: Iterable[str]) -> list[str]:
    """Of the names, the metrics that have a value an epoch, in reading order."""
    return sorted((name for name in names if "/" in name and name not in TEST), key=_place)


def final(metric: str) -> str:
    """The column of the trials table with its value at a trial's last epoch."""
    return f"final.{metric}"


def best(metric: str) -> str:
    """The column of the trials table with its value at the epoch with the best objective."""
    return f"best.{metric}"


def _place(metric: str) -> tuple[int, int, str, int]:
    """A sort key: families in reading order, costs from parts to totals, edges before what they are made of."""
    family = next((place for place, one in enumerate(_ORDER) if is_of(metric, one)), len(_ORDER))
    ordered = (*_COSTS, *_STABILITY)
    within = ordered.index(metric) if metric in ordered else len(ordered)
    layer = re.fullmatch(r"(.*?)(\d*)", metric)
    stem, number = layer.groups() if layer else (metric, "")
    return family, within, "" if stem.endswith("total") else stem, int(number or 0)
