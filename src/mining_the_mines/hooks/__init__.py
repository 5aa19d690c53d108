"""Kedro hooks: check parameters and data before a run, record its nodes, and track it in MLflow."""
