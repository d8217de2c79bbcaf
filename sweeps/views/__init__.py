"""What a person looks at: tables and progress in the terminal, the report page, pictures.

Views show what `results` and `analysis` found out, and decide nothing; MLflow's own pages are `tracking.mlflow_pages`.
"""
