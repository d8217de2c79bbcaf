"""What the curves of a recorded run prove about it, without its code."""
