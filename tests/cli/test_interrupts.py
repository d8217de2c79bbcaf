"""A signal that ends a command is heard once, and says nothing of Python's, wherever in the program it strikes."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

STRUCK = {
    "where it may raise": "os.kill(os.getpid(), number)",
    "in a weak reference's callback": "kept = Kept(); reference = weakref.ref(kept, strike); del kept",
    "in a destructor": "Kept.__del__ = strike; Kept()",
}
PROGRAM = """
import os, signal, sys, time, weakref
from sweeps.cli.interrupts import heed

number = signal.Signals[sys.argv[1]]
heed(signal.SIGINT, signal.SIGTERM)
heed(signal.SIGINT)

class Kept: ...

def strike(kept):
    os.kill(os.getpid(), number)
    for _ in range(1000): pass  # a handler runs between two steps of the program

heard = 0
try:
    STRIKE
    time.sleep(60)
except KeyboardInterrupt:
    heard += 1
try:
    time.sleep(0.5)
except KeyboardInterrupt:
    heard += 1
print(heard)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("place", STRUCK)
def test_a_signal_is_heard_once_wherever_it_strikes(place: str, name: str) -> None:
    program, began = PROGRAM.replace("STRIKE", STRUCK[place]), time.monotonic()
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", program, name]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=120)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("1\n", "", 0)
    assert time.monotonic() - began < 55


def test_other_errors_that_cannot_be_raised_are_still_printed() -> None:
    program = """
from sweeps.cli.interrupts import heed
heed()
class Kept:
    def __del__(self): raise OSError("lost")
Kept()
"""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert "OSError: lost" in ended.stderr
