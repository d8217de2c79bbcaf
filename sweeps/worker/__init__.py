"""What a worker process does with one training, and what it is told and gives back.

It imports neither MLflow, Optuna nor pandas: workers stay small. Where it runs is `executors`.
"""
