"""Python imports this by itself, where this folder is in PYTHONPATH: in every process of a case that starts anew."""

from clock_of_the_case import obey

obey()
