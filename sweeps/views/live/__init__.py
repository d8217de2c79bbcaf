"""A sweep while it runs, in a terminal: what a store says of it at a moment, and how that is shown at any size.

It reads and never writes; the bar that `sweeps run` shows of its own sweep is `views.terminal_progress`.
"""
