"""What is wrong with somebody's network, or with a run that they recorded.

Findings and their entrances are here; the examination of a class is `network`, that of curves is `curves`.
"""
