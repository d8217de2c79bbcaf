"""Examines a network class: at several sizes, points, batch sizes, eta and lambda. What it measures, others judge."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sweeps.diagnosis.decay import DecayFault, judge_decay
from sweeps.diagnosis.findings import Code
from sweeps.diagnosis.gradients import Fault, judge_gradient
from sweeps.diagnosis.steps import ETA, draw_point, kind_of_step
from sweeps.diagnosis.subject import InconclusiveError, StateShapeError, Subject
from sweeps.errors import GuestError
from sweeps.guests.guest import Guest

# Equal widths let a missing transpose run; unequal ones make it raise. One to three hidden layers.
SIZES = ((4, 3, 3, 3), (5, 4, 3), (3, 4, 5, 4, 3))
