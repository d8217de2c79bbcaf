"""The command `sweeps`: what it is given, what it prints, its exit codes.

What is shown is drawn in `views`; nothing here knows how a sweep runs or where it is recorded.
"""
