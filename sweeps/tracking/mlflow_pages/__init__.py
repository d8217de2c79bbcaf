"""What MLflow's own pages show of a sweep: descriptions, the saved view with its charts, addresses.

The report page of our own is `views.report`.
"""
