"""Ways to read somebody's network: parameters, outputs, step and cost, found by name and kept by measurement.

A module for each family of shapes; what speaks to a network that was read is `user_network.wrapper`.
"""
