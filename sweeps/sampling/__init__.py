"""Which settings a trial gets, and when one that is behind is stopped: pure functions of the spec and of outcomes.

The only importer of Optuna; when a trial may be proposed is decided in `driver.schedule`.
"""
