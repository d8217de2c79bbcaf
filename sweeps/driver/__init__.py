"""Runs a sweep: which training is next, the loop that feeds the workers, the thread that records.

How settings are proposed is `sampling`, what a worker does is `worker`, what stands in MLflow is `tracking`.
"""
