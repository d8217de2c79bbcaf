"""The tracking store: the only importer of MLflow, and the only writer of runs. Importing this imports nothing."""
