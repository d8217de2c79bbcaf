"""What became of one training and why: the verdict with its evidence, from its curves and the facts around it.

Pure functions; whole sweeps are `analysis`, faults in somebody's code are `diagnosis`.
"""
