"""Exported models as MLflow models that answer over HTTP, without this package and without pickle."""
