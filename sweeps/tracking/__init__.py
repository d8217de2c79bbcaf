"""The record of sweeps in MLflow, and the only importer of MLflow.

It writes and reads runs, tables and models; `driver` decides what is recorded, `results` queries what is read.
"""
