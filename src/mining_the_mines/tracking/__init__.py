"""Runs and models in MLflow: written directly, kept on disk while the server does not answer, and read back."""
