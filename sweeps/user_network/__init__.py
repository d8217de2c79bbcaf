"""Networks that somebody else wrote: found, spoken to in one language, tried, trained.

Whether they are right is `diagnosis`; the built-in network is `model`.
"""
