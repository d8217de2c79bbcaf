"""What the curves of a recorded run prove about it, without its code.

What became of a training of our own is `verdicts`.
"""
